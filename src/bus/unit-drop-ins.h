/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The files that systemd leaves when a property of a unit is set at run time: one a property, in
 * /run/systemd/system.control/UNIT.d, where they count until they are removed or the host goes down. Before a start
 * makes any, it notes them in /run/box/changed-units/UNIT, so that they can be removed after a supervisor that was killed.
 */

#include "util/failure.h"
#include "util/unit-property.h"

/* root is put before these places, for tests; else "". */

/* The files that will be made for these properties: those of them that are not there now. */
int unit_drop_ins_list(const char *root, const char *unit, const UnitProperty *const *properties, size_t n,
                          char ***ret_files);

/* Writes the note; nothing where there are no files. */
int unit_drop_ins_note(const char *root, const char *unit, char *const *files, Failure *failure);

/* 1 with the files of a note that is there, 0 where there is none. */
int unit_drop_ins_noted(const char *root, const char *unit, char ***ret_files, Failure *failure);

/* Removes the files, then the note. */
int unit_drop_ins_remove(const char *root, const char *unit, char *const *files, Failure *failure);
