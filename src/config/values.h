/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The parsers that the table's rows name, and what they share. All follow SettingParse: an empty text resets, nothing of
 * the settings changes on a failure, and the reason is a clause that can stand behind "KEY=TEXT: ".
 */

#include <stdio.h>

#include "config/settings-table.h"

/* values.c: plain values, of any row's field. */
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

/* Can it be a credential's id: a file's name, printable ASCII, without a colon? */
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

/* Fills in the reason and returns -EINVAL. */
int value_refuse(char *reterr_reason, const char *format, ...) _printf_(2, 3);

/* Makes *field a copy of text (NULL: none). */
int value_replace(char **field, const char *text);

/* The next of a list's items, which spaces or commas separate: both in files and on command lines, although only one
 * is customary in each. 1 with an item (to be freed), 0 at the end, -ENOMEM. */
int value_next_item(const char **text, char **ret);

/* Writes word so that Parameters= and Environment= give it back: in double quotes, but for its own double quotes, which
 * stand in single ones. */
void value_quote_word(FILE *f, const char *word);

/* The next field of a colon-separated text, in which a backslash makes any character an ordinary one. 1 with a field
 * (may be empty), 0 behind the last, -EINVAL for a backslash at the end, -ENOMEM. *text becomes NULL behind the last. */
int value_next_field(const char **text, char **ret);

/* An absolute path without doubled slashes, "." and a slash at the end. -EINVAL (with a reason) where it is relative,
 * has a ".." (the planners compare paths as text), or is too long; -ENOMEM. */
int value_path(const char *text, char **ret, char *reterr_reason);

/* Why name is no network interface's name; NULL when it is one. */
const char *value_interface_problem(const char *name);
