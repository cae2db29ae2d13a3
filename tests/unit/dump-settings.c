/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The settings' table for the checks in tests/style, which are scripts: without arguments one row a line (section, key,
 * switch, letter, metavar, flags; "-" where there is none; tabs between); with --environment the variables of the
 * environment; with files, every problem that they have as .nspawn files, and a failure when there is any. Built, never
 * installed.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "config/environment.h"
#include "config/nspawn-file.h"
#include "config/specifiers.h"
#include "util/fd.h"

static const char *or_dash(const char *s)
{
        return s ? s : "-";
}

static void dump_table(void)
{
        static const char *const flags[] = { "privileged", "restricts", "list", "optional-arg", "no-arg", "hidden" };

        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = &settings_table[i];
                bool any = false;

                printf("%s\t%s\t%s\t%c\t%s\t", or_dash(row->section), or_dash(row->key), or_dash(row->option),
                       row->letter ? row->letter : '-', or_dash(row->metavar));
                for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
                        if (row->flags & 1U << f) {
                                printf("%s%s", any ? "," : "", flags[f]);
                                any = true;
                        }
                printf("%s\t%s\n", any ? "" : "-", or_dash(row->fallback));
        }
}

static int check_file(const char *path)
{
        _cleanup_(assignments_done) Assignments a = { .trusted = true };
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings s;
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        size_t size;

        settings_init(&s);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fd_read_all(fd, NSPAWN_FILE_MAX, &text, &size) < 0 ||
            nspawn_file_parse(path, text, size, &a, &problems) < 0 ||
            specifiers_apply(&(SpecifierFacts) { .machine = "sample" }, &a, &problems) < 0 ||
            assignments_apply(&a, NULL, &s, &problems) < 0) {
                fprintf(stderr, "%s: can't be read\n", path);
                return 1;
        }

        for (size_t i = 0; i < problems.n; i++)
                fprintf(stderr, "%s\n", problems.items[i].text);
        if (a.n == 0)
                fprintf(stderr, "%s: says nothing\n", path);
        return problems.n > 0 || a.n == 0;
}

int main(int argc, char *argv[])
{
        int bad = 0;

        if (argc < 2)
                dump_table();
        if (argc == 2 && strcmp(argv[1], "--environment") == 0) {
                for (size_t i = 0; i < environment_table_size; i++)
                        puts(environment_table[i].name);
                return 0;
        }
        for (int i = 1; i < argc; i++)
                bad |= check_file(argv[i]);

        return bad;
}
