/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keeps the settings in force (see live-settings.h). The supervisor at a start, and box-run --live; as root. Silent. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/settings-source-print.h"
#include "live/live-settings.h"
#include "util/fd.h"
#include "util/json.h"
#include "util/print.h"
#include "util/strv.h"

enum { SETTINGS_MAX_NODES = 1000 * 1000 };

void live_settings_done(LiveSettings *s)
{
        for (size_t i = 0; i < s->n; i++) {
                free(s->items[i].text);
                free(s->items[i].where);
        }
        free(s->items);
        *s = (LiveSettings) { 0 };
}

bool live_setting_is_kept(const SettingRow *row)
{
        static const SettingId not_kept[] = {
                SETTING_SET_CREDENTIAL, SETTING_LOAD_CREDENTIAL, SETTING_QUIET, SETTING_CLEANUP, SETTING_DRY_RUN, SETTING_CHECK,
                SETTING_JSON, SETTING_READ_INSTEAD, SETTING_LIVE,
        };

        for (size_t i = 0; i < ARRAY_SIZE(not_kept); i++)
                if (row->id == not_kept[i])
                        return false;
        return row->parse && settings_table_row(row->id) == row;
}

int live_settings_add(LiveSettings *s, const SettingRow *row, const char *text, Source from)
{
        LiveValue *v = array_append(&s->items, &s->n, sizeof(LiveValue));

        if (!v)
                return -ENOMEM;
        *v = (LiveValue) { .row = row, .text = strdup(text), .where = from.where ? strdup(from.where) : NULL };
        v->from = (Source) { .where = v->where, .line = from.line };
        return !v->text || (from.where && !v->where) ? -ENOMEM : 0;
}

int live_settings_make(const SettingsSources *sources, const Settings *s, LiveSettings *ret)
{
        for (size_t i = 0; i < settings_table_size; i++) {
                _cleanup_(value_texts_done) ValueTexts values = { 0 };
                const SettingRow *row = &settings_table[i];
                int r;

                if (!live_setting_is_kept(row))
                        continue;
                r = settings_sources_print(sources, row, s, &values);
                for (size_t v = 0; r >= 0 && v < values.n; v++)
                        r = live_settings_add(ret, row, values.items[v].text, values.items[v].from);
                if (r < 0)
                        return r;
        }
        return 0;
}

int live_settings_apply(const LiveSettings *s, Settings *ret)
{
        for (size_t i = 0; i < s->n; i++) {
                const LiveValue *v = &s->items[i];
                char reason[SETTING_REASON_MAX];
                int r = v->row->parse(v->row, v->text, v->from, ret, reason);

                if (r == -ENOMEM)
                        return r;
                if (r >= 0)
                        ret->from[v->row->id] = v->from;
        }
        return 0;
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

static void put_value(Json *j, const LiveValue *v)
{
        json_begin_object(j, NULL);
        json_put_string(j, "section", v->row->section);
        json_put_string(j, "key", v->row->key);
        json_put_string(j, "switch", v->row->option);
        json_put_string(j, "value", v->text);
        json_put_string(j, "where", v->from.where);
        json_put_number(j, "line", v->from.line);
        if (v->live)
                json_put_bool(j, "live", true);
        json_end(j);
}

static int print(FILE *f, const LiveSettings *s, Failure *failure)
{
        _cleanup_json_ Json *j = NULL;
        int r = json_new(&j, failure);

        if (r < 0)
                return r;
        json_begin_object(j, NULL);
        json_begin_array(j, "settings");
        for (size_t i = 0; i < s->n; i++)
                put_value(j, &s->items[i]);
        json_end(j);
        json_end(j);
        return json_print(j, f, 0);
}

int live_settings_write(const char *path, const LiveSettings *s, Failure *failure)
{
        _cleanup_free_ char *temporary = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        int fd, r;

        if (strf(&temporary, "%s.new", path) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
        f = fd < 0 ? NULL : fdopen(fd, "w");
        if (!f) {
                r = -errno;
                fd_close(fd);
                return failure_set(failure, r, "Failed to create '%s': %m", temporary);
        }
        r = print(f, s, failure);
        if (r >= 0 && fflush(f) != 0)
                r = -errno;
        if (r >= 0)
                r = RET_ERRNO(rename(temporary, path));
        if (r < 0) {
                (void) unlink(temporary);
                return failure_set(failure, r, "Failed to write '%s': %m", path);
        }
        return 0;
}

/* -EBADMSG: one that this version does not have. */
static const SettingRow *find_row(const JsonNode *value)
{
        const char *section = json_member_string(value, "section"), *key = json_member_string(value, "key");
        const char *option = json_member_string(value, "switch");

        if (section && key)
                return settings_table_find_key(section, key);
        return section ? settings_table_row(SETTING_OTHER_RESOURCE) : option ? settings_table_find_option(option) : NULL;
}

int live_settings_parse(const char *text, size_t size, LiveSettings *ret, Failure *failure)
{
        _cleanup_(live_settings_done) LiveSettings s = { 0 };
        _cleanup_json_ Json *j = NULL;
        int r;

        r = json_read(text, size, SETTINGS_MAX_NODES, &j, failure);
        if (r < 0)
                return r;
        JSON_FOREACH(value, json_member(json_root(j), "settings")) {
                const JsonNode *line = json_member(value, "line");
                const char *value_text = json_member_string(value, "value");
                const SettingRow *row = find_row(value);
                Source from = { json_member_string(value, "where"), line ? (unsigned) line->integer : 0 };

                if (!value_text || !row || !live_setting_is_kept(row))
                        continue;
                r = live_settings_add(&s, row, value_text, from);
                if (r < 0)
                        return failure_set(failure, r, "Out of memory");
                s.items[s.n - 1].live = json_member_bool(value, "live");
        }
        *ret = s;
        s = (LiveSettings) { 0 };
        return 0;
}

int live_settings_read(const char *path, LiveSettings *ret, Failure *failure)
{
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r = fd_read_file_at(AT_FDCWD, path, LIVE_SETTINGS_MAX_BYTES, &text, &size);

        return r < 0 ? failure_set(failure, r, "Failed to read '%s': %m", path) : live_settings_parse(text, size, ret, failure);
}
