/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The payload's notify socket. The supervisor, as root of the host, creates it and reads from it. Any process in the machine
 * can send: sizes are bounded, descriptors are refused, and only messages that the kernel attributes to the leader are
 * parsed.
 */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "payload/notify.h"
#include "util/fd.h"
#include "util/text.h"

enum {
        NOTIFY_TEXT_MAX = 4096,
        STATUS_MAX = 256,
};

void notify_message_done(NotifyMessage *m)
{
        free(m->status);
        *m = (NotifyMessage) { 0 };
}

int notify_socket_open(int dir_fd, const char *name, uid_t owner, gid_t group, Failure *failure)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -EBADF;
        const int on = 1;
        int n;

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return failure_set(failure, -errno, "Failed to create the notify socket: %m");
        if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
                return failure_set(failure, -errno, "Failed to enable credentials on the notify socket: %m");

        n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
        if (n < 0 || (size_t) n >= sizeof(address.sun_path))
                return failure_set(failure, -ENAMETOOLONG, "Failed to bind the notify socket '%s': %m", name);

        /* Sets the mode first: bind() applies it to the new name, which never has a wider one. */
        if (fchmod(fd, 0200) < 0 ||
            bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ||
            fchownat(dir_fd, name, owner, group, AT_SYMLINK_NOFOLLOW) < 0)
                return failure_set(failure, -errno, "Failed to bind the notify socket '%s': %m", name);

        return TAKE_FD(fd);
}

/* Accepts a line of UTF-8 text, as `systemctl status` shows it; ignores anything else. */
_steady_ static int take_status(const char *value, size_t size, NotifyMessage *ret)
{
        char *status;

        if (!text_is_utf8(value, size) || text_has_control(value, size))
                return 0;
        if (size > STATUS_MAX) {
                size = STATUS_MAX;
                while (size > 0 && ((unsigned char) value[size] & 0xc0) == 0x80)
                        size--;                 /* not in the middle of a character */
        }

        status = strndup(value, size);
        if (!status)
                return -ENOMEM;
        free(ret->status);
        ret->status = status;
        return 0;
}

_steady_ static int take_line(const char *line, size_t size, NotifyMessage *ret)
{
        static const char status[] = "STATUS=";
        const size_t n = strlen(status);

        if (size == strlen("READY=1") && memcmp(line, "READY=1", size) == 0)
                ret->ready = true;
        else if (size >= n && memcmp(line, status, n) == 0)
                return take_status(line + n, size - n, ret);
        return 0;
}

_steady_ int notify_parse(const char *text, size_t size, NotifyMessage *ret)
{
        NotifyMessage m = { 0 };

        while (size > 0) {
                const char *end = memchr(text, '\n', size);
                size_t n = end ? (size_t) (end - text) : size;

                if (take_line(text, n, &m) < 0) {
                        notify_message_done(&m);
                        return -ENOMEM;
                }
                if (end)
                        n++;
                text += n;
                size -= n;
        }

        *ret = m;
        return 0;
}

/* The PID of the sender, 0 if it is unknown. */
_steady_ static pid_t sender_of(struct msghdr *message)
{
        struct cmsghdr *c = CMSG_FIRSTHDR(message);
        struct ucred credentials;

        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
            c->cmsg_len != CMSG_LEN(sizeof(credentials)))
                return 0;
        memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
        return credentials.pid;
}

_steady_ int notify_receive(int fd, pid_t leader, NotifyMessage *ret, bool *ret_empty)
{
        union {
                struct cmsghdr align;
                /* Room for credentials only: the kernel puts them first and drops the rest. A descriptor must not be
                 * received: close() on a file system of the payload could block forever. */
                char bytes[CMSG_SPACE(sizeof(struct ucred))];
        } control;
        char text[NOTIFY_TEXT_MAX];
        struct iovec piece = { .iov_base = text, .iov_len = sizeof(text) };
        struct msghdr message = {
                .msg_iov = &piece,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        ssize_t n;
        pid_t sender;
        int r;

        n = TEMP_FAILURE_RETRY(recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
        if (n < 0 && errno != EAGAIN)
                return -errno;
        *ret_empty = n < 0;
        if (n < 0)
                return 0;

        sender = sender_of(&message);
        if (message.msg_flags & MSG_TRUNC || sender <= 0 || sender != leader)
                return 0;

        r = notify_parse(text, (size_t) n, ret);
        return r < 0 ? r : 1;
}
