/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Exports one mount of the machine to the host (mount/unix-export.h), once the machine's name is registered. The supervisor,
 * as root of the host.
 */

#include "run/keeper.h"
#include "run/stage.h"
#include "util/fd.h"

/* Takes the mount to export, the only one that mount_attach() has left. -EBADF: none. */
static int take_export(Machine *m)
{
        int fd = -EBADF;

        for (size_t i = 0; i < m->work.n && fd < 0; i++)
                if (m->work.items[i].op->flags & MOUNT_EXPORT)
                        fd = TAKE_FD(m->work.items[i].fd);
        return fd;
}

int stage_export_up(Machine *m, Failure *failure)
{
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = stage_child_wait(m, SYNC_PREPARED, failure);
        fd = take_export(m);
        if (r < 0 || fd < 0)
                return r;
        return unix_export_up(m->name, fd, m->plan.userns ? m->child.leader.pid : 0, &m->export, failure);
}

void stage_export_down(Machine *m)
{
        keeper_undo_export(m);
        unix_export_down(&m->export);
}
