/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Live changes as boxctl shows them (see live.h). Part of boxctl, which has its caller's rights: only root gets further. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/settings-watch.h"
#include "ctl/dry-run.h"
#include "ctl/live.h"
#include "payload/machine-state.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/text.h"

enum { SOURCES_MAX = 4 * 1024 * 1024 };

int live_check_root(Failure *failure)
{
        return geteuid() == 0 ? 0 : failure_set(failure, -EPERM, "Only root can see and change settings of running machines");
}

int live_find_key(const char *key, const SettingRow **ret, const char **ret_key, Failure *failure)
{
        static const char prefix[] = "X-Resources.";
        const char *nearest;

        for (size_t i = 0; i < settings_table_size; i++)
                if (settings_table[i].key && strcmp(settings_table[i].key, key) == 0) {
                        *ret = &settings_table[i];
                        *ret_key = NULL;
                        return 0;
                }
        if (strncmp(key, prefix, strlen(prefix)) == 0 && key[strlen(prefix)]) {
                *ret = settings_table_row(SETTING_OTHER_RESOURCE);
                *ret_key = key + strlen(prefix);
                return 0;
        }
        nearest = settings_table_nearest_key(NULL, key);
        return failure_set(failure, -EINVAL, "Unknown setting '%s'%s%s%s; see box.nspawn(5)", key,
                           nearest ? "; did you mean " : "", nearest ?: "", nearest ? "?" : "");
}

int live_run(Ctl *c, const char *name, const char *mode, Json **ret, Failure *failure)
{
        _cleanup_(machine_state_done) MachineState state = { 0 };
        _cleanup_free_ char *live = NULL;
        _cleanup_json_ Json *j = NULL;
        const char *why;
        size_t n_fatal;
        int r;

        r = live_check_root(failure);
        if (r < 0)
                return r;
        r = machine_state_read(NULL, name, &state);
        if (r < 0)
                return failure_set(failure, r, r == -ENOENT ? "This machine does not run" : "Failed to read its state: %m");
        if (strf(&live, "--live=%s", mode) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = dry_run_with(c, name, (const char *const[]) { live, NULL }, &j, failure);
        if (r < 0)
                return r;

        n_fatal = dry_run_report(name, json_root(j));
        why = json_member_string(json_root(j), "failure");
        if (n_fatal > 0)
                return failure_set(failure, -EUCLEAN, "%zu error%s; the machine would not start, and stays as it is", n_fatal,
                                   n_fatal == 1 ? "" : "s");
        if (why)
                return failure_set(failure, -EUCLEAN, "%s", why);
        *ret = TAKE_PTR(j);
        return 0;
}

static void put_place(const JsonNode *from)
{
        const char *path = json_member_string(from, "path"), *option = json_member_string(from, "switch");
        const JsonNode *line = json_member(from, "line");

        if (path && line)
                printf("%s:%lld", path, (long long) line->integer);
        else
                printf("%s", option ?: path ?: json_member_string(from, "document") ?: "default");
}

static void print_change(const JsonNode *c)
{
        const JsonNode *before = json_member(c, "before"), *after = json_member(c, "after");
        const char *was = json_member_string(before, "value"), *is = json_member_string(after, "value");
        const char *name = json_member_string(c, "name") ?: "?", *why = json_member_string(c, "needs_restart");
        /* The value of a key that the table does not have begins with the key. */
        bool named = json_member_string(c, "key") || !json_member_string(c, "section");

        put_place(json_member(is ? after : before, "from"));
        printf(": %s%s%s", named ? name : "", named ? "=" : "", is ?: was ?: "");
        if (is && was)
                printf(" (was %s)", was);
        else if (!is)
                printf(" (no more)");
        printf("; %s%s\n", why ? "needs a restart: " : json_member_bool(c, "applied") ? "applied" : "can be applied now",
               why ?: "");
}

void live_print(const JsonNode *live)
{
        JSON_FOREACH(c, json_member(live, "changes"))
                print_change(c);
}

size_t live_count_restart(const JsonNode *live)
{
        size_t n = 0;

        JSON_FOREACH(c, json_member(live, "changes"))
                n += json_member_string(c, "needs_restart") != NULL;
        return n;
}

static bool is_edited(const char *name)
{
        _cleanup_free_ char *path = NULL, *text = NULL;

        return machine_state_path(NULL, name, "sources", &path) >= 0 &&
               fd_read_file_at(AT_FDCWD, path, SOURCES_MAX, &text, NULL) >= 0 && settings_watch_changed(text);
}

const char *live_state(Ctl *c, const char *name, char buf[static LIVE_STATE_MAX])
{
        _cleanup_json_ Json *j = NULL;
        const JsonNode *changes;
        size_t n_restart;

        *buf = 0;
        if (geteuid() != 0 || !is_edited(name) ||
            dry_run_with(c, name, (const char *const[]) { "--live=pending", NULL }, &j, NULL) < 0)
                return buf;
        JSON_FOREACH(problem, json_member(json_root(j), "problems"))
                if (json_member_bool(problem, "fatal")) {
                        (void) snprintf(buf, LIVE_STATE_MAX, "would not start: see %s check %s", c->program, name);
                        return buf;
                }
        changes = json_member(json_root(j), "changes");
        n_restart = live_count_restart(json_root(j));
        if (n_restart > 0)
                (void) snprintf(buf, LIVE_STATE_MAX, "needs a restart: %zu setting%s", n_restart, n_restart == 1 ? "" : "s");
        else if (changes && changes->n > 0)
                (void) snprintf(buf, LIVE_STATE_MAX, "%zu setting%s to apply", changes->n, changes->n == 1 ? "" : "s");
        return buf;
}
