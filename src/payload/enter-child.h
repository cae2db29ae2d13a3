/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/resource.h>

#include "payload/enter.h"
#include "security/seccomp.h"

/* All that the two processes behind enter_spawn() need, looked up on the host, before anything of the machine's is in
 * sight. */
typedef struct EnterPlan {
        const Leader *leader;
        const EnterOptions *options;
        unsigned namespaces;            /* CLONE_NEWx: those of the leader that are not ours */
        uint64_t bounding;
        bool no_new_privs;
        struct rlimit limits[RLIM_NLIMITS];
        SeccompProgram filter;
        char *profile;                  /* of AppArmor; NULL: unconfined, or no AppArmor */
        int report;                     /* our end of the socket to the parent */
} EnterPlan;

typedef enum EnterReportKind {
        ENTER_CHILD,            /* pid is the child's */
        ENTER_PTY,              /* the master comes with it */
        ENTER_FAILURE,
} EnterReportKind;

typedef struct EnterReport {
        EnterReportKind kind;
        pid_t pid;
        Failure failure;
} EnterReport;

/* The intermediate process: joins the namespaces, starts the child as its own sibling, exits. */
_Noreturn void enter_intermediate(EnterPlan *plan);
