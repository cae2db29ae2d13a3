/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Files of the host for a machine: name resolution and time zone. Read before planning, and only as far as the settings
 * can need them.
 */

#include <time.h>

#include "config/settings.h"

/* The resolv.conf files of a host. */
typedef enum ResolvFile {
        RESOLV_FILE_HOST,       /* /etc/resolv.conf */
        RESOLV_FILE_STATIC,     /* systemd-resolved's: with its stub's address and nothing else */
        RESOLV_FILE_UPLINK,     /* … with the servers it asks */
        RESOLV_FILE_STUB,       /* … with its stub's address and the search domains */
        _RESOLV_FILE_MAX,
} ResolvFile;

const char *resolv_file_path(ResolvFile file);

/* A file's contents; data NULL: missing or unreadable. */
typedef struct HostFile {
        char *data;
        size_t size;
        struct timespec mtime;
} HostFile;

typedef struct HostFiles {
        HostFile resolv[_RESOLV_FILE_MAX];
        bool stub_listens;              /* on 127.0.0.53, in the supervisor's network namespace */
        HostFile localtime;
        bool localtime_is_link;
        char *zone;                     /* "Europe/Berlin": where /etc/localtime links to a zone; else NULL */
        bool tree_has_zone;             /* … and the machine has it too */
} HostFiles;

void host_files_done(HostFiles *f);

/* tree_fd is the machine's tree. -ENOMEM or 0. */
int host_files_read(const Settings *s, int tree_fd, HostFiles *ret);

/* The zone that target, of a link at /etc/localtime, names; points into target; NULL if there is none. Pure. */
const char *zone_of_link(const char *target);

/* Whether a list of sockets (/proc/net/udp) has the stub's port. Pure. */
bool stub_in_socket_list(const char *text);
