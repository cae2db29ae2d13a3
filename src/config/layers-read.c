/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All sources of a machine's settings, read and put in their order (see layers.h). What they are read from is layers-files.c's
 * and layers-profiles.c's business. boxctl and the supervisor, before anything is changed; no privilege.
 */

#include <string.h>

#include "config/layers-read.h"

/* Moves all of *from behind those of *l. */
static int layers_append(Layers *l, Layers *from)
{
        for (size_t i = 0; i < from->n; i++) {
                Layer *layer = &from->items[i];
                int r;

                r = layers_add(l, layer->kind, layer->name, layer->path, &layer->said);
                if (r < 0)
                        return r;
                *layer = (Layer) { 0 };
        }
        return 0;
}

static SettingsMode settings_mode(Assignments *switches)
{
        _cleanup_(problems_done) Problems ignored = { 0 };
        _cleanup_(settings_done) Settings s;

        /* What is wrong with it is told when all is applied. */
        settings_init(&s);
        (void) assignments_apply_one_id(switches, SETTING_SETTINGS, &s, &ignored);
        return s.settings_mode;
}

/* The profiles in force, by those who can name some: the switches and files, in the order in which they apply. */
static int select_profiles(Layers *files, Assignments *switches, bool switches_first, Settings *s)
{
        _cleanup_(problems_done) Problems ignored = { 0 };
        int r = 0;

        if (switches_first)
                r = assignments_apply_one_id(switches, SETTING_PROFILE, s, &ignored);
        for (size_t i = 0; r >= 0 && i < files->n; i++)
                r = assignments_apply_one_id(&files->items[i].said, SETTING_PROFILE, s, &ignored);
        if (r >= 0 && !switches_first)
                r = assignments_apply_one_id(switches, SETTING_PROFILE, s, &ignored);
        return r;
}

static int add_bundle(const LayersPlace *place, Layers *l)
{
        char *path = strdup(place->bundle_path);
        int r = path ? layers_add(l, LAYER_BUNDLE, NULL, path, place->bundle) : -ENOMEM;

        if (r < 0)
                free(path);
        return r;
}

int layers_read(const LayersPlace *place, Assignments *switches, Layers *ret, Problems *problems)
{
        _cleanup_(layers_done) Layers files = { 0 }, out = { .mode = settings_mode(switches) };
        bool switches_first = out.mode == SETTINGS_OVERRIDE;
        _cleanup_(settings_done) Settings selection;
        int r = 0;

        settings_init(&selection);
        if (place->bundle)
                r = add_bundle(place, &files);
        else if (out.mode != SETTINGS_NO)
                r = layers_read_files(place, out.mode == SETTINGS_TRUSTED, &files, problems);
        if (r >= 0)
                r = select_profiles(&files, switches, switches_first, &selection);

        if (r >= 0 && switches_first)
                r = layers_add(&out, LAYER_SWITCHES, NULL, NULL, switches);
        if (r >= 0 && selection.n_profiles > 0)
                r = layers_read_profiles(place, selection.profiles, selection.n_profiles, &out, problems);
        if (r >= 0)
                r = layers_append(&out, &files);
        if (r >= 0 && !switches_first)
                r = layers_add(&out, LAYER_SWITCHES, NULL, NULL, switches);
        if (r < 0)
                return r;

        *ret = out;
        out = (Layers) { 0 };
        return 0;
}
