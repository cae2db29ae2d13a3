/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --live: for boxctl, compares the settings in force of a running machine with those that a start would have now, as root, and
 * with --live=apply makes the changes that can be made (live/live-apply.h). Prints one JSON object. A start keeps its settings
 * for it.
 */

#include <stdio.h>
#include <string.h>

#include "config/settings-watch.h"
#include "live/live-apply.h"
#include "plan/source-json.h"
#include "run/dry-run-json.h"
#include "run/live-changes.h"
#include "run/stage.h"
#include "util/fd.h"
#include "util/log.h"

/* ---- at a start --------------------------------------------------------------------------------------------------------- */

static int write_watch(const Machine *m, Failure *failure)
{
        const SettingsPlace place = { .machine = m->request.file_name, .image_path = m->image.found };
        _cleanup_free_ char *path = NULL, *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = settings_watch_make(&place, &m->request.sources, &text);
        if (r >= 0)
                r = machine_state_path(NULL, m->name, "sources", &path);
        if (r < 0)
                return failure_set(failure, r, "Out of memory");
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
        return r < 0 ? failure_set(failure, r, "Failed to write '%s': %m", path) : 0;
}

static int write_settings(const Machine *m, const LiveSettings *s, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        int r = machine_state_path(NULL, m->name, "settings", &path);

        return r < 0 ? failure_set(failure, r, "Out of memory") : live_settings_write(path, s, failure);
}

static int keep(const Machine *m, Failure *failure)
{
        _cleanup_(live_settings_done) LiveSettings s = {};
        int r = m->in_force ? 0 : live_settings_make(&m->request.sources, &m->settings, &s);

        if (r < 0)
                return failure_set(failure, r, "Out of memory");
        r = write_settings(m, m->in_force ? &m->live : &s, failure);
        if (r >= 0)
                r = write_watch(m, failure);
        if (r < 0)
                return r;
        /* Before this process is confined to it: what is set until the machine stops is removed there. */
        r = fd_mkdir(SETTINGS_RUN_DIR, 0755);
        return r < 0 ? failure_set(failure, r, "Failed to create " SETTINGS_RUN_DIR ": %m") : 0;
}

void live_keep(const Machine *m)
{
        Failure failure = {};

        if (keep(m, &failure) < 0)
                log_warning(0, "%s; boxctl cannot change the settings of machine '%s' while it runs, ignoring", failure.text,
                            m->name);
}

/* ---- over a reboot ------------------------------------------------------------------------------------------------------ */

void live_remember(Machine *m)
{
        _cleanup_free_ char *path = NULL, *text = NULL;
        int r = machine_state_path(NULL, m->name, "settings", &path);

        if (r >= 0)
                r = fd_read_file_at(AT_FDCWD, path, LIVE_SETTINGS_MAX_BYTES, &text, NULL);
        if (r < 0) {
                log_debug(r, "Failed to read the settings in force of machine '%s': %m", m->name);
                return;
        }
        free(m->in_force);
        m->in_force = TAKE_PTR(text);
}

int live_recall(Machine *m, Failure *failure)
{
        LiveSettings values = {};
        Settings s;
        int r;

        if (!m->in_force)
                return 0;
        settings_init(&s);
        r = live_settings_parse(m->in_force, strlen(m->in_force), &values, failure);
        if (r >= 0)
                r = live_settings_apply(&values, &s);
        if (r >= 0) {
                /* They are of the start now. */
                for (size_t i = 0; i < values.n; i++)
                        values.items[i].live = false;
                live_exchange(&m->settings, &s);
                live_settings_done(&m->live);
                m->live = values;
        } else
                live_settings_done(&values);
        settings_done(&s);
        return r < 0 ? failure_set(failure, r, "Failed to take over the settings of machine '%s': %m", m->name) : 0;
}

/* ---- what changes --------------------------------------------------------------------------------------------------------- */

typedef struct Live {
        Machine *machine;
        LiveMachine running;
        LiveSettings before, after, now;        /* now: that are in force once all is done */
        Settings settings, target;      /* of before, of now */
        LiveChange *changes;
        bool *done;                     /* can be made now; then: is made */
        const char **why_not;
        size_t n;
        Failure failure;                /* of --live=apply */
} Live;

static void live_done(Live *l)
{
        live_machine_done(&l->running);
        live_settings_done(&l->before);
        live_settings_done(&l->after);
        live_settings_done(&l->now);
        settings_done(&l->settings);
        settings_done(&l->target);
        free(l->changes);
        free(l->done);
        free(l->why_not);
}

static int find_changes(Live *l, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        Machine *m = l->machine;
        int r;

        r = live_machine_open(m->name, &l->running, failure);
        if (r < 0)
                return r;
        r = machine_state_path(NULL, m->name, "settings", &path);
        if (r >= 0)
                r = live_settings_read(path, &l->before, failure);
        if (r >= 0)
                r = live_settings_apply(&l->before, &l->settings);
        if (r >= 0)
                r = live_settings_make(&m->request.sources, &m->settings, &l->after);
        if (r >= 0)
                r = live_compare(&l->before, &l->after, &l->changes, &l->n);
        if (r < 0)
                return failure_set(failure, r, "Failed to compare the settings of machine '%s': %m", m->name);
        l->running.before = &l->settings;
        l->running.after = &m->settings;
        l->running.plan = &m->plan;
        l->running.host = &m->facts.host;
        l->done = calloc(l->n + 1, sizeof(*l->done));
        l->why_not = calloc(l->n + 1, sizeof(*l->why_not));
        if (!l->done || !l->why_not)
                return failure_set(failure, -ENOMEM, "Out of memory");
        for (size_t i = 0; i < l->n; i++) {
                l->why_not[i] = live_why_not(&l->running, &l->changes[i]);
                l->done[i] = !l->why_not[i];
        }
        r = live_merge(&l->before, &l->after, l->changes, l->done, l->n, &l->now);
        if (r >= 0)
                r = live_settings_apply(&l->now, &l->target);
        l->running.after = &l->target;
        return r < 0 ? failure_set(failure, r, "Failed to merge the settings of machine '%s': %m", m->name) : 0;
}

static int apply(Live *l, Failure *failure)
{
        int r;

        r = live_apply(&l->running, l->changes, l->done, l->n, &l->failure);
        if (r < 0)
                return 0;
        r = write_settings(l->machine, &l->now, failure);
        if (r < 0)
                (void) live_undo(&l->running, l->changes, l->done, l->n);
        return r;
}

/* ---- output ------------------------------------------------------------------------------------------------------------ */

static void put_value(Json *j, const char *key, const LiveValue *v)
{
        if (!v) {
                json_put_string(j, key, NULL);
                return;
        }
        json_begin_object(j, key);
        json_put_string(j, "value", v->text);
        source_to_json(j, "from", v->from);
        json_end(j);
}

static void put_change(Json *j, const Live *l, size_t i)
{
        const LiveChange *c = &l->changes[i];
        char name[LIVE_NAME_MAX];

        json_begin_object(j, NULL);
        json_put_string(j, "section", c->row->section);
        json_put_string(j, "key", c->row->key);
        json_put_string(j, "switch", c->row->option);
        json_put_string(j, "name", live_change_name(c, name));
        put_value(j, "before", c->before);
        put_value(j, "after", c->after);
        json_put_string(j, "needs_restart", l->why_not[i]);
        json_put_bool(j, "applied", l->machine->settings.live == LIVE_APPLY && l->done[i]);
        json_end(j);
}

static int print(const Live *l, Failure *failure)
{
        _cleanup_json_ Json *j = NULL;
        int r = json_new(&j, failure);

        if (r < 0)
                return r;
        json_begin_object(j, NULL);
        json_put_string(j, "machine", l->machine->name);
        dry_run_put_problems(j, &l->machine->request.problems);
        json_begin_array(j, "changes");
        for (size_t i = 0; i < l->n; i++)
                put_change(j, l, i);
        json_end(j);
        json_put_string(j, "failure", l->failure.error < 0 ? l->failure.text : NULL);
        json_end(j);
        r = json_print(j, stdout, 0);
        return r < 0 ? failure_set(failure, r, "Failed to print the changes: %m") : 0;
}

/* Does the machine run with the settings of its files? */
static bool is_current(const Live *l)
{
        for (size_t i = 0; i < l->n; i++)
                if (!l->done[i] || l->machine->settings.live != LIVE_APPLY)
                        return false;
        return true;
}

int machine_live(Machine *m, Failure *failure)
{
        _cleanup_(live_done) Live l = { .machine = m, .running = LIVE_MACHINE_NULL };
        bool good;
        int r;

        settings_init(&l.settings);
        settings_init(&l.target);
        good = m->request.problems.n_fatal == 0;
        r = find_changes(&l, failure);
        if (r >= 0 && good && m->settings.live == LIVE_APPLY)
                r = apply(&l, failure);
        /* Until they are edited again, boxctl need not compare them. */
        if (r >= 0 && good && l.failure.error >= 0 && is_current(&l))
                r = write_watch(m, failure);
        return r < 0 ? r : print(&l, failure);
}
