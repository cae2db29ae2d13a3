/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Were files of a machine's settings edited since they were read? A text with a line for each file and directory that was read
 * or would have been: what stat(2) says of it, and its path. Cheap to compare, for lists of many machines.
 */

#include "config/settings-source.h"

/* Of place->root only "" is supported. The caller frees *ret. 0 or -ENOMEM. */
int settings_watch_make(const SettingsPlace *place, const SettingsSources *sources, char **ret);

/* Does stat(2) say something else of any of them? */
bool settings_watch_changed(const char *text);
