/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/resource.h>

#include "payload/enter.h"
#include "security/seccomp.h"

/* The data of the two processes behind enter_spawn(), all looked up on the host before they join the machine. */
typedef struct EnterPlan {
        const Leader *leader;
        const EnterOptions *options;
        unsigned namespaces;            /* CLONE_NEWx: of the leader, different from the caller's */
        uint64_t bounding;
        bool no_new_privs;
        struct rlimit limits[RLIM_NLIMITS];
        SeccompProgram filter;
        char *profile;                  /* of AppArmor; NULL: unconfined, or no AppArmor */
        int report;                     /* socket to the parent */
} EnterPlan;

typedef enum EnterReportKind {
        ENTER_CHILD,            /* pid is the child */
        ENTER_PTY,              /* has the master as SCM_RIGHTS */
        ENTER_FAILURE,
} EnterReportKind;

typedef struct EnterReport {
        EnterReportKind kind;
        pid_t pid;
        Failure failure;
} EnterReport;

/* The intermediate process: joins the namespaces, starts the child as its sibling, exits. */
_Noreturn void enter_intermediate(EnterPlan *plan);
