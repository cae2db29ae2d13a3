/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Included by every unit test: cmocka and the headers that it needs first. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/macro.h"

/* cmocka 1.1.5 (Debian 12) says of a skipped test "not ok 1 # SKIP", which readers of TAP take for a failure. Later versions say
 * "ok". */
static inline ssize_t test_write_tap(void *cookie, const char *data, size_t size)
{
        static const char wrong[] = "not ok ";
        bool skipped = size > strlen(wrong) && memcmp(data, wrong, strlen(wrong)) == 0 && memmem(data, size, " # SKIP ", 8);
        size_t from = skipped ? strlen("not ") : 0;

        return write(STDOUT_FILENO, data + from, size - from) < 0 ? 0 : (ssize_t) size;
}

__attribute__((constructor)) static inline void test_set_up_stdout(void)
{
        stdout = fopencookie(NULL, "w", (cookie_io_functions_t) { .write = test_write_tap });
        (void) setvbuf(stdout, NULL, _IOLBF, 0);
}
