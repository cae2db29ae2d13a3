/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --json: a dry run for programs such as boxctl explain: prints the sources of settings, every setting with all its
 * assignments, the problems, and the plan. box-run, with the privilege of dry-run.c; changes nothing.
 */

#include <string.h>

#include "config/settings-source-print.h"
#include "plan/plan-json.h"
#include "plan/source-json.h"
#include "run/dry-run-json.h"

static void put_sources(Json *w, const SettingsSources *sources)
{
        static const char *const kinds[] = {
                [SETTINGS_SOURCE_SWITCHES] = "switches",
                [SETTINGS_SOURCE_PROFILE] = "profile",
                [SETTINGS_SOURCE_FILE] = "file",
                [SETTINGS_SOURCE_DROP_IN] = "drop-in",
                [SETTINGS_SOURCE_BUNDLE] = "bundle",
        };

        json_begin_array(w, "sources");
        for (size_t i = 0; i < sources->n; i++) {
                const SettingsSource *source = &sources->items[i];

                json_begin_object(w, NULL);
                json_put_string(w, "kind", kinds[source->kind]);
                if (source->name)
                        json_put_string(w, "name", source->name);
                if (source->path)
                        json_put_string(w, "path", source->path);
                json_put_bool(w, "trusted", source->assignments.trusted);
                json_end(w);
        }
        json_end(w);
}

static int put_assignments(Json *w, const SettingsSources *sources, SettingId id)
{
        _cleanup_free_ AssignmentRef *refs = NULL;
        size_t n;
        int r;

        r = setting_assignments(sources, id, &refs, &n);
        if (r < 0)
                return r;

        json_begin_array(w, "assignments");
        for (size_t i = 0; i < n; i++) {
                const char *value = refs[i].assignment->value;

                json_begin_object(w, NULL);
                if (refs[i].assignment->row->flags & SETTING_SECRET)
                        json_put_format(w, "value", "%.*s", (int) strcspn(value, ":"), value);
                else
                        json_put_string(w, "value", value);
                source_to_json(w, "from", refs[i].assignment->from);
                json_put_bool(w, "in_force", refs[i].in_force);
                json_end(w);
        }
        json_end(w);
        return 0;
}

static int put_setting(Json *w, const SettingRow *row, const Machine *m)
{
        _cleanup_(value_texts_done) ValueTexts values = {};
        int r;

        r = settings_sources_print(&m->request.sources, row, &m->settings, &values);
        if (r < 0)
                return r;

        json_begin_object(w, NULL);
        json_put_string(w, "section", row->section);
        json_put_string(w, "key", row->key);
        json_put_string(w, "switch", row->option);
        json_begin_array(w, "values");
        for (size_t i = 0; i < values.n; i++) {
                json_begin_object(w, NULL);
                json_put_string(w, "value", values.items[i].text);
                source_to_json(w, "from", values.items[i].from);
                json_end(w);
        }
        json_end(w);
        source_to_json(w, "from", m->settings.from[row->id]);
        r = put_assignments(w, &m->request.sources, row->id);
        json_put_string(w, "plan", plan_member_of_setting(row->id));
        json_end(w);
        return r;
}

/* Each setting once, by its first row: other rows are aliases. */
static int put_settings(Json *w, const Machine *m)
{
        int r = 0;

        json_begin_array(w, "settings");
        for (size_t i = 0; r >= 0 && i < settings_table_size; i++) {
                const SettingRow *row = &settings_table[i];

                if (row->parse && settings_table_row(row->id) == row)
                        r = put_setting(w, row, m);
        }
        json_end(w);
        return r;
}

void dry_run_put_problems(Json *w, const Problems *p)
{
        json_begin_array(w, "problems");
        for (size_t i = 0; i < p->n; i++) {
                json_begin_object(w, NULL);
                json_put_bool(w, "fatal", p->items[i].fatal);
                json_put_string(w, "text", p->items[i].text);
                json_end(w);
        }
        json_end(w);
}

int dry_run_print_json(const Machine *m, bool planned, FILE *f, Failure *failure)
{
        _cleanup_json_ Json *w = NULL;
        int r;

        r = json_new(&w, failure);
        if (r < 0)
                return r;

        json_begin_object(w, NULL);
        json_put_string(w, "machine", m->name);
        json_put_string(w, "image", m->image.path);
        put_sources(w, &m->request.sources);
        r = put_settings(w, m);
        dry_run_put_problems(w, &m->request.problems);
        if (planned)
                plan_to_json(w, "plan", &m->plan);
        else
                json_put_string(w, "plan", NULL);
        json_end(w);

        if (r >= 0)
                r = json_print(w, f, 2);
        return r < 0 ? failure_set(failure, r, "Failed to print the plan: %m") : 0;
}
