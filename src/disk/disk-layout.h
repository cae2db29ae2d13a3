/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which parts of a disk image become a machine's tree, and where each goes: from what disk/disk-probe.c has read and
 * the image policy, as pure data. Roles by the Discoverable Partitions Specification, as systemd-nspawn takes them.
 */

#include <stdio.h>
#include <sys/types.h>
#include <systemd/sd-id128.h>

#include "config/image-policy.h"
#include "config/problem.h"

typedef enum DiskTable {
        DISK_NO_TABLE,                  /* one file system from begin to end */
        DISK_GPT,
        DISK_MBR,
} DiskTable;

/* A partition as its table has it. */
typedef struct DiskPartition {
        unsigned number;                /* from 1 on */
        sd_id128_t type;                /* GPT */
        unsigned mbr_type;              /* MBR */
        uint64_t flags;                 /* GPT's attributes; of an MBR 0x80 for "active" */
        char *label;                    /* GPT's; "" */
        uint64_t offset, size;          /* in bytes */
        char *fstype;                   /* what blkid finds in it; "": nothing */
} DiskPartition;

typedef struct DiskFacts {
        DiskTable table;
        uint64_t size;                  /* of the image, in bytes */
        DiskPartition *partitions;      /* without a table one, with number 0 */
        size_t n;
} DiskFacts;

/* A partition that is mounted. */
typedef struct DiskPart {
        PartitionRole role;
        unsigned number;                /* 0: the whole image */
        uint64_t offset, size;
        char *fstype;
        const char *dest;               /* absolute, in the tree */
        bool read_only;
} DiskPart;

typedef struct DiskLayout {
        DiskPart parts[_PARTITION_ROLE_MAX];    /* in the order of mounting, "/" first */
        size_t n;
} DiskLayout;

void disk_facts_done(DiskFacts *f);
void disk_layout_done(DiskLayout *l);

/* Is it of a kind that may be used? Others need not be looked into. */
bool disk_partition_matters(const DiskFacts *f, const DiskPartition *p);

/* All that is wrong goes to problems, which name the image by path and are from's; -ENOMEM is the only failure. */
int disk_layout_make(const DiskFacts *f, const ImagePolicy *policy, const char *path, Source from, DiskLayout *ret,
                     Problems *problems);

/* "partition 2 (ext4) -> /home read-only" a line, for the dry run. */
int disk_layout_print(const DiskLayout *l, FILE *f);
