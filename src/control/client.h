/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Calls over Varlink: a machine's control socket, machined. Each function blocks at most for the time that it is given, in
 * microseconds (UINT64_MAX: for ever). The peer's answers are checked for their form only: texts in them may be hostile.
 */

#include "control/control.h"

typedef struct ControlClient ControlClient;

typedef struct ControlReply {
        Json *json;
        const JsonNode *parameters;     /* NULL: none */
        const char *error;              /* the name of an error; NULL: there is none */
        bool continues;                 /* more answers follow */
} ControlReply;
void control_reply_done(ControlReply *r);
#define _cleanup_reply_ _cleanup_(control_reply_done)

typedef enum ControlCallFlags {
        CONTROL_CALL_MORE = 1 << 0,
        CONTROL_CALL_ONEWAY = 1 << 1,
        CONTROL_CALL_UPGRADE = 1 << 2,
} ControlCallFlags;

/* -ENOENT, -ECONNREFUSED: nothing listens at the path. */
int control_client_open(const char *path, ControlClient **ret);
/* Takes a connected socket over, which does not block. */
int control_client_of(int fd, ControlClient **ret);
ControlClient *control_client_free(ControlClient *c);
DEFINE_CLEANUP(ControlClient *, control_client_free);
#define _cleanup_client_ _cleanup_(control_client_freep)

/* For an event loop: readable once there may be an answer. */
int control_client_fd(const ControlClient *c);

/* Begins a call. Put its parameters as members of the open object by util/json.h, then send it. */
int control_call_begin(const char *method, unsigned flags, Json **ret, Failure *failure);

/* Sends the call, with descriptors that stay the caller's. j is freed. Calls may be sent one after the other before their answers
 * are received, in the same order. */
int control_client_send(ControlClient *c, Json *j, const int *fds, size_t n_fds, uint64_t usec);

/* The same for a text of whole calls, each with its NUL, without waiting: for programs that know what they send and do without
 * jansson. control_client_receive_text(): the next answer, which the caller frees; control_client_n_received(): how many there
 * were. */
int control_client_send_text(ControlClient *c, const char *text, size_t size);
int control_client_receive_text(ControlClient *c, uint64_t usec, char **ret);
unsigned control_client_n_received(const ControlClient *c);

/* The next answer. -ETIMEDOUT; -ECONNRESET: the peer has closed the connection; -EBADMSG: no answer; -ENOSYS: no jansson. */
int control_client_receive(ControlClient *c, uint64_t usec, ControlReply *ret);

/* Both, for a call with one answer. An answer that is an error is a failure, which control_reply_failed() makes. j NULL: no
 * parameters. */
int control_client_call(ControlClient *c, const char *method, Json *j, uint64_t usec, ControlReply *ret, Failure *failure);

/* The failure of an answer that is an error, with negative errno: that of io.systemd.System, -EACCES for one that was not
 * permitted, -EOPNOTSUPP for methods that the peer does not have, -EREMOTEIO for others. */
int control_reply_failed(const ControlReply *r, const char *method, Failure *failure);

/* After the answer to a call with CONTROL_CALL_UPGRADE: the socket, which the caller closes, and what has been received after the
 * answer, which it frees. */
int control_client_take(ControlClient *c, int *ret_fd, char **ret_early, size_t *ret_n_early);
