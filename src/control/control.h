/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The control socket of a machine, /run/box/NAME/control: Varlink (https://varlink.org), that is JSON objects, each ended by a
 * NUL, over AF_UNIX. This file is what a method needs; server.h serves a table of them, client.h calls them.
 *
 * To add a method: its row in a table of ControlMethod (run/control-methods.c has the supervisor's), its declaration in the
 * interface's *.varlink file. The row says who may call it and which parameters it takes: both are checked before it runs.
 */

#include <sys/types.h>

#include "util/failure.h"
#include "util/json.h"

enum {
        CONTROL_MESSAGE_MAX = 64 * 1024,        /* bytes, without the NUL */
        CONTROL_VALUES_MAX = 2000,              /* JSON values in a message */
        CONTROL_FIELDS_MAX = 6,                 /* parameters of a method */
        CONTROL_FDS_MAX = 4,                    /* descriptors that come with a message */
};

/* An upgraded connection begins with what the client has sent after its call: at most this. */
#define CONTROL_EARLY_MAX CONTROL_MESSAGE_MAX

/* A call that has not been answered. It ends with its last answer, or with the connection. */
typedef struct ControlCall ControlCall;

typedef struct ControlField {
        const char *name;
        JsonKind kind;          /* a number is a whole one, an array is one of strings */
        bool optional;          /* may be missing, or null */
} ControlField;

typedef enum ControlFlags {
        CONTROL_ANY_USER = 1 << 0,       /* any user of the host may call it, otherwise root of the host */
        CONTROL_MORE = 1 << 1,          /* it answers more than once: the call must have "more" */
        CONTROL_UPGRADE = 1 << 2,       /* the connection becomes a stream: the call must have "upgrade" */
} ControlFlags;

/* Answers the call, by one of the functions below, or keeps it to answer later. parameters are valid until it returns, of the
 * kinds in the row; json_member() gives NULL for one that is missing. Returns 0, or negative with a failure, which is the answer
 * then. */
typedef int (*ControlFunction)(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure);

typedef struct ControlMethod {
        const char *name;       /* "io.box.Machine.Describe" */
        ControlFunction run;
        unsigned flags;
        ControlField fields[CONTROL_FIELDS_MAX];
} ControlMethod;

typedef struct ControlInterface {
        const char *name;       /* "io.box.Machine" */
        const char *description;        /* its *.varlink file */
} ControlInterface;

/* What a server serves. Calls of org.varlink.service are answered from it. */
typedef struct ControlService {
        const ControlMethod *methods;
        size_t n_methods;
        const ControlInterface *interfaces;
        size_t n_interfaces;
        void *userdata;         /* of the methods */
        void (*idle)(void *userdata);   /* the last client has gone; NULL: of no interest */
} ControlService;

/* ---- of a call -------------------------------------------------------------------------------------------------- */

uid_t control_call_uid(const ControlCall *c);
pid_t control_call_pid(const ControlCall *c);

/* A descriptor that came with the message, which the caller owns then; -ENXIO: there is none of this number. Only root's are
 * taken. */
int control_call_take_fd(ControlCall *c, int64_t index);

/* Something that belongs to the call. It is freed with the call. */
void control_call_set_data(ControlCall *c, void *data, void (*free_data)(void *data));
void *control_call_data(const ControlCall *c);

/* ---- answers ---------------------------------------------------------------------------------------------------- */

/* An answer without parameters. */
void control_reply(ControlCall *c);

/* An answer: begin, put the parameters as members of the open object by util/json.h, send. The first and the last of these end
 * the call; control_send_more() leaves it open for further answers. If the client does not take what it is sent, it is
 * disconnected. */
int control_reply_begin(Json **ret, Failure *failure);
void control_reply_send(ControlCall *c, Json *j);
void control_reply_send_more(ControlCall *c, Json *j);

/* An error, "io.box.Machine.NoSuchThing", with a string parameter unless its name is NULL. Ends the call. */
void control_reply_error(ControlCall *c, const char *error, const char *parameter, const char *value);

/* The error io.systemd.System: the errno, and the failure's text as "message". Ends the call. */
void control_reply_failure(ControlCall *c, const Failure *failure);

/* An answer without parameters, after which the connection's socket is the function's, with bytes that have been received already
 * (it closes the socket, which does not block). For a method with CONTROL_UPGRADE. */
typedef void (*ControlUpgraded)(int fd, const char *early, size_t n_early, void *userdata);
void control_reply_upgrade(ControlCall *c, ControlUpgraded upgraded, void *userdata);

/* ---- errors of Varlink ------------------------------------------------------------------------------------------- */

#define CONTROL_INVALID_PARAMETER "org.varlink.service.InvalidParameter"        /* parameter */
#define CONTROL_PERMISSION_DENIED "org.varlink.service.PermissionDenied"
#define CONTROL_METHOD_NOT_FOUND "org.varlink.service.MethodNotFound"           /* method */
#define CONTROL_INTERFACE_NOT_FOUND "org.varlink.service.InterfaceNotFound"     /* interface */
#define CONTROL_EXPECTED_MORE "org.varlink.service.ExpectedMore"
#define CONTROL_EXPECTED_UPGRADE "io.box.Machine.ExpectedUpgrade"
#define CONTROL_SYSTEM_ERROR "io.systemd.System"                                /* origin, errno, errnoName, message */
