/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The partitions of a disk image that become a machine's tree, and where each is mounted: pure data, made from the
 * output of disk-probe.c and the image policy. Roles are those of the Discoverable Partitions Specification, as in
 * systemd-nspawn.
 */

#include <stdio.h>
#include <sys/types.h>

#include "config/image-policy.h"
#include "config/problem.h"
#include "util/libsystemd.h"

typedef enum DiskTable {
        DISK_NO_TABLE,                  /* the whole image is one file system */
        DISK_GPT,
        DISK_MBR,
} DiskTable;

/* A partition as in its table. */
typedef struct DiskPartition {
        unsigned number;                /* from 1 */
        sd_id128_t type;                /* GPT */
        unsigned mbr_type;              /* MBR */
        uint64_t flags;                 /* GPT's attributes; of an MBR 0x80 for "active" */
        char *label;                    /* GPT's; "" */
        uint64_t offset, size;          /* in bytes */
        char *fstype;                   /* by blkid; "": unknown */
        const char *asks;               /* what its superblock asks of the host (disk-superblock.h); NULL: nothing */
} DiskPartition;

typedef struct DiskRange {
        uint64_t offset, size;
} DiskRange;

typedef struct DiskFacts {
        DiskTable table;
        uint64_t size;                  /* of the image, in bytes */
        DiskRange tables[3];            /* the partition table's own parts; size 0: unused */
        DiskPartition *partitions;      /* without a table, one with number 0 */
        size_t n;
} DiskFacts;

/* A partition that is mounted. */
typedef struct DiskPart {
        PartitionRole role;
        unsigned number;                /* 0: the whole image, or a tmpfs */
        uint64_t offset, size;
        char *fstype;
        const char *dest;               /* absolute, in the tree */
        bool read_only;
} DiskPart;

typedef struct DiskLayout {
        DiskPart parts[_PARTITION_ROLE_MAX];    /* in the order of mounting, "/" first */
        size_t n;
        bool usr_only;                  /* it has no root: "/" is a tmpfs (the first part, without a partition) */
} DiskLayout;

void disk_facts_done(DiskFacts *f);
void disk_layout_done(DiskLayout *l);

/* Whether a partition of this type may be used. Others need not be probed. */
bool disk_partition_matters(const DiskFacts *f, const DiskPartition *p);

/* 0 or -ENOMEM. Faults go to problems, with path as the image's name and from as the setting. */
int disk_layout_make(const DiskFacts *f, const ImagePolicy *policy, const char *path, Source from, DiskLayout *ret,
                     Problems *problems);

/* For --dry-run: lines like "partition 2 (ext4) -> /home ro". */
int disk_layout_print(const DiskLayout *l, FILE *f);
