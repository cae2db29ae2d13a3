/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Profiles: named sets of settings, selected by Profile= (see settings-source.h). Only the administrator and packages
 * write to their directories, so they are always trusted; the settings table forbids Profile= in a file beside an
 * image. A profile may name others, which are then applied before it. boxctl and the supervisor; no privilege.
 */

#include <stdio.h>
#include <string.h>

#include "config/nspawn-file.h"
#include "config/settings-source-read.h"
#include "config/specifiers.h"
#include "util/print.h"

static const char *const directories[] = { "/etc/box/profiles", BOX_PROFILE_DIR };

typedef struct Reader {
        SpecifierFacts facts;
        SettingsSources *out;
        Problems *problems;
        const char *chain[PROFILE_DEPTH_MAX];   /* being read, each named by the one before */
        size_t depth;
} Reader;

static int read_profile(Reader *reader, const StringSetting *wanted);

/* 1: *ret_path was read. */
static int find_profile(Reader *reader, const char *name, char **ret_path, Assignments *ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
                _cleanup_free_ char *path = NULL;
                int r;

                if (strf(&path, "%s%s/%s.nspawn", reader->facts.root ?: "", directories[i], name) < 0)
                        return -ENOMEM;
                r = nspawn_file_read(path, path, /* trusted= */ true, ret, reader->problems);
                if (r == 1)
                        *ret_path = TAKE_PTR(path);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* Reads the profiles that a profile names. */
static int read_named(Reader *reader, Assignments *assignments)
{
        _cleanup_(problems_done) Problems ignored = { 0 };      /* reported when the sources are applied */
        _cleanup_(settings_done) Settings s;
        int r;

        settings_init(&s);
        r = assignments_apply_one_id(assignments, SETTING_PROFILE, &s, &ignored);
        for (size_t i = 0; r >= 0 && i < s.profiles.n; i++)
                r = read_profile(reader, &s.profiles.items[i]);
        return r;
}

static bool is_read(const SettingsSources *sources, const char *name)
{
        for (size_t i = 0; i < sources->n; i++)
                if (sources->items[i].kind == SETTINGS_SOURCE_PROFILE && strcmp(sources->items[i].name, name) == 0)
                        return true;
        return false;
}

/* 1: the profile is being read already; the circle is reported. */
static int check_circle(Reader *reader, const StringSetting *wanted)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        size_t begin = 0;
        FILE *f;
        int r;

        while (begin < reader->depth && strcmp(reader->chain[begin], wanted->value) != 0)
                begin++;
        if (begin == reader->depth)
                return 0;

        f = memory_stream_open(&m);
        if (!f)
                return -ENOMEM;
        for (size_t i = begin; i < reader->depth; i++)
                fprintf(f, "%s -> ", reader->chain[i]);
        fputs(wanted->value, f);
        text = memory_stream_take(&m);
        if (!text)
                return -ENOMEM;
        r = problem_error(reader->problems, wanted->from, "Profile=%s: profiles name each other in a circle: %s",
                          wanted->value, text);
        return r < 0 ? r : 1;
}

static int read_profile(Reader *reader, const StringSetting *wanted)
{
        _cleanup_(assignments_done) Assignments assignments = { 0 };
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

        r = find_profile(reader, name, &path, &assignments);
        if (r == 0)
                return problem_error(reader->problems, wanted->from, "Profile=%s: no such profile in %s or %s", name,
                                     directories[0], directories[1]);
        if (r == 1 && specifiers_apply(&reader->facts, &assignments, reader->problems) < 0)
                return -ENOMEM;
        if (r != 1)
                return r < 0 ? r : 0;

        reader->chain[reader->depth++] = name;
        r = read_named(reader, &assignments);
        reader->depth--;
        if (r >= 0)
                r = settings_sources_add(reader->out, SETTINGS_SOURCE_PROFILE, name, path, &assignments);
        if (r < 0)
                return r;

        TAKE_PTR(name);
        TAKE_PTR(path);
        return 0;
}

int settings_sources_read_profiles(const SettingsPlace *place, const StringList *selected, SettingsSources *sources,
                                   Problems *problems)
{
        Reader reader = { .facts = { place->machine, place->root }, .out = sources, .problems = problems };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < selected->n; i++)
                r = read_profile(&reader, &selected->items[i]);
        return r;
}
