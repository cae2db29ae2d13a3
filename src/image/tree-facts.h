/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a tree tells about itself, read once by openat2() inside it before anything is changed: is it an operating
 * system, which init has it, whose files are they.
 */

#include <sys/types.h>

#include "util/failure.h"

/* The init systems whose ways differ: how readiness is told, how to shut down and to reboot. */
typedef enum InitFlavour {
        INIT_NONE,              /* nothing that could be PID 1 */
        INIT_SYSTEMD,
        INIT_SYSVINIT,          /* also under OpenRC on sysvinit's init: that init is what is asked to go down */
        INIT_OPENRC,            /* openrc-init as PID 1 */
        INIT_BUSYBOX,
        INIT_RUNIT,
        INIT_FINIT,
        INIT_S6,
        INIT_DINIT,
        INIT_OTHER,
        _INIT_FLAVOUR_MAX,
} InitFlavour;

const char *init_flavour_name(InitFlavour f);
int init_flavour_from_name(const char *name);          /* -EINVAL */

typedef struct TreeFacts {
        bool has_os_release;            /* /etc/os-release or /usr/lib/os-release */
        bool has_usr;
        char **usr_links;               /* /bin and the like that are links into /usr, "bin=usr/bin" */
        bool split_usr;                 /* /bin, /sbin or /lib is a directory of its own */
        char *os_pretty_name;           /* printable, at most 128 bytes; NULL */
        char machine_id[33];            /* /etc/machine-id where it holds one, else "" */
        char *init_path;                /* what to execute, in the tree ("/sbin/init"); NULL: none */
        InitFlavour init;
        uid_t owner_uid;                /* of the tree's root directory, on disk */
        gid_t owner_gid;
} TreeFacts;

void tree_facts_done(TreeFacts *t);

/* nspawn's order (/usr/lib/systemd/systemd, /lib/systemd/systemd, /sbin/init), but an /sbin/init that is not systemd
 * goes first: it is the administrator's choice on a tree that merely also has systemd installed. Not an error where
 * something is missing: the caller knows what it needs. */
int tree_facts_read(int root_fd, TreeFacts *ret, Failure *failure);

/* Takes path for the tree's init in place of the one that was found: init_path is NULL where there is no such program. */
int tree_facts_set_init(int root_fd, const char *path, TreeFacts *t, Failure *failure);
