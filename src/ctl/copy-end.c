/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See copy-end.h. Part of boxctl, as root. A running machine is seen through /proc/PID/root of its PID 1, with its own mounts; a
 * stopped one is its tree.
 */

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/copy-end.h"
#include "ctl/running-machine.h"
#include "image/passwd.h"
#include "util/parse.h"
#include "util/tree.h"

enum { ID_NOBODY = 65534, RANGE = 65536 };

void copy_end_done(CopyEnd *e)
{
        image_unlock(&e->lock);
        image_done(&e->image);
        leader_done(&e->leader);
        *e = (CopyEnd) COPY_END_HOST;
}

/* Is the namespace of the process the same as ours? */
static int shares_namespace(pid_t pid, const char *name)
{
        char own[40], theirs[40];
        struct stat a, b;

        (void) snprintf(own, sizeof(own), "/proc/self/ns/%s", name);
        (void) snprintf(theirs, sizeof(theirs), "/proc/%d/ns/%s", pid, name);
        if (stat(own, &a) < 0 || stat(theirs, &b) < 0)
                return -errno;
        return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int open_running(const RunningMachine *m, CopyEnd *e, Failure *failure)
{
        pid_t pid = running_machine_leader(m);
        int r, mounts;

        if (pid <= 0)
                return failure_set(failure, -EOPNOTSUPP, "The machine has no process on this host whose files could be seen");
        r = leader_open(pid, &e->leader, failure);
        if (r < 0)
                return r;
        mounts = shares_namespace(pid, "mnt");
        if (mounts > 0)         /* its "/" is the host's */
                return failure_set(failure, -EOPNOTSUPP, "The machine's files are not mounted on this host: it is no container");
        r = mounts < 0 ? mounts : shares_namespace(pid, "user");
        e->own_users = r == 0;
        if (r == 0)
                r = user_namespace_read_maps(pid, &e->uids, &e->gids);
        if (r < 0)
                return failure_set(failure, r, "Failed to read the namespaces of process %d: %m", pid);
        e->root_fd = e->leader.root_fd;
        return 0;
}

/* A tree that belongs to a range of ids keeps it; one of root's is mapped when it is started. */
static int open_stopped(const char *machine, bool write, CopyEnd *e, Failure *failure)
{
        struct stat st;
        uint32_t base;
        int r = image_find(NULL, machine, &e->image, failure);

        if (r < 0)
                return r;
        if (e->image.kind != IMAGE_DIRECTORY)
                return failure_set(failure, -EOPNOTSUPP, "This machine is a disk image and does not run; start it first, or use: "
                                   "systemd-dissect --with %s", e->image.path);
        r = image_lock(&e->image, !write, NULL, &e->lock, failure);
        if (r < 0)
                return r;
        if (fstat(e->image.fd, &st) < 0)
                return failure_set(failure, -errno, "Failed to stat '%s': %m", e->image.path);
        base = st.st_uid - st.st_uid % RANGE;
        e->own_users = true;
        e->uids = e->gids = (IdMap) { .lines = { { 0, base, base == 0 ? UINT32_MAX : RANGE } }, .n = 1 };
        e->root_fd = e->image.fd;
        return 0;
}

int copy_end_open(Ctl *c, const char *machine, bool write, CopyEnd *ret, Failure *failure)
{
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        _cleanup_(copy_end_done) CopyEnd e = COPY_END_HOST;
        Failure f = { 0 };
        int r = 0;

        if (machine) {
                r = running_machine_find(c, machine, &m, &f);
                if (r >= 0)
                        r = open_running(&m, &e, failure);
                else if (r == -EINVAL)
                        return failure_set(failure, r, "%s", f.text);
                else
                        r = open_stopped(machine, write, &e, failure);
        }
        if (r < 0)
                return r;
        e.machine = machine;
        *ret = e;
        e = (CopyEnd) COPY_END_HOST;
        return 0;
}

int copy_end_open_path(const CopyEnd *e, const char *path, int flags)
{
        if (e->root_fd >= 0)
                return tree_open(e->root_fd, path, flags);
        return RET_ERRNO(open(path, flags | O_CLOEXEC));
}

/* ---- users ------------------------------------------------------------------------------------------------ */

uint32_t copy_end_id_inside(const CopyEnd *e, bool group, uint32_t id)
{
        uint32_t inside;

        if (!e->own_users)
                return id;
        return id_map_from_host(group ? &e->gids : &e->uids, id, &inside) ? inside : ID_NOBODY;
}

bool copy_end_id_outside(const CopyEnd *e, bool group, uint32_t inside, uint32_t *ret)
{
        if (e->own_users)
                return id_map_to_host(group ? &e->gids : &e->uids, inside, ret);
        *ret = inside;
        return true;
}

static bool same_map(const IdMap *a, const IdMap *b)
{
        return a->n == b->n && memcmp(a->lines, b->lines, a->n * sizeof(*a->lines)) == 0;
}

bool copy_end_same_users(const CopyEnd *a, const CopyEnd *b)
{
        if (a->own_users != b->own_users)
                return false;
        return !a->own_users || (same_map(&a->uids, &b->uids) && same_map(&a->gids, &b->gids));
}

int copy_end_may_write(const CopyEnd *e, const struct stat *directory)
{
        if (!e->own_users || (id_map_has_host(&e->uids, directory->st_uid) && id_map_has_host(&e->gids, directory->st_gid)))
                return 0;
        return -EACCES;
}

static int find_number(const char *text, uint32_t *ret)
{
        int r = parse_u32(text, ret);

        return r >= 0 && *ret == UINT32_MAX ? -ERANGE : r;
}

static int find_user(const CopyEnd *e, const char *name, uint32_t *ret_uid, uint32_t *ret_gid)
{
        _cleanup_(machine_user_done) MachineUser user = { 0 };
        const struct passwd *p;
        int r;

        if (e->root_fd >= 0) {
                r = machine_user_read(e->root_fd, name, &user);
                if (r >= 0) {
                        *ret_uid = user.uid;
                        *ret_gid = user.gid;
                        return 0;
                }
        } else {
                p = getpwnam(name);
                if (p) {
                        *ret_uid = p->pw_uid;
                        *ret_gid = p->pw_gid;
                        return 0;
                }
        }
        return find_number(name, ret_uid);
}

static int find_group(const CopyEnd *e, const char *name, uint32_t *ret)
{
        _cleanup_free_ char *text = NULL;
        char *rest, *fields[3];
        const struct group *g;

        if (find_number(name, ret) >= 0)
                return 0;
        if (e->root_fd < 0) {
                g = getgrnam(name);
                if (!g)
                        return -ESRCH;
                *ret = g->gr_gid;
                return 0;
        }
        if (passwd_read(e->root_fd, "/etc/group", &text) < 0 || !text)
                return -ESRCH;
        rest = text;
        for (size_t n; (n = passwd_next(&rest, fields, ARRAY_SIZE(fields))) > 0;)
                if (n >= 3 && strcmp(fields[0], name) == 0)
                        return find_number(fields[2], ret);
        return -ESRCH;
}

int copy_end_find_owner(const CopyEnd *e, const char *text, uint32_t *ret_uid, uint32_t *ret_gid, Failure *failure)
{
        const char *colon = strchr(text, ':'), *where = e->machine ? "in machine " : "on the host";
        _cleanup_free_ char *user = strndup(text, colon ? (size_t) (colon - text) : strlen(text));

        *ret_uid = *ret_gid = UINT32_MAX;
        if (!user)
                return failure_set(failure, -ENOMEM, "Out of memory");
        if (*user && find_user(e, user, ret_uid, ret_gid) < 0)
                return failure_set(failure, -ESRCH, "There is no user '%s' %s%s", user, where, e->machine ?: "");
        if (colon && find_group(e, colon + 1, ret_gid) < 0)
                return failure_set(failure, -ESRCH, "There is no group '%s' %s%s", colon + 1, where, e->machine ?: "");
        return 0;
}
