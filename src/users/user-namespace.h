/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "util/failure.h"

/* One line of /proc/PID/uid_map: ids from `inside` on are `outside` on, count of them. */
typedef struct IdMapLine {
        uint32_t inside, outside, count;
} IdMapLine;

typedef struct IdMap {
        IdMapLine lines[72];    /* room for those of IdMap= and BindUser= */
        unsigned n;
} IdMap;

/* Writes "0 524288 65536\n…" to buf, the format of uid_map. 0 or -ENOBUFS. */
int id_map_format(const IdMap *map, char *buf, size_t size);

/* All pure. The host id of one of the machine's ids (false: none). Whether the map has a host id; which id of the machine that is
 * (false: none). Whether the map has
 * an owner on disk as a host id but not as one of the machine's. Whether each id is mapped to itself. */
bool id_map_to_host(const IdMap *map, uint32_t inside, uint32_t *ret_host);
bool id_map_has_host(const IdMap *map, uint32_t host);
bool id_map_from_host(const IdMap *map, uint32_t host, uint32_t *ret_inside);
bool id_map_is_shifted(const IdMap *map, uint32_t owner);
bool id_map_is_identity(const IdMap *map);

/* The smallest and the largest host id. False: the map is empty. */
bool id_map_host_range(const IdMap *map, uint32_t *ret_low, uint32_t *ret_high);

/* The map whose ids of the machine are those that a tree of another range has for them: base + ID. Pure. */
IdMap id_map_from_base(const IdMap *map, uint32_t base, uint32_t count);

/* Maps one id of the machine to a host id, in place of its mapping so far, if any. Pure. False: no room for more lines. */
bool id_map_override(IdMap *map, uint32_t inside, uint32_t outside);

/* Writes uid_map and gid_map of a process in a fresh user namespace. The supervisor, as root of the host. */
int user_namespace_write_maps(int proc_pid_fd, const IdMap *uids, const IdMap *gids, Failure *failure);

/* Are we in the kernel's first user namespace? Elsewhere, no process can create device nodes. */
bool user_namespace_is_first(void);

/* Reads the maps of a running process; ids are those of our own user namespace. -E2BIG: more lines than fit. */
int user_namespace_read_maps(pid_t pid, IdMap *ret_uids, IdMap *ret_gids);

/* A descriptor of a new user namespace with these maps and without processes, for idmapped mounts whose map is not the
 * machine's. */
int user_namespace_new(const IdMap *uids, const IdMap *gids, Failure *failure);
