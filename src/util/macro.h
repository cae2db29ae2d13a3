/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Macros of the whole source: cleanup attributes, transfer of ownership, and errno as a return value.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define _cleanup_(f) __attribute__((__cleanup__(f)))
#define _printf_(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define _must_check_ __attribute__((__warn_unused_result__))

/* Runs while a machine runs. The compiler puts these functions beside each other: all other code is released then
 * (util/memory.h). */
#define _steady_ __attribute__((__hot__))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define CONCAT_(a, b) a##b
#define CONCAT(a, b) CONCAT_(a, b)

/* Gives away a pointer (or a descriptor): the variable is empty afterwards, so that its cleanup does nothing. */
#define TAKE_PTR(p)                     \
        ({                              \
                typeof(p) *_pp = &(p);  \
                typeof(p) _v = *_pp;    \
                *_pp = NULL;            \
                _v;                     \
        })
#define TAKE_FD(fd)                     \
        ({                              \
                int *_pfd = &(fd);      \
                int _v = *_pfd;         \
                *_pfd = -EBADF;         \
                _v;                     \
        })

/* The result of a libc function or system call, or negative errno. Not for sd_* functions and our own, which return
 * negative errno already. */
#define RET_ERRNO(call)                         \
        ({                                      \
                typeof(call) _r = (call);       \
                _r < 0 ? (typeof(_r)) -errno : _r; \
        })

/* Defines TYPE's cleanup function FUNCp for _cleanup_(FUNCp). */
#define DEFINE_CLEANUP(type, func)              \
        static inline void func##p(type *p)     \
        {                                       \
                if (*p)                         \
                        func(*p);               \
        }

static inline void freep(void *p)
{
        free(*(void **) p);
}

#define _cleanup_free_ _cleanup_(freep)

/* Text of the value of a macro, for messages and version strings. */
#define STRINGIFY_(x) #x
#define STRINGIFY(x) STRINGIFY_(x)
