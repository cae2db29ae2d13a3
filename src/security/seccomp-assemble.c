/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A BPF program from verdicts on ranges of system call numbers: for each architecture a binary search over the numbers where
 * the verdict changes. Runs in box-run (custom filters) and, while box is built, in seccomp-build; no privilege.
 *
 * libseccomp's own generator compares each call; this one each range. So the default filter has a third of the size, the kernel
 * needs a fraction of the time to verify, translate and install it, and a custom one is compiled in microseconds instead of ten
 * milliseconds. The numbers still come from libseccomp (seccomp-build.c), and a unit test checks every number of every
 * architecture.
 */

#include <linux/bpf_common.h>
#include <linux/seccomp.h>

#include "security/seccomp-assemble.h"

/* The halves of a 64-bit argument: BPF computes with 32 bits. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { LOW = 0, HIGH = 4 };
#else
enum { LOW = 4, HIGH = 0 };
#endif

#define STATEMENT(code, k) (struct sock_filter) BPF_STMT((code), (k))
#define JUMP(test, k, jt, jf) (struct sock_filter) BPF_JUMP(BPF_JMP | (test) | BPF_K, (k), (uint8_t) (jt), (uint8_t) (jf))
#define LOAD(offset) STATEMENT(BPF_LD | BPF_W | BPF_ABS, (uint32_t) (offset))
#define RETURN(action) STATEMENT(BPF_RET | BPF_K, (action))

typedef struct Assembler {
        const SyscallVerdict *verdicts;
        struct sock_filter *code;       /* NULL: only counts */
        size_t n;
} Assembler;

static void emit(Assembler *a, struct sock_filter instruction)
{
        if (a->code)
                a->code[a->n] = instruction;
        a->n++;
}

static size_t half_size(uint32_t mask)
{
        return mask == 0 ? 0 : mask == UINT32_MAX ? 2 : 3;
}

/* Compares a half, masked, with the value: where they are equal `yes` instructions are left out, else `no`. A mask of 0 needs
 * no code. */
static void emit_half(Assembler *a, size_t offset, uint32_t mask, uint32_t value, size_t yes, size_t no)
{
        if (mask == 0)
                return;
        emit(a, LOAD(offset));
        if (mask != UINT32_MAX)
                emit(a, STATEMENT(BPF_ALU | BPF_AND | BPF_K, mask));
        emit(a, JUMP(BPF_JEQ, value, yes, no));
}

static void emit_equal(Assembler *a, size_t offset, uint64_t mask, uint64_t value, size_t no)
{
        const uint32_t low = (uint32_t) mask, high = (uint32_t) (mask >> 32);

        if (value & ~mask)
                emit(a, STATEMENT(BPF_JMP | BPF_JA, (uint32_t) no));
        else {
                emit_half(a, offset + HIGH, high, (uint32_t) (value >> 32), 0, no + half_size(low));
                emit_half(a, offset + LOW, low, (uint32_t) value, 0, no);
        }
}

/* Compares the argument with the value by BPF_JGT (greater) or BPF_JGE (not less): leaves out `yes` or `no` instructions. */
static void emit_greater(Assembler *a, size_t offset, uint16_t test, uint64_t value, size_t yes, size_t no)
{
        emit(a, LOAD(offset + HIGH));
        emit(a, JUMP(BPF_JGT, (uint32_t) (value >> 32), yes + 3, 0));
        emit(a, JUMP(BPF_JEQ, (uint32_t) (value >> 32), 0, no + 2));
        emit(a, LOAD(offset + LOW));
        emit(a, JUMP(test, (uint32_t) value, yes, no));
}

/* If the condition does not hold, the next `skip` instructions are left out. */
static void emit_condition(Assembler *a, const OciSeccompArg *c, size_t skip)
{
        const size_t offset = offsetof(struct seccomp_data, args) + 8 * c->index;

        switch (c->op) {
        case OCI_EQ:
                emit_equal(a, offset, UINT64_MAX, c->value, skip);
                return;
        case OCI_NE:
                /* Where the high halves differ, the low ones need not be compared. */
                emit(a, LOAD(offset + HIGH));
                emit(a, JUMP(BPF_JEQ, (uint32_t) (c->value >> 32), 0, 2));
                emit_half(a, offset + LOW, UINT32_MAX, (uint32_t) c->value, skip, 0);
                return;
        case OCI_MASKED_EQ:
                emit_equal(a, offset, c->value, c->value_two, skip);
                return;
        case OCI_GT:
        case OCI_GE:
                emit_greater(a, offset, c->op == OCI_GT ? BPF_JGT : BPF_JGE, c->value, 0, skip);
                return;
        case OCI_LE:
        case OCI_LT:
                emit_greater(a, offset, c->op == OCI_LE ? BPF_JGT : BPF_JGE, c->value, skip, 0);
                return;
        }
}

static size_t condition_size(const OciSeccompArg *c)
{
        Assembler counter = {};

        emit_condition(&counter, c, 0);
        return counter.n;
}

static void emit_verdict(Assembler *a, const SyscallVerdict *v)
{
        for (size_t i = 0; i < v->n; i++) {
                const SyscallBranch *b = &v->branches[i];
                size_t left = 1;

                for (size_t j = 0; j < b->n; j++)
                        left += condition_size(&b->conditions[j]);
                for (size_t j = 0; j < b->n; j++) {
                        left -= condition_size(&b->conditions[j]);
                        emit_condition(a, &b->conditions[j], left);
                }
                emit(a, RETURN(b->action));
        }
        emit(a, RETURN(v->action));
}

static void emit_search(Assembler *a, const SyscallRule *rules, size_t n);

static size_t search_size(const Assembler *a, const SyscallRule *rules, size_t n)
{
        Assembler counter = { .verdicts = a->verdicts };

        emit_search(&counter, rules, n);
        return counter.n;
}

/* The number is in the accumulator, and at or above rules[0]'s. The depth is the logarithm of n. */
static void emit_search(Assembler *a, const SyscallRule *rules, size_t n)
{
        size_t half = n / 2, skip;

        if (n == 1) {
                emit_verdict(a, &a->verdicts[rules[0].verdict]);
                return;
        }

        /* A conditional jump reaches 255 instructions, an unconditional one everywhere. */
        skip = search_size(a, rules, half);
        if (skip <= UINT8_MAX)
                emit(a, JUMP(BPF_JGE, rules[half].number, skip, 0));
        else {
                emit(a, JUMP(BPF_JGE, rules[half].number, 0, 1));
                emit(a, STATEMENT(BPF_JMP | BPF_JA, (uint32_t) skip));
        }
        emit_search(a, rules, half);
        emit_search(a, rules + half, n - half);
}

/* One architecture's rules: on another one, jump behind it. */
static void emit_arch(Assembler *a, const SyscallRule *rules, size_t n)
{
        emit(a, JUMP(BPF_JEQ, rules[0].arch, 1, 0));
        emit(a, STATEMENT(BPF_JMP | BPF_JA, (uint32_t) (1 + search_size(a, rules, n))));
        emit(a, LOAD(offsetof(struct seccomp_data, nr)));
        emit_search(a, rules, n);
}

static void emit_program(Assembler *a, const SyscallRule *rules, size_t n, unsigned foreign)
{
        emit(a, LOAD(offsetof(struct seccomp_data, arch)));
        for (size_t i = 0, end; i < n; i = end) {
                for (end = i + 1; end < n && rules[end].arch == rules[i].arch; end++)
                        ;
                emit_arch(a, rules + i, end - i);
        }
        emit_verdict(a, &a->verdicts[foreign]);
}

/* The rules where the verdict changes, and for each architecture one for number 0. Of several rules for one number the last
 * counts. ret has room for twice n. */
static size_t merge_rules(const SyscallRule *rules, size_t n, SyscallRule *ret)
{
        size_t k = 0;

        for (size_t i = 0; i < n; i++) {
                if (i + 1 < n && rules[i + 1].arch == rules[i].arch && rules[i + 1].number == rules[i].number)
                        continue;
                if (k == 0 || ret[k - 1].arch != rules[i].arch)
                        ret[k++] = (SyscallRule) { rules[i].arch, 0, 0 };
                if (ret[k - 1].verdict == rules[i].verdict)
                        continue;
                if (ret[k - 1].number == rules[i].number)
                        ret[k - 1].verdict = rules[i].verdict;
                else
                        ret[k++] = rules[i];
        }

        return k;
}

int seccomp_assemble(const SyscallRule *rules, size_t n, const SyscallVerdict *verdicts, unsigned foreign,
                     struct sock_filter **ret, size_t *ret_n)
{
        _cleanup_free_ SyscallRule *merged = NULL;
        Assembler a = { .verdicts = verdicts };
        size_t k;

        merged = calloc(n, 2 * sizeof(SyscallRule));
        if (!merged)
                return -ENOMEM;
        k = merge_rules(rules, n, merged);

        emit_program(&a, merged, k, foreign);   /* counts */
        if (a.n > BPF_MAXINSNS)
                return -E2BIG;
        a.code = calloc(a.n, sizeof(*a.code));
        if (!a.code)
                return -ENOMEM;
        a.n = 0;
        emit_program(&a, merged, k, foreign);

        *ret = a.code;
        *ret_n = a.n;
        return 0;
}
