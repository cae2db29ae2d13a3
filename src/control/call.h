/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A call, from the text of a message to its answer, without sockets: the part of the server that can be fuzzed. Answers go to
 * the output of the owner.
 */

#include "control/control.h"

struct ControlCall {
        const ControlMethod *method;    /* NULL: there is no call */
        bool more, oneway, upgrade;     /* as the client has asked */
        uid_t uid;
        pid_t pid;
        int fds[CONTROL_FDS_MAX];
        size_t n_fds;
        void *data;
        void (*free_data)(void *data);
        ControlUpgraded upgraded;       /* set: the connection is to be handed over once all is sent */
        void *upgraded_userdata;

        /* Set by the owner. Sends a message, NUL included; the text is taken over. */
        void (*send)(ControlCall *c, char *text, size_t size);
};

/* Runs the method that the text calls. Afterwards there is a call (c->method) if it is to be answered later. -EBADMSG: no call,
 * the connection is of no use. */
int control_call_run(ControlCall *c, const ControlService *service, const char *text, size_t size);

/* Ends a call, if there is one, without an answer. */
void control_call_done(ControlCall *c);

/* Is this value of this kind? */
bool control_field_fits(const ControlField *f, const JsonNode *value);
