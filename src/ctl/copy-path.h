/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The words of `boxctl cp`: a path of the host, NAME:PATH, or "-". */

#include "util/failure.h"

typedef struct CopyPath {
        char *machine;          /* NULL: the host */
        char *path;
        bool is_stream;         /* "-": a tar archive on standard input or output */
} CopyPath;

void copy_path_done(CopyPath *p);

/* As scp: what has a colon before the first slash is in a machine; "./a:b" is a file of the host. A path in a machine begins at
 * its root directory, also without a slash; ".host:PATH" is on the host. Pure. */
int copy_path_parse(const char *word, CopyPath *ret, Failure *failure);

/* A machine (".host", NULL: the host) and a path that are told apart already. */
int copy_path_make(const char *machine, const char *path, CopyPath *ret, Failure *failure);

/* Splits path into the directory that holds the file and the file's name there, "" where it has none: for "/", and where the last
 * part is "." or "..". */
int copy_path_split(const char *path, char **ret_directory, char **ret_name);
