/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A round: the machine's start, its life, and its end, and the exit status that tells of it. A reboot of the payload is another
 * round (run/keeper.c) or, in a unit that has started, a restart of the unit. The supervisor, as root of the host.
 */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/set-drop-in.h"
#include "run/exhausted.h"
#include "run/keeper-rounds.h"
#include "run/live-changes.h"
#include "run/machine.h"
#include "run/report.h"
#include "run/steps.h"
#include "util/libsystemd.h"
#include "util/parse.h"

/* The payload has called for a reboot: systemd-nspawn's exit status, for RestartForceExitStatus= of units. */
#define EXIT_REBOOT 133

/* Plus the signal that ended the payload, as in a shell. */
#define EXIT_SIGNAL 128

/* "exited with status 3", for messages. */
static void describe_end(const MachineEnding *e, char *ret, size_t size)
{
        if (e->kind == MACHINE_SHUT_DOWN)
                (void) snprintf(ret, size, "shut the machine down");
        else if (e->kind == MACHINE_KILLED)
                (void) snprintf(ret, size, "was ended by %s", signal_name(e->status));
        else
                (void) snprintf(ret, size, "exited with status %d", e->status);
}

/* The end of a message, about something that there was too little of; "" if nothing is known. */
static void describe_want(const Machine *m, const MachineEnding *e, char *ret, size_t size)
{
        const char *limit = e->early ? exhausted_limit(m->plan.owner) : NULL;

        *ret = 0;
        if (limit)
                (void) snprintf(ret, size, "; the host's %s is used up (see LIMITS OF THE HOST in box-run(1))", limit);
        else if (e->kind == MACHINE_KILLED && e->status == SIGKILL && cgroup_lacked_memory(&m->cgroup))
                (void) snprintf(ret, size, "; the kernel has killed processes of it for lack of memory (MemoryMax=)");
}

/* Why the end is a failure; 0 if it is not. A unit needs a message where by hand the exit status is
 * enough. Before machine_down(), which forgets the plan. */
static int judge_end(const Machine *m, const MachineEnding *e, Failure *failure)
{
        bool unit = m->settings.keep_unit;
        bool clean = e->kind == MACHINE_SHUT_DOWN || (e->kind != MACHINE_KILLED && e->status == 0);
        char what[64], want[256];

        describe_end(e, what, sizeof(what));
        describe_want(m, e, want, sizeof(want));
        if (e->early && (unit || !clean))
                return failure_set(failure, -ECHILD, "The init of machine '%s' (%s) %s before the machine was ready%s",
                                   m->name, m->plan.argv ? m->plan.argv[0] : "a shell", what, want);
        if (e->kind == MACHINE_KILLED)
                return failure_set(failure, -ECHILD, "Machine '%s' %s%s", m->name, what, want);
        if (e->kind == MACHINE_INIT_EXITED && (unit || !clean))
                return failure_set(failure, -ECHILD, "The init of machine '%s' %s, without a shutdown", m->name, what);
        if (e->kind == MACHINE_EXITED && unit && !clean)
                return failure_set(failure, -ECHILD, "The payload of machine '%s' (%s) %s", m->name,
                                   m->plan.argv ? m->plan.argv[0] : "a shell", what);
        return 0;
}

/* Reports an end that is a failure, and returns our exit status. */
static int exit_status(const MachineEnding *e, const Failure *failure)
{
        int status = e->kind == MACHINE_SHUT_DOWN ? EXIT_SUCCESS : e->status + (e->kind == MACHINE_KILLED ? EXIT_SIGNAL : 0);

        if (e->kind == MACHINE_REBOOT)
                return EXIT_REBOOT;
        if (failure->error < 0) {
                report_failure(failure);
                /* A program that may exit, as systemd, keeps its status. */
                if (status == 0 && e->kind != MACHINE_EXITED)
                        return EXIT_FAILURE;
        }
        /* The payload's own 133 must not make the unit restart. */
        return status == EXIT_REBOOT ? EXIT_FAILURE : status;
}

/* In a unit that has started, a reboot is a restart of the unit. */
static bool should_reboot(const Machine *m, MachineEnd end)
{
        return end == MACHINE_REBOOT && (!m->settings.keep_unit || !m->was_ready);
}

int machine_round(Machine *m, Failure *failure)
{
        MachineEnding end = {};
        Failure bad_end = {};
        int r;

        m->rebooting = false;
        r = live_recall(m, failure);
        if (r >= 0)
                r = machine_up(m, failure);
        if (r < 0)
                return r;
        r = machine_supervise(m, &end, failure);
        if (r >= 0)
                (void) judge_end(m, &end, &bad_end);
        if (end.early && bad_end.error < 0)
                steps_write_failed(&m->steps, m->name, &bad_end);
        m->rebooting = r >= 0 && should_reboot(m, end.kind);
        if (m->rebooting && m->keeper.restarts)
                return keeper_restart(m, failure);
        if (m->rebooting)
                live_remember(m);
        /* Settings until the machine stops: a reboot is no stop. */
        if (r < 0 || end.kind != MACHINE_REBOOT)
                set_drop_ins_remove("", m->request.file_name);
        if (!m->rebooting)
                (void) sd_notifyf(/* unset_environment= */ 0, "STOPPING=1\nSTATUS=Container is %s.\nEXTEND_TIMEOUT_USEC=%" PRIu64,
                                  r >= 0 && end.kind == MACHINE_REBOOT ? "being rebooted" : "shut down", REPORT_EXTEND_USEC);
        machine_down(m);
        return r < 0 ? r : exit_status(&end, &bad_end);
}
