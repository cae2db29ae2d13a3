/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Standard output and error through which no text can control the terminal, whatever a machine has put into its names, files
 * and messages: control characters and broken UTF-8 are printed as '?'. Tabs and line ends are kept, CR LF is a line end.
 */

#include <stdio.h>

#include "util/macro.h"

/* Replaces stdout and stderr, once in a process that prints. 0 or negative errno. */
int terminal_streams_open(void);

/* Has the reader of standard output gone (EPIPE)? It has read enough, as head(1) does: no failure. */
bool terminal_stream_is_unread(void);

/* Prints one of our own sequences ("\x1b[0m"), which stdout and stderr would not let through. */
void terminal_style(FILE *f, const char *sequence);
