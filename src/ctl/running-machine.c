/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Combines what machined and box's state files know (see running-machine.h). Part of boxctl, which has its caller's rights:
 * machined answers any user, any user may read the state files, and only reading a machine's tree needs root.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/running-machine.h"
#include "image/image.h"
#include "image/machine-name.h"
#include "payload/cgroup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"

/* machined may have to be started. */
#define LISTING_USEC (5 * USEC_PER_SEC)

void running_machine_done(RunningMachine *m)
{
        free(m->name);
        machine_properties_done(&m->properties);
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

        r = c->options.machine ? -EACCES : image_find(NULL, name, &image, &why);
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

        if (problem && strcmp(name, ".host") != 0)
                return failure_set(failure, -EINVAL, "Invalid machine name: %s", problem);

        /* With --machine=, the names are of another host. */
        m.ours = !c->options.machine && machine_state_read(NULL, name, &m.state) >= 0;
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
        const char *unit = m->properties.unit ?: m->state.unit;

        return unit ?: "";
}

const char *running_machine_root(const RunningMachine *m)
{
        const char *root = m->ours ? m->state.root : m->properties.root;

        return root ?: "";
}

const char *running_machine_class(const RunningMachine *m)
{
        return m->properties.class ?: "container";
}

const char *running_machine_service(const RunningMachine *m)
{
        return m->properties.service ?: MACHINED_SERVICE;
}

uint64_t running_machine_since_usec(const RunningMachine *m)
{
        return m->properties.timestamp ?: m->state.started_usec;
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

/* "/machine.slice/box@x.service/payload", from that of PID 1, which may be below it. Names of the machine's own choice come after
 * it; the supervisor of a machine that was started by hand is elsewhere. */
static int payload_group(pid_t leader, char **ret)
{
        static const char payload[] = "/payload";
        _cleanup_free_ char *path = NULL;
        const char *at;
        int r = cgroup_of_pid(leader, &path, NULL);

        if (r < 0)
                return r;
        at = path;
        while ((at = strstr(at, payload)) && at[sizeof(payload) - 1] != '\0' && at[sizeof(payload) - 1] != '/')
                at++;
        if (!at)
                return -ENODATA;
        *ret = strndup(path, (size_t) (at - path) + sizeof(payload) - 1);
        return *ret ? 0 : -ENOMEM;
}

/* The leader's cgroup up to the part that has the unit's name. */
static int unit_group(const RunningMachine *m, char **ret)
{
        _cleanup_free_ char *group = NULL, *part = NULL;
        const char *unit = running_machine_unit(m), *found;
        int r;

        if (running_machine_leader(m) <= 0 || !*unit)
                return -ENODATA;
        r = cgroup_of_pid(running_machine_leader(m), &group, NULL);
        if (r >= 0)
                r = strf(&part, "/%s", unit);
        if (r < 0)
                return r;
        found = strstr(group, part);
        if (!found || (found[strlen(part)] != '/' && found[strlen(part)]))
                return -ENODATA;
        *ret = strndup(group, (size_t) (found - group) + strlen(part));
        return *ret ? 0 : -ENOMEM;
}

int running_machine_cgroup(const RunningMachine *m, char **ret)
{
        _cleanup_free_ char *group = NULL, *path = NULL;
        int r = m->ours ? payload_group(m->state.leader, &group) : unit_group(m, &group);

        if (r >= 0)
                r = strf(&path, "/sys/fs/cgroup%s", group);
        if (r >= 0)
                r = RET_ERRNO(access(path, F_OK));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(group);
        return 0;
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

static int compare_machines(const void *a, const void *b)
{
        return strcmp(((const RunningMachine *) a)->name, ((const RunningMachine *) b)->name);
}

static int append_ours(RunningMachine **list, size_t *n)
{
        _cleanup_free_ MachineState *states = NULL;
        size_t n_states = 0;
        int r;

        r = machine_state_list(NULL, &states, &n_states);
        for (size_t i = 0; i < n_states; i++) {
                RunningMachine m = { .name = r >= 0 ? strdup(states[i].name) : NULL, .ours = true, .state = states[i] };

                if (r >= 0)
                        r = m.name ? array_move(list, n, &m, sizeof(m)) : -ENOMEM;
                if (r < 0)
                        running_machine_done(&m);
        }
        return r;
}

/* A machine that machined knows, and box does not. Its row stands for what cannot be asked: machined hangs, or the machine has
 * just ended. */
static int append_other(Ctl *c, const MachineRow *row, RunningMachine **list, size_t *n)
{
        RunningMachine m = { 0 };
        int r = running_machine_find(c, row->name, &m, NULL);

        if (r < 0) {
                m = (RunningMachine) { .name = strdup(row->name), .registered = true };
                m.properties.class = strdup(row->class);
                m.properties.service = strdup(row->service);
                r = m.name && m.properties.class && m.properties.service ? 0 : -ENOMEM;
        }
        if (r >= 0)
                r = array_move(list, n, &m, sizeof(m));
        if (r < 0)
                running_machine_done(&m);
        return r;
}

/* list: those of box's, n of them, sorted by name. */
static int append_rows(Ctl *c, const MachineRow *rows, size_t n_rows, RunningMachine **list, size_t *n)
{
        const size_t n_ours = *n;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n_rows; i++) {
                RunningMachine key = { .name = rows[i].name };
                RunningMachine *ours = n_ours > 0 ? bsearch(&key, *list, n_ours, sizeof(key), compare_machines) : NULL;

                if (ours)
                        ours->registered = true;
                else if (c->options.all || rows[i].name[0] != '.')
                        r = append_other(c, &rows[i], list, n);
        }
        return r;
}

/* Without a bus, or machined, there are no rows. */
static int ask_for_rows(Ctl *c, sd_bus *bus, MachineRow **rows, size_t *n, Failure *failure)
{
        int r;

        (void) sd_bus_set_method_call_timeout(bus, LISTING_USEC);
        r = machined_list(bus, rows, n, failure);
        (void) sd_bus_set_method_call_timeout(bus, 0);
        if (r == -ETIMEDOUT)
                running_machine_machined_is_silent(c);
        /* A machine whose machined is asked has to have one. */
        return r == -ETIMEDOUT || (r == -ENOSYS && !c->options.machine) ? 0 : r;
}

int running_machines_list(Ctl *c, RunningMachine **ret, size_t *ret_n, Failure *failure)
{
        RunningMachine *list = NULL;
        MachineRow *rows = NULL;
        size_t n = 0, n_rows = 0;
        Failure f = { 0 };
        sd_bus *bus;
        int r;

        bus = ctl_bus(c, &f);
        r = bus && !c->machined_is_silent ? ask_for_rows(c, bus, &rows, &n_rows, &f) : 0;
        if (r < 0)
                return failure_set(failure, f.error, "%s", f.text);

        r = c->options.machine ? 0 : append_ours(&list, &n);
        if (r >= 0)
                r = append_rows(c, rows, n_rows, &list, &n);
        machine_rows_free(rows, n_rows);
        if (r < 0) {
                running_machines_free(list, n);
                return failure_set(failure, r, "Failed to list the machines in /run/box: %m");
        }
        /* Without a bus, machines that are not of box may run. */
        if (!bus && n == 0)
                return failure_set(failure, f.error, "%s", f.text);

        if (n > 1)
                qsort(list, n, sizeof(*list), compare_machines);
        *ret = list;
        *ret_n = n;
        return 0;
}

void running_machines_free(RunningMachine *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                running_machine_done(&list[i]);
        free(list);
}
