/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The child: PID 1 of the machine before it is the payload. It starts in these namespaces:
 *
 *      user (if any), mount, PID, UTS, IPC, network (if private)   new, its own
 *      time (if any)                                               the host's, for its first few system calls
 *      cgroup                                                      the host's, until SYNC_EXECUTE
 *      mount                                                       new, but still a copy of the host's, until SYNC_SET_UP
 *
 * With a user namespace it has no privilege on the host from the start: what takes the host's is done by the supervisor,
 * which hands it detached mounts. Everything it has a descriptor of is close-on-exec. It never speaks: a Failure goes to
 * the supervisor.
 */

#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "mount/mount-attach.h"
#include "net/link.h"
#include "run/child.h"
#include "run/sync.h"
#include "security/apparmor.h"
#include "util/fd.h"

static int reset_signals(Failure *failure)
{
        sigset_t none;

        /* SIGKILL, SIGSTOP and the C library's own two refuse: they have no handler to reset. */
        for (int sig = 1; sig <= SIGRTMAX; sig++)
                (void) signal(sig, SIG_DFL);

        sigemptyset(&none);
        if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
                return failure_set(failure, -errno, "Failed to reset the signal mask: %m");
        return 0;
}

/* The machine's root, or who begins where the map has none: capabilities stay, since root inside is not who we have been.
 * Outside a user namespace root is who we are already, but for the groups. */
static int become_first(const Plan *plan, Failure *failure)
{
        uid_t id = plan->first_id;

        if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
                return failure_set(failure, -errno, "Failed to become user %u of the machine: %m", id);
        return 0;
}

/* The console as standard streams; in pipe mode they stay as they are. A command also gets it as controlling terminal (one
 * that is PID 2 later, in its own session). An init does not, as none does from the kernel: a getty that it starts could
 * not take it away from another session's leader without the host's CAP_SYS_ADMIN, and a ^C before that would be
 * Ctrl-Alt-Del to PID 1. */
static int open_console(const Plan *plan, Failure *failure)
{
        _cleanup_close_ int fd = -EBADF;

        if (setsid() < 0)
                return failure_set(failure, -errno, "Failed to start a session: %m");
        if (plan->console == CONSOLE_PIPE)
                return 0;

        fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open the machine's /dev/console: %m");
        if (plan->start_mode == START_COMMAND && ioctl(fd, TIOCSCTTY, 0) < 0)
                return failure_set(failure, -errno, "Failed to make /dev/console the controlling terminal: %m");
        for (int i = 0; i < 3; i++)
                if (dup2(fd, i) < 0)
                        return failure_set(failure, -errno, "Failed to connect /dev/console: %m");
        return 0;
}

/* In the tree as the machine sees it, with all that is mounted in it. */
static int edit_tree(const Plan *plan, int sync_fd, Failure *failure)
{
        _cleanup_close_ int root_fd = -EBADF;

        if (plan->edits.n == 0)
                return 0;
        root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root_fd < 0)
                return failure_set(failure, -errno, "Failed to open the machine's root: %m");

        for (size_t i = 0; i < plan->edits.n; i++) {
                const TreeEdit *edit = &plan->edits.items[i];
                Failure why = {};
                int r = tree_edit_apply(edit, root_fd, &why);

                if (r < 0 && edit->need == TREE_EDIT_REQUIRED)
                        return failure_set(failure, r, "%s", why.text);
                if (r < 0 && tree_edit_matters(edit, r)) {
                        r = sync_send_warning(sync_fd, &why);
                        if (r < 0)
                                return r;
                }
        }

        return 0;
}

/* Into the machine: its first user, its mounts. */
static int move_in(const Plan *plan, MountWork *work, Failure *failure)
{
        int r;

        (void) umask(plan->umask);
        if (plan->userns) {
                r = become_first(plan, failure);
                if (r < 0)
                        return r;
        }
        if (plan->apparmor_profile) {
                /* Now, while /proc is the host's. */
                r = apparmor_set_exec(plan->apparmor_profile, plan->apparmor_optional ? NULL : failure);
                if (r < 0 && !plan->apparmor_optional)
                        return r;
        }
        r = mount_attach(&plan->mounts, work, failure);
        return r < 0 ? r : child_find_payload(plan, failure);
}

/* What can be set up with the machine's own means, while the supervisor does what is left to do outside. */
static int settle_in(const Plan *plan, int sync_fd, Failure *failure)
{
        int r;

        r = edit_tree(plan, sync_fd, failure);
        if (r >= 0)
                r = open_console(plan, failure);
        if (r < 0)
                return r;
        if (plan->namespaces & CLONE_NEWUTS && sethostname(plan->hostname, strlen(plan->hostname)) < 0)
                return failure_set(failure, -errno, "Failed to set the host name '%s': %m", plan->hostname);
        if (plan->namespaces & CLONE_NEWNET) {
                r = links_loopback_up(failure);
                if (r < 0)
                        return r;
        }

        /* A session keyring of its own; a kernel without keyrings has nothing to keep apart. */
        (void) syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
        return 0;
}

static int run(const ChildInput *in, Failure *failure)
{
        const Plan *plan = in->plan;
        int sync_fd = in->sync_fd, r;

        /* For the time until child-execute.c's own: a change of credentials clears it, the end of the channel tells as well. */
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        r = sync_wait(sync_fd, SYNC_SET_UP, in->work, plan->mounts.n, failure);
        if (r < 0)
                return r;
        r = move_in(plan, in->work, failure);
        if (r < 0)
                return r;
        r = sync_send_mounts(sync_fd, SYNC_PREPARED, in->work, plan->mounts.n);
        mount_work_close(in->work, plan->mounts.n);
        if (r >= 0)
                r = settle_in(plan, sync_fd, failure);
        if (r < 0)
                return r;

        r = sync_wait(sync_fd, SYNC_EXECUTE, NULL, 0, failure);
        if (r < 0)
                return r;
        if (plan->late_namespaces & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0)
                return failure_set(failure, -errno, "Failed to make a cgroup namespace: %m");
        r = mount_attach_late(&plan->mounts, failure);
        if (r < 0)
                return r;
        r = reset_signals(failure);
        if (r < 0)
                return r;
        return child_execute(in, failure);
}

void child_run(const ChildInput *in)
{
        const Plan *plan = in->plan;
        const int keep[] = { in->sync_fd, in->stub_fd };
        Failure failure = {};
        int r;

        /* Now, not at execve(): what the supervisor has open lies on the host's mounts, and a link to /proc/self/fd in the
         * tree would lead there. */
        r = fd_close_all_but(SD_LISTEN_FDS_START + (int) plan->n_listen_fds, keep, ARRAY_SIZE(keep));
        if (r >= 0 && plan->late_namespaces & CLONE_NEWTIME)
                r = time_namespace_enter(in->born, &failure);
        if (r >= 0)
                r = run(in, &failure);

        /* Where the supervisor is there to hear of it, it also says when we go: machined and systemd may be about to put us
         * into a scope, and take a leader that is gone by then badly. */
        if (r != -EPIPE) {
                (void) failure_set(&failure, r, "Failed to prepare the first process of machine '%s': %m",
                                   plan->machine);
                if (sync_send_failure(in->sync_fd, &failure) >= 0)
                        sync_wait_closed(in->sync_fd);
        }
        _exit(EXIT_FAILURE);
}
