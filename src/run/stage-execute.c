/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The last stage: the child executes the payload, boxctl gets the machine's state file, and the supervisor drops the
 * privileges that it no longer needs. The supervisor, as root of the host.
 */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "payload/machine-state.h"
#include "run/confine.h"
#include "run/keeper.h"
#include "run/live-changes.h"
#include "run/stage.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"

static int fill_links(const LinkPlan *plan, char ***ret)
{
        for (size_t i = 0; i < plan->n; i++) {
                char *text;

                if (strf(&text, "%s %s", plan->ops[i].host_name, plan->ops[i].container_name) < 0 ||
                    strv_consume(ret, text) < 0)
                        return -ENOMEM;
        }

        return 0;
}

/* boxctl applies the same filter to programs that it starts in the machine: a filter other than the built-in one is saved. */
static int save_filter(Machine *m, Failure *failure)
{
        int r;

        if (m->seccomp.builtin)
                return 0;
        r = machine_state_path(NULL, m->name, "filter", &m->child.leader.filter);
        return r < 0 ? r : seccomp_program_save(&m->seccomp, m->child.leader.filter, failure);
}

int machine_write_state(Machine *m, Failure *failure)
{
        static const char *const consoles[] = {
                [CONSOLE_INTERACTIVE] = "interactive", [CONSOLE_READ_ONLY] = "read-only", [CONSOLE_PASSIVE] = "passive",
                [CONSOLE_PIPE] = "pipe",
        };
        _cleanup_strv_ char **links = NULL;
        const char *unit = m->cgroup.unit_path ? strrchr(m->cgroup.unit_path, '/') + 1 : "";
        MachineState s = {
                .name = m->name,
                .leader = m->child.leader.pid,
                .supervisor = getpid(),
                .init = m->plan.init,
                .booted = m->plan.start_mode == START_BOOT,
                .root = m->image.path,
                .unit = (char *) unit,
                .console = (char *) consoles[m->plan.console],
                .uid_base = m->plan.owner,
                .os = m->facts.tree.os_pretty_name,
                .seccomp_default = m->seccomp.builtin,
                .started_usec = m->started_usec,
        };

        if (fill_links(&m->plan.network.links, &links) < 0)
                return -ENOMEM;
        s.links = links;

        return machine_state_write(NULL, &s, failure);
}

/* For an init that is asked by a FIFO in its tree. Needs CAP_SYS_PTRACE, which is dropped later. */
static int open_leader_root(Machine *m, Failure *failure)
{
        char path[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/root", m->child.leader.pid);
        m->child.leader.root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (m->child.leader.root_fd < 0)
                return failure_set(failure, -errno, "Failed to open the root of machine '%s': %m", m->name);
        return 0;
}

/* Sets resource limits once the child needs no more than they allow. */
static int set_limits(Machine *m, Failure *failure)
{
        int r;

        r = stage_child_wait(m, SYNC_AWAIT_LIMITS, failure);
        if (r < 0)
                return r;
        return limits_apply_resources(&m->plan.limits, m->child.leader.pid, /* asked= */ true, failure);
}

/* This process reduces its privileges before the payload runs, whose bytes it reads from then on. */
static int let_execute(Machine *m, Failure *failure)
{
        int r = keeper_start(m, failure);

        if (r >= 0 && limits_plan_asks(&m->plan.limits))
                r = set_limits(m, failure);
        if (r >= 0)
                r = confine_capabilities(m, failure);
        if (r < 0)
                return r;
        r = sync_send(m->child.sync_fd, SYNC_EXECUTE);
        return r < 0 ? stage_child_failure(m, r, failure) : 0;
}

/* The next message can only be a failure; execve() closes the channel. */
static int wait_for_execve(Machine *m, Failure *failure)
{
        int r;

        do {
                r = loop_wait_readable(&m->loop, m->child.sync_fd);
                if (r >= 0)
                        r = sync_take(m->child.sync_fd, SYNC_EXECUTE, NULL, failure);
        } while (r == 0);
        /* Too late to cancel: the payload runs, and is asked to shut down. */
        if (r == -ECANCELED && sync_is_closed(m->child.sync_fd))
                return 0;
        if (failure->error < 0 && !*failure->text) {
                *failure = (Failure) {};
                return failure_set(failure, r, m->plan.exec_path ? "Failed to execute '%s': %m" : "Failed to execute %s: %m",
                                   m->plan.exec_path ?: "a shell");
        }
        return r == -EPIPE ? 0 : r < 0 ? r : -EBADMSG;
}

int stage_finish_up(Machine *m, Failure *failure)
{
        int r = sync_send(m->child.sync_fd, SYNC_FINISH);

        if (r < 0)
                return stage_child_failure(m, r, failure);
        return m->cgroup.payload_fd >= 0 ? stage_resources_restrict_devices(m, failure) : 0;
}

int stage_execute_up(Machine *m, Failure *failure)
{
        int r;

        /* Before the payload runs: the root of a command that exits at once could not be opened. */
        r = open_leader_root(m, failure);
        if (r >= 0)
                r = save_filter(m, failure);
        if (r >= 0) {
                m->state_written = true;
                m->started_usec = clock_usec(CLOCK_REALTIME);
                r = machine_write_state(m, failure);
        }
        if (r >= 0)
                r = limits_apply_resources(&m->plan.limits, m->child.leader.pid, /* asked= */ false, failure);
        if (r >= 0)
                r = let_execute(m, failure);
        /* While the child executes the payload. */
        if (r >= 0)
                live_keep(m);
        if (r >= 0)
                r = wait_for_execve(m, failure);
        if (r < 0)
                return r;
        m->child.sync_fd = fd_close(m->child.sync_fd);
        m->template.copied = false;
        /* The journal of a machine that has run is kept. */
        m->mounts.journal_created = false;
        return confine_access(m, failure);
}

/* From here on the machine does not run, for boxctl. */
void stage_execute_down(Machine *m)
{
        if (m->state_written)
                machine_state_remove(NULL, m->name);
        m->state_written = false;
}
