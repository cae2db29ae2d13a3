/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --cleanup: removes what a killed supervisor has left under the name of its machine (see machine.h). The kernel has ended the
 * machine and freed its namespaces, links, rules and loop devices; mounts and files of the host are left. ExecStopPost= of
 * box@.service, or by hand; root. The next start would do the same, but nothing else would: not systemd-nspawn, nor a start under
 * another name.
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/systemd1.h"
#include "config/set-drop-in.h"
#include "image/machine-name.h"
#include "mount/unix-export.h"
#include "payload/machine-state.h"
#include "run/machined-file.h"
#include "run/stage.h"
#include "util/log.h"
#include "util/print.h"

/* Does a machine of another manager have the name? A machine of ours does not live, as its lock is free, but its leader may
 * still be seen for a moment: systemd takes a cgroup for empty before the kernel has ended the last process in it. */
static bool other_manager_has_name(const char *name)
{
        MachinedFile f;
        bool other;

        if (machined_file_read(name, &f) < 0)
                return false;
        other = f.leader > 0 && (!f.service || strcmp(f.service, MACHINED_SERVICE) != 0) &&
                (kill(f.leader, 0) >= 0 || errno != ESRCH);
        machined_file_done(&f);
        return other;
}

/* In ExecStopPost=: the supervisor was not killed, so it has undone its start, or failed before it changed anything. What kept it
 * from starting (a full /run) is not told a second time. */
static bool supervisor_ended_by_itself(void)
{
        const char *code = getenv("EXIT_CODE");

        return getenv("SERVICE_RESULT") && code && strcmp(code, "exited") == 0;
}

/* In ExecStopPost=: a run that was no failure (a stop, a reboot) does not count for StartLimitBurst=. */
static int forget_start(Machine *m, const char *unit, Failure *failure)
{
        const char *result = getenv("SERVICE_RESULT");
        int r;

        if (!result || strcmp(result, "success") != 0)
                return 0;
        r = machine_connect_bus(m, failure);
        return r < 0 ? r : systemd1_reset_failed(m->registration.bus, unit, failure);
}

/* The changed properties of its unit. */
static int clean_unit(Machine *m, const char *unit, Failure *failure)
{
        int r = unit_change_undo_left(unit, failure);

        if (r <= 0)
                return r;
        r = machine_connect_bus(m, failure);
        return r < 0 ? r : systemd1_reload(m->registration.bus, NULL, failure);
}

/* Layers, and the lock files beside the tree and of its inode, which go when they are taken and released. */
static void clean_tree(const Machine *m)
{
        ImageLock lock = IMAGE_LOCK_NULL;
        Image image = { .fd = -EBADF };

        if (image_find(NULL, m->name, &image, NULL) < 0)
                return;
        if (image_lock(&image, /* read_only= */ false, NULL, &lock, NULL) >= 0)
                image_unlock(&lock);
        mount_work_remove_left(&image);
        image_done(&image);
}

int machine_cleanup(Machine *m, const char *name, Failure *failure)
{
        _cleanup_free_ char *incoming = NULL, *unit = NULL;
        int r;

        if (!name || !machine_name_is_valid(name))
                return failure_set(failure, -EINVAL, "--cleanup needs the name of a machine, --machine=");
        m->name = strdup(name);
        unit = machine_unit_name(name);
        if (!m->name || !unit || strf(&incoming, MACHINE_INCOMING_DIR "/%s", name) < 0)
                return -ENOMEM;
        if (supervisor_ended_by_itself()) {
                /* It has undone its own changes, not those that were made while it ran (live/live-resources.c, live-links.c). */
                links_remove_noted_zone(name);
                r = clean_unit(m, unit, failure);
                if (r >= 0)
                        r = forget_start(m, unit, failure);
                stage_bus_down(m);
                return r < 0 ? r : 1;
        }
        r = stage_name_up(m, failure);
        if (r < 0)
                return r;
        if (other_manager_has_name(name)) {
                stage_name_down(m);
                return failure_set(failure, -EEXIST, "A machine '%s' of another manager runs; nothing is removed", name);
        }

        unix_export_remove_left(name);
        (void) rmdir(incoming);
        clean_tree(m);
        port_forward_remove_left();
        links_remove_noted_zone(name);
        id_range_remove_left();
        lock_file_remove_left(JOURNAL_LOCK_DIR);
        machine_state_remove(NULL, name);
        set_drop_ins_remove("", name);
        r = clean_unit(m, unit, failure);
        if (r >= 0)
                r = forget_start(m, unit, failure);
        stage_bus_down(m);
        stage_name_down(m);
        return r < 0 ? r : 1;
}
