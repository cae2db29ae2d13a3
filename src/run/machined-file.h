/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "util/macro.h"

/* systemd-machined's file of each machine, of other managers, too: readable while machined and the bus are down. */
#define MACHINED_DIR "/run/systemd/machines"

typedef struct MachinedFile {
        char *service;          /* the manager, as it registered itself; NULL: unknown */
        char *root;             /* the tree; NULL: unknown */
        pid_t leader;           /* 0: unknown */
} MachinedFile;

/* 0 or negative errno (-ENOENT: no such machine); *ret is then empty. */
int machined_file_read(const char *name, MachinedFile *ret);
void machined_file_done(MachinedFile *f);
