/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Users of the host in a machine (see bind-user.h): their ids and lines of the id map. Pure. */

#include "users/bind-user.h"

int bind_user_assign(const HostUsers *users, uint32_t count, BindUser *ret, Problems *problems)
{
        uint32_t id = BIND_USER_FIRST;

        for (size_t i = 0; i < users->n; i++) {
                while (id <= BIND_USER_LAST && users->taken >> (id - BIND_USER_FIRST) & 1)
                        id++;
                if (id > BIND_USER_LAST || id >= count)
                        return problem_error(problems, users->items[i].from, "BindUser=%s: the machine has no free id "
                                             "from %u to %u", users->items[i].name, BIND_USER_FIRST, BIND_USER_LAST);
                ret[i] = (BindUser) { &users->items[i], id++ };
        }
        return 0;
}

int bind_user_map(const BindUser *users, size_t n, bool gids, IdMap *map, Problems *problems)
{
        for (size_t i = 0; i < n; i++) {
                uint32_t outside = gids ? users[i].host->gid : users[i].host->uid;

                if (id_map_has_host(map, outside))
                        return problem_error(problems, users[i].host->from, "BindUser=%s: id %u of the host is mapped "
                                             "already, by the machine's map or for another user", users[i].host->name, outside);
                if (!id_map_override(map, users[i].id, outside))
                        return problem_error(problems, users[0].host->from, "BindUser=: more users than an id map has lines");
        }
        return 0;
}
