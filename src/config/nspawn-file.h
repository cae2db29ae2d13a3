/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/assignment.h"

/* Largest .nspawn file that is read: far above any real one, far below what would hurt. */
#define NSPAWN_FILE_MAX_KIB 1024
#define NSPAWN_FILE_MAX (NSPAWN_FILE_MAX_KIB * 1024U)

/* Parses the text of a .nspawn file (size bytes, which may hold anything) into assignments. name is what messages
 * call it. Unknown keys and sections are warnings with the nearest known one; sections that start with "X-" and are
 * not ours are ignored. 0 or -ENOMEM. */
int nspawn_file_parse(const char *name, const char *text, size_t size, Assignments *ret, Problems *problems);

/* Reads and parses the file at path, which messages call name. 1 when it was read (a link to /dev/null is a file that says
 * nothing), 0 where there is none, NSPAWN_FILE_UNREADABLE when one is there and can't be read, which is a fatal Problem
 * then; -ENOMEM. */
#define NSPAWN_FILE_UNREADABLE 2
int nspawn_file_read(const char *path, const char *name, bool trusted, Assignments *ret, Problems *problems);
