/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * box-run: boots one machine and stays as its supervisor, as root of the host, started by box@.service or by hand. It
 * prepares (reads settings and facts, changes nothing), starts (run/launch.c), supervises, and undoes the start. A reboot of
 * the payload is a restart of the unit or, started by hand, a new start in this process.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "run/machine.h"
#include "run/report.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/parse.h"

/* The payload has called for a reboot: systemd-nspawn's exit status, for RestartForceExitStatus= of units. */
#define EXIT_REBOOT 133

/* Plus the signal that ended the payload, as in a shell. */
#define EXIT_SIGNAL 128

/* Closes inherited descriptors except the sockets for the payload (host-facts.c), so that none leaks into a machine. */
static void close_stray_descriptors(void)
{
        int n = sd_listen_fds(/* unset_environment= */ 0);

        (void) syscall(SYS_close_range, SD_LISTEN_FDS_START + (n > 0 ? (unsigned) n : 0), ~0U, 0);
}

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

/* Why the end is a failure; 0 if it is not. A unit needs a message where by hand the exit status is
 * enough. Before machine_down(), which forgets the plan. */
static int judge_end(const Machine *m, const MachineEnding *e, Failure *failure)
{
        bool unit = m->settings.keep_unit, clean = e->kind == MACHINE_SHUT_DOWN || (e->kind != MACHINE_KILLED && e->status == 0);
        char what[64];

        describe_end(e, what, sizeof(what));
        if (e->early && (unit || !clean))
                return failure_set(failure, -ECHILD, "The init of machine '%s' (%s) %s before the machine was ready", m->name,
                                   m->plan.argv ? m->plan.argv[0] : "a shell", what);
        if (e->kind == MACHINE_KILLED)
                return failure_set(failure, -ECHILD, "Machine '%s' %s", m->name, what);
        if (e->kind == MACHINE_INIT_EXITED && (unit || !clean))
                return failure_set(failure, -ECHILD, "The init of machine '%s' %s, without a shutdown", m->name, what);
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

/* In a unit that has started, a reboot is a restart of the unit. Otherwise this process starts the machine again. */
static bool should_reboot(const Machine *m, MachineEnd end)
{
        return end == MACHINE_REBOOT && (!m->settings.keep_unit || !m->was_ready);
}

/* Starts, supervises and undoes once. The exit status, or negative. */
static int run_once(Machine *m, MachineEnding *ret_end, Failure *failure)
{
        Failure bad_end = {};
        int r;

        m->rebooting = false;
        r = machine_up(m, failure);
        if (r < 0)
                return r;
        r = machine_supervise(m, ret_end, failure);
        if (r >= 0)
                (void) judge_end(m, ret_end, &bad_end);
        m->rebooting = r >= 0 && should_reboot(m, ret_end->kind);
        if (r < 0 || !should_reboot(m, ret_end->kind))
                (void) sd_notifyf(/* unset_environment= */ 0, "STOPPING=1\nSTATUS=Container is %s.\nEXTEND_TIMEOUT_USEC=%" PRIu64,
                                  r >= 0 && ret_end->kind == MACHINE_REBOOT ? "being rebooted" : "shut down",
                                  REPORT_EXTEND_USEC);
        machine_down(m);
        return r < 0 ? r : exit_status(ret_end, &bad_end);
}

static int run(Machine *m, Failure *failure)
{
        MachineEnding end;
        int r;

        if (machine_is_dry(m))
                return machine_dry_run(m, failure);

        /* Up to here nothing was changed, and signals end the process. */
        r = loop_open(&m->loop);
        if (r < 0)
                return failure_set(failure, r, "Failed to set up the event loop: %m");
        do {
                r = run_once(m, &end, failure);
                if (r >= 0 && should_reboot(m, end.kind) && !m->settings.quiet)
                        log_info(0, "Machine '%s' is being rebooted", m->name);
        } while (r >= 0 && should_reboot(m, end.kind));
        return r;
}

int main(int argc, char *argv[])
{
        Failure failure = {};
        Machine m;
        int r;

        r = fd_secure_standard_streams(O_RDWR);
        close_stray_descriptors();
        /* Files for the host's users must be readable, whatever mask is inherited. */
        (void) umask(0022);
        /* Writing to a broken pipe is an error instead. */
        (void) signal(SIGPIPE, SIG_IGN);
        log_setup("box-run", getenv("BOX_DEBUG") ? LOG_DEBUG : LOG_INFO);
        machine_init(&m);
        if (r >= 0)
                r = machine_prepare(&m, argc, argv, &failure);
        if (r == 0)
                r = run(&m, &failure);
        else if (r > 0)
                r = EXIT_SUCCESS;

        if (r == -ECANCELED) {
                log_notice(0, "%s", failure.text);
                machine_done(&m);
                loop_end_by_signal(&m.loop);
        }
        if (r < 0) {
                (void) failure_set(&failure, r, "Failed to run machine: %m");
                report_failure(&failure);
                r = EXIT_FAILURE;
        }
        machine_done(&m);
        return r;
}
