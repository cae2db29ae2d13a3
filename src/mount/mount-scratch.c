/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Directories for a machine's life (see mount-scratch.h). The supervisor, as root of the host; removing takes
 * CAP_DAC_OVERRIDE, CAP_FOWNER and CAP_LINUX_IMMUTABLE at the machine's end. They lie
 *
 *   DIR/.#box-TREE.DIGITS          beside the tree, or the disk image that it is in: "/" of an ephemeral machine. machined
 *                                  lists no hidden names, and systemd's tmpfiles.d removes them at boot where DIR is
 *                                  /var/lib/machines
 *   /var/tmp/box-TREE.DIGITS       the same where DIR is read-only; temporary directories of Bind= and Overlay=
 *   DIR/.#box-UPPER.DIGITS         beside a user's upper layer: its work directory, which must be on its file system
 */

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/tree-remove.h"
#include "mount/mount-scratch.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/tree.h"

#define TEMPORARY_DIR "/var/tmp"

static int oom(Failure *failure)
{
        return failure_set(failure, -ENOMEM, "Out of memory");
}

/* A directory PREFIX…DIGITS in parent_fd, which messages call parent. */
static int make_dir(int parent_fd, const char *parent, const char *prefix, const char *name, ScratchDir *ret,
                    Failure *failure)
{
        char full[NAME_MAX + 1];
        int r;

        /* Room for the digits. */
        (void) snprintf(full, sizeof(full), "%s%.*s.", prefix, NAME_MAX - 32, name);
        r = scratch_dir_make(parent_fd, full, ret);
        return r < 0 ? failure_set(failure, r, "Failed to make a temporary directory in '%s': %m", parent) : 0;
}

static int make_temporary(const MountScratchContext *c, ScratchDir *ret, Failure *failure)
{
        _cleanup_close_ int fd = open(TEMPORARY_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open '%s': %m", TEMPORARY_DIR);
        return make_dir(fd, TEMPORARY_DIR, "box-", c->image->name, ret, failure);
}

/* The directory that the tree lies in. -EROFS: it is none for us to put anything into. */
static int open_parent(const Image *i)
{
        _cleanup_free_ char *path = NULL;

        if (i->kind == IMAGE_DIRECTORY && strcmp(i->path, "/") != 0)
                return RET_ERRNO(openat(i->fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (i->kind != IMAGE_RAW)
                return -EROFS;          /* the host's own root; a device */

        path = strndup(i->path, (size_t) (strrchr(i->path, '/') - i->path) + 1);
        return path ? RET_ERRNO(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) : -ENOMEM;
}

static int make_beside_tree(const MountScratchContext *c, ScratchDir *ret, Failure *failure)
{
        _cleanup_close_ int fd = open_parent(c->image);
        Failure why = {};
        int r = fd < 0 ? fd : make_dir(fd, "..", ".#box-", c->image->name, ret, &why);

        if (r == -EROFS)
                return make_temporary(c, ret, failure);
        return r < 0 ? failure_set(failure, r, "Failed to make a layer beside the tree '%s': %m", c->image->path) : 0;
}

/* ---- what is in them --------------------------------------------------------------------------------------- */

static int make_child(const MountScratch *s, const char *name, mode_t mode, uid_t owner)
{
        _cleanup_close_ int fd = -EBADF;

        if (mkdirat(s->dir.fd, name, 0700) < 0)
                return -errno;
        fd = openat(s->dir.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 || fchown(fd, owner, owner) < 0 || fchmod(fd, mode) < 0 ? -errno : 0;
}

static int populate(MountScratch *s, const char *name, uid_t owner, Failure *failure)
{
        int r;

        s->upper = strdup(name);
        if (!s->upper)
                return oom(failure);
        r = make_child(s, name, 0755, owner);
        return r < 0 ? failure_set(failure, r, "Failed to fill a temporary directory: %m") : 0;
}

static int make_work(const MountScratch *s, Failure *failure)
{
        int r = make_child(s, "work", 0700, 0);

        return r < 0 ? failure_set(failure, r, "Failed to make a work directory: %m") : 0;
}

/* ---- the user's own upper layer ---------------------------------------------------------------------------- */

/* The directory that UPPER leads to, and the one that it lies in. */
static int open_upper(const LayerOp *layer, const MountScratchContext *c, int *ret_parent, char **ret_name, struct stat *ret)
{
        _cleanup_close_ int fd = -EBADF, parent = -EBADF;
        _cleanup_free_ char *path = NULL;
        int root_fd = layer->source_kind == MOUNT_SOURCE_IN_OLD_ROOT ? c->image->fd : c->root_fd;
        _cleanup_close_ int host_fd = -EBADF;
        char *slash;
        int r;

        if (!mount_source_is_in_tree(layer->source_kind)) {
                root_fd = host_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (host_fd < 0)
                        return -errno;
        }
        r = tree_canonicalize(root_fd, layer->source, &path);
        if (r < 0)
                return r;
        slash = strrchr(path, '/');
        if (!slash[1])
                return -EBUSY;          /* a root: nothing is beside it */
        *ret_name = strdup(slash + 1);
        if (!*ret_name)
                return -ENOMEM;

        slash[slash == path] = 0;
        parent = tree_open(root_fd, path, O_PATH | O_DIRECTORY);
        if (parent < 0)
                return parent;
        fd = openat(parent, *ret_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, ret) < 0)
                return -errno;
        *ret_parent = TAKE_FD(parent);
        return 0;
}

static int make_beside_upper(const MountOp *op, const MountScratchContext *c, MountScratch *s, Failure *failure)
{
        const LayerOp *layer = &op->layers[op->n_layers - 1];
        _cleanup_close_ int parent = -EBADF;
        char source[SOURCE_TEXT_MAX];
        struct stat st;
        int r;

        r = open_upper(layer, c, &parent, &s->upper, &st);
        if (r < 0)
                return failure_set(failure, r, "%s: Failed to open the overlay's uppermost directory '%s': %m",
                                   source_text(op->from, source), layer->source);
        s->user_upper = true;
        s->upper_dev = st.st_dev;
        s->upper_ino = st.st_ino;
        return make_dir(parent, layer->source, ".#box-", s->upper, &s->dir, failure);
}

/* ---- steps ------------------------------------------------------------------------------------------------- */

/* Of an overlay, the last layer's. */
static MountSourceKind source_kind(const MountOp *op)
{
        return op->n_layers > 0 ? op->layers[op->n_layers - 1].source_kind : op->source_kind;
}

static bool has_user_upper(const MountOp *op)
{
        return op->flags & MOUNT_TOP_WRITABLE && !mount_source_is_scratch(source_kind(op)) &&
               source_kind(op) != MOUNT_SOURCE_MEMORY;
}

static int make_for_step(const MountOp *op, const MountScratchContext *c, MountScratch *s, Failure *failure)
{
        int r;

        if (has_user_upper(op))
                return make_beside_upper(op, c, s, failure);
        if (source_kind(op) == MOUNT_SOURCE_BESIDE_TREE)
                r = make_beside_tree(c, &s->dir, failure);
        else
                r = make_temporary(c, &s->dir, failure);
        if (r < 0)
                return r;

        r = populate(s, op->n_layers > 0 ? "upper" : "src", c->owner, failure);
        return r >= 0 && op->n_layers > 0 ? make_work(s, failure) : r;
}

int mount_scratch_make(const MountPlan *plan, const MountScratchContext *c, MountScratch **ret, Failure *failure)
{
        MountScratch *scratch = NULL;

        for (size_t i = 0; i < plan->n; i++) {
                int r;

                if (!mount_source_is_scratch(source_kind(&plan->ops[i])) && !has_user_upper(&plan->ops[i]))
                        continue;
                if (!scratch) {
                        scratch = calloc(plan->n, sizeof(MountScratch));
                        if (!scratch)
                                return oom(failure);
                        for (size_t j = 0; j < plan->n; j++)
                                scratch[j].dir = (ScratchDir) SCRATCH_DIR_NULL;
                }
                r = make_for_step(&plan->ops[i], c, &scratch[i], failure);
                if (r < 0) {
                        mount_scratch_free(scratch, plan->n);
                        return r;
                }
        }

        *ret = scratch;
        return 0;
}

/* overlayfs marks the work directory of a mount that was not to be synced, and takes none that is so marked. */
int mount_scratch_renew(MountScratch *scratch, size_t n, Failure *failure)
{
        for (size_t i = 0; i < n; i++) {
                int r = scratch[i].dir.fd < 0 || scratch[i].user_upper ? -ENOENT : tree_remove(scratch[i].dir.fd, "work");

                if (r >= 0)
                        r = make_work(&scratch[i], failure);
                else if (r != -ENOENT)
                        (void) failure_set(failure, r, "Failed to remove the work directory of an overlay: %m");
                if (r < 0 && r != -ENOENT)
                        return r;
        }
        return 0;
}

void mount_scratch_free(MountScratch *scratch, size_t n)
{
        for (size_t i = 0; scratch && i < n; i++) {
                _cleanup_free_ char *name = scratch[i].dir.name ? strdup(scratch[i].dir.name) : NULL;
                int r = scratch_dir_remove(&scratch[i].dir);

                if (r < 0 && r != -ENOENT)
                        log_warning(r, "Failed to remove the temporary directory '%s', ignoring: %m", name ?: "?");
                free(scratch[i].upper);
        }
        free(scratch);
}
