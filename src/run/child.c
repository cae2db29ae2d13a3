/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The child: PID 1 of the machine until it executes the payload. Its namespaces at first:
 *
 *      user (if any), PID, UTS                                 new
 *      mount                                                   the host's, until SYNC_SET_UP
 *      IPC, network (if private), time (if any)                the host's, for its first few system calls
 *      cgroup                                                  the host's, until SYNC_FINISH
 *
 * With a user namespace it has no privilege on the host: the supervisor does what needs it, and sends a mount namespace. All
 * its descriptors are close-on-exec. Silent: failures are sent to the supervisor.
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
#include <unistd.h>

#include "mount/mount-attach.h"
#include "net/link.h"
#include "payload/console-journal.h"
#include "run/child.h"
#include "run/sync.h"
#include "security/apparmor.h"
#include "util/fd.h"
#include "util/libsystemd.h"

static int reset_signals(Failure *failure)
{
        sigset_t none;

        /* Fails for SIGKILL, SIGSTOP and the C library's own two, which have no handler. */
        for (int sig = 1; sig <= SIGRTMAX; sig++)
                (void) signal(sig, SIG_DFL);

        sigemptyset(&none);
        if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
                return failure_set(failure, -errno, "Failed to reset the signal mask: %m");
        return 0;
}

/* The user namespace's root, or the first id of a map without root. Keeps the capabilities in the user namespace: the ids so far
 * are not its root's. */
static int become_first_id(const Plan *plan, Failure *failure)
{
        uid_t id = plan->first_id;

        if (setgroups(0, NULL) < 0 || setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
                return failure_set(failure, -errno, "Failed to become user %u of the machine: %m", id);
        return 0;
}

/* Opens the console as standard streams, which pipe mode inherits. A command also gets it as controlling terminal (as PID 2:
 * later, in its own session). An init does not, as from the kernel: its getty could not take the terminal from another
 * session's leader without the host's CAP_SYS_ADMIN, and until then ^C would signal PID 1, which takes it for Ctrl-Alt-Del. */
static int open_console(const Plan *plan, int journal_fd, Failure *failure)
{
        _cleanup_close_ int fd = -EBADF;

        if (setsid() < 0)
                return failure_set(failure, -errno, "Failed to start a session: %m");
        for (int i = STDOUT_FILENO; i <= STDERR_FILENO && journal_fd >= 0; i++)
                if (journal_is_stream(i) && dup2(journal_fd, i) < 0)
                        return failure_set(failure, -errno, "Failed to connect the journal: %m");
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

/* Edits the tree as the machine sees it, with all mounts. */
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

/* Becomes the first user, and enters the machine's mount namespace: its root becomes ours. */
static int enter_root(const Plan *plan, int namespace_fd, Failure *failure)
{
        int r = 0;

        (void) umask(plan->umask);
        if (plan->userns)
                r = become_first_id(plan, failure);
        /* While /proc is the host's. */
        if (r >= 0 && plan->apparmor_profile) {
                r = apparmor_set_exec(NULL, plan->apparmor_profile, plan->apparmor_optional ? NULL : failure);
                if (plan->apparmor_optional)
                        r = 0;
        }
        if (r < 0)
                return r;
        if (setns(namespace_fd, CLONE_NEWNS) < 0)
                return failure_set(failure, -errno, "Failed to enter the machine's mount namespace: %m");
        return child_find_payload(plan, failure);
}

/* Sets up what needs no privilege on the host, while the supervisor waits for the registration. */
static int set_up_inside(const ChildInput *in, Failure *failure)
{
        int r;

        r = edit_tree(in->plan, in->sync_fd, failure);
        if (r >= 0)
                r = open_console(in->plan, in->journal_fd, failure);
        if (r < 0)
                return r;
        /* A new session keyring; fails on a kernel without keyrings. */
        (void) syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
        return 0;
}

/* While the supervisor mounts. We have all capabilities in our user namespace, although we are not its root yet. */
static int set_up_namespaces(const ChildInput *in, Failure *failure)
{
        const Plan *plan = in->plan;
        int r;

        r = sync_wait(in->sync_fd, SYNC_BEGIN, NULL, failure);
        if (r < 0)
                return r;
        if (unshare((int) (plan->namespaces & CHILD_NAMESPACES)) < 0)
                return failure_set(failure, -errno, "Failed to create the network and IPC namespaces of machine '%s': %m",
                                   plan->machine);
        r = sync_send(in->sync_fd, SYNC_BORN);
        if (r < 0)
                return r;
        if (plan->namespaces & CLONE_NEWUTS && sethostname(plan->hostname, strlen(plan->hostname)) < 0)
                return failure_set(failure, -errno, "Failed to set the host name '%s': %m", plan->hostname);
        return plan->namespaces & CLONE_NEWNET ? links_loopback_up(failure) : 0;
}

static int run(const ChildInput *in, Failure *failure)
{
        _cleanup_close_ int namespace_fd = -EBADF;
        const Plan *plan = in->plan;
        int sync_fd = in->sync_fd, r;

        /* Until a change of credentials clears it. From then on the end of the channel ends us, until child-execute.c sets it. */
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        r = set_up_namespaces(in, failure);
        if (r >= 0)
                r = sync_wait(sync_fd, SYNC_SET_UP, &namespace_fd, failure);
        if (r >= 0)
                r = enter_root(plan, namespace_fd, failure);
        namespace_fd = fd_close(namespace_fd);
        if (r >= 0)
                r = sync_send(sync_fd, SYNC_PREPARED);
        if (r >= 0)
                r = set_up_inside(in, failure);
        if (r >= 0)
                r = sync_wait(sync_fd, SYNC_FINISH, NULL, failure);
        if (r < 0)
                return r;

        if (plan->late_namespaces & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0)
                return failure_set(failure, -errno, "Failed to create a cgroup namespace: %m");
        r = mount_attach_late(&plan->mounts, failure);
        if (r >= 0)
                r = reset_signals(failure);
        return r < 0 ? r : child_execute(in, failure);
}

void child_run(const ChildInput *in)
{
        const Plan *plan = in->plan;
        const int keep[] = { in->sync_fd, in->stub_fd, in->execute_fd, in->journal_fd };
        Failure failure = {};
        int r;

        /* Before execve(): a symlink in the tree to /proc/self/fd must not lead to the supervisor's files on the host. */
        r = fd_close_all_but(SD_LISTEN_FDS_START + (int) plan->n_listen_fds, keep, ARRAY_SIZE(keep));
        if (r >= 0 && plan->late_namespaces & CLONE_NEWTIME)
                r = time_namespace_enter(in->born, &failure);
        if (r >= 0)
                r = run(in, &failure);

        /* Waits until the supervisor has closed its end: machined and systemd may be creating a scope for us, and mishandle a
         * leader that exits meanwhile. */
        if (r != -EPIPE) {
                (void) failure_set(&failure, r, "Failed to prepare the first process of machine '%s': %m",
                                   plan->machine);
                if (sync_send_failure(in->sync_fd, &failure) >= 0)
                        sync_wait_closed(in->sync_fd);
        }
        _exit(EXIT_FAILURE);
}
