/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Opens the tree in a disk image: probes the partitions, chooses those to use, and mounts them where only the supervisor sees
 * them. Does nothing for a machine in a directory. The supervisor, as root of the host.
 */

#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "disk/disk-probe.h"
#include "run/report.h"
#include "run/stage.h"
#include "util/fd.h"
#include "util/print.h"

/* Has the image dm-verity data in the places that systemd-nspawn reads: extended attributes, or files named like the image with
 * another suffix? They demand verification; ignoring them would run unverified data. */
static bool has_verity_data(const Image *i)
{
        static const char *const attributes[] = {
                "user.verity.roothash", "user.verity.roothashsig", "user.verity.usrhash", "user.verity.usrhashsig",
        };
        static const char *const suffixes[] = { "roothash", "roothash.p7s", "usrhash", "usrhash.p7s", "verity" };
        const char *dot = strrchr(i->path, '.');
        int stem = (int) (dot && !strchr(dot, '/') ? (size_t) (dot - i->path) : strlen(i->path));

        for (size_t j = 0; j < ARRAY_SIZE(attributes); j++)
                if (getxattr(i->path, attributes[j], NULL, 0) >= 0)
                        return true;
        for (size_t j = 0; j < ARRAY_SIZE(suffixes); j++) {
                _cleanup_free_ char *path = NULL;

                if (strf(&path, "%.*s.%s", stem, i->path, suffixes[j]) >= 0 && access(path, F_OK) == 0)
                        return true;
        }
        return false;
}

static int check_verity(const Machine *m, Problems *problems)
{
        if (m->image.kind != IMAGE_RAW || !(m->settings.image_policy.flags[PARTITION_ROOT] & (POLICY_VERITY | POLICY_SIGNED)) ||
            !has_verity_data(&m->image))
                return 0;
        return problem_error(problems, (Source) {}, "The disk image %s has a root hash beside it, and dm-verity is not "
                             "supported; --image-policy=root=unprotected:usr=unprotected+absent:=open mounts it unverified",
                             m->image.path);
}

/* Chooses the partitions to mount. */
static int choose_partitions(Machine *m, Problems *problems, Failure *failure)
{
        _cleanup_(disk_facts_done) DiskFacts facts = {};
        _cleanup_close_ int fd = fd_reopen(m->image.fd, O_RDONLY | O_NOCTTY);
        int r;

        if (fd < 0)
                return failure_set(failure, fd, "Failed to open the disk image %s: %m", m->image.path);
        r = disk_probe(fd, m->image.path, &facts, failure);
        if (r < 0)
                return r;
        return disk_layout_make(&facts, &m->settings.image_policy, m->image.path, m->settings.from[SETTING_IMAGE_POLICY],
                                &m->disk.layout, problems);
}

/* Mounts the image, unless it has problems, and reads the facts of its tree. Without `mount`, only its partitions. */
static int open_disk(Machine *m, bool mount, bool read_only, Problems *problems, Failure *failure)
{
        size_t n_fatal = problems->n_fatal;
        int r;

        r = check_verity(m, problems);
        if (r >= 0)
                r = choose_partitions(m, problems, failure);
        if (r < 0 || problems->n_fatal > n_fatal)
                return r;
        /* Its root is made anew at each start, from /usr: as without an image. */
        if (m->disk.layout.usr_only)
                m->settings.volatile_mode = VOLATILE_YES;
        if (!mount)
                return machine_assume_tree(m, problems, failure);
        r = disk_mount(&m->disk.layout, m->image.fd, m->image.path, read_only, &m->disk.tree, failure);
        if (r < 0)
                return r;

        m->disk.image_fd = m->image.fd;
        m->image.fd = m->disk.tree.root_fd;
        return machine_read_tree(m, problems, failure);
}

int stage_image_up(Machine *m, Failure *failure)
{
        _cleanup_(problems_done) Problems problems = {};
        int r;

        if (m->image.kind == IMAGE_DIRECTORY)
                return 0;
        r = open_disk(m, /* mount= */ true, machine_disk_is_read_only(m), &problems, failure);
        return r < 0 ? r : report_problems(&problems, failure);
}

int stage_image_preview(Machine *m, Failure *failure)
{
        Failure own = {};
        int r;

        if (m->image.kind == IMAGE_DIRECTORY || m->image.fd < 0)
                return 0;
        r = open_disk(m, /* mount= */ false, /* read_only= */ true, &m->request.problems, &own);
        if (r >= 0)
                return 0;
        r = problem_error(&m->request.problems, (Source) {}, "%s", own.text);
        return r < 0 ? failure_set(failure, r, "Out of memory") : 0;
}

void stage_image_down(Machine *m)
{
        if (m->image.kind == IMAGE_DIRECTORY)
                return;
        machine_forget_tree(m);
        if (m->disk.image_fd >= 0)
                m->image.fd = TAKE_FD(m->disk.image_fd);
        disk_tree_done(&m->disk.tree);
        disk_layout_done(&m->disk.layout);
}
