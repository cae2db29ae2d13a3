/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A machine's object from nothing to nothing, and what is known of its tree (see machine.h). The supervisor; nothing of the host
 * is changed.
 */

#include <fcntl.h>
#include <stdio.h>

#include "run/machine.h"
#include "util/fd.h"
#include "util/tree.h"

void machine_init(Machine *m)
{
        *m = (Machine) {
                .wait = { loop_run, &m->loop },
                .image = { .fd = -EBADF },
                .bundle = OCI_BUNDLE_NULL,
                .template = { .fd = -EBADF },
                .lock = IMAGE_LOCK_NULL,
                .name_lock = LOCK_FILE_NULL,
                .disk_tree = DISK_TREE_NULL,
                .disk_fd = -EBADF,
                .range = ID_RANGE_NULL,
                .seccomp = SECCOMP_PROGRAM_NULL,
                .cgroup = CGROUP_NULL,
                .leader = LEADER_NULL,
                .stub_fd = -EBADF,
                .sync_fd = -EBADF,
                .links = LINKS_NULL,
                .netns_fd = -EBADF,
                .notify_fd = -EBADF,
                .kmsg_fd = -EBADF,
                .pty_master = -EBADF,
                .export = UNIX_EXPORT_NULL,
        };
        settings_init(&m->settings);
}

void machine_done(Machine *m)
{
        loop_close(&m->loop);
        credentials_done(&m->credentials);
        machine_forget_tree(m);
        host_facts_done(&m->host);
        mount_work_free(m->work, m->n_work);
        image_done(&m->template);
        image_done(&m->image);
        free(m->name);
        free(m->file_name);
        settings_done(&m->settings);
        settings_sources_done(&m->sources);
        oci_bundle_done(&m->bundle);
        assignments_done(&m->switches);
        problems_done(&m->problems);
}

/* User=, or who begins in a machine without root, with no group but his own id's. */
static int read_user(Machine *m, int root_fd)
{
        uid_t first = plan_first_id(&m->settings);
        char ids[32];

        (void) snprintf(ids, sizeof(ids), "%u:%u", first, first);
        if (!m->settings.user && first == 0)
                return 0;
        m->user_error = machine_user_read(root_fd, m->settings.user ?: ids, &m->user);
        return m->user_error == -ENOMEM ? -ENOMEM : 0;
}

int machine_open_root(const Machine *m, Failure *failure)
{
        const Settings *s = &m->settings;
        char source[SOURCE_TEXT_MAX];
        int fd;

        if (!s->pivot_root_new) {
                fd = fcntl(m->image.fd, F_DUPFD_CLOEXEC, 3);
                return fd < 0 ? failure_set(failure, -errno, "Failed to copy a descriptor: %m") : fd;
        }

        fd = tree_open(m->image.fd, s->pivot_root_new, O_PATH | O_DIRECTORY);
        if (fd < 0)
                return failure_set(failure, fd, "%s: Failed to open PivotRoot=%s of the tree '%s': %m",
                                   source_text(s->from[SETTING_PIVOT_ROOT], source), s->pivot_root_new, m->image.path);
        return fd;
}

int machine_read_tree(Machine *m, Problems *problems, Failure *failure)
{
        const char *init = m->settings.init;
        _cleanup_close_ int root_fd = machine_open_root(m, failure);
        int r;

        if (root_fd < 0)
                return root_fd;
        r = tree_facts_read(root_fd, &m->tree, failure);
        if (r >= 0 && init && *init == '/')
                r = tree_facts_set_init(root_fd, init, &m->tree, failure);
        if (r < 0)
                return r;

        /* What the host is to share with the machine depends on what the tree has. */
        r = host_files_read(&m->settings, root_fd, &m->host_files);
        if (r >= 0)
                r = host_users_read(&m->settings, root_fd, &m->users, problems);
        /* The plan says what is wrong with the user, with all else that is. */
        if (r >= 0)
                r = read_user(m, root_fd);
        m->has_facts = r >= 0;
        return r < 0 ? failure_set(failure, r, "Out of memory") : 0;
}

void machine_forget_tree(Machine *m)
{
        host_users_done(&m->users);
        host_files_done(&m->host_files);
        tree_facts_done(&m->tree);
        machine_user_done(&m->user);
        m->has_facts = false;
}

bool machine_is_dry(const Machine *m)
{
        return m->tell_all || m->settings.dry_run;
}

/* A volatile machine still writes to what is not its root. */
bool machine_disk_is_read_only(const Machine *m)
{
        return m->settings.read_only == YES || (m->settings.ephemeral == YES && m->settings.volatile_mode == VOLATILE_NO);
}

int machine_open_bus(Machine *m, Failure *failure)
{
        int r = 0;

        /* The bus may have been restarted in the machine's life. */
        if (m->bus && sd_bus_is_open(m->bus) <= 0)
                m->bus = sd_bus_close_unref(m->bus);
        if (!m->bus)
                r = bus_open_system(&m->bus, failure);
        if (r < 0 || sd_bus_get_event(m->bus))
                return r < 0 ? r : 1;
        r = sd_bus_attach_event(m->bus, m->loop.event, SD_EVENT_PRIORITY_NORMAL);
        return r < 0 ? failure_set(failure, r, "Failed to attach the system bus to the event loop: %m") : 1;
}
