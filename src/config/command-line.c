/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads box-run's command line by the settings table (see command-line.h). Unlike getopt_long(3), it records the switch
 * of each value, reports all errors, and suggests a similar switch for an unknown one. box-run's main only; no
 * privilege.
 */

#include <stdio.h>
#include <string.h>

#include "config/command-line.h"
#include "config/values.h"
#include "util/print.h"

typedef struct Reader {
        int argc;
        char *const *argv;
        int next;               /* the first unread word */
        Assignments *out;
        Problems *problems;
        CommandLineAction action;
} Reader;

/* --setenv=NAME takes the value from our environment; an unset variable is passed as empty, as in systemd-nspawn. */
static int add_passed_on(Reader *reader, const SettingRow *row, const char *name, Source from)
{
        const char *value = secure_getenv(name);
        _cleanup_free_ char *text = NULL;

        if (strf(&text, "%s=%s", name, value ?: "") < 0)
                return -ENOMEM;
        return assignments_add(reader->out, row, text, from);
}

/* --set=KEY=VALUE: what a line of the file would do, with a switch's precedence. An empty value takes back what sources of lower
 * precedence have set. Keys that the table does not have are those of [X-Resources]. */
static int add_set(Reader *reader, const char *text)
{
        size_t n = strcspn(text, "=");
        _cleanup_free_ char *key = strndup(text, n), *name = NULL;
        const char *nearest;
        const SettingRow *row;
        Source from = { 0 };

        if (!key || strf(&name, "--set=%s=", key) < 0)
                return -ENOMEM;
        if (n == 0 || !text[n])
                return problem_error(reader->problems, (Source) { 0 }, "--set=%s: not KEY=VALUE", text);
        row = settings_table_find_any_key(key);
        nearest = row ? NULL : settings_table_nearest_key(NULL, key);
        if (nearest)
                return problem_error(reader->problems, (Source) { 0 }, "%s: unknown key; did you mean %s?", name, nearest);
        from.where = assignments_name(reader->out, name);
        if (!from.where)
                return -ENOMEM;
        return assignments_add(reader->out, row ?: settings_table_row(SETTING_OTHER_RESOURCE), row ? text + n + 1 : text, from);
}

static CommandLineAction action_of(SettingId id)
{
        return id == SETTING_HELP ? COMMAND_LINE_HELP : id == SETTING_VERSION ? COMMAND_LINE_VERSION :
               id == SETTING_INTROSPECT ? COMMAND_LINE_INTROSPECT : COMMAND_LINE_RUN;
}

/* Adds a switch and its value. Its source is "--bind=" or "-j". */
static int add_switch(Reader *reader, const SettingRow *row, const char *value)
{
        _cleanup_free_ char *name = NULL;
        Source from = { 0 };

        if (action_of(row->id) != COMMAND_LINE_RUN) {
                reader->action = action_of(row->id);
                return 0;
        }
        if (row->id == SETTING_SET)
                return add_set(reader, value);

        if ((row->option ? strf(&name, "--%s%s", row->option, row->flags & SETTING_NO_ARG ? "" : "=")
                         : strf(&name, "-%c", row->letter)) < 0)
                return -ENOMEM;
        from.where = assignments_name(reader->out, name);
        if (!from.where)
                return -ENOMEM;

        /* In a file it clears what other sources have set. On a command line it is an unset variable of a script. */
        if (!*value && !(row->flags & (SETTING_EMPTY | SETTING_NO_ARG)))
                return problem_error(reader->problems, (Source) { 0 }, "%s needs a value: %s", name, row->metavar);
        if (row->id == SETTING_ENVIRONMENT && *value && !strchr(value, '='))
                return add_passed_on(reader, row, value, from);
        return assignments_add(reader->out, row, value, from);
}

/* Adds a switch without an attached value: the value is implied, or the next word. */
static int add_detached(Reader *reader, const SettingRow *row, const char *written)
{
        if (row->flags & (SETTING_NO_ARG | SETTING_OPTIONAL_ARG))
                return add_switch(reader, row, row->implied);
        if (reader->next >= reader->argc)
                return problem_error(reader->problems, (Source) { 0 }, "%s needs a value: %s", written, row->metavar);

        return add_switch(reader, row, reader->argv[reader->next++]);
}

/* Switches of docker, podman and lxc, for those who know them. */
static const char *known_elsewhere(const char *name)
{
        static const struct {
                const char *name, *ours;
        } switches[] = {
                { "cap-add", "capability" }, { "cap-drop", "drop-capability" }, { "e", "setenv" }, { "env", "setenv" },
                { "mount", "bind" }, { "name", "machine" }, { "publish", "port" }, { "rm", "ephemeral" },
                { "rootfs", "directory" }, { "ulimit", "rlimit" }, { "v", "bind" }, { "volume", "bind" }, { "workdir", "chdir" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
                if (strcmp(switches[i].name, name) == 0)
                        return switches[i].ours;
        return NULL;
}

static int refuse_switch(Reader *reader, const char *dashes, const char *name, const char *nearest)
{
        return problem_error(reader->problems, (Source) { 0 }, "unknown switch %s%s%s%s%s", dashes, name,
                             nearest ? "; did you mean --" : "", nearest ?: "", nearest ? "?" : "");
}

static int read_long(Reader *reader, const char *word)
{
        const char *equals = strchr(word, '=');
        _cleanup_free_ char *name = strndup(word + 2, equals ? (size_t) (equals - word - 2) : strlen(word + 2));
        const SettingRow *row;

        if (!name)
                return -ENOMEM;

        row = settings_table_find_option(name);
        if (!row) {
                const char *nearest = known_elsewhere(name) ?: settings_table_nearest_option(name);

                return refuse_switch(reader, "--", name, nearest);
        }

        if (!equals)
                return add_detached(reader, row, word);
        if (row->flags & SETTING_NO_ARG)
                return problem_error(reader->problems, (Source) { 0 }, "--%s takes no value", name);
        return add_switch(reader, row, equals + 1);
}

/* "-abD/path": switches without values, and optionally one with a value at the end. */
static int read_short(Reader *reader, const char *word)
{
        for (const char *p = word + 1; *p; p++) {
                const SettingRow *row = settings_table_find_letter(*p);
                char written[] = { '-', *p, 0 };
                int r;

                if (!row)
                        return refuse_switch(reader, "-", written + 1, known_elsewhere(written + 1));
                if (!(row->flags & SETTING_NO_ARG) && p[1])
                        return add_switch(reader, row, p + 1);
                r = add_detached(reader, row, written);
                if (r < 0 || !(row->flags & SETTING_NO_ARG))
                        return r;
        }

        return 0;
}

static int add_parameters(Reader *reader)
{
        Source from = { .where = "command line" };
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        FILE *f;

        if (reader->next >= reader->argc)
                return 0;

        f = memory_stream_open(&m);
        if (!f)
                return -ENOMEM;
        for (int i = reader->next; i < reader->argc; i++) {
                if (i > reader->next)
                        fputc(' ', f);
                value_quote_word(f, reader->argv[i]);
        }
        text = memory_stream_take(&m);
        return text ? assignments_add(reader->out, settings_table_row(SETTING_PARAMETERS), text, from) : -ENOMEM;
}

int command_line_parse(int argc, char *const argv[], Assignments *ret, CommandLineAction *ret_action,
                       Problems *problems)
{
        _cleanup_(assignments_done) Assignments out = { .trusted = true };
        Reader reader = { .argc = argc, .argv = argv, .next = 1, .out = &out, .problems = problems };
        int r;

        while (reader.next < argc && reader.action == COMMAND_LINE_RUN) {
                const char *word = argv[reader.next];

                if (word[0] != '-' || !word[1])
                        break;
                reader.next++;
                if (strcmp(word, "--") == 0)
                        break;
                r = word[1] == '-' ? read_long(&reader, word) : read_short(&reader, word);
                if (r < 0)
                        return r;
        }

        r = add_parameters(&reader);
        if (r < 0)
                return r;

        *ret = out;
        out = (Assignments) { 0 };
        *ret_action = reader.action;
        return 0;
}
