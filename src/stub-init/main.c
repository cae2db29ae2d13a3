/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A minimal init, PID 1 of a machine with ProcessTwo=. Executed by box-run's child after it has started the payload as PID 2
 * (payload/stub-init.h), with the payload's user, capabilities and filter, and without descriptors. Linked statically: it runs
 * in any tree, and its memory holds no data of the host.
 *
 *     stub-init PID      PID is the payload; the stub ends with it
 *
 * The signals are those of systemd-nspawn's stub, so that `machinectl reboot` and `poweroff` work: systemd's signals for a
 * reboot (with SIGINT, Ctrl-Alt-Del) and for power-off send SIGTERM and, later, SIGHUP to the payload. Of the others, those from
 * inside the machine are ignored, and those from outside, as KillSignal=SIGTERM, are passed on to the payload.
 */

#include <signal.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/macro.h"
#include "util/parse.h"

enum {
        HANGUP_SECONDS = 1,             /* from SIGTERM to SIGHUP, which would kill a payload that has just taken SIGTERM */
        GRACE_SECONDS = 90,             /* systemd's DefaultTimeoutStopSec= */
        STATUS_SIGNALLED = 128,         /* plus the signal that killed the payload, as in a shell */
};

typedef enum Request {
        REQUEST_NONE,
        REQUEST_REBOOT,
        REQUEST_POWER_OFF,
        REQUEST_END,            /* by the supervisor: power-off, with the payload's status */
} Request;

static Request request_of_signal(int sig)
{
        const int reboots[] = { SIGINT, SIGRTMIN + 5, SIGRTMIN + 6, SIGRTMIN + 15, SIGRTMIN + 16 };
        const int power_offs[] = { SIGRTMIN + 3, SIGRTMIN + 4, SIGRTMIN + 13, SIGRTMIN + 14 };

        for (size_t i = 0; i < ARRAY_SIZE(reboots); i++)
                if (sig == reboots[i])
                        return REQUEST_REBOOT;
        for (size_t i = 0; i < ARRAY_SIZE(power_offs); i++)
                if (sig == power_offs[i])
                        return REQUEST_POWER_OFF;
        return REQUEST_NONE;
}

/* Processes of other PID namespaces have no PID in this one. */
static bool from_outside(const siginfo_t *si)
{
        return si->si_code <= 0 && si->si_pid == 0;
}

static Request request_of(const siginfo_t *si)
{
        return si->si_signo == SIGRTMIN + 3 && from_outside(si) ? REQUEST_END : request_of_signal(si->si_signo);
}

/* SIGCONT resumes a stopped process. */
static void request_end(pid_t payload)
{
        (void) kill(payload, SIGTERM);
        (void) kill(payload, SIGCONT);
}

/* Reaps all processes that have ended. Returns true, with the exit status, if the payload is one of them. */
static bool reap(pid_t payload, int *ret_status)
{
        for (;;) {
                siginfo_t si = {};

                if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG) < 0 || si.si_pid == 0)
                        return false;
                if (si.si_pid == payload) {
                        *ret_status = si.si_code == CLD_EXITED ? si.si_status : STATUS_SIGNALLED + si.si_status;
                        return true;
                }
        }
}

/* reboot(2) in a PID namespace tells the supervisor about the request; outside it would reboot the host. If the payload's user
 * may not call it, a power-off is still a success. */
static int end(Request request, int status)
{
        if (request == REQUEST_END)
                return status;
        if (request != REQUEST_NONE && getpid() == 1)
                (void) reboot(request == REQUEST_REBOOT ? RB_AUTOBOOT : RB_POWER_OFF);
        return request == REQUEST_NONE ? status : request == REQUEST_POWER_OFF ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void nothing(int sig)
{
}

/* Blocks all signals, for sigwaitinfo(). The handlers never run: they show in /proc/PID/status which signals are accepted
 * (payload/init-control.c), as the blocked mask is not shown during sigwaitinfo(). */
static void set_up_signals(sigset_t *ret)
{
        const struct sigaction action = { .sa_handler = nothing };

        for (int sig = 1; sig <= SIGRTMAX; sig++)
                if (sig != SIGCHLD)
                        (void) sigaction(sig, &action, NULL);
        (void) sigfillset(ret);
        (void) sigprocmask(SIG_BLOCK, ret, NULL);
}

/* Waits for a signal until this time of CLOCK_MONOTONIC at most. The signal, or negative. */
static int wait_until(const sigset_t *set, uint64_t usec, siginfo_t *ret)
{
        uint64_t now = clock_usec(CLOCK_MONOTONIC), rest = usec > now ? usec - now : 0;
        struct timespec timeout = { (time_t) (rest / USEC_PER_SEC), (long) (rest % USEC_PER_SEC * 1000) };

        return sigtimedwait(set, ret, &timeout);
}

int main(int argc, char *argv[])
{
        int status = STATUS_SIGNALLED + SIGKILL;        /* if it does not end in time */
        Request request = REQUEST_NONE;
        uint64_t deadline = 0, hangup = 0;
        uint32_t payload;
        sigset_t all;

        if (argc != 2 || parse_u32(argv[1], &payload) < 0 || payload < 2 || payload > INT32_MAX)
                return EXIT_FAILURE;
        (void) prctl(PR_SET_NAME, "box-init");
        set_up_signals(&all);

        while (!reap((pid_t) payload, &status)) {
                siginfo_t si = {};
                int sig;

                if (request == REQUEST_NONE)
                        sig = sigwaitinfo(&all, &si);
                else if (clock_usec(CLOCK_MONOTONIC) >= deadline)
                        break;
                else
                        sig = wait_until(&all, hangup ?: deadline, &si);
                /* Interactive shells ignore SIGTERM. */
                if (hangup > 0 && clock_usec(CLOCK_MONOTONIC) >= hangup) {
                        (void) kill((pid_t) payload, SIGHUP);
                        hangup = 0;
                }

                if (sig <= 0 || request != REQUEST_NONE)
                        continue;
                request = request_of(&si);
                if (request != REQUEST_NONE) {
                        hangup = clock_usec(CLOCK_MONOTONIC) + HANGUP_SECONDS * USEC_PER_SEC;
                        deadline = clock_usec(CLOCK_MONOTONIC) + GRACE_SECONDS * USEC_PER_SEC;
                        request_end((pid_t) payload);
                } else if (from_outside(&si))
                        (void) kill((pid_t) payload, sig);
        }

        return end(request, status);
}
