/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints the completion of boxctl and machinectl-lite, or of box-run, for bash, zsh or fish: generate SHELL PROGRAM. Made from the
 * programs' own tables; names of machines come from boxctl _names. Run during the build, not installed.
 */

#include <stdio.h>
#include <string.h>

#include "config/settings-table.h"
#include "ctl/verb.h"

static bool takes_names(const Verb *v)
{
        return v->flags & (VERB_TAKES_RUNNING | VERB_TAKES_IMAGES | VERB_TAKES_SAMPLES);
}

/* For single quotes in all three shells. The tables have no backslashes; a quote becomes a typographic one. */
static void print_text(const char *s)
{
        for (; *s; s++)
                if (*s == '\'')
                        fputs("’", stdout);
                else
                        putchar(*s);
}

static const char *values_of(const Option *o)
{
        switch (o->kind) {
        case OPTION_OUTPUT:
                return "short short-iso cat json json-pretty";
        case OPTION_FIELDS:
                return "pretty short";
        case OPTION_WHOM:
                return "leader all";
        case OPTION_SIGNAL:
                return "SIGTERM SIGKILL SIGHUP SIGINT SIGUSR1 SIGUSR2 SIGSTOP SIGCONT";
        case OPTION_PROPERTY:
        case OPTION_PROPERTY_VALUE:
                return "Name Id Timestamp Service Unit Leader Class RootDirectory State";
        case OPTION_TEXT:
                return o->name && strcmp(o->name, "sort") == 0 ? "cpu memory swap io tasks pressure network name" : "";
        case OPTION_PRIORITY:
                return "emerg alert crit err warning notice info debug";
        default:
                return "";
        }
}

/* The words of a choice, such as "yes no". */
static void print_row_values(const SettingRow *row)
{
        for (const char *const *w = row->words; w && *w; w++)
                printf("%s%s", w == row->words ? "" : " ", *w);
}

static bool row_is_shown(const SettingRow *row)
{
        return row->option && !(row->flags & SETTING_HIDDEN);
}

static bool row_takes_value(const SettingRow *row)
{
        return !(row->flags & SETTING_NO_ARG);
}

/* ---- bash ----------------------------------------------------------------------------------------------------- */

static void bash_verbs(void)
{
        printf("    local verbs='");
        for (const Verb *const *v = verbs; *v; v++)
                printf("%s%s%s ", (*v)->name, (*v)->alias ? " " : "", (*v)->alias ? (*v)->alias : "");
        printf("'\n");
}

static void bash_option_words(const Verb *v)
{
        for (size_t i = 0; i < n_ctl_options; i++) {
                const Option *o = ctl_options + i;

                if (v && !option_is_for(o, v->name))
                        continue;
                if (o->letter)
                        printf("-%c ", o->letter);
                if (o->name)
                        printf("--%s%s ", o->name, o->metavar && !option_is_optional(o) ? "=" : "");
        }
}

/* A letter that has several rows, of different verbs, is completed as the first of them. */
static bool is_first_of_letter(size_t row)
{
        for (size_t i = 0; i < row; i++)
                if (ctl_options[i].letter == ctl_options[row].letter && ctl_options[i].metavar)
                        return false;
        return true;
}

/* Do its values name columns of the verb's listing? */
static bool takes_columns(const Option *o)
{
        return o->offset == offsetof(Options, columns);
}

static void bash_boxctl(void)
{
        printf("_boxctl() {\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} word verb=\n");
        bash_verbs();
        printf("    COMPREPLY=()\n"
               "    [[ $cur == = ]] && cur=\n"
               "    [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]}\n"
               "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
               "        [[ \" $verbs\" == *\" $word \"* ]] && { verb=$word; break; }\n"
               "    done\n"
               "    case $prev in\n"
               "        -c|--columns|--json)\n"
               "            word=\n"
               "            [[ $cur == *,* ]] && word=${cur%%,*},\n"
               "            COMPREPLY=($(compgen -P \"$word\" -W \"$(\"$1\" _columns \"$verb\" 2>/dev/null)\" -- \"${cur##*,}\"))\n"
               "            return ;;\n");
        for (size_t i = 0; i < n_ctl_options; i++) {
                const Option *o = ctl_options + i;

                if (!o->metavar || option_is_optional(o) || takes_columns(o))
                        continue;
                printf("        ");
                if (o->letter && is_first_of_letter(i))
                        printf("-%c%s", o->letter, o->name ? "|" : "");
                printf("%s%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", o->name ? "--" : "",
                       o->name ? o->name : "", values_of(o));
        }
        printf("    esac\n"
               "    if [[ $cur == -* ]]; then\n"
               "        case $verb in\n");
        for (const Verb *const *v = verbs; *v; v++) {
                printf("            %s%s%s) word='", (*v)->name, (*v)->alias ? "|" : "",
                       (*v)->alias ? (*v)->alias : "");
                bash_option_words(*v);
                printf("' ;;\n");
        }
        printf("            *) word='");
        bash_option_words(NULL);
        printf("' ;;\n"
               "        esac\n"
               "        COMPREPLY=($(compgen -W \"$word\" -- \"$cur\"))\n"
               "        [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
               "    elif [[ -z $verb ]]; then\n"
               "        COMPREPLY=($(compgen -W \"$verbs\" -- \"$cur\"))\n"
               "    else\n"
               "        # compgen expands its words; a name of a machine has nothing to expand.\n"
               "        COMPREPLY=($(compgen -W \"$(\"$1\" _names \"$verb\" 2>/dev/null)\" -- \"$cur\"))\n"
               "    fi\n"
               "}\n"
               "complete -F _boxctl boxctl machinectl-lite\n");
}

static void bash_box_run(void)
{
        printf("_box_run() {\n    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
               "    COMPREPLY=()\n"
               "    [[ $cur == = ]] && cur=\n"
               "    [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD-2]}\n"
               "    case $prev in\n");
        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = settings_table + i;

                if (!row_is_shown(row) || !row_takes_value(row))
                        continue;
                printf("        --%s) ", row->option);
                if (row->words) {
                        printf("COMPREPLY=($(compgen -W '");
                        print_row_values(row);
                        printf("' -- \"$cur\"))");
                } else
                        printf("COMPREPLY=($(compgen -f -- \"$cur\"))");
                printf("; return ;;\n");
        }
        printf("    esac\n    if [[ $cur == -* ]]; then\n        COMPREPLY=($(compgen -W '");
        for (size_t i = 0; i < settings_table_size; i++)
                if (row_is_shown(settings_table + i))
                        printf("--%s%s ", settings_table[i].option, row_takes_value(settings_table + i) ? "=" : "");
        printf("' -- \"$cur\"))\n"
               "        [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
               "    else\n"
               "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
               "    fi\n"
               "}\n"
               "complete -F _box_run box-run\n");
}

/* ---- zsh ------------------------------------------------------------------------------------------------------ */

/* For specifications of _arguments, in single quotes. */
static void zsh_text(const char *s)
{
        for (; *s; s++)
                if (*s == '\'')
                        fputs("’", stdout);
                else if (*s == ':' || *s == '[' || *s == ']')
                        printf("\\%c", *s);
                else
                        putchar(*s);
}

static void zsh_boxctl(void)
{
        printf("#compdef boxctl machinectl-lite\n\n_boxctl() {\n    local -a verbs names\n    local curcontext=$curcontext state\n"
               "    verbs=(\n");
        for (const Verb *const *v = verbs; *v; v++) {
                const char *names[] = { (*v)->name, (*v)->alias };

                for (size_t i = 0; i < ARRAY_SIZE(names) && names[i]; i++) {
                        printf("        '%s:", names[i]);
                        zsh_text((*v)->help);
                        printf("'\n");
                }
        }
        printf("    )\n    _arguments -C \\\n");
        for (size_t i = 0; i < n_ctl_options; i++) {
                const Option *o = ctl_options + i;
                const char *values = values_of(o);

                if (o->letter && o->name)
                        printf("        {-%c%s,--%s%s}", o->letter, option_is_optional(o) ? "-" : o->metavar ? "+" : "", o->name,
                               option_is_optional(o) ? "=-" : o->metavar ? "=" : "");
                else if (o->letter)
                        printf("        -%c%s", o->letter, o->metavar ? "+" : "");
                else
                        printf("        --%s%s", o->name, o->metavar ? "=" : "");
                printf("'[");
                zsh_text(o->help);
                putchar(']');
                if (o->metavar) {
                        printf("%s:%s:", option_is_optional(o) ? ":" : "", o->name ? o->name : "property");
                        if (takes_columns(o))
                                printf("->columns");
                        else if (*values)
                                printf("(%s)", values);
                }
                printf("' \\\n");
        }
        printf("        '1:verb:->verb' '*:machine:->names'\n"
               "    case $state in\n"
               "        columns)\n"
               "            names=(${(f)\"$($service _columns ${line[1]} 2>/dev/null)\"})\n"
               "            compset -P '*,'\n"
               "            compadd -S '' -a names ;;\n"
               "        verb) _describe verb verbs ;;\n"
               "        names)\n"
               "            names=(${(f)\"$($service _names ${line[1]} 2>/dev/null)\"})\n"
               "            compadd -a names ;;\n"
               "    esac\n"
               "}\n\n_boxctl \"$@\"\n");
}

static void zsh_box_run(void)
{
        printf("#compdef box-run\n\n_arguments -S \\\n");
        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = settings_table + i;

                if (!row_is_shown(row))
                        continue;
                printf("    '--%s%s[", row->option,
                       !row_takes_value(row) ? "" : row->flags & SETTING_OPTIONAL_ARG ? "=-" : "=");
                zsh_text(row->help);
                putchar(']');
                if (row_takes_value(row)) {
                        printf(":%s%s:", row->flags & SETTING_OPTIONAL_ARG ? ":" : "", row->option);
                        if (row->words) {
                                putchar('(');
                                print_row_values(row);
                                putchar(')');
                        } else
                                printf("_files");
                }
                printf("' \\\n");
        }
        printf("    '*::command:_normal'\n");
}

/* ---- fish ----------------------------------------------------------------------------------------------------- */

static void fish_columns(const char *program)
{
        for (const Verb *const *v = verbs; *v; v++)
                for (size_t i = 0; i < n_ctl_options; i++) {
                        const Option *o = ctl_options + i;

                        if (!takes_columns(o) || !option_is_for(o, (*v)->name))
                                continue;
                        printf("complete -c %s -n '__fish_seen_subcommand_from %s' -l %s", program, (*v)->name, o->name);
                        if (o->letter)
                                printf(" -s %c", o->letter);
                        printf(" -x -a '(__fish_append ,");
                        for (size_t n = 0; n < (*v)->n_columns; n++)
                                printf(" %s", (*v)->columns[n].name);
                        printf(")'\n");
                }
}

static void fish_boxctl(const char *program)
{
        printf("complete -c %s -f\n", program);
        for (const Verb *const *v = verbs; *v; v++) {
                const char *names[] = { (*v)->name, (*v)->alias };

                for (size_t i = 0; i < ARRAY_SIZE(names) && names[i]; i++) {
                        printf("complete -c %s -n __fish_use_subcommand -a %s -d '", program, names[i]);
                        print_text((*v)->help);
                        printf("'\n");
                        if (takes_names(*v))
                                printf("complete -c %s -n '__fish_seen_subcommand_from %s' -a '(%s _names %s 2>/dev/null)'\n",
                                       program, names[i], program, names[i]);
                }
        }
        for (size_t i = 0; i < n_ctl_options; i++) {
                const Option *o = ctl_options + i;

                printf("complete -c %s", program);
                if (o->verbs)
                        printf(" -n '__fish_seen_subcommand_from %s'", o->verbs);
                if (o->letter)
                        printf(" -s %c", o->letter);
                if (o->name)
                        printf(" -l %s", o->name);
                if (takes_columns(o))
                        printf(" -x");
                else if (o->metavar && !option_is_optional(o))
                        printf(" -x -a '%s'", values_of(o));
                printf(" -d '");
                print_text(o->help);
                printf("'\n");
        }
        fish_columns(program);
}

static void fish_box_run(void)
{
        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = settings_table + i;

                if (!row_is_shown(row))
                        continue;
                printf("complete -c box-run -l %s", row->option);
                if (row->letter)
                        printf(" -s %c", row->letter);
                if (row_takes_value(row) && row->words) {
                        printf(" -x -a '");
                        print_row_values(row);
                        putchar('\'');
                } else if (row_takes_value(row) && !(row->flags & SETTING_OPTIONAL_ARG))
                        printf(" -r");
                printf(" -d '");
                print_text(row->help);
                printf("'\n");
        }
}

int main(int argc, char **argv)
{
        bool run = argc == 3 && strcmp(argv[2], "box-run") == 0;

        if (argc != 3 || (!run && strcmp(argv[2], "boxctl") != 0)) {
                fprintf(stderr, "usage: generate bash|zsh|fish boxctl|box-run\n");
                return 2;
        }

        if (strcmp(argv[1], "zsh") != 0)
                printf("# SPDX-License-Identifier: LGPL-2.1-or-later\n# Generated from the program's own tables.\n\n");
        if (strcmp(argv[1], "bash") == 0)
                run ? bash_box_run() : bash_boxctl();
        else if (strcmp(argv[1], "zsh") == 0)
                run ? zsh_box_run() : zsh_boxctl();
        else if (run)
                fish_box_run();
        else {
                fish_boxctl("boxctl");
                fish_boxctl("machinectl-lite");
        }
        return fflush(stdout) != 0 || ferror(stdout);
}
