/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The directories of the host that a machine's mounts need for its life (mount/mount-scratch.h). A machine that reboots
 * within this process keeps what it wrote there; one that reboots by its unit gets a new process, and new ones. The
 * supervisor, as root of the host.
 */

#include "run/stage.h"
#include "util/fd.h"

/* From before a reboot; of use only where the machine still has the same ids. */
static bool can_reuse(const Machine *m)
{
        return m->scratch && m->scratch_owner == m->plan.owner && m->n_scratch == m->plan.mounts.n;
}

static void drop(Machine *m)
{
        mount_scratch_free(TAKE_PTR(m->scratch), m->n_scratch);
        m->n_scratch = 0;
}

int stage_scratch_up(Machine *m, Failure *failure)
{
        _cleanup_close_ int root_fd = machine_open_root(m, failure);
        const MountScratchContext c = { .image = &m->image, .root_fd = root_fd, .owner = m->plan.owner };
        int r;

        if (root_fd < 0)
                return root_fd;

        if (can_reuse(m))
                return mount_scratch_renew(m->scratch, m->n_scratch, failure);
        drop(m);
        r = mount_scratch_make(&m->plan.mounts, &c, &m->scratch, failure);
        if (r < 0)
                return r;
        m->n_scratch = m->plan.mounts.n;
        m->scratch_owner = m->plan.owner;
        return 0;
}

void stage_scratch_down(Machine *m)
{
        if (!m->going_round)
                drop(m);
}
