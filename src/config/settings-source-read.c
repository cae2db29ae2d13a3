/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads all sources of a machine's settings and puts them in order (see settings-source.h). boxctl and the supervisor,
 * before anything is changed; no privilege.
 */

#include <string.h>

#include "config/settings-source-read.h"

/* Moves all of *from behind those of *sources. */
static int append(SettingsSources *sources, SettingsSources *from)
{
        for (size_t i = 0; i < from->n; i++) {
                SettingsSource *source = &from->items[i];
                int r;

                r = settings_sources_add(sources, source->kind, source->name, source->path, &source->assignments);
                if (r < 0)
                        return r;
                *source = (SettingsSource) { 0 };
        }
        return 0;
}

static SettingsMode settings_mode(Assignments *switches)
{
        _cleanup_(problems_done) Problems ignored = { 0 };
        _cleanup_(settings_done) Settings s;

        /* Errors are reported when the sources are applied. */
        settings_init(&s);
        (void) assignments_apply_one_id(switches, SETTING_SETTINGS, &s, &ignored);
        return s.settings_mode;
}

/* Collects the profiles named by switches and files, in the order in which these apply. */
static int select_profiles(SettingsSources *files, Assignments *switches, bool switches_first, Settings *s)
{
        _cleanup_(problems_done) Problems ignored = { 0 };
        int r = 0;

        if (switches_first)
                r = assignments_apply_one_id(switches, SETTING_PROFILE, s, &ignored);
        for (size_t i = 0; r >= 0 && i < files->n; i++)
                r = assignments_apply_one_id(&files->items[i].assignments, SETTING_PROFILE, s, &ignored);
        if (r >= 0 && !switches_first)
                r = assignments_apply_one_id(switches, SETTING_PROFILE, s, &ignored);
        return r;
}

static int add_bundle(const SettingsPlace *place, SettingsSources *sources)
{
        char *path = strdup(place->bundle_path);
        int r = path ? settings_sources_add(sources, SETTINGS_SOURCE_BUNDLE, NULL, path, place->bundle) : -ENOMEM;

        if (r < 0)
                free(path);
        return r;
}

int settings_sources_read(const SettingsPlace *place, Assignments *switches, SettingsSources *ret, Problems *problems)
{
        _cleanup_(settings_sources_done) SettingsSources files = { 0 }, out = { .mode = settings_mode(switches) };
        bool switches_first = out.mode == SETTINGS_OVERRIDE;
        _cleanup_(settings_done) Settings selection;
        int r = 0;

        settings_init(&selection);
        if (place->bundle)
                r = add_bundle(place, &files);
        else if (out.mode != SETTINGS_NO)
                r = settings_sources_read_files(place, out.mode == SETTINGS_TRUSTED, &files, problems);
        if (r >= 0)
                r = select_profiles(&files, switches, switches_first, &selection);

        if (r >= 0 && switches_first)
                r = settings_sources_add(&out, SETTINGS_SOURCE_SWITCHES, NULL, NULL, switches);
        if (r >= 0 && selection.profiles.n > 0)
                r = settings_sources_read_profiles(place, &selection.profiles, &out, problems);
        if (r >= 0)
                r = append(&out, &files);
        if (r >= 0 && !switches_first)
                r = settings_sources_add(&out, SETTINGS_SOURCE_SWITCHES, NULL, NULL, switches);
        if (r < 0)
                return r;

        *ret = out;
        out = (SettingsSources) { 0 };
        return 0;
}
