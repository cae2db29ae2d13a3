/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Rounds after the first (see keeper.h). The keeper, as root of the host, creates a supervisor for each and waits for its end;
 * the first process, with few privileges, passes on what belongs to the unit's main process. What it passes on to the service
 * manager comes from box's own supervisor, which the kernel attests.
 */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/keeper-rounds.h"
#include "run/live-changes.h"
#include "util/fd.h"
#include "util/libsystemd.h"
#include "util/log.h"
#include "util/strv.h"

enum { RELAY_TEXT_MAX = 8192 };

/* ---- both ----------------------------------------------------------------------------------------------------------- */

int keeper_send(const Machine *m, KeeperRequest request)
{
        uint8_t byte = request;

        return send(m->keeper.fd, &byte, sizeof(byte), MSG_NOSIGNAL) == sizeof(byte) ? 0 : -EPIPE;
}

int keeper_receive(const Machine *m, KeeperAnswer *ret)
{
        return TEMP_FAILURE_RETRY(read(m->keeper.fd, ret, sizeof(*ret))) == (ssize_t) sizeof(*ret) ? 0 : -EPIPE;
}

/* ---- in the keeper, and the supervisors that it creates ----------------------------------------------------------------- */

typedef struct RoundResult {
        int status;             /* the exit status, or negative */
        bool reboot, was_ready;
        int stop_signal;
        Failure failure;
} RoundResult;

_Noreturn static void run_round(Machine *m, int result_fd)
{
        RoundResult result = {};

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        fd_close(m->keeper.supervisor_fd);
        m->keeper = (MachineKeeper) MACHINE_KEEPER_NULL;
        m->keeper.is_round = true;
        m->loop.relay = getppid();
        result.status = m->round(m, &result.failure);
        result.reboot = m->rebooting;
        result.was_ready = m->was_ready;
        result.stop_signal = m->loop.stop_signal;
        (void) fd_write_all(result_fd, &result, sizeof(result));
        if (m->in_force)
                (void) fd_write_all(result_fd, m->in_force, strlen(m->in_force));
        _exit(EXIT_SUCCESS);
}

/* The settings in force follow the result. */
static void take_in_force(Machine *m, int result_fd)
{
        char *text;
        size_t size;

        if (fd_read_all(result_fd, LIVE_SETTINGS_MAX_BYTES, &text, &size) < 0)
                return;
        if (size > 0)
                (void) free_and_strdup(&m->in_force, text);
        free(text);
}

static void wait_round(Machine *m, int result_fd, pid_t pid, bool *stop, RoundResult *ret)
{
        struct pollfd fds[] = { { .fd = m->keeper.supervisor_fd, .events = POLLIN }, { .fd = result_fd, .events = POLLIN } };
        uint8_t request;

        if (*stop)
                (void) kill(pid, SIGTERM);
        while (poll(fds, ARRAY_SIZE(fds), -1) >= 0 || errno == EINTR) {
                if (fds[1].revents)
                        break;
                if (!fds[0].revents)
                        continue;
                *stop = true;
                if (read(m->keeper.supervisor_fd, &request, sizeof(request)) == sizeof(request)) {
                        (void) kill(pid, SIGTERM);
                        continue;
                }
                /* The first process is dead. */
                (void) kill(pid, SIGKILL);
                break;
        }
        if (read(result_fd, ret, sizeof(*ret)) != (ssize_t) sizeof(*ret)) {
                *ret = (RoundResult) { .status = -ECHILD };
                (void) failure_set(&ret->failure, -ECHILD, "The supervisor of machine '%s' was killed", m->name);
        } else
                take_in_force(m, result_fd);
}

static void create_round(Machine *m, bool *stop, RoundResult *ret)
{
        KeeperAnswer a = { .request = KEEPER_ROUND };
        _cleanup_close_ int result_in = -EBADF, result_out = -EBADF;
        int pair[2];

        *ret = (RoundResult) { .status = -ENOMEM };
        if (pipe2(pair, O_CLOEXEC) < 0)
                return;
        result_out = pair[0];
        result_in = pair[1];
        a.supervisor = fork();
        if (a.supervisor == 0) {
                fd_close(result_out);
                run_round(m, result_in);
        }
        if (a.supervisor < 0)
                return;
        result_in = fd_close(result_in);
        (void) send(m->keeper.supervisor_fd, &a, sizeof(a), MSG_NOSIGNAL);
        wait_round(m, result_out, a.supervisor, stop, ret);
        (void) waitpid(a.supervisor, NULL, 0);
}

/* A round with another plan has removed them. */
static void forget_removed_scratch(Machine *m)
{
        struct stat st;

        for (size_t i = 0; i < m->work.n; i++)
                if (m->work.items[i].scratch.dir.fd >= 0 &&
                    (fstat(m->work.items[i].scratch.dir.fd, &st) < 0 || st.st_nlink == 0)) {
                        mount_work_free(TAKE_PTR(m->work.items), m->work.n);
                        m->work.n = 0;
                        return;
                }
}

void keeper_rounds(Machine *m, KeeperAnswer *a)
{
        RoundResult result;
        bool stop = false;

        /* The first process was its parent, and stays in the supervisor's cgroup. */
        m->child.running = false;
        m->cgroup.unit_ends_with_us = true;
        m->rebooting = m->work.kept = true;
        live_remember(m);
        m->undo(m);
        loop_close(&m->loop);
        if (*m->keeper.relay_name)
                (void) setenv("NOTIFY_SOCKET", m->keeper.relay_name, /* overwrite= */ 1);
        do {
                if (!m->settings.quiet)
                        log_info(0, "Machine '%s' is being rebooted", m->name);
                create_round(m, &stop, &result);
                m->was_ready = m->was_ready || result.was_ready;
                forget_removed_scratch(m);
        } while (result.reboot && !stop);

        links_remove_noted_zone(m->name);
        mount_work_free(TAKE_PTR(m->work.items), m->work.n);
        m->work.n = 0;
        a->status = result.status;
        a->failure = result.failure;
        a->stop_signal = result.stop_signal;
}

/* ---- in the first process ----------------------------------------------------------------------------------------------- */

int keeper_open_relay(Machine *m, Failure *failure)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t size = sizeof(address);
        const int on = 1;
        int fd;

        if (!getenv("NOTIFY_SOCKET"))
                return 0;
        fd = m->keeper.relay_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        /* The kernel chooses an abstract name. */
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
            bind(fd, (const struct sockaddr *) &address, sizeof(sa_family_t)) < 0 ||
            getsockname(fd, (struct sockaddr *) &address, &size) < 0)
                return failure_set(failure, -errno, "Failed to open a socket for notify messages: %m");
        (void) snprintf(m->keeper.relay_name, sizeof(m->keeper.relay_name), "@%.*s",
                        (int) (size - offsetof(struct sockaddr_un, sun_path) - 1), address.sun_path + 1);
        return 0;
}

typedef struct Relay {
        Machine *machine;
        pid_t supervisor;       /* of the round */
        KeeperAnswer answer;
        bool ended;
} Relay;

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Relay *relay = userdata;
        KeeperAnswer *a = &relay->answer;

        if (keeper_receive(relay->machine, a) < 0) {
                *a = (KeeperAnswer) { .status = -ECHILD };
                (void) failure_set(&a->failure, -ECHILD, "The process that starts machine '%s' again has died",
                                   relay->machine->name);
                relay->ended = true;
        }
        if (a->request == KEEPER_ROUND)
                relay->supervisor = a->supervisor;
        if (a->request == KEEPER_RESTART)
                relay->ended = true;
        return 0;
}

static int on_message(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        const Relay *relay = userdata;
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(struct ucred))];
        } control = {};
        char text[RELAY_TEXT_MAX];
        struct iovec piece = { .iov_base = text, .iov_len = sizeof(text) - 1 };
        struct msghdr message = {
                .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
        };
        struct ucred sender;
        ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (n < 0 || message.msg_flags & MSG_TRUNC || control.header.cmsg_type != SCM_CREDENTIALS ||
            control.header.cmsg_len != CMSG_LEN(sizeof(sender)))
                return 0;
        memcpy(&sender, CMSG_DATA(&control.header), sizeof(sender));
        if (sender.pid != relay->supervisor)
                return 0;
        text[n] = 0;
        (void) sd_notify(/* unset_environment= */ 0, text);
        return 0;
}

static void on_stop(void *userdata)
{
        const Relay *relay = userdata;

        (void) keeper_send(relay->machine, KEEPER_CANCEL);
}

static bool has_ended(void *userdata)
{
        const Relay *relay = userdata;

        return relay->ended;
}

static int add_sources(Relay *relay)
{
        Machine *m = relay->machine;
        sd_event *event;
        int r;

        /* A new loop: the sources of the other have lost their descriptors. Signals from the terminal reach the others, too. */
        m->loop = (Loop) { .is_open = true, .terminal_is_shared = true, .on_stop = on_stop, .userdata = relay };
        r = loop_event(&m->loop, &event);
        if (r >= 0)
                r = sd_event_set_watchdog(event, true);
        if (r >= 0)
                r = sd_event_add_io(event, NULL, m->keeper.fd, EPOLLIN, on_answer, relay);
        if (r >= 0 && m->keeper.relay_fd >= 0)
                r = sd_event_add_io(event, NULL, m->keeper.relay_fd, EPOLLIN, on_message, relay);
        return r;
}

int keeper_restart(Machine *m, Failure *failure)
{
        const int keep[] = { m->keeper.fd, m->keeper.relay_fd };
        Relay relay = { .machine = m };
        int r;

        m->keeper.took_over = true;
        /* Locks among them: before the next round begins. */
        r = fd_close_all_but(STDERR_FILENO + 1, keep, ARRAY_SIZE(keep));
        if (r >= 0)
                r = keeper_send(m, KEEPER_RESTART);
        if (r >= 0)
                r = add_sources(&relay);
        if (r >= 0)
                r = loop_wait(&m->loop, has_ended, &relay, UINT64_MAX);
        if (r < 0)
                return failure_set(failure, r, "Failed to start machine '%s' again: %m", m->name);

        if (relay.answer.stop_signal > 0)
                m->loop.stop_signal = relay.answer.stop_signal;
        if (relay.answer.status < 0)
                return failure_set(failure, relay.answer.status, "%s", relay.answer.failure.text);
        return relay.answer.status;
}
