/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Included by every unit test: cmocka and the headers that it needs first. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/macro.h"
