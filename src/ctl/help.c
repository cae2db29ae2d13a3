/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The help texts (see help.h): pure formatting of the two tables, tested as text in tests/golden. */

#include <string.h>

#include "ctl/help.h"

enum { HELP_WIDTH = 80 };

/* Columns of text in UTF-8 (the tables hold no wide and no combining characters). */
static size_t columns(const char *s, size_t n)
{
        size_t w = 0;

        for (size_t i = 0; i < n; i++)
                w += ((unsigned char) s[i] & 0xc0) != 0x80;
        return w;
}

/* Words of text filled into lines from column `at` (where the cursor is) and, further down, from `indent`. */
static void print_filled(FILE *f, const char *text, size_t at, size_t indent)
{
        bool first = true;

        while (*text) {
                size_t n = strcspn(text, " \n"), w = columns(text, n);

                if (!first && at + 1 + w > HELP_WIDTH) {
                        fprintf(f, "\n%*s", (int) indent, "");
                        at = indent;
                        first = true;
                }
                fprintf(f, "%s%.*s", first ? "" : " ", (int) n, text);
                at += w + !first;
                first = false;
                text += n + (text[n] == ' ');
                if (*text == '\n') {
                        fprintf(f, "\n%*s", (int) indent, "");
                        at = indent;
                        first = true;
                        text++;
                }
        }
        fputc('\n', f);
}

/* "  left   text": on a line of its own where left is too long. */
static void print_row(FILE *f, const char *left, const char *text, size_t column)
{
        size_t w = columns(left, strlen(left));

        fprintf(f, "  %s", left);
        if (w + 4 > column) {
                fprintf(f, "\n%*s", (int) column, "");
                w = column;
        } else
                fprintf(f, "%*s", (int) (column - w - 2), "");
        print_filled(f, text, column, column);
}

static void print_option(FILE *f, const Option *o)
{
        char left[64];

        if (!o->name)
                (void) snprintf(left, sizeof(left), "-%c %s", o->letter, o->metavar);
        else
                (void) snprintf(left, sizeof(left), "%c%c --%s%s%s", o->letter ? '-' : ' ',
                                o->letter ? o->letter : ' ', o->name, o->metavar ? "=" : "",
                                o->metavar ? o->metavar : "");
        print_row(f, left, o->help, 28);
}

static const char *shown_name(const Ctl *c, const Verb *v)
{
        return c->lite && v->lite_name ? v->lite_name : v->name;
}

void help_print(FILE *f, const Ctl *c)
{
        fprintf(f, "%s [OPTION…] VERB [ARGUMENT…]\n\n", c->program);
        print_filled(f, c->lite ? "Manage the machines of this host, with machinectl's verbs, options and output." :
                                  "Start, stop, inspect and enter the machines of this host.", 0, 0);

        fprintf(f, "\nVerbs:\n");
        for (const Verb *const *v = verbs; *v; v++) {
                char left[64];

                if (c->lite && (*v)->flags & VERB_OURS)
                        continue;
                (void) snprintf(left, sizeof(left), "%s %s", shown_name(c, *v), (*v)->synopsis);
                print_row(f, left, (*v)->help, 28);
        }

        fprintf(f, "\nOptions:\n");
        for (size_t i = 0; i < n_ctl_options; i++)
                print_option(f, ctl_options + i);

        fprintf(f, "\nMore on a verb: %s VERB --help. See also boxctl(1).\n", c->program);
}

void help_print_verb(FILE *f, const Ctl *c, const Verb *v)
{
        fprintf(f, "%s %s [OPTION…] %s\n\n", c->program, shown_name(c, v), v->synopsis);
        print_filled(f, v->help, 0, 0);
        if (v->details) {
                fputc('\n', f);
                print_filled(f, v->details, 0, 0);
        }
        if (v->alias)
                fprintf(f, "\nAlso called: %s\n", shown_name(c, v) == v->name ? v->alias : v->name);

        fprintf(f, "\nOptions:\n");
        for (size_t i = 0; i < n_ctl_options; i++)
                if (option_is_for(ctl_options + i, v->name))
                        print_option(f, ctl_options + i);
}
