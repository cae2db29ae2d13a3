/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What every fuzzer includes: libFuzzer's entry, and a check that holds for whatever comes in. */

#include <stdint.h>
#include <stdio.h>

#include "util/macro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A finding where it is not so. */
#define CHECK(condition)                                                                                \
        do {                                                                                            \
                if (!(condition)) {                                                                     \
                        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);         \
                        abort();                                                                        \
                }                                                                                       \
        } while (false)
