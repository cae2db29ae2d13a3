/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The stages that create the machine's cgroup and its first process with all of its namespaces. The supervisor, as root of
 * the host.
 */

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/settings-table.h"
#include "net/network-namespace.h"
#include "payload/console-journal.h"
#include "payload/stub-init.h"
#include "run/child.h"
#include "run/stage.h"
#include "run/sync.h"
#include "security/loginuid.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/parse.h"

/* Are we the main process of a unit? See $SYSTEMD_EXEC_PID in systemd.exec(5). */
static bool is_main_process(void)
{
        const char *e = getenv("SYSTEMD_EXEC_PID");
        uint32_t pid;

        return e && parse_u32(e, &pid) >= 0 && pid == (uint32_t) getpid();
}

int stage_cgroup_up(Machine *m, Failure *failure)
{
        _cleanup_free_ char *own = NULL, *unit = NULL;
        _cleanup_close_ int root_fd = cgroup_root_open(failure);
        int r;

        if (root_fd < 0)
                return root_fd;
        /* Otherwise the machine gets a scope, which needs the leader: stage-register.c. */
        if (!m->settings.keep_unit)
                return 0;

        r = cgroup_of_pid(0, &own, failure);
        if (r < 0)
                return r;
        if (cgroup_is_of_user(own) && plan_register_mode(&m->settings, &m->facts.host.environment) != REGISTER_NO)
                return failure_set(failure, -EPERM, "--keep-unit: '%s' is a user's session, which systemd-machined would take "
                                   "for the machine; leave --keep-unit out, or use --register=no", own);
        r = cgroup_unit_path(own, &unit);
        if (r >= 0)
                r = cgroup_open(root_fd, unit, &m->cgroup, failure);
        if (r < 0)
                return r;
        m->cgroup.unit_ends_with_us = is_main_process();
        r = cgroup_enter_supervisor(&m->cgroup, failure);
        if (r >= 0)
                r = cgroup_make_payload(&m->cgroup, m->plan.owner, m->plan.owner, failure);
        return r;
}

void stage_cgroup_down(Machine *m)
{
        cgroup_done(&m->cgroup);
        m->cgroup = (Cgroup) CGROUP_NULL;
}

static int clone_failure(const Machine *m, int r, Failure *failure)
{
        Source from = m->settings.from[SETTING_PRIVATE_USERS];
        char form[SETTING_FORM_MAX], hint[256] = "";

        if (m->plan.userns && (r == -ENOSPC || r == -EUSERS))
                (void) snprintf(hint, sizeof(hint), " (is /proc/sys/user/max_user_namespaces 0?)");
        else if (m->plan.userns && (r == -EPERM || r == -EINVAL))
                (void) snprintf(hint, sizeof(hint), " (does this kernel have user namespaces? %s needs none)",
                                setting_form(SETTING_PRIVATE_USERS, from, "no", form));
        return failure_set(failure, r, "Failed to create the namespaces of machine '%s': %m%s", m->name, hint);
}

static int write_maps(const Machine *m, int proc_fd, Failure *failure)
{
        Source from = m->settings.from[SETTING_PRIVATE_USERS];
        char no[SETTING_FORM_MAX], identity[SETTING_FORM_MAX];
        Failure why = {};
        int r = user_namespace_write_maps(proc_fd, &m->plan.uid_map, &m->plan.gid_map, &why);

        if (r == -EPERM)
                return failure_set(failure, r, "%s (in a user namespace, only its own ids can be given: use %s or %s)", why.text,
                                   setting_form(SETTING_PRIVATE_USERS, from, "no", no),
                                   setting_form(SETTING_PRIVATE_USERS, from, "identity", identity));
        return r < 0 ? failure_set(failure, r, "%s", why.text) : 0;
}

/* Creates the child in the payload's cgroup. It gets its mount namespace once that is assembled (mount-attach.c), and creates
 * some itself (run/child.h). The kernel creates the user namespace first, so that it owns all others. */
static int clone_child(Machine *m, int child_sync_fd, Failure *failure)
{
        struct clone_args args = {
                .flags = (m->plan.namespaces & ~(CLONE_NEWNS | CHILD_NAMESPACES)) | CLONE_PIDFD,
                .pidfd = (uint64_t) (uintptr_t) &m->child.leader.pidfd,
                .exit_signal = SIGCHLD,
        };
        const TimeOrigin born = time_origin_now();
        pid_t pid;

        if (m->cgroup.payload_fd >= 0) {
                args.flags |= CLONE_INTO_CGROUP;
                args.cgroup = (uint64_t) m->cgroup.payload_fd;
        }

        pid = (pid_t) syscall(SYS_clone3, &args, sizeof(args));
        if (pid < 0)
                return clone_failure(m, -errno, failure);
        if (pid == 0) {
                m->child.sync_fd = fd_close(m->child.sync_fd);
                child_run(&(ChildInput) {
                        .plan = &m->plan,
                        .seccomp = &m->seccomp,
                        .born = &born,
                        .sync_fd = child_sync_fd,
                        .stub_fd = m->child.stub_fd,
                        .execute_fd = m->child.execute_fd,
                        .journal_fd = m->plan.console == CONSOLE_PIPE ? m->child.journal_fd : -EBADF,
                });
        }

        m->child.leader.pid = pid;
        m->child.running = true;
        return 0;
}

/* The child must inherit no login uid (security/loginuid.h). */
static int clone_without_login(Machine *m, int child_sync_fd, Failure *failure)
{
        uint32_t login = 0;
        int cleared = loginuid_clear(&login), r;

        /* In a user namespace we cannot; the audit subsystem then counts the machine's logins as those of our login. */
        if (cleared < 0)
                log_full(cleared == -EPERM ? LOG_DEBUG : LOG_WARNING, cleared,
                         "Failed to clear the login uid of machine '%s', ignoring: %m", m->name);
        r = clone_child(m, child_sync_fd, failure);
        if (cleared > 0) {
                cleared = loginuid_restore(login);
                if (cleared < 0)
                        log_warning(cleared, "Failed to restore our login uid %u, ignoring: %m", login);
        }
        return r;
}

/* The same in an existing network namespace, which a child with its own user namespace could not join. */
static int clone_child_into(Machine *m, int child_sync_fd, Failure *failure)
{
        const NetworkPlan *network = &m->plan.network;
        _cleanup_close_ int own = -EBADF;
        int r;

        m->network.netns_fd = network_namespace_open(network, failure);
        if (m->network.netns_fd < 0)
                return m->network.netns_fd;
        r = network_namespace_visit(m->network.netns_fd, &own, failure);
        if (r < 0)
                return r;

        if (network->is_private)
                r = links_loopback_up(failure);
        if (r >= 0)
                r = clone_without_login(m, child_sync_fd, failure);
        if (network_namespace_return(own, failure) < 0)
                return -EBADE;
        return r;
}

/* The machine's output gets a stream of its own: not the unit's, whose lines begin with priorities. */
static int open_journal(Machine *m)
{
        Failure failure = {};

        if ((m->plan.console != CONSOLE_READ_ONLY || !journal_is_stream(STDOUT_FILENO)) &&
            (m->plan.console != CONSOLE_PIPE || !(journal_is_stream(STDOUT_FILENO) || journal_is_stream(STDERR_FILENO))))
                return 0;
        m->child.journal_fd = journal_stream_open(journal_is_stream(STDOUT_FILENO) ? STDOUT_FILENO : STDERR_FILENO, m->name,
                                                  &failure);
        if (m->child.journal_fd >= 0)
                return 0;
        log_warning(0, "%s; the console of machine '%s' is not logged", failure.text, m->name);
        m->child.journal_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        return m->child.journal_fd < 0 ? -errno : 0;
}

/* Programs that the child becomes. A payload that is "#!/proc/self/exe", or a link to it, is the program of the process that
 * executes it: not box-run, where the machine has the host's root, who could overwrite its file (CVE-2019-5736). */
static int open_stubs(Machine *m, Failure *failure)
{
        if (m->plan.start_mode == START_PID2) {
                m->child.stub_fd = stub_open(BOX_STUB_INIT, 0555, failure);
                if (m->child.stub_fd < 0)
                        return m->child.stub_fd;
        }
        /* SELinux has the context of files of the host, and need not allow one to be entered by a file in memory. */
        if ((!m->plan.userns || id_map_has_host(&m->plan.uid_map, 0)) && !m->plan.selinux_context) {
                m->child.execute_fd = stub_open(BOX_ENTER_STUB, 0555, failure);
                if (m->child.execute_fd < 0)
                        return m->child.execute_fd;
        }
        return 0;
}

int stage_clone_up(Machine *m, Failure *failure)
{
        _cleanup_close_ int child_end = -EBADF, proc_fd = -EBADF;
        char path[64];
        int pair[2], r;

        r = open_stubs(m, failure);
        if (r >= 0)
                r = open_journal(m);
        if (r >= 0)
                r = sync_pair(pair);
        if (r < 0)
                return r;
        m->child.sync_fd = pair[0];
        child_end = pair[1];

        r = m->plan.network.namespace_path ? clone_child_into(m, child_end, failure) :
                                             clone_without_login(m, child_end, failure);
        m->child.execute_fd = fd_close(m->child.execute_fd);
        if (r < 0)
                return r;

        (void) snprintf(path, sizeof(path), "/proc/%d", m->child.leader.pid);
        proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd < 0)
                return failure_set(failure, -errno, "Failed to open '%s': %m", path);
        if (m->plan.userns)
                r = write_maps(m, proc_fd, failure);
        if (r >= 0)
                r = limits_apply_scheduling(&m->plan.limits, m->child.leader.pid, proc_fd, failure);
        return r < 0 ? r : sync_send(m->child.sync_fd, SYNC_BEGIN);
}

int stage_child_failure(const Machine *m, int r, Failure *failure)
{
        return r != -EPIPE ? r : failure_set(failure, -ECHILD, "The first process of machine '%s' died before it ran the payload",
                                             m->name);
}

int stage_child_wait(Machine *m, SyncKind kind, Failure *failure)
{
        int r;

        do {
                r = loop_wait_readable(&m->loop, m->child.sync_fd);
                if (r >= 0)
                        r = sync_take(m->child.sync_fd, kind, NULL, failure);
        } while (r == 0);
        return r < 0 ? stage_child_failure(m, r, failure) : 0;
}

void stage_clone_down(Machine *m)
{
        if (m->child.running) {
                siginfo_t si;

                (void) kill(m->child.leader.pid, SIGKILL);
                (void) waitid(P_PIDFD, (id_t) m->child.leader.pidfd, &si, WEXITED);
                m->child.running = false;
        }

        leader_done(&m->child.leader);
        m->child.leader = (Leader) LEADER_NULL;
        m->child.stub_fd = fd_close(m->child.stub_fd);
        m->child.execute_fd = fd_close(m->child.execute_fd);
        m->child.sync_fd = fd_close(m->child.sync_fd);
        m->child.journal_fd = fd_close(m->child.journal_fd);
        m->network.netns_fd = fd_close(m->network.netns_fd);
}
