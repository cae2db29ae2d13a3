/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The server of a control socket, in an event loop. Clients are hostile: what each can take is limited in size, number and time,
 * and root of the host has places of its own, so that other users cannot keep it out.
 */

#include "control/control.h"
#include "util/libsystemd.h"

enum {
        CONTROL_CONNECTIONS_MAX = 64,           /* of root */
        CONTROL_OTHERS_MAX = 32,                /* of all other users together; more are closed at once */
        CONTROL_OUTPUT_MAX = 256 * 1024,        /* bytes that a client has not taken */
};

/* A connection without a call, or with a half one, or with an answer that is not taken, is closed after this. */
#define CONTROL_IDLE_USEC (UINT64_C(30) * 1000 * 1000)

typedef struct ControlServer ControlServer;

/* Creates the socket at path, for all users, and listens. The descriptor, or negative. */
int control_listen(const char *path, Failure *failure);

/* Serves the socket, which stays the caller's. The service and its tables must outlive the server. */
int control_server_new(sd_event *event, int listen_fd, const ControlService *service, ControlServer **ret);

/* Closes all connections, once what can be sent without waiting is sent. */
ControlServer *control_server_free(ControlServer *s);
DEFINE_CLEANUP(ControlServer *, control_server_free);

/* Calls f with each unanswered call of the method that is run by this function. f may answer it. */
void control_server_each_call(ControlServer *s, ControlFunction run, void (*f)(ControlCall *call, void *userdata),
                              void *userdata);

/* Takes a connection, as if it had been accepted. For tests. */
int control_server_add(ControlServer *s, int fd, uid_t uid, pid_t pid);
