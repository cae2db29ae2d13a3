/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Root of a machine that tries to undo its mounts: prints each attack that worked on a mount point, as "ATTACK PATH". Each is
 * tried in a process and a mount namespace of its own, without propagation, so that they do not depend on each other; with -d
 * in the machine's own, whose mounts that are not locked do not survive it. For test_locked_mounts.py, which compiles it; needs a writable /tmp.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MNT_DETACH 2

int mount(const char *, const char *, const char *, unsigned long, const void *);
int umount2(const char *, int);

static const unsigned long protections = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC;

static unsigned long flags_of(const char *path)
{
        struct statvfs s;

        return statvfs(path, &s) < 0 ? 0 : s.f_flag & protections;
}

static dev_t device_of(const char *path)
{
        struct stat s;

        return stat(path, &s) < 0 ? 0 : s.st_dev;
}

/* A new place of path's type in /tmp. */
static const char *new_place(const char *path)
{
        static char place[64];
        struct stat s;

        snprintf(place, sizeof(place), "/tmp/undo-%d", getpid());
        if (stat(path, &s) < 0)
                return "/nowhere";
        if (S_ISDIR(s.st_mode))
                mkdir(place, 0755);
        else
                close(open(place, O_CREAT | O_WRONLY, 0644));
        return place;
}

static int remount(const char *path)
{
        unsigned long before = flags_of(path);

        return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL) == 0 && flags_of(path) != before;
}

static int set_attributes(const char *path)
{
        static const __u64 bits[] = { MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC };
        unsigned long before = flags_of(path);

        for (unsigned i = 0; i < 4; i++) {
                struct mount_attr a = { .attr_clr = bits[i] };

                syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &a, sizeof(a));
        }
        return flags_of(path) != before;
}

static int reconfigure(const char *path)
{
        unsigned long before = flags_of(path);
        int fd = (int) syscall(SYS_fspick, AT_FDCWD, path, 0);

        return fd >= 0 && syscall(SYS_fsconfig, fd, FSCONFIG_SET_FLAG, "rw", NULL, 0) == 0 &&
               syscall(SYS_fsconfig, fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) == 0 && flags_of(path) != before;
}

static int unmount(const char *path)
{
        return umount2(path, 0) == 0;
}

static int detach(const char *path)
{
        return umount2(path, MNT_DETACH) == 0;
}

static int move(const char *path)
{
        return mount(path, new_place(path), NULL, MS_MOVE, NULL) == 0;
}

static int move_new(const char *path)
{
        int fd = (int) syscall(SYS_open_tree, AT_FDCWD, path, 0);

        return fd >= 0 && syscall(SYS_move_mount, fd, "", AT_FDCWD, new_place(path), MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

/* Names of the directory above and of path in it. */
static const char *split(const char *path, char *parent)
{
        const char *name = strrchr(path, '/') + 1;

        snprintf(parent, 4096, "%.*s", name - path > 1 ? (int) (name - path - 1) : 1, path);
        return name;
}

/* The directory above without what is mounted in it: shows what path covers. */
static int bind_parent(const char *path)
{
        char parent[4096], below[8192];
        const char *name = split(path, parent), *place = new_place(parent);
        int r;

        if (!*name || mount(parent, place, NULL, MS_BIND, NULL) < 0)
                return 0;
        snprintf(below, sizeof(below), "%s/%s", place, name);
        r = device_of(below) != device_of(path);
        umount2(place, MNT_DETACH);
        return r;
}

static int clone_parent(const char *path)
{
        char parent[4096];

        return *split(path, parent) && syscall(SYS_open_tree, AT_FDCWD, parent, OPEN_TREE_CLONE) >= 0;
}

/* … with what is mounted, which is then unmounted in the copy. */
static int unmount_in_copy(const char *path)
{
        char parent[4096], below[8192];
        const char *name = split(path, parent), *place = new_place(parent);
        int r;

        if (!*name || mount(parent, place, NULL, MS_BIND | MS_REC, NULL) < 0)
                return 0;
        snprintf(below, sizeof(below), "%s/%s", place, name);
        r = umount2(below, MNT_DETACH) == 0;
        umount2(place, MNT_DETACH);
        return r;
}

static int nested(const char *path)
{
        return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && (detach(path) || remount(path));
}

static int leave(void)
{
        return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static int try(int (*attack)(const char *), const char *path, int direct)
{
        pid_t pid = fork();
        int status = 0;

        if (pid == 0)
                _exit(!direct && !leave() ? 2 : attack(path));
        waitpid(pid, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                int (*attack)(const char *);
        } attacks[] = {
                { "remount", remount }, { "set-attributes", set_attributes }, { "reconfigure", reconfigure },
                { "move", move }, { "move-new", move_new }, { "bind-parent", bind_parent }, { "clone-parent", clone_parent },
                { "unmount-in-copy", unmount_in_copy }, { "nested", nested }, { "unmount", unmount }, { "detach", detach },
        };
        int direct = argc > 1 && strcmp(argv[1], "-d") == 0;

        for (int i = 1 + direct; i < argc; i++)
                for (unsigned j = 0; j < sizeof(attacks) / sizeof(attacks[0]); j++) {
                        int r = try(attacks[j].attack, argv[i], direct);

                        if (r != 0)
                                printf("%s %s%s\n", attacks[j].name, argv[i], r == 1 ? "" : r == 2 ? " no-namespace" : " crashed");
                }
        return 0;
}
