/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whose a machine's journal directory on the host is. A machine whose ids change from start to start (PrivateUsers=pick, then
 * a number, then "no") takes its journal along: the owners of the files are moved from the range that it had to the one that
 * it gets. The machine id, by which the directory is found, is the payload's to choose. So a record on the directory, which
 * only the host's root can write, says which machine has had it, and from which id on; another machine gets nothing of it.
 */

#include <sys/types.h>

#include "users/user-namespace.h"
#include "util/failure.h"

typedef struct JournalDirOwner {
        uid_t uid;              /* of the directory */
        char machine[65];       /* of the record; "": there is none */
        uid_t base;             /* of the record: host id of the machine's root */
} JournalDirOwner;

/* The machine that gets it. */
typedef struct JournalMachine {
        const char *name;
        uid_t owner;            /* host id of its root, or (IdMap= without root) of its first user */
        uint32_t first_id;      /* the same in the machine */
        const IdMap *uids, *gids;       /* NULL without a user namespace */
} JournalMachine;

typedef enum JournalDirChange {
        JOURNAL_DIR_STAYS,
        JOURNAL_DIR_RECORDED,   /* it has the machine's owner already */
        JOURNAL_DIR_MOVED,      /* it has those of an earlier start */
} JournalDirChange;

/* The machine has it after this change. Pure. */
JournalDirChange journal_dir_change(const JournalDirOwner *is, const JournalMachine *m);

/* The host id of an id of the range from base on in the machine's ids now. False: none. Pure. */
bool journal_dir_new_id(const JournalMachine *m, const IdMap *map, uid_t base, uint32_t id, uint32_t *ret);

/* Without the right to look, there is no record. */
void journal_dir_read(int dir_fd, JournalDirOwner *ret);

/* Does it. A file whose owner cannot be changed is warned of. path is for messages. The supervisor, as root of the host. */
int journal_dir_take(int dir_fd, const char *path, const JournalMachine *m, Failure *failure);
