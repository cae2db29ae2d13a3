/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* As call-x86_64.h, by the C library: for all other architectures. */

#include <errno.h>
#include <unistd.h>

_Noreturn void enter(long *stack);

static long call(long number, long a, long b, long c, long d)
{
        long r = syscall(number, a, b, c, d);

        return r < 0 ? -errno : r;
}

int main(int argc, char *argv[])
{
        /* The kernel's order: the number of arguments stands before them. */
        enter((long *) (void *) argv - 1);
}
