/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The reports of the processes that join a machine (see enter.c), a packet each: by the intermediate a failure as a sentence or
 * the master of a pty; by the stub, which it becomes, a number. A process of a machine without a user namespace may trace
 * the last of them and forge its reports: the first PID and the first pty count. The first process of a machine may also
 * become the stub, to execute the payload (run/child-execute.c): it reports only ENTER_STUB_EXECUTE.
 */

#include "util/failure.h"

/* By the intermediate process. */
typedef struct EnterReport {
        Failure failure;        /* error 0: none; the packet has the pty's master as SCM_RIGHTS */
} EnterReport;

typedef enum EnterStubStep {
        ENTER_STUB_STARTED,     /* value: the PID of the process in the machine */
        ENTER_STUB_CLONE,       /* value of these: the error */
        ENTER_STUB_SESSION,
        ENTER_STUB_DIRECTORY,
        ENTER_STUB_EXECUTE,
        _ENTER_STUB_STEP_MAX,
} EnterStubStep;

/* By the stub. */
typedef struct EnterStubReport {
        int step;
        int value;
} EnterStubReport;

/* The stub's arguments, before the program's own. */
enum {
        ENTER_STUB_NAME,
        ENTER_STUB_SOCKET,      /* number of the socket */
        ENTER_STUB_TERMINAL,    /* "1": standard input becomes the controlling terminal; or ENTER_STUB_PAYLOAD */
        ENTER_STUB_GUARD,       /* number of a pipe, "": none. It stays, and sends SIGHUP if that is closed without a byte */
        ENTER_STUB_CHDIR,       /* directory to change to; not used for a payload */
        ENTER_STUB_N_PATHS,
        ENTER_STUB_PATHS,       /* of the program, tried in turn; then its arguments */
};
#define ENTER_STUB_PAYLOAD "payload"    /* the process itself becomes the program */
