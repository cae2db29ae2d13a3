/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl's option table and its parser (see options.h), on top of getopt_long(3): options may follow arguments and be
 * abbreviated; the command line of `shell NAME` is not parsed. Part of boxctl; silent; no privilege.
 */

#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ctl/options.h"
#include "image/machine-name.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/quantity.h"
#include "util/strv.h"
#include "util/text.h"

#define O(field) offsetof(Options, field)

const Option ctl_options[] = {
        { 'h', "help",            NULL,     NULL, OPTION_FLAG, O(help), "Show this help, or a verb's" },
        { 0,   "version",         NULL,     NULL, OPTION_FLAG, O(version), "Show the version" },
        { 0,   "introspect-cli",  NULL,     NULL, OPTION_FLAG, O(introspect), "Print all verbs and options as JSON" },
        { 'a', "all",             NULL,     "list status show start stop reboot terminate kill freeze thaw enable disable",
          OPTION_FLAG, O(all), "All machines; of show and status: also empty properties, and the host itself" },
        { 'l', "full",            NULL,     "list status blame", OPTION_FLAG, O(full), "Do not shorten lines" },
        { 0,   "no-legend",       NULL,     "list blame doctor new", OPTION_FLAG, O(no_legend), "Print no header and footer" },
        { 0,   "max-addresses",   "NUMBER", "list", OPTION_COUNT, O(max_addresses),
          "Number of addresses of a machine to show, or all" },
        { 'p', "property",        "NAME",   "show", OPTION_PROPERTY, O(properties), "Show only this property" },
        { 0,   "value",           NULL,     "show get", OPTION_FLAG, O(value), "Show values without their names" },
        { 'P', NULL,              "NAME",   "show", OPTION_PROPERTY_VALUE, O(properties),
          "The same as --value --property=NAME" },
        { 'n', "lines",           "NUMBER", "status logs", OPTION_COUNT, O(lines), "Number of journal lines to show, or all" },
        { 'f', "follow",          NULL,     "logs", OPTION_FLAG, O(follow), "Go on with what comes" },
        { 'b', "boot",            "[N]",    "logs", OPTION_START, O(start),
          "Only of the last start, or that before it (-1), …" },
        { 'S', "since",           "TIME",   "logs", OPTION_TEXT, O(since), "Only from then on: 14:00, -10min, today" },
        { 'U', "until",           "TIME",   "logs", OPTION_TEXT, O(until), "Only until then" },
        { 'u', "unit",            "UNIT",   "logs", OPTION_TEXT, O(unit), "Only of this unit in the machine" },
        { 'p', "priority",        "LEVEL",  "logs", OPTION_PRIORITY, O(priority), "Only as important: err, warning, …" },
        { 'g', "grep",            "PATTERN", "logs", OPTION_TEXT, O(grep), "Only messages that match" },
        { 0,   "order",           "ORDER",  "blame", OPTION_TEXT, O(order), "time, the longest first, or begin (default: time)" },
        { 0,   "plot",            NULL,     "blame", OPTION_FLAG, O(plot), "Print a picture (SVG)" },
        { 0,   "sort",            "COLUMN", "top", OPTION_TEXT, O(sort),
          "cpu (default), memory, swap, io, tasks, pressure, network, name" },
        { 'd', "delay",           "TIME",   "top", OPTION_TIME_SPAN, O(delay_usec), "Time between two looks (default: 1s)" },
        { 'n', "iterations",      "NUMBER", "top", OPTION_COUNT, O(lines), "Print so many tables and end, or all" },
        { 0,   "once",            NULL,     "top", OPTION_FLAG, O(once), "The same as --iterations=1" },
        { 'o', "output",          "MODE",
          "list status show logs blame explain call events get port pending apply top doctor why new", OPTION_OUTPUT, O(output),
          "short, short-iso, cat, json, json-pretty" },
        { 'c', "columns",         "COLUMN,…", "list status explain get port pending apply blame top doctor new",
          OPTION_TEXT, O(columns),
          "Columns by name, by letters, or by a setting's key" },
        { 0,   "json",            "FIELD,…", "list status logs explain get port pending apply blame top doctor new events",
          OPTION_FIELDS, O(columns),
          "Print these fields as JSON; without a value, list the fields" },
        { 0,   "changed",         NULL,     "explain", OPTION_FLAG, O(changed), "Show only what differs from the defaults" },
        { 0,   "now",             NULL,     "enable disable", OPTION_FLAG, O(now), "Also start or stop" },
        { 0,   "no-block",        NULL,     "start stop enable disable", OPTION_FLAG, O(no_block),
          "Do not wait for completion" },
        { 's', "signal",          "SIGNAL", "kill", OPTION_SIGNAL, O(signal), "Signal to send (default: SIGTERM)" },
        { 0,   "kill-whom",       "WHOM",   "kill", OPTION_WHOM, O(kill_whom), "leader or all (default: all)" },
        { 'u', "uid",             "USER",   "exec chroot shell why", OPTION_TEXT, O(uid),
          "User to run as, by name or UID; exec: USER[:GROUP]" },
        { 'E', "setenv",          "VAR[=VALUE]", "exec chroot shell why", OPTION_SETENV, O(setenv),
          "Set a variable; without a value, pass ours" },
        { 0,   "more",            NULL,     "call", OPTION_FLAG, O(more), "Print further answers, as they come" },
        { 'C', "working-directory", "DIR",  "exec chroot why", OPTION_TEXT, O(working_directory),
          "Directory in the machine to run in" },
        { 't', "tty",             NULL,     "exec why",
          OPTION_FLAG, O(tty), "On a terminal of the machine, even without one here" },
        { 'M', "machine",         "NAME",   "list show start terminate kill enable disable", OPTION_MACHINE, O(machine),
          "Ask systemd and machined in this machine, by its D-Bus" },
        { 'H', "host",            "USER@HOST", NULL, OPTION_HOST, O(host), "Run on another host, by ssh" },
        { 0,   "force",           NULL,     "cp copy-to copy-from", OPTION_FLAG, O(force), "Replace files that exist" },
        { 0,   "chown",           "USER[:GROUP]", "cp", OPTION_TEXT, O(chown), "Owner of the copy, by name or number" },
        { 0,   "archive",         NULL,     "cp", OPTION_FLAG, O(archive),
          "Keep owners, set-user-ID bits and device nodes" },
        { 0,   "read-only",       NULL,     "console bind device", OPTION_FLAG, O(read_only), "Without the right to write" },
        { 0,   "take",            NULL,     "console", OPTION_FLAG, O(take), "Type in place of another terminal" },
        { 0,   "any",             NULL,     "wait", OPTION_FLAG, O(any), "Until one of the machines has it" },
        { 0,   "timeout",         "TIME",   "wait", OPTION_TEXT, O(timeout), "Give up after this time" },
        { 0,   "drop-in",         "FILE",   "edit unset", OPTION_TEXT, O(drop_in), "Edit this drop-in instead of the file" },
        { 0,   "save",            NULL,     "set bind port device", OPTION_FLAG, O(save), "Not only until the machine stops" },
        { 0,   "for",             "TIME",   "set bind port device", OPTION_TEXT, O(for_time), "Undo it after this time: 10min" },
        { 0,   "mkdir",           NULL,     "bind", OPTION_FLAG, O(mkdir), "Create the destination" },
        { 'q', "quiet",           NULL,     NULL, OPTION_FLAG, O(quiet), "Print errors only" },
        { 0,   "no-pager",        NULL,     "list status show logs blame cat explain get pending apply doctor new",
          OPTION_FLAG, O(no_pager),
          "Do not pipe long output into a pager" },
        { 0,   "no-ask-password", NULL,     NULL, OPTION_FLAG, O(no_ask_password),
          "Do not let polkit ask for a password" },
};
const size_t n_ctl_options = ARRAY_SIZE(ctl_options);

/* Options of machinectl's that box has no use for: they go with verbs that box has not, and change nothing of those it has.
 * machinectl-lite takes them, in no list of options. */
static const Option machinectl_options[] = {
        { 0,   "verify",          "MODE",   "", OPTION_IGNORED, 0, NULL },
        { 0,   "format",          "FORMAT", "", OPTION_IGNORED, 0, NULL },
        { 0,   "class",           "CLASS",  "", OPTION_IGNORED, 0, NULL },
        { 0,   "system",          NULL,     "", OPTION_IGNORED, 0, NULL },
        { 0,   "user",            NULL,     "", OPTION_REFUSED, 0, "box has no machines of users; use machinectl" },
        { 0,   "runner",          "RUNNER", "", OPTION_RUNNER, 0, "box starts no virtual machines; use machinectl" },
        { 'V', NULL,              NULL,     "", OPTION_REFUSED, 0, "box starts no virtual machines; use machinectl" },
};

const Options options_default = {
        .signal = SIGTERM,
        .lines = LINES_DEFAULT,
        .priority = -1,
        .max_addresses = 1,
        .delay_usec = USEC_PER_SEC,
        .kill_whom = "all",
};

/* machinectl's modes, in its order; those that box has not are the most similar ones that it has. */
static const struct {
        const char *name;
        OutputMode mode;
} output_modes[] = {
        { "short", OUTPUT_SHORT },
        { "short-full", OUTPUT_SHORT_ISO },
        { "short-iso", OUTPUT_SHORT_ISO },
        { "short-iso-precise", OUTPUT_SHORT_ISO },
        { "short-precise", OUTPUT_SHORT },
        { "short-monotonic", OUTPUT_SHORT },
        { "short-delta", OUTPUT_SHORT },
        { "short-unix", OUTPUT_SHORT },
        { "verbose", OUTPUT_SHORT },
        { "export", OUTPUT_SHORT },
        { "json", OUTPUT_JSON },
        { "json-pretty", OUTPUT_JSON_PRETTY },
        { "json-sse", OUTPUT_JSON },
        { "json-seq", OUTPUT_JSON },
        { "cat", OUTPUT_CAT },
        { "with-unit", OUTPUT_SHORT },
};

void options_done(Options *o)
{
        strv_free(o->properties);
        strv_free(o->setenv);
        o->properties = o->setenv = NULL;
}

bool option_is_for(const Option *o, const char *verb)
{
        return !o->verbs || text_has_word(o->verbs, verb);
}

/* ---- values --------------------------------------------------------------------------------------------------- */

static int store_setenv(char ***list, const char *value)
{
        const char *eq = strchr(value, '=');
        _cleanup_free_ char *name = NULL;

        name = strndup(value, eq ? (size_t) (eq - value) : strlen(value));
        if (!name)
                return -ENOMEM;
        if (!*name || strpbrk(name, " \t\n"))
                return -EINVAL;
        if (!eq)
                eq = getenv(name);
        else
                eq++;
        return eq ? strv_env_set(list, name, eq) : 0;
}

static int store_output(OutputMode *mode, const char *value)
{
        for (size_t i = 0; i < ARRAY_SIZE(output_modes); i++)
                if (strcmp(output_modes[i].name, value) == 0) {
                        *mode = output_modes[i].mode;
                        return 0;
                }
        return -EINVAL;
}

static int store_number(unsigned *number, const char *value, bool or_all)
{
        uint32_t n;
        int r;

        if (or_all && strcmp(value, "all") == 0)
                n = UINT_MAX;
        else {
                r = parse_u32(value, &n);
                if (r < 0)
                        return r;
        }
        *number = n;
        return 0;
}

static int store_start(Options *o, const char *value)
{
        bool back = *value == '-';
        uint32_t n = 0;
        int r = *value ? parse_u32(value + (back || *value == '+'), &n) : 0;

        if (r < 0 || n > 1000 * 1000)
                return -EINVAL;
        o->start = back ? -(int) n : (int) n;
        o->by_start = true;
        return 0;
}

static int store_priority(int *priority, const char *value)
{
        int r = log_level_parse(value);

        if (r >= 0)
                *priority = r;
        return r < 0 ? r : 0;
}

static int store_time_span(uint64_t *usec, const char *value)
{
        uint64_t span;
        int r = parse_time_span(value, USEC_PER_SEC, &span);

        if (r < 0 || span == 0)
                return -EINVAL;
        *usec = span;
        return 0;
}

static int store_property(Options *o, const char *value)
{
        if (!*value)
                return -EINVAL;
        o->all = true;
        return strv_extend(&o->properties, value);
}

/* systemd's programs have --json=pretty, short and off. */
static int store_fields(Options *o, const char *value)
{
        if (strcmp(value, "off") == 0)
                o->output = OUTPUT_SHORT;
        else if (strcmp(value, "short") == 0)
                o->output = OUTPUT_JSON;
        else if (strcmp(value, "pretty") == 0)
                o->output = OUTPUT_JSON_PRETTY;
        else {
                o->columns = value;
                if (!output_is_json(o->output))
                        o->output = OUTPUT_JSON;
        }
        return *value ? 0 : -EINVAL;
}

static int store(const Option *row, const char *value, Options *o)
{
        void *field = (char *) o + row->offset;

        switch (row->kind) {
        case OPTION_FLAG:
                *(bool *) field = true;
                return 0;
        case OPTION_MACHINE:
                *(const char **) field = value;
                return machine_name_is_valid(value) ? 0 : -EINVAL;
        case OPTION_TEXT:
        case OPTION_HOST:
                *(const char **) field = value;
                return *value ? 0 : -EINVAL;
        case OPTION_START:
                return store_start(o, value ?: "");
        case OPTION_PRIORITY:
                return store_priority(field, value);
        case OPTION_PROPERTY_VALUE:
                o->value = true;
                return store_property(o, value);
        case OPTION_PROPERTY:
                return store_property(o, value);
        case OPTION_SETENV:
                return store_setenv(field, value);
        case OPTION_SIGNAL:
                return parse_signal(value, field);
        case OPTION_WHOM:
                *(const char **) field = value;
                return strcmp(value, "leader") == 0 || strcmp(value, "all") == 0 ? 0 : -EINVAL;
        case OPTION_NUMBER:
                return store_number(field, value, /* or_all= */ false);
        case OPTION_COUNT:
                return store_number(field, value, /* or_all= */ true);
        case OPTION_TIME_SPAN:
                return store_time_span(field, value);
        case OPTION_OUTPUT:
                return store_output(field, value);
        case OPTION_IGNORED:
                return 0;
        case OPTION_REFUSED:
                return -EOPNOTSUPP;
        case OPTION_RUNNER:
                return strcmp(value, "nspawn") == 0 ? 0 : -EOPNOTSUPP;
        case OPTION_FIELDS:
                return store_fields(o, value);
        }
        return -EINVAL;
}

/* Does the value ask for the list of values, as systemd's programs take it? */
static bool asks_for_values(const Option *row, const char *value)
{
        return (row->kind == OPTION_OUTPUT && strcmp(value, "help") == 0) ||
               (row->kind == OPTION_SIGNAL && (strcmp(value, "help") == 0 || strcmp(value, "list") == 0));
}

/* As systemd's programs write them, which count the two signals of the C library by their numbers. */
static const char *listed_signal(int sig, char *buf, size_t size)
{
        const char *name = sig == SIGIO ? "IO" : sigabbrev_np(sig);

        if (name)
                (void) snprintf(buf, size, "%s", name);
        else if (sig >= SIGRTMIN)
                (void) snprintf(buf, size, "RTMIN+%d", sig - SIGRTMIN);
        else
                (void) snprintf(buf, size, "%d", sig);
        return buf;
}

void option_print_values(FILE *f, const Option *row, const char *value)
{
        bool table = strcmp(value, "list") == 0;
        char name[24];

        if (row->kind == OPTION_OUTPUT) {
                for (size_t i = 0; i < ARRAY_SIZE(output_modes); i++)
                        fprintf(f, "%s\n", output_modes[i].name);
                return;
        }
        fputs(table ? "SIGNAL NAME\n" : "0\n", f);
        for (int sig = 1; sig <= SIGRTMAX; sig++)
                if (table)
                        fprintf(f, "%-6d SIG%s\n", sig, listed_signal(sig, name, sizeof(name)));
                else
                        fprintf(f, "%s\n", listed_signal(sig, name, sizeof(name)));
}

/* ---- the command line ----------------------------------------------------------------------------------------- */

/* getopt's values of the tables' first long options. */
enum {
        FIRST_ROW = 256,
        FIRST_OF_MACHINECTL = 1024,
};

/* "-" first: getopt then returns arguments in their order, so that the parser can stop at a command. */
static void build_getopt(char *letters, struct option *longs)
{
        size_t n = 0;

        *letters++ = '-';
        *letters++ = ':';
        for (size_t i = 0; i < n_ctl_options; i++) {
                const Option *row = ctl_options + i;

                if (row->letter) {
                        *letters++ = row->letter;
                        if (row->metavar)
                                *letters++ = ':';
                        if (option_is_optional(row))
                                *letters++ = ':';
                }
                if (row->name)
                        longs[n++] = (struct option) { row->name, option_is_optional(row) ? optional_argument :
                                                                  row->metavar ? required_argument : no_argument, NULL,
                                                       FIRST_ROW + (int) i };
        }
        for (size_t i = 0; i < ARRAY_SIZE(machinectl_options); i++) {
                const Option *row = machinectl_options + i;

                if (row->letter)
                        *letters++ = row->letter;
                if (row->name)
                        longs[n++] = (struct option) { row->name, row->metavar ? required_argument : no_argument, NULL,
                                                       FIRST_OF_MACHINECTL + (int) i };
        }
        *letters = '\0';
        longs[n] = (struct option) { 0 };
}

/* Of the rows of a letter the verb's own, else the first. */
static const Option *row_of(int c, const char *verb)
{
        const Option *first = NULL;

        if (c >= FIRST_OF_MACHINECTL)
                return machinectl_options + (c - FIRST_OF_MACHINECTL);
        if (c >= FIRST_ROW)
                return ctl_options + (c - FIRST_ROW);
        for (size_t i = 0; i < ARRAY_SIZE(machinectl_options); i++)
                if (machinectl_options[i].letter && machinectl_options[i].letter == c)
                        return machinectl_options + i;
        for (size_t i = 0; i < n_ctl_options; i++) {
                const Option *row = ctl_options + i;

                if (row->letter != c)
                        continue;
                if (verb && option_is_for(row, verb))
                        return row;
                first = first ?: row;
        }
        return first;
}

/* The first word that is no option nor its value; NULL: there is none. */
static const char *find_verb(int argc, char **argv, const char *letters, const struct option *longs)
{
        int c;

        optind = 0;     /* resets glibc's parser */
        while ((c = getopt_long(argc, argv, letters, longs, NULL)) >= 0)
                if (c == 1)
                        return optarg;
        return optind < argc ? argv[optind] : NULL;
}

/* "-b -1": getopt takes an optional value only in the same word. */
static const char *value_of(const Option *row, int argc, char **argv)
{
        if (!optarg && option_is_optional(row) && optind < argc && argv[optind][0] == '-' && argv[optind][1] >= '0' &&
            argv[optind][1] <= '9')
                return argv[optind++];
        return optarg;
}

/* Values that could be given, for a message. */
static const char *expected(const Option *row)
{
        switch (row->kind) {
        case OPTION_OUTPUT:
                return " (short, short-iso, cat, json or json-pretty)";
        case OPTION_TIME_SPAN:
                return " (a time, such as 2, 500ms or 1min)";
        case OPTION_WHOM:
                return " (leader or all)";
        case OPTION_SIGNAL:
                return " (a name or a number: kill -l)";
        case OPTION_START:
                return " (0 is the last start, -1 that before it, 1 the first)";
        case OPTION_PRIORITY:
                return " (emerg, alert, crit, err, warning, notice, info, debug, or 0 to 7)";
        case OPTION_MACHINE:
                return " (a machine's name)";
        case OPTION_NUMBER:
                return " (a number)";
        case OPTION_COUNT:
                return " (a number or all)";
        default:
                return "";
        }
}

static int forward_option(CommandLine *line, const Option *row, const char *value)
{
        _cleanup_free_ char *word = NULL;
        int r;

        if (row->kind == OPTION_HOST || row->kind == OPTION_SETENV)
                return 0;
        if (!row->name)
                r = strf(&word, "-%c%s", row->letter, value ?: "");
        else
                r = strf(&word, "--%s%s%s", row->name, value ? "=" : "", value ?: "");
        return r < 0 ? r : strv_extend(&line->forward, word);
}

static int take_option(CommandLine *line, const Option *row, const char *value, Failure *failure)
{
        const Option **slot;
        int r;

        if (asks_for_values(row, value)) {
                line->values_of = row;
                line->values_asked = value;
                return 0;
        }
        r = store(row, value, &line->options);
        if (r == -ENOMEM)
                return failure_set(failure, r, "Out of memory");
        if (r == -EOPNOTSUPP && row->name)
                return failure_set(failure, -EINVAL, "--%s: %s", row->name, row->help);
        if (r == -EOPNOTSUPP)
                return failure_set(failure, -EINVAL, "-%c: %s", row->letter, row->help);
        if (r < 0 && row->name)
                return failure_set(failure, -EINVAL, "Invalid value for --%s=: '%s'%s", row->name, value, expected(row));
        if (r < 0)
                return failure_set(failure, -EINVAL, "Invalid value for -%c: '%s'%s", row->letter, value, expected(row));

        if (forward_option(line, row, value) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        slot = array_append(&line->given, &line->n_given, sizeof(*slot));
        if (!slot)
                return failure_set(failure, -ENOMEM, "Out of memory");
        *slot = row;
        return 0;
}

static int refuse_long(const char *word, Failure *failure)
{
        _cleanup_free_ char *name = strndup(word + strspn(word, "-"), strcspn(word + strspn(word, "-"), "="));
        unsigned distance = UINT_MAX;
        const char *near = NULL;

        for (size_t i = 0; name && i < n_ctl_options; i++)
                text_nearer(name, ctl_options[i].name, &near, &distance);
        if (near)
                return failure_set(failure, -EINVAL, "Unknown option %s; did you mean --%s?", word, near);
        return failure_set(failure, -EINVAL, "Unknown option %s; see --help", word);
}

/* getopt sets optopt to the letter, to a long option's value, or to 0 for an unknown long option. */
static int bad_option(int c, char **argv, Failure *failure)
{
        if (c == ':')
                return failure_set(failure, -EINVAL, "%s: the value is missing", argv[optind - 1]);
        if (optopt >= FIRST_ROW)
                return failure_set(failure, -EINVAL, "%s: this option takes no value", argv[optind - 1]);
        if (optopt != 0)
                return failure_set(failure, -EINVAL, "Unknown option -%c; see --help", optopt);
        return refuse_long(argv[optind - 1], failure);
}

static int parse_words(int argc, char **argv, size_t (*options_end)(const char *verb), CommandLine *line,
                       Failure *failure)
{
        struct option longs[ARRAY_SIZE(ctl_options) + ARRAY_SIZE(machinectl_options) + 1];
        char letters[(ARRAY_SIZE(ctl_options) + ARRAY_SIZE(machinectl_options)) * 3 + 3];
        const char *verb;
        int c, r = 0;

        build_getopt(letters, longs);
        opterr = 0;
        verb = find_verb(argc, argv, letters, longs);
        optind = 0;

        while (r >= 0 && !line->values_of && (c = getopt_long(argc, argv, letters, longs, NULL)) >= 0) {
                const Option *row = row_of(c, verb);

                if (c == ':' && optopt >= FIRST_ROW && row_of(optopt, verb)->kind == OPTION_FIELDS)
                        line->options.list_fields = true;
                else if (c == 1) {
                        r = strv_extend(&line->words, optarg);
                        if (strv_length(line->words) == options_end(line->words[0]))
                                break;
                } else if (!row)
                        return bad_option(c, argv, failure);
                else
                        r = take_option(line, row, value_of(row, argc, argv), failure);
        }
        for (; r >= 0 && optind < argc; optind++)
                r = strv_extend(&line->words, argv[optind]);
        return r < 0 ? failure_set(failure, r, "Out of memory") : 0;
}

int options_parse(int argc, char **argv, size_t (*options_end)(const char *verb), CommandLine *ret, Failure *failure)
{
        CommandLine line = { .options = options_default };
        int r;

        r = parse_words(argc, argv, options_end, &line, failure);
        if (r < 0) {
                command_line_done(&line);
                return r;
        }
        *ret = line;
        return 0;
}

void command_line_done(CommandLine *c)
{
        options_done(&c->options);
        strv_free(c->words);
        strv_free(c->forward);
        free(c->given);
        *c = (CommandLine) { 0 };
}
