/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The machine's file systems: made detached by the supervisor, filled with the two things that stay connected to it (the
 * console's pty and the notify socket), and handed to the child, which puts them together. The supervisor, as root of
 * the host.
 */

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/mount-make.h"
#include "payload/console.h"
#include "payload/notify.h"
#include "run/stage.h"
#include "run/sync.h"
#include "security/sysctl.h"
#include "util/fd.h"
#include "util/print.h"

/* systemd-machined(8)'s side of `machinectl bind`: the directory is fixed there. */
#define INCOMING_DIR "/run/systemd/nspawn/propagate"

static int make_incoming(Machine *m, Failure *failure)
{
        if ((mkdir("/run/systemd", 0755) < 0 && errno != EEXIST) ||
            (mkdir("/run/systemd/nspawn", 0755) < 0 && errno != EEXIST) ||
            (mkdir(INCOMING_DIR, 0755) < 0 && errno != EEXIST))
                return failure_set(failure, -errno, "Failed to create '%s': %m", INCOMING_DIR);

        if (strf(&m->mounts.incoming, "%s/%s", INCOMING_DIR, m->name) < 0)
                return -ENOMEM;
        /* An existing one is left over from a supervisor that was killed: the name is locked. */
        if (mkdir(m->mounts.incoming, 0600) < 0 && errno != EEXIST)
                return failure_set(failure, -errno, "Failed to create '%s': %m", m->mounts.incoming);
        return 0;
}

/* The host's root has created it: the machine's root gets its own files. */
static int give_devpts(const Machine *m, int devpts_fd, Failure *failure)
{
        if (devpts_fd >= 0 &&
            (fchownat(devpts_fd, "", m->plan.owner, m->plan.owner, AT_EMPTY_PATH) < 0 ||
             fchownat(devpts_fd, "ptmx", m->plan.owner, m->plan.owner, AT_SYMLINK_NOFOLLOW) < 0))
                return failure_set(failure, -errno, "Failed to give /dev/pts to machine '%s': %m", m->name);
        return 0;
}

/* The machine's first pty, opened before the payload can. */
static int open_console(Machine *m, int devpts_fd, Failure *failure)
{
        unsigned number = 0;
        int unlock = 0;

        if (devpts_fd < 0 || m->plan.console == CONSOLE_PIPE)
                return 0;

        m->mounts.pty_master = openat(devpts_fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (m->mounts.pty_master < 0 || ioctl(m->mounts.pty_master, TIOCSPTLCK, &unlock) < 0 ||
            ioctl(m->mounts.pty_master, TIOCGPTN, &number) < 0)
                return failure_set(failure, -errno, "Failed to open the console of machine '%s': %m", m->name);
        if (number != 0)
                return failure_set(failure, -EBUSY, "The first pty of machine '%s' is taken already", m->name);

        if (fchownat(devpts_fd, "0", m->plan.owner, m->plan.tty_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
            fchmodat(devpts_fd, "0", 0620, 0) < 0)
                return failure_set(failure, -errno, "Failed to give machine '%s' its console: %m", m->name);
        if (m->plan.oci && m->plan.oci->rows > 0) {
                const struct winsize size = {
                        .ws_row = (unsigned short) m->plan.oci->rows, .ws_col = (unsigned short) m->plan.oci->columns,
                };

                (void) ioctl(m->mounts.pty_master, TIOCSWINSZ, &size);
        }
        console_set_size(m->mounts.pty_master);
        return 0;
}

static int write_sysctls(Machine *m, int proc_fd, Failure *failure)
{
        const OciSettings *oci = m->plan.oci;

        return oci ? sysctls_write(oci->sysctls, oci->n_sysctls, proc_fd, m->child.leader.pidfd, failure) : 0;
}

static int open_host_dir(Machine *m, int host_fd, Failure *failure)
{
        m->mounts.notify_fd = notify_socket_open(host_fd, "notify", m->plan.owner, m->plan.owner, failure);
        if (m->mounts.notify_fd < 0)
                return m->mounts.notify_fd;
        /* As a writer that never writes: readers of /proc/kmsg in the machine wait instead of reading end of file. */
        m->mounts.kmsg_fd = openat(host_fd, ".kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (m->mounts.kmsg_fd < 0)
                return failure_set(failure, -errno, "Failed to open the kernel log of machine '%s': %m", m->name);
        return 0;
}

static int open_context(Machine *m, MountMakeContext *c, Failure *failure)
{
        char path[64];

        if (!m->plan.userns)
                return 0;

        (void) snprintf(path, sizeof(path), "/proc/%d/ns/user", m->child.leader.pid);
        c->userns_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (c->userns_fd < 0)
                return failure_set(failure, -errno, "Failed to open the user namespace of machine '%s': %m", m->name);
        return 0;
}

static void close_context(MountMakeContext *c)
{
        fd_close(c->tree_fd);
        fd_close(c->userns_fd);
}

static int make_mounts(Machine *m, Failure *failure)
{
        _cleanup_(close_context) MountMakeContext c = {
                .image_fd = m->image.fd,
                .tree_fd = machine_open_root(m, failure),
                .tree_namespace_fd = m->disk.tree.namespace_fd,
                .leader_pidfd = m->child.leader.pidfd,
                .map = m->plan.userns ? &m->plan.uid_map : NULL,
                .owner = m->plan.owner,
                .userns_fd = -EBADF,
        };
        const MountPlan *plan = &m->plan.mounts;
        int r;

        if (c.tree_fd < 0)
                return c.tree_fd;
        r = open_context(m, &c, failure);
        if (r < 0)
                return r;
        r = mount_make(m->work.items, m->work.n, &c, failure);
        if (r >= 0)
                r = mount_make_places(plan, m->work.items, &c, failure);
        if (r < 0)
                return r;
        r = give_devpts(m, mount_make_find(plan, m->work.items, "/dev/pts"), failure);
        if (r < 0)
                return r;
        r = open_console(m, mount_make_find(plan, m->work.items, "/dev/pts"), failure);
        if (r < 0)
                return r;
        r = open_host_dir(m, mount_make_find(plan, m->work.items, "/run/host"), failure);
        if (r >= 0)
                r = write_sysctls(m, mount_make_find(plan, m->work.items, "/proc"), failure);
        if (r < 0)
                return r;
        if (m->credentials.n > 0) {
                r = credentials_fill(&m->credentials, mount_make_find(plan, m->work.items, "/run/host/credentials"),
                                     m->plan.owner, failure);
                if (r < 0)
                        return r;
        }
        return mount_make_seal(plan, m->work.items, failure);
}

int stage_mounts_up(Machine *m, Failure *failure)
{
        int r;

        r = journal_do(&m->plan.journal, m->plan.owner, failure);
        m->mounts.journal_created = r > 0;
        if (r >= 0)
                r = make_incoming(m, failure);
        if (r >= 0)
                r = make_mounts(m, failure);
        if (r >= 0)
                r = sync_send_mounts(m->child.sync_fd, SYNC_SET_UP, m->work.items, m->work.n);
        mount_work_close(m->work.items, m->work.n);
        return r;
}

void stage_mounts_down(Machine *m)
{
        m->mounts.pty_master = fd_close(m->mounts.pty_master);
        m->mounts.notify_fd = fd_close(m->mounts.notify_fd);
        m->mounts.kmsg_fd = fd_close(m->mounts.kmsg_fd);
        if (m->mounts.incoming)
                (void) rmdir(m->mounts.incoming);
        free(TAKE_PTR(m->mounts.incoming));
        if (m->mounts.journal_created)
                journal_undo(&m->plan.journal);
        m->mounts.journal_created = false;
}
