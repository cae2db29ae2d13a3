/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/assignment.h"

/* Larger .nspawn files are an error. */
#define NSPAWN_FILE_MAX_KIB 1024
#define NSPAWN_FILE_MAX (NSPAWN_FILE_MAX_KIB * 1024U)

/* Parses a .nspawn file (size bytes of any content) into assignments. name is used in messages. Invalid lines are fatal
 * Problems; unknown keys and sections are warnings, which name the most similar known one; unknown sections that begin
 * with "X-" are ignored. Unless ret->trusted is set, messages have no text of the file. 0 or -ENOMEM. */
int nspawn_file_parse(const char *name, const char *text, size_t size, Assignments *ret, Problems *problems);

/* Reads the text of the file at path, without following symbolic links unless it is trusted. name is used in messages. 1: it
 * was read (a link to /dev/null is an empty file); 0: it does not exist; NSPAWN_FILE_UNREADABLE: it cannot be read, and a fatal
 * Problem was added; -ENOMEM. */
#define NSPAWN_FILE_UNREADABLE 2
int nspawn_file_text(const char *path, const char *name, bool trusted, char **ret, size_t *ret_size, Problems *problems);

/* The same, parsed. */
int nspawn_file_read(const char *path, const char *name, bool trusted, Assignments *ret, Problems *problems);
