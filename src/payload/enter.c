/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The host side of joining a machine (see enter.h), in boxctl and in the supervisor, as root of the host. Three processes
 * take part:
 *
 *     caller (here)                     reads the leader's attributes from the host's /proc
 *      ├─ intermediate (enter-child.c)  created in the machine's cgroup; joins the namespaces; executes the stub; exits
 *      └─ child (enter-stub/main.c)     created in the machine's PID namespace, with CLONE_PARENT; becomes the program
 *
 * The intermediate is needed because setns() only moves the children of a process to a PID namespace, the stub because these must
 * not execute a file of the host. The child is a child of the caller, which waits for it. Both report over a socket, which closes
 * when the program is executed. As a guard (ret_guard) the stub stays instead of exiting, until the caller ends.
 */

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload/cgroup.h"
#include "payload/enter-child.h"
#include "payload/enter.h"
#include "payload/stub-init.h"
#include "security/apparmor.h"
#include "util/clock.h"
#include "util/fd.h"

#define ENTER_TIMEOUT_USEC (10 * USEC_PER_SEC)
#define KILL_TIMEOUT_MSEC 500

static int pidfd_alive(int pidfd)
{
        return RET_ERRNO((int) syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0));
}

int leader_open(pid_t pid, Leader *ret, Failure *failure)
{
        _cleanup_close_ int pidfd = -EBADF, root_fd = -EBADF;
        char path[40];
        int r;

        pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
        if (pidfd < 0)
                return failure_set(failure, -errno, "Failed to find the leader, process %d: %m", pid);

        (void) snprintf(path, sizeof(path), "/proc/%d/root", pid);
        root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        /* It has ended, and its parent has not waited for it so far. */
        if (root_fd < 0 && errno == ENOENT)
                return failure_set(failure, -ESRCH, "The leader, process %d, is gone: %m", pid);
        if (root_fd < 0)
                return failure_set(failure, -errno, errno == EACCES && geteuid() != 0 ? "Only root may enter a machine" :
                                   "Failed to open the root directory of process %d: %m", pid);

        /* It is still alive, so the PID was not reused meanwhile. */
        r = pidfd_alive(pidfd);
        if (r < 0)
                return failure_set(failure, r, "The leader, process %d, is gone: %m", pid);

        *ret = (Leader) { .pid = pid, .pidfd = TAKE_FD(pidfd), .root_fd = TAKE_FD(root_fd) };
        return 0;
}

void leader_done(Leader *l)
{
        fd_close(l->pidfd);
        fd_close(l->root_fd);
        free(l->filter);
        *l = (Leader) LEADER_NULL;
}

/* ---- the leader's attributes, from the host's /proc ------------------------------------------------------------ */

static int plan_namespaces(pid_t pid, unsigned *ret, Failure *failure)
{
        static const struct {
                const char *name;
                unsigned flag;
        } kinds[] = {
                { "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS }, { "pid", CLONE_NEWPID }, { "net", CLONE_NEWNET },
                { "uts", CLONE_NEWUTS }, { "ipc", CLONE_NEWIPC }, { "cgroup", CLONE_NEWCGROUP },
                { "time", CLONE_NEWTIME },
        };
        unsigned flags = 0;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                char own[40], theirs[40];
                struct stat a, b;

                (void) snprintf(own, sizeof(own), "/proc/self/ns/%s", kinds[i].name);
                (void) snprintf(theirs, sizeof(theirs), "/proc/%d/ns/%s", pid, kinds[i].name);
                if (stat(own, &a) < 0) {
                        if (errno == ENOENT)
                                continue;       /* not supported by the kernel */
                        return failure_set(failure, -errno, "Failed to stat '%s': %m", own);
                }
                if (stat(theirs, &b) < 0)
                        return failure_set(failure, -errno, "Failed to stat '%s': %m", theirs);
                if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
                        flags |= kinds[i].flag;
        }

        *ret = flags;
        return 0;
}

/* The value of a line in /proc/PID/status. The kernel escapes the process's name in it. */
static int status_number(const char *status, const char *key, unsigned long long *ret)
{
        const char *p = strstr(status, key);

        return p && sscanf(p + strlen(key), "%llx", ret) == 1 ? 0 : -EBADMSG;
}

static int plan_privileges(pid_t pid, EnterPlan *plan, Failure *failure)
{
        unsigned long long bounding, no_new_privs;
        _cleanup_free_ char *status = NULL;
        char path[40];
        int r;

        (void) snprintf(path, sizeof(path), "/proc/%d/status", pid);
        r = fd_read_file_at(AT_FDCWD, path, 64 * 1024, &status, NULL);
        if (r >= 0)
                r = status_number(status, "\nCapBnd:\t", &bounding);
        if (r >= 0)
                r = status_number(status, "\nNoNewPrivs:\t", &no_new_privs);
        if (r < 0)
                return failure_set(failure, r, "Failed to read '%s': %m", path);

        plan->bounding = bounding;
        plan->no_new_privs = no_new_privs != 0;

        for (int i = 0; i < RLIM_NLIMITS; i++)
                if (prlimit(pid, (__rlimit_resource_t) i, NULL, &plan->limits[i]) < 0)
                        return failure_set(failure, -errno, "Failed to read the limits of process %d: %m", pid);

        return 0;
}

/* The cgroup for the process; -EBADF if it is the caller's. */
static int plan_cgroup(pid_t pid, int *ret, Failure *failure)
{
        _cleanup_free_ char *own = NULL, *theirs = NULL;
        _cleanup_close_ int root = -EBADF;
        const char *below;
        int r, fd;

        r = cgroup_of_pid(0, &own, failure);
        if (r >= 0)
                r = cgroup_of_pid(pid, &theirs, failure);
        if (r < 0)
                return r;
        if (strcmp(own, theirs) == 0) {
                *ret = -EBADF;
                return 0;
        }

        root = cgroup_root_open(failure);
        if (root < 0)
                return root;
        below = theirs + strspn(theirs, "/");
        fd = openat(root, *below ? below : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open the cgroup '%s': %m", theirs);

        *ret = fd;
        return 0;
}

static int plan_filter(const EnterPlan *plan, SeccompProgram *ret, Failure *failure)
{
        if (plan->options->no_seccomp)
                *ret = (SeccompProgram) SECCOMP_PROGRAM_NULL;
        else if (plan->leader->filter)
                return seccomp_program_load(plan->leader->filter, ret, failure);
        else
                seccomp_program_builtin(ret);

        return 0;
}

/* Not readable: by execve() of such a file, a process stays of the host's user namespace, and undumpable. */
static int plan_stub(EnterPlan *plan, Failure *failure)
{
        plan->stub = stub_open(plan->options->stub ?: BOX_ENTER_STUB, 0111, failure);
        if (plan->stub < 0)
                return plan->stub;
        plan->proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        return plan->proc < 0 ? failure_set(failure, -errno, "Failed to open /proc: %m") : 0;
}

/* The host's id for one of the leader's user namespace; -1, which chown(2) leaves as it is, if there is none. */
static uint32_t host_id(pid_t pid, const char *file, uint32_t id)
{
        _cleanup_free_ char *map = NULL;
        char path[40];
        int n = 0;

        (void) snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        if (fd_read_file_at(AT_FDCWD, path, 64 * 1024, &map, NULL) < 0)
                return UINT32_MAX;
        for (const char *line = map; *line; line += n) {
                uint32_t inside, outside, count;

                if (sscanf(line, "%u %u %u %n", &inside, &outside, &count, &n) != 3)
                        break;
                if (id >= inside && id - inside < count)
                        return outside + (id - inside);
        }
        return UINT32_MAX;
}

void enter_give_pipes(const Leader *leader, const int stdio[static 3], uid_t uid, gid_t gid)
{
        uint32_t host_uid = 0, host_gid = 0;
        bool known = false;
        struct stat st;

        for (int i = 0; i < 3; i++) {
                if (stdio[i] < 0 || fstat(stdio[i], &st) < 0 || !S_ISFIFO(st.st_mode))
                        continue;
                if (!known) {
                        host_uid = host_id(leader->pid, "uid_map", uid);
                        host_gid = host_id(leader->pid, "gid_map", gid);
                        known = true;
                }
                if (fchown(stdio[i], host_uid, host_gid) < 0)
                        return;
        }
}

static int make_plan(EnterPlan *plan, int *ret_cgroup, Failure *failure)
{
        _cleanup_close_ int cgroup = -EBADF;
        pid_t pid = plan->leader->pid;
        int r;

        r = plan_namespaces(pid, &plan->namespaces, failure);
        if (r >= 0)
                r = plan_privileges(pid, plan, failure);
        if (r >= 0)
                r = plan_cgroup(pid, &cgroup, failure);
        if (r >= 0)
                r = apparmor_profile_of(pid, &plan->profile, failure);
        if (r < 0)
                return r;
        if (!plan->options->new_pty)
                enter_give_pipes(plan->leader, plan->options->stdio, plan->options->uid, plan->options->gid);

        /* The leader is still alive, so the PID was not reused meanwhile. */
        r = pidfd_alive(plan->leader->pidfd);
        if (r < 0)
                return failure_set(failure, r, "The leader, process %d, is gone: %m", pid);

        r = plan_filter(plan, &plan->filter, failure);
        if (r >= 0)
                r = plan_stub(plan, failure);
        if (r < 0)
                return r;

        *ret_cgroup = TAKE_FD(cgroup);
        return 0;
}

static void plan_done(EnterPlan *plan)
{
        seccomp_program_done(&plan->filter);
        free(plan->profile);
        fd_close(plan->stub);
        fd_close(plan->proc);
}

/* ---- processes and their reports -------------------------------------------------------------------------------- */

typedef struct Spawned {
        pid_t intermediate;     /* 0: none */
        pid_t child;            /* 0: not known yet */
        int pty;
        int guard;              /* our end of its pipe; -EBADF: the intermediate does not stay as a guard */
} Spawned;

typedef union Report {
        EnterReport intermediate;
        EnterStubReport stub;
} Report;

/* Receives one report; *ret_fd: the descriptor that came with it, or -EBADF. The report's size; 0: all senders have closed the
 * socket. */
static int take_report(int socket, Report *ret, int *ret_fd)
{
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec piece = { .iov_base = ret, .iov_len = sizeof(*ret) };
        struct msghdr message = {
                .msg_iov = &piece,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        struct cmsghdr *c;
        ssize_t n;

        n = TEMP_FAILURE_RETRY(recvmsg(socket, &message, MSG_CMSG_CLOEXEC));
        if (n < 0)
                return -errno;

        *ret_fd = -EBADF;
        c = CMSG_FIRSTHDR(&message);
        if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
                memcpy(ret_fd, CMSG_DATA(c), sizeof(int));

        return n == 0 || n == sizeof(ret->intermediate) || n == sizeof(ret->stub) ? (int) n : -EBADMSG;
}

static int stub_failure(const EnterPlan *plan, const EnterStubReport *report, Failure *failure)
{
        const EnterOptions *o = plan->options;
        int error = report->value > 0 ? -report->value : -EIO;

        switch (report->step) {
        case ENTER_STUB_CLONE:
                return failure_set(failure, error, "Failed to start a process in the machine: %m");
        case ENTER_STUB_SESSION:
                return failure_set(failure, error, "Failed to create a session in the machine: %m");
        case ENTER_STUB_DIRECTORY:
                return failure_set(failure, error, "Failed to change to '%s' in the machine: %m",
                                   o->working_directory ?: "/");
        default:
                if (o->ret_refused)
                        *o->ret_refused = true;
                return failure_set(failure, error, "Failed to execute '%s' in the machine: %m", o->path);
        }
}

/* Takes over what the report says. The first pty and the first PID are by processes that the machine does not see. Negative
 * errno: a step failed; there may be more reports. */
static int use_report(const EnterPlan *plan, const Report *report, int size, int *fd, Spawned *s, Failure *failure)
{
        if (size == sizeof(report->stub)) {
                if (report->stub.step != ENTER_STUB_STARTED)
                        return stub_failure(plan, &report->stub, failure);
                if (s->child <= 0)
                        s->child = report->stub.value;
                return 0;
        }

        if (report->intermediate.failure.error < 0)
                return failure_set(failure, report->intermediate.failure.error, "%.*s",
                                   (int) sizeof(report->intermediate.failure.text) - 1, report->intermediate.failure.text);
        if (s->pty < 0)
                s->pty = TAKE_FD(*fd);
        return 0;
}

/* Reads reports until the program runs, a step fails, or the time is over: a payload can block a lookup in its tree forever
 * (FUSE), and must not block its supervisor. */
static int read_reports(const EnterPlan *plan, int socket, Spawned *s, Failure *failure)
{
        const uint64_t end = clock_usec(CLOCK_MONOTONIC) + ENTER_TIMEOUT_USEC;
        uint64_t now;
        int error = 0;

        while ((now = clock_usec(CLOCK_MONOTONIC)) < end) {
                struct pollfd p = { .fd = socket, .events = POLLIN };
                _cleanup_close_ int fd = -EBADF;
                Report report;
                int r;

                r = RET_ERRNO(poll(&p, 1, (int) ((end - now) / 1000 + 1)));
                if (r == -EINTR || r == 0)
                        continue;
                if (r > 0)
                        r = take_report(socket, &report, &fd);
                if (r < 0)
                        return failure_set(failure, r, "Failed to read from the process in the machine: %m");
                if (r == 0)
                        return error;

                /* After a failure, too: the report of the child's PID may come later. */
                r = use_report(plan, &report, r, &fd, s, failure);
                error = error < 0 ? error : r;
        }

        return failure_set(failure, -ETIMEDOUT, "Timed out starting a process in the machine");
}

static void reap(pid_t pid)
{
        if (pid > 0)
                (void) TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
}

/* A process that the machine blocks (FUSE) cannot be waited for: it is left behind. */
static void reap_killed(pid_t pid)
{
        _cleanup_close_ int pidfd = pid > 0 ? RET_ERRNO((int) syscall(SYS_pidfd_open, pid, 0)) : -EBADF;
        struct pollfd p = { .fd = pidfd, .events = POLLIN };

        if (pidfd >= 0 && TEMP_FAILURE_RETRY(poll(&p, 1, KILL_TIMEOUT_MSEC)) > 0)
                reap(pid);
}

static void kill_spawned(Spawned *s)
{
        if (s->intermediate > 0)
                (void) kill(s->intermediate, SIGKILL);
        if (s->child > 0)
                (void) kill(s->child, SIGKILL);
        reap_killed(s->intermediate);
        reap_killed(s->child);
        s->pty = fd_close(s->pty);
        s->guard = fd_close(s->guard);
}

/* The intermediate waits for a byte meanwhile. */
static int call_hook(const EnterOptions *o, int socket, pid_t pid, Failure *failure)
{
        int r = o->hook ? o->hook(pid, o->hook_userdata, failure) : 0;

        if (r >= 0 && o->hook && send(socket, "", 1, MSG_NOSIGNAL) < 0)
                return failure_set(failure, -errno, "Failed to write to the process in the machine: %m");
        return r;
}

static int spawn(EnterPlan *plan, int cgroup, Spawned *s, Failure *failure)
{
        struct clone_args args = {
                .flags = cgroup >= 0 ? CLONE_INTO_CGROUP : 0,
                .exit_signal = SIGCHLD,
                .cgroup = cgroup >= 0 ? (uint64_t) cgroup : 0,
        };
        _cleanup_close_ int ours = -EBADF, theirs = -EBADF, guard = -EBADF;
        int pair[2], ends[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return failure_set(failure, -errno, "Failed to create a socket pair: %m");
        ours = pair[0];
        theirs = pair[1];
        plan->report = theirs;
        if (plan->options->ret_guard && pipe2(ends, O_CLOEXEC) < 0)
                return failure_set(failure, -errno, "Failed to create a pipe: %m");
        if (plan->options->ret_guard) {
                plan->guard = guard = ends[0];
                s->guard = ends[1];
        }

        s->intermediate = (pid_t) syscall(SYS_clone3, &args, sizeof(args));
        if (s->intermediate < 0)
                return failure_set(failure, -errno, "Failed to start a process in the machine's cgroup: %m");
        if (s->intermediate == 0) {
                ours = fd_close(ours);
                enter_intermediate(plan);
        }
        theirs = fd_close(theirs);

        r = call_hook(plan->options, ours, s->intermediate, failure);
        if (r >= 0)
                r = read_reports(plan, ours, s, failure);
        if (r < 0)
                return r;
        if (s->child <= 0 || (plan->options->new_pty && s->pty < 0))
                return failure_set(failure, -EPIPE, "The process in the machine ended before it ran '%s'",
                                   plan->options->path);

        return 0;
}

int enter_spawn(const Leader *leader, const EnterOptions *options, pid_t *ret_pid, int *ret_pty, Failure *failure)
{
        EnterPlan plan = { .leader = leader, .options = options, .guard = -EBADF, .stub = -EBADF, .proc = -EBADF };
        _cleanup_close_ int cgroup = -EBADF;
        Spawned s = { .pty = -EBADF, .guard = -EBADF };
        int r;

        r = make_plan(&plan, &cgroup, failure);
        if (r >= 0)
                r = spawn(&plan, cgroup, &s, failure);
        plan_done(&plan);
        if (r < 0) {
                kill_spawned(&s);
                return r;
        }

        if (options->ret_guard)
                *options->ret_guard = s.guard;
        else
                reap(s.intermediate);
        *ret_pid = s.child;
        if (ret_pty)
                *ret_pty = s.pty;
        else
                fd_close(s.pty);
        return 0;
}
