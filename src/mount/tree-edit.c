/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Changes of a machine's own files (see tree-edit.h). The supervisor plans and prints them; the child, root of its user
 * namespace, makes them after it has left the host's tree. Files that exist are the payload's and hostile: only regular
 * files are opened.
 */

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/tree-edit.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/tree.h"

void tree_edits_done(TreeEdits *e)
{
        for (size_t i = 0; i < e->n; i++) {
                free(e->items[i].path);
                free(e->items[i].content);
        }
        free(e->items);
        *e = (TreeEdits) {};
}

int tree_edits_add(TreeEdits *e, const TreeEdit *edit)
{
        _cleanup_free_ char *path = strdup(edit->path), *content = NULL;
        TreeEdit *item;

        if (edit->content) {
                content = malloc(edit->size + 1);
                if (content) {
                        memcpy(content, edit->content, edit->size);
                        content[edit->size] = 0;
                }
        }
        if (!path || (edit->content && !content))
                return -ENOMEM;
        item = array_append(&e->items, &e->n, sizeof(*item));
        if (!item)
                return -ENOMEM;

        *item = *edit;
        item->path = TAKE_PTR(path);
        item->content = TAKE_PTR(content);
        return 0;
}

const char *tree_edit_kind_name(TreeEditKind kind)
{
        static const char *const names[] = {
                [TREE_EDIT_DIRECTORY] = "create", [TREE_EDIT_WRITE] = "write", [TREE_EDIT_FILL] = "fill",
                [TREE_EDIT_REPLACE] = "replace", [TREE_EDIT_LINK] = "link", [TREE_EDIT_REMOVE] = "remove",
        };

        return names[kind];
}

int tree_edits_print(const TreeEdits *e, FILE *f)
{
        char source[SOURCE_TEXT_MAX];

        for (size_t i = 0; i < e->n; i++) {
                const TreeEdit *edit = &e->items[i];

                fprintf(f, "  %s %s", tree_edit_kind_name(edit->kind), edit->path);
                if (edit->kind == TREE_EDIT_LINK)
                        fprintf(f, " -> %s", edit->content);
                else if (edit->content)
                        fprintf(f, ", %zu bytes from %s", edit->size, edit->origin);
                if (edit->from.where)
                        fprintf(f, " [%s]", source_text(edit->from, source));
                fputc('\n', f);
        }
        return ferror(f) ? -EIO : 0;
}

/* The parent directory of path; its last component in *ret_name. */
static int open_parent(int root_fd, const char *path, const char **ret_name)
{
        const char *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = slash == path ? strdup("/") : strndup(path, (size_t) (slash - path));

        if (!parent)
                return -ENOMEM;
        *ret_name = slash + 1;
        return tree_open(root_fd, parent, O_PATH | O_DIRECTORY);
}

static int write_content(int fd, const TreeEdit *edit)
{
        const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, edit->mtime };
        int r = fd_write_all(fd, edit->content, edit->size);

        /* A copy has the time of its source, as with `cp -p`. */
        return r < 0 ? r : RET_ERRNO(futimens(fd, times));
}

static bool has_content(int fd, const TreeEdit *edit)
{
        _cleanup_free_ char *text = NULL;
        size_t size;

        return fd_read_all(fd, edit->size, &text, &size) >= 0 && size == edit->size &&
               memcmp(text, edit->content, size) == 0;
}

static int write_file(int dir_fd, const char *name, const TreeEdit *edit)
{
        _cleanup_close_ int path_fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), fd = -EBADF;
        struct stat st;

        if (path_fd < 0 && errno == ENOENT)
                fd = RET_ERRNO(openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
        else if (path_fd < 0 || fstat(path_fd, &st) < 0)
                return -errno;
        else if (!S_ISREG(st.st_mode))
                return S_ISLNK(st.st_mode) ? -ELOOP : -EBADFD;
        else
                fd = fd_reopen(path_fd, O_RDWR);
        if (fd < 0)
                return fd;
        /* No write, and no event for programs that watch the file, without a change. */
        if (has_content(fd, edit))
                return 0;
        if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return write_content(fd, edit);
}

/* A new file in the place of a link's target that is missing. */
static int fill(int root_fd, const TreeEdit *edit)
{
        _cleanup_close_ int there = tree_open(root_fd, edit->path, O_PATH), path_fd = -EBADF, fd = -EBADF;

        if (there != -ENOENT)
                return there < 0 ? there : 0;
        path_fd = tree_mountpoint(root_fd, edit->path, /* directory= */ false);
        if (path_fd < 0)
                return path_fd;
        fd = fd_reopen(path_fd, O_WRONLY | O_CLOEXEC);
        return fd < 0 ? fd : write_content(fd, edit);
}

/* Files of this name are left over from a start that was killed. */
#define TEMPORARY ".#box-%s"

static int make_temporary(int dir_fd, const char *name, const TreeEdit *edit)
{
        _cleanup_close_ int fd = -EBADF;

        if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
                return -errno;
        if (edit->kind == TREE_EDIT_LINK)
                return RET_ERRNO(symlinkat(edit->content, dir_fd, name));

        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        return fd < 0 ? -errno : write_content(fd, edit);
}

static int replace(int dir_fd, const char *name, const TreeEdit *edit)
{
        _cleanup_free_ char *temporary = NULL;
        int r;

        if (strf(&temporary, TEMPORARY, name) < 0)
                return -ENOMEM;

        r = make_temporary(dir_fd, temporary, edit);
        if (r >= 0)
                r = RET_ERRNO(renameat(dir_fd, temporary, dir_fd, name));
        if (r < 0)
                (void) unlinkat(dir_fd, temporary, 0);
        return r;
}

/* "/usr/x" and "../usr/x" are the same from a directory below the root. */
static const char *below_root(const char *target)
{
        for (;;) {
                if (*target == '/')
                        target++;
                else if (strncmp(target, "../", 3) == 0)
                        target += 3;
                else
                        return target;
        }
}

static bool has_target(int dir_fd, const char *name, const char *target)
{
        char current[PATH_MAX];
        ssize_t n = readlinkat(dir_fd, name, current, sizeof(current) - 1);

        if (n < 0)
                return false;
        current[n] = 0;
        return strcmp(below_root(current), below_root(target)) == 0;
}

static int remove_file(int dir_fd, const char *name)
{
        return unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int apply(const TreeEdit *edit, int root_fd)
{
        _cleanup_close_ int dir_fd = -EBADF;
        const char *name;

        if (edit->kind == TREE_EDIT_DIRECTORY) {
                dir_fd = tree_mkdir_p(root_fd, edit->path);
                return dir_fd < 0 ? dir_fd : 0;
        }
        if (edit->kind == TREE_EDIT_FILL)
                return fill(root_fd, edit);

        dir_fd = open_parent(root_fd, edit->path, &name);
        if (dir_fd < 0)
                return dir_fd;
        switch (edit->kind) {
        case TREE_EDIT_WRITE:
                return write_file(dir_fd, name, edit);
        case TREE_EDIT_LINK:
                return has_target(dir_fd, name, edit->content) ? 0 : replace(dir_fd, name, edit);
        case TREE_EDIT_REPLACE:
                return replace(dir_fd, name, edit);
        default:
                return remove_file(dir_fd, name);
        }
}

int tree_edit_apply(const TreeEdit *edit, int root_fd, Failure *failure)
{
        int r = apply(edit, root_fd);

        return r >= 0 ? 0 : failure_set_at(failure, edit->from, r, "Failed to %s '%s' in the machine's tree: %m",
                                           tree_edit_kind_name(edit->kind), edit->path);
}

bool tree_edit_matters(const TreeEdit *edit, int error)
{
        return edit->need != TREE_EDIT_IF_WRITABLE ||
               (error != -ELOOP && error != -EROFS && error != -EACCES && error != -EPERM);
}
