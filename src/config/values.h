/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The parsers of the settings table, and their helpers. All follow SettingParse: an empty text resets the setting,
 * settings do not change on failure, and the reason is a clause to print after "KEY=TEXT: ".
 */

#include <stdio.h>

#include "config/settings-table.h"

/* values.c: plain values, for any field */
SettingParse value_bool, value_tristate, value_choice, value_string, value_hostname, value_absolute_path,
             value_share_system, value_slice;

/* values-exec.c */
SettingParse value_start_mode, value_parameters, value_environment, value_machine_id, value_signal,
             value_capabilities, value_system_call_filter, value_address_families, value_private_users, value_ownership,
             value_ownership_chown;

/* values-known.c: the reason is the row's help text */
SettingParse value_refused;

/* values-process.c */
SettingParse value_user, value_pivot_root, value_personality, value_limit, value_rlimit, value_oom_score,
             value_cpu_affinity, value_ignored;

/* values-files.c */
SettingParse value_bind, value_tmpfs, value_overlay, value_bind_user, value_bind_user_shell, value_bind_user_group,
             value_inaccessible;

/* values-credential.c */
SettingParse value_set_credential, value_load_credential;

/* Is id a valid file name, of printable ASCII without a colon? */
bool credential_id_is_valid(const char *id);

/* values-network.c */
SettingParse value_virtual_ethernet, value_bridge, value_zone, value_interfaces, value_ports, value_namespace_path;

/* values-box.c: [X-Box] */
SettingParse value_names, value_init, value_apparmor_profile, value_id_map, value_timeout;

/* values-resources.c */
SettingParse value_resource, value_other_resource, value_unit_only_key, value_property;

/* values-image.c */
SettingParse value_image_policy, value_verity;

/* The row's field in *s. */
void *value_field(const SettingRow *row, Settings *s);

/* Formats the reason; returns -EINVAL. */
int value_refuse(char *reterr_reason, const char *format, ...) _printf_(2, 3);

/* Reads the next item of a list separated by spaces or commas, both in files and on command lines. 1 with an item (to
 * be freed), 0 at the end, -ENOMEM. */
int value_next_item(const char **text, char **ret);

/* Reads all items of such a list. One that is not valid is refused with "INVALID: 'ITEM'". */
int value_split(const char *text, bool (*is_valid)(const char *), const char *invalid, char ***ret, char *reterr_reason);

/* Adds a copy of text. 0 or -ENOMEM. */
int value_add_string(StringList *l, const char *text, Source from);

/* Writes word as Parameters= and Environment= read it: in double quotes, except for double quotes in it, which are put
 * in single quotes. */
void value_quote_word(FILE *f, const char *word);

/* Reads the next field of a colon-separated text, in which a backslash escapes any character. 1 with a field (may be
 * empty), 0 at the end, -EINVAL for a trailing backslash, -ENOMEM. *text becomes NULL after the last field. */
int value_next_field(const char **text, char **ret);

/* Normalizes an absolute path: removes double slashes, "." and a trailing slash. -EINVAL (with a reason) if it is
 * relative, contains ".." (the planners compare paths as text), or is too long; -ENOMEM. */
int value_path(const char *text, char **ret, char *reterr_reason);

/* Why name is not a valid name of a network interface; NULL if it is. Names of more than 15 characters are alternative names: an
 * interface that is created gets a shortened name, too. */
#define INTERFACE_NAME_MAX 127
const char *value_interface_problem(const char *name);
