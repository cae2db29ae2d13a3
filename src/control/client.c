/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client of control sockets (see client.h). boxctl, and the supervisor for machined; no privilege. Silent. */

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/client.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/text.h"

/* An answer may be longer than a call: console texts, lists. */
enum { ANSWER_MAX = 4 * 1024 * 1024, ANSWER_VALUES_MAX = 100 * 1000, READ_SIZE = 16 * 1024, ERRNO_MAX = 4096 };

struct ControlClient {
        int fd;
        char *in;
        size_t n_in, size, n_seen;      /* n_seen: of these none is a NUL */
        unsigned n_received;
};

void control_reply_done(ControlReply *r)
{
        (void) json_free(r->json);
        *r = (ControlReply) {};
}

ControlClient *control_client_free(ControlClient *c)
{
        if (!c)
                return NULL;
        fd_close(c->fd);
        free(c->in);
        free(c);
        return NULL;
}

int control_client_of(int fd, ControlClient **ret)
{
        ControlClient *c = calloc(1, sizeof(*c));

        if (!c) {
                fd_close(fd);
                return -ENOMEM;
        }
        c->fd = fd;
        *ret = c;
        return 0;
}

int control_client_open(const char *path, ControlClient **ret)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -EBADF;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        return control_client_of(TAKE_FD(fd), ret);
}

int control_client_fd(const ControlClient *c)
{
        return c->fd;
}

/* ---- sending ---------------------------------------------------------------------------------------------------- */

int control_call_begin(const char *method, unsigned flags, Json **ret, Failure *failure)
{
        Json *j;
        int r = json_new(&j, failure);

        if (r < 0)
                return r;
        json_begin_object(j, NULL);
        json_put_string(j, "method", method);
        if (flags & CONTROL_CALL_MORE)
                json_put_bool(j, "more", true);
        if (flags & CONTROL_CALL_ONEWAY)
                json_put_bool(j, "oneway", true);
        if (flags & CONTROL_CALL_UPGRADE)
                json_put_bool(j, "upgrade", true);
        json_begin_object(j, "parameters");
        *ret = j;
        return 0;
}

static int wait_for(const ControlClient *c, short events, uint64_t until)
{
        struct pollfd p = { .fd = c->fd, .events = events };
        int r;

        do {
                uint64_t now = clock_usec(CLOCK_MONOTONIC), left = until > now ? until - now : 0;
                const struct timespec span = { (time_t) (left / USEC_PER_SEC), (long) (left % USEC_PER_SEC * 1000) };

                r = ppoll(&p, 1, until == UINT64_MAX ? NULL : &span, NULL);
        } while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static uint64_t deadline(uint64_t usec)
{
        return usec == UINT64_MAX ? UINT64_MAX : clock_usec(CLOCK_MONOTONIC) + usec;
}

/* The descriptors go with the first byte. */
static int send_bytes(ControlClient *c, const char *text, size_t size, const int *fds, size_t n_fds, uint64_t until)
{
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(CONTROL_FDS_MAX * sizeof(int))];
        } control = {};
        struct iovec piece;
        struct msghdr m = { .msg_iov = &piece, .msg_iovlen = 1 };

        if (n_fds > 0) {
                m.msg_control = &control;
                m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
                control.header = (struct cmsghdr) {
                        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(n_fds * sizeof(int)),
                };
                memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
        }
        while (size > 0) {
                ssize_t n;
                int r;

                piece = (struct iovec) { (char *) text, size };
                n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return errno == EPIPE ? -ECONNRESET : -errno;
                if (n < 0) {
                        r = wait_for(c, POLLOUT, until);
                        if (r < 0)
                                return r;
                        continue;
                }
                text += n;
                size -= (size_t) n;
                m.msg_control = NULL;
                m.msg_controllen = 0;
        }
        return 0;
}

int control_client_send(ControlClient *c, Json *j, const int *fds, size_t n_fds, uint64_t usec)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);
        _cleanup_free_ char *text = NULL;
        int r;

        json_end(j);
        json_end(j);
        r = f ? json_print(j, f, 0) : -ENOMEM;
        (void) json_free(j);
        if (r < 0 || n_fds > CONTROL_FDS_MAX)
                return r < 0 ? r : -E2BIG;
        text = memory_stream_take(&m);
        if (!text)
                return -ENOMEM;
        text[strlen(text) - 1] = 0;
        return send_bytes(c, text, strlen(text) + 1, fds, n_fds, deadline(usec));
}

int control_client_send_text(ControlClient *c, const char *text, size_t size)
{
        return send_bytes(c, text, size, NULL, 0, deadline(0));
}

/* ---- receiving -------------------------------------------------------------------------------------------------- */

static int receive_bytes(ControlClient *c)
{
        ssize_t n;

        if (c->size - c->n_in < READ_SIZE) {
                char *larger = realloc(c->in, c->size + READ_SIZE + c->size / 2);

                if (!larger)
                        return -ENOMEM;
                c->in = larger;
                c->size += READ_SIZE + c->size / 2;
        }
        n = recv(c->fd, c->in + c->n_in, READ_SIZE, MSG_DONTWAIT);
        if (n < 0)
                return -errno;
        c->n_in += (size_t) n;
        return n == 0 ? -ECONNRESET : 0;
}

static int parse_reply(const char *text, size_t size, ControlReply *ret)
{
        _cleanup_reply_ ControlReply reply = {};
        const JsonNode *root, *error;
        int r;

        r = json_read(text, size, ANSWER_VALUES_MAX, &reply.json, NULL);
        if (r < 0)
                return r == -ENOMEM || r == -ENOSYS ? r : -EBADMSG;
        root = json_root(reply.json);
        error = json_member(root, "error");
        reply.parameters = json_member(root, "parameters");
        if (reply.parameters && reply.parameters->kind == JSON_NODE_NULL)
                reply.parameters = NULL;
        if (root->kind != JSON_NODE_OBJECT || (error && error->kind != JSON_NODE_STRING && error->kind != JSON_NODE_NULL) ||
            (reply.parameters && reply.parameters->kind != JSON_NODE_OBJECT))
                return -EBADMSG;
        reply.error = error ? error->string : NULL;
        reply.continues = json_member_bool(root, "continues");

        *ret = reply;
        reply = (ControlReply) {};
        return 0;
}

int control_client_receive_text(ControlClient *c, uint64_t usec, char **ret)
{
        uint64_t until = deadline(usec);
        char *end;
        size_t n;
        int r;

        while (!(end = c->in ? memchr(c->in + c->n_seen, 0, c->n_in - c->n_seen) : NULL)) {
                c->n_seen = c->n_in;
                if (c->n_in > ANSWER_MAX)
                        return -EBADMSG;
                r = receive_bytes(c);
                if (r == -EAGAIN || r == -EINTR)
                        r = wait_for(c, POLLIN, until);
                if (r < 0)
                        return r;
        }
        n = (size_t) (end - c->in);
        *ret = strdup(c->in);
        if (!*ret)
                return -ENOMEM;
        c->n_in -= n + 1;
        c->n_seen = 0;
        c->n_received++;
        memmove(c->in, end + 1, c->n_in);
        return 0;
}

unsigned control_client_n_received(const ControlClient *c)
{
        return c->n_received;
}

int control_client_receive(ControlClient *c, uint64_t usec, ControlReply *ret)
{
        _cleanup_free_ char *text = NULL;
        int r = control_client_receive_text(c, usec, &text);

        return r < 0 ? r : parse_reply(text, strlen(text), ret);
}

int control_reply_failed(const ControlReply *r, const char *method, Failure *failure)
{
        static const struct {
                const char *error;
                int number;
        } known[] = {
                { CONTROL_PERMISSION_DENIED, -EACCES },
                { CONTROL_METHOD_NOT_FOUND, -EOPNOTSUPP },
                { CONTROL_INTERFACE_NOT_FOUND, -EOPNOTSUPP },
                { CONTROL_INVALID_PARAMETER, -EINVAL },
                { "io.systemd.MachineInstance.NotSupported", -EOPNOTSUPP },
                { "io.systemd.MachineInstance.NotConnected", -EBUSY },
        };
        const JsonNode *number = json_member(r->parameters, "errno");
        const char *message = json_member_string(r->parameters, "message");
        const char *name = json_member_string(r->parameters, "parameter");
        int error = -EREMOTEIO;

        if (number && strcmp(r->error, CONTROL_SYSTEM_ERROR) == 0 && number->integral && number->integer > 0 &&
            number->integer < ERRNO_MAX)
                error = -(int) number->integer;
        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (strcmp(known[i].error, r->error) == 0)
                        error = known[i].number;
        if (message)
                return failure_set(failure, error, "%s", message);
        return failure_set(failure, error, "%s was refused: %s%s%s", method, r->error, name ? " " : "", name ?: "");
}

int control_client_call(ControlClient *c, const char *method, Json *j, uint64_t usec, ControlReply *ret, Failure *failure)
{
        _cleanup_reply_ ControlReply reply = {};
        int r = j ? 0 : control_call_begin(method, 0, &j, failure);

        if (r < 0)
                return r;
        r = control_client_send(c, j, NULL, 0, usec);
        if (r >= 0)
                r = control_client_receive(c, usec, &reply);
        if (r < 0)
                return failure_set(failure, r, "Failed to call %s: %m", method);
        if (reply.error)
                return control_reply_failed(&reply, method, failure);

        *ret = reply;
        reply = (ControlReply) {};
        return 0;
}

int control_client_take(ControlClient *c, int *ret_fd, char **ret_early, size_t *ret_n_early)
{
        *ret_n_early = c->n_in;
        *ret_early = TAKE_PTR(c->in);
        *ret_fd = TAKE_FD(c->fd);
        c->n_in = c->n_seen = c->size = 0;
        return 0;
}
