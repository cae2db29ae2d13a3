/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * box-run: boots one machine and stays as its supervisor, as root of the host, started by box@.service or by hand. It
 * prepares (reads settings and facts, changes nothing), starts (run/launch.c), supervises, and undoes the start. A reboot of
 * the payload is a restart of the unit or, started by hand, a new start in this process.
 */

#include <fcntl.h>
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

/* Closes inherited descriptors except the sockets for the payload (host-facts.c), so that none leaks into a machine. */
static void close_stray_descriptors(void)
{
        int n = sd_listen_fds(/* unset_environment= */ 0);

        (void) syscall(SYS_close_range, SD_LISTEN_FDS_START + (n > 0 ? (unsigned) n : 0), ~0U, 0);
}

/* Reports how the payload ended, and returns our exit status. */
static int exit_status(const Machine *m, MachineEnd end, int status)
{
        Failure failure = {};

        switch (end) {
        case MACHINE_EXITED:
                break;
        case MACHINE_INIT_EXITED:
                (void) failure_set(&failure, -ECHILD, "The init of machine '%s' exited with status %d, without a shutdown",
                                   m->name, status);
                break;
        case MACHINE_SHUT_DOWN:
                return EXIT_SUCCESS;
        case MACHINE_REBOOT:
                return EXIT_REBOOT;
        default:
                (void) failure_set(&failure, -ECHILD, "Machine '%s' was ended by %s", m->name, signal_name(status));
                status = EXIT_FAILURE;
        }

        if (failure.error < 0)
                report_failure(&failure);
        /* The payload's own 133 must not make the unit restart. */
        return status == EXIT_REBOOT || (failure.error < 0 && status == 0) ? EXIT_FAILURE : status;
}

/* In a unit that has started, a reboot is a restart of the unit. Otherwise this process starts the machine again. */
static bool should_reboot(const Machine *m, MachineEnd end)
{
        return end == MACHINE_REBOOT && (!m->settings.keep_unit || !m->was_ready);
}

/* Starts, supervises and undoes once. The exit status, or negative. */
static int run_once(Machine *m, MachineEnd *ret_end, Failure *failure)
{
        int status = 0, r;

        m->rebooting = false;
        r = machine_up(m, failure);
        if (r < 0)
                return r;
        r = machine_supervise(m, ret_end, &status, failure);
        m->rebooting = r >= 0 && should_reboot(m, *ret_end);
        if (r < 0 || !should_reboot(m, *ret_end))
                (void) sd_notify(/* unset_environment= */ 0, r >= 0 && *ret_end == MACHINE_REBOOT ?
                                         "STOPPING=1\nSTATUS=Container is being rebooted." :
                                         "STOPPING=1\nSTATUS=Container is shut down.");
        machine_down(m);
        return r < 0 ? r : exit_status(m, *ret_end, status);
}

static int run(Machine *m, Failure *failure)
{
        MachineEnd end;
        int r;

        if (machine_is_dry(m))
                return machine_dry_run(m, failure);

        /* Up to here nothing was changed, and signals end the process. */
        r = loop_open(&m->loop);
        if (r < 0)
                return failure_set(failure, r, "Failed to set up the event loop: %m");
        do {
                r = run_once(m, &end, failure);
                if (r >= 0 && should_reboot(m, end) && !m->settings.quiet)
                        log_info(0, "Machine '%s' is being rebooted", m->name);
        } while (r >= 0 && should_reboot(m, end));
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
