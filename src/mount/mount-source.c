/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * New file systems and clones of mounts (see mount-source.h), detached by the new mount API: invisible until they are
 * attached. Runs in the supervisor with the host's CAP_SYS_ADMIN; mount_new() also in the child.
 */

#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/settings-table.h"
#include "mount/mount-left.h"
#include "mount/mount-source.h"
#include "users/id-range.h"
#include "users/user-namespace.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/namespace-call.h"
#include "util/tree.h"

/* option: the rejected one, or NULL. */
static int fail_new(const MountOp *op, int r, const char *option, const char *value, Failure *failure)
{
        bool api = strcmp(op->fstype, "proc") == 0 || strcmp(op->fstype, "sysfs") == 0;

        return failure_set_at(failure, op->from, r, "Failed to create a new %s for '%s' of the machine%s%s%s%s: %m%s", op->fstype,
                              op->dest, option ? ", option " : "", option ?: "", value ? "=" : "", value ?: "",
                              api && r == -EPERM ? " (in a machine of box: it needs Nesting=yes)" : "");
}

/* Sets the step's options "a=b,c" one by one; options is a copy that is modified. */
static int configure(int fs_fd, const MountOp *op, char *options, Failure *failure)
{
        for (char *o; (o = strsep(&options, ","));) {
                char *value = strchr(o, '=');
                int r;

                if (!*o)
                        continue;
                if (value)
                        *value++ = 0;
                r = value ? fsconfig(fs_fd, FSCONFIG_SET_STRING, o, value, 0) :
                            fsconfig(fs_fd, FSCONFIG_SET_FLAG, o, NULL, 0);
                if (r < 0)
                        return fail_new(op, -errno, o, value, failure);
        }

        return 0;
}

int mount_new_from_context(int fs_fd, const MountOp *op, uint64_t attrs, Failure *failure)
{
        int fd, r;

        if (fs_fd < 0)
                return fail_new(op, fs_fd, NULL, NULL, failure);

        if (op->options) {
                _cleanup_free_ char *scratch = strdup(op->options);

                if (!scratch)
                        return failure_set(failure, -ENOMEM, "Out of memory");
                r = configure(fs_fd, op, scratch, failure);
                if (r < 0)
                        return r;
        }

        if (op->context && fsconfig(fs_fd, FSCONFIG_SET_STRING, "context", op->context, 0) < 0)
                return fail_new(op, -errno, "context", op->context, failure);
        if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return fail_new(op, -errno, NULL, NULL, failure);
        fd = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned) attrs);
        return fd < 0 ? fail_new(op, -errno, NULL, NULL, failure) : fd;
}

int mount_new(const MountOp *op, uint64_t attrs, Failure *failure)
{
        _cleanup_close_ int fs_fd = RET_ERRNO(fsopen(op->fstype, FSOPEN_CLOEXEC));

        return mount_new_from_context(fs_fd, op, attrs, failure);
}

const char *mount_source_name(const MountOp *op)
{
        return op->source ? op->source : "a temporary directory";
}

void mount_source_say_missing(const MountOp *op)
{
        char source[SOURCE_TEXT_MAX];

        if (op->flags & MOUNT_IF_SOURCE)
                log_notice(0, "%s: Nothing is mounted on '%s': its optional source does not exist", source_text(op->from, source),
                           op->dest);
}

typedef struct TreeSource {
        int fd;
        unsigned flags;
} TreeSource;

static int open_tree_source(void *argument)
{
        const TreeSource *s = argument;

        return RET_ERRNO(open_tree(s->fd, "", s->flags));
}

/* The kernel clones only mounts of the caller's mount namespace. */
int mount_clone_in_tree(int fd, unsigned flags, const MountMakeContext *c)
{
        TreeSource source = { fd, flags };

        return c->tree_namespace_fd < 0 ? open_tree_source(&source) :
                                          namespace_call(c->tree_namespace_fd, CLONE_NEWNS, open_tree_source, &source);
}

static int clone_source(const MountOp *op, const MountMakeContext *c, const MountScratch *scratch)
{
        unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (op->flags & MOUNT_RECURSIVE ? AT_RECURSIVE : 0);
        _cleanup_close_ int fd = -EBADF;

        switch (op->source_kind) {
        case MOUNT_SOURCE_TREE:
                return mount_clone_in_tree(c->tree_fd, flags | AT_EMPTY_PATH, c);
        case MOUNT_SOURCE_OLD_ROOT:
                return mount_clone_in_tree(c->image_fd, flags | AT_EMPTY_PATH, c);
        case MOUNT_SOURCE_IN_TREE:
        case MOUNT_SOURCE_IN_OLD_ROOT:
                fd = tree_open(op->source_kind == MOUNT_SOURCE_IN_TREE ? c->tree_fd : c->image_fd, op->source, O_PATH);
                return fd < 0 ? fd : mount_clone_in_tree(fd, flags | AT_EMPTY_PATH, c);
        case MOUNT_SOURCE_SCRATCH:
        case MOUNT_SOURCE_BESIDE_TREE:
                return RET_ERRNO(open_tree(scratch->dir.fd, scratch->upper, flags));
        default:
                return RET_ERRNO(open_tree(AT_FDCWD, op->source, flags));
        }
}

int mount_open_source(const MountOp *op, const MountMakeContext *c, const MountScratch *scratch, Failure *failure)
{
        int fd = clone_source(op, c, scratch);

        if (fd >= 0 || (fd == -ENOENT && op->flags & (MOUNT_OPTIONAL | MOUNT_IF_SOURCE)))
                return fd;
        return failure_set_at(failure, op->from, fd, "Failed to open '%s' for mounting: %m", mount_source_name(op));
}

/* The destination's owner on the host, through the id map of "/". Leaves *ret_uid and *ret_gid (the machine's root)
 * where the destination does not exist or has an owner that is not in the machine's map. */
static void dest_owner(const MountOp *op, int root_fd, const MountMakeContext *c, uid_t *ret_uid, gid_t *ret_gid)
{
        _cleanup_close_ int dest = tree_open(root_fd, op->dest, O_PATH);
        struct stat st;

        if (dest < 0 || fstat(dest, &st) < 0)
                return;
        if (!c->map || id_map_has_host(c->map, st.st_uid))
                *ret_uid = st.st_uid;
        if (!c->map || id_map_has_host(c->map, st.st_gid))
                *ret_gid = st.st_gid;
}

/* A new user namespace for owners of the foreign range. */
static int foreign_id_map(const MountMakeContext *c, Failure *failure)
{
        const IdMap uids = id_map_from_base(c->map, ID_RANGE_FOREIGN, ID_RANGE_COUNT);
        const IdMap gids = id_map_from_base(c->gid_map, ID_RANGE_FOREIGN, ID_RANGE_COUNT);

        return user_namespace_new(&uids, &gids, failure);
}

/* The user namespace with the step's id map: the machine's, or a new one (also in *ret, for the caller to close). That
 * of an owner maps only the source's; all other ids are unmapped (nobody). */
static int open_id_map(const MountOp *op, const MountMakeContext *c, int root_fd, int fd, int *ret, Failure *failure)
{
        IdMap uids = { .n = 1 }, gids = { .n = 1 };
        uid_t uid = c->owner;
        gid_t gid = c->owner;
        struct stat st;
        int r;

        if (op->id_map == MOUNT_IDMAP_MACHINE)
                return c->userns_fd;
        if (op->id_map == MOUNT_IDMAP_FOREIGN)
                return *ret = foreign_id_map(c, failure);
        if (fstat(fd, &st) < 0)
                return failure_set(failure, -errno, "Failed to stat '%s': %m", mount_source_name(op));
        if (op->id_map == MOUNT_IDMAP_OWNER)
                dest_owner(op, root_fd, c, &uid, &gid);

        uids.lines[0] = (IdMapLine) { .inside = st.st_uid, .outside = uid, .count = 1 };
        gids.lines[0] = (IdMapLine) { .inside = st.st_gid, .outside = gid, .count = 1 };
        r = user_namespace_new(&uids, &gids, failure);
        *ret = r;
        return r;
}

static bool is_tree(const MountOp *op)
{
        return op->source_kind == MOUNT_SOURCE_TREE || op->source_kind == MOUNT_SOURCE_OLD_ROOT;
}

/* The mount below fd that cannot be mapped, if it is not fd itself. */
static int idmap_failure_below(const MountOp *op, const MountMakeContext *c, int fd, int userns_fd, Failure *failure)
{
        _cleanup_free_ char *path = NULL, *type = NULL;
        char form[SETTING_FORM_MAX];

        if (!(op->flags & MOUNT_RECURSIVE) || mount_left_find(fd, userns_fd, &path, &type) < 0)
                return 0;
        return failure_set_at(failure, op->from, -EINVAL, "The file system on '%s%s' (%s), mounted in '%s', has no idmapped "
                              "mounts; unmount it, or %s%s", mount_source_name(op), path, type, mount_source_name(op),
                              is_tree(op) ? "set " : "",
                              is_tree(op) ? setting_form(SETTING_PRIVATE_USERS, c->users_from, "no", form) :
                                            "bind it without an id map");
}

static int idmap_failure(const MountOp *op, const MountMakeContext *c, int fd, int userns_fd, int r, Failure *failure)
{
        char form[SETTING_FORM_MAX], other[SETTING_FORM_MAX];
        const char *advice = is_tree(op)      ? "put the tree on ext4, xfs or btrfs, or set " :
                             op->n_layers > 0 ? "put it on ext4, xfs or btrfs" :
                                                "bind it without an id map";

        if (r == -EPERM)
                return failure_set_at(failure, op->from, r, "Failed to set the id map of the mount of '%s': %m (in a user "
                                      "namespace, only file systems mounted in it can be mapped: use %s or %s)",
                                      mount_source_name(op), setting_form(SETTING_PRIVATE_USERS, c->users_from, "no", form),
                                      setting_form(SETTING_PRIVATE_USERS, c->users_from, "identity", other));
        if (r != -EINVAL)
                return failure_set_at(failure, op->from, r, "Failed to set the id map of the mount of '%s': %m",
                                      mount_source_name(op));
        if (failure && idmap_failure_below(op, c, fd, userns_fd, failure) < 0)
                return r;
        return failure_set_at(failure, op->from, r, "The file system of '%s' has no idmapped mounts; %s%s",
                              mount_source_name(op), advice,
                              is_tree(op) ? setting_form(SETTING_PRIVATE_USERS, c->users_from, "no", form) : "");
}

int mount_set_attributes(const MountOp *op, int fd, int root_fd, const MountMakeContext *c, Failure *failure)
{
        struct mount_attr attr = {
                .attr_set = op->attrs,
                /* A clone is in its source's peer group: mounts on it would show on the host. */
                .propagation = op->flags & MOUNT_SLAVE ? MS_SLAVE : MS_PRIVATE,
        };
        unsigned flags = AT_EMPTY_PATH | (op->flags & MOUNT_RECURSIVE ? AT_RECURSIVE : 0);
        _cleanup_close_ int own_map = -EBADF;
        int r;

        if (op->id_map) {
                r = open_id_map(op, c, root_fd, fd, &own_map, failure);
                if (r < 0)
                        return r;
                attr.attr_set |= MOUNT_ATTR_IDMAP;
                attr.userns_fd = (uint64_t) r;
        }
        if (mount_setattr(fd, "", flags, &attr, sizeof(attr)) >= 0)
                return 0;

        r = -errno;
        if (op->id_map && r == -EINVAL && op->flags & MOUNT_OPTIONAL)
                return -ENOENT;
        if (op->id_map)
                return idmap_failure(op, c, fd, (int) attr.userns_fd, r, failure);
        return failure_set_at(failure, op->from, r, "Failed to set attributes of the mount of '%s': %m", mount_source_name(op));
}
