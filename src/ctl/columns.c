/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Chooses columns of listings (see columns.h). Part of boxctl; silent; no privilege. */

#include <string.h>
#include <strings.h>

#include "config/settings-table.h"
#include "ctl/columns.h"
#include "ctl/log-record.h"
#include "util/print.h"
#include "util/strv.h"

static int choose(Columns *c, size_t index)
{
        size_t *slot = array_append(&c->chosen, &c->n_chosen, sizeof(*slot));

        if (!slot)
                return -ENOMEM;
        *slot = index;
        return 0;
}

static bool find_name(const Columns *c, const char *word, size_t *ret)
{
        for (size_t i = 0; i < c->n_all; i++)
                if (strcasecmp(c->all[i].name, word) == 0) {
                        *ret = i;
                        return true;
                }
        return false;
}

static bool find_letter(const Columns *c, char letter, size_t *ret)
{
        for (size_t i = 0; i < c->n_fixed; i++)
                if (c->all[i].letter == letter) {
                        *ret = i;
                        return true;
                }
        return false;
}

static const SettingRow *find_setting(const char *word)
{
        for (size_t i = 0; i < settings_table_size; i++)
                if (settings_table[i].key && !(settings_table[i].flags & SETTING_SECRET) &&
                    strcasecmp(settings_table[i].key, word) == 0)
                        return &settings_table[i];
        return NULL;
}

static int add_column(Columns *c, Column new)
{
        Column *column = array_append(&c->all, &c->n_all, sizeof(*column));

        if (!column)
                return -ENOMEM;
        *column = new;
        return choose(c, c->n_all - 1);
}

/* A setting with several values has them as lines. */
static int add_other(Columns *c, const char *word, ColumnsOther other)
{
        const SettingRow *row = other == COLUMNS_SETTINGS ? find_setting(word) : NULL;

        if (row)
                return add_column(c, (Column) { .name = row->key, .flags = row->flags & SETTING_LIST ? COLUMN_LINES : 0,
                                                .help = row->help });
        if (other == COLUMNS_FIELDS && log_field_name_is_valid(word, strlen(word)))
                return add_column(c, (Column) { .name = word });
        return -EINVAL;
}

static int choose_letters(Columns *c, const char *word)
{
        size_t index;
        int r = 0;

        for (const char *p = word; *p; p++)
                if (!find_letter(c, *p, &index))
                        return -EINVAL;
        for (const char *p = word; r >= 0 && *p; p++)
                if (find_letter(c, *p, &index))
                        r = choose(c, index);
        return r;
}

static int choose_word(Columns *c, const char *word, ColumnsOther other)
{
        size_t index;
        int r;

        if (!*word)
                return -EINVAL;
        if (find_name(c, word, &index))
                return choose(c, index);
        r = choose_letters(c, word);
        return r == -EINVAL ? add_other(c, word, other) : r;
}

static int refuse(const Columns *c, const char *word, ColumnsOther other, Failure *failure)
{
        static const char *const others[] = { "", ", and every key of a setting", ", and every field of a journal" };
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        FILE *f = memory_stream_open(&m);

        for (size_t i = 0; f && i < c->n_fixed; i++) {
                fprintf(f, "%s%s", i > 0 ? ", " : "", c->all[i].name);
                if (c->all[i].letter)
                        fprintf(f, " (%c)", c->all[i].letter);
        }
        text = memory_stream_take(&m);
        return failure_set(failure, -EINVAL, "There is no column '%s'; there are: %s%s", word, text ?: "",
                           others[other]);
}

int columns_choose(const Column *fixed, size_t n_fixed, const char *text, ColumnsOther other, Columns *ret, Failure *failure)
{
        Columns c = { .n_fixed = n_fixed, .words = text ? strdup(text) : NULL };
        char *rest = c.words, *word;
        int r = text && !c.words ? -ENOMEM : 0;

        for (size_t i = 0; r >= 0 && i < n_fixed; i++) {
                Column *column = array_append(&c.all, &c.n_all, sizeof(*column));

                if (column)
                        *column = fixed[i];
                else
                        r = -ENOMEM;
        }
        while (r >= 0 && (word = strsep(&rest, ","))) {
                r = choose_word(&c, word, other);
                if (r == -EINVAL)
                        r = refuse(&c, word, other, failure);
        }
        if (r < 0) {
                columns_done(&c);
                return failure_set(failure, r, "Out of memory");
        }
        *ret = c;
        return 0;
}

void columns_done(Columns *c)
{
        free(c->all);
        free(c->chosen);
        free(c->words);
        *c = (Columns) { 0 };
}

bool columns_want(const Columns *c, size_t index, bool json)
{
        for (size_t i = 0; c->chosen && i < c->n_chosen; i++)
                if (c->chosen[i] == index)
                        return true;
        return !c->chosen && !(c->all[index].flags & (json ? COLUMN_TEXT_ONLY : COLUMN_MORE));
}

Table *columns_table(const Columns *c)
{
        Table *t = table_new(c->all, c->n_all);

        return t && c->chosen && table_choose(t, c->chosen, c->n_chosen) < 0 ? table_free(t) : t;
}

void columns_print(FILE *f, const Column *columns, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                char left[64];

                (void) snprintf(left, sizeof(left), "  %c %s", columns[i].letter ?: ' ', columns[i].name);
                print_help_row(f, left, columns[i].help, 28);
        }
}
