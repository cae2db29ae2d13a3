/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/failure.h"

/* Runs the user's editor on a file: $SYSTEMD_EDITOR, $EDITOR, $VISUAL, or else the first of editor, nano, vim and vi that is
 * installed. An editor that exits with another status than 0 is a failure. */
int editor_run(const char *path, Failure *failure);

/* Asks for one of these letters on the terminal. The first one is the answer if there is no terminal or no more input. */
char editor_ask(const char *question, const char *letters);
