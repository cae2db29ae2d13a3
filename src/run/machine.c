/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Machine object, and facts of the machine's tree (see machine.h). The supervisor, as root (or any user, for a dry run);
 * changes nothing on the host.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "run/machine.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/tree.h"

/* At the end, nothing waits longer for a bus that is down or hangs. */
#define CONNECT_USEC (5 * USEC_PER_SEC)

void machine_init(Machine *m)
{
        *m = (Machine) {
                .wait = { loop_run, loop_event, &m->loop },
                .request = MACHINE_REQUEST_NULL,
                .image = { .fd = -EBADF },
                .locks = MACHINE_LOCKS_NULL,
                .disk = MACHINE_DISK_NULL,
                .range = ID_RANGE_NULL,
                .seccomp = SECCOMP_PROGRAM_NULL,
                .template = MACHINE_TEMPLATE_NULL,
                .cgroup = CGROUP_NULL,
                .child = MACHINE_CHILD_NULL,
                .network = MACHINE_NETWORK_NULL,
                .mounts = MACHINE_MOUNTS_NULL,
                .export = UNIX_EXPORT_NULL,
                .keeper = MACHINE_KEEPER_NULL,
                .control_fd = -EBADF,
        };
        settings_init(&m->settings);
}

void machine_done(Machine *m)
{
        loop_close(&m->loop);
        credentials_done(&m->credentials);
        machine_forget_tree(m);
        host_facts_done(&m->facts.host);
        mount_work_free(m->work.items, m->work.n);
        image_done(&m->template.image);
        image_done(&m->image);
        free(m->name);
        free(m->request.file_name);
        settings_done(&m->settings);
        live_settings_done(&m->live);
        free(m->in_force);
        settings_sources_done(&m->request.sources);
        oci_bundle_done(&m->request.bundle);
        assignments_done(&m->request.switches);
        problems_done(&m->request.problems);
}

/* User=, or the first id of a map without root, with that id as its only group. */
static int read_user(Machine *m, int root_fd)
{
        uid_t first = plan_first_id(&m->settings);
        char ids[32];

        (void) snprintf(ids, sizeof(ids), "%u:%u", first, first);
        if (!m->settings.user && first == 0)
                return 0;
        m->facts.user_error = machine_user_read(root_fd, m->settings.user ?: ids, &m->facts.user);
        return m->facts.user_error == -ENOMEM ? -ENOMEM : 0;
}

/* A user whose ids are in a file that is not read. */
static int assume_user(Machine *m)
{
        m->facts.user_error = 0;
        m->facts.user = (MachineUser) { .name = strdup(m->settings.user), .home = strdup("/"), .shell = strdup("/bin/sh") };
        return m->facts.user.name && m->facts.user.home && m->facts.user.shell ? 0 : -ENOMEM;
}

int machine_open_root(const Machine *m, Failure *failure)
{
        const Settings *s = &m->settings;
        int fd;

        if (!s->pivot_root_new) {
                fd = fcntl(m->image.fd, F_DUPFD_CLOEXEC, 3);
                return fd < 0 ? failure_set(failure, -errno, "Failed to duplicate a descriptor: %m") : fd;
        }
        fd = tree_open(m->image.fd, s->pivot_root_new, O_PATH | O_DIRECTORY);
        return fd >= 0 ? fd : failure_set_at(failure, s->from[SETTING_PIVOT_ROOT], fd,
                                             "Failed to open PivotRoot=%s of the tree '%s': %m", s->pivot_root_new,
                                             m->image.path);
}

int machine_read_tree(Machine *m, Problems *problems, Failure *failure)
{
        const char *init = m->settings.init;
        _cleanup_close_ int root_fd = machine_open_root(m, failure);
        int r;

        if (root_fd < 0)
                return root_fd;
        r = tree_facts_read(root_fd, &m->facts.tree, failure);
        if (r >= 0 && init && *init == '/')
                r = tree_facts_set_init(root_fd, init, &m->facts.tree, failure);
        if (r < 0)
                return r;

        /* Which files of the host are shared depends on the tree. */
        r = host_files_read(&m->settings, root_fd, &m->facts.host_files);
        if (r >= 0)
                r = host_users_read(&m->settings, root_fd, &m->facts.users, problems);
        /* plan_make() reports user_error. */
        if (r >= 0)
                r = read_user(m, root_fd);
        m->facts.valid = r >= 0;
        return r < 0 ? failure_set(failure, r, "Out of memory") : 0;
}

int machine_assume_tree(Machine *m, Problems *problems, Failure *failure)
{
        const char *init = m->settings.init;
        int r;

        r = problem_warning(problems, (Source) {}, "The disk image %s is not mounted for this: its init is assumed to be %s, "
                            "and the files in it are not looked at", m->image.path, init ?: "systemd");
        m->facts.tree = (TreeFacts) {
                .has_usr = true,
                .has_os_release = true,
                .init = init && *init == '/' ? INIT_OTHER : INIT_SYSTEMD,
                .init_path = strdup(init && *init == '/' ? init : "/usr/lib/systemd/systemd"),
        };
        if (r >= 0 && !m->facts.tree.init_path)
                r = -ENOMEM;
        /* Ids are what they are without a passwd file. */
        if (r >= 0)
                r = read_user(m, -EBADF);
        if (r >= 0 && m->facts.user_error < 0)
                r = assume_user(m);
        if (r >= 0)
                r = host_files_read(&m->settings, -EBADF, &m->facts.host_files);
        if (r >= 0)
                r = host_users_read(&m->settings, -EBADF, &m->facts.users, problems);
        m->facts.valid = r >= 0;
        return r < 0 ? failure_set(failure, r, "Out of memory") : 0;
}

void machine_forget_tree(Machine *m)
{
        host_users_done(&m->facts.users);
        host_files_done(&m->facts.host_files);
        tree_facts_done(&m->facts.tree);
        machine_user_done(&m->facts.user);
        m->facts.valid = false;
}

bool machine_is_dry(const Machine *m)
{
        return m->request.collect_problems || m->settings.dry_run;
}

/* A volatile machine still writes to file systems of the image other than its root. */
bool machine_disk_is_read_only(const Machine *m)
{
        return m->settings.read_only == YES || (m->settings.ephemeral == YES && m->settings.volatile_mode == VOLATILE_NO);
}

int machine_connect_bus(Machine *m, Failure *failure)
{
        int r = machine_open_bus(m, failure);

        if (r >= 0 && !sd_bus_get_event(m->registration.bus))
                r = bus_connect(m->registration.bus, CONNECT_USEC);
        return r < 0 ? failure_set(failure, r, "Failed to connect to the system bus: %m") : 0;
}

int machine_open_bus(Machine *m, Failure *failure)
{
        /* The bus may have been restarted. */
        if (m->registration.bus && sd_bus_is_open(m->registration.bus) <= 0)
                m->registration.bus = sd_bus_close_unref(m->registration.bus);
        return m->registration.bus ? 0 : bus_open_system(&m->registration.bus, failure);
}
