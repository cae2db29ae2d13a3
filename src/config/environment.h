/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Options that box-run reads from its environment: systemd-nspawn's variables, which have no key and no switch. Read
 * once, before planning. All that systemd-nspawn and its libraries read up to 262 are in the table: one that is not honoured is a
 * warning, or an error if it may restrict the machine; those that change the looks of messages only have no effect.
 */

#include "config/problem.h"

/* Which of the kernel's interfaces in /proc/sys and /sys are writable. */
typedef enum ApiVfs {
        API_VFS_DEFAULT,        /* /proc/sys/net with a private network */
        API_VFS_NETWORK,        /* /proc/sys/net, even with the host's network */
        API_VFS_WRITABLE,       /* everything */
} ApiVfs;

/* All zero if no variable is set. */
typedef struct EnvironmentOptions {
        bool share_ipc;                 /* use the host's namespace */
        bool share_pid;
        bool share_uts;
        bool share_cgroup;
        ApiVfs api_vfs;
        bool no_tmpfs_tmp;              /* use /tmp of the tree */
        bool no_os_release_check;
        bool no_lock;                   /* do not lock the tree */
        bool has_network_mac;           /* of host0 */
        uint8_t network_mac[6];
        bool suppress_sync;             /* default of SuppressSync= */
        const char *container_service;  /* value of the payload's $container; NULL: systemd-nspawn */
} EnvironmentOptions;

#define ENVIRONMENT_REASON_MAX 128

typedef struct EnvironmentRow EnvironmentRow;
struct EnvironmentRow {
        const char *name;
        /* 0, or -EINVAL with the reason in reterr_reason: a clause to print after "$NAME=TEXT: ", at most
         * ENVIRONMENT_REASON_MAX bytes. Positive: accepted, and the reason is a warning. */
        int (*parse)(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason);
        size_t offset;                  /* in EnvironmentOptions */
        bool always;                    /* a boolean that cannot be chosen: what box does */
        const char *why;                /* it is not honoured: the reason */
};

extern const EnvironmentRow environment_table[];
extern const size_t environment_table_size;

/* Reads them. An empty variable counts as unset. Strings point into the environment. Bad values are fatal Problems;
 * -ENOMEM is the only failure. */
int environment_read(EnvironmentOptions *ret, Problems *problems);
