/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the sample settings files that are installed with box (see samples.h). Part of boxctl; silent; no privilege. */

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <string.h>

#include "config/nspawn-file.h"
#include "ctl/samples.h"
#include "image/machine-name.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"

#define SUFFIX ".nspawn"

/* ---- what it is for -------------------------------------------------------------------------------------------- */

/* Lines of the comment, but for the licence and those that are empty before the text. */
static void put_comment(FILE *f, const char *text)
{
        bool begun = false;

        for (const char *line = text; *line == '#'; line += strcspn(line, "\n"), line += *line == '\n') {
                const char *words = line + 1 + strspn(line + 1, " ");
                size_t n = strcspn(words, "\n");

                if (strncmp(words, "SPDX-", 5) == 0 || (n == 0 && !begun))
                        continue;
                if (n == 0)
                        break;
                fprintf(f, "%s%.*s", begun ? " " : "", (int) n, words);
                begun = true;
        }
}

char *sample_about(const char *text)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);
        char *about, *end;

        if (f)
                put_comment(f, text);
        about = memory_stream_take(&m);
        end = about ? strstr(about, ". ") : NULL;
        if (end)
                end[1] = 0;
        return about;
}

/* ---- the files --------------------------------------------------------------------------------------------------- */

static int add(Sample **list, size_t *n, const char *path)
{
        _cleanup_free_ char *text = NULL;
        const char *name = strrchr(path, '/') + 1;
        Sample s = { 0 };
        int r = fd_read_file_at(AT_FDCWD, path, NSPAWN_FILE_MAX, &text, NULL);

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        s.name = strndup(name, strlen(name) - strlen(SUFFIX));
        s.about = sample_about(text);
        r = s.name && s.about ? array_move(list, n, &s, sizeof(s)) : -ENOMEM;
        if (r < 0) {
                free(s.name);
                free(s.about);
        }
        return r;
}

int samples_list(const char *dir, Sample **ret, size_t *ret_n, Failure *failure)
{
        _cleanup_free_ char *pattern = NULL;
        Sample *list = NULL;
        glob_t found = { 0 };
        size_t n = 0;
        int r;

        if (strf(&pattern, "%s/*" SUFFIX, dir ?: BOX_SAMPLES) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = glob(pattern, 0, NULL, &found) == GLOB_NOSPACE ? -ENOMEM : 0;
        for (size_t i = 0; r >= 0 && i < found.gl_pathc; i++)
                r = add(&list, &n, found.gl_pathv[i]);
        globfree(&found);
        if (r >= 0 && n == 0)
                r = failure_set(failure, -ENOENT, "No samples are installed in %s", dir ?: BOX_SAMPLES);
        if (r < 0) {
                samples_free(list, n);
                return failure_set(failure, r, "Failed to read the samples in %s: %m", dir ?: BOX_SAMPLES);
        }
        *ret = list;
        *ret_n = n;
        return 0;
}

void samples_free(Sample *list, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(list[i].name);
                free(list[i].about);
        }
        free(list);
}

static int refuse(const char *dir, const char *name, Failure *failure)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *all = NULL;
        unsigned distance = UINT_MAX;
        const char *near = NULL;
        Sample *list = NULL;
        size_t n = 0;
        FILE *f;
        int r = samples_list(dir, &list, &n, failure);

        if (r < 0)
                return r;
        f = memory_stream_open(&m);
        for (size_t i = 0; f && i < n; i++) {
                fprintf(f, "%s%s", i > 0 ? ", " : "", list[i].name);
                text_nearer(name, list[i].name, &near, &distance);
        }
        all = memory_stream_take(&m);
        r = failure_set(failure, -EINVAL, "There is no sample '%s'%s%s%s; there are: %s", name, near ? "; did you mean " : "",
                        near ?: "", near ? "?" : "", all ?: "");
        samples_free(list, n);
        return r;
}

int sample_read(const char *dir, const char *name, char **ret, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        int r;

        /* Their names are of machines' kind: no slash, no dot first. */
        if (!machine_name_is_valid(name))
                return refuse(dir, name, failure);
        if (strf(&path, "%s/%s" SUFFIX, dir ?: BOX_SAMPLES, name) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = fd_read_file_at(AT_FDCWD, path, NSPAWN_FILE_MAX, ret, NULL);
        if (r == -ENOENT)
                return refuse(dir, name, failure);
        return r < 0 ? failure_set(failure, r, "Failed to read '%s': %m", path) : 0;
}
