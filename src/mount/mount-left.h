/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Mounts that are left in a tree, or lie below a directory that is bound: a file system without idmapped mounts among them makes
 * the id map of a recursive clone impossible.
 */

#include "mount/mount-work.h"

/* A clone of the detached mount fd of step i (n steps) without the mounts that later steps cover, since nobody would see them.
 * Afterwards, fd can only be closed. A descriptor, or negative errno. */
int mount_left_drop(int fd, const MountWork *work, size_t n, size_t i);

/* Finds the first mount below the detached mount fd that cannot have the id map of userns_fd: its path below fd, and its type.
 * Afterwards, fd can only be closed. -ENOENT: all mounts can be mapped. */
int mount_left_find(int fd, int userns_fd, char **ret_path, char **ret_type);
