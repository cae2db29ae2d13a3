/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/resource.h>

#include "payload/enter-report.h"
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
        int guard;                      /* the pipe for the stub (enter-report.h); -EBADF: none */
        int stub;                       /* the stub program, in memory */
        int proc;                       /* the host's /proc, O_PATH */
} EnterPlan;

/* The intermediate process: joins the namespaces, becomes the stub, which starts the child as its sibling, and exits. */
_Noreturn void enter_intermediate(EnterPlan *plan);
