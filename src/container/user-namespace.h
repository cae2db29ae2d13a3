/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "util/failure.h"

/* One line of /proc/PID/uid_map: ids from `inside` on are `outside` on, count of them. */
typedef struct IdMapLine {
        uint32_t inside, outside, count;
} IdMapLine;

typedef struct IdMap {
        IdMapLine lines[72];    /* enough for BindUser= (bind-user.h) with all of its ids in a row */
        unsigned n;
} IdMap;

/* "0 524288 65536\n…" in buf, as the kernel's file takes it; -ENOBUFS. */
int id_map_format(const IdMap *map, char *buf, size_t size);

/* Writes uid_map and gid_map of a process in a fresh user namespace. The supervisor, as root of the host. */
int user_namespace_write_maps(int proc_pid_fd, const IdMap *uids, const IdMap *gids, Failure *failure);

/* A descriptor of a user namespace with this map, of uids and gids, and nobody in it, for idmapped mounts whose map is not the
 * machine's. */
int user_namespace_new(const IdMap *map, Failure *failure);
