/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The child's last steps, once the machine is complete: it drops privileges, becomes the payload's user, and executes the
 * payload (for ProcessTwo=: the stub init as PID 1 and the payload as PID 2). A machine with the host's root does not execute its
 * payload from box-run, but from the stub in enter-stub/. Runs as root of the machine's user namespace.
 */

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "payload/enter-report.h"
#include "payload/stub-init.h"
#include "run/child.h"
#include "run/sync.h"
#include "security/capability.h"
#include "util/architecture.h"
#include "util/fd.h"
#include "util/libsystemd.h"
#include "util/print.h"
#include "util/strv.h"

/* The supervisor sets the resource limits of settings as late as this: earlier steps may need more than they allow. */
static int wait_for_supervisor(const ChildInput *in, Failure *failure)
{
        int r = 0;

        if (limits_plan_asks(&in->plan->limits))
                r = sync_send(in->sync_fd, SYNC_AWAIT_LIMITS);
        return r < 0 ? r : sync_wait(in->sync_fd, SYNC_EXECUTE, NULL, failure);
}

/* Sets the user's ids; keeps all capabilities for the remaining steps. */
static int become_user(const Plan *plan, Failure *failure)
{
        const MachineUser *u = plan->user;

        /* /dev/console belongs to root; the user must be able to reopen it by /dev/stdin. */
        for (int fd = 0; fd < 3 && plan->console != CONSOLE_PIPE; fd++)
                if (fchown(fd, u->uid, u->gid) < 0)
                        return failure_set(failure, -errno, "Failed to give the console to user '%s': %m", u->name);

        if (setgroups(u->n_groups, u->groups) < 0)
                return failure_set(failure, -errno, "Failed to set the groups of user '%s': %m", u->name);
        if (setresgid(u->gid, u->gid, u->gid) < 0)
                return failure_set(failure, -errno, "Failed to become group %u: %m", u->gid);
        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresuid(u->uid, u->uid, u->uid) < 0)
                return failure_set(failure, -errno, "Failed to become user '%s': %m", u->name);
        return capability_raise(failure);
}

static int set_personality(const char *architecture, Failure *failure)
{
        unsigned long value;
        int r = architecture_personality(architecture, &value);

        if (r >= 0)
                r = RET_ERRNO(personality(value));
        return r < 0 ? failure_set(failure, r, "Failed to set Personality=%s: %m", architecture) : 0;
}

/* For the next execve(). Fails on a kernel without SELinux. */
static int set_selinux_context(const char *context, Failure *failure)
{
        _cleanup_close_ int fd = open("/proc/thread-self/attr/exec", O_WRONLY | O_CLOEXEC);
        int r = fd < 0 ? -errno : fd_write_all(fd, context, strlen(context));

        return r < 0 ? failure_set(failure, r, "Failed to set the SELinux context '%s': %m", context) : 0;
}

static int confine(const ChildInput *in, Failure *failure)
{
        const Plan *plan = in->plan;
        const CapabilitySets sets = capability_payload(plan->caps, plan->oci ? plan->oci->inheritable : 0, plan->ambient,
                                                       !plan->user || plan->user->uid == 0);
        int r = 0;

        if (plan->personality)
                r = set_personality(plan->personality, failure);
        if (r >= 0 && plan->selinux_context)
                r = set_selinux_context(plan->selinux_context, failure);
        /* Before the filter, which may forbid it. */
        if (r >= 0 && plan->user)
                r = become_user(plan, failure);
        if (r < 0)
                return r;
        if (plan->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return failure_set(failure, -errno, "Failed to set no-new-privileges: %m");
        /* Before the capabilities are dropped: installing a filter needs CAP_SYS_ADMIN. */
        r = seccomp_apply(in->seccomp, failure);
        if (r >= 0)
                r = capability_apply(&sets, failure);
        if (r < 0)
                return r;

        /* Last: every change of credentials clears it. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return failure_set(failure, -errno, "Failed to set the parent death signal: %m");
        /* Or the supervisor has died before. */
        return sync_is_closed(in->sync_fd) ? -EPIPE : 0;
}

/* Called as the payload's user, whose permissions count. */
static int change_directory(const Plan *plan, Failure *failure)
{
        if (!plan->working_directory || chdir(plan->working_directory) >= 0)
                return 0;
        if (!plan->working_directory_from.where)
                return RET_ERRNO(chdir("/"));
        return failure_set_at(failure, plan->working_directory_from, -errno, "Failed to change to WorkingDirectory=%s: %m",
                              plan->working_directory);
}

/* Passes the sockets from the service manager (sd_listen_fds(3)) to the payload, under the same numbers. */
static int pass_sockets(const Plan *plan, Failure *failure)
{
        char pid[16];

        if (plan->n_listen_fds == 0)
                return 0;
        for (int i = 0; i < (int) plan->n_listen_fds; i++)
                if (fcntl(SD_LISTEN_FDS_START + i, F_SETFD, 0) < 0)
                        return failure_set(failure, -errno, "Failed to pass on a socket: %m");

        (void) snprintf(pid, sizeof(pid), "%d", getpid());
        return setenv("LISTEN_PID", pid, /* overwrite= */ 1) < 0 ? -ENOMEM : 0;
}

/* The login shells to try if there is no command, with their argv[0]. */
static const struct { const char *path, *name; } shells[] = {
        { "/bin/bash", "-bash" }, { "/bin/sh", "-sh" },
};

static int is_executable(const char *path)
{
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EACCES;
        return RET_ERRNO(faccessat(AT_FDCWD, path, X_OK, AT_EACCESS));
}

/* Searches like execvp(3): 0 for the first executable file, else the last error other than a missing file. */
static int find_in_path(const Plan *plan)
{
        const char *path = strv_env_get(plan->env, "PATH") ?: "/bin:/usr/bin";
        int r = -ENOENT;

        for (const char *p = path; r < 0 && p; p = strchr(p, ':') ? strchr(p, ':') + 1 : NULL) {
                _cleanup_free_ char *file = NULL;
                int found;

                /* Relative to the working directory, which is not set yet. */
                if (*p != '/')
                        return 0;
                if (strf(&file, "%.*s/%s", (int) strcspn(p, ":"), p, plan->exec_path) < 0)
                        return -ENOMEM;
                found = is_executable(file);
                if (found != -ENOENT && found != -ENOTDIR)
                        r = found;
        }
        return r;
}

int child_find_payload(const Plan *plan, Failure *failure)
{
        int r = -ENOENT;

        if (!plan->exec_path) {
                for (size_t i = 0; i < ARRAY_SIZE(shells) && r < 0; i++)
                        r = is_executable(shells[i].path);
                return r < 0 ? failure_set(failure, r, "Failed to execute a shell: %m") : 0;
        }
        if (!strchr(plan->exec_path, '/'))
                r = find_in_path(plan);
        else if (*plan->exec_path == '/')
                r = is_executable(plan->exec_path);
        else
                r = 0;
        /* The user may have permissions that root of the user namespace lacks. */
        if (r == -EACCES && plan->user)
                r = 0;
        return r < 0 ? failure_set(failure, r, "Failed to execute '%s': %m", plan->exec_path) : 0;
}

/* ---- by the stub ----------------------------------------------------------------------------------------------------- */

/* Where execvp(3) would look for the program. */
static int list_paths(const Plan *plan, const char *program, char ***ret)
{
        const char *dir = strchr(program, '/') ? NULL : strv_env_get(plan->env, "PATH") ?: "/bin:/usr/bin";

        if (!dir)
                return strv_extend(ret, program);
        for (;; dir++) {
                int n = (int) strcspn(dir, ":");
                char *path;

                if (strf(&path, "%.*s%s%s", n, dir, n > 0 ? "/" : "", program) < 0 || strv_consume(ret, path) < 0)
                        return -ENOMEM;
                dir += n;
                if (!*dir)
                        return 0;
        }
}

static int stub_arguments(const ChildInput *in, const char *program, char *const *argv, char ***ret)
{
        _cleanup_strv_ char **paths = NULL;
        char number[16], count[16];
        const char *const own[] = { "enter-stub", number, ENTER_STUB_PAYLOAD, "", "/", count };
        int r;

        r = list_paths(in->plan, program, &paths);
        (void) snprintf(number, sizeof(number), "%d", in->sync_fd);
        (void) snprintf(count, sizeof(count), "%zu", strv_length(paths));
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(own); i++)
                r = strv_extend(ret, own[i]);
        for (char **p = paths; r >= 0 && p && *p; p++)
                r = strv_extend(ret, *p);
        for (char *const *a = argv; r >= 0 && *a; a++)
                r = strv_extend(ret, *a);
        return r;
}

/* It reports an error of its own execve() to the supervisor. By a path in the machine's /proc, as the stub init; a setting may
 * have covered that, and a filter may refuse execveat(2). */
static int execute_by_stub(const ChildInput *in, const char *program, char *const *argv, Failure *failure)
{
        _cleanup_strv_ char **args = NULL;
        char path[FD_PATH_MAX];
        int r = stub_arguments(in, program, argv, &args);

        if (r < 0)
                return r;
        if (fcntl(in->sync_fd, F_SETFD, 0) >= 0) {
                (void) execve(fd_path(in->execute_fd, path), args, environ);
                (void) syscall(SYS_execveat, in->execute_fd, "", args, environ, AT_EMPTY_PATH);
        }
        return failure_set(failure, -errno, "Failed to execute the stub program: %m");
}

/* ---- the payload ----------------------------------------------------------------------------------------------------- */

static int execute(const ChildInput *in, const char *program, char *const *argv, Failure *failure)
{
        if (in->execute_fd >= 0)
                return execute_by_stub(in, program, argv, failure);
        execvp(program, argv);
        return failure_set(failure, -errno, in->plan->exec_path ? "Failed to execute '%s': %m" : "Failed to execute a shell: %m",
                           program);
}

static int execute_payload(const ChildInput *in, Failure *failure)
{
        const Plan *plan = in->plan;
        size_t i;
        int r;

        r = change_directory(plan, failure);
        environ = plan->env;
        if (r >= 0)
                r = pass_sockets(plan, failure);
        if (r < 0)
                return r;

        if (plan->exec_path)
                return execute(in, plan->exec_path, plan->argv, failure);
        /* If the tree has no shell, the message names the last one. */
        for (i = 0; i + 1 < ARRAY_SIZE(shells) && access(shells[i].path, F_OK) < 0; i++)
                ;
        return execute(in, shells[i].path, (char *const []) { (char *) shells[i].name, NULL }, failure);
}

/* PID 2: the payload, in its own session with the console as terminal, so that ^C signals it and not PID 1. */
static int execute_second(const ChildInput *in, int gate, Failure *failure)
{
        const Plan *plan = in->plan;
        char byte;
        int r;

        /* Until PID 1 has executed the stub: before that, the payload could read box-run's memory in it. */
        while (read(gate, &byte, 1) < 0 && errno == EINTR)
                ;
        if (setsid() < 0)
                return failure_set(failure, -errno, "Failed to start a session: %m");
        if (plan->console != CONSOLE_PIPE && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
                return failure_set(failure, -errno, "Failed to make /dev/console the controlling terminal: %m");
        r = confine(in, failure);
        return r < 0 ? r : execute_payload(in, failure);
}

/* As PID 2, also after short-lived processes of the supervisor in this namespace (mount-make.c), unless one still exists. */
static pid_t fork_second(void)
{
        pid_t two = 2;
        struct clone_args args = {
                .exit_signal = SIGCHLD, .set_tid = (uint64_t) (uintptr_t) &two, .set_tid_size = 1,
        };
        pid_t pid = (pid_t) syscall(SYS_clone3, &args, sizeof(args));

        if (pid >= 0 || errno != EEXIST)
                return pid;
        args.set_tid_size = 0;
        return (pid_t) syscall(SYS_clone3, &args, sizeof(args));
}

static int execute_first(const ChildInput *in, pid_t second, Failure *failure)
{
        sigset_t all;
        int r;

        r = confine(in, failure);
        if (r < 0)
                return r;
        /* The stub accepts them by sigwaitinfo(2); none is lost before. */
        (void) sigfillset(&all);
        if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
                return failure_set(failure, -errno, "Failed to block signals: %m");
        return stub_init_execute(in->stub_fd, second, in->plan->env, failure);
}

static int execute_both(const ChildInput *in, Failure *failure)
{
        _cleanup_close_ int gate_in = -EBADF, gate_out = -EBADF;
        int gate[2], r;
        pid_t pid;

        if (pipe2(gate, O_CLOEXEC) < 0)
                return failure_set(failure, -errno, "Failed to create a pipe: %m");
        gate_out = gate[0];
        gate_in = gate[1];
        r = wait_for_supervisor(in, failure);
        if (r < 0)
                return r;

        pid = fork_second();
        if (pid < 0)
                return failure_set(failure, -errno, "Failed to start the machine's second process: %m");
        if (pid > 0)
                return execute_first(in, pid, failure);

        gate_in = fd_close(gate_in);
        return execute_second(in, gate_out, failure);
}

int child_execute(const ChildInput *in, Failure *failure)
{
        int r;

        if (in->plan->start_mode == START_PID2)
                return execute_both(in, failure);
        r = wait_for_supervisor(in, failure);
        if (r >= 0)
                r = confine(in, failure);
        return r < 0 ? r : execute_payload(in, failure);
}
