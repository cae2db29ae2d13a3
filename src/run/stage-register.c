/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The machine's registration with systemd-machined: asked for as soon as there is a leader, so that machined works while
 * the supervisor mounts, and awaited before the payload runs. Started by hand, a machine gets a unit of its own by it (a
 * scope), from machined, or from systemd where there is no machined. The supervisor, as root of the host.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <time.h>

#include "bus/bus.h"
#include "bus/systemd1.h"
#include "run/stage.h"
#include "util/fd.h"
#include "util/log.h"

/* What other programs ask machined for: which manager a machine belongs to. */
#define BOX_SERVICE "box"

/* For a second. */
enum { NAME_TRIES = 20 };

static RegisterMode register_mode(const Machine *m)
{
        return plan_register_mode(&m->settings, &m->host.environment);
}

static int start_registration(Machine *m, Failure *failure)
{
        MachineRegistration r = {
                .name = m->name,
                .service = BOX_SERVICE,
                .class = "container",
                .leader = m->leader.pid,
                .root = m->image.path,
                .ifindices = m->links.ifindices,
                .n_ifindices = m->links.n_ifindices,
                .create_scope = !m->settings.keep_unit,
                .slice = m->settings.slice,
                .properties = m->unit_properties,
                .n_properties = m->n_unit_properties,
                .kill_signal = m->plan.kill_signal,
                .stop_timeout_usec = plan_unit_stop_usec(&m->plan),
        };
        sd_id128_t id;

        if (sd_id128_from_string(m->plan.uuid, &id) >= 0)
                memcpy(r.id, id.bytes, sizeof(r.id));
        return machined_register_start(m->bus, &r, &m->registration, failure);
}

/* Is a missing machined (or bus) something to go on without? Said once. */
static int without_machined(const Machine *m, const Failure *why, Failure *failure)
{
        if (register_mode(m) == REGISTER_YES)
                return failure_set(failure, why->error, "%s", why->text);
        log_notice(0, "%s; machine '%s' runs without being registered", why->text, m->name);
        return 0;
}

/* A connection takes the bus several milliseconds to grant (it looks at who we are, then at what we are called): asked for
 * at once, it is there when the leader is. That there is no bus only matters then. */
int stage_bus_up(Machine *m, Failure *failure)
{
        if (register_mode(m) == REGISTER_NO && m->settings.keep_unit)
                return 0;
        (void) bus_open_system(&m->bus, &m->no_bus);
        return 0;
}

void stage_bus_down(Machine *m)
{
        m->bus = sd_bus_flush_close_unref(m->bus);
        m->no_bus = (Failure) {};
}

int stage_announce_up(Machine *m, Failure *failure)
{
        if (register_mode(m) == REGISTER_NO)
                return 0;
        return m->bus ? start_registration(m, failure) : without_machined(m, &m->no_bus, failure);
}

void stage_announce_down(Machine *m)
{
        Failure failure = {};

        /* A request on its way cannot be called back: it may have been granted. */
        if (m->registration && machined_register_finish(TAKE_PTR(m->registration), UINT64_MAX, NULL) >= 0)
                m->registered = true;
        if (m->registered && ((!m->bus && bus_open_system(&m->bus, &failure) < 0) ||
                              machined_unregister(m->bus, m->name, &failure) < 0))
                log_warning(0, "%s, ignoring", failure.text);
        m->registered = false;
        free(TAKE_PTR(m->scope));
}

/* The leader was put into a scope: its delegated cgroup is the machine's now. */
static int settle_in_scope(Machine *m, Failure *failure)
{
        _cleanup_close_ int root_fd = cgroup_root_open(failure);
        _cleanup_free_ char *path = NULL;
        int r;

        if (root_fd < 0)
                return root_fd;
        r = cgroup_of_pid(m->leader.pid, &path, failure);
        if (r < 0)
                return r;
        r = cgroup_open(root_fd, path, &m->cgroup, failure);
        if (r < 0)
                return r;
        r = cgroup_make_payload(&m->cgroup, m->plan.owner, m->plan.owner, failure);
        if (r < 0)
                return r;
        return cgroup_move_to_payload(&m->cgroup, m->leader.pid, failure);
}

/* The names of a machine that has just ended, and of its scope, are free once machined and systemd have noticed. Is this
 * such a case, and not a name that stays taken? */
static bool try_name_again(int r, unsigned *tries)
{
        static const struct timespec pause = { .tv_nsec = 50 * 1000000 };

        if (r != -EEXIST || *tries == 0)
                return false;
        (*tries)--;
        (void) nanosleep(&pause, NULL);
        return true;
}

/* A machine that has died with its supervisor may keep its name for good: systemd sees no end of a scope whose process
 * was dead already when it was put there. Has such a one been removed? */
static bool evict_dead(Machine *m)
{
        MachineProperties dead = {};
        bool evicted = false;

        if (machined_properties(m->bus, m->name, &dead, NULL) >= 0 && dead.leader > 0 &&
            kill((pid_t) dead.leader, 0) < 0 && errno == ESRCH && machined_unregister(m->bus, m->name, NULL) >= 0) {
                const char *suffix = dead.unit ? strrchr(dead.unit, '.') : NULL;
                UnitJob stop = { .unit = dead.unit };

                /* A service is not a scope that was made for it: it may be ours. */
                if (suffix && strcmp(suffix, ".scope") == 0)
                        (void) systemd1_unit_jobs(m->bus, "StopUnit", 0, &stop, 1, NULL);
                unit_jobs_done(&stop, 1);
                evicted = true;
        }

        machine_properties_done(&dead);
        return evicted;
}

static int finish_registration(Machine *m, Failure *failure)
{
        unsigned tries = NAME_TRIES;
        Failure why = {};
        int r;

        if (!m->registration)
                return 0;
        for (;;) {
                r = machined_register_finish(TAKE_PTR(m->registration), UINT64_MAX, &why);
                if (!(r == -EEXIST && evict_dead(m)) && !try_name_again(r, &tries))
                        break;
                why = (Failure) {};
                r = start_registration(m, failure);
                if (r < 0)
                        return r;
        }
        if (r == -ENOSYS)
                return without_machined(m, &why, failure);
        if (r < 0)
                return resources_refused(m, &why, failure);
        m->registered = true;
        return 0;
}

static int start_scope(Machine *m, Failure *failure)
{
        ScopeOptions options = {
                .description = m->name,
                .pid = m->leader.pid,
                .slice = m->settings.slice,
                .properties = m->unit_properties,
                .n_properties = m->n_unit_properties,
                .kill_signal = m->plan.kill_signal,
                .stop_timeout_usec = plan_unit_stop_usec(&m->plan),
        };
        unsigned tries = NAME_TRIES;

        /* Every character of a machine's name may stand in a unit's, but for "-" in the place of "/". */
        if (asprintf(&m->scope, "box-%s.scope", m->name) < 0) {
                m->scope = NULL;
                return -ENOMEM;
        }
        options.unit = m->scope;

        for (;;) {
                Failure why = {};
                int r = systemd1_start_scope(m->bus, &options, &why);

                if (r >= 0)
                        return 0;
                if (!try_name_again(r, &tries))
                        return resources_refused(m, &why, failure);
        }
}

int stage_register_up(Machine *m, Failure *failure)
{
        int r;

        r = finish_registration(m, failure);
        if (r < 0)
                return r;
        if (m->settings.keep_unit) {
                /* A bus may be restarted in a machine's life: a new connection unregisters it. */
                m->bus = sd_bus_flush_close_unref(m->bus);
                return 0;
        }

        if (!m->registered && m->bus) {
                r = start_scope(m, failure);
                if (r < 0)
                        return r;
        }
        if (!m->registered && !m->scope && m->plan.unit.n_resources > 0)
                return failure_set(failure, -ENOSYS, "%s; [X-Resources] is set by systemd", m->no_bus.text);
        /* Without any service manager to ask, the machine stays in the cgroup that we were started in. */
        return m->registered || m->scope ? settle_in_scope(m, failure) : 0;
}
