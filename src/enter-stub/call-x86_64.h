/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A system call of this architecture, and where the program begins: the stack has the number of arguments, the arguments, NULL,
 * and the environment. */

static long call(long number, long a, long b, long c, long d)
{
        register long r10 __asm__("r10") = d;
        long r;

        __asm__ volatile("syscall" : "=a"(r) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
        return r;
}

__asm__(".globl _start\n"
        "_start:\n"
        "        xor %ebp, %ebp\n"
        "        mov %rsp, %rdi\n"
        "        and $-16, %rsp\n"
        "        call enter\n");
