/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The keeper (see keeper.h), and the supervisor's side of it. The keeper is a fork of the supervisor and has its copy of the
 * Machine; as root of the host, with all capabilities or those that its tasks need. Further rounds: run/keeper-rounds.c.
 */

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload/init-control.h"
#include "run/keeper-rounds.h"
#include "run/keeper.h"
#include "security/capability.h"
#include "util/fd.h"
#include "util/log.h"

#define CAP_BIT(c) (UINT64_C(1) << (c))

static bool asks_by_program(const Machine *m)
{
        /* KillSignal= is for the way down only. */
        return plan_can_ask(&m->plan) && (init_control_enters(m->plan.init, INIT_REBOOT) ||
                                          (m->plan.kill_signal == 0 && init_control_enters(m->plan.init, INIT_HALT)));
}

static bool exports_unowned(const Machine *m)
{
        return m->export.dir_fd >= 0 && !m->plan.userns;
}

/* The capabilities for tasks other than another start. 0: there are none. */
static uint64_t needed(const Machine *m)
{
        uint64_t caps = 0;

        /* The files of a layer may have any owner and be immutable. */
        if (mount_work_has_scratch(m->work.items, m->work.n))
                caps |= CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_LINUX_IMMUTABLE);
        if (links_have_zone(&m->plan.network.links))
                caps |= CAP_BIT(CAP_NET_ADMIN);
        if (exports_unowned(m))
                caps |= CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_SYS_ADMIN);
        if (asks_by_program(m))
                caps |= m->plan.caps | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_KILL) | CAP_BIT(CAP_SYS_ADMIN) |
                        CAP_BIT(CAP_SYS_PTRACE) | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SYS_CHROOT) |
                        CAP_BIT(CAP_SETPCAP);
        return caps;
}

/* ---- in the keeper ------------------------------------------------------------------------------------------------------ */

static int reduce(const Machine *m, Failure *failure)
{
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return failure_set(failure, -errno, "Failed to set no-new-privileges: %m");
        return capability_reduce_self(needed(m), failure);
}

static void ask_init(const Machine *m, InitRequest request, Failure *failure)
{
        const char *const *program;
        int r = init_control_ask(m->plan.init, request, &m->child.leader, /* insist= */ true, &program, failure);

        if (r == INIT_CONTROL_PROGRAM)
                r = init_control_run(&m->child.leader, program, failure);
        if (r < 0)
                (void) failure_set(failure, r, "Failed to ask the machine's init to %s: %m",
                                   request == INIT_REBOOT ? "reboot" : "shut down");
}

static void do_request(Machine *m, KeeperAnswer *a)
{
        switch (a->request) {
        case KEEPER_READY:
                /* With more privileges than it should have it does not go on. */
                if (reduce(m, &a->failure) < 0)
                        _exit(EXIT_FAILURE);
                break;
        case KEEPER_ASK_HALT:
        case KEEPER_ASK_POWEROFF:
        case KEEPER_ASK_REBOOT:
                ask_init(m, (InitRequest) (a->request - KEEPER_ASK_HALT), &a->failure);
                break;
        case KEEPER_UNDO_EXPORT:
                unix_export_down(&m->export);
                break;
        case KEEPER_UNDO_SCRATCH:
                mount_work_free(TAKE_PTR(m->work.items), m->work.n);
                m->work.n = 0;
                break;
        case KEEPER_UNDO_ZONES:
                links_remove_zones(&m->plan.network.links);
                links_remove_noted_zone(m->name);
                break;
        case KEEPER_RESTART:
                keeper_rounds(m, a);
        }
}

/* Closes descriptors whose end the payload is to see when the supervisor closes them. The bus and the event loop are of no use
 * in another process. */
static void forget(Machine *m)
{
        m->child.sync_fd = fd_close(m->child.sync_fd);
        m->mounts.pty_master = fd_close(m->mounts.pty_master);
        console_ring_close(&m->mounts.console_ring);
        m->mounts.notify_fd = fd_close(m->mounts.notify_fd);
        m->control_fd = fd_close(m->control_fd);
        m->registration.bus = NULL;
        m->loop = (Loop) { .is_open = true };
        /* The payload will have run. */
        m->template.copied = false;
        m->mounts.journal_created = false;
}

_Noreturn static void keep(Machine *m, int fd)
{
        Failure failure = {};
        uint8_t request;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        forget(m);
        if (!m->keeper.restarts && reduce(m, &failure) < 0)
                _exit(EXIT_FAILURE);
        m->keeper.supervisor_fd = fd;
        while (read(fd, &request, sizeof(request)) == sizeof(request)) {
                KeeperAnswer a = { .request = request };

                do_request(m, &a);
                (void) send(fd, &a, sizeof(a), MSG_NOSIGNAL);
        }
        _exit(EXIT_SUCCESS);
}

/* ---- in the supervisor -------------------------------------------------------------------------------------------------- */

int keeper_start(Machine *m, Failure *failure)
{
        int pair[2], r;
        pid_t pid;

        m->keeper.restarts = !m->keeper.is_round && (!m->settings.keep_unit || m->plan.wait_ready);
        if (!m->keeper.restarts && needed(m) == 0)
                return 0;
        if (m->keeper.restarts) {
                r = keeper_open_relay(m, failure);
                if (r < 0)
                        return r;
        }
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return failure_set(failure, -errno, "Failed to create a socket pair: %m");
        pid = fork();
        if (pid == 0) {
                fd_close(pair[0]);
                keep(m, pair[1]);
        }
        r = pid < 0 ? -errno : 0;
        fd_close(pair[1]);
        m->keeper.fd = pair[0];
        m->keeper.pid = pid;
        return r < 0 ? failure_set(failure, r, "Failed to create a process: %m") : 0;
}

/* Answers of requests that are awaited no longer come first. */
static void request_and_wait(const Machine *m, KeeperRequest request)
{
        KeeperAnswer a = {};

        if (m->keeper.pid <= 0 || keeper_send(m, request) < 0)
                return;
        while (keeper_receive(m, &a) >= 0 && a.request != request)
                ;
}

void keeper_ready(Machine *m)
{
        if (!m->settings.keep_unit || !m->keeper.restarts)
                return;
        m->keeper.restarts = false;
        if (needed(m) == 0)
                keeper_stop(m);
        else
                (void) keeper_send(m, KEEPER_READY);
}

int keeper_ask_init(Machine *m, InitRequest request, Failure *failure)
{
        int r = m->keeper.pid > 0 ? keeper_send(m, (KeeperRequest) (KEEPER_ASK_HALT + request)) : -ESRCH;

        return r < 0 ? failure_set(failure, r, "Failed to have the init of machine '%s' asked: %m", m->name) : 0;
}

int keeper_take_asked(Machine *m, InitRequest *ret_request, Failure *failure)
{
        KeeperAnswer a = {};

        if (keeper_receive(m, &a) < 0)
                return failure_set(failure, -ECHILD, "The process that asks the init of machine '%s' has died", m->name);
        if (a.request < KEEPER_ASK_HALT || a.request > KEEPER_ASK_REBOOT)
                return -EAGAIN;
        *ret_request = (InitRequest) (a.request - KEEPER_ASK_HALT);
        return a.failure.error < 0 ? failure_set(failure, a.failure.error, "%s", a.failure.text) : 0;
}

void keeper_undo_export(Machine *m)
{
        if (exports_unowned(m))
                request_and_wait(m, KEEPER_UNDO_EXPORT);
}

void keeper_undo_scratch(Machine *m)
{
        if (mount_work_has_scratch(m->work.items, m->work.n))
                request_and_wait(m, KEEPER_UNDO_SCRATCH);
}

void keeper_undo_zones(Machine *m)
{
        /* A zone may be joined later: without a keeper, box-run --cleanup leaves it. */
        if (links_have_zone(&m->plan.network.links) || m->keeper.restarts)
                request_and_wait(m, KEEPER_UNDO_ZONES);
}

void keeper_stop(Machine *m)
{
        m->keeper.fd = fd_close(m->keeper.fd);
        m->keeper.relay_fd = fd_close(m->keeper.relay_fd);
        if (m->keeper.pid > 0)
                (void) waitpid(m->keeper.pid, NULL, 0);
        m->keeper.pid = 0;
        m->keeper.restarts = false;
}
