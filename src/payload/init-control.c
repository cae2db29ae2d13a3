/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asks an init to power off or reboot (see init-control.h). Runs in the supervisor and in boxctl, as root of the host. The
 * payload controls a FIFO in the tree: its type is checked before it is opened for writing, without blocking.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "payload/init-control.h"
#include "util/fd.h"
#include "util/tree.h"

enum {
        PROGRAM_TIMEOUT_SEC = 30,               /* a busy machine may need it */
        PAGE_MAX = 4096,                        /* of /proc/PID/stat */
        CHILDREN_MAX_BYTES = 16 * 1024 * 1024,  /* as many PIDs as there can be */
};

#define ARGV(...) (const char *const[]) { __VA_ARGS__, NULL }
#define PROGRAMS(...) (const char *const *const[]) { __VA_ARGS__, NULL }
#define RTMIN(n) (-(n))         /* SIGRTMIN is not a constant */

typedef struct Way {
        const char *text;               /* NULL: this init cannot be asked */
        int signal;                     /* to PID 1, if no program is found; 0: none */
        int listens;                    /* one that PID 1 handles while it is ready for the other; 0: none is known */
        char runlevel;                  /* requested by sysvinit's FIFO */
        const char *const *const *programs;     /* the first one in the tree is run in the machine */
} Way;

/* PID 1 is asked, whatever starts the services. */
#define SYSVINIT_WAYS {                                                                                                \
                [INIT_HALT] = { "runlevel 0 by /run/initctl", .runlevel = '0' },                                       \
                [INIT_POWEROFF] = { "runlevel 0 by /run/initctl", .runlevel = '0' },                                   \
                [INIT_REBOOT] = { "runlevel 6 by /run/initctl", .runlevel = '6' },                                     \
        }
/* It waits by sigtimedwait(2), see takes_signal(). */
#define BUSYBOX_WAYS {                                                                                                 \
                [INIT_HALT] = { "SIGUSR1", .signal = SIGUSR1, .listens = SIGTSTP },                                    \
                [INIT_POWEROFF] = { "SIGUSR2", .signal = SIGUSR2, .listens = SIGTSTP },                                \
                [INIT_REBOOT] = { "SIGTERM", .signal = SIGTERM, .listens = SIGTSTP },                                  \
        }

static const Way ways[_INIT_FLAVOUR_MAX][_INIT_REQUEST_MAX] = {
        [INIT_SYSTEMD] = {
                [INIT_HALT] = { "SIGRTMIN+3", .signal = RTMIN(3) },
                [INIT_POWEROFF] = { "SIGRTMIN+4", .signal = RTMIN(4) },
                [INIT_REBOOT] = { "SIGRTMIN+5", .signal = RTMIN(5) },
        },
        /* Its signals have other meanings: SIGINT is Ctrl-Alt-Del, whose action is in inittab. */
        [INIT_SYSVINIT] = SYSVINIT_WAYS,
        [INIT_SYSVINIT_OPENRC] = SYSVINIT_WAYS,
        /* Has a FIFO too, but only after it has started all services. */
        [INIT_OPENRC] = {
                [INIT_HALT] = { "SIGTERM", .signal = SIGTERM },
                [INIT_POWEROFF] = { "SIGTERM", .signal = SIGTERM },
                [INIT_REBOOT] = { "SIGINT", .signal = SIGINT },
        },
        [INIT_BUSYBOX] = BUSYBOX_WAYS,
        [INIT_BUSYBOX_OPENRC] = BUSYBOX_WAYS,
        /* PID 1 reads a file whose path differs; its own program knows it. */
        [INIT_RUNIT] = {
                [INIT_HALT] = { "runit-init 0", .programs = PROGRAMS(ARGV("/sbin/runit-init", "0"),
                                ARGV("/usr/bin/runit-init", "0"), ARGV("/sbin/init", "0")) },
                [INIT_POWEROFF] = { "runit-init 0", .programs = PROGRAMS(ARGV("/sbin/runit-init", "0"),
                                    ARGV("/usr/bin/runit-init", "0"), ARGV("/sbin/init", "0")) },
                [INIT_REBOOT] = { "runit-init 6", .programs = PROGRAMS(ARGV("/sbin/runit-init", "6"),
                                  ARGV("/usr/bin/runit-init", "6"), ARGV("/sbin/init", "6")) },
        },
        /* SIGUSR1 means halt only in versions before 4.1. */
        [INIT_FINIT] = {
                [INIT_HALT] = { "SIGUSR2", .signal = SIGUSR2 },
                [INIT_POWEROFF] = { "SIGUSR2", .signal = SIGUSR2 },
                [INIT_REBOOT] = { "SIGTERM", .signal = SIGTERM },
        },
        [INIT_S6] = {
                [INIT_HALT] = { "poweroff in the machine", .programs = PROGRAMS(ARGV("/sbin/poweroff"),
                                ARGV("/usr/bin/poweroff"), ARGV("/etc/s6-linux-init/current/bin/poweroff")),
                                .signal = SIGTERM },
                [INIT_POWEROFF] = { "poweroff in the machine", .programs = PROGRAMS(ARGV("/sbin/poweroff"),
                                    ARGV("/usr/bin/poweroff"), ARGV("/etc/s6-linux-init/current/bin/poweroff")),
                                    .signal = SIGTERM },
                [INIT_REBOOT] = { "reboot in the machine", .programs = PROGRAMS(ARGV("/sbin/reboot"),
                                  ARGV("/usr/bin/reboot"), ARGV("/etc/s6-linux-init/current/bin/reboot")),
                                  .signal = SIGINT },
        },
        [INIT_DINIT] = {
                [INIT_HALT] = { "SIGTERM", .signal = SIGTERM },
                [INIT_POWEROFF] = { "SIGTERM", .signal = SIGTERM },
                [INIT_REBOOT] = { "SIGINT", .signal = SIGINT },
        },
        [INIT_OTHER] = {
                [INIT_HALT] = { "poweroff in the machine, else SIGTERM", .programs = PROGRAMS(ARGV("/sbin/poweroff"),
                                ARGV("/usr/bin/poweroff"), ARGV("/sbin/shutdown", "-h", "now")), .signal = SIGTERM },
                [INIT_POWEROFF] = { "poweroff in the machine, else SIGTERM", .programs = PROGRAMS(
                                    ARGV("/sbin/poweroff"), ARGV("/usr/bin/poweroff"),
                                    ARGV("/sbin/shutdown", "-h", "now")), .signal = SIGTERM },
                [INIT_REBOOT] = { "reboot in the machine, else SIGINT", .programs = PROGRAMS(ARGV("/sbin/reboot"),
                                  ARGV("/usr/bin/reboot"), ARGV("/sbin/shutdown", "-r", "now")), .signal = SIGINT },
        },
};

static const Way *find_way(InitFlavour flavour, InitRequest request)
{
        static const Way none = {};

        if ((unsigned) flavour >= _INIT_FLAVOUR_MAX || (unsigned) request >= _INIT_REQUEST_MAX)
                return &none;
        return &ways[flavour][request];
}

const char *init_control_describe(InitFlavour flavour, InitRequest request)
{
        const Way *way = find_way(flavour, request);

        return way->text ? way->text : "none";
}

bool init_notifies(InitFlavour flavour)
{
        return flavour == INIT_SYSTEMD;
}

bool init_control_enters(InitFlavour flavour, InitRequest request)
{
        return find_way(flavour, request)->programs;
}

static uint64_t signal_mask(const char *status, const char *field)
{
        const char *line = strstr(status, field);

        return line ? strtoull(line + strlen(field), NULL, 16) : 0;
}

/* Does the process block or handle the signal? 0, 1 or negative errno. One that it waits for by sigtimedwait(2) is shown as
 * neither meanwhile: then it counts that the process handles the signal `listens`. */
static int takes_signal(pid_t pid, int sig, int listens)
{
        _cleanup_free_ char *text = NULL;
        uint64_t caught;
        char path[64];
        int r;

        (void) snprintf(path, sizeof(path), "/proc/%d/status", pid);
        /* Long for a process with many groups. */
        r = fd_read_file_at(AT_FDCWD, path, 1024 * 1024, &text, NULL);
        if (r < 0)
                return r;

        caught = signal_mask(text, "\nSigCgt:");
        return (signal_mask(text, "\nSigBlk:") | caught) >> (sig - 1) & 1 || (listens > 0 && caught >> (listens - 1) & 1);
}

static int send_signal(const Leader *leader, int sig, int listens, bool insist, Failure *failure)
{
        if (!insist && takes_signal(leader->pid, sig, listens) == 0)
                return -EAGAIN;
        if (syscall(SYS_pidfd_send_signal, leader->pidfd, sig, NULL, 0) < 0)
                return failure_set(failure, -errno, "Failed to signal the machine's init, process %d: %m", leader->pid);

        return 0;
}

/* The state of a process: 'R', 'S', 'Z', …; or negative errno. */
static int state_of(pid_t pid)
{
        _cleanup_free_ char *text = NULL;
        const char *name_end;
        char path[64];
        int r;

        (void) snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        r = fd_read_file_at(AT_FDCWD, path, PAGE_MAX, &text, NULL);
        if (r < 0)
                return r;
        /* Its name, in brackets, may have any bytes. */
        name_end = strrchr(text, ')');
        return name_end && name_end[1] == ' ' ? name_end[2] : -EBADMSG;
}

/* The number of children that have ended and were not waited for, from which on nothing is waited for. systemd may wait for a
 * time, but takes notice of each end. sysvinit and busybox do all by children, with pauses of a second or two. */
static size_t ended_at_least(InitFlavour flavour)
{
        switch (flavour) {
        case INIT_SYSTEMD:
                return 1;
        case INIT_SYSVINIT:
        case INIT_SYSVINIT_OPENRC:
        case INIT_BUSYBOX:
        case INIT_BUSYBOX_OPENRC:
                return 0;
        default:
                return SIZE_MAX;
        }
}

/* All processes of a PID namespace descend from its init, which inherits those whose parent has ended. */
int init_control_sleeps_alone(InitFlavour flavour, pid_t leader)
{
        _cleanup_free_ char *children = NULL;
        size_t n_ended = 0;
        char path[64], *rest, *child;
        int r;

        (void) snprintf(path, sizeof(path), "/proc/%d/task/%d/children", leader, leader);
        r = fd_read_file_at(AT_FDCWD, path, CHILDREN_MAX_BYTES, &children, NULL);
        if (r < 0)
                return r;
        for (rest = children; (child = strsep(&rest, " ")); n_ended += *child != 0)
                if (*child && state_of((pid_t) strtoull(child, NULL, 10)) != 'Z')
                        return 0;
        r = n_ended >= ended_at_least(flavour) ? state_of(leader) : 0;
        return r < 0 ? r : r == 'S';
}

int init_control_signal(const Leader *leader, int sig, bool insist, Failure *failure)
{
        return send_signal(leader, sig, /* listens= */ 0, insist, failure);
}

/* ---- sysvinit's FIFO -------------------------------------------------------------------------------------------- */

/* The 384 byte record of initctl(5); other requests use the rest. */
typedef struct RunlevelRequest {
        int magic;
        int command;
        int runlevel;
        int kill_delay;         /* seconds from SIGTERM to SIGKILL for processes of init */
        char unused[368];
} RunlevelRequest;

enum {
        REQUEST_MAGIC = 0x03091969,
        REQUEST_RUNLEVEL = 1,
        REQUEST_KILL_DELAY = 3,
};

/* Opens the FIFO for writing. -ENOENT: there is none; -ENXIO: it has no reader yet. */
static int open_fifo(int root_fd)
{
        static const char *const places[] = { "/run/initctl", "/dev/initctl", "/etc/.initctl" };

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                _cleanup_close_ int fd = -EBADF;
                struct stat st;

                fd = tree_open(root_fd, places[i], O_PATH | O_NOFOLLOW);
                if (fd < 0 || fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
                        continue;
                return fd_reopen(fd, O_WRONLY | O_NONBLOCK | O_NOCTTY);
        }

        return -ENOENT;
}

/* The FIFO exists while init's main loop runs. */
static int ask_by_fifo(const Leader *leader, char runlevel, bool insist, Failure *failure)
{
        const RunlevelRequest request = {
                .magic = REQUEST_MAGIC,
                .command = REQUEST_RUNLEVEL,
                .runlevel = runlevel,
                .kill_delay = REQUEST_KILL_DELAY,
        };
        _cleanup_close_ int fd = open_fifo(leader->root_fd);
        ssize_t n;

        if (!insist && (fd == -ENOENT || fd == -ENXIO))
                return -EAGAIN;
        if (fd < 0)
                return failure_set(failure, fd, "Failed to open init's control FIFO in the machine: %m");

        /* Smaller than PIPE_BUF: written completely or not at all. The caller ignores SIGPIPE. */
        n = write(fd, &request, sizeof(request));
        if (n != (ssize_t) sizeof(request))
                return failure_set(failure, n < 0 ? -errno : -EIO, "Failed to write to init's control FIFO: %m");

        return 0;
}

/* ---- programs in the machine ------------------------------------------------------------------------------------ */

/* Waits for a child process, with a timeout: it runs a program of the payload. */
static int wait_program(pid_t pid, const char *path, Failure *failure)
{
        _cleanup_close_ int pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
        struct pollfd p = { .fd = pidfd, .events = POLLIN };
        int status = 0, r;

        if (pidfd < 0)
                return failure_set(failure, -errno, "Failed to watch process %d: %m", pid);

        r = TEMP_FAILURE_RETRY(poll(&p, 1, PROGRAM_TIMEOUT_SEC * 1000));
        if (r == 0)
                (void) kill(pid, SIGKILL);
        if (waitpid(pid, &status, 0) < 0)
                return failure_set(failure, -errno, "Failed to wait for process %d: %m", pid);

        if (r == 0)
                return failure_set(failure, -ETIMEDOUT, "'%s' in the machine has not ended within %d s", path,
                                   PROGRAM_TIMEOUT_SEC);
        /* A signal killed it: the shutdown that it requested. */
        if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
                return failure_set(failure, -EIO, "'%s' in the machine failed with status %d", path,
                                   WEXITSTATUS(status));
        return 0;
}

int init_control_run(const Leader *leader, const char *const *program, Failure *failure)
{
        static const char *const environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                                   NULL };
        const EnterOptions options = {
                .path = program[0],
                .argv = (char *const *) program,
                .envp = (char *const *) environment,
                .stdio = { -EBADF, -EBADF, -EBADF },
        };
        pid_t pid;
        int r;

        r = enter_spawn(leader, &options, &pid, /* ret_pty= */ NULL, failure);
        if (r < 0)
                return r;

        return wait_program(pid, program[0], failure);
}

int init_control_ask(InitFlavour flavour, InitRequest request, const Leader *leader, bool insist,
                     const char *const **ret_program, Failure *failure)
{
        const Way *way = find_way(flavour, request);

        if (!way->text)
                return failure_set(failure, -EOPNOTSUPP, "The machine has no init that can be asked");
        if (way->runlevel)
                return ask_by_fifo(leader, way->runlevel, insist, failure);

        for (const char *const *const *p = way->programs; p && *p; p++)
                if (tree_is_executable(leader->root_fd, (*p)[0]) > 0) {
                        *ret_program = *p;
                        return INIT_CONTROL_PROGRAM;
                }

        if (way->signal == 0)
                return failure_set(failure, -ENOENT, "The machine has no '%s'", way->programs[0][0]);
        return send_signal(leader, way->signal > 0 ? way->signal : SIGRTMIN - way->signal, way->listens, insist, failure);
}

int init_control_request(InitFlavour flavour, InitRequest request, const Leader *leader, Failure *failure)
{
        const struct timespec pause = { .tv_nsec = INIT_CONTROL_PAUSE_USEC * 1000L };
        const char *const *program;
        int r;

        for (unsigned i = 1;; i++) {
                r = init_control_ask(flavour, request, leader, /* insist= */ i == INIT_CONTROL_TRIES, &program, failure);
                if (r != -EAGAIN)
                        break;
                (void) nanosleep(&pause, NULL);
        }
        return r == INIT_CONTROL_PROGRAM ? init_control_run(leader, program, failure) : r;
}
