/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ids of a machine's users on the host, and of its tree's files. Pure.
 *
 * A map may lack id 0. Such a machine has no root: its PID 1 starts as the first id of the map's first line, with all
 * capabilities in its new user namespace, and loses them by execve(2), as every user except root.
 */

#include <stdio.h>

#include "config/settings-table.h"
#include "plan/plan-internal.h"
#include "users/id-range.h"

/* group "tty" in all distributions */
enum { TTY_GROUP = 5 };

IdMap plan_written_map(const Settings *s)
{
        IdMap map = { .n = (unsigned) s->n_id_map };

        for (unsigned i = 0; i < map.n; i++)
                map.lines[i] = (IdMapLine) { s->id_map[i].inside, s->id_map[i].outside, s->id_map[i].count };
        return map;
}

uid_t plan_first_id(const Settings *s)
{
        const IdMap map = plan_written_map(s);
        uint32_t host;

        return map.n == 0 || id_map_to_host(&map, 0, &host) ? 0 : map.lines[0].inside;
}

/* The foreign range: for owners of trees only. */
static int plan_foreign_tree(const PlanInput *in, Plan *p, Problems *problems)
{
        Source from = in->settings->from[SETTING_PRIVATE_USERS];
        char form[SETTING_FORM_MAX];

        if (id_map_has_host(&p->uid_map, ID_RANGE_FOREIGN))
                return problem_error(problems, from, "The tree '%s' belongs to systemd's foreign range of ids, which no machine "
                                     "may run with; use %s", in->image_root,
                                     setting_form(SETTING_PRIVATE_USERS, from, "pick", form));
        p->idmap_tree = p->foreign_tree = true;
        return 0;
}

/*
 * The owners on disk are ids of the machine (an unpacked tree: it is mapped) or ids of the host (a tree that was
 * shifted, or that belongs to the one user that is mapped: it is not mapped). Small numbers that are neither count as
 * ids of the machine; files of such owners show as nobody's.
 */
static int plan_tree_owners(const PlanInput *in, Plan *p, Problems *problems)
{
        uid_t owner = in->tree->owner_uid, host, base = owner & ~(uid_t) 0xffff;
        bool shifted = id_map_is_shifted(&p->uid_map, owner);
        Source from = in->settings->from[SETTING_PRIVATE_USERS];
        char form[SETTING_FORM_MAX], number[16];

        if (in->settings->ownership == OWNERSHIP_FOREIGN && base != ID_RANGE_FOREIGN)
                return problem_error(problems, in->settings->from[SETTING_PRIVATE_USERS_OWNERSHIP],
                                     "The tree '%s' belongs to the ids from %u on, not to those of the foreign range, from %u on",
                                     in->image_root, base, ID_RANGE_FOREIGN);
        if (in->settings->ownership != OWNERSHIP_OFF && base == ID_RANGE_FOREIGN)
                return plan_foreign_tree(in, p, problems);
        if (in->settings->ownership == OWNERSHIP_OFF || id_map_is_identity(&p->uid_map))
                return 0;
        if (shifted && in->settings->ownership == OWNERSHIP_MAP)
                return problem_error(problems, in->settings->from[SETTING_PRIVATE_USERS_OWNERSHIP],
                                     "The tree '%s' belongs to the machine's ids (from %u on) already: nothing to map",
                                     in->image_root, base);
        if (shifted)
                return 0;
        if (!id_map_to_host(&p->uid_map, owner, &host) && base != 0) {
                (void) snprintf(number, sizeof(number), "%u", base);
                return problem_error(problems, from,
                                     "The tree '%s' belongs to the ids from %u on, the machine would get those from %u on; "
                                     "use %s, or give the tree back to the ids from 0 on", in->image_root, base, p->owner,
                                     setting_form(SETTING_PRIVATE_USERS, from, number, form));
        }
        p->idmap_tree = true;
        return 0;
}

static int plan_first(const Settings *s, Plan *p, Problems *problems)
{
        p->first_id = plan_first_id(s);
        (void) id_map_to_host(&p->uid_map, p->first_id, &p->owner);
        if (!id_map_to_host(&p->gid_map, TTY_GROUP, &p->tty_gid))
                p->tty_gid = p->owner;
        if (p->first_id != 0 && settings_start_mode(s) == START_BOOT)
                return problem_error(problems, s->id_map[0].from, "IdMap= has no id 0, which Boot= needs");
        return 0;
}

/* Their ids need a map: without one, files of the host's users would belong to unrelated users of the machine. */
static int refuse_bind_users(const Settings *s, Problems *problems)
{
        char source[SOURCE_TEXT_MAX], form[SETTING_FORM_MAX];
        Source from = s->from[SETTING_BIND_USER], users = s->from[SETTING_PRIVATE_USERS];

        return problem_error(problems, from, "BindUser= needs a user namespace, but PrivateUsers= is no (%s); use %s",
                             source_text(users, source),
                             setting_form(SETTING_PRIVATE_USERS, users.where ? users : from, "pick", form));
}

static int plan_bind_users(const PlanInput *in, Plan *p, Problems *problems)
{
        size_t n = in->users->n, before = problems->n_fatal;
        bool written = settings_private_users(in->settings) == PRIVATE_USERS_MAP;

        if (n == 0)
                return 0;
        p->bind_users = calloc(n, sizeof(BindUser));
        if (!p->bind_users ||
            bind_user_assign(in->users, written ? UINT32_MAX : in->range_count, p->bind_users, problems) < 0)
                return -ENOMEM;
        if (problems->n_fatal > before)
                return 0;
        p->n_bind_users = n;
        if (bind_user_map(p->bind_users, n, /* gids= */ false, &p->uid_map, problems) < 0 ||
            bind_user_map(p->bind_users, n, /* gids= */ true, &p->gid_map, problems) < 0)
                return -ENOMEM;
        return 0;
}

int plan_ids(const PlanInput *in, Plan *p, Problems *problems)
{
        const Settings *s = in->settings;
        PrivateUsers mode = settings_private_users(s);

        p->userns = mode != PRIVATE_USERS_NO;
        if (!p->userns) {
                p->tty_gid = TTY_GROUP;
                return in->users->n > 0 ? refuse_bind_users(s, problems) : 0;
        }

        if (mode == PRIVATE_USERS_MAP)
                p->uid_map = plan_written_map(s);
        else
                p->uid_map = (IdMap) { .lines = { { 0, in->range_base, in->range_count } }, .n = 1 };
        p->gid_map = p->uid_map;

        if (plan_first(s, p, problems) < 0 || plan_tree_owners(in, p, problems) < 0)
                return -ENOMEM;
        return plan_bind_users(in, p, problems);
}
