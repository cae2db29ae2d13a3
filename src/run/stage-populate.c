/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies the template (--template=), if the machine's tree does not exist. The copy has a hidden name in the same directory
 * (.#box-NAME.DIGITS, see image/scratch-dir.h, which removes incomplete ones later) until it is complete. The supervisor, as
 * root of the host.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "image/scratch-dir.h"
#include "image/tree-copy.h"
#include "run/report.h"
#include "run/stage.h"
#include "run/tree-holder.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/print.h"

/* Opens the parent directory of the tree. */
static int open_parent(const Machine *m, Failure *failure)
{
        const char *slash = strrchr(m->image.path, '/');
        _cleanup_free_ char *parent = strndup(m->image.path, slash == m->image.path ? 1 : (size_t) (slash - m->image.path));
        int fd;

        if (!parent)
                return -ENOMEM;
        fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? failure_set(failure, -errno, "Failed to open '%s': %m", parent) : fd;
}

static const char *tree_base_name(const Machine *m)
{
        return strrchr(m->image.path, '/') + 1;
}

static int create_hidden(const Machine *m, int parent_fd, ScratchDir *ret, Failure *failure)
{
        _cleanup_free_ char *prefix = NULL;
        int r;

        if (strf(&prefix, ".#box-%.200s.", tree_base_name(m)) < 0)
                return -ENOMEM;
        r = scratch_dir_make(parent_fd, prefix, ret);
        return r < 0 ? failure_set(failure, r, "Failed to create a directory beside '%s': %m", m->image.path) : 0;
}

/* A large template takes longer than a unit's start may. */
static bool is_cancelled(void *userdata)
{
        Machine *m = userdata;

        report_progress(&m->progress_usec);
        return loop_is_cancelled(&m->loop);
}

static int copy_template(Machine *m, const ScratchDir *to, Failure *failure)
{
        Failure warning = { 0 };
        const TreeCopyOptions options = { .skip_fd = to->fd, .stop = is_cancelled, .userdata = m, .warning = &warning };
        _cleanup_close_ int mount_fd = -EBADF, from = -EBADF;
        int r;

        /* Without the mounts below it. */
        mount_fd = open_tree(m->template.image.fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        if (mount_fd >= 0)
                from = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (from < 0)
                return failure_set(failure, -errno, "Failed to open the template '%s': %m", m->template.image.path);

        r = tree_copy(from, to->fd, &options, failure);
        if (warning.error != 0)
                log_warning(warning.error, "%s", warning.text);
        return r;
}

/* Renames the copy to the machine's tree, and locks it. */
static int publish(Machine *m, int parent_fd, ScratchDir *dir, Failure *failure)
{
        int fd, r;

        fd = openat(dir->parent_fd, dir->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open the new tree '%s': %m", m->image.path);
        r = scratch_dir_publish(dir, tree_base_name(m));
        if (r < 0) {
                fd_close(fd);
                return failure_set(failure, r, "Failed to rename the new tree to '%s': %m", m->image.path);
        }

        fd_close(m->image.fd);
        m->image.fd = fd;
        m->template.image.fd = fd_close(m->template.image.fd);
        r = stage_lock_up(m, failure);
        /* If another process has locked it first, it is that one's now. */
        m->template.copied = r >= 0;
        return r;
}

int stage_populate_up(Machine *m, Failure *failure)
{
        ScratchDir dir = SCRATCH_DIR_NULL;
        ImageLock template_lock = IMAGE_LOCK_NULL;
        _cleanup_close_ int parent_fd = -EBADF;
        int r;

        if (m->template.image.fd < 0)
                return 0;
        parent_fd = open_parent(m, failure);
        if (parent_fd < 0)
                return parent_fd;
        r = m->facts.host.environment.no_lock ? 0 : tree_lock(&m->template.image, /* read_only= */ true, &template_lock, failure);
        if (r >= 0)
                r = create_hidden(m, parent_fd, &dir, failure);
        if (r >= 0)
                r = copy_template(m, &dir, failure);
        if (r >= 0)
                r = publish(m, parent_fd, &dir, failure);
        (void) scratch_dir_remove(&dir);
        image_unlock(&template_lock);
        if (r < 0)
                return r;

        if (!m->settings.quiet)
                log_info(0, "Created the tree '%s' as a copy of '%s'", m->image.path, m->template.image.path);
        return 0;
}

/* A failed start removes the copy, in which no payload has run. */
void stage_populate_down(Machine *m)
{
        _cleanup_close_ int parent_fd = m->template.copied ? open_parent(m, NULL) : -EBADF;
        ScratchDir dir = SCRATCH_DIR_NULL;

        if (parent_fd >= 0 && create_hidden(m, parent_fd, &dir, NULL) >= 0) {
                (void) renameat2(parent_fd, tree_base_name(m), dir.fd, "tree", RENAME_NOREPLACE);
                (void) scratch_dir_remove(&dir);
        }
        m->template.copied = false;
}
