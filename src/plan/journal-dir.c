/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Owners in a machine's journal directory (see journal-dir.h). The supervisor, as root of the host, while no machine uses the
 * directory. What lies there was made by a payload: only regular files without a second name are touched, no link is followed,
 * and chown(2) takes set-user-ID bits and file capabilities away.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "plan/journal-dir.h"
#include "util/fd.h"
#include "util/log.h"

/* "BASE NAME". The payload cannot write attributes of this kind, unless it is the host's root anyway. */
#define RECORD "trusted.box.journal"

enum { RANGE = 65536 };         /* ids that a machine has at least, but for IdMap= */

JournalDirChange journal_dir_change(const JournalDirOwner *is, const JournalMachine *m)
{
        if (!*is->machine)
                return is->uid == m->owner ? JOURNAL_DIR_RECORDED : JOURNAL_DIR_STAYS;
        return strcmp(is->machine, m->name) == 0 && is->base != m->owner ? JOURNAL_DIR_MOVED : JOURNAL_DIR_STAYS;
}

bool journal_dir_new_id(const JournalMachine *m, const IdMap *map, uid_t base, uint32_t id, uint32_t *ret)
{
        uint32_t inside = id - base + m->first_id;

        if (id < base || id - base >= RANGE)
                return false;
        if (map)
                return id_map_to_host(map, inside, ret);
        *ret = inside;
        return true;
}

void journal_dir_read(int dir_fd, JournalDirOwner *ret)
{
        char text[96];
        ssize_t n = fgetxattr(dir_fd, RECORD, text, sizeof(text) - 1);
        struct stat st;

        *ret = (JournalDirOwner) { .uid = fstat(dir_fd, &st) < 0 ? (uid_t) -1 : st.st_uid };
        if (n < 0)
                return;
        text[n] = 0;
        if (sscanf(text, "%u %64s", &ret->base, ret->machine) != 2)
                ret->machine[0] = 0;
}

/* Not every file system has such attributes: there, owners are not moved. */
static void write_record(int dir_fd, const JournalMachine *m)
{
        char text[96];
        int n = snprintf(text, sizeof(text), "%u %s", m->owner, m->name);

        if (n > 0 && (size_t) n < sizeof(text) && fsetxattr(dir_fd, RECORD, text, (size_t) n, 0) < 0)
                log_debug(-errno, "Failed to record the machine of a journal directory, ignoring: %m");
}

static int move_owner(int fd, const struct stat *st, const JournalMachine *m, uid_t base)
{
        uint32_t uid, gid;
        bool has_uid = journal_dir_new_id(m, m->uids, base, st->st_uid, &uid);
        bool has_gid = journal_dir_new_id(m, m->gids, base, st->st_gid, &gid);

        if (!has_uid && !has_gid)
                return 0;
        return RET_ERRNO(fchownat(fd, "", has_uid ? uid : (uid_t) -1, has_gid ? gid : (gid_t) -1, AT_EMPTY_PATH));
}

static int move_file(int dir_fd, const char *name, const JournalMachine *m, uid_t base)
{
        _cleanup_close_ int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        return S_ISREG(st.st_mode) && st.st_nlink == 1 ? move_owner(fd, &st, m, base) : 0;
}

static int move_all(int dir_fd, const char *path, const JournalMachine *m, uid_t base, Failure *failure)
{
        _cleanup_close_ int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_closedir_ DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *e;
        struct stat st;

        if (!d)
                return failure_set(failure, -errno, "Failed to read '%s': %m", path);
        TAKE_FD(fd);
        while ((errno = 0, e = readdir(d))) {
                int r = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ? 0 : move_file(dir_fd, e->d_name, m, base);

                if (r < 0)
                        log_warning(r, "Failed to change the owner of '%s/%s', ignoring: %m", path, e->d_name);
        }
        if (errno == 0 && fstat(dir_fd, &st) >= 0 && move_owner(dir_fd, &st, m, base) >= 0)
                return 0;
        return failure_set(failure, -errno, "Failed to change the owner of '%s': %m", path);
}

int journal_dir_take(int dir_fd, const char *path, const JournalMachine *m, Failure *failure)
{
        JournalDirOwner is;
        JournalDirChange change;
        int r = 0;

        journal_dir_read(dir_fd, &is);
        change = journal_dir_change(&is, m);
        if (change == JOURNAL_DIR_MOVED)
                r = move_all(dir_fd, path, m, is.base, failure);
        if (r >= 0 && change != JOURNAL_DIR_STAYS)
                write_record(dir_fd, m);
        return r;
}
