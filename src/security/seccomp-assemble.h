/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/filter.h>

#include "config/oci-settings.h"

/* An action (SECCOMP_RET_… with its data) for calls on whose arguments all conditions hold; at most OCI_SECCOMP_ARGS_MAX. */
typedef struct SyscallBranch {
        const OciSeccompArg *conditions;
        size_t n;
        uint32_t action;
} SyscallBranch;

/* The result of a system call: the action of the first branch that applies, else this one. */
typedef struct SyscallVerdict {
        uint32_t action;
        const SyscallBranch *branches;
        size_t n;
} SyscallVerdict;

/* From this number of an architecture (AUDIT_ARCH_X) on, to the next rule's: an index into the verdicts. */
typedef struct SyscallRule {
        uint32_t arch;
        uint32_t number;
        unsigned verdict;
} SyscallRule;

/* A filter program of rules (n > 0, all of an architecture together, within one sorted by number; of several for one number the
 * last counts). Numbers below an architecture's first rule get verdict 0, architectures without a rule the verdict `foreign`.
 * 0, -ENOMEM, or -E2BIG: more than the kernel takes. */
int seccomp_assemble(const SyscallRule *rules, size_t n, const SyscallVerdict *verdicts, unsigned foreign,
                     struct sock_filter **ret, size_t *ret_n);
