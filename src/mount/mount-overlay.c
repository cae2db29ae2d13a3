/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Overlays (see mount-overlay.h). The supervisor, as root of the host. overlayfs has no idmapped mounts of its own, but
 * its layers may be idmapped mounts: the overlay shows their mapped owners, and maps owners back when it writes. So:
 *
 *   - each layer is a detached mount with its own id map (mount-source.c);
 *   - Linux before 6.15 accepts only layers that are attached in the caller's mount namespace. A helper process
 *     attaches them in the one where the machine's mounts will be assembled, where they end with the host's tree, and
 *     creates the overlay;
 *   - only ids in its map can write to a mapped upper layer, and overlayfs uses the credentials of the mounter: the
 *     helper has the machine's root as file system user and group, and keeps all capabilities.
 */

#include <fcntl.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/mount-overlay.h"
#include "util/fd.h"
#include "util/namespace-call.h"

/* A directory that every systemd host has; the machine's root is attached there later. */
#define STAGE "/run"

enum {
        LAYERS_MAX = 500,               /* the kernel's */
        FSCONFIG_VALUE_MAX = 255,       /* the kernel's, for one string */
};

/* Input and output of the helper. */
typedef struct Overlay {
        int *layers;                    /* mounts, the lowest first */
        size_t n_layers;
        int top;                        /* the mount with upper layer and work directory; -EBADF: read-only */
        int upper, work;
        bool throw_away;                /* the upper layer need not reach the disk */
        bool mapped_top;
        uid_t owner;
        int context;                    /* from fsopen(), configured */
        const char *step;               /* for the message, where it fails */
} Overlay;

static void overlay_done(Overlay *o)
{
        for (size_t i = 0; i < o->n_layers; i++)
                fd_close(o->layers[i]);
        free(o->layers);
        fd_close(o->top);
        fd_close(o->upper);
        fd_close(o->work);
        fd_close(o->context);
}

/* ---- in the helper, in the outer mount namespace ------------------------------------------------------------ */

static int become_owner(const Overlay *o)
{
        if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
                return -errno;
        (void) setfsgid(o->owner);
        (void) setfsuid(o->owner);
        /* They return the id before; with an invalid id, the current one. */
        return (uid_t) setfsuid((uid_t) -1) == o->owner && (uid_t) setfsgid((gid_t) -1) == o->owner ? 0 : -EPERM;
}

static int set_string(const Overlay *o, const char *key, const char *value)
{
        return RET_ERRNO(fsconfig(o->context, FSCONFIG_SET_STRING, key, value, 0));
}

/* The lower layers, uppermost first. One string has room for 14; more are set one by one, which needs Linux 6.8. */
static int set_lower(const Overlay *o)
{
        char all[FSCONFIG_VALUE_MAX + 1], path[FD_PATH_MAX];
        size_t used = 0;
        int r = 0;

        for (size_t i = o->n_layers; i-- > 0 && used < sizeof(all);)
                used += (size_t) snprintf(all + used, sizeof(all) - used, "%s%s", used > 0 ? ":" : "",
                                          fd_path(o->layers[i], path));
        if (used < sizeof(all))
                return set_string(o, "lowerdir", all);
        for (size_t i = o->n_layers; i-- > 0 && r >= 0;)
                r = set_string(o, "lowerdir+", fd_path(o->layers[i], path));
        return r;
}

static int configure(Overlay *o)
{
        char path[FD_PATH_MAX];
        int r;

        o->context = fsopen("overlay", FSOPEN_CLOEXEC);
        if (o->context < 0)
                return -errno;
        /* The name that mount(8) and df(1) show. */
        r = set_string(o, "source", "overlay");
        if (r >= 0)
                r = set_lower(o);
        if (r >= 0 && o->top >= 0)
                r = set_string(o, "upperdir", fd_path(o->upper, path));
        if (r >= 0 && o->top >= 0)
                r = set_string(o, "workdir", fd_path(o->work, path));
        if (r >= 0 && o->throw_away)
                r = RET_ERRNO(fsconfig(o->context, FSCONFIG_SET_FLAG, "volatile", NULL, 0));
        return r < 0 ? r : RET_ERRNO(fsconfig(o->context, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
}

static int configure_attached(void *userdata)
{
        Overlay *o = userdata;
        int r;

        /* All on one directory: they are used by their descriptors. */
        o->step = "attach a layer of";
        for (size_t i = 0; i < o->n_layers; i++)
                if (move_mount(o->layers[i], "", AT_FDCWD, STAGE, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                        return -errno;
        if (o->top >= 0 && move_mount(o->top, "", AT_FDCWD, STAGE, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return -errno;

        o->step = "become the machine's root for";
        r = o->mapped_top ? become_owner(o) : 0;
        if (r < 0)
                return r;
        o->step = "create";
        return configure(o);
}

/* ---- layers ------------------------------------------------------------------------------------------------ */

static int overlay_failure(const MountOp *op, int r, const char *step, Failure *failure)
{
        return failure_set_at(failure, op->from, r, "Failed to %s the overlay on '%s': %m%s", step, op->dest,
                              r == -EINVAL && op->flags & MOUNT_TOP_WRITABLE ?
                                      " (not every file system can hold what an overlay writes: ext4, xfs, btrfs and tmpfs can)" :
                                      "");
}

/* A directory of the host whose owner is one of the machine's ids on the host is not mapped again. */
static MountIdMap layer_map(const LayerOp *layer, uid_t layer_owner, const MountMakeContext *c)
{
        bool own = layer->source_kind == MOUNT_SOURCE_PATH && c->map && id_map_is_shifted(c->map, layer_owner);

        return own ? MOUNT_IDMAP_NONE : layer->id_map;
}

/* A layer as a MOUNT_CLONE step. */
static MountOp layer_op(const MountOp *op, const LayerOp *layer)
{
        return (MountOp) {
                .kind = MOUNT_CLONE, .flags = layer->optional ? MOUNT_IF_SOURCE : 0, .source_kind = layer->source_kind,
                .id_map = layer->id_map, .source = layer->source, .dest = op->dest, .from = op->from, .layers = op->layers,
                .n_layers = op->n_layers,
        };
}

static int open_lower(const MountOp *op, const LayerOp *layer, const MountMakeContext *c, const MountScratch *scratch,
                      Failure *failure)
{
        MountOp tree = layer_op(op, layer);
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        tree.attrs = MOUNT_ATTR_RDONLY;
        fd = mount_open_source(&tree, c, scratch, failure);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return overlay_failure(op, -errno, "stat a layer of", failure);
        tree.id_map = layer_map(layer, st.st_uid, c);
        r = mount_set_attributes(&tree, fd, -EBADF, c, failure);
        return r < 0 ? r : TAKE_FD(fd);
}

int mount_overlay_try_layer(const MountOp *op, const LayerOp *layer, const MountMakeContext *c, Failure *failure)
{
        static const MountScratch none = {};
        _cleanup_close_ int fd = open_lower(op, layer, c, &none, failure);
        struct stat st;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
                return overlay_failure(op, -ENOTDIR, "open a layer of", failure);
        return 0;
}

static int open_layers(const MountOp *op, const MountMakeContext *c, const MountScratch *scratch, Overlay *o,
                       Failure *failure)
{
        size_t n = op->n_layers - (op->flags & MOUNT_TOP_WRITABLE ? 1 : 0);

        if (n > LAYERS_MAX)
                return overlay_failure(op, -E2BIG, "create", failure);
        o->layers = calloc(n, sizeof(int));
        if (!o->layers)
                return overlay_failure(op, -ENOMEM, "create", failure);

        for (size_t i = 0; i < n; i++) {
                int fd = open_lower(op, &op->layers[i], c, scratch, failure);

                if (fd < 0)
                        return fd;
                o->layers[o->n_layers++] = fd;
        }
        return 0;
}

/* A tmpfs with an upper layer and a work directory. */
static int open_memory(const MountOp *op, Overlay *o, Failure *failure)
{
        MountOp tmpfs = { .kind = MOUNT_NEW, .fstype = (char *) "tmpfs", .dest = op->dest, .options = op->options,
                          .from = op->from };

        o->top = mount_new(&tmpfs, 0, failure);
        if (o->top < 0)
                return o->top;
        if (mkdirat(o->top, "upper", 0755) < 0 || mkdirat(o->top, "work", 0700) < 0)
                return overlay_failure(op, -errno, "create the upper layer of", failure);
        return 0;
}

static int open_top_mount(const LayerOp *layer, const MountMakeContext *c, const MountScratch *scratch)
{
        const unsigned flags = AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
        int fd = scratch->user_upper ? scratch->dir.parent_fd : scratch->dir.fd;

        if (scratch->user_upper && mount_source_is_in_tree(layer->source_kind))
                return mount_clone_in_tree(fd, flags, c);
        return RET_ERRNO(open_tree(fd, "", flags));
}

/* Clones the directory above upper layer and work directory: both must be on one mount. */
static int open_top(const MountOp *op, const MountMakeContext *c, const MountScratch *scratch, Overlay *o, Failure *failure)
{
        const LayerOp *layer = &op->layers[op->n_layers - 1];
        MountOp tree = layer_op(op, layer);
        struct stat st;

        if (layer->source_kind == MOUNT_SOURCE_MEMORY)
                return open_memory(op, o, failure);

        o->top = open_top_mount(layer, c, scratch);
        if (o->top < 0)
                return overlay_failure(op, o->top, "open the upper layer of", failure);
        if (fstatat(o->top, scratch->upper, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return overlay_failure(op, -errno, "open the upper layer of", failure);
        tree.id_map = layer_map(layer, st.st_uid, c);
        o->mapped_top = tree.id_map;
        return mount_set_attributes(&tree, o->top, -EBADF, c, failure);
}

static int open_upper(const MountOp *op, const MountScratch *scratch, Overlay *o, Failure *failure)
{
        const char *upper = scratch->upper ? scratch->upper : "upper";
        const char *work = scratch->user_upper ? scratch->dir.name : "work";
        struct stat st;

        o->upper = openat(o->top, upper, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        o->work = openat(o->top, work, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (o->upper < 0 || o->work < 0 || fstat(o->upper, &st) < 0)
                return overlay_failure(op, -errno, "open the upper layer of", failure);
        /* The clone does not include a mount on the directory that was looked up. */
        if (scratch->user_upper && (st.st_dev != scratch->upper_dev || st.st_ino != scratch->upper_ino))
                return overlay_failure(op, -EXDEV, "create a work directory beside the mount point that is the uppermost "
                                       "directory of", failure);
        return 0;
}

/* The overlay's root directory is the upper layer's: a new one gets owner and mode of the layer below it. */
static int copy_owner_and_mode(const MountOp *op, const Overlay *o, Failure *failure)
{
        char path[FD_PATH_MAX];
        struct stat st;

        if (fstat(o->layers[o->n_layers - 1], &st) < 0 ||
            fchownat(o->upper, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) < 0 ||
            chmod(fd_path(o->upper, path), st.st_mode & 07777) < 0)
                return overlay_failure(op, -errno, "prepare the upper layer of", failure);
        return 0;
}

static int open_writable(const MountOp *op, const MountMakeContext *c, const MountScratch *scratch, Overlay *o,
                         Failure *failure)
{
        int r;

        r = open_top(op, c, scratch, o, failure);
        if (r >= 0)
                r = open_upper(op, scratch, o, failure);
        if (r < 0)
                return r;
        if (scratch->user_upper)
                return 0;

        o->throw_away = true;
        return copy_owner_and_mode(op, o, failure);
}

/* ---- together ---------------------------------------------------------------------------------------------- */

int mount_overlay_make(const MountWork *w, const MountMakeContext *c, Failure *failure)
{
        const MountOp *op = w->op;
        _cleanup_(overlay_done) Overlay o = {
                .top = -EBADF,
                .upper = -EBADF,
                .work = -EBADF,
                .owner = c->owner,
                .context = -EBADF,
                .step = "enter a mount namespace for",
        };
        int fd, r;

        if (w->left_out)
                return -ENOENT;
        r = open_layers(op, c, &w->scratch, &o, failure);
        if (r >= 0 && op->flags & MOUNT_TOP_WRITABLE)
                r = open_writable(op, c, &w->scratch, &o, failure);
        if (r < 0)
                return r;
        r = namespace_call(c->outer_fd, CLONE_NEWNS, configure_attached, &o);
        if (r < 0)
                return overlay_failure(op, r, o.step, failure);

        fd = fsmount(o.context, FSMOUNT_CLOEXEC, (unsigned) op->attrs);
        return fd < 0 ? overlay_failure(op, -errno, "mount", failure) : fd;
}
