/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Why a machine's program was refused something: system calls that fail are seen by tracing (why-trace.c), and judged by a table
 * of calls and facts about them (why-rules.c), pure. Names come from the program, and are printable in findings.
 */

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/types.h>

#include "util/failure.h"

/* ---- rules ---------------------------------------------------------------------------------------------------- */

typedef enum WhyKind {
        WHY_OTHER,                      /* no setting: the machine's own files and programs, or the kernel */
        WHY_FILTER,
        WHY_CAPABILITY,
        WHY_DEVICE,
        WHY_READ_ONLY,
        WHY_IDS,
        WHY_LIMIT,
        _WHY_KIND_MAX,
} WhyKind;

typedef struct WhyCall {
        const char *name;
        int number;
        bool legacy;                    /* number is of x86-64, and other architectures do not have the call */
        int path;                       /* argument, from 1 on, that is a path; 0: none */
        int directory;                  /* that is a descriptor which path is relative to; 0: the working directory */
        int id;                         /* that is the id of a user or a group, and the next one if there is; 0: none */
        uint64_t needs;                 /* a capability */
        bool of_host;                   /* a machine with a user namespace cannot have it */
        const char *limit;              /* setting for EAGAIN */
} WhyCall;

/* NULL: it is not in the table. */
const WhyCall *why_call_find(uint32_t architecture, uint64_t number);

typedef struct WhyFacts {
        const WhyCall *call;            /* NULL: unknown */
        uint64_t number;
        int error;                      /* positive errno */
        bool filtered;                  /* the machine's filter refuses it */
        bool user_namespace;            /* the machine has one */
        uint64_t bounding, effective;
        const char *path;               /* NULL: none */
        bool exists;                    /* what path names; else the rest is of its directory */
        mode_t mode;
        bool owner_mapped;
        bool mount_read_only, mount_no_devices;
        const char *mount;              /* where it is mounted */
        bool ids_mapped;                /* all that the call's arguments name */
} WhyFacts;

typedef struct WhyFinding {
        WhyKind kind;
        int error;
        unsigned times;
        char call[32], path[256];
        char what[300];                 /* what refused it */
        char key[32];                   /* setting; "": none, or not known so far */
        char place[256];                /* a mount whose setting is to be found; "": none */
        char line[300];                 /* to be written into the settings file; "": none */
} WhyFinding;

WhyFinding why_judge(const WhyFacts *f);

/* Does a failure say that something was refused? */
bool why_is_refusal(const WhyCall *call, int error, bool ids_mapped);

/* The answer of a system call filter to a call: SECCOMP_RET_…. */
uint32_t why_filter_run(const struct sock_filter *code, size_t n, const struct seccomp_data *data);

/* Does the value of a setting of section Files mount something at place? */
bool why_mounts_at(const char *key, const char *value, const char *place);

/* Is id in the text of a uid_map? outside: by the host's ids. */
bool why_id_is_mapped(const char *map, uint32_t id, bool outside);

/* The line of a mountinfo file with this mount id. */
typedef struct WhyMount {
        char place[256];
        bool read_only, no_devices;
} WhyMount;
bool why_mount_find(const char *mountinfo, uint64_t id, WhyMount *ret);

const char *why_kind_name(WhyKind kind);

/* ---- tracing -------------------------------------------------------------------------------------------------- */

typedef struct WhyTrace {
        const struct sock_filter *filter;
        size_t n_filter;
        pid_t tracer;                   /* 0: none */
        int memory;                     /* the findings, an array */
} WhyTrace;
#define WHY_TRACE_NULL { NULL, 0, 0, -EBADF }

/* Starts a process that traces pid, and the first program that is started by it, until that ends. A hook of enter_spawn(). */
int why_trace_start(pid_t pid, void *trace, Failure *failure);

/* Waits for it. The findings are freed by the caller. */
int why_trace_finish(WhyTrace *t, WhyFinding **ret, size_t *ret_n);
void why_trace_done(WhyTrace *t);
