/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The output of seccomp-build, made while box is built: libseccomp's numbers of system calls, and the default filter program.
 * And the compiler that box-run and seccomp-build share.
 */

#include <linux/filter.h>

#include "security/seccomp-assemble.h"
#include "security/seccomp.h"

enum { SYSCALL_ARCHES_MAX = 3 };        /* that one kernel runs: x86-64, x86 and x32 */
#define SYSCALL_NO_NUMBER UINT32_MAX
#define SYSCALL_X32_BIT 0x40000000U     /* in all numbers of x32 */

typedef struct SyscallName {
        char name[32];                  /* no pointer, which would need a relocation */
        uint32_t number[SYSCALL_ARCHES_MAX];
} SyscallName;

typedef struct SyscallTable {
        uint32_t arch[SYSCALL_ARCHES_MAX];      /* AUDIT_ARCH_X; x32 has x86-64's, and a bit in its numbers */
        const char *arch_name[SYSCALL_ARCHES_MAX];      /* SCMP_ARCH_X of the OCI specification as "x" */
        unsigned n_arches;
        const SyscallName *names;               /* sorted by name */
        size_t n_names;
} SyscallTable;

extern const SyscallTable syscall_table;
extern const struct sock_filter seccomp_default_code[];
extern const size_t seccomp_default_n;
extern const struct sock_filter seccomp_supervisor_code[];
extern const size_t seccomp_supervisor_n;

/* Compiles a spec. 0, -ENOMEM, -E2BIG. Names that are not in the table are ignored. */
int seccomp_compile(const SyscallTable *table, const SeccompSpec *spec, struct sock_filter **ret, size_t *ret_n);

/* The filter of the supervisor itself: an allow list, with the names of `more`. Others fail with EPERM, and some kill. */
int seccomp_compile_supervisor(const SyscallTable *table, const char *more, struct sock_filter **ret, size_t *ret_n);

/* The name's row, or NULL. */
const SyscallName *seccomp_find_name(const SyscallTable *table, const char *name);

/* Assembles a program for those of the table's architectures whose bit is set in arches (the first always is). of_names has the
 * index of the verdict of each name; other numbers get verdict 0, other architectures the verdict `foreign`. */
int seccomp_assemble_table(const SyscallTable *table, unsigned arches, const uint16_t *of_names, const SyscallVerdict *verdicts,
                           unsigned foreign, struct sock_filter **ret, size_t *ret_n);

/* The capabilities with which more system calls are allowed. */
uint64_t seccomp_capabilities(void);

/* Calls f for each name that the default set or any group names, some of them several times. */
void seccomp_each_name(void (*f)(const char *name, void *userdata), void *userdata);
