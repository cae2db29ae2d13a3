/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The files that systemd creates when a property of a unit is set at run time: one a property, in
 * /run/systemd/system.control/UNIT.d, in force until the host reboots or they are removed. A start lists those that it is
 * going to cause in /run/box/.changed-units/UNIT, so that the next start can remove them if this supervisor is killed.
 */

#include "util/failure.h"
#include "util/unit-property.h"

/* root is prepended to these paths, for tests; else "". */

/* The drop-ins that setting these properties will create: those that do not exist yet. */
int unit_drop_ins_list(const char *root, const char *unit, const UnitProperty *const *properties, size_t n, char ***ret_files);

/* Adds them to the list, if there are files. */
int unit_drop_ins_note(const char *root, const char *unit, char *const *files, Failure *failure);

/* Reads the list. 0: there is none. */
int unit_drop_ins_noted(const char *root, const char *unit, char ***ret_files, Failure *failure);

/* Removes the files, then takes them from the list; one that is empty is removed. */
int unit_drop_ins_remove(const char *root, const char *unit, char *const *files, Failure *failure);

/* The same of all that setting these properties may have created: once systemd has reloaded, they are as in the unit's own
 * files. */
int unit_drop_ins_forget(const char *root, const char *unit, const UnitProperty *const *properties, size_t n, Failure *failure);
