/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "config/assignment.h"

typedef enum CommandLineAction {
        COMMAND_LINE_RUN,
        COMMAND_LINE_HELP,
        COMMAND_LINE_VERSION,
} CommandLineAction;

/* Reads box-run's command line by the settings' table: GNU long and short switches until "--" or the first word that
 * is none; what follows becomes Parameters=. Unknown switches are fatal Problems with the nearest known one. */
int command_line_parse(int argc, char *const argv[], Assignments *ret, CommandLineAction *ret_action,
                       Problems *problems);

/* box-run's --help, from the table, at most 80 columns wide. */
int command_line_help(FILE *f, const char *program);
