/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Steps at work and their directories (see mount-work.h). The supervisor, as root of the host; to remove the
 * directories at the machine's end it needs CAP_DAC_OVERRIDE, CAP_FOWNER and CAP_LINUX_IMMUTABLE. They are
 *
 *   DIR/.#box-TREE.DIGITS          beside the tree or its disk image: "/" of an ephemeral machine. machined does not
 *                                  list hidden names, and systemd's tmpfiles.d removes them from /var/lib/machines at boot
 *   /var/tmp/box-TREE.DIGITS       the same where DIR is read-only; temporary directories of Bind= and Overlay=
 *   DIR/.#box-UPPER.DIGITS         beside a user's upper layer: its work directory, on the same file system
 */

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/tree-remove.h"
#include "mount/mount-work.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/tree.h"

#define TEMPORARY_DIR "/var/tmp"

static int oom(Failure *failure)
{
        return failure_set(failure, -ENOMEM, "Out of memory");
}

/* Room for the digits. */
static void full_prefix(const char *prefix, const char *name, char ret[static NAME_MAX + 1])
{
        (void) snprintf(ret, NAME_MAX + 1, "%s%.*s.", prefix, NAME_MAX - 32, name);
}

/* A directory PREFIX…DIGITS in parent_fd; parent is its name for messages. */
static int make_dir(int parent_fd, const char *parent, const char *prefix, const char *name, ScratchDir *ret,
                    Failure *failure)
{
        char full[NAME_MAX + 1];
        int r;

        full_prefix(prefix, name, full);
        r = scratch_dir_make(parent_fd, full, ret);
        return r < 0 ? failure_set(failure, r, "Failed to create a temporary directory in '%s': %m", parent) : 0;
}

static int make_temporary(const MountScratchContext *c, ScratchDir *ret, Failure *failure)
{
        _cleanup_close_ int fd = open(TEMPORARY_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open '%s': %m", TEMPORARY_DIR);
        return make_dir(fd, TEMPORARY_DIR, "box-", c->image->name, ret, failure);
}

/* The directory that has the tree or its disk image. -EROFS: nothing may be created there. */
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
        return r < 0 ? failure_set(failure, r, "Failed to create a layer beside the tree '%s': %m", c->image->path) : 0;
}

void mount_work_remove_left(const Image *image)
{
        _cleanup_close_ int parent = open_parent(image), tmp = open(TEMPORARY_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
        char full[NAME_MAX + 1];

        full_prefix(".#box-", image->name, full);
        if (parent >= 0)
                scratch_dir_remove_left(parent, full);
        full_prefix("box-", image->name, full);
        if (tmp >= 0)
                scratch_dir_remove_left(tmp, full);
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
        return r < 0 ? failure_set(failure, r, "Failed to create '%s' in a temporary directory: %m", name) : 0;
}

static int make_work(const MountScratch *s, Failure *failure)
{
        int r = make_child(s, "work", 0700, 0);

        return r < 0 ? failure_set(failure, r, "Failed to create a work directory: %m") : 0;
}

/* ---- the user's own upper layer ---------------------------------------------------------------------------- */

/* The directory that the layer's source leads to, by its parent directory and its name there. */
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
                return -EBUSY;          /* a root directory has no place beside it */
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

static int make_beside_upper(const MountOp *op, const MountScratchContext *c, MountWork *w, Failure *failure)
{
        const LayerOp *layer = &op->layers[op->n_layers - 1];
        MountScratch *s = &w->scratch;
        _cleanup_close_ int parent = -EBADF;
        struct stat st;
        int r;

        r = open_upper(layer, c, &parent, &s->upper, &st);
        if (r == -ENOENT && layer->optional) {
                w->left_out = true;
                return 0;
        }
        if (r < 0)
                return failure_set_at(failure, op->from, r, "Failed to open the overlay's uppermost directory '%s': %m",
                                      layer->source);
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

static bool needs_scratch(const MountOp *op)
{
        return mount_source_is_scratch(source_kind(op)) || has_user_upper(op);
}

static int make_for_step(MountWork *w, const MountScratchContext *c, Failure *failure)
{
        const MountOp *op = w->op;
        MountScratch *s = &w->scratch;
        int r;

        if (has_user_upper(op))
                return make_beside_upper(op, c, w, failure);
        if (source_kind(op) == MOUNT_SOURCE_BESIDE_TREE)
                r = make_beside_tree(c, &s->dir, failure);
        else
                r = make_temporary(c, &s->dir, failure);
        if (r < 0)
                return r;

        r = populate(s, op->n_layers > 0 ? "upper" : "src", c->owner, failure);
        return r >= 0 && op->n_layers > 0 ? make_work(s, failure) : r;
}

int mount_work_new(const MountPlan *plan, const MountScratchContext *c, MountWork **ret, Failure *failure)
{
        MountWork *work = calloc(plan->n, sizeof(MountWork));
        int r = 0;

        if (!work)
                return oom(failure);
        for (size_t i = 0; i < plan->n; i++)
                work[i] = (MountWork) { .op = &plan->ops[i], .fd = -EBADF, .scratch = { .dir = SCRATCH_DIR_NULL } };

        for (size_t i = 0; i < plan->n && r >= 0; i++)
                if (needs_scratch(work[i].op))
                        r = make_for_step(&work[i], c, failure);
        if (r < 0) {
                mount_work_free(work, plan->n);
                return r;
        }
        *ret = work;
        return 0;
}

/* overlayfs refuses the work directory of a mount that had the option "volatile". */
int mount_work_renew(MountWork *work, const MountPlan *plan, Failure *failure)
{
        for (size_t i = 0; i < plan->n; i++) {
                const MountScratch *s = &work[i].scratch;
                int r;

                work[i].op = &plan->ops[i];
                if (s->dir.fd < 0 || s->user_upper)
                        continue;
                r = tree_remove(s->dir.fd, "work");
                if (r == -ENOENT)
                        continue;
                if (r < 0)
                        return failure_set(failure, r, "Failed to remove the work directory of an overlay: %m");
                r = make_work(s, failure);
                if (r < 0)
                        return r;
        }
        return 0;
}

bool mount_work_has_scratch(const MountWork *work, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (work[i].scratch.dir.fd >= 0)
                        return true;
        return false;
}

void mount_work_close(MountWork *work, size_t n)
{
        for (size_t i = 0; i < n; i++)
                work[i].fd = fd_close(work[i].fd);
}

void mount_work_free(MountWork *work, size_t n)
{
        mount_work_close(work, n);
        for (size_t i = 0; i < n; i++) {
                ScratchDir *dir = &work[i].scratch.dir;
                _cleanup_free_ char *name = dir->name ? strdup(dir->name) : NULL;
                int r = scratch_dir_remove(dir);

                if (r < 0 && r != -ENOENT)
                        log_warning(r, "Failed to remove the temporary directory '%s', ignoring: %m", name ?: "?");
                free(work[i].scratch.upper);
        }
        free(work);
}
