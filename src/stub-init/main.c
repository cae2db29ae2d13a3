/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The init of a machine with ProcessTwo=: PID 1, and nothing but that. Executed by box-run's child when it has started
 * the payload as PID 2 (payload/stub-init.h); with the payload's user, capabilities and filter, and no descriptor at
 * all. A program of its own, linked statically, so that nothing of the host's is in its memory and it runs in any tree.
 *
 *     stub-init PID      PID is the payload: its end is ours
 *
 * What asks for what is systemd-nspawn's contract, so that `machinectl reboot` and `poweroff` work: signals of systemd's
 * that mean a restart (SIGINT is Ctrl-Alt-Del) or a way down become SIGTERM and SIGHUP to the payload. All others, SIGTERM
 * and SIGHUP among them, are of no effect.
 */

#include <signal.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/macro.h"
#include "util/parse.h"

enum {
        GRACE_SECONDS = 90,             /* systemd's DefaultTimeoutStopSec= */
        STATUS_SIGNALLED = 255,         /* the payload was ended by a signal */
};

typedef enum Request {
        REQUEST_NONE,
        REQUEST_REBOOT,
        REQUEST_POWER_OFF,
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

/* Shells ignore SIGTERM and heed SIGHUP; for those that heed both, the one that means "end" comes first. One that is
 * stopped is woken up for it. */
static void ask_to_end(pid_t payload)
{
        (void) kill(payload, SIGTERM);
        (void) kill(payload, SIGCONT);
        (void) kill(payload, SIGHUP);
}

static time_t now(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec;
}

/* Takes all that has ended. True once the payload is among it, with its exit status. */
static bool reap(pid_t payload, int *ret_status)
{
        for (;;) {
                siginfo_t si = {};

                if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG) < 0 || si.si_pid == 0)
                        return false;
                if (si.si_pid == payload) {
                        *ret_status = si.si_code == CLD_EXITED ? si.si_status : STATUS_SIGNALLED;
                        return true;
                }
        }
}

/* The supervisor tells from reboot(2) in a PID namespace what was wished for. Outside of one it would be the host's. Where
 * the payload's user may not call it, a way down that was asked for is still a success. */
static int end(Request request, int status)
{
        if (request != REQUEST_NONE && getpid() == 1)
                (void) reboot(request == REQUEST_REBOOT ? RB_AUTOBOOT : RB_POWER_OFF);
        return request == REQUEST_NONE ? status : request == REQUEST_POWER_OFF ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void nothing(int sig)
{
}

/* Signals are waited for. That those that matter have a handler too, which never runs, is how others can see that they will
 * be heeded (payload/init-control.c): a mask is not shown while it is being waited on. */
static void set_up_signals(sigset_t *ret)
{
        const struct sigaction heeded = { .sa_handler = nothing };

        for (int sig = 1; sig <= SIGRTMAX; sig++)
                if (request_of_signal(sig) != REQUEST_NONE)
                        (void) sigaction(sig, &heeded, NULL);
        (void) sigfillset(ret);
        (void) sigprocmask(SIG_BLOCK, ret, NULL);
}

int main(int argc, char *argv[])
{
        struct timespec patience = { .tv_sec = GRACE_SECONDS };
        int status = STATUS_SIGNALLED;
        Request request = REQUEST_NONE;
        uint32_t payload;
        time_t deadline = 0;
        sigset_t all;

        if (argc != 2 || parse_u32(argv[1], &payload) < 0 || payload < 2 || payload > INT32_MAX)
                return EXIT_FAILURE;
        (void) prctl(PR_SET_NAME, "box-init");
        set_up_signals(&all);

        while (!reap((pid_t) payload, &status)) {
                int sig;

                if (request == REQUEST_NONE)
                        sig = sigwaitinfo(&all, NULL);
                else {
                        patience.tv_sec = deadline - now();
                        if (patience.tv_sec <= 0)
                                break;
                        sig = sigtimedwait(&all, NULL, &patience);
                }

                if (sig <= 0 || request != REQUEST_NONE)
                        continue;
                request = request_of_signal(sig);
                if (request != REQUEST_NONE) {
                        deadline = now() + GRACE_SECONDS;
                        ask_to_end((pid_t) payload);
                }
        }

        return end(request, status);
}
