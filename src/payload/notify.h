/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The payload's notify socket (/run/host/notify): a hostile sender's datagrams, taken apart into the few fields that a
 * supervisor acts on. Only messages whose credentials are the leader's count.
 */

#include <sys/types.h>

#include "util/failure.h"

typedef struct NotifyMessage {
        bool ready;             /* READY=1 */
        bool stopping;          /* STOPPING=1 */
        bool reloading;
        char *status;           /* STATUS=, valid UTF-8 without control characters, at most 256 bytes; NULL */
        int exit_status;        /* EXIT_STATUS=, -1 */
        bool is_shutdown;       /* X_SYSTEMD_SHUTDOWN= came */
} NotifyMessage;

void notify_message_done(NotifyMessage *m);

/* Binds a non-blocking datagram socket with SO_PASSCRED at path below dir_fd ("notify"), mode 0200, owned by owner. */
int notify_socket_open(int dir_fd, const char *name, uid_t owner, gid_t group, Failure *failure);

/* Takes one message. 1: *ret is from the leader (to be done with); 0: there was one to drop (another sender, too long;
 * descriptors that came are closed), or none (EAGAIN): told apart by *ret_empty. Negative errno: the socket is broken. */
int notify_receive(int fd, pid_t leader, NotifyMessage *ret, bool *ret_empty);

/* The text alone. Pure; any bytes. 0 or -ENOMEM. */
int notify_parse(const char *text, size_t size, NotifyMessage *ret);
