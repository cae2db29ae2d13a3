/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See seccomp-bundle.h. The supervisor, while planning; no privilege, and no effect on the process.
 *
 * A rule without conditions decides on its calls, and the first such rule counts. Else the first rule whose conditions hold
 * counts, and else the default action. libseccomp, which other runtimes use, does the same.
 */

#include <linux/seccomp.h>
#include <string.h>

#include "security/seccomp-bundle.h"
#include "security/seccomp-table.h"
#include "util/strv.h"

/* The result of the rules for one name of the table. */
typedef struct Call {
        uint32_t action;
        bool decided;                   /* by a rule without conditions */
        SyscallBranch *branches;
        size_t n;
} Call;

/* On some architectures these calls can also be made by socketcall() or ipc(), whose first argument tells which. */
#define SOCKETCALL(number, name) { name, "socketcall", { 0, OCI_MASKED_EQ, UINT32_MAX, number } }
#define IPC(number, name) { name, "ipc", { 0, OCI_MASKED_EQ, UINT16_MAX, number } }

static const struct { const char *name, *multiplexer; OciSeccompArg which; } multiplexed[] = {
        SOCKETCALL(1, "socket"), SOCKETCALL(2, "bind"), SOCKETCALL(3, "connect"), SOCKETCALL(4, "listen"),
        SOCKETCALL(5, "accept"), SOCKETCALL(6, "getsockname"), SOCKETCALL(7, "getpeername"), SOCKETCALL(8, "socketpair"),
        SOCKETCALL(9, "send"), SOCKETCALL(10, "recv"), SOCKETCALL(11, "sendto"), SOCKETCALL(12, "recvfrom"),
        SOCKETCALL(13, "shutdown"), SOCKETCALL(14, "setsockopt"), SOCKETCALL(15, "getsockopt"), SOCKETCALL(16, "sendmsg"),
        SOCKETCALL(17, "recvmsg"), SOCKETCALL(18, "accept4"), SOCKETCALL(19, "recvmmsg"), SOCKETCALL(20, "sendmmsg"),
        IPC(1, "semop"), IPC(2, "semget"), IPC(3, "semctl"), IPC(4, "semtimedop"), IPC(11, "msgsnd"), IPC(12, "msgrcv"),
        IPC(13, "msgget"), IPC(14, "msgctl"), IPC(21, "shmat"), IPC(22, "shmdt"), IPC(23, "shmget"), IPC(24, "shmctl"),
};

static uint32_t action_code(OciAction action, unsigned value)
{
        switch (action) {
        case OCI_ALLOW:
                return SECCOMP_RET_ALLOW;
        case OCI_ERRNO:
                return SECCOMP_RET_ERRNO | value;
        case OCI_LOG:
                return SECCOMP_RET_LOG;
        case OCI_KILL_THREAD:
                return SECCOMP_RET_KILL_THREAD;
        case OCI_TRAP:
                return SECCOMP_RET_TRAP;
        case OCI_TRACE:
                return SECCOMP_RET_TRACE | value;
        default:
                return SECCOMP_RET_KILL_PROCESS;
        }
}

static Call *find_call(Call *calls, const char *name)
{
        const SyscallName *row = seccomp_find_name(&syscall_table, name);

        return row ? &calls[row - syscall_table.names] : NULL;
}

static int add_branch(Call *call, const OciSeccompArg *conditions, size_t n, uint32_t action)
{
        SyscallBranch branch = { conditions, n, action };

        return array_move(&call->branches, &call->n, &branch, sizeof(branch));
}

static int add_rule(Call *calls, const OciSeccompRule *rule, uint32_t default_action)
{
        uint32_t action = action_code(rule->action, rule->value);
        int r = 0;

        /* runc and crun leave out a rule with the default action, so that others can still say something else. */
        if (action == default_action)
                return 0;
        STRV_FOREACH(name, rule->names) {
                Call *call = find_call(calls, *name);

                if (!call || call->decided || r < 0)
                        continue;
                if (rule->n_args > 0)
                        r = add_branch(call, rule->args, rule->n_args, action);
                else {
                        call->decided = true;
                        call->action = action;
                        call->n = 0;
                }
        }
        return r;
}

/* A multiplexer's other arguments lie in memory, where a filter cannot read them: the strictest action counts. */
static uint32_t strictest_action(const Call *call)
{
        uint32_t action = call->action;

        for (size_t i = 0; i < call->n; i++)
                if ((int32_t) call->branches[i].action < (int32_t) action)
                        action = call->branches[i].action;
        return action;
}

static int add_multiplexed(Call *calls, uint32_t default_action)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(multiplexed); i++) {
                const Call *call = find_call(calls, multiplexed[i].name);
                Call *multiplexer = find_call(calls, multiplexed[i].multiplexer);
                uint32_t action = call ? strictest_action(call) : default_action;

                if (multiplexer && !multiplexer->decided && action != default_action)
                        r = add_branch(multiplexer, &multiplexed[i].which, 1, action);
        }
        return r;
}

static bool same_verdict(const SyscallVerdict *a, const SyscallVerdict *b)
{
        if (a->action != b->action || a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (a->branches[i].conditions != b->branches[i].conditions || a->branches[i].action != b->branches[i].action)
                        return false;
        return true;
}

static int assemble(const OciSeccomp *s, const Call *calls, uint32_t default_action, SeccompProgram *ret)
{
        enum { OTHERS, FOREIGN, FIRST_OWN };
        const size_t n = syscall_table.n_names;
        _cleanup_free_ SyscallVerdict *verdicts = calloc(n + FIRST_OWN, sizeof(SyscallVerdict));
        _cleanup_free_ uint16_t *of_names = calloc(n, sizeof(uint16_t));
        struct sock_filter *code = NULL;
        size_t n_verdicts = FIRST_OWN;
        unsigned arches = 1;
        int r;

        if (!verdicts || !of_names)
                return -ENOMEM;
        verdicts[OTHERS].action = default_action;
        verdicts[FOREIGN].action = SECCOMP_RET_KILL_THREAD;
        for (size_t i = 0; i < n; i++) {
                const SyscallVerdict v = { calls[i].action, calls[i].branches, calls[i].n };
                size_t j = 0;

                while (j < n_verdicts && !same_verdict(&verdicts[j], &v))
                        j++;
                if (j == n_verdicts)
                        verdicts[n_verdicts++] = v;
                of_names[i] = (uint16_t) j;
        }
        for (unsigned a = 0; a < syscall_table.n_arches; a++)
                if (strv_contains(s->architectures, syscall_table.arch_name[a]))
                        arches |= 1U << a;

        r = seccomp_assemble_table(&syscall_table, arches, of_names, verdicts, FOREIGN, &code, &ret->n);
        ret->code = ret->owned = code;
        return r;
}

int seccomp_bundle_make(const OciSeccomp *s, SeccompProgram *ret, Failure *failure)
{
        const uint32_t default_action = action_code(s->default_action, s->default_value);
        SeccompProgram program = SECCOMP_PROGRAM_NULL;
        Call *calls = calloc(syscall_table.n_names, sizeof(Call));
        char source[SOURCE_TEXT_MAX];
        int r = calls ? 0 : -ENOMEM;

        for (size_t i = 0; calls && i < syscall_table.n_names; i++)
                calls[i].action = default_action;
        for (size_t i = 0; r >= 0 && i < s->n_rules; i++)
                r = add_rule(calls, &s->rules[i], default_action);
        if (r >= 0)
                r = add_multiplexed(calls, default_action);
        if (r >= 0)
                r = assemble(s, calls, default_action, &program);
        for (size_t i = 0; calls && i < syscall_table.n_names; i++)
                free(calls[i].branches);
        free(calls);
        if (r == -E2BIG)
                return failure_set(failure, r, "%s: the system call filter is larger than the kernel accepts",
                                   source_text(s->from, source));
        if (r < 0)
                return failure_set(failure, r, "%s: Failed to compile the system call filter: %m", source_text(s->from, source));

        *ret = program;
        return 0;
}
