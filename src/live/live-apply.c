/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which settings can be changed while a machine runs, and the loop that does it, all or nothing (see live-apply.h). Runs in
 * box-run --live, as root.
 */

#include <string.h>

#include "live/live-apply.h"
#include "util/log.h"

/* Settings by their id. A section without a key stands for all settings of it. */
static const struct {
        SettingId id;
        const char *section;
        const LiveApplier *applier;
} appliers[] = {
        { SETTING_OOM_SCORE_ADJUST, NULL, &live_oom_score },
        { SETTING_CPU_AFFINITY, NULL, &live_cpu_affinity },
        { SETTING_BIND, NULL, &live_mounts },
        { SETTING_BIND_READ_ONLY, NULL, &live_mounts },
        { SETTING_VIRTUAL_ETHERNET_EXTRA, NULL, &live_links },
        { SETTING_MACVLAN, NULL, &live_links },
        { SETTING_IPVLAN, NULL, &live_links },
        { SETTING_INTERFACE, NULL, &live_links },
        { SETTING_VIRTUAL_ETHERNET, NULL, &live_veth },
        { SETTING_BRIDGE, NULL, &live_veth },
        { SETTING_ZONE, NULL, &live_veth },
        { SETTING_PORT, NULL, &live_ports },
        { _SETTING_MAX, "X-Resources", &live_resources },
};

static const LiveApplier *find(const SettingRow *row)
{
        for (size_t i = 0; i < ARRAY_SIZE(appliers); i++)
                if (appliers[i].section ? row->section && strcmp(row->section, appliers[i].section) == 0 :
                                          row->id == appliers[i].id)
                        return appliers[i].applier;
        return NULL;
}

#define EXCHANGE(x, y) do { typeof(x) exchanged = (x); (x) = (y); (y) = exchanged; } while (0)

void live_exchange(Settings *a, Settings *b)
{
        for (size_t i = 0; i < settings_table_size; i++)
                if (find(&settings_table[i]))
                        EXCHANGE(a->from[settings_table[i].id], b->from[settings_table[i].id]);
        EXCHANGE(a->oom_score_adjust, b->oom_score_adjust);
        EXCHANGE(a->cpu_affinity, b->cpu_affinity);
        EXCHANGE(a->binds, b->binds);
        EXCHANGE(a->n_binds, b->n_binds);
        EXCHANGE(a->virtual_ethernet, b->virtual_ethernet);
        EXCHANGE(a->veth_extra, b->veth_extra);
        EXCHANGE(a->bridge, b->bridge);
        EXCHANGE(a->zone, b->zone);
        EXCHANGE(a->macvlan, b->macvlan);
        EXCHANGE(a->ipvlan, b->ipvlan);
        EXCHANGE(a->interfaces, b->interfaces);
        EXCHANGE(a->ports, b->ports);
        EXCHANGE(a->n_ports, b->n_ports);
        EXCHANGE(a->resources, b->resources);
        EXCHANGE(a->n_resources, b->n_resources);
}

const char *live_why_not(LiveMachine *m, const LiveChange *c)
{
        const LiveApplier *a = find(c->row);

        return a ? a->why_not(m, c) : "it is set when a machine starts";
}

/* Has an earlier change made this one as well? */
static bool is_made(const LiveChange *changes, const bool *done, size_t i)
{
        const LiveApplier *a = find(changes[i].row);

        for (size_t j = 0; a->extent != LIVE_ONE && j < i; j++)
                if (done[j] && find(changes[j].row) == a && (a->extent == LIVE_ALL || changes[j].row == changes[i].row))
                        return true;
        return false;
}

int live_undo(LiveMachine *m, const LiveChange *changes, const bool *done, size_t n)
{
        int result = 0;

        while (n-- > 0) {
                const LiveChange back = { changes[n].row, changes[n].after, changes[n].before };
                Failure failure = { 0 };

                if (!done[n] || is_made(changes, done, n))
                        continue;
                if (find(back.row)->apply(m, &back, m->before, &failure) < 0)
                        result = log_error(failure.error, "%s", failure.text);
        }
        return result;
}

int live_apply(LiveMachine *m, const LiveChange *changes, bool *done, size_t n, Failure *failure)
{
        Failure why = { 0 };
        int r = 0, q;

        for (size_t i = 0; i < n; i++) {
                if (!done[i] || is_made(changes, done, i))
                        continue;
                r = find(changes[i].row)->apply(m, &changes[i], m->after, &why);
                if (r >= 0)
                        continue;
                q = live_undo(m, changes, done, i);
                memset(done, 0, n * sizeof(*done));
                (void) failure_set(&why, r, "Failed to change machine '%s': %m", m->name);
                return failure_set(failure, r, "%s; %s", why.text, q < 0 ? "not all that was changed before could be undone" :
                                   "nothing was changed");
        }
        return 0;
}
