/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The directories of the host that a machine's mounts need for its life (mount/mount-work.h). A machine that reboots
 * within this process keeps their contents; one that reboots by its unit gets a new process and new directories. The
 * supervisor, as root of the host.
 */

#include "run/stage.h"
#include "util/fd.h"

static void drop(Machine *m)
{
        mount_work_free(TAKE_PTR(m->work.items), m->work.n);
        m->work.n = 0;
}

int stage_scratch_up(Machine *m, Failure *failure)
{
        _cleanup_close_ int root_fd = machine_open_root(m, failure);
        const MountScratchContext c = { .image = &m->image, .root_fd = root_fd, .owner = m->plan.owner };
        int r;

        if (root_fd < 0)
                return root_fd;

        /* After a reboot; other ids could not use the contents. */
        if (mount_work_has_scratch(m->work.items, m->work.n) && m->work.owner == m->plan.owner && m->work.n == m->plan.mounts.n)
                return mount_work_renew(m->work.items, &m->plan.mounts, failure);
        drop(m);
        r = mount_work_new(&m->plan.mounts, &c, &m->work.items, failure);
        if (r < 0)
                return r;
        m->work.n = m->plan.mounts.n;
        m->work.owner = m->plan.owner;
        return 0;
}

void stage_scratch_down(Machine *m)
{
        if (!m->rebooting)
                drop(m);
}
