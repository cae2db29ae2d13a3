/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* The members of a group ("@file-system"), separated by spaces: names of system calls and of other groups. NULL: no such
 * group. "@known" has all calls that a group or systemd's documentation names. */
const char *syscall_group_members(const char *name);

/* The name of group number i; NULL after the last. */
const char *syscall_group_name(size_t i);

/* Takes the next word from such a list; false at its end. */
#define SYSCALL_WORD_MAX 64
bool syscall_word_next(const char **list, char word[static SYSCALL_WORD_MAX]);
