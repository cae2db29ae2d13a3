/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The channel between supervisor and child (see sync.h). Both processes; no privilege. Both ends are box-run's own code, before
 * it executes the payload: messages are trusted, but their sizes are checked. */

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run/sync.h"
#include "util/fd.h"
#include "util/log.h"

/* Fewer than the kernel's limit of 253 a message (SCM_MAX_FD). */
enum { SYNC_FDS = 64 };

typedef struct SyncMessage {
        uint32_t kind;
        uint32_t n;
        uint16_t index[SYNC_FDS];
        Failure failure;
} SyncMessage;

int sync_pair(int ret[static 2])
{
        return RET_ERRNO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret));
}

static int send_message(int fd, SyncMessage *m, const int *fds)
{
        union {
                struct cmsghdr header;
                char buf[CMSG_SPACE(sizeof(int) * SYNC_FDS)];
        } control = {};
        struct iovec iov = { m, sizeof(*m) };
        struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

        if (m->n > 0) {
                mh.msg_control = &control;
                mh.msg_controllen = CMSG_SPACE(sizeof(int) * m->n);
                control.header = (struct cmsghdr) {
                        .cmsg_len = CMSG_LEN(sizeof(int) * m->n), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
                };
                memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * m->n);
        }

        for (;;) {
                if (sendmsg(fd, &mh, MSG_NOSIGNAL) >= 0)
                        return 0;
                if (errno != EINTR)
                        return -errno;
        }
}

int sync_send(int fd, SyncKind kind)
{
        SyncMessage m = { .kind = kind };

        return send_message(fd, &m, NULL);
}

int sync_send_failure(int fd, const Failure *failure)
{
        SyncMessage m = { .kind = SYNC_FAILED, .failure = *failure };

        return send_message(fd, &m, NULL);
}

int sync_send_warning(int fd, const Failure *failure)
{
        SyncMessage m = { .kind = SYNC_WARNING, .failure = *failure };

        return send_message(fd, &m, NULL);
}

int sync_send_mounts(int fd, SyncKind kind, const MountWork *work, size_t n)
{
        SyncMessage m = { .kind = SYNC_MOUNTS };
        int fds[SYNC_FDS], r;

        for (size_t i = 0; i < n; i++) {
                if (work[i].fd < 0)
                        continue;
                if (m.n == SYNC_FDS) {
                        r = send_message(fd, &m, fds);
                        if (r < 0)
                                return r;
                        m.n = 0;
                }
                fds[m.n] = work[i].fd;
                m.index[m.n++] = (uint16_t) i;
        }

        m.kind = kind;
        return send_message(fd, &m, fds);
}

static void take_mounts(const SyncMessage *m, struct msghdr *mh, MountWork *work, size_t n)
{
        for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
                size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                int fds[SYNC_FDS];

                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || count > SYNC_FDS)
                        continue;
                memcpy(fds, CMSG_DATA(c), count * sizeof(int));
                for (size_t i = 0; i < count; i++) {
                        if (work && i < m->n && m->index[i] < n && work[m->index[i]].fd < 0)
                                work[m->index[i]].fd = fds[i];
                        else
                                fd_close(fds[i]);
                }
        }
}

static int receive_message(int fd, SyncMessage *m, MountWork *work, size_t n)
{
        union {
                struct cmsghdr header;
                char buf[CMSG_SPACE(sizeof(int) * SYNC_FDS)];
        } control;
        struct iovec iov = { m, sizeof(*m) };
        struct msghdr mh = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        ssize_t size;

        do
                size = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
        while (size < 0 && errno == EINTR);
        if (size < 0)
                return errno == ECONNRESET ? -EPIPE : -errno;
        if (size == 0)
                return -EPIPE;
        if (size != sizeof(*m) || mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
                return -EBADMSG;

        take_mounts(m, &mh, work, n);
        return 0;
}

bool sync_is_closed(int fd)
{
        struct pollfd p = { .fd = fd };

        return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

void sync_wait_closed(int fd)
{
        struct pollfd p = { .fd = fd };

        while (poll(&p, 1, -1) < 0 && errno == EINTR)
                ;
}

int sync_take(int fd, SyncKind kind, MountWork *work, size_t n, Failure *failure)
{
        SyncMessage m = {};
        int r = receive_message(fd, &m, work, n);

        if (r < 0)
                return r;
        m.failure.text[sizeof(m.failure.text) - 1] = 0;
        if (m.kind == SYNC_WARNING)
                log_warning(0, "%s, ignoring", m.failure.text);
        else if (m.kind == SYNC_FAILED)
                return failure_set(failure, m.failure.error, "%s", m.failure.text);
        else if (m.kind != kind && m.kind != SYNC_MOUNTS)
                return -EBADMSG;
        return m.kind == kind;
}

int sync_wait(int fd, SyncKind kind, MountWork *work, size_t n, Failure *failure)
{
        int r;

        do
                r = sync_take(fd, kind, work, n, failure);
        while (r == 0);
        return r < 0 ? r : 0;
}
