/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "util/failure.h"

/* One line of /proc/PID/uid_map: ids from `inside` on are `outside` on, count of them. */
typedef struct IdMapLine {
        uint32_t inside, outside, count;
} IdMapLine;

typedef struct IdMap {
        IdMapLine lines[72];    /* IdMap='s, and those of BindUser= */
        unsigned n;
} IdMap;

/* "0 524288 65536\n…" in buf, as the kernel's file takes it; -ENOBUFS. */
int id_map_format(const IdMap *map, char *buf, size_t size);

/* Pure: which id of the host one of the machine's is (false: none); whether one of the host is in the map; whether an owner
 * on disk can only be meant as the latter; whether every id is itself. */
bool id_map_to_host(const IdMap *map, uint32_t inside, uint32_t *ret_host);
bool id_map_has_host(const IdMap *map, uint32_t host);
bool id_map_is_shifted(const IdMap *map, uint32_t owner);
bool id_map_is_identity(const IdMap *map);

/* Makes one id inside another's on the host than the map has it so far, if it has it. Pure. False: no room for more lines. */
bool id_map_override(IdMap *map, uint32_t inside, uint32_t outside);

/* Writes uid_map and gid_map of a process in a fresh user namespace. The supervisor, as root of the host. */
int user_namespace_write_maps(int proc_pid_fd, const IdMap *uids, const IdMap *gids, Failure *failure);

/* A descriptor of a user namespace with these maps and nobody in it, for idmapped mounts whose map is not the
 * machine's. */
int user_namespace_new(const IdMap *uids, const IdMap *gids, Failure *failure);
