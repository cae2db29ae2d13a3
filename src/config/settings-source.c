/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The list of sources of settings, and how they are applied (see settings-source.h). boxctl and the supervisor, before
 * anything is changed; no privilege.
 */

#include <string.h>

#include "config/set-drop-in.h"
#include "config/settings-source-read.h"
#include "util/strv.h"

void settings_sources_done(SettingsSources *sources)
{
        for (size_t i = 0; i < sources->n; i++) {
                free(sources->items[i].name);
                free(sources->items[i].path);
                assignments_done(&sources->items[i].assignments);
        }
        free(sources->items);
        *sources = (SettingsSources) { 0 };
}

int settings_sources_add(SettingsSources *sources, SettingsSourceKind kind, char *name, char *path,
                         Assignments *assignments)
{
        SettingsSource *source = array_append(&sources->items, &sources->n, sizeof(SettingsSource));

        if (!source)
                return -ENOMEM;

        *source = (SettingsSource) { .kind = kind, .name = name, .path = path, .assignments = *assignments };
        *assignments = (Assignments) { 0 };
        return 0;
}

/* If a file sets any link, links from switches are dropped: the unit's veth pair must not be added to the file's
 * network. Not if `boxctl set` did: a link that it adds to a running machine must not remove the one that is there. */
static bool files_set_network(const SettingsSources *sources)
{
        for (size_t i = 0; i < sources->n; i++) {
                const SettingsSource *source = &sources->items[i];

                if (source->kind != SETTINGS_SOURCE_SWITCHES && !(source->path && set_drop_in_is(source->path)) &&
                    assignments_replace_section(&source->assignments, "Network"))
                        return true;
        }
        return false;
}

int settings_sources_apply(SettingsSources *sources, Settings *s, Problems *problems)
{
        bool replaced = sources->mode == SETTINGS_OVERRIDE && files_set_network(sources);
        int r;

        for (size_t i = 0; i < sources->n; i++) {
                bool skip = replaced && sources->items[i].kind == SETTINGS_SOURCE_SWITCHES;

                r = assignments_apply(&sources->items[i].assignments, skip ? "Network" : NULL, s, problems);
                if (r < 0)
                        return r;
        }
        return 0;
}
