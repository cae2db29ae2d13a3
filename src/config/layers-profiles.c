/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Profiles: settings under a name, which files ask for by Profile= (see layers.h). They lie where only the administrator and
 * packages write, so they are trusted, whoever asks for them; that a file beside an image can't ask is the table's rule. A
 * profile may name others, which then come before it. boxctl and the supervisor; no privilege.
 */

#include <stdio.h>
#include <string.h>

#include "config/layers-read.h"
#include "config/nspawn-file.h"

static const char *const directories[] = { "/etc/box/profiles", BOX_PROFILE_DIR };

typedef struct Reader {
        const char *root;
        Layers *out;
        Problems *problems;
        const char *chain[PROFILE_DEPTH_MAX];   /* those that are being read, each named by the one before */
        size_t depth;
} Reader;

static int read_profile(Reader *reader, const StringSetting *wanted);

/* 1: *ret_path was read. */
static int find_profile(Reader *reader, const char *name, char **ret_path, Assignments *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
                _cleanup_free_ char *path = NULL;
                int r;

                if (asprintf(&path, "%s%s/%s.nspawn", reader->root ? reader->root : "", directories[i], name) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                r = nspawn_file_read(path, path, /* trusted= */ true, ret, reader->problems);
                if (r == 1)
                        *ret_path = TAKE_PTR(path);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* The profiles that a profile names. */
static int read_named(Reader *reader, Assignments *said)
{
        _cleanup_(problems_done) Problems ignored = { 0 };      /* bad names are told when all is applied */
        _cleanup_(settings_done) Settings s;
        int r;

        settings_init(&s);
        r = assignments_apply_one_id(said, SETTING_PROFILE, &s, &ignored);
        for (size_t i = 0; r >= 0 && i < s.n_profiles; i++)
                r = read_profile(reader, &s.profiles[i]);
        return r;
}

static bool is_read(const Layers *l, const char *name)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].kind == LAYER_PROFILE && strcmp(l->items[i].name, name) == 0)
                        return true;
        return false;
}

/* 1: name is in the chain already, which is told with all of the circle. */
static int check_circle(Reader *reader, const StringSetting *wanted)
{
        _cleanup_free_ char *text = NULL;
        size_t begin = 0, size;
        FILE *f;
        int r;

        while (begin < reader->depth && strcmp(reader->chain[begin], wanted->value) != 0)
                begin++;
        if (begin == reader->depth)
                return 0;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;
        for (size_t i = begin; i < reader->depth; i++)
                fprintf(f, "%s -> ", reader->chain[i]);
        fputs(wanted->value, f);
        if (fclose(f) != 0)
                return -ENOMEM;
        r = problem_error(reader->problems, wanted->from, "Profile=%s: the profiles name each other in a circle: %s",
                          wanted->value, text);
        return r < 0 ? r : 1;
}

static int read_profile(Reader *reader, const StringSetting *wanted)
{
        _cleanup_(assignments_done) Assignments said = { 0 };
        _cleanup_free_ char *name = strdup(wanted->value), *path = NULL;
        int r;

        if (!name)
                return -ENOMEM;
        r = check_circle(reader, wanted);
        if (r != 0)
                return r < 0 ? r : 0;
        if (is_read(reader->out, name))
                return 0;
        if (reader->depth == PROFILE_DEPTH_MAX)
                return problem_error(reader->problems, wanted->from, "Profile=%s: profiles are nested too deep", name);

        r = find_profile(reader, name, &path, &said);
        if (r == 0)
                return problem_error(reader->problems, wanted->from, "Profile=%s: no such profile in %s or %s", name,
                                     directories[0], directories[1]);
        if (r != 1)
                return r < 0 ? r : 0;

        reader->chain[reader->depth++] = name;
        r = read_named(reader, &said);
        reader->depth--;
        if (r >= 0)
                r = layers_add(reader->out, LAYER_PROFILE, name, path, &said);
        if (r < 0)
                return r;

        TAKE_PTR(name);
        TAKE_PTR(path);
        return 0;
}

int layers_read_profiles(const LayersPlace *place, const StringSetting *selected, size_t n, Layers *l,
                         Problems *problems)
{
        Reader reader = { .root = place->root, .out = l, .problems = problems };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = read_profile(&reader, &selected[i]);
        return r;
}
