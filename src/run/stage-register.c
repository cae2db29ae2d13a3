/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The registration with systemd-machined: sent as soon as there is a leader, so that machined works while the supervisor
 * mounts, and awaited before the payload runs. It also creates the scope of a machine that was started by hand; without
 * machined, systemd does. The supervisor, as root of the host.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/name-watch.h"
#include "bus/systemd1.h"
#include "payload/machine-state.h"
#include "run/register-varlink.h"
#include "run/stage.h"
#include "util/fd.h"
#include "util/libsystemd.h"
#include "util/log.h"
#include "util/print.h"

enum {
        NAME_WAIT_USEC = 1000 * 1000,   /* for a machine of this name that lives, and may be about to end */
        AGAIN_MAX = 3,                  /* the bus that was restarted may be restarted again */
        CANCEL_WAIT_USEC = 80 * 1000,   /* for the reply to a registration that is to be undone */
};

/* For machined's answer by Varlink. */
#define VARLINK_USEC UINT64_C(60000000)

/* Until systemd and machined, on a host that is busy, have removed what the last machine of this name has left. */
#define NAME_REMOVED_USEC UINT64_C(30000000)

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

/* machined does not create the scope as it should be by Varlink. -ENOENT and others: the bus is asked instead. */
static int start_by_varlink(Machine *m, const MachineRegistration *r)
{
        _cleanup_free_ char *control = NULL, *ssh = NULL;
        VarlinkAddresses addresses;

        if (r->scope || m->registration.by_bus)
                return -EOPNOTSUPP;
        if (machine_state_path(NULL, m->name, "control", &control) < 0 ||
            strf(&ssh, "unix/run/systemd/nspawn/unix-export/%s/ssh", m->name) < 0)
                return -ENOMEM;
        addresses = (VarlinkAddresses) { control, ssh };
        return register_varlink_start(NULL, r, &addresses, &m->registration.varlink);
}

static int start_registration(Machine *m, Failure *failure)
{
        const ScopeOptions scope = scope_options(m);
        MachineRegistration r = {
                .name = m->name,
                .service = MACHINED_SERVICE,
                .class = "container",
                .leader = m->child.leader.pid,
                .leader_pidfd = m->child.leader.pidfd,
                .root = m->image.path,
                .ifindices = m->network.links.ifindices,
                .n_ifindices = m->network.links.n_ifindices,
                .scope = m->settings.keep_unit ? NULL : &scope,
        };
        sd_id128_t id;

        if (sd_id128_from_string(m->plan.uuid, &id) >= 0)
                memcpy(r.id, id.bytes, sizeof(r.id));
        if (start_by_varlink(m, &r) >= 0)
                return 0;
        m->registration.pending = pending_registration_free(m->registration.pending);
        return machined_register_start(m->registration.bus, &m->wait, &r, &m->registration.pending, failure);
}

/* Is it our machine that has the name? */
static bool is_registered(Machine *m)
{
        MachineProperties machine = {};
        bool ours = machined_properties(m->registration.bus, m->name, &machine, NULL) >= 0 &&
                    (pid_t) machine.leader == m->child.leader.pid;

        machine_properties_done(&machine);
        return ours;
}

/* If r is due to a bus that was restarted, asks once more by a new connection. 1: machined had heard the first request; 0: it was
 * asked; else r, with its failure if the bus does not come back, or another failure. */
static int register_again(Machine *m, int r, Failure *failure)
{
        Failure why = {};

        if (r == -ECANCELED || m->registration.again >= AGAIN_MAX ||
            (r != -ECONNRESET && sd_bus_is_open(m->registration.bus) > 0))
                return r;
        m->registration.again++;
        m->registration.bus = sd_bus_close_unref(m->registration.bus);
        if (machine_connect_bus(m, &why) < 0)
                return r;
        *failure = (Failure) {};
        return is_registered(m) ? 1 : start_registration(m, failure);
}

/* Asks by the bus, which may have been restarted since it was opened. */
static int begin_by_bus(Machine *m, Failure *failure)
{
        int r = start_registration(m, failure);

        if (r < 0)
                r = register_again(m, r, failure);
        if (r < 0)
                return r;
        m->registration.registered = r > 0;
        return 0;
}

/* Without machined, the scope is requested from systemd. */
static int start_scope(Machine *m, Failure *failure)
{
        ScopeOptions options;

        /* A machine's name has only characters that are valid in unit names. */
        if (!m->registration.scope && strf(&m->registration.scope, "box-%s.scope", m->name) < 0)
                return -ENOMEM;
        options = scope_options(m);
        m->registration.pending_scope = pending_scope_free(m->registration.pending_scope);
        return scope_start(m->registration.bus, &m->wait, &options, &m->registration.pending_scope, failure);
}

/* Without machined or the bus: continues with a notice, or fails with --register=yes. */
static int continue_unregistered(const Machine *m, const Failure *why, Failure *failure)
{
        if (register_mode(m) == REGISTER_YES)
                return failure_set(failure, why->error, "%s", why->text);
        log_notice(0, "%s; machine '%s' runs without being registered", why->text, m->name);
        return 0;
}

/* The bus takes several milliseconds to accept a connection: begun here, it is ready when the leader is. A failure is reported
 * then. */
int stage_bus_up(Machine *m, Failure *failure)
{
        if (register_mode(m) == REGISTER_NO && m->settings.keep_unit)
                return 0;
        (void) machine_open_bus(m, &m->registration.bus_failure);
        return 0;
}

/* A bus that does not answer is not waited for. */
void stage_bus_down(Machine *m)
{
        if (m->registration.bus && sd_bus_is_ready(m->registration.bus) <= 0)
                m->registration.bus = sd_bus_close_unref(m->registration.bus);
        m->registration.bus = sd_bus_flush_close_unref(m->registration.bus);
        m->registration.bus_failure = (Failure) {};
}

int stage_register_begin_up(Machine *m, Failure *failure)
{
        if (register_mode(m) != REGISTER_NO && m->registration.bus)
                return begin_by_bus(m, failure);
        if (register_mode(m) != REGISTER_NO) {
                int r = continue_unregistered(m, &m->registration.bus_failure, failure);

                if (r < 0)
                        return r;
        }
        return m->registration.bus && !m->settings.keep_unit ? start_scope(m, failure) : 0;
}

/* Waits for machined's answer by Varlink. */
static int finish_varlink(Machine *m, uint64_t usec)
{
        int r;

        while ((r = register_varlink_take(m->registration.varlink)) == 0) {
                r = loop_wait_readable_for(&m->loop, control_client_fd(m->registration.varlink), usec);
                if (r < 0)
                        return r;
        }
        m->registration.registered = r > 0;
        return r;
}

/* Waits briefly for pending replies: if the leader dies before it is in its scope, systemd never notices the scope's end. */
static void finish_requests(Machine *m)
{
        int r;

        if (m->registration.pending_scope &&
            scope_finish(m->registration.pending_scope, &m->wait, CANCEL_WAIT_USEC, NULL) == -ETIMEDOUT)
                (void) scope_stop_send(m->registration.pending_scope);
        m->registration.pending_scope = pending_scope_free(m->registration.pending_scope);
        if (m->registration.varlink) {
                if (finish_varlink(m, CANCEL_WAIT_USEC) == -ETIMEDOUT)
                        (void) machined_unregister_send(m->registration.bus, m->name);
                m->registration.varlink = control_client_free(m->registration.varlink);
        }
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

        finish_requests(m);
        if (m->registration.registered && (machine_connect_bus(m, &failure) < 0 ||
                                           machined_unregister(m->registration.bus, m->name, &failure) < 0))
                log_warning(0, "%s, ignoring", failure.text);
        m->registration.registered = false;
        m->registration.again = 0;
        free(TAKE_PTR(m->registration.scope));
}

/* Opens the delegated cgroup of the scope that the leader is in now, and moves the leader to its payload's cgroup. */
static int set_up_scope_cgroup(Machine *m, Failure *failure)
{
        _cleanup_close_ int root_fd = cgroup_root_open(failure);
        _cleanup_free_ char *path = NULL;
        int r;

        if (root_fd < 0)
                return root_fd;
        r = cgroup_of_pid(m->child.leader.pid, &path, failure);
        if (r >= 0)
                r = cgroup_open(root_fd, path, &m->cgroup, failure);
        if (r >= 0)
                r = cgroup_make_payload(&m->cgroup, m->plan.owner, m->plan.owner, failure);
        return r < 0 ? r : cgroup_move_to_payload(&m->cgroup, m->child.leader.pid, failure);
}

/* Removes a machine of this name whose leader is dead, and returns whether there was one. It can stay registered forever:
 * systemd never notices the end of a scope whose process was dead when it was added. */
static bool remove_dead_machine(Machine *m)
{
        MachineProperties dead = {};
        bool removed = false;

        if (machined_properties(m->registration.bus, m->name, &dead, NULL) >= 0 && dead.leader > 0 &&
            kill((pid_t) dead.leader, 0) < 0 && errno == ESRCH && machined_unregister(m->registration.bus, m->name, NULL) >= 0) {
                const char *suffix = dead.unit ? strrchr(dead.unit, '.') : NULL;
                UnitJob stop = { .unit = dead.unit };

                /* A service was not created for the machine, and may be ours. */
                if (suffix && strcmp(suffix, ".scope") == 0)
                        (void) systemd1_unit_jobs(m->registration.bus, "StopUnit", 0, &stop, 1, NULL);
                unit_jobs_done(&stop, 1);
                removed = true;
        }

        machine_properties_done(&dead);
        return removed;
}

/* Only the name of a scope is taken, or that of a machine, too? The lock of the name has told that it is not one of ours. */
static uint64_t name_usec(Machine *m)
{
        MachineProperties machine = {};
        bool lives = m->registration.pending && machined_properties(m->registration.bus, m->name, &machine, NULL) >= 0;

        machine_properties_done(&machine);
        return lives ? NAME_WAIT_USEC : NAME_REMOVED_USEC;
}

/* If the name is taken (r is -EEXIST), waits until it may be free. The first time returns at once: it may have become free before
 * we subscribed. Returns 0 then, else r, or -ECANCELED. */
static int wait_for_name(Machine *m, int r, NameWatch **watch)
{
        int waited;

        if (r != -EEXIST)
                return r;
        waited = *watch ? name_watch_wait(*watch, &m->wait) :
                          name_watch_new(m->registration.bus, m->name, name_usec(m), watch);
        return waited >= 0 || waited == -ECANCELED ? waited : r;
}

static int finish_registration(Machine *m, Failure *failure)
{
        _cleanup_(name_watch_freep) NameWatch *watch = NULL;
        Failure why = {};
        int r;

        for (;;) {
                r = machined_register_finish(m->registration.pending, &m->wait, UINT64_MAX, &why);
                if (r >= 0)
                        break;
                r = register_again(m, r, &why);
                if (r == 0)
                        continue;
                if (r > 0)
                        break;
                r = r == -EEXIST && remove_dead_machine(m) ? 0 : wait_for_name(m, r, &watch);
                if (r == -ECANCELED)
                        return r;
                if (r < 0)
                        break;
                why = (Failure) {};
                r = start_registration(m, &why);
                if (r < 0)
                        break;
        }
        m->registration.pending = pending_registration_free(m->registration.pending);
        m->registration.registered = r >= 0;
        if (r == -ENOSYS) {
                r = continue_unregistered(m, &why, failure);
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
                if (r >= 0)
                        break;
                r = wait_for_name(m, r, &watch);
                if (r == -ECANCELED)
                        return r;
                if (r < 0)
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

        if (m->registration.varlink) {
                r = finish_varlink(m, VARLINK_USEC);
                if (r == -ECANCELED)
                        return r;
                m->registration.varlink = control_client_free(m->registration.varlink);
                m->registration.by_bus = r < 0;
                r = r < 0 ? begin_by_bus(m, failure) : 0;
        }
        if (r >= 0 && m->registration.pending)
                r = finish_registration(m, failure);
        if (r >= 0 && m->registration.pending_scope)
                r = finish_scope(m, failure);
        if (r < 0)
                return r;
        if (m->settings.keep_unit) {
                /* Not needed until the end, when a new connection unregisters the machine: the bus may be restarted. */
                m->registration.bus = sd_bus_flush_close_unref(m->registration.bus);
                return 0;
        }

        if (!m->registration.registered && !m->registration.scope && m->plan.unit.n_resources > 0)
                return failure_set(failure, -ENOSYS, "%s; [X-Resources] is set by systemd", m->registration.bus_failure.text);
        /* Without systemd, the machine stays in our own cgroup. */
        return m->registration.registered || m->registration.scope ? set_up_scope_cgroup(m, failure) : 0;
}
