/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tries what a start would do (see check-start.h): the sources of mounts are cloned and get their attributes and id maps, by the
 * start's own functions, and the clones are closed again, which nothing sees. box-run --check, as root of the host; as another
 * user it is checked that the sources are there.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/mount-source.h"
#include "run/check-start.h"
#include "run/stage.h"
#include "users/user-namespace.h"
#include "util/fd.h"
#include "util/parse.h"

static int add(Problems *problems, const Failure *f)
{
        return problem_error(problems, (Source) {}, "%s", f->text);
}

/* ---- mounts ----------------------------------------------------------------------------------------------------- */

static bool is_of_tree(MountSourceKind kind)
{
        return mount_source_is_in_tree(kind) || kind == MOUNT_SOURCE_TREE || kind == MOUNT_SOURCE_OLD_ROOT;
}

/* EACCES, EPERM: the caller may not look, and the start may. */
static int check_exists(const MountOp *op, const char *source, Problems *problems)
{
        struct stat st;

        if (stat(source, &st) >= 0 || errno == EACCES || errno == EPERM)
                return 0;
        return problem_error(problems, op->from, "Failed to open '%s' for mounting: %m", source);
}

static int try_clone(const MountOp *op, const MountMakeContext *c, Problems *problems)
{
        static const MountScratch none = {};
        _cleanup_close_ int fd = -EBADF;
        Failure f = {};
        int r;

        fd = mount_open_source(op, c, &none, &f);
        r = fd < 0 ? fd : mount_set_attributes(op, fd, c->tree_fd, c, &f);
        /* Without a text, it is optional. */
        return r < 0 && f.error < 0 ? add(problems, &f) : 0;
}

static int check_mount(const MountOp *op, const MountMakeContext *c, bool privileged, Problems *problems)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < op->n_layers; i++)
                if (op->layers[i].source_kind == MOUNT_SOURCE_PATH && op->from.where && !op->layers[i].optional)
                        r = check_exists(op, op->layers[i].source, problems);
        /* A start creates the sources on the host that no setting names. */
        if (r < 0 || op->kind != MOUNT_CLONE || !(is_of_tree(op->source_kind) ||
                                                  (op->source_kind == MOUNT_SOURCE_PATH && op->from.where)))
                return r;
        if (privileged)
                return c->tree_fd >= 0 || !is_of_tree(op->source_kind) ? try_clone(op, c, problems) : 0;
        return op->source_kind == MOUNT_SOURCE_PATH && !(op->flags & (MOUNT_OPTIONAL | MOUNT_IF_SOURCE)) ?
               check_exists(op, op->source, problems) : 0;
}

/* A disk image is not mounted for this: what a setting names in it is not there to be looked at. */
static int open_tree_root(const Machine *m)
{
        return m->image.kind == IMAGE_DIRECTORY || m->disk.tree.namespace_fd >= 0 ? machine_open_root(m, NULL) : -EBADF;
}

static int check_mounts(const Machine *m, Problems *problems)
{
        _cleanup_close_ int tree_fd = open_tree_root(m), userns_fd = -EBADF;
        MountMakeContext c = {
                .image_fd = m->image.fd,
                .tree_fd = tree_fd,
                .tree_namespace_fd = m->disk.tree.namespace_fd,
                .outer_fd = -EBADF,
                .leader_pidfd = -EBADF,
                .map = m->plan.userns ? &m->plan.uid_map : NULL,
                .gid_map = m->plan.userns ? &m->plan.gid_map : NULL,
                .owner = m->plan.owner,
                .first_id = m->plan.first_id,
                .users_from = m->settings.from[SETTING_PRIVATE_USERS],
                .userns_fd = -EBADF,
        };
        bool privileged = geteuid() == 0;
        int r = 0;

        if (privileged && m->plan.userns) {
                userns_fd = user_namespace_new(&m->plan.uid_map, &m->plan.gid_map, NULL);
                c.userns_fd = userns_fd;
                privileged = userns_fd >= 0;
        }
        for (size_t i = 0; r >= 0 && i < m->plan.mounts.n; i++)
                r = check_mount(&m->plan.mounts.ops[i], &c, privileged, problems);
        return r;
}

/* ---- limits ----------------------------------------------------------------------------------------------------- */

/* The one limit of the host that no privilege passes. */
static int check_limits(const Machine *m, Problems *problems)
{
        const struct rlimit *files = &m->plan.limits.rlimits[RLIMIT_NOFILE].value;
        _cleanup_free_ char *text = NULL;
        uint64_t most;

        if (!m->plan.limits.rlimits[RLIMIT_NOFILE].asked ||
            fd_read_file_at(AT_FDCWD, "/proc/sys/fs/nr_open", 64, &text, NULL) < 0)
                return 0;
        text[strcspn(text, "\n")] = '\0';
        if (parse_u64(text, &most) < 0 || files->rlim_max <= most)
                return 0;
        return problem_error(problems, m->plan.limits.rlimits[RLIMIT_NOFILE].from,
                             "LimitNOFILE= is above fs.nr_open of this host, %s", text);
}

int check_start(const Machine *m, Problems *problems)
{
        int r = stage_lock_check(m, problems);

        if (r >= 0)
                r = check_mounts(m, problems);
        return r < 0 ? r : check_limits(m, problems);
}
