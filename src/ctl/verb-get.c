/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl get: values of a machine's settings: those in force, if it runs and root asks; else those of its files, as a start would
 * have them. Any user who may read the machine's files and tree.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/dry-run.h"
#include "ctl/listing.h"
#include "ctl/live.h"
#include "ctl/units.h"
#include "payload/machine-state.h"
#include "util/fd.h"
#include "util/text.h"

enum { SETTINGS_MAX_BYTES = 16 * 1024 * 1024, SETTINGS_MAX_NODES = 1000 * 1000 };

typedef struct Get {
        const Ctl *c;
        char *const *keys;      /* NULL: all */
        Json *out;              /* NULL: text */
} Get;

/* Is it asked for? value of a key that the table does not have is KEY=VALUE. */
static bool is_wanted(const Get *g, const char *key, const char *value)
{
        for (size_t i = 0; g->keys && g->keys[i]; i++) {
                const SettingRow *row;
                const char *own;

                if (live_find_key(g->keys[i], &row, &own, NULL) < 0)
                        continue;
                if (own ? !key && strncmp(value, own, strlen(own)) == 0 && value[strlen(own)] == '=' :
                          key && strcmp(row->key, key) == 0)
                        return true;
        }
        return !g->keys;
}

static void put(const Get *g, const char *section, const char *key, const char *value)
{
        if (!section || !value || !is_wanted(g, key, value))
                return;
        if (g->out) {
                json_begin_object(g->out, NULL);
                json_put_string(g->out, "section", section);
                json_put_string(g->out, "key", key);
                json_put_string(g->out, "value", value);
                json_end(g->out);
        } else if (key && !g->c->options.value)
                printf("%s=%s\n", key, value);
        else
                printf("%s\n", value);
}

static int put_in_force(const Get *g, const char *path, Failure *failure)
{
        _cleanup_free_ char *text = NULL;
        _cleanup_json_ Json *j = NULL;
        size_t size;
        int r;

        r = fd_read_file_at(AT_FDCWD, path, SETTINGS_MAX_BYTES, &text, &size);
        if (r < 0)
                return failure_set(failure, r, "Failed to read %s: %m", path);
        r = json_read(text, size, SETTINGS_MAX_NODES, &j, failure);
        if (r < 0)
                return r;
        JSON_FOREACH(v, json_member(json_root(j), "settings"))
                put(g, json_member_string(v, "section"), json_member_string(v, "key"), json_member_string(v, "value"));
        return 0;
}

static int put_of_files(const Get *g, Ctl *c, const char *name, Failure *failure)
{
        _cleanup_json_ Json *dry = NULL;
        int r = dry_run(c, name, NULL, &dry, failure);

        if (r < 0)
                return r;
        JSON_FOREACH(setting, json_member(json_root(dry), "settings"))
                JSON_FOREACH(v, json_member(setting, "values"))
                        put(g, json_member_string(setting, "section"), json_member_string(setting, "key"),
                            json_member_string(v, "value"));
        return 0;
}

static int get(Ctl *c, const char *name, char *const *keys, Json *out, Failure *failure)
{
        const Get g = { c, *keys ? keys : NULL, out };
        _cleanup_(machine_state_done) MachineState state = { 0 };
        _cleanup_free_ char *path = NULL;
        const SettingRow *row;
        const char *own;
        int r;

        r = name_check(name, /* image= */ false, failure);
        for (; r >= 0 && *keys; keys++)
                r = live_find_key(*keys, &row, &own, failure);
        if (r < 0)
                return r;
        if (geteuid() != 0 || machine_state_read(NULL, name, &state) < 0)
                return put_of_files(&g, c, name, failure);
        r = machine_state_path(NULL, name, "settings", &path);
        return r < 0 ? failure_set(failure, r, "Out of memory") : put_in_force(&g, path, failure);
}

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_json_ Json *out = NULL;
        Failure f = { 0 };
        int r = 0;

        if (objects_wanted(c)) {
                r = json_new(&out, &f);
                if (r < 0)
                        return complain(args[0], &f);
                json_begin_array(out, NULL);
        }
        r = get(c, args[0], args + 1, out, &f);
        if (r < 0)
                return complain(args[0], &f);
        if (!out)
                return 0;
        json_end(out);
        return objects_print(c, out);
}

const Column get_columns[GET_COLUMNS] = {
        { 's', "section", 0, 0, "Section of the key" },
        { 'k', "key",     0, 0, "Key" },
        { 'v', "value",   0, 0, "Value" },
};

const Verb verb_get = {
        .name = "get",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_IMAGES | VERB_TAKES_RUNNING,
        .synopsis = "NAME [KEY…]",
        .help = "Print values of a machine's settings",
        .details = "KEY=VALUE for each value that is not a default, or with --value the values of these keys. Root gets what a "
                   "running machine has; else it is what a start would set.",
        .example = "boxctl get web MemoryMax Bind",
        .columns = get_columns,
        .n_columns = GET_COLUMNS,
        .run = run,
};
