/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints box-run's --help from the settings table: headings in the order of their first rows, each switch on a line,
 * with its text wrapped in the right column. box-run's main only; no privilege.
 */

#include <stdio.h>
#include <string.h>

#include "config/command-line.h"
#include "util/print.h"

enum { SWITCH_MAX = 128 };

/* "  -D --directory=PATH" */
static const char *format_switch(const SettingRow *row, char buf[static SWITCH_MAX])
{
        const char *arg = row->flags & SETTING_NO_ARG ? NULL : row->metavar;
        bool optional = row->flags & SETTING_OPTIONAL_ARG;
        char letter[4] = "  ";

        if (row->letter)
                (void) snprintf(letter, sizeof(letter), "-%c", row->letter);
        if (!row->option)
                (void) snprintf(buf, SWITCH_MAX, "  %s", letter);
        else
                (void) snprintf(buf, SWITCH_MAX, "  %s --%s%s%s%s", letter, row->option,
                                arg ? optional ? "[=" : "=" : "", arg ? arg : "", arg && optional ? "]" : "");
        return buf;
}

static bool is_shown(const SettingRow *row)
{
        return (row->option || row->letter) && !(row->flags & SETTING_HIDDEN);
}

static void print_group(FILE *f, const char *group)
{
        char buf[SWITCH_MAX];

        fprintf(f, "\n%s:\n", group);
        for (size_t i = 0; i < settings_table_size; i++)
                if (is_shown(&settings_table[i]) && strcmp(settings_table[i].group, group) == 0)
                        print_help_row(f, format_switch(&settings_table[i], buf), settings_table[i].help, 31);
}

int command_line_help(FILE *f, const char *program)
{
        fprintf(f, "Usage: %s [SWITCH]… [--] [COMMAND [ARGUMENT]…]\n\n"
                   "Run a command, or boot an operating system, in a container.\n", program);

        for (size_t i = 0; i < settings_table_size; i++) {
                bool first = is_shown(&settings_table[i]);

                for (size_t j = 0; first && j < i; j++)
                        first = !is_shown(&settings_table[j]) ||
                                strcmp(settings_table[j].group, settings_table[i].group) != 0;
                if (first)
                        print_group(f, settings_table[i].group);
        }

        fprintf(f, "\nSee box-run(1), and box.nspawn(5) for the settings file.\n");
        return fflush(f) == 0 && !ferror(f) ? 0 : -EIO;
}
