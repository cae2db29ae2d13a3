/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl explain: every setting of a machine with the value in force, where that was written, and what becomes of it. The
 * output is a .nspawn file that says what is in force, and all else in comments. Any user, as far as he may read what the
 * machine is made of.
 */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/settings-table.h"
#include "ctl/dry-run.h"
#include "ctl/terminal.h"
#include "ctl/units.h"
#include "util/text.h"

static const char *text_of(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key));
}

/* What is quoted here may come with an image. */
static void put(const char *text)
{
        _cleanup_free_ char *fit = strdup(text);

        if (!fit)
                return;
        text_make_printable(fit);
        fputs(fit, stdout);
}

/* ---- where ---------------------------------------------------------------------------------------------------- */

static void put_source_kind(const json_t *dry, const char *path)
{
        json_t *source;
        size_t i;

        json_array_foreach(json_object_get(dry, "sources"), i, source) {
                const char *kind = text_of(source, "kind"), *other = text_of(source, "path");

                if (!kind || !other || strcmp(other, path) != 0)
                        continue;
                if (strcmp(kind, "profile") == 0)
                        fputs(" (profile)", stdout);
                if (json_is_false(json_object_get(source, "trusted")))
                        fputs(" (not trusted)", stdout);
        }
}

static void put_source(const json_t *dry, const json_t *from)
{
        const char *path = text_of(from, "path"), *option = text_of(from, "switch");

        if (path) {
                put(path);
                printf(":%lld", (long long) json_integer_value(json_object_get(from, "line")));
                put_source_kind(dry, path);
        } else if (option) {
                fputs("the unit's ", stdout);
                put(option);
        } else
                fputs("default", stdout);
}

/* ---- what becomes of it --------------------------------------------------------------------------------------- */

static bool is_plain(const json_t *value)
{
        return !json_is_object(value) && !json_is_array(value);
}

static void put_plain(const json_t *value)
{
        if (json_is_string(value))
                put(json_string_value(value));
        else if (json_is_integer(value))
                printf("%lld", (long long) json_integer_value(value));
        else
                fputs(json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "-", stdout);
}

static void put_value(const json_t *value, unsigned depth)
{
        const char *separator = "", *key;
        json_t *item;
        size_t i;

        if (is_plain(value))
                put_plain(value);
        json_array_foreach(value, i, item) {
                fputs(separator, stdout);
                put_value(item, depth + 1);
                separator = " ";
        }
        json_object_foreach((json_t *) value, key, item) {
                if (json_is_null(item) || (json_is_array(item) && json_array_size(item) == 0) ||
                    strcmp(key, "from") == 0 || (depth > 0 && strcmp(key, "nodes") == 0))
                        continue;
                printf("%s%s ", separator, key);
                put_value(item, depth + 1);
                separator = ", ";
        }
}

/* Was it asked for by one of the values? */
static bool is_from_values(const json_t *from, const json_t *values)
{
        json_t *value;
        size_t i;

        json_array_foreach(values, i, value)
                if (json_is_object(from) && json_equal(from, json_object_get(value, "from")))
                        return true;
        return false;
}

static void put_plan(const json_t *dry, const json_t *setting)
{
        const char *member = text_of(setting, "plan");
        const json_t *part = member ? json_object_get(json_object_get(dry, "plan"), member) : NULL;
        json_t *item;
        size_t i;

        if (!part || json_is_null(part))
                return;
        if (!json_is_array(part) || is_plain(json_array_get(part, 0))) {
                printf("#   makes %s: ", member);
                put_value(part, 0);
                putchar('\n');
                return;
        }
        json_array_foreach(part, i, item)
                if (is_from_values(json_object_get(item, "from"), json_object_get(setting, "values"))) {
                        printf("#   makes %s: ", member);
                        put_value(item, 1);
                        putchar('\n');
                }
}

/* ---- settings ------------------------------------------------------------------------------------------------- */

static void put_name(const json_t *setting, bool in_force)
{
        const char *key = text_of(setting, "key"), *option = text_of(setting, "switch");

        if (key)
                printf("%s%s=", in_force ? "" : "#", key);
        else
                printf("#--%s=", option ? option : "?");
}

static void put_not_in_force(const json_t *dry, const json_t *setting)
{
        json_t *assignment;
        size_t i;

        json_array_foreach(json_object_get(setting, "assignments"), i, assignment) {
                if (json_is_true(json_object_get(assignment, "in_force")))
                        continue;
                fputs("#   not in force: ", stdout);
                put(text_of(assignment, "value") ?: "");
                fputs(", ", stdout);
                put_source(dry, json_object_get(assignment, "from"));
                putchar('\n');
        }
}

static void put_setting(const json_t *dry, const json_t *setting)
{
        const json_t *values = json_object_get(setting, "values");
        json_t *value;
        size_t i;

        json_array_foreach(values, i, value) {
                put_name(setting, /* in_force= */ true);
                put(text_of(value, "value") ?: "");
                fputs("\n#   ", stdout);
                put_source(dry, json_object_get(value, "from"));
                putchar('\n');
        }
        if (json_array_size(values) == 0) {
                put_name(setting, /* in_force= */ false);
                fputs("\n#   ", stdout);
                put_source(dry, json_object_get(setting, "from"));
                putchar('\n');
        }
        put_not_in_force(dry, setting);
        put_plan(dry, setting);
}

static void put_sources(const json_t *dry)
{
        json_t *source;
        size_t i;

        fputs("# Who says something, the last wins:\n", stdout);
        json_array_foreach(json_object_get(dry, "sources"), i, source) {
                const char *path = text_of(source, "path");

                fputs("#   ", stdout);
                put(path ?: "the unit's switches");
                if (path)
                        put_source_kind(dry, path);
                putchar('\n');
        }
}

static void put_all(const json_t *dry)
{
        const char *section = "";
        json_t *setting;
        size_t i;

        put_sources(dry);
        json_array_foreach(json_object_get(dry, "settings"), i, setting) {
                const char *own = text_of(setting, "section");

                if (own && strcmp(own, section) != 0)
                        printf("\n[%s]\n", own);
                else if (!own && *section)
                        fputs("\n# Switches without a key:\n", stdout);
                section = own ? own : "";
                put_setting(dry, setting);
        }
}

/* ---- one of them ---------------------------------------------------------------------------------------------- */

/* By its key, whatever the case, or by its switch with or without dashes. */
static const json_t *find_setting(const json_t *dry, const char *word, Failure *failure)
{
        const char *option = word + strspn(word, "-"), *nearest;
        json_t *setting;
        size_t i;

        json_array_foreach(json_object_get(dry, "settings"), i, setting) {
                const char *key = text_of(setting, "key"), *own = text_of(setting, "switch");

                if ((key && strcasecmp(key, word) == 0) || (own && strcmp(own, option) == 0))
                        return setting;
        }

        nearest = *word == '-' ? settings_table_nearest_option(option) : settings_table_nearest_key(NULL, word);
        failure_set(failure, -EINVAL, "There is no setting %s%s%s%s", word, nearest ? "; did you mean " : "",
                    nearest ? nearest : "", nearest ? "?" : "");
        return NULL;
}

static int explain_some(const json_t *dry, char *const *words, size_t n, Failure *failure)
{
        for (size_t i = 0; i < n; i++) {
                const json_t *setting = find_setting(dry, words[i], failure);

                if (!setting)
                        return failure->error;
                put_setting(dry, setting);
        }
        return 0;
}

/* For programs: all of it, or of the settings only those that are named. */
static int explain_json(Ctl *c, json_t *dry, char *const *words, size_t n, Failure *failure)
{
        size_t flags = c->options.output == OUTPUT_JSON_PRETTY ? JSON_INDENT(2) : JSON_COMPACT;
        _cleanup_json_ json_t *some = json_array();

        for (size_t i = 0; i < n; i++) {
                const json_t *setting = find_setting(dry, words[i], failure);

                if (!setting)
                        return failure->error;
                if (json_array_append(some, (json_t *) setting) < 0)
                        return failure_set(failure, -ENOMEM, "Out of memory");
        }
        if (json_dumpf(n > 0 ? some : dry, stdout, flags) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        putchar('\n');
        return 0;
}

static int explain(Ctl *c, char *const *args, size_t n, Failure *failure)
{
        _cleanup_json_ json_t *dry = NULL;
        int r;

        r = name_check(args[0], /* image= */ false, failure);
        if (r >= 0)
                r = dry_run(c, args[0], NULL, &dry, failure);
        if (r < 0)
                return r;

        if (output_is_json(c->options.output))
                return explain_json(c, dry, args + 1, n - 1, failure);

        pager_open(c);
        if (n > 1)
                r = explain_some(dry, args + 1, n - 1, failure);
        else
                put_all(dry);
        if (r >= 0 && dry_run_report(args[0], dry) > 0)
                r = failure_set(failure, -EINVAL, "It would not start");
        return r;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        Failure f = { 0 };
        int r;

        r = explain(c, args, n, &f);
        return r < 0 ? complain(args[0], &f) : 0;
}

const Verb verb_explain = {
        .name = "explain",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS,
        .synopsis = "NAME [KEY…]",
        .help = "Show a machine's settings and where they come from",
        .details = "Every setting, or those named by key or switch: its value, the line, profile or switch that it was "
                   "written in, what else was written for it, and what a start would make of it.",
        .run = run,
};
