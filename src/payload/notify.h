/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The payload's notify socket (/run/host/notify): datagrams of a hostile sender, parsed into the fields that the
 * supervisor uses. Only messages with the leader's credentials count.
 */

#include <sys/types.h>

#include "util/failure.h"

typedef struct NotifyMessage {
        bool ready;             /* READY=1 */
        char *status;           /* STATUS=, valid UTF-8 without control characters, at most 256 bytes; NULL */
} NotifyMessage;

void notify_message_done(NotifyMessage *m);

/* Binds a non-blocking datagram socket with SO_PASSCRED at path below dir_fd ("notify"), mode 0200, owned by owner. */
int notify_socket_open(int dir_fd, const char *name, uid_t owner, gid_t group, Failure *failure);

/* Receives one message. 1: *ret is from the leader; the caller frees it. 0: no message (*ret_empty), or one that was dropped
 * because of its sender or length. Negative errno: the socket is broken. */
int notify_receive(int fd, pid_t leader, NotifyMessage *ret, bool *ret_empty);

/* Parses the text of a message, which may be any bytes. Pure. 0 or -ENOMEM. */
int notify_parse(const char *text, size_t size, NotifyMessage *ret);
