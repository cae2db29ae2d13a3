/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The command line's options: a table with a row for each. The parser, --help, completion and tests use it. The parser
 * checks single values; verbs check combinations.
 */

#include <limits.h>
#include <stdio.h>

#include "util/failure.h"

typedef enum OutputMode {
        OUTPUT_SHORT,           /* for people; journal lines as of syslog */
        OUTPUT_SHORT_ISO,       /* the same, journal lines with ISO 8601 times */
        OUTPUT_CAT,             /* journal lines without any prefix */
        OUTPUT_JSON,            /* in one line */
        OUTPUT_JSON_PRETTY,
        _OUTPUT_MODE_MAX,
} OutputMode;

static inline bool output_is_json(OutputMode m)
{
        return m == OUTPUT_JSON || m == OUTPUT_JSON_PRETTY;
}

/* For json_print(). */
static inline unsigned output_json_indent(OutputMode m)
{
        return m == OUTPUT_JSON_PRETTY ? 8 : 0;
}

typedef struct Options {
        bool help, version;
        bool force, archive;
        const char *host;               /* runs the verb there; NULL: here */
        const char *machine;            /* whose bus is asked; NULL: the host's */
        const char *chown;
        bool all, full, value, quiet, now, no_block, no_pager, no_legend, no_ask_password, follow, plot, more, tty, once;
        bool save, mkdir;
        bool read_only, take, any;
        char **properties;
        char **setenv;                  /* VAR=VALUE each */
        const char *uid, *kill_whom, *drop_in, *for_time, *working_directory;
        const char *timeout, *unit, *since, *until, *grep, *order, *sort;
        bool by_start;
        int start;                      /* see journal_start_window() */
        int priority;                   /* of syslog(3); -1: all */
        int signal;
        unsigned lines, max_addresses;  /* UINT_MAX: all; LINES_DEFAULT: the verb's own number of lines */
        uint64_t delay_usec;
        OutputMode output;
        const char *columns;            /* NULL: the default */
        bool list_fields;               /* --json without a value */
        bool changed, introspect;
} Options;
extern const Options options_default;

#define LINES_DEFAULT (UINT_MAX - 1)
static inline unsigned options_lines(const Options *o, unsigned of_verb)
{
        return o->lines == LINES_DEFAULT ? of_verb : o->lines;
}

void options_done(Options *o);

typedef enum OptionKind {
        OPTION_FLAG,            /* bool */
        OPTION_TEXT,            /* const char *, any */
        OPTION_MACHINE,         /* the same, the name of a machine; machinectl-lite, too, takes it only with its verbs */
        OPTION_HOST,            /* the same, and not passed on to that host */
        OPTION_START,           /* int, 0 if left out, and by_start; the next word, if it begins with "-" and a digit */
        OPTION_PRIORITY,        /* int: of syslog(3) */
        OPTION_PROPERTY,        /* appended to properties; implies all: an empty one is shown if named */
        OPTION_PROPERTY_VALUE,  /* the same, and value */
        OPTION_SETENV,          /* VAR=VALUE, or VAR: our value of it */
        OPTION_SIGNAL,
        OPTION_WHOM,            /* "leader" or "all" */
        OPTION_NUMBER,          /* unsigned */
        OPTION_COUNT,           /* unsigned, or "all" */
        OPTION_TIME_SPAN,       /* uint64_t, microseconds; not 0 */
        OPTION_OUTPUT,
        OPTION_IGNORED,         /* machinectl's; nothing is stored */
        OPTION_REFUSED,         /* machinectl's; help says why not */
        OPTION_RUNNER,          /* refused but for "nspawn", which box takes the place of */
        OPTION_FIELDS,          /* columns and JSON, or systemd's words for JSON */
} OptionKind;

typedef struct Option {
        char letter;                    /* 0: none */
        const char *name;
        const char *metavar;            /* NULL: takes no value; "[N]": one may be given */
        const char *verbs;              /* the verbs that take it, separated by blanks; NULL: all. A letter may have several
                                         * rows, for different verbs */
        OptionKind kind;
        size_t offset;                  /* in Options */
        const char *help;
} Option;
extern const Option ctl_options[];
extern const size_t n_ctl_options;

/* May the option's value be left out? */
static inline bool option_is_optional(const Option *o)
{
        return o->metavar && *o->metavar == '[';
}

/* Does the verb take the option? */
bool option_is_for(const Option *o, const char *verb);

typedef struct CommandLine {
        Options options;
        char **words;                   /* the verb and its arguments, NULL-terminated */
        char **forward;                 /* options as words for the boxctl of another host, but for OPTION_HOST and _SETENV */
        const Option **given;           /* options on the command line */
        size_t n_given;
        const Option *values_of;        /* the list of its values was asked for, and no more; NULL: not so */
        const char *values_asked;       /* by this word: "help" or "list" */
} CommandLine;
void command_line_done(CommandLine *c);

/* The values of -s and -o, as `-s help`, `-s list` and `-o help` of systemd's programs print them. */
void option_print_values(FILE *f, const Option *row, const char *value);

/* options_end: how many words, the verb is the first, may have options between and after them; what follows is another program's
 * command line. 0: all. */
int options_parse(int argc, char **argv, size_t (*options_end)(const char *verb), CommandLine *ret, Failure *failure);
