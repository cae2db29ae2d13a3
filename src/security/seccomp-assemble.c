/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verdicts on ranges of system call numbers become a BPF program: per architecture one binary search over the places
 * where the verdict changes. Runs in box-run (custom filters) and, while box is built, in seccomp-build; no privilege.
 *
 * Why not libseccomp's own generator: it writes one comparison a call, we one a range. A machine's default filter is a
 * third of the size and costs the kernel a fraction of the time to verify, translate and install, on every start; and
 * making a custom one takes microseconds instead of ten milliseconds. The numbers still come from libseccomp
 * (seccomp-build.c), and a unit test runs both programs on every number of every architecture.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf_common.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <sys/socket.h>

#include "security/seccomp-assemble.h"

/* The low half of a 64-bit argument: what the kernel reads of socket()'s int parameters. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARG_LOW(i) (offsetof(struct seccomp_data, args) + 8 * (i))
#else
#define ARG_LOW(i) (offsetof(struct seccomp_data, args) + 8 * (i) + 4)
#endif

#define RET_ALLOW (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define RET_FAIL(e) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (e))
#define LOAD(offset) (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (offset))

typedef struct Assembler {
        struct sock_filter *code;
        size_t n;
} Assembler;

static void emit(Assembler *a, struct sock_filter instruction)
{
        if (a->code)
                a->code[a->n] = instruction;
        a->n++;
}

static void emit_socket(Assembler *a)
{
        emit(a, LOAD(ARG_LOW(0)));
        emit(a, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3));
        emit(a, LOAD(ARG_LOW(2)));
        emit(a, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_AUDIT, 0, 1));
        emit(a, RET_FAIL(EAFNOSUPPORT));
        emit(a, RET_ALLOW);
}

static void emit_open(Assembler *a, unsigned argument)
{
        emit(a, LOAD(ARG_LOW(argument)));
        emit(a, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_SYNC | O_DSYNC, 0, 1));
        emit(a, RET_FAIL(EINVAL));
        emit(a, RET_ALLOW);
}

static void emit_verdict(Assembler *a, SyscallVerdict v)
{
        switch (v) {
        case SYSCALL_ALLOWED:
                emit(a, RET_ALLOW);
                return;
        case SYSCALL_SOCKET:
                emit_socket(a);
                return;
        case SYSCALL_OPEN:
        case SYSCALL_OPENAT:
                emit_open(a, v == SYSCALL_OPEN ? 1 : 2);
                return;
        case SYSCALL_NOTHING:
                emit(a, RET_FAIL(0));
                return;
        case SYSCALL_REFUSED:
                emit(a, RET_FAIL(EPERM));
                return;
        case SYSCALL_UNKNOWN:
                break;
        }
        emit(a, RET_FAIL(ENOSYS));
}

static void emit_search(Assembler *a, const SyscallRule *rules, size_t n);

static size_t search_size(const SyscallRule *rules, size_t n)
{
        Assembler counter = {};

        emit_search(&counter, rules, n);
        return counter.n;
}

/* The number is in the accumulator, and at or above rules[0]'s. The depth is the logarithm of n. */
static void emit_search(Assembler *a, const SyscallRule *rules, size_t n)
{
        size_t half = n / 2, skip;

        if (n == 1) {
                emit_verdict(a, rules[0].verdict);
                return;
        }

        /* A conditional jump reaches 255 instructions, an unconditional one everywhere. */
        skip = search_size(rules, half);
        if (skip <= UINT8_MAX)
                emit(a, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, rules[half].number,
                                                      (uint8_t) skip, 0));
        else {
                emit(a, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, rules[half].number, 0, 1));
                emit(a, (struct sock_filter) BPF_STMT(BPF_JMP | BPF_JA, (uint32_t) skip));
        }
        emit_search(a, rules, half);
        emit_search(a, rules + half, n - half);
}

/* One architecture's rules: on another one, jump behind it. */
static void emit_arch(Assembler *a, const SyscallRule *rules, size_t n)
{
        size_t size = 1 + search_size(rules, n);

        emit(a, (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rules[0].arch, 1, 0));
        emit(a, (struct sock_filter) BPF_STMT(BPF_JMP | BPF_JA, (uint32_t) size));
        emit(a, LOAD(offsetof(struct seccomp_data, nr)));
        emit_search(a, rules, n);
}

static void emit_program(Assembler *a, const SyscallRule *rules, size_t n)
{
        emit(a, LOAD(offsetof(struct seccomp_data, arch)));
        for (size_t i = 0, end; i < n; i = end) {
                for (end = i + 1; end < n && rules[end].arch == rules[i].arch; end++)
                        ;
                emit_arch(a, rules + i, end - i);
        }
        emit(a, RET_FAIL(ENOSYS));
}

/* Rules that change something, and for each architecture one for number 0. Of several rules for one number the last
 * counts. ret has room for twice n. */
static size_t merge_rules(const SyscallRule *rules, size_t n, SyscallRule *ret)
{
        size_t k = 0;

        for (size_t i = 0; i < n; i++) {
                if (i + 1 < n && rules[i + 1].arch == rules[i].arch && rules[i + 1].number == rules[i].number)
                        continue;
                if (k == 0 || ret[k - 1].arch != rules[i].arch)
                        ret[k++] = (SyscallRule) { rules[i].arch, 0, SYSCALL_UNKNOWN };
                if (ret[k - 1].verdict == rules[i].verdict)
                        continue;
                if (ret[k - 1].number == rules[i].number)
                        ret[k - 1].verdict = rules[i].verdict;
                else
                        ret[k++] = rules[i];
        }

        return k;
}

int seccomp_assemble(const SyscallRule *rules, size_t n, struct sock_filter **ret, size_t *ret_n)
{
        _cleanup_free_ SyscallRule *merged = NULL;
        Assembler a = {};
        size_t k;

        merged = calloc(n, 2 * sizeof(SyscallRule));
        if (!merged)
                return -ENOMEM;
        k = merge_rules(rules, n, merged);

        emit_program(&a, merged, k);            /* counts */
        if (a.n > BPF_MAXINSNS)
                return -E2BIG;
        a.code = calloc(a.n, sizeof(*a.code));
        if (!a.code)
                return -ENOMEM;
        a.n = 0;
        emit_program(&a, merged, k);

        *ret = a.code;
        *ret_n = a.n;
        return 0;
}
