/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The order of all who say something about a machine (see layers.h), and their application. What they are read from is
 * layers-files.c's and layers-profiles.c's business. boxctl and the supervisor, before anything is changed; no privilege.
 */

#include <string.h>

#include "config/layers-read.h"
#include "util/strv.h"

static void layer_done(Layer *layer)
{
        free(layer->name);
        free(layer->path);
        assignments_done(&layer->said);
}

void layers_done(Layers *l)
{
        for (size_t i = 0; i < l->n; i++)
                layer_done(&l->items[i]);
        free(l->items);
        *l = (Layers) { 0 };
}

int layers_add(Layers *l, LayerKind kind, char *name, char *path, Assignments *said)
{
        Layer *layer = array_append(&l->items, &l->n, sizeof(Layer));

        if (!layer)
                return -ENOMEM;

        *layer = (Layer) { .kind = kind, .name = name, .path = path, .said = *said };
        *said = (Assignments) { 0 };
        return 0;
}

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

/* Who says anything about the links in files says all of it: the unit's cable is not for a machine with a network of its
 * file's making. */
static bool files_say_network(const Layers *l)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].kind != LAYER_SWITCHES && assignments_replace_section(&l->items[i].said, "Network"))
                        return true;
        return false;
}

int layers_apply(Layers *l, Settings *s, Problems *problems)
{
        bool replaced = l->mode == SETTINGS_OVERRIDE && files_say_network(l);
        int r;

        for (size_t i = 0; i < l->n; i++) {
                bool skip = replaced && l->items[i].kind == LAYER_SWITCHES;

                r = assignments_apply(&l->items[i].said, skip ? "Network" : NULL, s, problems);
                if (r < 0)
                        return r;
        }
        return 0;
}
