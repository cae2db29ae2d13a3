/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as a .nspawn file: what comes out of them is text of one line with a row of the table and a line of the file,
 * and written as a file again it means the same.
 */

#include <string.h>

#include "config/nspawn-file.h"
#include "fuzz.h"
#include "util/text.h"

static void check_text(const char *text)
{
        CHECK(text_is_utf8(text, strlen(text)));
        CHECK(!text_has_control(text, strlen(text)));
}

/* The assignments as the plainest file that says them; a blank at the end keeps a backslash from continuing the line. */
static char *write_again(const Assignments *a, size_t *ret_size)
{
        char *text = NULL;
        FILE *f = open_memstream(&text, ret_size);

        CHECK(f);
        for (size_t i = 0; i < a->n; i++) {
                const SettingRow *row = a->items[i].row;

                /* Without a key in the row, it is in the value. */
                fprintf(f, "[%s]\n%s%s%s \n", row->section, row->key ?: "", row->key ? "=" : "", a->items[i].value);
        }
        CHECK(fclose(f) == 0);
        return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(assignments_done) Assignments a = { 0 }, again = { 0 };
        _cleanup_(problems_done) Problems problems = { 0 }, none = { 0 };
        _cleanup_free_ char *text = NULL;
        size_t text_size;

        CHECK(nspawn_file_parse("fuzz", (const char *) data, size, &a, &problems) == 0);
        for (size_t i = 0; i < a.n; i++) {
                CHECK(a.items[i].row->key || strchr(a.items[i].value, '='));
                CHECK(a.items[i].from.line > 0 && a.items[i].from.line <= size + 1);
                check_text(a.items[i].value);
        }
        for (size_t i = 0; i < problems.n; i++)
                check_text(problems.items[i].text);

        text = write_again(&a, &text_size);
        CHECK(nspawn_file_parse("again", text, text_size, &again, &none) == 0);
        CHECK(again.n == a.n && none.n == 0);
        for (size_t i = 0; i < a.n; i++)
                CHECK(again.items[i].row == a.items[i].row && strcmp(again.items[i].value, a.items[i].value) == 0);
        return 0;
}
