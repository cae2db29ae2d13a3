/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The parsers of the settings table, and their helpers. All follow SettingParse: an empty text resets the setting,
 * settings do not change on failure, and the reason is a clause to print after "KEY=TEXT: ".
 */

#include <stdio.h>

#include "config/settings-table.h"

/* values.c: plain values, for any field */
int value_bool(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_tristate(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_choice(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_string(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_hostname(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_absolute_path(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_share_system(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_slice(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);

/* values-exec.c */
int value_start_mode(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_parameters(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_environment(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_machine_id(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_signal(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_capabilities(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_system_call_filter(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_private_users(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_ownership(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_ownership_chown(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);

/* values-process.c */
int value_user(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_pivot_root(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_personality(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_limit(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_rlimit(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_oom_score(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_cpu_affinity(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_ignored(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);

/* values-files.c */
int value_bind(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_tmpfs(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_overlay(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_bind_user(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_inaccessible(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);

/* values-credential.c */
int value_set_credential(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_load_credential(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);

/* Is id a valid file name, of printable ASCII without a colon? */
bool credential_id_is_valid(const char *id);

/* values-network.c */
int value_virtual_ethernet(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_bridge(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_zone(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_interfaces(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_ports(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_namespace_path(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);

/* values-box.c: [X-Box] */
int value_profiles(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_machines(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_init(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_apparmor_profile(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_id_map(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_stop_timeout(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);

/* values-resources.c */
int value_resource(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_unit_only_key(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_property(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);

/* values-image.c */
int value_image_policy(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);
int value_verity(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason);

/* The row's field in *s. */
void *value_field(const SettingRow *row, Settings *s);

/* Formats the reason; returns -EINVAL. */
int value_refuse(char *reterr_reason, const char *format, ...) _printf_(2, 3);

/* Replaces *field with a copy of text, which may be NULL. 0 or -ENOMEM. */
int value_replace(char **field, const char *text);

/* Reads the next item of a list separated by spaces or commas, both in files and on command lines. 1 with an item (to
 * be freed), 0 at the end, -ENOMEM. */
int value_next_item(const char **text, char **ret);

/* Writes word as Parameters= and Environment= read it: in double quotes, except for double quotes in it, which are put
 * in single quotes. */
void value_quote_word(FILE *f, const char *word);

/* Reads the next field of a colon-separated text, in which a backslash escapes any character. 1 with a field (may be
 * empty), 0 at the end, -EINVAL for a trailing backslash, -ENOMEM. *text becomes NULL after the last field. */
int value_next_field(const char **text, char **ret);

/* Normalizes an absolute path: removes double slashes, "." and a trailing slash. -EINVAL (with a reason) if it is
 * relative, contains ".." (the planners compare paths as text), or is too long; -ENOMEM. */
int value_path(const char *text, char **ret, char *reterr_reason);

/* Why name is not a valid name of a network interface; NULL if it is. */
const char *value_interface_problem(const char *name);
