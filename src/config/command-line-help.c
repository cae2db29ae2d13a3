/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * box-run's --help, printed from the table so that it can't differ from what is taken: headings in the order of their
 * first rows, a switch a line, its text folded into the right column. box-run's main only; no privilege.
 */

#include <stdio.h>
#include <string.h>

#include "config/command-line.h"

enum {
        WIDTH = 79,             /* no line is longer: a terminal of 80 columns would break it */
        COLUMN = 31,            /* where texts begin */
};

/* Columns, not bytes: metavars have an ellipsis in them. */
static int columns(const char *s)
{
        int n = 0;

        for (; *s; s++)
                n += ((unsigned char) *s & 0xc0) != 0x80;
        return n;
}

/* "  -D --directory=PATH" */
static void format_switch(const SettingRow *row, char *buf, size_t size)
{
        const char *arg = row->flags & SETTING_NO_ARG ? NULL : row->metavar;
        bool optional = row->flags & SETTING_OPTIONAL_ARG;
        char letter[4] = "  ";

        if (row->letter)
                (void) snprintf(letter, sizeof(letter), "-%c", row->letter);
        if (!row->option)
                (void) snprintf(buf, size, "  %s", letter);
        else
                (void) snprintf(buf, size, "  %s --%s%s%s%s", letter, row->option,
                                arg ? optional ? "[=" : "=" : "", arg ? arg : "", arg && optional ? "]" : "");
}

static void print_folded(FILE *f, int at, const char *text)
{
        while (*text) {
                size_t n = strcspn(text, " ");

                if (at > COLUMN && at + 1 + (int) n > WIDTH) {
                        fputc('\n', f);
                        at = 0;
                } else if (at > COLUMN) {
                        fputc(' ', f);
                        at++;
                }
                if (at < COLUMN)
                        at += fprintf(f, "%*s", COLUMN - at, "");
                at += fprintf(f, "%.*s", (int) n, text);
                text += n + strspn(text + n, " ");
        }
        fputc('\n', f);
}

static void print_row(FILE *f, const SettingRow *row)
{
        char buf[128];
        int at;

        format_switch(row, buf, sizeof(buf));
        fputs(buf, f);
        at = columns(buf);
        if (at >= COLUMN) {
                fputc('\n', f);
                at = 0;
        }
        print_folded(f, at, row->help);
}

static bool is_shown(const SettingRow *row)
{
        return (row->option || row->letter) && !(row->flags & SETTING_HIDDEN);
}

static void print_group(FILE *f, const char *group)
{
        fprintf(f, "\n%s:\n", group);
        for (size_t i = 0; i < settings_table_size; i++)
                if (is_shown(&settings_table[i]) && strcmp(settings_table[i].group, group) == 0)
                        print_row(f, &settings_table[i]);
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

        fprintf(f, "\nSee box-run(1), and box.nspawn(5) for the file that says the same.\n");
        return fflush(f) == 0 && !ferror(f) ? 0 : -EIO;
}
