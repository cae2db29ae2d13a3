/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/failure.h"

/* Has the user edit a file: $SYSTEMD_EDITOR, $EDITOR, $VISUAL, or else the first of editor, nano, vim and vi that there is.
 * 0 when the editor ended well. */
int editor_run(const char *path, Failure *failure);

/* Asks on the terminal which of these letters it is to be; the first one where there is no terminal, or no more input. */
char editor_ask(const char *question, const char *letters);
