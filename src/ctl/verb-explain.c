/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl explain: each setting of a machine with its value in force, the source of that value, and the part of the plan that
 * results. The output is a .nspawn file with the values in force and comments. Any user who may read the machine's files
 * and tree.
 */

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/settings-table.h"
#include "ctl/dry-run.h"
#include "ctl/listing.h"
#include "ctl/terminal.h"
#include "ctl/units.h"
#include "image/image.h"
#include "util/print.h"
#include "util/terminal-stream.h"
#include "util/text.h"

/* Printable: text may come from an image. */
static void put(const char *text)
{
        _cleanup_free_ char *fit = strdup(text);

        if (!fit)
                return;
        text_make_printable(fit);
        fputs(fit, stdout);
}

/* ---- sources ---------------------------------------------------------------------------------------------------- */

static void put_source_kind(const JsonNode *dry, const char *path)
{
        JSON_FOREACH(source, json_member(dry, "sources")) {
                const char *kind = json_member_string(source, "kind"), *other = json_member_string(source, "path");

                if (!kind || !other || strcmp(other, path) != 0)
                        continue;
                if (strcmp(kind, "profile") == 0)
                        fputs(" (profile)", stdout);
                if (!json_member_bool(source, "trusted"))
                        fputs(" (not trusted)", stdout);
        }
}

static void put_source(const JsonNode *dry, const JsonNode *from)
{
        const char *path = json_member_string(from, "path"), *option = json_member_string(from, "switch");

        if (path) {
                put(path);
                printf(":%lld", (long long) json_member(from, "line")->integer);
                put_source_kind(dry, path);
        } else if (option) {
                fputs("the unit's ", stdout);
                put(option);
        } else
                fputs("default", stdout);
}

/* ---- the plan --------------------------------------------------------------------------------------- */

static bool is_plain(const JsonNode *value)
{
        return value->kind != JSON_NODE_OBJECT && value->kind != JSON_NODE_ARRAY;
}

static void put_plain(const JsonNode *value)
{
        if (value->string)
                put(value->string);
        else if (value->kind == JSON_NODE_NUMBER)
                printf("%lld", (long long) value->integer);
        else
                fputs(value->kind == JSON_NODE_NULL ? "-" : value->boolean ? "yes" : "no", stdout);
}

static void put_value(const JsonNode *value, unsigned depth)
{
        const char *separator = "";

        if (is_plain(value))
                put_plain(value);
        JSON_FOREACH(item, value) {
                if (item->key && (item->kind == JSON_NODE_NULL || (item->kind == JSON_NODE_ARRAY && item->n == 0) ||
                                  strcmp(item->key, "from") == 0 || (depth > 0 && strcmp(item->key, "nodes") == 0)))
                        continue;
                fputs(separator, stdout);
                if (item->key)
                        printf("%s ", item->key);
                put_value(item, depth + 1);
                separator = item->key ? ", " : " ";
        }
}

static bool same_source(const JsonNode *a, const JsonNode *b)
{
        JSON_FOREACH(x, a) {
                const JsonNode *y = json_member(b, x->key);

                if (!y || (x->string ? !y->string || strcmp(x->string, y->string) != 0 : x->integer != y->integer))
                        return false;
        }
        return true;
}

/* Is it the source of one of the values? */
static bool is_from_values(const JsonNode *from, const JsonNode *values)
{
        JSON_FOREACH(value, values)
                if (from && from->kind == JSON_NODE_OBJECT && same_source(from, json_member(value, "from")))
                        return true;
        return false;
}

static void put_plan(const JsonNode *dry, const JsonNode *setting)
{
        const char *member = json_member_string(setting, "plan");
        const JsonNode *part = member ? json_member(json_member(dry, "plan"), member) : NULL;

        if (!part || part->kind == JSON_NODE_NULL || (part->kind == JSON_NODE_ARRAY && part->n == 0))
                return;
        if (part->kind != JSON_NODE_ARRAY || is_plain(&part->items[0])) {
                printf("#   results in %s: ", member);
                put_value(part, 0);
                putchar('\n');
                return;
        }
        JSON_FOREACH(item, part)
                if (is_from_values(json_member(item, "from"), json_member(setting, "values"))) {
                        printf("#   results in %s: ", member);
                        put_value(item, 1);
                        putchar('\n');
                }
}

/* ---- settings ------------------------------------------------------------------------------------------------- */

/* Other properties of [X-Resources] have neither key nor switch: their values begin with a key. */
static bool has_name(const JsonNode *setting)
{
        return json_member_string(setting, "key") || json_member_string(setting, "switch");
}

static void put_name(const JsonNode *setting, bool in_force)
{
        const char *key = json_member_string(setting, "key"), *option = json_member_string(setting, "switch");

        if (key)
                printf("%s%s=", in_force ? "" : "#", key);
        else if (option)
                printf("#--%s=", option);
}

static void put_not_in_force(const JsonNode *dry, const JsonNode *setting)
{
        JSON_FOREACH(assignment, json_member(setting, "assignments")) {
                if (json_member_bool(assignment, "in_force"))
                        continue;
                fputs("#   not in force: ", stdout);
                put(json_member_string(assignment, "value") ?: "");
                fputs(", ", stdout);
                put_source(dry, json_member(assignment, "from"));
                putchar('\n');
        }
}

/* Is it a value of the property of that name? */
static bool is_of(const char *value, const char *name)
{
        const size_t n = strlen(name);

        return value && strncasecmp(value, name, n) == 0 && value[n] == '=';
}

/* Of a setting without a name, only the values of the property `only`; NULL: all. */
static void put_setting(const JsonNode *dry, const JsonNode *setting, const char *only)
{
        const JsonNode *values = json_member(setting, "values");

        JSON_FOREACH(value, values) {
                if (only && !is_of(json_member_string(value, "value"), only))
                        continue;
                put_name(setting, /* in_force= */ true);
                put(json_member_string(value, "value") ?: "");
                fputs("\n#   ", stdout);
                put_source(dry, json_member(value, "from"));
                putchar('\n');
        }
        if (values->n == 0 && has_name(setting)) {
                put_name(setting, /* in_force= */ false);
                fputs("\n#   ", stdout);
                put_source(dry, json_member(setting, "from"));
                putchar('\n');
        }
        if (only)
                return;
        put_not_in_force(dry, setting);
        put_plan(dry, setting);
}

/* Has a file or a switch a say? */
static bool is_changed(const JsonNode *setting)
{
        JSON_FOREACH(value, json_member(setting, "values")) {
                const JsonNode *from = json_member(value, "from");

                if (json_member_string(from, "path") || json_member_string(from, "switch"))
                        return true;
        }
        return false;
}

static void put_sources(const JsonNode *dry)
{
        fputs("# Sources, lowest priority first:\n", stdout);
        JSON_FOREACH(source, json_member(dry, "sources")) {
                const char *path = json_member_string(source, "path");

                fputs("#   ", stdout);
                put(path ?: "the unit's switches");
                if (path)
                        put_source_kind(dry, path);
                putchar('\n');
        }
}

static void put_all(const JsonNode *dry, bool changed)
{
        const char *section = "";

        put_sources(dry);
        JSON_FOREACH(setting, json_member(dry, "settings")) {
                const char *own = json_member_string(setting, "section");

                if (changed && !is_changed(setting))
                        continue;
                if (own && strcmp(own, section) != 0)
                        printf("\n[%s]\n", own);
                else if (!own && *section)
                        fputs("\n# Switches without a key:\n", stdout);
                section = own ? own : "";
                put_setting(dry, setting, NULL);
        }
}

/* ---- single settings ---------------------------------------------------------------------------------------------- */

/* By key, in any case, or by switch, with or without dashes. Properties that only systemd knows are found if they are set:
 * *ret_only is then their name. */
static const JsonNode *find_setting(const JsonNode *dry, const char *word, const char **ret_only, Failure *failure)
{
        const char *option = word + strspn(word, "-"), *nearest;

        JSON_FOREACH(setting, json_member(dry, "settings")) {
                const char *key = json_member_string(setting, "key"), *own = json_member_string(setting, "switch");

                if ((key && strcasecmp(key, word) == 0) || (own && strcmp(own, option) == 0))
                        return setting;
                JSON_FOREACH(value, has_name(setting) ? NULL : json_member(setting, "values"))
                        if (is_of(json_member_string(value, "value"), word)) {
                                *ret_only = word;
                                return setting;
                        }
        }

        nearest = *word == '-' ? settings_table_nearest_option(option) : settings_table_nearest_key(NULL, word);
        failure_set(failure, -EINVAL, "Unknown setting %s%s%s%s", word, nearest ? "; did you mean " : "",
                    nearest ? nearest : "", nearest ? "?" : "");
        return NULL;
}

static int explain_some(const JsonNode *dry, char *const *words, size_t n, Failure *failure)
{
        for (size_t i = 0; i < n; i++) {
                const char *only = NULL;
                const JsonNode *setting = find_setting(dry, words[i], &only, failure);

                if (!setting)
                        return failure->error;
                put_setting(dry, setting, only);
        }
        return 0;
}

/* All of the dry run, or an array of the named settings. */
static int explain_json(Ctl *c, const Json *dry, char *const *words, size_t n, Failure *failure)
{
        _cleanup_json_ Json *some = NULL;
        int r;

        r = json_new(&some, failure);
        if (r < 0)
                return r;
        json_begin_array(some, NULL);
        JSON_FOREACH(setting, c->options.changed && n == 0 ? json_member(json_root(dry), "settings") : NULL)
                if (is_changed(setting))
                        json_put_node(some, NULL, setting);
        for (size_t i = 0; i < n; i++) {
                const char *only = NULL;
                const JsonNode *setting = find_setting(json_root(dry), words[i], &only, failure);

                if (!setting)
                        return failure->error;
                json_put_node(some, NULL, setting);
        }
        json_end(some);
        return objects_print(c, n > 0 || c->options.changed ? some : dry);
}

/* Has the machine a tree or a file? What we may not look at is not missing. */
static bool is_known(const char *name, const JsonNode *dry)
{
        Image image = { .fd = -EBADF };

        if (image_find(NULL, name, &image, NULL) != -ENOENT) {
                image_done(&image);
                return true;
        }
        JSON_FOREACH(source, json_member(dry, "sources"))
                if (json_member_string(source, "path"))
                        return true;
        return false;
}

static int explain(Ctl *c, char *const *args, size_t n, Failure *failure)
{
        _cleanup_json_ Json *dry = NULL;
        const char *nearest;
        int r;

        r = name_check(args[0], /* image= */ false, failure);
        if (r >= 0)
                r = dry_run(c, args[0], NULL, &dry, failure);
        if (r < 0)
                return r;
        if (!is_known(args[0], json_root(dry))) {
                nearest = settings_table_nearest_key(NULL, args[0]);
                return failure_set(failure, -ENOENT, "It is neither a machine nor a setting%s%s%s",
                                   nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
        }

        if (objects_wanted(c))
                return explain_json(c, dry, args + 1, n - 1, failure);

        pager_open(c);
        if (n > 1)
                r = explain_some(json_root(dry), args + 1, n - 1, failure);
        else
                put_all(json_root(dry), c->options.changed);
        if (r >= 0 && dry_run_report(args[0], json_root(dry)) > 0)
                r = failure_set(failure, -EBADMSG, "The machine would not start");
        return r;
}

/* ---- settings as such ---------------------------------------------------------------------------------------------- */

static const SettingRow *find_row(const char *word)
{
        const char *option = word + strspn(word, "-");

        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = &settings_table[i];

                if ((row->key && strcasecmp(row->key, word) == 0) || (row->option && strcmp(row->option, option) == 0))
                        return row;
        }
        return NULL;
}

static void about(const SettingRow *row)
{
        if (row->key)
                printf("[%s] %s=%s", row->section, row->key, row->metavar);
        if (row->option)
                printf("%s--%s%s%s", row->key ? ", " : "", row->option, row->flags & SETTING_NO_ARG ? "" : "=",
                       row->flags & SETTING_NO_ARG ? "" : row->metavar);
        putchar('\n');
        print_help_row(stdout, "  meaning:", row->help, 11);
        printf("  type:    ");
        for (const char *const *w = row->words; w && *w; w++)
                printf("%s%s", w == row->words ? "" : ", ", *w);
        printf("%s%s\n", row->words ? "" : row->metavar ?: "a switch", row->flags & SETTING_LIST ? "; may be repeated" : "");
        if (row->fallback)
                printf("  default: %s\n", row->fallback);
        printf("  since:   %s\n  set by:  %s\n", row->since ?: "0.1", row->key ? setting_trust_words(row) : "the command line");
}

static void put_about(Json *j, const SettingRow *row)
{
        json_begin_object(j, NULL);
        json_put_string(j, "section", row->section);
        json_put_string(j, "key", row->key);
        json_put_string(j, "switch", row->option);
        json_put_string(j, "meaning", row->help);
        json_put_string(j, "type", row->metavar);
        json_put_strings(j, "words", (char *const *) row->words);
        json_put_bool(j, "list", row->flags & SETTING_LIST);
        json_put_string(j, "default", row->fallback);
        json_put_string(j, "since", row->since ?: "0.1");
        json_put_string(j, "trust", row->key ? setting_trust_words(row) : NULL);
        json_end(j);
}

static int about_all(Ctl *c, char *const *words, size_t n, Failure *failure)
{
        _cleanup_json_ Json *j = NULL;
        int r = 0;

        if (objects_wanted(c)) {
                r = json_new(&j, failure);
                if (r < 0)
                        return r;
                json_begin_array(j, NULL);
        }
        for (size_t i = 0; i < n; i++) {
                const SettingRow *row = find_row(words[i]);

                if (!row)
                        return failure_set(failure, -EINVAL, "There is no such setting");
                if (j)
                        put_about(j, row);
                else
                        about(row);
        }
        if (!j)
                return 0;
        json_end(j);
        return objects_print(c, j);
}

/* A machine can have a setting's name: then it is meant. */
static bool is_machine(const char *word)
{
        Image image = { .fd = -EBADF };

        if (*word == '-' || image_find(NULL, word, &image, NULL) < 0)
                return false;
        image_done(&image);
        return true;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        Failure f = { 0 };
        int r;

        if (find_row(args[0]) && !is_machine(args[0])) {
                r = about_all(c, args, n, &f);
                return f.error ? log_error(r, "%s", f.text) : r;
        }
        r = explain(c, args, n, &f);
        return f.error ? complain(args[0], &f) : r;
}

/* The first are those of a machine's settings, the others without a machine. */
static const Column columns[] = {
        { 's', "section",     0, 0, "Section of the key" },
        { 'k', "key",         0, 0, "Key" },
        { 'w', "switch",      0, 0, "Switch of box-run" },
        { 'v', "values",      COLUMN_LINES, 0, "Values in force, each with its place" },
        { 'f', "from",        0, 0, "Place of the value in force" },
        { 'a', "assignments", COLUMN_LINES, 0, "All values, each with its place and whether it is in force" },
        { 'p', "plan",        0, 0, "Member of the plan that results" },
        { 'm', "meaning",     0, 0, "What it does (this, and what follows: without a machine)" },
        { 't', "type",        0, 0, "Type of its value" },
        { 'o', "words",       COLUMN_LINES, 0, "Words that it takes" },
        { 'l', "list",        0, 0, "May it be repeated?" },
        { 'd', "default",     0, 0, "Default" },
        { 'n', "since",       0, 0, "Version of box that has it first" },
        { 'u', "trust",       0, 0, "Who may set it" },
};

const Verb verb_explain = {
        .name = "explain",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_IMAGES,
        .synopsis = "[NAME] [KEY…]",
        .help = "Show a machine's settings and where they come from",
        .details = "Every setting, or those named by key or switch: its value, the line, profile or switch that set it, other "
                   "values that are not in force, and the part of the plan that results. With --changed, only what differs from "
                   "the defaults.\n\nWithout a machine: what these settings mean, their type and default, and who may set them.",
        .example = "boxctl explain web MemoryMax Port",
        .columns = columns,
        .n_columns = ARRAY_SIZE(columns),
        .rows = "settings",
        .run = run,
};
