/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts of drop-ins that boxctl writes, and their end (see set-drop-in.h). boxctl, and the supervisor when a machine stops. */

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/set-drop-in.h"
#include "config/settings-source.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"

static bool is_in_run(const char *file)
{
        return strcmp(file, SET_DROP_IN_RUN) == 0 || strncmp(file, SET_DROP_IN_FOR, strlen(SET_DROP_IN_FOR)) == 0;
}

bool set_drop_in_is(const char *path)
{
        const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;

        return strcmp(file, SET_DROP_IN_ETC) == 0 || is_in_run(file);
}

void set_drop_ins_remove(const char *root, const char *machine)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_closedir_ DIR *d = NULL;
        struct dirent *entry;

        if (strf(&path, "%s" SETTINGS_RUN_DIR "/%s.nspawn.d", root, machine) < 0)
                return;
        d = opendir(path);
        while (d && (entry = readdir(d)))
                if (is_in_run(entry->d_name))
                        (void) unlinkat(dirfd(d), entry->d_name, 0);
        if (d)
                (void) rmdir(path);     /* fails if there are other files */
}

void set_lines_done(SetLines *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->items[i].value);
        free(l->items);
        *l = (SetLines) { 0 };
}

static int add(SetLines *l, const SettingRow *row, const char *value)
{
        SetLine item = { .row = row, .value = strdup(value) };

        if (item.value && array_move(&l->items, &l->n, &item, sizeof(item)) >= 0)
                return 0;
        free(item.value);
        return -ENOMEM;
}

int set_lines_take(const Assignments *a, SetLines *ret)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < a->n; i++)
                r = add(ret, a->items[i].row, a->items[i].value);
        return r;
}

/* Is it the same setting? One that is not in the table has its key in the value. */
static bool is_of(const SetLine *line, const SettingRow *row, const char *key, size_t n)
{
        return line->row->id == row->id &&
               (row->key ? strcmp(line->row->key ?: "", row->key) == 0 :
                           strncmp(line->value, key, n) == 0 && line->value[n] == '=');
}

size_t set_lines_unset(SetLines *l, const SettingRow *row, const char *key, const char *value)
{
        size_t kept = 0, before = l->n;

        for (size_t i = 0; i < before; i++)
                if (is_of(&l->items[i], row, key, key ? strcspn(key, "=") : 0) &&
                    (!value || strcmp(l->items[i].value, value) == 0))
                        free(l->items[i].value);
                else
                        l->items[kept++] = l->items[i];
        l->n = kept;
        return before - kept;
}

/* All Parameters= of a file are one value. */
static bool is_list(const SettingRow *row)
{
        return row->key && row->flags & SETTING_LIST && row->id != SETTING_PARAMETERS;
}

int set_lines_set(SetLines *l, const SettingRow *row, const char *value)
{
        _cleanup_free_ char *key = row->key ? NULL : strndup(value, strcspn(value, "="));

        if (!row->key && !key)
                return -ENOMEM;
        if (!is_list(row) || !*value)
                (void) set_lines_unset(l, row, key, NULL);
        else
                for (size_t i = 0; i < l->n; i++)
                        if (is_of(&l->items[i], row, NULL, 0) && strcmp(l->items[i].value, value) == 0)
                                return 0;
        return add(l, row, value);
}

static bool is_first_of_section(const SetLines *l, size_t i)
{
        for (size_t j = 0; j < i; j++)
                if (strcmp(l->items[j].row->section, l->items[i].row->section) == 0)
                        return false;
        return true;
}

static void put_section(FILE *f, const SetLines *l, size_t first)
{
        const char *section = l->items[first].row->section;

        fprintf(f, "\n[%s]\n", section);
        for (size_t i = first; i < l->n; i++) {
                const SetLine *line = &l->items[i];

                if (strcmp(line->row->section, section) == 0)
                        fprintf(f, "%s%s%s\n", line->row->key ?: "", line->row->key ? "=" : "", line->value);
        }
}

char *set_lines_text(const SetLines *l)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);

        if (!f)
                return NULL;
        if (l->n > 0)
                fputs("# Written by boxctl set.\n", f);
        for (size_t i = 0; i < l->n; i++)
                if (is_first_of_section(l, i))
                        put_section(f, l, i);
        return memory_stream_take(&m);
}

const char *set_value_problem(const char *value)
{
        size_t n = strlen(value);

        if (text_has_control(value, n) || !text_is_utf8(value, n))
                return "it has control characters, or is not UTF-8";
        if (n > 0 && (strchr(" \t", value[0]) || strchr(" \t", value[n - 1])))
                return "a blank at its beginning or end would be lost";
        if (n > 0 && value[n - 1] == '\\')
                return "a backslash at its end would continue the line";
        return NULL;
}
