/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Connections of a control socket (see server.h). The supervisor, as root of the host with few capabilities; any user of the host
 * may connect. A connection's calls are run one after the other: what a client sends meanwhile waits, first here, then in its
 * socket. A connection is only marked as broken where it is used, and freed by the loop afterwards.
 */

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/call.h"
#include "control/server.h"
#include "util/fd.h"

typedef struct Connection Connection;
struct Connection {
        ControlCall call;       /* the first member: a call's connection is found by a cast */
        ControlServer *server;
        Connection *next;
        int fd;
        sd_event_source *io, *idle;
        char *in;               /* received, of a fixed size while it is there; NULL: nothing */
        size_t n_in;
        char *out;              /* to be sent; NULL: nothing */
        size_t n_out, n_sent;
        bool broken;
};

struct ControlServer {
        const ControlService *service;
        sd_event *event;
        sd_event_source *listen, *tidy;
        Connection *connections;
};

/* Everything else of the loop comes before clients. They cannot keep it busy, nor can a lack of descriptors. */
enum {
        INPUT_SIZE = CONTROL_MESSAGE_MAX + 1,
        PRIORITY = SD_EVENT_PRIORITY_NORMAL + 10,
        PACE_USEC = 100 * 1000,
        CONNECTS = 200,                 /* in that time */
        CALLS_OF_OTHERS = 20,           /* of one connection */
};

/* ---- one connection ------------------------------------------------------------------------------------------- */

static void connection_free(Connection *c)
{
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->idle);
        control_call_done(&c->call);
        fd_close(c->fd);
        free(c->in);
        free(c->out);
        free(c);
}

static void set_broken(Connection *c)
{
        c->broken = true;
        (void) sd_event_source_set_enabled(c->server->tidy, SD_EVENT_ONESHOT);
}

/* What is to be sent waits for the client, and then so does what it sends. The next call of those that have been received runs
 * in the next round of the loop. */
static void watch(Connection *c)
{
        bool ready = c->in && memchr(c->in, 0, c->n_in);
        uint32_t events = c->call.upgraded ? 0 : c->call.method && !c->out ? EPOLLRDHUP : c->out || ready ? EPOLLOUT : EPOLLIN;

        if (sd_event_source_set_io_events(c->io, events) < 0)
                set_broken(c);
}

static void hand_over(Connection *c)
{
        c->io = sd_event_source_disable_unref(c->io);
        c->call.upgraded(TAKE_FD(c->fd), c->in, c->n_in, c->call.upgraded_userdata);
        c->broken = true;
}

/* After a round of the loop in which connections were used. */
static int on_tidy(sd_event_source *source, void *userdata)
{
        ControlServer *s = userdata;
        bool some = s->connections;

        for (Connection **p = &s->connections; *p;) {
                Connection *c = *p;

                if (!c->broken && c->call.upgraded && !c->out)
                        hand_over(c);
                if (c->broken) {
                        *p = c->next;
                        connection_free(c);
                        continue;
                }
                watch(c);
                p = &c->next;
        }
        if (some && !s->connections && s->service->idle)
                s->service->idle(s->service->userdata);
        return 0;
}

static void send_out(Connection *c)
{
        while (c->n_sent < c->n_out) {
                ssize_t n = send(c->fd, c->out + c->n_sent, c->n_out - c->n_sent, MSG_DONTWAIT | MSG_NOSIGNAL);

                if (n < 0 && errno == EAGAIN)
                        return;
                if (n < 0) {
                        set_broken(c);
                        return;
                }
                c->n_sent += (size_t) n;
        }
        free(TAKE_PTR(c->out));
        c->n_out = c->n_sent = 0;
        (void) sd_event_source_set_time_relative(c->idle, CONTROL_IDLE_USEC);
}

static void on_send(ControlCall *call, char *text, size_t size)
{
        Connection *c = (Connection *) call;
        char *out;

        if (c->broken || !text || c->n_out + size > CONTROL_OUTPUT_MAX) {
                free(text);
                set_broken(c);
                return;
        }
        if (c->out) {
                out = realloc(c->out, c->n_out + size);
                if (out)
                        memcpy(out + c->n_out, text, size);
                free(text);
        } else
                out = text;
        if (!out) {
                set_broken(c);
                return;
        }
        c->out = out;
        c->n_out += size;
        send_out(c);
        (void) sd_event_source_set_enabled(c->server->tidy, SD_EVENT_ONESHOT);
}

/* Runs a call that has been received whole. */
static void run_call(Connection *c)
{
        char *end = c->in ? memchr(c->in, 0, c->n_in) : NULL;

        if (end && !c->out && !c->call.method && !c->call.upgraded) {
                size_t n = (size_t) (end - c->in);

                if (control_call_run(&c->call, c->server->service, c->in, n) < 0)
                        set_broken(c);
                c->n_in -= n + 1;
                memmove(c->in, end + 1, c->n_in);
                (void) sd_event_source_set_time_relative(c->idle, CONTROL_IDLE_USEC);
        } else if (!end && c->n_in == INPUT_SIZE)
                set_broken(c);
        if (c->n_in == 0)
                free(TAKE_PTR(c->in));
}

/* Those of a user other than root are closed: they only take place in our table. */
static void take_fds(Connection *c, struct msghdr *m)
{
        for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
                const int *fds = (const int *) CMSG_DATA(h);

                if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i < (h->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
                        if (c->call.uid == 0 && c->call.n_fds < CONTROL_FDS_MAX)
                                c->call.fds[c->call.n_fds++] = fds[i];
                        else
                                fd_close(fds[i]);
        }
}

static void receive(Connection *c)
{
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(CONTROL_FDS_MAX * sizeof(int))];
        } control = {};
        struct iovec piece;
        struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
        ssize_t n;

        if (!c->in)
                c->in = malloc(INPUT_SIZE);
        if (!c->in) {
                set_broken(c);
                return;
        }
        piece = (struct iovec) { c->in + c->n_in, INPUT_SIZE - c->n_in };
        n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n > 0) {
                take_fds(c, &m);
                c->n_in += (size_t) n;
        } else if (n == 0 || errno != EAGAIN)
                set_broken(c);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Connection *c = userdata;

        if (c->out)
                send_out(c);
        else if (c->call.method) {
                if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                        set_broken(c);          /* it has gone while its call waits */
        } else if (!c->in || !memchr(c->in, 0, c->n_in))
                receive(c);
        if (!c->broken)
                run_call(c);
        if (!c->broken)
                watch(c);
        return 0;
}

static int on_idle(sd_event_source *source, uint64_t usec, void *userdata)
{
        Connection *c = userdata;

        if (!c->call.method || c->out)
                set_broken(c);
        else {
                (void) sd_event_source_set_time_relative(source, CONTROL_IDLE_USEC);
                (void) sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        }
        return 0;
}

/* ---- all -------------------------------------------------------------------------------------------------------- */

static bool is_full(const ControlServer *s, uid_t uid)
{
        size_t n = 0;

        for (const Connection *c = s->connections; c; c = c->next)
                n += (c->call.uid == 0) == (uid == 0) && !c->broken;
        return n >= (uid == 0 ? CONTROL_CONNECTIONS_MAX : CONTROL_OTHERS_MAX);
}

int control_server_add(ControlServer *s, int fd, uid_t uid, pid_t pid)
{
        Connection *c;
        int r;

        if (is_full(s, uid)) {
                fd_close(fd);
                return -EBUSY;
        }
        c = calloc(1, sizeof(*c));
        if (!c) {
                fd_close(fd);
                return -ENOMEM;
        }
        *c = (Connection) { .call = { .uid = uid, .pid = pid, .send = on_send }, .server = s, .fd = fd };
        r = sd_event_add_io(s->event, &c->io, fd, EPOLLIN, on_io, c);
        if (r >= 0)
                r = sd_event_add_time_relative(s->event, &c->idle, CLOCK_MONOTONIC, CONTROL_IDLE_USEC, CONTROL_IDLE_USEC / 10,
                                               on_idle, c);
        if (r >= 0)
                r = sd_event_source_set_priority(c->io, PRIORITY);
        if (r >= 0 && uid != 0)
                r = sd_event_source_set_ratelimit(c->io, PACE_USEC, CALLS_OF_OTHERS);
        if (r < 0) {
                connection_free(c);
                return r;
        }
        c->next = s->connections;
        s->connections = c;
        return 0;
}

static int on_connect(sd_event_source *source, int listen_fd, uint32_t events, void *userdata)
{
        ControlServer *s = userdata;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (fd < 0)
                return 0;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                fd_close(fd);
        else
                (void) control_server_add(s, fd, peer.uid, peer.pid);
        return 0;
}

int control_listen(const char *path, Failure *failure)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -EBADF;

        if (strlen(path) >= sizeof(address.sun_path))
                return failure_set(failure, -ENAMETOOLONG, "Failed to create the socket '%s': %m", path);
        memcpy(address.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 || chmod(path, 0666) < 0 ||
            listen(fd, SOMAXCONN) < 0)
                return failure_set(failure, -errno, "Failed to create the socket '%s': %m", path);
        return TAKE_FD(fd);
}

int control_server_new(sd_event *event, int listen_fd, const ControlService *service, ControlServer **ret)
{
        _cleanup_(control_server_freep) ControlServer *s = calloc(1, sizeof(ControlServer));
        int r;

        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->service = service;
        r = sd_event_add_defer(event, &s->tidy, on_tidy, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->tidy, SD_EVENT_OFF);
        if (r >= 0 && listen_fd >= 0)
                r = sd_event_add_io(event, &s->listen, listen_fd, EPOLLIN, on_connect, s);
        if (r >= 0 && listen_fd >= 0)
                r = sd_event_source_set_priority(s->listen, PRIORITY);
        if (r >= 0 && listen_fd >= 0)
                r = sd_event_source_set_ratelimit(s->listen, PACE_USEC, CONNECTS);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return 0;
}

ControlServer *control_server_free(ControlServer *s)
{
        if (!s)
                return NULL;
        while (s->connections) {
                Connection *c = s->connections;

                s->connections = c->next;
                connection_free(c);
        }
        sd_event_source_disable_unref(s->listen);
        sd_event_source_disable_unref(s->tidy);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

void control_server_each_call(ControlServer *s, ControlFunction run, void (*f)(ControlCall *call, void *userdata),
                              void *userdata)
{
        for (Connection *c = s ? s->connections : NULL; c; c = c->next)
                if (!c->broken && c->call.method && c->call.method->run == run)
                        f(&c->call, userdata);
}
