/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The short-lived process that joins a machine, forked from root of the host (see enter.c). It stays in the host's PID namespace,
 * so the machine's processes do not see it. It becomes the stub program (enter-stub/main.c), whose child they see.
 *
 * Safety. After setns() the payload controls all paths: each opened file is checked, the machine's /proc is not used, and all
 * descriptors but the three standard ones are closed. The machine's restrictions (bounding set, system call filter, limits) are
 * applied before any process is seen in the machine, so that one that may trace it gains nothing. Where the machine has a user
 * namespace, it cannot: this process is not dumpable, and the stub belongs to the host's user namespace, as it is not readable.
 */

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/keyctl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "payload/enter-child.h"
#include "security/apparmor.h"
#include "security/capability.h"
#include "util/fd.h"
#include "util/strv.h"

/* fd: sent along, or -EBADF. */
static void send_report(int socket, const EnterReport *report, int fd)
{
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct iovec piece = { .iov_base = (void *) report, .iov_len = sizeof(*report) };
        struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };

        if (fd >= 0) {
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
                message.msg_control = &control;
                message.msg_controllen = sizeof(control);
        }

        /* Fails only if the parent is gone. */
        (void) sendmsg(socket, &message, MSG_NOSIGNAL);
}

/* ---- the user, standard streams and restrictions of the program -------------------------------------------------- */

static int set_capabilities(uint64_t mask)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        if (syscall(SYS_capget, &header, data) < 0)
                return -errno;
        for (unsigned i = 0; i < 2; i++) {
                data[i].permitted &= (uint32_t) (mask >> (32 * i));
                data[i].effective = data[i].permitted;
                data[i].inheritable = 0;
        }

        return RET_ERRNO((int) syscall(SYS_capset, &header, data));
}

/* Keeps all capabilities, which the next steps need. */
static int become_user(const EnterOptions *o, Failure *f)
{
        int r;

        if (setgroups(o->n_groups, o->groups) < 0)
                return failure_set(f, -errno, "Failed to set the groups of user %u in the machine: %m", o->uid);
        if (setresgid(o->gid, o->gid, o->gid) < 0)
                return failure_set(f, -errno, "Failed to become group %u in the machine: %m", o->gid);
        if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresuid(o->uid, o->uid, o->uid) < 0)
                return failure_set(f, -errno, "Failed to become user %u in the machine: %m", o->uid);

        r = set_capabilities(UINT64_MAX);
        if (r < 0)
                return failure_set(f, r, "Failed to keep capabilities: %m");

        /* Replaces the caller's session keyring. If the kernel has no keyrings, or a filter refuses them, there is none to
         * replace. */
        if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) < 0 && errno != ENOSYS && errno != EPERM)
                return failure_set(f, -errno, "Failed to create a session keyring: %m");

        return 0;
}

/* Opens a device in the machine and checks its number. */
static int open_device(const char *path, unsigned device_major, unsigned device_minor, Failure *f)
{
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return failure_set(f, -errno, "Failed to open '%s' in the machine: %m", path);
        if (fstat(fd, &st) < 0)
                return failure_set(f, -errno, "Failed to stat '%s' in the machine: %m", path);
        if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(device_major, device_minor))
                return failure_set(f, -ENXIO, "'%s' in the machine is not the device %u:%u", path, device_major,
                                   device_minor);
        if (fd_nonblock(fd, false) < 0)
                return failure_set(f, -errno, "Failed to set up '%s' in the machine: %m", path);

        return TAKE_FD(fd);
}

/* Opens a pty of the machine and sends the master to the parent. */
static int open_pty(const EnterPlan *plan, Failure *f)
{
        const EnterReport report = {};
        _cleanup_close_ int master = -EBADF, terminal = -EBADF;
        const int unlock = 0;
        struct statfs fs;

        master = open_device("/dev/ptmx", 5, 2, f);
        if (master < 0)
                return master;
        if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
                return failure_set(f, -errno, "Failed to unlock a pty in the machine: %m");

        /* By the master's descriptor: its name in the machine may lead to any file. */
        terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (terminal < 0)
                return failure_set(f, -errno, "Failed to open a pty in the machine: %m");
        if (fstatfs(terminal, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
                return failure_set(f, -ENXIO, "The pty of the machine is not a terminal");

        send_report(plan->report, &report, master);
        return TAKE_FD(terminal);
}

static int set_up_stdio(const EnterPlan *plan, Failure *f)
{
        const EnterOptions *o = plan->options;
        int from[3];

        if (o->new_pty) {
                from[0] = open_pty(plan, f);
                if (from[0] < 0)
                        return from[0];
                from[1] = from[2] = from[0];
        }
        for (int i = 0; !o->new_pty && i < 3; i++) {
                from[i] = o->stdio[i] >= 0 ? o->stdio[i] : open_device("/dev/null", 1, 3, f);
                if (from[i] < 0)
                        return from[i];
        }

        for (int i = 0; i < 3; i++) {
                from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 3);
                if (from[i] < 0)
                        return failure_set(f, -errno, "Failed to duplicate a standard descriptor: %m");
        }
        for (int i = 0; i < 3; i++)
                if (dup2(from[i], i) < 0)
                        return failure_set(f, -errno, "Failed to set a standard descriptor: %m");
        return 0;
}

/* Restricts this process to what the machine's processes may do. */
static int confine(const EnterPlan *plan, Failure *f)
{
        const EnterOptions *o = plan->options;
        int r;

        /* The filter first: it needs CAP_SYS_ADMIN. */
        if (plan->filter.n > 0) {
                r = seccomp_apply(&plan->filter, f);
                if (r < 0)
                        return r;
        }
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return failure_set(f, -errno, "Failed to clear the ambient capabilities: %m");
        r = set_capabilities(o->uid == 0 ? plan->bounding : 0);
        if (r < 0)
                return failure_set(f, r, "Failed to drop capabilities: %m");
        if (plan->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return failure_set(f, -errno, "Failed to set no_new_privs: %m");

        return 0;
}

/* All that the program will have, before the machine sees a process. */
static int restrict_self(const EnterPlan *plan, Failure *f)
{
        const int keep[] = { plan->report, plan->guard, plan->stub, plan->proc };
        int r;

        r = capability_drop_bounding(plan->bounding, f);
        if (r >= 0)
                r = become_user(plan->options, f);
        if (r >= 0)
                r = set_up_stdio(plan, f);
        if (r < 0)
                return r;
        /* The other descriptors are of the host: no path in the machine may lead to them. */
        r = fd_close_all_but(STDERR_FILENO + 1, keep, ARRAY_SIZE(keep));
        return r < 0 ? failure_set(f, r, "Failed to close descriptors: %m") : confine(plan, f);
}

/* ---- the intermediate ------------------------------------------------------------------------------------------- */

/* Without the privilege to raise limits, a lower limit of the caller is kept. */
static int set_limit(int resource, struct rlimit limit)
{
        struct rlimit own;

        if (setrlimit((__rlimit_resource_t) resource, &limit) >= 0)
                return 0;
        if (errno != EPERM || getrlimit((__rlimit_resource_t) resource, &own) < 0)
                return -errno;

        if (limit.rlim_max > own.rlim_max)
                limit.rlim_max = own.rlim_max;
        if (limit.rlim_cur > limit.rlim_max)
                limit.rlim_cur = limit.rlim_max;
        return RET_ERRNO(setrlimit((__rlimit_resource_t) resource, &limit));
}

/* The steps that need the host's privilege or its /proc. */
static int prepare(const EnterPlan *plan, Failure *f)
{
        const struct sigaction standard = { .sa_handler = SIG_DFL };
        int r = 0;

        /* Resets handlers and ignored signals of the caller. */
        for (int i = 1; i < NSIG; i++)
                (void) sigaction(i, &standard, NULL);           /* fails for SIGKILL, SIGSTOP and libc's signals */

        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return failure_set(f, -errno, "Failed to make the process undumpable: %m");

        /* exec closes all descriptors of the host. The login UID is unset, so that audit does not attribute the program to
         * the administrator; kernels without audit have no such file. */
        if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
                return failure_set(f, -errno, "Failed to mark descriptors close-on-exec: %m");
        (void) fd_write_file_at(AT_FDCWD, "/proc/self/loginuid", "4294967295");
        (void) umask(0022);
        /* Of the next execve(), the stub's; the program inherits it. */
        if (plan->profile)
                r = apparmor_set_exec(NULL, plan->profile, f);
        if (r < 0)
                return r;

        for (int i = 0; r >= 0 && i < RLIM_NLIMITS; i++)
                r = set_limit(i, plan->limits[i]);
        return r < 0 ? failure_set(f, r, "Failed to set the machine's resource limits: %m") : 0;
}

static int join(const EnterPlan *plan, Failure *f)
{
        if (plan->namespaces != 0 && setns(plan->leader->pidfd, (int) plan->namespaces) < 0)
                return failure_set(f, -errno, "Failed to join the namespaces of process %d: %m", plan->leader->pid);

        /* setns() changes to the root of the mount namespace; the leader may have another root. */
        if (fchdir(plan->leader->root_fd) < 0 || chroot(".") < 0)
                return failure_set(f, -errno, "Failed to change to the machine's root directory: %m");

        return 0;
}

/* Returns only on failure. */
static int become_stub(const EnterPlan *plan, Failure *f)
{
        const EnterOptions *o = plan->options;
        char *const *const paths = o->paths ?: (char *const[]) { (char *) o->path, NULL };
        const size_t n = strv_length(o->argv), n_paths = strv_length(paths);
        char number[16], guard[16] = "", count[16], path[48], **argv;

        argv = calloc(ENTER_STUB_PATHS + n_paths + n + 1, sizeof(char *));
        if (!argv)
                return failure_set(f, -ENOMEM, "Out of memory");
        (void) snprintf(number, sizeof(number), "%d", plan->report);
        if (plan->guard >= 0)
                (void) snprintf(guard, sizeof(guard), "%d", plan->guard);
        (void) snprintf(count, sizeof(count), "%zu", n_paths);
        argv[ENTER_STUB_NAME] = (char *) "enter-stub";
        argv[ENTER_STUB_SOCKET] = number;
        argv[ENTER_STUB_TERMINAL] = (char *) (o->new_pty ? "1" : "0");
        argv[ENTER_STUB_GUARD] = guard;
        argv[ENTER_STUB_CHDIR] = (char *) (o->working_directory ?: "/");
        argv[ENTER_STUB_N_PATHS] = count;
        memcpy(argv + ENTER_STUB_PATHS, paths, n_paths * sizeof(char *));
        memcpy(argv + ENTER_STUB_PATHS + n_paths, o->argv, n * sizeof(char *));

        if (fcntl(plan->report, F_SETFD, 0) < 0 || (plan->guard >= 0 && fcntl(plan->guard, F_SETFD, 0) < 0))
                return failure_set(f, -errno, "Failed to keep a socket: %m");
        /* By the host's /proc: the machine's may be forged, and its filter may refuse execveat(2). */
        (void) snprintf(path, sizeof(path), "self/fd/%d", plan->stub);
        if (fchdir(plan->proc) >= 0)
                (void) execve(path, argv, o->envp);
        if (errno == E2BIG)
                return failure_set(f, -errno, "Failed to pass the arguments and the environment of '%s': %m", o->path);
        return failure_set(f, -errno, "Failed to execute the stub program: %m");
}

_Noreturn void enter_intermediate(EnterPlan *plan)
{
        EnterReport report = {};
        Failure *f = &report.failure;
        char byte;

        /* None: the caller is gone, or its hook has failed. */
        if (plan->options->hook && TEMP_FAILURE_RETRY(recv(plan->report, &byte, 1, 0)) != 1)
                _exit(EXIT_FAILURE);
        if (prepare(plan, f) >= 0 && join(plan, f) >= 0 && restrict_self(plan, f) >= 0)
                (void) become_stub(plan, f);
        send_report(plan->report, &report, -EBADF);
        _exit(EXIT_FAILURE);
}
