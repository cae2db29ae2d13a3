/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Lists of assignments, and how they become values (see assignment.h). This is the only place that enforces trust:
 * privileged settings of untrusted files are left out here. boxctl and the supervisor, before anything is changed; no
 * privilege.
 */

#include <string.h>

#include "config/assignment.h"
#include "util/parse.h"
#include "util/strv.h"

/* Messages quote this much of an invalid value. */
enum { QUOTE_MAX = 200 };

void assignments_forget_secrets(Assignments *a)
{
        for (size_t i = 0; i < a->n; i++)
                if (a->items[i].row->flags & SETTING_SECRET)
                        explicit_bzero(a->items[i].value, strlen(a->items[i].value));
}

void assignments_done(Assignments *a)
{
        assignments_forget_secrets(a);
        for (size_t i = 0; i < a->n; i++)
                free(a->items[i].value);
        free(a->items);
        strv_free(a->names);
        *a = (Assignments) { 0 };
}

int assignments_add(Assignments *a, const SettingRow *row, const char *text, Source from)
{
        _cleanup_free_ char *value = strdup(text);
        Assignment *item;

        if (!value)
                return -ENOMEM;
        item = array_append(&a->items, &a->n, sizeof(Assignment));
        if (!item)
                return -ENOMEM;

        *item = (Assignment) { .row = row, .value = TAKE_PTR(value), .from = from };
        return 0;
}

const char *assignments_name(Assignments *a, const char *name)
{
        STRV_FOREACH(n, a->names)
                if (strcmp(*n, name) == 0)
                        return *n;

        if (strv_extend(&a->names, name) < 0)
                return NULL;
        return a->names[strv_length(a->names) - 1];
}

/* Is an untrusted file allowed to set this? */
static bool allowed_untrusted(const SettingRow *row, const char *text)
{
        bool on;

        if (row->flags & SETTING_PRIVILEGED)
                return row->flags & SETTING_RESTRICTS && *text == '~';

        if (!(row->flags & SETTING_RESTRICTS))
                return true;
        return *text && (row->flags & SETTING_LIST || parse_bool(text, &on) < 0 || on);
}

/* Adds a problem that quotes the assignment. */
static int report(const Assignment *a, bool fatal, const char *reason, Problems *problems)
{
        int (*add)(Problems *, Source, const char *, ...) _printf_(3, 4) = fatal ? problem_error : problem_warning;
        const char *more = strlen(a->value) > QUOTE_MAX ? "…" : "";
        const char *key = a->row->key ?: a->row->option;        /* bundles set options without a key */

        if (!source_is_switch(a->from))
                return add(problems, a->from, "%s%s%.*s%s: %s", key ?: "", key ? "=" : "", QUOTE_MAX, a->value, more, reason);
        if (a->row->flags & (SETTING_NO_ARG | SETTING_SECRET))
                return add(problems, a->from, "%s", reason);
        return add(problems, (Source) { 0 }, "%s%.*s%s: %s", a->from.where, QUOTE_MAX, a->value, more, reason);
}

/* The same without any text of a file that is not trusted: it may not be the file that the reader of the journal thinks of. */
static int report_untrusted(const Assignment *a, bool fatal, Problems *problems)
{
        int (*add)(Problems *, Source, const char *, ...) _printf_(3, 4) = fatal ? problem_error : problem_warning;

        return add(problems, a->from, "%s=: %s value (not shown, because the file is not trusted)",
                   a->row->key ?: a->row->section, fatal ? "invalid" : "unusual");
}

static int apply_one(Assignment *a, bool trusted, Settings *s, Problems *problems)
{
        char reason[SETTING_REASON_MAX] = "";
        int r;

        if (!trusted && !allowed_untrusted(a->row, a->value))
                return problem_warning(problems, a->from, "%s%s: ignored: only files in /etc/systemd/nspawn and "
                                       "/run/systemd/nspawn may set this", a->row->key ?: "a key of [X-Resources]",
                                       a->row->key ? "=" : "");

        r = a->row->parse(a->row, a->value, a->from, s, reason);
        if (r == -EINVAL)
                return trusted ? report(a, /* fatal= */ true, reason, problems) :
                                 report_untrusted(a, /* fatal= */ true, problems);
        if (r < 0)
                return r;

        a->applied = true;
        s->from[a->row->id] = a->from;
        if (r != SETTING_TAKEN_WITH_WARNING)
                return 0;
        return trusted ? report(a, /* fatal= */ false, reason, problems) : report_untrusted(a, /* fatal= */ false, problems);
}

/* Is it a row of the section that is replaced together with the others? */
static bool in_section(const SettingRow *row, const char *section)
{
        return row->section && strcmp(row->section, section) == 0 && !(row->flags & SETTING_ADDS);
}

int assignments_apply(Assignments *a, const char *skip_section, Settings *s, Problems *problems)
{
        for (size_t i = 0; i < a->n; i++) {
                Assignment *item = &a->items[i];
                int r;

                if (skip_section && in_section(item->row, skip_section))
                        continue;
                r = apply_one(item, a->trusted, s, problems);
                if (r < 0)
                        return r;
        }

        return 0;
}

int assignments_apply_one_id(Assignments *a, SettingId id, Settings *s, Problems *problems)
{
        for (size_t i = 0; i < a->n; i++) {
                int r = a->items[i].row->id == id ? apply_one(&a->items[i], a->trusted, s, problems) : 0;

                if (r < 0)
                        return r;
        }

        return 0;
}

bool assignments_replace_section(const Assignments *a, const char *section)
{
        for (size_t i = 0; i < a->n; i++) {
                const Assignment *item = &a->items[i];

                if (in_section(item->row, section) && (a->trusted || allowed_untrusted(item->row, item->value)))
                        return true;
        }
        return false;
}

const char *assignments_last(const Assignments *a, SettingId id)
{
        for (size_t i = a->n; i > 0; i--)
                if (a->items[i - 1].row->id == id)
                        return a->items[i - 1].value;
        return NULL;
}
