/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * box-run: boots one machine and stays as its supervisor, as root of the host, started by box@.service or by hand. It
 * prepares (reads settings and facts, changes nothing), starts (run/launch.c), supervises, and undoes the start. A reboot of
 * the payload is a restart of the unit or, started by hand, another round (run/round.c).
 */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/machine.h"
#include "run/report.h"
#include "run/steps.h"
#include "util/fd.h"
#include "util/libsystemd.h"
#include "util/log.h"

/* Closes inherited descriptors except the sockets for the payload (host-facts.c), so that none leaks into a machine. */
static void close_stray_descriptors(void)
{
        int n = sd_listen_fds(/* unset_environment= */ 0);

        (void) syscall(SYS_close_range, SD_LISTEN_FDS_START + (n > 0 ? (unsigned) n : 0), ~0U, 0);
}

static int run(Machine *m, Failure *failure)
{
        int r;

        if (machine_is_dry(m))
                return machine_dry_run(m, failure);

        /* Up to here nothing was changed, and signals end the process. */
        r = loop_open(&m->loop);
        if (r < 0)
                return failure_set(failure, r, "Failed to set up the event loop: %m");
        m->round = machine_round;
        m->undo = machine_down;
        return m->round(m, failure);
}

static int log_level(void)
{
        const char *text = secure_getenv("SYSTEMD_LOG_LEVEL");
        int level = text ? log_level_parse(text) : -EINVAL;

        return getenv("BOX_DEBUG") ? LOG_DEBUG : level >= 0 ? level : LOG_INFO;
}

/* Of a start that ends before its first stage; boxctl blame tells it. */
static void note_failure(const Machine *m, const Failure *failure)
{
        if (m->name && geteuid() == 0 && !m->request.collect_problems &&
            !assignments_last(&m->request.switches, SETTING_DRY_RUN))
                steps_write_failed(&m->steps, m->name, failure);
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
        log_setup("box-run", log_level());
        machine_init(&m);
        if (r >= 0)
                r = machine_prepare(&m, argc, argv, &failure);
        if (r == 0)
                r = run(&m, &failure);
        else if (r > 0)
                r = EXIT_SUCCESS;
        else
                note_failure(&m, &failure);

        if (r == -ECANCELED) {
                log_notice(0, "%s", failure.text);
                if (!m.keeper.took_over)
                        machine_done(&m);
                loop_end_by_signal(&m.loop);
        }
        if (r < 0) {
                (void) failure_set(&failure, r, "Failed to run machine: %m");
                report_failure(&failure);
                r = EXIT_FAILURE;
        }
        if (m.keeper.took_over)
                _exit(r);
        machine_done(&m);
        return r;
}
