/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The help texts (see help.h), printed from the tables of verbs and options. Part of boxctl; no privilege. */

#include <string.h>

#include "ctl/columns.h"
#include "ctl/help.h"
#include "util/print.h"

static void print_option(FILE *f, const Option *o)
{
        char left[64];

        if (!o->name)
                (void) snprintf(left, sizeof(left), "  -%c %s", o->letter, o->metavar);
        else
                (void) snprintf(left, sizeof(left), "  %c%c --%s%s%s", o->letter ? '-' : ' ',
                                o->letter ? o->letter : ' ', o->name,
                                !o->metavar ? "" : option_is_optional(o) ? "[=" : "=",
                                !o->metavar ? "" : o->metavar + option_is_optional(o));
        print_help_row(f, left, o->help, 28);
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
                (void) snprintf(left, sizeof(left), "  %s %s", shown_name(c, *v), (*v)->synopsis);
                print_help_row(f, left, (*v)->help, 28);
        }

        fprintf(f, "\nOptions:\n");
        for (size_t i = 0; i < n_ctl_options; i++)
                print_option(f, ctl_options + i);

        fprintf(f, "\nMore on a verb: %s VERB --help. See also boxctl(1).\n", c->program);
}

void help_print_verb(FILE *f, const Ctl *c, const Verb *v)
{
        fprintf(f, "%s %s [OPTION…]%s%s\n\n", c->program, shown_name(c, v), *v->synopsis ? " " : "", v->synopsis);
        print_filled(f, v->help, 0, 0);
        if (v->details) {
                fputc('\n', f);
                print_filled(f, v->details, 0, 0);
        }
        if (!c->lite && v->example)
                fprintf(f, "\nExample:\n  %s\n", v->example);
        if (!c->lite && v->columns) {
                fprintf(f, "\nColumns and fields, with their letters:\n");
                columns_print(f, v->columns, v->n_columns);
        }
        if (v->alias)
                fprintf(f, "\nAlso called: %s\n", shown_name(c, v) == v->name ? v->alias : v->name);

        fprintf(f, "\nOptions:\n");
        for (size_t i = 0; i < n_ctl_options; i++)
                if (option_is_for(ctl_options + i, v->name))
                        print_option(f, ctl_options + i);
}
