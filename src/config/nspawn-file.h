/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config/assignment.h"
#include "util/failure.h"

/* Largest .nspawn file that is read: far above any real one, far below what would hurt. */
#define NSPAWN_FILE_MAX (1024U * 1024U)

/* Parses the text of a .nspawn file (size bytes, which may hold anything) into assignments. name is what messages
 * call it. Unknown keys and sections are warnings with the nearest known one; sections that start with "X-" and are
 * not ours are ignored. 0 or -ENOMEM. */
int nspawn_file_parse(const char *name, const char *text, size_t size, Assignments *ret, Problems *problems);

/* Finds and reads NAME.nspawn: /etc/systemd/nspawn, /run/systemd/nspawn (trusted), else beside the image (untrusted
 * unless trust_all). dirs overrides the trusted places in tests (NULL: the real ones). image_path may be NULL.
 * 1 when a file was read, 0 where there is none, negative errno with *failure set when one is there and can't be
 * read. */
int nspawn_file_load(const char *const *dirs, const char *machine, const char *image_path, bool trust_all,
                     Assignments *ret, Problems *problems, Failure *failure);
