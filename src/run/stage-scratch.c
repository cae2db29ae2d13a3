/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Creates the directories on the host that the machine's mounts need (mount/mount-work.h). A reboot within this process keeps
 * their contents; a restart of the unit does not. The supervisor, as root of the host.
 */

#include "run/keeper.h"
#include "run/stage.h"
#include "util/fd.h"

static void free_work(Machine *m)
{
        keeper_undo_scratch(m);
        mount_work_free(TAKE_PTR(m->work.items), m->work.n);
        m->work.n = 0;
        m->work.kept = false;
}

int stage_scratch_up(Machine *m, Failure *failure)
{
        _cleanup_close_ int root_fd = machine_open_root(m, failure);
        const MountScratchContext c = { .image = &m->image, .root_fd = root_fd, .owner = m->plan.owner };
        int r;

        if (root_fd < 0)
                return root_fd;

        /* After a reboot, if the ids are the same: others could not use the contents. */
        if (mount_work_has_scratch(m->work.items, m->work.n) && m->work.owner == m->plan.owner && m->work.n == m->plan.mounts.n)
                return mount_work_renew(m->work.items, &m->plan.mounts, failure);
        free_work(m);
        r = mount_work_new(&m->plan.mounts, &c, &m->work.items, failure);
        if (r < 0)
                return r;
        m->work.n = m->plan.mounts.n;
        m->work.owner = m->plan.owner;
        return 0;
}

void stage_scratch_down(Machine *m)
{
        if (!m->rebooting || !m->work.kept)
                free_work(m);
        keeper_stop(m);
}
