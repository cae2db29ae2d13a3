/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The channel between supervisor and child (see sync.h). Both processes; no privilege. Both ends are box-run's own code, before
 * it executes the payload: messages are trusted, but their sizes are checked. */

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "payload/enter-report.h"
#include "run/sync.h"
#include "util/fd.h"
#include "util/log.h"

typedef struct SyncMessage {
        uint32_t kind;
        Failure failure;
} SyncMessage;

typedef union SyncControl {
        struct cmsghdr header;
        char buf[CMSG_SPACE(sizeof(int))];
} SyncControl;

int sync_pair(int ret[static 2])
{
        return RET_ERRNO(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret));
}

/* passed: a descriptor, or -EBADF. */
static int send_message(int fd, SyncMessage *m, int passed)
{
        SyncControl control = {
                .header = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS },
        };
        struct iovec iov = { m, sizeof(*m) };
        struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

        if (passed >= 0) {
                mh.msg_control = &control;
                mh.msg_controllen = sizeof(control);
                memcpy(CMSG_DATA(&control.header), &passed, sizeof(int));
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

        return send_message(fd, &m, -EBADF);
}

int sync_send_failure(int fd, const Failure *failure)
{
        SyncMessage m = { .kind = SYNC_FAILED, .failure = *failure };

        return send_message(fd, &m, -EBADF);
}

int sync_send_warning(int fd, const Failure *failure)
{
        SyncMessage m = { .kind = SYNC_WARNING, .failure = *failure };

        return send_message(fd, &m, -EBADF);
}

int sync_send_fd(int fd, SyncKind kind, int passed)
{
        SyncMessage m = { .kind = kind };

        return send_message(fd, &m, passed);
}

static int take_fd(struct msghdr *mh)
{
        int fd = -EBADF;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
                        memcpy(&fd, CMSG_DATA(c), sizeof(int));
        return fd;
}

/* The child has become the stub (enter-stub/main.c), whose reports are numbers. */
static void use_number(SyncMessage *m)
{
        EnterStubReport report;

        memcpy(&report, m, sizeof(report));
        *m = (SyncMessage) { .kind = SYNC_FAILED, .failure = { .error = report.value > 0 ? -report.value : -EIO } };
}

/* The control buffer has room for one descriptor: the kernel discards more, and says so. */
static int receive_message(int fd, SyncMessage *m, int *ret_fd)
{
        SyncControl control;
        struct iovec iov = { m, sizeof(*m) };
        struct msghdr mh = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_LEN(sizeof(int)),
        };
        _cleanup_close_ int received = -EBADF;
        ssize_t size;

        do
                size = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
        while (size < 0 && errno == EINTR);
        if (size < 0)
                return errno == ECONNRESET ? -EPIPE : -errno;
        if (size == 0)
                return -EPIPE;
        received = take_fd(&mh);
        if (size == sizeof(EnterStubReport))
                use_number(m);
        else if (size != sizeof(*m) || mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
                return -EBADMSG;

        *ret_fd = TAKE_FD(received);
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

int sync_take(int fd, SyncKind kind, int *ret_fd, Failure *failure)
{
        _cleanup_close_ int received = -EBADF;
        SyncMessage m = {};
        int r = receive_message(fd, &m, &received);

        if (r < 0)
                return r;
        m.failure.text[sizeof(m.failure.text) - 1] = 0;
        if (m.kind == SYNC_WARNING)
                log_warning(0, "%s, ignoring", m.failure.text);
        else if (m.kind == SYNC_FAILED)
                return failure_set(failure, m.failure.error, "%s", m.failure.text);
        else if (m.kind != kind)
                return -EBADMSG;
        else if (ret_fd)
                *ret_fd = TAKE_FD(received);
        return m.kind == kind;
}

int sync_wait(int fd, SyncKind kind, int *ret_fd, Failure *failure)
{
        int r;

        do
                r = sync_take(fd, kind, ret_fd, failure);
        while (r == 0);
        return r < 0 ? r : 0;
}
