/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Combines what machined and box's state files know (see running-machine.h). Part of boxctl, which has its caller's rights:
 * machined answers any user, any user may read the state files, and only reading a machine's tree needs root.
 */

#include <stdio.h>
#include <string.h>

#include "ctl/running-machine.h"
#include "image/image.h"
#include "image/machine-name.h"
#include "payload/enter.h"
#include "util/env-file.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/tree.h"

void running_machine_done(RunningMachine *m)
{
        free(m->name);
        if (m->registered)
                machine_properties_done(&m->properties);
        if (m->ours)
                machine_state_done(&m->state);
        *m = (RunningMachine) { 0 };
}

/* The failure says whether there is such a machine to start. */
static int not_running(const Ctl *c, const char *name, Failure *failure)
{
        Image image = { .fd = -EBADF };
        Failure why = { 0 };
        int r;

        r = image_find(NULL, name, &image, &why);
        if (r < 0)
                return failure_set(failure, -ENXIO, "%s", why.text);
        image_done(&image);
        return failure_set(failure, -ENXIO, "This machine is not running; to start it: %s start %s", c->program, name);
}

int running_machine_find(Ctl *c, const char *name, RunningMachine *ret, Failure *failure)
{
        const char *problem = machine_name_problem(name);
        Failure f = { 0 };
        RunningMachine m = { 0 };
        sd_bus *bus;
        int r;

        if (problem && strcmp(name, ".host") != 0)
                return failure_set(failure, -EINVAL, "Invalid machine name: %s", problem);

        bus = ctl_bus(c, &f);
        if (bus)
                m.registered = machined_properties(bus, name, &m.properties, &f) >= 0;
        r = machine_state_read(NULL, name, &m.state);
        m.ours = r >= 0;
        if (!m.registered && !m.ours) {
                /* Without a bus, only machines of box's are known. */
                if (!bus || (f.error != -ENXIO && f.error != -ENOSYS))
                        return failure_set(failure, f.error, "%s", f.text);
                return not_running(c, name, failure);
        }

        m.name = strdup(name);
        if (!m.name) {
                running_machine_done(&m);
                return failure_set(failure, -ENOMEM, "Out of memory");
        }
        *ret = m;
        return 0;
}

pid_t running_machine_leader(const RunningMachine *m)
{
        return m->ours ? m->state.leader : (pid_t) m->properties.leader;
}

const char *running_machine_unit(const RunningMachine *m)
{
        const char *unit = m->registered ? m->properties.unit : m->state.unit;

        return unit ?: "";
}

const char *running_machine_root(const RunningMachine *m)
{
        const char *root = m->ours ? m->state.root : m->properties.root;

        return root ?: "";
}

uint64_t running_machine_since_usec(const RunningMachine *m)
{
        return m->registered ? m->properties.timestamp : m->state.started_usec;
}

bool running_machine_has_systemd(const RunningMachine *m)
{
        return m->ours ? m->state.booted && m->state.init == INIT_SYSTEMD : true;
}

bool running_machine_owns_unit(const RunningMachine *m)
{
        _cleanup_free_ char *service = machine_unit_name(m->name), *scope = NULL;
        const char *unit = running_machine_unit(m);
        size_t n = strlen(unit);

        if (service && strcmp(unit, service) == 0)
                return true;
        /* Started by hand without machined, or with it. */
        if (strf(&scope, "box-%s.scope", m->name) >= 0 && strcmp(unit, scope) == 0)
                return true;
        return strncmp(unit, "machine-", 8) == 0 && n > 14 && strcmp(unit + n - 6, ".scope") == 0;
}

/* ---- the list ------------------------------------------------------------------------------------------------- */

static bool is_listed(const MachineRow *rows, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(rows[i].name, name) == 0)
                        return true;
        return false;
}

static int append_ours(MachineRow **rows, size_t *n)
{
        MachineState *states = NULL;
        size_t n_states = 0;
        int r;

        r = machine_state_list(NULL, &states, &n_states);
        for (size_t i = 0; i < n_states; i++) {
                if (r >= 0 && !is_listed(*rows, *n, states[i].name)) {
                        MachineRow *row = array_append(rows, n, sizeof(MachineRow));

                        if (row) {
                                row->name = strdup(states[i].name);
                                row->class = strdup("container");
                                row->service = strdup("box");
                                row->path = strdup("");
                        }
                        if (!row || !row->name || !row->class || !row->service || !row->path)
                                r = -ENOMEM;
                }
                machine_state_done(states + i);
        }
        free(states);
        return r;
}

static int compare_rows(const void *a, const void *b)
{
        return strcmp(((const MachineRow *) a)->name, ((const MachineRow *) b)->name);
}

int running_machine_list(Ctl *c, MachineRow **ret, size_t *ret_n, Failure *failure)
{
        MachineRow *rows = NULL;
        Failure f = { 0 };
        size_t n = 0;
        sd_bus *bus;
        int r;

        bus = ctl_bus(c, &f);
        if (bus && machined_list(bus, &rows, &n, &f) < 0 && f.error != -ENOSYS)
                return failure_set(failure, f.error, "%s", f.text);

        r = append_ours(&rows, &n);
        if (r < 0) {
                machine_rows_free(rows, n);
                return failure_set(failure, r, "Failed to list the machines in /run/box: %m");
        }
        /* Without a bus, machines that are not of box may run. */
        if (!bus && n == 0)
                return failure_set(failure, f.error, "%s", f.text);

        if (n > 1)
                qsort(rows, n, sizeof(*rows), compare_rows);
        *ret = rows;
        *ret_n = n;
        return 0;
}

/* ---- os-release ----------------------------------------------------------------------------------------------- */

static int os_release_of_tree(const RunningMachine *m, char ***ret)
{
        enum { OS_RELEASE_MAX = 64 * 1024 };
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        _cleanup_strv_ char **list = NULL;
        _cleanup_free_ char *text = NULL;
        char *rest, *entry;
        int r;

        r = leader_open(running_machine_leader(m), &leader, NULL);
        if (r < 0)
                return r;
        r = tree_read(leader.root_fd, "/etc/os-release", OS_RELEASE_MAX, &text, NULL);
        if (r == -ENOENT)
                r = tree_read(leader.root_fd, "/usr/lib/os-release", OS_RELEASE_MAX, &text, NULL);
        if (r < 0)
                return r;
        rest = text;
        while ((entry = env_file_next(&rest)))
                if (strv_extend(&list, entry) < 0)
                        return -ENOMEM;

        *ret = TAKE_PTR(list);
        return 0;
}

int running_machine_os_release(Ctl *c, const RunningMachine *m, char ***ret)
{
        sd_bus *bus = m->registered ? ctl_bus(c, NULL) : NULL;

        *ret = NULL;
        if (bus && machined_os_release(bus, m->name, ret, NULL) >= 0)
                return 0;
        return os_release_of_tree(m, ret) == -ENOMEM ? -ENOMEM : 0;
}
