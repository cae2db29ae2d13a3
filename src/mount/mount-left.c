/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Looks into a tree of mounts (see mount-left.h), once its id map has failed. A helper of the supervisor, as root of the host,
 * attaches it in a mount namespace of its own, where it has paths and nothing shows on the host.
 */

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "mount/mount-left.h"
#include "util/fd.h"
#include "util/namespace-call.h"
#include "util/print.h"

/* Every systemd host has the directory. */
#define STAGE "/run"

typedef struct Left {
        int fd;
        const MountWork *work;
        size_t n, i;
        int userns_fd;
        char *path, *type;              /* found */
} Left;

/* A field of /proc/self/mountinfo: the kernel writes some characters as \ooo. */
static void unescape(char *s)
{
        char *to = s;

        for (; *s; s++)
                if (s[0] == '\\' && s[1] && s[2] && s[3]) {
                        *to++ = (char) ((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
                        s += 3;
                } else
                        *to++ = *s;
        *to = 0;
}

/* Splits a line of mountinfo. False: the mount is not below STAGE. *ret_path begins after STAGE. */
static bool read_line(char *line, const char **ret_path, const char **ret_type)
{
        char *field = NULL, *dash;

        for (unsigned i = 0; i < 5; i++)
                field = strsep(&line, " ");
        dash = line ? strstr(line, " - ") : NULL;
        if (!field || !dash)
                return false;
        unescape(field);
        if (strncmp(field, STAGE "/", strlen(STAGE "/")) != 0)
                return false;
        *ret_path = field + strlen(STAGE);
        *ret_type = dash + strlen(" - ");
        dash[strlen(" - ") + strcspn(*ret_type, " ")] = 0;
        return true;
}

/* Without propagation, which would reach the mounts that these are clones of. */
static int attach(int fd)
{
        struct mount_attr private = { .propagation = MS_PRIVATE };

        if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &private, sizeof(private)) < 0)
                return -errno;
        return RET_ERRNO(move_mount(fd, "", AT_FDCWD, STAGE, MOVE_MOUNT_F_EMPTY_PATH));
}

/* Calls visit for the mounts below the attached one, those below others after them, until it does not return 0. */
static int visit_all(Left *l, int (*visit)(Left *l, const char *path, const char *type))
{
        _cleanup_free_ char *text = NULL;
        int r = fd_read_file_at(AT_FDCWD, "/proc/self/mountinfo", 64 * 1024 * 1024, &text, NULL);

        for (char *rest = text, *line; r == 0 && (line = strsep(&rest, "\n"));) {
                const char *path, *type;

                if (read_line(line, &path, &type))
                        r = visit(l, path, type);
        }
        return r;
}

static bool covers(const MountOp *op, const char *place)
{
        size_t n = strlen(op->dest);

        return op->kind != MOUNT_BIND && !(op->flags & (MOUNT_STAGED | MOUNT_OPTIONAL | MOUNT_IF_SOURCE | MOUNT_LATE)) &&
               strncmp(place, op->dest, n) == 0 && (!place[n] || place[n] == '/');
}

static int drop_covered(Left *l, const char *path, const char *type)
{
        _cleanup_free_ char *place = NULL, *staged = NULL;
        const char *dest = l->work[l->i].op->dest;

        if (strf(&place, "%s%s", strcmp(dest, "/") == 0 ? "" : dest, path) < 0 || strf(&staged, STAGE "%s", path) < 0)
                return -ENOMEM;
        for (size_t j = l->i + 1; j < l->n; j++)
                if (covers(l->work[j].op, place)) {
                        /* Fails where one above it has taken it along. */
                        (void) umount2(staged, MNT_DETACH | UMOUNT_NOFOLLOW);
                        break;
                }
        return 0;
}

static int drop(void *userdata)
{
        Left *l = userdata;
        int r;

        r = attach(l->fd);
        if (r >= 0)
                r = visit_all(l, drop_covered);
        return r < 0 ? r : RET_ERRNO(open_tree(AT_FDCWD, STAGE, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
}

int mount_left_drop(int fd, const MountWork *work, size_t n, size_t i)
{
        Left l = { .fd = fd, .work = work, .n = n, .i = i };

        return namespace_call(/* fd= */ -EBADF, CLONE_NEWNS, drop, &l);
}

static int try_map(Left *l, const char *path, const char *type)
{
        struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t) l->userns_fd };
        _cleanup_free_ char *staged = NULL;
        _cleanup_close_ int fd = -EBADF;

        if (strf(&staged, STAGE "%s", path) < 0)
                return -ENOMEM;
        fd = open_tree(AT_FDCWD, staged, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
        /* It may be covered itself. */
        if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) >= 0)
                return 0;
        l->path = strdup(path);
        l->type = strdup(type);
        return l->path && l->type ? 1 : -ENOMEM;
}

static int find(void *userdata)
{
        Left *l = userdata;
        int r = attach(l->fd);

        return r < 0 ? r : visit_all(l, try_map);
}

int mount_left_find(int fd, int userns_fd, char **ret_path, char **ret_type)
{
        Left l = { .fd = fd, .userns_fd = userns_fd };
        int r = namespace_call(/* fd= */ -EBADF, CLONE_NEWNS, find, &l);

        if (r > 0) {
                *ret_path = l.path;
                *ret_type = l.type;
                return 0;
        }
        free(l.path);
        free(l.type);
        return r < 0 ? r : -ENOENT;
}
