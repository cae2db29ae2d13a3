/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The payload's notify socket. The child makes it below /run/host, as root of the machine; the supervisor reads from
 * it, with the host's privilege, what anyone in the machine may have sent: so everything is bounded, descriptors are
 * not taken, and only what the kernel vouches to be the leader's is parsed.
 */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "payload/notify.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/text.h"

enum {
        NOTIFY_TEXT_MAX = 4096,
        STATUS_MAX = 256,
};

void notify_message_done(NotifyMessage *m)
{
        free(m->status);
        *m = (NotifyMessage) { .exit_status = -1 };
}

int notify_socket_open(int dir_fd, const char *name, uid_t owner, gid_t group, Failure *failure)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = -EBADF;
        const int on = 1;
        int n;

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return failure_set(failure, -errno, "Failed to make the notify socket: %m");
        if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
                return failure_set(failure, -errno, "Failed to ask for the notify socket's credentials: %m");

        n = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd, name);
        if (n < 0 || (size_t) n >= sizeof(address.sun_path))
                return failure_set(failure, -ENAMETOOLONG, "Failed to bind the notify socket '%s': %m", name);

        /* The mode before the name is there: bind() takes it over, so there is no moment with a wider one. */
        if (fchmod(fd, 0200) < 0 ||
            bind(fd, (const struct sockaddr *) &address, sizeof(address)) < 0 ||
            fchownat(dir_fd, name, owner, group, AT_SYMLINK_NOFOLLOW) < 0)
                return failure_set(failure, -errno, "Failed to bind the notify socket '%s': %m", name);

        return TAKE_FD(fd);
}

/* STATUS= in one line fit for `systemctl status`; what is not text is no status. */
static int take_status(const char *value, size_t size, NotifyMessage *ret)
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

static void take_exit_status(const char *value, size_t size, NotifyMessage *ret)
{
        char digits[4];
        uint32_t n;

        if (size == 0 || size >= sizeof(digits))
                return;
        memcpy(digits, value, size);
        digits[size] = 0;
        if (parse_u32(digits, &n) >= 0 && n <= 255)
                ret->exit_status = (int) n;
}

/* The value's start and length when a line is KEY=…; NULL. */
static const char *line_value(const char *line, size_t size, const char *key, size_t *ret_size)
{
        size_t n = strlen(key);

        if (size < n || memcmp(line, key, n) != 0)
                return NULL;

        *ret_size = size - n;
        return line + n;
}

static int take_line(const char *line, size_t size, NotifyMessage *ret)
{
        const char *value;
        size_t n;

        if (size == strlen("READY=1") && memcmp(line, "READY=1", size) == 0)
                ret->ready = true;
        else if (size == strlen("STOPPING=1") && memcmp(line, "STOPPING=1", size) == 0)
                ret->stopping = true;
        else if (size == strlen("RELOADING=1") && memcmp(line, "RELOADING=1", size) == 0)
                ret->reloading = true;
        else if (line_value(line, size, "X_SYSTEMD_SHUTDOWN=", &n))
                ret->is_shutdown = true;
        else if ((value = line_value(line, size, "EXIT_STATUS=", &n)))
                take_exit_status(value, n, ret);
        else if ((value = line_value(line, size, "STATUS=", &n)))
                return take_status(value, n, ret);

        return 0;
}

int notify_parse(const char *text, size_t size, NotifyMessage *ret)
{
        NotifyMessage m = { .exit_status = -1 };

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

/* Whose message it is; 0: nobody's. */
static pid_t sender_of(struct msghdr *message)
{
        struct cmsghdr *c = CMSG_FIRSTHDR(message);
        struct ucred credentials;

        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
            c->cmsg_len != CMSG_LEN(sizeof(credentials)))
                return 0;
        memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
        return credentials.pid;
}

int notify_receive(int fd, pid_t leader, NotifyMessage *ret, bool *ret_empty)
{
        union {
                struct cmsghdr align;
                /* The kernel puts credentials first, and drops what there is no room for: descriptors never become ours,
                 * whose close() a file system of the payload's could hold up for ever. */
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

        do
                n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
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
