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
