/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Combines what machined and box's state files know (see running-machine.h). Part of boxctl, which has its caller's rights:
 * machined answers any user, any user may read the state files, and only reading a machine's tree needs root.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ctl/running-machine.h"
#include "image/image.h"
#include "image/machine-name.h"
#include "payload/cgroup.h"
#include "payload/enter.h"
#include "util/clock.h"
#include "util/env-file.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/tree.h"

/* machined may have to be started. */
#define LISTING_USEC (5 * USEC_PER_SEC)

void running_machine_done(RunningMachine *m)
{
        free(m->name);
        if (m->registered)
                machine_properties_done(&m->properties);
        if (m->ours)
                machine_state_done(&m->state);
        *m = (RunningMachine) { 0 };
}

void running_machine_machined_is_silent(Ctl *c)
{
        if (!c->machined_is_silent)
                log_warning(0, "systemd-machined does not answer; it may wait for a machine that does not");
        c->machined_is_silent = true;
}

/* The failure says whether there is such a machine to start. */
static int not_running(const Ctl *c, const char *name, Failure *failure)
{
        Image image = { .fd = -EBADF };
        Failure why = { 0 };
        int r;

        r = image_find(NULL, name, &image, &why);
        if (r == -EACCES)
                return failure_set(failure, -ENXIO, "No machine of this name is running");
        if (r < 0)
                return failure_set(failure, -ENXIO, "%s", why.text);
        image_done(&image);
        return failure_set(failure, -ENXIO, "This machine is not running; to start it: %s start %s", c->program, name);
}

/* A machine can block machined while this looks into it for another caller. Then all is known but what machined alone knows. */
static int ask_machined(Ctl *c, sd_bus *bus, RunningMachine *m, const char *name, Failure *failure)
{
        int r;

        (void) sd_bus_set_method_call_timeout(bus, m->ours ? LOOK_USEC : 0);
        r = machined_properties(bus, name, &m->properties, failure);
        (void) sd_bus_set_method_call_timeout(bus, 0);
        if (r == -ETIMEDOUT)
                running_machine_machined_is_silent(c);
        return r;
}

static int find(Ctl *c, const char *name, bool quickly, RunningMachine *ret, Failure *failure)
{
        const char *problem = machine_name_problem(name);
        Failure f = { 0 };
        RunningMachine m = { 0 };
        sd_bus *bus;
        int r;

        if (problem && strcmp(name, ".host") != 0)
                return failure_set(failure, -EINVAL, "Invalid machine name: %s", problem);

        r = machine_state_read(NULL, name, &m.state);
        m.ours = r >= 0;
        bus = m.ours && quickly ? NULL : ctl_bus(c, &f);
        if (bus && !c->machined_is_silent)
                m.registered = ask_machined(c, bus, &m, name, &f) >= 0;
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

int running_machine_find(Ctl *c, const char *name, RunningMachine *ret, Failure *failure)
{
        return find(c, name, /* quickly= */ false, ret, failure);
}

int running_machine_find_quickly(Ctl *c, const char *name, RunningMachine *ret, Failure *failure)
{
        return find(c, name, /* quickly= */ true, ret, failure);
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

bool running_machine_is_frozen(const RunningMachine *m)
{
        _cleanup_free_ char *group = NULL, *path = NULL, *text = NULL;

        if (running_machine_leader(m) <= 0 || cgroup_of_pid(running_machine_leader(m), &group, NULL) < 0 ||
            strf(&path, "/sys/fs/cgroup%s/cgroup.events", group) < 0 ||
            fd_read_file_at(AT_FDCWD, path, 4096, &text, NULL) < 0)
                return false;
        return strstr(text, "frozen 1");
}

const char *running_state_name(bool frozen, bool silent)
{
        return frozen ? "frozen" : silent ? "no answer" : "running";
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
        if (bus) {
                (void) sd_bus_set_method_call_timeout(bus, LISTING_USEC);
                r = machined_list(bus, &rows, &n, &f);
                (void) sd_bus_set_method_call_timeout(bus, 0);
                if (r == -ETIMEDOUT)
                        running_machine_machined_is_silent(c);
                else if (r < 0 && r != -ENOSYS)
                        return failure_set(failure, f.error, "%s", f.text);
        }

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

enum { OS_RELEASE_MAX = 64 * 1024 };

/* In a process of its own. */
static int answer_os_release(const void *question, int fd)
{
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        r = leader_open(*(const pid_t *) question, &leader, NULL);
        if (r < 0)
                return r;
        r = tree_read(leader.root_fd, "/etc/os-release", OS_RELEASE_MAX, &text, NULL);
        if (r == -ENOENT)
                r = tree_read(leader.root_fd, "/usr/lib/os-release", OS_RELEASE_MAX, &text, NULL);
        return r < 0 ? r : fd_write_all(fd, text, strlen(text));
}

int running_machine_look(const RunningMachine *m, Look *ret)
{
        const pid_t leader = running_machine_leader(m);

        *ret = (Look) LOOK_NULL;
        /* The files of others are not ours to interpret; machined knows them. */
        if (leader <= 0 || !m->ours)
                return 0;
        return look_start(answer_os_release, &leader, -EBADF, ret);
}

static int parse_os_release(char *text, char ***ret)
{
        _cleanup_strv_ char **list = NULL;
        char *rest = text, *entry;

        while ((entry = env_file_next(&rest)))
                if (strv_extend(&list, entry) < 0)
                        return -ENOMEM;

        *ret = TAKE_PTR(list);
        return 0;
}

int running_machine_os_release(Ctl *c, const RunningMachine *m, Look *l, uint64_t deadline_usec, char ***ret)
{
        _cleanup_free_ char *text = NULL;
        Failure f = { 0 };
        size_t size;
        sd_bus *bus;
        int r;

        *ret = NULL;
        if (l->fd >= 0) {
                r = look_finish(l, deadline_usec, OS_RELEASE_MAX, &text, &size);
                if (r >= 0)
                        return parse_os_release(text, ret);
                /* Not to be asked of machined, which would wait for the machine, and let all its callers wait. */
                if (r == -ETIMEDOUT || r == -ENOMEM)
                        return r;
        }

        /* A user without privilege may not look. */
        bus = m->registered && !c->machined_is_silent ? ctl_bus(c, NULL) : NULL;
        if (!bus)
                return 0;
        (void) sd_bus_set_method_call_timeout(bus, LOOK_USEC);
        r = machined_os_release(bus, m->name, ret, &f);
        (void) sd_bus_set_method_call_timeout(bus, 0);
        if (r == -ETIMEDOUT)
                running_machine_machined_is_silent(c);
        return r == -ETIMEDOUT || r == -ENOMEM ? r : 0;
}
