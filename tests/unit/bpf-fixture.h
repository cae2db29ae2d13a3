/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A small interpreter of BPF, for filters of system calls. */

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "test.h"

#define ALLOW SECCOMP_RET_ALLOW
#define FAIL(e) (SECCOMP_RET_ERRNO | (e))

/* The classic BPF that our programs use; anything else, or a run off the end, fails the test. */
static inline uint32_t bpf_run(const struct sock_filter *code, size_t n, const struct seccomp_data *data)
{
        uint32_t a = 0;

        for (size_t pc = 0; pc < n; pc++) {
                const struct sock_filter *i = code + pc;

                switch (i->code) {
                case BPF_LD | BPF_W | BPF_ABS:
                        assert_true(i->k <= sizeof(*data) - 4);
                        memcpy(&a, (const char *) data + i->k, 4);
                        break;
                case BPF_JMP | BPF_JEQ | BPF_K:
                        pc += a == i->k ? i->jt : i->jf;
                        break;
                case BPF_JMP | BPF_JGE | BPF_K:
                        pc += a >= i->k ? i->jt : i->jf;
                        break;
                case BPF_JMP | BPF_JGT | BPF_K:
                        pc += a > i->k ? i->jt : i->jf;
                        break;
                case BPF_ALU | BPF_AND | BPF_K:
                        a &= i->k;
                        break;
                case BPF_JMP | BPF_JSET | BPF_K:
                        pc += a & i->k ? i->jt : i->jf;
                        break;
                case BPF_JMP | BPF_JA:
                        pc += i->k;
                        break;
                case BPF_RET | BPF_K:
                        return i->k;
                default:
                        fail_msg("instruction %zu has code 0x%x", pc, i->code);
                }
        }

        fail_msg("ran off the end");
        return 0;
}
