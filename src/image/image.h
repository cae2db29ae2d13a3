/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Machines' trees and disk images, in machined's search path: /etc/machines, /run/machines (usually symbolic links),
 * /var/lib/machines, /var/lib/container, /usr/local/lib/machines, /usr/lib/machines.
 */

#include "util/failure.h"
#include "util/lock-file.h"

typedef enum ImageKind {
        IMAGE_DIRECTORY,        /* a tree */
        IMAGE_RAW,              /* a file with a file system, or a partition table and several */
        IMAGE_BLOCK,            /* a block device with the same */
} ImageKind;

typedef struct Image {
        char *name;
        char *path;             /* absolute, symbolic links resolved */
        char *found;            /* the same with a link as the last part kept: settings lie beside the link */
        ImageKind kind;
        bool read_only;         /* a file without write permission */
        int fd;                 /* O_PATH on path; -EBADF in listings */
} Image;

void image_done(Image *i);

/* Finds a machine's tree by name: a directory or a block device of that name, or a file NAME.raw. dirs NULL: the real
 * search path. Failures: no such machine (with the nearest name), a file instead of a directory, unreadable. */
int image_find(const char *const *dirs, const char *name, Image *ret, Failure *failure);

/* Opens a tree by directory. Its name is the last part of `found`, which need not be a machine's name. "/", the host, has
 * the name "host". */
int image_open(const char *path, Image *ret, Failure *failure);

/* Opens a disk image by file or block device; the last part of `found` without ".raw" is the name. */
int image_open_disk(const char *path, Image *ret, Failure *failure);

/* Names a tree that does not exist yet, in a directory that exists: name and path, no fd. */
int image_name_new(const char *path, Image *ret, Failure *failure);

/* Lists all images, sorted by name, without those whose names are no machine names (dot files). Of two with the same
 * name the first in the search path counts. Directories that the caller may not read are skipped. */
int image_list(const char *const *dirs, Image **ret, size_t *ret_n);
void image_list_free(Image *images, size_t n);

/* Locks a tree against another run of it: with the two locks of systemd-nspawn (beside the image, and by inode below
 * /run/systemd/nspawn/locks), so that the two exclude each other. Shared if read_only. lock_dir NULL: the real one.
 * -EBUSY: in use. */
typedef struct ImageLock {
        LockFile beside, inode;
} ImageLock;
#define IMAGE_LOCK_NULL { LOCK_FILE_NULL, LOCK_FILE_NULL }
int image_lock(const Image *i, bool read_only, const char *lock_dir, ImageLock *ret, Failure *failure);
/* Would it be in use? Changes nothing. *ret_holder: see lock_file_is_held(). */
bool image_is_locked(const Image *i, bool read_only, const char *lock_dir, pid_t *ret_holder);
void image_unlock(ImageLock *l);
