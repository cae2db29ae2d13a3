/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What box-run takes from its environment, by one table: systemd-nspawn's variables, which scripts and drop-ins of
 * units set, and which no file and no switch can say. Read once, before anything is planned; planners see the values
 * only.
 */

#include "config/problem.h"

/* What of the kernel's interfaces in /proc/sys and /sys the payload may write to. */
typedef enum ApiVfs {
        API_VFS_DEFAULT,        /* its own network's /proc/sys/net, where it has a network of its own */
        API_VFS_NETWORK,        /* the host's network's as well */
        API_VFS_WRITABLE,       /* everything */
} ApiVfs;

/* All zero: nothing is in the environment. */
typedef struct EnvironmentOptions {
        bool share_ipc;                 /* the host's namespace in place of one of the machine's own */
        bool share_pid;
        bool share_uts;
        bool share_cgroup;
        ApiVfs api_vfs;
        bool no_tmpfs_tmp;              /* /tmp is the tree's */
        bool no_os_release_check;
        bool no_lock;                   /* of the tree */
        bool has_network_mac;           /* the machine's end of the veth has this address */
        uint8_t network_mac[6];
        bool suppress_sync;             /* unless a setting says otherwise */
        const char *container_service;  /* value of the payload's $container; NULL: systemd-nspawn */
} EnvironmentOptions;

#define ENVIRONMENT_REASON_MAX 128

typedef struct EnvironmentRow EnvironmentRow;
struct EnvironmentRow {
        const char *name;
        /* 0, or -EINVAL with the reason in reterr_reason: a clause that can stand behind "$NAME=TEXT: ", at most
         * ENVIRONMENT_REASON_MAX bytes. Positive: accepted, and the reason is a warning. */
        int (*parse)(const EnvironmentRow *row, const char *text, EnvironmentOptions *e, char *reterr_reason);
        size_t offset;                  /* in EnvironmentOptions */
};

extern const EnvironmentRow environment_table[];
extern const size_t environment_table_size;

/* Reads them. An empty variable counts as unset. Strings point into the environment. Bad values are fatal Problems;
 * -ENOMEM is the only failure. */
int environment_read(EnvironmentOptions *ret, Problems *problems);
