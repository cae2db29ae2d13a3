/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/filter.h>

#include "util/macro.h"

/* What becomes of a system call. */
typedef enum SyscallVerdict {
        SYSCALL_UNKNOWN,        /* ENOSYS: programs fall back to what older kernels have */
        SYSCALL_REFUSED,        /* EPERM */
        SYSCALL_ALLOWED,
        SYSCALL_SOCKET,         /* allowed, but for the audit subsystem's netlink socket: EAFNOSUPPORT */
        SYSCALL_OPEN,           /* allowed, but with O_SYNC and O_DSYNC in the second argument: EINVAL */
        SYSCALL_OPENAT,         /* … in the third argument */
        SYSCALL_NOTHING,        /* succeeds, and does nothing */
} SyscallVerdict;

/* From this number of an architecture (AUDIT_ARCH_X) on, to the next rule's. */
typedef struct SyscallRule {
        uint32_t arch;
        uint32_t number;
        SyscallVerdict verdict;
} SyscallRule;

/* A filter program of rules (n > 0, all of an architecture together, within one
 * sorted by number; of several for one number the last counts). Numbers below an architecture's
 * first rule, and architectures without one, are SYSCALL_UNKNOWN. 0, -ENOMEM, or -E2BIG: more than the kernel takes. */
int seccomp_assemble(const SyscallRule *rules, size_t n, struct sock_filter **ret, size_t *ret_n);
