/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Facts of a tree, read once by openat2(2) inside it before anything is changed: whether it is an operating system, its
 * init, its owner.
 */

#include <sys/types.h>

#include "util/failure.h"

/* Init systems, which differ in readiness messages, shutdown and reboot. */
typedef enum InitFlavour {
        INIT_NONE,              /* no program for PID 1 */
        INIT_SYSTEMD,
        INIT_SYSVINIT,
        INIT_SYSVINIT_OPENRC,   /* PID 1 is sysvinit's, the services are OpenRC's */
        INIT_OPENRC,            /* openrc-init as PID 1 */
        INIT_BUSYBOX,
        INIT_BUSYBOX_OPENRC,    /* as in Alpine */
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
        char *init_path;                /* path in the tree ("/sbin/init"); NULL: none */
        InitFlavour init;
        const char *init_problem;       /* of a file that is there and no init: "is not executable"; else NULL */
        uid_t owner_uid;                /* of the tree's root directory, on disk */
        gid_t owner_gid;
} TreeFacts;

void tree_facts_done(TreeFacts *t);

/* Looks for an init in systemd-nspawn's order (/usr/lib/systemd/systemd, /lib/systemd/systemd, /sbin/init), but an
 * /sbin/init that is not systemd goes first: it is the administrator's choice on a tree that has systemd installed too.
 * Missing files are no failure. */
int tree_facts_read(int root_fd, TreeFacts *ret, Failure *failure);

/* Sets the tree's init to path; init_path is NULL if there is no such program. */
int tree_facts_set_init(int root_fd, const char *path, TreeFacts *t, Failure *failure);
