/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether users of the host can reach the files of a machine. If they can, and files of the machine's root belong to root on the
 * host, a set-user-ID program that is made inside gives root outside.
 */

#include "util/macro.h"

/* Looks at the directories above the open file or directory fd, nearest first: one that only root may search closes all below
 * it. Its own mode does not count, as the machine may change that. 1: open to others, with the nearest directory in *ret, to be
 * freed; 0: closed, or set-user-ID bits have no effect there; -ENOMEM. What cannot be looked at is closed. */
int exposure_find(int fd, char **ret);
