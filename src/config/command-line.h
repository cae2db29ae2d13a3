/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "config/assignment.h"

typedef enum CommandLineAction {
        COMMAND_LINE_RUN,
        COMMAND_LINE_HELP,
        COMMAND_LINE_VERSION,
        COMMAND_LINE_INTROSPECT,
} CommandLineAction;

/* Reads box-run's command line: GNU long and short switches up to "--" or the first other word; the remaining words
 * become Parameters=. Unknown switches are fatal Problems, which name the most similar switch. */
int command_line_parse(int argc, char *const argv[], Assignments *ret, CommandLineAction *ret_action,
                       Problems *problems);

/* Prints all switches as JSON, in the form that systemd's programs have for --introspect-cli. */
int command_line_introspect(FILE *f, const char *program, Failure *failure);

/* Prints box-run's --help, at most 80 columns wide. 0 or -EIO. */
int command_line_help(FILE *f, const char *program);
