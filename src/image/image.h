/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where machines lie. Found as machined finds them: /etc/machines, /run/machines (symbolic links, usually),
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
        char *found;            /* the same, but where the name that it was found by is a link: settings lie beside that */
        ImageKind kind;
        bool read_only;         /* a file without write permissions */
        int fd;                 /* O_PATH on path; -EBADF in listings */
} Image;

void image_done(Image *i);

/* Finds a machine's tree by name: a directory or a block device of that name, or a file NAME.raw. dirs NULL: the real
 * search path. Speaks by failure: no such machine (and the nearest that is there), a file in place of a directory,
 * unreadable. */
int image_find(const char *const *dirs, const char *name, Image *ret, Failure *failure);

/* Opens a tree by directory, whose last part is then its name as well; that of "/", which is the host, is "host". */
int image_open(const char *path, Image *ret, Failure *failure);

/* Opens a disk image by its file, whose last part without ".raw" is its name as well, or a block device. */
int image_open_disk(const char *path, Image *ret, Failure *failure);

/* A tree that is not there yet, in a directory that is: name and path, no fd. */
int image_name_new(const char *path, Image *ret, Failure *failure);

/* All images by name, sorted; what can't be a machine's name (dot files) is left out. Where two directories have the
 * same name, the first of the search path is meant. Directories that the caller may not read are skipped. */
int image_list(const char *const *dirs, Image **ret, size_t *ret_n);
void image_list_free(Image *images, size_t n);

/* Locks a tree against another run of it: the same two locks that systemd-nspawn takes (beside the image, and by
 * inode below /run/systemd/nspawn/locks), so that neither can run what the other runs. Shared where read_only.
 * lock_dir NULL: the real one. -EBUSY with a failure that says who can hold it. */
typedef struct ImageLock {
        LockFile beside, inode;
} ImageLock;
#define IMAGE_LOCK_NULL { LOCK_FILE_NULL, LOCK_FILE_NULL }
int image_lock(const Image *i, bool read_only, const char *lock_dir, ImageLock *ret, Failure *failure);
void image_unlock(ImageLock *l);
