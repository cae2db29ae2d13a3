/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts that read sources. All append to *sources; -ENOMEM is the only failure. */

#include "config/settings-source.h"

/* On success takes ownership of name, path and the contents of *assignments; on failure of nothing. */
int settings_sources_add(SettingsSources *sources, SettingsSourceKind kind, char *name, char *path,
                         Assignments *assignments);

/* settings-source-files.c: the machine's file and its drop-ins. */
int settings_sources_read_files(const SettingsPlace *place, bool trust_all, SettingsSources *sources,
                                Problems *problems);

/* settings-source-profiles.c: the selected profiles and those that they name, each once, before the one that names
 * it. */
int settings_sources_read_profiles(const SettingsPlace *place, const StringList *selected, SettingsSources *sources,
                                   Problems *problems);
