/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Stops machines cleanly (see stop.h). Part of boxctl, which has its caller's rights.
 *
 * SIGTERM to a machine's supervisor shuts the machine down, by its init's own method. If the machine has a unit, StopUnit makes
 * systemd send that SIGTERM: Restart= does not take the end for a crash, the unit's timeout limits the wait, and systemd
 * reports the end. To the supervisor of a machine that was started by hand in a session, boxctl sends the SIGTERM.
 *
 * A machine of another manager (systemd-nspawn) gets what machinectl sends: SIGRTMIN+4 to its PID 1.
 */

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

#include "ctl/freeze.h"
#include "ctl/stop.h"
#include "ctl/units.h"
#include "image/machine-name.h"
#include "util/fd.h"

/* A process whose end is awaited. */
typedef struct Ending {
        size_t index;           /* in the names */
        int pidfd;
} Ending;

/* Sends SIGTERM to the supervisor. The state was read before the pidfd was opened: reading it again proves that the pidfd is
 * the supervisor's, and not that of a later process with the same PID. */
static int ask_supervisor(const RunningMachine *m, int *ret_pidfd, Failure *failure)
{
        _cleanup_close_ int fd = RET_ERRNO(pidfd_open(m->state.supervisor, 0));
        MachineState again;
        bool same;
        int r;

        if (fd < 0)
                return failure_set(failure, fd, "Failed to find the supervisor: %m");
        r = machine_state_read(NULL, m->name, &again);
        if (r < 0)
                return failure_set(failure, -ESRCH, "The machine has just ended");
        same = again.supervisor == m->state.supervisor && again.supervisor_start == m->state.supervisor_start;
        machine_state_done(&again);
        if (!same)
                return failure_set(failure, -ESRCH, "The machine has just ended");

        r = RET_ERRNO(pidfd_send_signal(fd, SIGTERM, NULL, 0));
        if (r < 0)
                return failure_set(failure, r, "Failed to signal the supervisor: %m");
        *ret_pidfd = TAKE_FD(fd);
        return 0;
}

static int ask_payload(Ctl *c, const RunningMachine *m, int *ret_pidfd, Failure *failure)
{
        _cleanup_close_ int fd = -EBADF;
        sd_bus *bus = ctl_bus(c, failure);
        int r;

        if (!bus)
                return failure->error;
        /* A machine without a process on this host (a virtual machine of another manager) cannot be waited for. */
        if (running_machine_leader(m) > 0)
                fd = RET_ERRNO(pidfd_open(running_machine_leader(m), 0));
        r = machined_kill(bus, m->name, "leader", SIGRTMIN + 4, failure);
        if (r >= 0)
                *ret_pidfd = TAKE_FD(fd);
        return r;
}

static void wait_endings(const Ending *e, size_t n, Failure *failures)
{
        int r;

        for (size_t i = 0; i < n; i++) {
                struct pollfd p = { .fd = e[i].pidfd, .events = POLLIN };

                do
                        r = RET_ERRNO(poll(&p, 1, -1));
                while (r == -EINTR);
                if (r < 0)
                        failure_set(&failures[e[i].index], r, "Failed to wait for the machine: %m");
        }
}

/* Machines to stop by their units, all at once, and processes of those that were signalled. */
typedef struct Stopping {
        char **units;           /* the machines' names, which are not ours */
        size_t *unit_indices;   /* in all names */
        size_t n_units;
        Ending *endings;
        size_t n_endings;
} Stopping;

static void stopping_done(Stopping *s)
{
        for (size_t i = 0; i < s->n_endings; i++)
                fd_close(s->endings[i].pidfd);
        free(s->endings);
        free(s->units);
        free(s->unit_indices);
}

/* Is the machine's unit starting or stopping? The machine itself then is not known yet, or no longer. */
static bool unit_is_busy(Ctl *c, const char *name)
{
        _cleanup_(unit_info_done) UnitInfo u = { 0 };
        _cleanup_free_ char *unit = machine_unit_name(name);
        sd_bus *bus = ctl_bus(c, NULL);

        if (!bus || !unit || systemd1_unit_info(bus, unit, &u, NULL) < 0)
                return false;
        return u.job != 0 || (strcmp(u.active_state, "inactive") != 0 && strcmp(u.active_state, "failed") != 0);
}

static void add_unit(Stopping *s, char *name, size_t index)
{
        s->units[s->n_units] = name;
        s->unit_indices[s->n_units++] = index;
}

static int ask(Ctl *c, Stopping *s, char *name, size_t index, bool if_running, Failure *failure)
{
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        int pidfd = -EBADF, r;
        Failure why = { 0 };

        r = running_machine_find(c, name, &m, &why);
        if (r == -ENXIO && unit_is_busy(c, name)) {
                add_unit(s, name, index);
                return 0;
        }
        if (r == -ENXIO && if_running)
                return 0;
        if (r < 0)
                return failure_set(failure, r, "%s", why.text);
        /* Its unit's stop would last until a time-out. */
        r = machine_thaw_to_stop(c, &m, failure);
        if (r < 0)
                return r;

        if (m.ours && running_machine_owns_unit(&m) && strncmp(running_machine_unit(&m), "box@", 4) == 0) {
                add_unit(s, name, index);
                return 0;
        }
        r = m.ours ? ask_supervisor(&m, &pidfd, failure) : ask_payload(c, &m, &pidfd, failure);
        if (r >= 0 && pidfd >= 0)
                s->endings[s->n_endings++] = (Ending) { index, pidfd };
        return r;
}

static int stop_units(Ctl *c, const Stopping *s, Failure *failures)
{
        _cleanup_free_ Failure *own = calloc(s->n_units, sizeof(Failure));
        int r;

        if (s->n_units == 0)
                return 0;
        if (!own)
                return log_oom();
        r = units_stop(c, s->units, s->n_units, own);
        for (size_t i = 0; i < s->n_units; i++)
                failures[s->unit_indices[i]] = own[i];
        return r;
}

int machines_stop(Ctl *c, char *const *names, size_t n, bool if_running, Failure *failures)
{
        _cleanup_(stopping_done) Stopping s = { .units = calloc(n, sizeof(char *)), .unit_indices = calloc(n, sizeof(size_t)),
                                                .endings = calloc(n, sizeof(Ending)) };
        int r;

        if (!s.units || !s.unit_indices || !s.endings)
                return log_oom();
        if (c->lite)
                c->options.no_block = true;

        for (size_t i = 0; i < n; i++)
                if (failures[i].error == 0)
                        (void) ask(c, &s, names[i], i, if_running, &failures[i]);
        r = stop_units(c, &s, failures);
        if (!c->options.no_block)
                wait_endings(s.endings, s.n_endings, failures);
        return r;
}
