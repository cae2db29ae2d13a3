/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/failure.h"

/* Checks a settings file alone, where box-run cannot be run: its syntax, keys and values. Logs the problems, with `shown` as the
 * file's name. *ret_fatal: how many prevent a start. */
int file_check_alone(const char *path, const char *shown, const char *machine, size_t *ret_fatal, Failure *failure);

/* Logs a problem as a message of boxctl's. */
void file_check_log(bool fatal, const char *text);
