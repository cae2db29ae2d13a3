/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Creates the machine's mounts, detached, opens the console's pty and the notify socket in them, and assembles them to the
 * machine's mount namespace, which the child gets. The supervisor, as root of the host.
 */

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/mount-attach.h"
#include "mount/mount-make.h"
#include "net/network-namespace.h"
#include "payload/console.h"
#include "payload/notify.h"
#include "run/stage.h"
#include "run/sync.h"
#include "security/sysctl.h"
#include "util/fd.h"
#include "util/print.h"

/* Where systemd-machined mounts for `machinectl bind`. */
static int create_incoming(Machine *m, Failure *failure)
{
        int r = fd_mkdir(MACHINE_INCOMING_DIR, 0755);

        if (r < 0)
                return failure_set(failure, r, "Failed to create '%s': %m", MACHINE_INCOMING_DIR);
        if (strf(&m->mounts.incoming, "%s/%s", MACHINE_INCOMING_DIR, m->name) < 0)
                return -ENOMEM;
        /* An existing one is left over from a supervisor that was killed: the name is locked. */
        if (mkdir(m->mounts.incoming, 0600) < 0 && errno != EEXIST)
                return failure_set(failure, -errno, "Failed to create '%s': %m", m->mounts.incoming);
        return 0;
}

/* The host's root created it, but the machine's root must own its files. */
static int chown_devpts(const Machine *m, int devpts_fd, Failure *failure)
{
        if (devpts_fd >= 0 &&
            (fchownat(devpts_fd, "", m->plan.owner, m->plan.owner, AT_EMPTY_PATH) < 0 ||
             fchownat(devpts_fd, "ptmx", m->plan.owner, m->plan.owner, AT_SYMLINK_NOFOLLOW) < 0))
                return failure_set(failure, -errno, "Failed to change the owner of /dev/pts of machine '%s': %m", m->name);
        return 0;
}

/* The machine's first pty, opened before the payload can. */
static int open_console(Machine *m, int devpts_fd, Failure *failure)
{
        unsigned number = 0;
        int unlock = 0, r;

        if (devpts_fd < 0 || m->plan.console == CONSOLE_PIPE)
                return 0;

        m->mounts.pty_master = openat(devpts_fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (m->mounts.pty_master < 0 || ioctl(m->mounts.pty_master, TIOCSPTLCK, &unlock) < 0 ||
            ioctl(m->mounts.pty_master, TIOCGPTN, &number) < 0)
                return failure_set(failure, -errno, "Failed to open the console of machine '%s': %m", m->name);
        if (number != 0)
                return failure_set(failure, -EBUSY, "The first pty of machine '%s' is in use already", m->name);

        if (fchownat(devpts_fd, "0", m->plan.owner, m->plan.tty_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
            fchmodat(devpts_fd, "0", 0620, 0) < 0)
                return failure_set(failure, -errno, "Failed to change the owner of the console of machine '%s': %m", m->name);
        if (m->plan.oci && m->plan.oci->rows > 0) {
                const struct winsize size = {
                        .ws_row = (unsigned short) m->plan.oci->rows, .ws_col = (unsigned short) m->plan.oci->columns,
                };

                (void) ioctl(m->mounts.pty_master, TIOCSWINSZ, &size);
        }
        console_set_size(m->mounts.pty_master);
        r = console_ring_open(&m->mounts.console_ring);
        return r < 0 ? failure_set(failure, r, "Failed to create the memory of machine '%s's console: %m", m->name) : 0;
}

static int open_host_files(Machine *m, int host_fd, Failure *failure)
{
        m->mounts.notify_fd = notify_socket_open(host_fd, "notify", m->plan.owner, m->plan.owner, failure);
        if (m->mounts.notify_fd < 0)
                return m->mounts.notify_fd;
        /* Opened for writing, never written to: readers of /proc/kmsg in the machine wait instead of reading end of file. */
        m->mounts.kmsg_fd = openat(host_fd, ".kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        if (m->mounts.kmsg_fd < 0)
                return failure_set(failure, -errno, "Failed to open the kernel log of machine '%s': %m", m->name);
        return 0;
}

/* Distributions set "0 2147483647", which the kernel refuses in a user namespace that has fewer groups. */
static int allow_ping(Machine *m, int proc_fd, Failure *failure)
{
        gid_t low = 0, high = INT32_MAX;

        if (proc_fd < 0 || (m->plan.userns && !id_map_host_range(&m->plan.gid_map, &low, &high)))
                return 0;
        return network_namespace_allow_ping(m->network.netns_fd, proc_fd, low, high, failure);
}

static void close_context(MountMakeContext *c)
{
        c->outer_fd = fd_close(c->outer_fd);
        c->tree_fd = fd_close(c->tree_fd);
        c->userns_fd = fd_close(c->userns_fd);
}

static int open_namespaces(const Machine *m, MountMakeContext *c, Failure *failure)
{
        char path[64];

        if (m->plan.userns) {
                (void) snprintf(path, sizeof(path), "/proc/%d/ns/user", m->child.leader.pid);
                c->userns_fd = open(path, O_RDONLY | O_CLOEXEC);
                if (c->userns_fd < 0)
                        return failure_set(failure, -errno, "Failed to open the user namespace of machine '%s': %m", m->name);
        }
        /* Without overlays, mount_attach() makes it. */
        for (size_t i = 0; i < m->plan.mounts.n && c->outer_fd < 0; i++)
                if (m->plan.mounts.ops[i].kind == MOUNT_OVERLAY) {
                        c->outer_fd = mount_namespace_new(failure);
                        if (c->outer_fd < 0)
                                return c->outer_fd;
                }
        return 0;
}

MountMakeContext stage_mounts_context(const Machine *m, int tree_fd)
{
        return (MountMakeContext) {
                .image_fd = m->image.fd,
                .tree_fd = tree_fd,
                .tree_namespace_fd = m->disk.tree.namespace_fd,
                .outer_fd = -EBADF,
                .leader_pidfd = m->child.leader.pidfd,
                .map = m->plan.userns ? &m->plan.uid_map : NULL,
                .gid_map = m->plan.userns ? &m->plan.gid_map : NULL,
                .owner = m->plan.owner,
                .first_id = m->plan.first_id,
                .users_from = m->settings.from[SETTING_PRIVATE_USERS],
                .userns_fd = -EBADF,
        };
}

/* The host's id of the user that runs as PID 1, or 2. */
static uid_t credentials_owner(const Plan *p)
{
        uint32_t uid = p->owner;

        if (p->user && (!p->userns || !id_map_to_host(&p->uid_map, p->user->uid, &uid)))
                uid = p->userns ? p->owner : p->user->uid;
        return uid;
}

static int begin_mounts(Machine *m, Failure *failure)
{
        MountMakeContext *c = &m->mounts.make;
        int r;

        *c = stage_mounts_context(m, machine_open_root(m, failure));
        if (c->tree_fd < 0)
                return c->tree_fd;
        r = open_namespaces(m, c, failure);
        return r < 0 ? r : mount_make(m->work.items, m->work.n, c, failure);
}

/* Returns the machine's mount namespace. */
static int make_mounts(Machine *m, Failure *failure)
{
        const MountMakeContext *c = &m->mounts.make;
        const MountPlan *plan = &m->plan.mounts;
        const OciSettings *oci = m->plan.oci;
        int r;

        r = mount_make_in_namespaces(m->work.items, m->work.n, c, failure);
        if (r >= 0)
                r = mount_make_places(plan, m->work.items, c, failure);
        if (r >= 0)
                r = chown_devpts(m, mount_make_find(plan, m->work.items, "/dev/pts"), failure);
        if (r >= 0)
                r = open_console(m, mount_make_find(plan, m->work.items, "/dev/pts"), failure);
        if (r >= 0)
                r = open_host_files(m, mount_make_find(plan, m->work.items, "/run/host"), failure);
        if (r >= 0 && network_plan_is_new(&m->plan.network))
                r = allow_ping(m, mount_make_find(plan, m->work.items, "/proc"), failure);
        if (r >= 0 && oci)
                r = sysctls_write(oci->sysctls, oci->n_sysctls, mount_make_find(plan, m->work.items, "/proc"),
                                  m->child.leader.pidfd, failure);
        if (r >= 0 && m->credentials.n > 0)
                r = credentials_fill(&m->credentials, mount_make_find(plan, m->work.items, "/run/host/credentials"),
                                     credentials_owner(&m->plan), failure);
        if (r >= 0)
                r = mount_make_seal(plan, m->work.items, failure);
        return r < 0 ? r : mount_attach(plan, m->work.items, c, failure);
}

int stage_mounts_begin_up(Machine *m, Failure *failure)
{
        JournalMachine owner = plan_journal_machine(&m->plan);
        int r;

        r = journal_do(&m->plan.journal, &owner, failure);
        if (r < 0)
                return r;
        m->mounts.journal_created = r > 0;
        r = create_incoming(m, failure);
        return r < 0 ? r : begin_mounts(m, failure);
}

int stage_mounts_up(Machine *m, Failure *failure)
{
        _cleanup_close_ int namespace_fd = make_mounts(m, failure);

        close_context(&m->mounts.make);
        return namespace_fd < 0 ? namespace_fd : sync_send_fd(m->child.sync_fd, SYNC_SET_UP, namespace_fd);
}

void stage_mounts_down(Machine *m)
{
        close_context(&m->mounts.make);
        mount_work_close(m->work.items, m->work.n);
        m->mounts.pty_master = fd_close(m->mounts.pty_master);
        console_ring_close(&m->mounts.console_ring);
        m->mounts.notify_fd = fd_close(m->mounts.notify_fd);
        m->mounts.kmsg_fd = fd_close(m->mounts.kmsg_fd);
        if (m->mounts.incoming)
                (void) rmdir(m->mounts.incoming);
        free(TAKE_PTR(m->mounts.incoming));
        if (m->mounts.journal_created)
                journal_undo(&m->plan.journal);
        m->mounts.journal_created = false;
}
