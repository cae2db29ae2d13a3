/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mounts the parts of a disk image as a tree (see disk-mount.h): a loop device and a detached mount for each, then
 * attached to each other. The supervisor, as root of the host. The tree is not trusted: paths are looked up below its
 * root.
 */

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "disk/disk-mount.h"
#include "disk/loop-device.h"
#include "util/fd.h"
#include "util/namespace-call.h"
#include "util/tree.h"

/* The root is attached here until it becomes "/": every systemd host has the directory. */
#define STAGE_ROOT "/run"

typedef struct Assembly {
        DiskLayout *layout;
        const int *mounts;              /* of the layout's parts */
        int namespace_fd;
        Failure *failure;
} Assembly;

void disk_tree_done(DiskTree *t)
{
        fd_close(t->root_fd);
        fd_close(t->namespace_fd);
        *t = (DiskTree) DISK_TREE_NULL;
}

/* ---- one part ------------------------------------------------------------------------------------------------------- */

/* Mount options, the same as systemd-nspawn's, and one for what a superblock can ask of the kernel: to panic at an error. */
static const struct {
        const char *fstype;             /* blkid's name */
        const char *driver;             /* the kernel's name; NULL: the same */
        const char *discard;            /* returns freed blocks to the image's file */
        const char *no_replay, *no_replay_value;        /* does not replay the journal */
        const char *errors;             /* at an error in the file system, whatever that says itself; NULL: it does not say */
} drivers[] = {
        { "btrfs", NULL, "discard", "rescue", "nologreplay", NULL },
        { "ext2", "ext4", "discard", NULL, NULL, "remount-ro" },
        { "ext3", "ext4", "discard", "norecovery", NULL, "remount-ro" },
        { "ext4", NULL, "discard", "norecovery", NULL, "remount-ro" },
        { "f2fs", NULL, "discard", NULL, NULL, NULL },
        { "vfat", NULL, "discard", NULL, NULL, "remount-ro" },
        { "xfs", NULL, "discard", "norecovery", NULL, NULL },
};

static int mount_failure(int r, const DiskPart *p, const char *path, Failure *failure)
{
        bool damaged = r == -EINVAL || r == -EUCLEAN || r == -EBADMSG || r == -EIO || r == -EFBIG;
        char which[48] = "";

        if (p->number > 0)
                (void) snprintf(which, sizeof(which), " in partition %u", p->number);
        return failure_set(failure, r, "Failed to mount the %s file system%s of the disk image %s: %m%s", p->fstype, which, path,
                           damaged         ? " (is it damaged or truncated? See the kernel's log)" :
                           r == -ENODEV    ? " (does this kernel have that file system?)" :
                           r == -EROFS     ? " (its journal must be replayed; mount it writable once)" : "");
}

static int set_option(int fs_fd, const char *name, const char *value)
{
        return RET_ERRNO(value ? fsconfig(fs_fd, FSCONFIG_SET_STRING, name, value, 0) :
                                 fsconfig(fs_fd, FSCONFIG_SET_FLAG, name, NULL, 0));
}

static int configure(int fs_fd, const DiskPart *p, const char *device, bool loop, bool read_only)
{
        int r;

        r = set_option(fs_fd, "source", device);
        if (r >= 0 && read_only)
                r = set_option(fs_fd, "ro", NULL);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(drivers); i++) {
                if (strcmp(drivers[i].fstype, p->fstype) != 0)
                        continue;
                if (read_only && drivers[i].no_replay)
                        r = set_option(fs_fd, drivers[i].no_replay, drivers[i].no_replay_value);
                else if (!read_only && loop)
                        r = set_option(fs_fd, drivers[i].discard, NULL);
                if (r >= 0 && drivers[i].errors)
                        r = set_option(fs_fd, "errors", drivers[i].errors);
        }
        /* It has no owners, but maybe secrets of boot loaders and kernels: for the machine's root only. */
        if (r >= 0 && strcmp(p->fstype, "vfat") == 0)
                r = set_option(fs_fd, "umask", "0077");
        return r;
}

static unsigned mount_attributes(const DiskPart *p, bool read_only)
{
        unsigned attrs = MOUNT_ATTR_NODEV | (read_only ? MOUNT_ATTR_RDONLY : 0);

        if (p->role == PARTITION_ESP || p->role == PARTITION_XBOOTLDR)
                attrs |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;
        if (p->role == PARTITION_TMP)
                attrs |= MOUNT_ATTR_NOSUID;
        return attrs;
}

static int mount_device(const DiskPart *p, const char *device, bool loop, bool read_only)
{
        _cleanup_close_ int fs_fd = -EBADF;
        const char *driver = p->fstype;
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
                if (drivers[i].driver && strcmp(drivers[i].fstype, p->fstype) == 0)
                        driver = drivers[i].driver;
        fs_fd = fsopen(driver, FSOPEN_CLOEXEC);
        if (fs_fd < 0)
                return -errno;
        r = configure(fs_fd, p, device, loop, read_only);
        if (r >= 0)
                r = RET_ERRNO(fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
        return r < 0 ? r : RET_ERRNO(fsmount(fs_fd, FSMOUNT_CLOEXEC, mount_attributes(p, read_only)));
}

/* The root of an image that has none: directories are created in it as they are mounted on. */
static int mount_tmpfs(const DiskPart *p)
{
        _cleanup_close_ int fs_fd = fsopen(p->fstype, FSOPEN_CLOEXEC);
        int r;

        if (fs_fd < 0)
                return -errno;
        r = set_option(fs_fd, "mode", "0755");
        if (r >= 0)
                r = RET_ERRNO(fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
        return r < 0 ? r : RET_ERRNO(fsmount(fs_fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV));
}

/* A detached mount of the part. */
static int mount_part(const DiskPart *p, int disk_fd, bool is_device, const char *path, bool read_only, Failure *failure)
{
        char device[LOOP_DEVICE_PATH_MAX];
        _cleanup_close_ int loop_fd = -EBADF;
        int r;

        read_only = read_only || p->read_only;
        if (is_device && p->number == 0) {
                r = mount_device(p, path, /* loop= */ false, read_only);
                return r < 0 ? mount_failure(r, p, path, failure) : r;
        }

        loop_fd = loop_device_attach(disk_fd, path, p->offset, p->number > 0 ? p->size : 0, read_only, device, failure);
        if (loop_fd < 0)
                return loop_fd;
        r = mount_device(p, device, !is_device, read_only);
        return r < 0 ? mount_failure(r, p, path, failure) : r;
}

/* ---- all of them ---------------------------------------------------------------------------------------------------- */

static bool is_empty_directory(int root_fd, const char *path)
{
        _cleanup_close_ int fd = tree_open(root_fd, path, O_RDONLY | O_DIRECTORY);
        _cleanup_closedir_ DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
        struct dirent *e;

        if (!dir)
                return false;
        fd = -EBADF;
        while ((e = readdir(dir)))
                if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
                        return false;
        return true;
}

/* On /efi; in a tree without that directory on /boot, if that is an empty directory and not a partition. */
static void choose_esp_dest(const DiskLayout *l, DiskPart *p, int root_fd)
{
        _cleanup_close_ int efi = tree_open(root_fd, "/efi", O_PATH);
        bool has_boot = false;

        for (size_t i = 0; i < l->n; i++)
                has_boot = has_boot || l->parts[i].role == PARTITION_XBOOTLDR;
        if (efi == -ENOENT && !has_boot && is_empty_directory(root_fd, "/boot"))
                p->dest = "/boot";
}

static int attach(const DiskPart *p, int root_fd, int fd, Failure *failure)
{
        _cleanup_close_ int dest = tree_mountpoint(root_fd, p->dest, /* directory= */ true);

        if (dest < 0)
                return failure_set(failure, dest, "Failed to create %s in the tree, for partition %u of its image: %m", p->dest,
                                   p->number);
        if (move_mount(fd, "", dest, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
                return failure_set(failure, -errno, "Failed to mount partition %u of the image on %s: %m", p->number, p->dest);
        return 0;
}

/* In a root without files: /bin and the like, as far as /usr has them. */
static int link_into_usr(int root_fd)
{
        static const char *const links[][2] = {
                { "usr/bin", "bin" }, { "usr/sbin", "sbin" }, { "usr/lib", "lib" }, { "usr/lib32", "lib32" },
                { "usr/lib64", "lib64" }, { "usr/libx32", "libx32" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
                _cleanup_close_ int there = tree_open(root_fd, links[i][0], O_PATH | O_DIRECTORY);

                if (there >= 0 && symlinkat(links[i][0], root_fd, links[i][1]) < 0)
                        return -errno;
        }
        return 0;
}

static int assemble(void *argument)
{
        Assembly *a = argument;
        int root_fd = a->mounts[0], r;

        if (move_mount(root_fd, "", AT_FDCWD, STAGE_ROOT, MOVE_MOUNT_F_EMPTY_PATH) < 0)
                return failure_set(a->failure, -errno, "Failed to mount the image's root: %m");
        for (size_t i = 1; i < a->layout->n; i++) {
                DiskPart *p = &a->layout->parts[i];

                if (p->role == PARTITION_ESP)
                        choose_esp_dest(a->layout, p, root_fd);
                r = attach(p, root_fd, a->mounts[i], a->failure);
                if (r < 0)
                        return r;
        }

        a->namespace_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
        if (a->namespace_fd < 0)
                return failure_set(a->failure, -errno, "Failed to open a mount namespace: %m");
        /* The namespace's copies of the host's mounts would keep file systems busy that the host unmounts. */
        if (a->layout->usr_only) {
                r = link_into_usr(root_fd);
                if (r < 0)
                        return failure_set(a->failure, r, "Failed to link to /usr of the image: %m");
        }
        if (fchdir(root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
                return failure_set(a->failure, -errno, "Failed to leave the host's mounts: %m");
        return 0;
}

static int mount_parts(const DiskLayout *l, int fd, const char *path, bool read_only, int *mounts, Failure *failure)
{
        _cleanup_close_ int disk_fd = -EBADF;
        bool is_device, alone;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return failure_set(failure, -errno, "Failed to stat %s: %m", path);
        is_device = S_ISBLK(st.st_mode);
        /* Do not write to a disk of which a partition is mounted already. The driver of a single file system checks
         * that itself. */
        alone = is_device && !read_only && (l->parts[0].number > 0 || l->usr_only);
        disk_fd = fd_reopen(fd, (read_only ? O_RDONLY : O_RDWR) | (alone ? O_EXCL : 0));
        if (disk_fd < 0)
                return failure_set(failure, disk_fd, "Failed to open the disk image %s: %m", path);

        for (size_t i = 0; i < l->n; i++) {
                if (i == 0 && l->usr_only) {
                        mounts[i] = mount_tmpfs(&l->parts[i]);
                        if (mounts[i] < 0)
                                (void) failure_set(failure, mounts[i], "Failed to create a root for the disk image %s: %m", path);
                } else
                        mounts[i] = mount_part(&l->parts[i], disk_fd, is_device, path, read_only, failure);
                if (mounts[i] < 0)
                        return mounts[i];
        }
        return 0;
}

int disk_mount(DiskLayout *l, int fd, const char *path, bool read_only, DiskTree *ret, Failure *failure)
{
        int mounts[_PARTITION_ROLE_MAX], r;
        Assembly a = { .layout = l, .mounts = mounts, .namespace_fd = -EBADF, .failure = failure };

        for (size_t i = 0; i < l->n; i++)
                mounts[i] = -EBADF;
        r = mount_parts(l, fd, path, read_only, mounts, failure);
        if (r >= 0) {
                r = namespace_call(/* fd= */ -EBADF, CLONE_NEWNS, assemble, &a);
                if (r < 0)
                        (void) failure_set(failure, r, "Failed to create a mount namespace for the disk image %s: %m", path);
        }
        if (r >= 0)
                *ret = (DiskTree) { .root_fd = TAKE_FD(mounts[0]), .namespace_fd = TAKE_FD(a.namespace_fd) };
        fd_close(a.namespace_fd);
        for (size_t i = 0; i < l->n; i++)
                fd_close(mounts[i]);
        return r;
}
