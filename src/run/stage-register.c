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

#include "bus/bus.h"
#include "bus/name-watch.h"
#include "bus/systemd1.h"
#include "run/stage.h"
#include "util/fd.h"
#include "util/log.h"

/* What other programs ask machined for: which manager a machine belongs to. */
#define BOX_SERVICE "box"

enum {
        NAME_WAIT_USEC = 1000 * 1000,   /* for machined and systemd to notice the end of the last machine of this name */
        CANCEL_WAIT_USEC = 80 * 1000,   /* for the answer to a registration that is to be undone */
};

static RegisterMode register_mode(const Machine *m)
{
        return plan_register_mode(&m->settings, &m->facts.host.environment);
}

static ScopeOptions scope_options(const Machine *m)
{
        return (ScopeOptions) {
                .unit = m->registration.scope,
                .description = m->name,
                .pid = m->child.leader.pid,
                .slice = m->settings.slice,
                .properties = m->unit.properties,
                .n_properties = m->unit.n,
                .kill_signal = m->plan.kill_signal,
                .stop_timeout_usec = plan_unit_stop_usec(&m->plan),
        };
}

static int start_registration(Machine *m, Failure *failure)
{
        const ScopeOptions scope = scope_options(m);
        MachineRegistration r = {
                .name = m->name,
                .service = BOX_SERVICE,
                .class = "container",
                .leader = m->child.leader.pid,
                .root = m->image.path,
                .ifindices = m->network.links.ifindices,
                .n_ifindices = m->network.links.n_ifindices,
                .scope = m->settings.keep_unit ? NULL : &scope,
        };
        sd_id128_t id;

        if (sd_id128_from_string(m->plan.uuid, &id) >= 0)
                memcpy(r.id, id.bytes, sizeof(r.id));
        m->registration.pending = pending_registration_free(m->registration.pending);
        return machined_register_start(m->registration.bus, &m->wait, &r, &m->registration.pending, failure);
}

/* A scope of box's own, where machined does not create one. */
static int start_scope(Machine *m, Failure *failure)
{
        ScopeOptions options;

        /* Every character of a machine's name may stand in a unit's, but for "-" in the place of "/". */
        if (!m->registration.scope && asprintf(&m->registration.scope, "box-%s.scope", m->name) < 0) {
                m->registration.scope = NULL;
                return -ENOMEM;
        }
        options = scope_options(m);
        m->registration.pending_scope = pending_scope_free(m->registration.pending_scope);
        return scope_start(m->registration.bus, &m->wait, &options, &m->registration.pending_scope, failure);
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
        (void) machine_open_bus(m, &m->registration.bus_failure);
        return 0;
}

void stage_bus_down(Machine *m)
{
        m->registration.bus = sd_bus_flush_close_unref(m->registration.bus);
        m->registration.bus_failure = (Failure) {};
}

int stage_register_begin_up(Machine *m, Failure *failure)
{
        if (register_mode(m) != REGISTER_NO && m->registration.bus)
                return start_registration(m, failure);
        if (register_mode(m) != REGISTER_NO) {
                int r = without_machined(m, &m->registration.bus_failure, failure);

                if (r < 0)
                        return r;
        }
        return m->registration.bus && !m->settings.keep_unit ? start_scope(m, failure) : 0;
}

/* The answers to what was asked for are awaited, but not for long: a leader that dies before it is in its scope leaves one that
 * systemd sees no end of. */
static void settle_requests(Machine *m)
{
        int r;

        if (m->registration.pending_scope)
                (void) scope_finish(m->registration.pending_scope, &m->wait, CANCEL_WAIT_USEC, NULL);
        m->registration.pending_scope = pending_scope_free(m->registration.pending_scope);
        if (!m->registration.pending)
                return;
        r = machined_register_finish(m->registration.pending, &m->wait, CANCEL_WAIT_USEC, NULL);
        m->registration.pending = pending_registration_free(m->registration.pending);
        m->registration.registered = r >= 0;
        if (r == -ETIMEDOUT)
                (void) machined_unregister_send(m->registration.bus, m->name);
}

void stage_register_begin_down(Machine *m)
{
        Failure failure = {};

        settle_requests(m);
        if (m->registration.registered && (machine_open_bus(m, &failure) < 0 ||
                                           machined_unregister(m->registration.bus, m->name, &failure) < 0))
                log_warning(0, "%s, ignoring", failure.text);
        m->registration.registered = false;
        free(TAKE_PTR(m->registration.scope));
}

/* The leader was put into a scope: its delegated cgroup is the machine's now. */
static int settle_in_scope(Machine *m, Failure *failure)
{
        _cleanup_close_ int root_fd = cgroup_root_open(failure);
        _cleanup_free_ char *path = NULL;
        int r;

        if (root_fd < 0)
                return root_fd;
        r = cgroup_of_pid(m->child.leader.pid, &path, failure);
        if (r < 0)
                return r;
        r = cgroup_open(root_fd, path, &m->cgroup, failure);
        if (r < 0)
                return r;
        r = cgroup_make_payload(&m->cgroup, m->plan.owner, m->plan.owner, failure);
        if (r < 0)
                return r;
        return cgroup_move_to_payload(&m->cgroup, m->child.leader.pid, failure);
}

/* A machine that has died with its supervisor may keep its name for good: systemd sees no end of a scope whose process
 * was dead already when it was put there. Has such a one been removed? */
static bool evict_dead(Machine *m)
{
        MachineProperties dead = {};
        bool evicted = false;

        if (machined_properties(m->registration.bus, m->name, &dead, NULL) >= 0 && dead.leader > 0 &&
            kill((pid_t) dead.leader, 0) < 0 && errno == ESRCH && machined_unregister(m->registration.bus, m->name, NULL) >= 0) {
                const char *suffix = dead.unit ? strrchr(dead.unit, '.') : NULL;
                UnitJob stop = { .unit = dead.unit };

                /* A service is not a scope that was made for it: it may be ours. */
                if (suffix && strcmp(suffix, ".scope") == 0)
                        (void) systemd1_unit_jobs(m->registration.bus, "StopUnit", 0, &stop, 1, NULL);
                unit_jobs_done(&stop, 1);
                evicted = true;
        }

        machine_properties_done(&dead);
        return evicted;
}

/* Is this the name of a machine that has just ended, and free by now? The first time, it may have become free before we
 * watched it. */
static bool try_name_again(Machine *m, int r, NameWatch **watch)
{
        if (r != -EEXIST)
                return false;
        return *watch ? name_watch_wait(*watch, &m->wait) >= 0 :
                        name_watch_new(m->registration.bus, m->name, NAME_WAIT_USEC, watch) >= 0;
}

static int finish_registration(Machine *m, Failure *failure)
{
        _cleanup_(name_watch_freep) NameWatch *watch = NULL;
        Failure why = {};
        int r;

        for (;;) {
                r = machined_register_finish(m->registration.pending, &m->wait, UINT64_MAX, &why);
                if (r == -ECANCELED)
                        return r;
                if (!(r == -EEXIST && evict_dead(m)) && !try_name_again(m, r, &watch))
                        break;
                why = (Failure) {};
                r = start_registration(m, &why);
                if (r < 0)
                        break;
        }
        m->registration.pending = pending_registration_free(m->registration.pending);
        m->registration.registered = r >= 0;
        if (r == -ENOSYS) {
                r = without_machined(m, &why, failure);
                return r < 0 || m->settings.keep_unit ? r : start_scope(m, failure);
        }
        return r < 0 ? resources_failure(m, &why, failure) : 0;
}

static int finish_scope(Machine *m, Failure *failure)
{
        _cleanup_(name_watch_freep) NameWatch *watch = NULL;
        Failure why = {};
        int r;

        for (;;) {
                r = scope_finish(m->registration.pending_scope, &m->wait, UINT64_MAX, &why);
                if (r == -ECANCELED)
                        return r;
                if (!try_name_again(m, r, &watch))
                        break;
                why = (Failure) {};
                r = start_scope(m, &why);
                if (r < 0)
                        break;
        }
        m->registration.pending_scope = pending_scope_free(m->registration.pending_scope);
        return r < 0 ? resources_failure(m, &why, failure) : 0;
}

int stage_register_wait_up(Machine *m, Failure *failure)
{
        int r = 0;

        if (m->registration.pending)
                r = finish_registration(m, failure);
        if (r >= 0 && m->registration.pending_scope)
                r = finish_scope(m, failure);
        if (r < 0)
                return r;
        if (m->settings.keep_unit) {
                /* A bus may be restarted in a machine's life: a new connection unregisters it. */
                m->registration.bus = sd_bus_flush_close_unref(m->registration.bus);
                return 0;
        }

        if (!m->registration.registered && !m->registration.scope && m->plan.unit.n_resources > 0)
                return failure_set(failure, -ENOSYS, "%s; [X-Resources] is set by systemd", m->registration.bus_failure.text);
        /* Without any service manager to ask, the machine stays in the cgroup that we were started in. */
        return m->registration.registered || m->registration.scope ? settle_in_scope(m, failure) : 0;
}
