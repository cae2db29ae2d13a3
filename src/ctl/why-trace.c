/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tracer of boxctl why (see why.h): a process of root's that sees the system calls of a machine's program, and of all that it
 * starts, and asks the table about those that fail. It has no descriptors of boxctl's but its own, changes nothing in the
 * program, and reads its memory by process_vm_readv() only, with bounds. If it dies, the program goes on untraced.
 */

#include <linux/elf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/why.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/tree.h"

enum {
        FINDINGS_MAX = 200,
        TASKS_MAX = 4096,
        PATH_BYTES = 4096,
        FILE_MAX = 4 * 1024 * 1024,
        /* A stop of a system call, told from SIGTRAP by PTRACE_O_TRACESYSGOOD. */
        SYSCALL_STOP = SIGTRAP | 0x80,
};

typedef struct Task {
        pid_t pid;
        bool entered;
        struct seccomp_data data;
} Task;

typedef struct Tracer {
        const WhyTrace *trace;
        pid_t first, main;              /* the process that starts the program; the program, 0: not so far */
        bool runs;                      /* the program has been executed */
        Task *tasks;
        size_t n_tasks;
        WhyFinding *findings;
        size_t n_findings;
} Tracer;

/* ---- what is read of the program ------------------------------------------------------------------------------ */

/* Page by page: a string may end before memory does. */
static char *read_string(pid_t pid, uint64_t address)
{
        const size_t page = (size_t) sysconf(_SC_PAGESIZE);
        char *text = calloc(1, PATH_BYTES + 1);

        for (size_t n = 0; text && n < PATH_BYTES;) {
                size_t left = page - (address + n) % page, size = left < PATH_BYTES - n ? left : PATH_BYTES - n;
                struct iovec ours = { text + n, size }, theirs = { (void *) (uintptr_t) (address + n), size };
                ssize_t got = process_vm_readv(pid, &ours, 1, &theirs, 1, 0);

                if (got <= 0 || memchr(text + n, 0, (size_t) got))
                        break;
                n += (size_t) got;
        }
        return text;
}

static char *read_proc(pid_t pid, const char *file)
{
        char path[64], *text;

        (void) snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        return fd_read_file_at(AT_FDCWD, path, FILE_MAX, &text, NULL) < 0 ? NULL : text;
}

/* The absolute path in the machine; NULL: unknown. */
static char *full_path(pid_t pid, const WhyCall *call, const struct seccomp_data *data)
{
        _cleanup_free_ char *path = read_string(pid, data->args[call->path - 1]);
        char link[64], base[PATH_BYTES], *full;
        const int fd = call->directory > 0 ? (int) data->args[call->directory - 1] : AT_FDCWD;
        ssize_t n;

        if (!path || *path == '/')
                return TAKE_PTR(path);
        if (fd == AT_FDCWD)
                (void) snprintf(link, sizeof(link), "/proc/%d/cwd", pid);
        else
                (void) snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
        n = readlink(link, base, sizeof(base) - 1);
        if (n <= 0 || *base != '/')
                return TAKE_PTR(path);
        base[n] = 0;
        return strf(&full, "%s%s%s", base, *path && n > 1 ? "/" : "", path) < 0 ? NULL : full;
}

/* Opens the file of a path or, if it is missing, the directory that it would be in. */
static int open_path(pid_t pid, const char *path, bool *ret_exists)
{
        _cleanup_free_ char *copy = strdup(path);
        _cleanup_close_ int root = -EBADF;
        char link[40], *slash;
        int fd;

        (void) snprintf(link, sizeof(link), "/proc/%d/root", pid);
        root = open(link, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (!copy || root < 0)
                return -ENOENT;
        fd = tree_open(root, path, O_PATH);
        *ret_exists = fd >= 0;
        while (fd == -ENOENT && (slash = strrchr(copy, '/'))) {
                *slash = 0;
                fd = tree_open(root, *copy ? copy : "/", O_PATH);
        }
        return fd;
}

typedef struct PathFacts {
        char *path;
        WhyMount mount;
} PathFacts;

static void read_path(pid_t pid, const char *map, PathFacts *p, WhyFacts *f)
{
        _cleanup_free_ char *mounts = NULL;
        _cleanup_close_ int fd = -EBADF;
        struct statx st;

        f->path = p->path;
        fd = open_path(pid, p->path, &f->exists);
        if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &st) < 0)
                return;
        f->mode = st.stx_mode;
        f->owner_mapped = !map || why_id_is_mapped(map, st.stx_uid, /* outside= */ true);
        mounts = read_proc(pid, "mountinfo");
        if (!mounts || !(st.stx_mask & STATX_MNT_ID) || !why_mount_find(mounts, st.stx_mnt_id, &p->mount))
                return;
        f->mount = p->mount.place;
        f->mount_read_only = p->mount.read_only;
        f->mount_no_devices = p->mount.no_devices;
}

static uint64_t status_mask(const char *status, const char *key)
{
        const char *line = status ? strstr(status, key) : NULL;
        unsigned long long mask;

        return line && sscanf(line + strlen(key), "%llx", &mask) == 1 ? mask : UINT64_MAX;
}

/* Are the ids that a call names in the machine's map? Ids of -1 mean none. */
static bool ids_are_mapped(const WhyCall *call, const struct seccomp_data *data, const char *users, const char *groups)
{
        const bool both = strstr(call->name, "chown"), group = strcmp(call->name, "setgid") == 0;
        const uint32_t id = (uint32_t) data->args[call->id - 1], second = (uint32_t) data->args[call->id];
        const char *map = group ? groups : users;

        if (map && id != UINT32_MAX && !why_id_is_mapped(map, id, /* outside= */ false))
                return false;
        return !both || !groups || second == UINT32_MAX || why_id_is_mapped(groups, second, /* outside= */ false);
}

/* ---- findings ------------------------------------------------------------------------------------------------- */

/* The same one counts. */
static void add_finding(Tracer *t, const WhyFinding *found)
{
        for (size_t i = 0; i < t->n_findings; i++) {
                WhyFinding *f = &t->findings[i];

                if (f->error == found->error && f->kind == found->kind && strcmp(f->call, found->call) == 0 &&
                    strcmp(f->path, found->path) == 0) {
                        f->times++;
                        return;
                }
        }
        if (t->n_findings < FINDINGS_MAX)
                t->findings[t->n_findings++] = *found;
}

static bool is_filtered(const Tracer *t, const struct seccomp_data *data, int error)
{
        const uint32_t action = why_filter_run(t->trace->filter, t->trace->n_filter, data);

        return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO && (int) (action & SECCOMP_RET_DATA) == error;
}

static void judge(Tracer *t, const Task *task, int error)
{
        _cleanup_free_ char *users = read_proc(task->pid, "uid_map"), *groups = read_proc(task->pid, "gid_map");
        const WhyCall *call = why_call_find(task->data.arch, (uint32_t) task->data.nr);
        const bool mapped = !call || call->id == 0 || ids_are_mapped(call, &task->data, users, groups);
        _cleanup_free_ char *status = NULL;
        PathFacts path = { 0 };
        WhyFinding found;

        if (!why_is_refusal(call, error, mapped))
                return;
        status = read_proc(task->pid, "status");

        WhyFacts f = {
                .call = call,
                .number = (uint32_t) task->data.nr,
                .error = error,
                .filtered = is_filtered(t, &task->data, error),
                .user_namespace = users && !why_id_is_mapped(users, UINT32_MAX - 1, /* outside= */ false),
                .bounding = status_mask(status, "\nCapBnd:\t"),
                .effective = status_mask(status, "\nCapEff:\t"),
                .owner_mapped = true,
                .ids_mapped = mapped,
        };
        if (call && call->path > 0)
                path.path = full_path(task->pid, call, &task->data);
        if (path.path && *path.path)
                read_path(task->pid, users, &path, &f);
        found = why_judge(&f);
        add_finding(t, &found);
        free(path.path);
}

/* ---- tracing -------------------------------------------------------------------------------------------------- */

static Task *find_task(Tracer *t, pid_t pid)
{
        Task *task;

        for (size_t i = 0; i < t->n_tasks; i++)
                if (t->tasks[i].pid == pid)
                        return &t->tasks[i];
        if (t->n_tasks >= TASKS_MAX)
                return NULL;
        task = array_append(&t->tasks, &t->n_tasks, sizeof(*task));
        if (task)
                *task = (Task) { .pid = pid };
        return task;
}

static void forget_task(Tracer *t, pid_t pid)
{
        for (size_t i = 0; i < t->n_tasks; i++)
                if (t->tasks[i].pid == pid) {
                        t->tasks[i] = t->tasks[--t->n_tasks];
                        return;
                }
}

static void on_call(Tracer *t, pid_t pid)
{
        struct __ptrace_syscall_info info = { 0 };
        Task *task = find_task(t, pid);

        if (!task || ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0)
                return;
        if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
                task->entered = true;
                task->data = (struct seccomp_data) { .nr = (int) info.entry.nr, .arch = info.arch,
                                                     .instruction_pointer = info.instruction_pointer };
                for (size_t i = 0; i < ARRAY_SIZE(task->data.args); i++)
                        task->data.args[i] = info.entry.args[i];
        } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && task->entered) {
                task->entered = false;
                if (t->runs && info.exit.is_error && pid != t->first)
                        judge(t, task, (int) -info.exit.rval);
        }
}

static bool stops_group(int sig)
{
        return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* The first process has started the program, which is traced from its first moment on, and is left alone then. */
static void on_start(Tracer *t)
{
        unsigned long pid = 0;

        (void) ptrace(PTRACE_GETEVENTMSG, t->first, NULL, &pid);
        t->main = (pid_t) pid;
        (void) ptrace(PTRACE_DETACH, t->first, NULL, NULL);
}

static void on_stop(Tracer *t, pid_t pid, int status)
{
        const int sig = WSTOPSIG(status), event = status >> 16;
        unsigned long deliver = 0;

        if (pid == t->first && t->main == 0 &&
            (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK)) {
                on_start(t);
                return;
        }
        if (event == PTRACE_EVENT_STOP && stops_group(sig)) {
                (void) ptrace(PTRACE_LISTEN, pid, NULL, NULL);
                return;
        }
        if (sig == SYSCALL_STOP)
                on_call(t, pid);
        else if (event == PTRACE_EVENT_EXEC && pid == t->main)
                t->runs = true;
        else if (event == 0)
                deliver = (unsigned long) sig;
        (void) ptrace(pid == t->first ? PTRACE_CONT : PTRACE_SYSCALL, pid, NULL, deliver);
}

static void trace_until_end(Tracer *t)
{
        for (;;) {
                int status;
                pid_t pid = waitpid(-1, &status, __WALL);

                if (pid < 0 && errno != EINTR)
                        return;
                if (pid < 0)
                        continue;
                if (WIFSTOPPED(status))
                        on_stop(t, pid, status);
                else if (pid == t->main)
                        return;
                else
                        forget_task(t, pid);
        }
}

static _Noreturn void be_tracer(const WhyTrace *trace, pid_t pid, int ready)
{
        const int keep[] = { trace->memory, ready };
        Tracer t = { .trace = trace, .first = pid };
        int r;

        /* Keys of the terminal are for the program. */
        (void) setsid();
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        r = fd_close_all_but(0, keep, ARRAY_SIZE(keep));
        t.findings = calloc(FINDINGS_MAX, sizeof(WhyFinding));
        if (r >= 0 && !t.findings)
                r = -ENOMEM;
        if (r >= 0)
                r = RET_ERRNO((int) ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
                                           PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC));
        if (fd_write_all(ready, &r, sizeof(r)) < 0 || r < 0)
                _exit(EXIT_FAILURE);
        fd_close(ready);
        trace_until_end(&t);
        (void) fd_write_all(trace->memory, t.findings, t.n_findings * sizeof(WhyFinding));
        _exit(EXIT_SUCCESS);
}

int why_trace_start(pid_t pid, void *userdata, Failure *failure)
{
        _cleanup_close_ int in = -EBADF, out = -EBADF;
        WhyTrace *t = userdata;
        int ends[2], r = -EPIPE;

        t->memory = memfd_create("why", MFD_CLOEXEC);
        if (t->memory < 0 || pipe2(ends, O_CLOEXEC) < 0)
                return failure_set(failure, -errno, "Failed to create a file for the tracer: %m");
        in = ends[0];
        out = ends[1];
        t->tracer = fork();
        if (t->tracer < 0) {
                t->tracer = 0;
                return failure_set(failure, -errno, "Failed to create the tracer: %m");
        }
        if (t->tracer == 0)
                be_tracer(t, pid, out);
        out = fd_close(out);
        if (TEMP_FAILURE_RETRY(read(in, &r, sizeof(r))) != sizeof(r))
                r = -EPIPE;
        return r < 0 ? failure_set(failure, r, "Failed to trace the program (is kernel.yama.ptrace_scope 3?): %m") : 0;
}

int why_trace_finish(WhyTrace *t, WhyFinding **ret, size_t *ret_n)
{
        _cleanup_free_ char *bytes = NULL;
        size_t size;
        int r;

        if (t->tracer > 0)
                (void) TEMP_FAILURE_RETRY(waitpid(t->tracer, NULL, 0));
        t->tracer = 0;
        r = t->memory < 0 ? -ENODATA : RET_ERRNO((int) lseek(t->memory, 0, SEEK_SET));
        if (r >= 0)
                r = fd_read_all(t->memory, FINDINGS_MAX * sizeof(WhyFinding), &bytes, &size);
        if (r < 0)
                return r;
        *ret = (WhyFinding *) (void *) TAKE_PTR(bytes);
        *ret_n = size / sizeof(WhyFinding);
        return 0;
}

void why_trace_done(WhyTrace *t)
{
        if (t->tracer > 0) {
                (void) kill(t->tracer, SIGKILL);
                (void) TEMP_FAILURE_RETRY(waitpid(t->tracer, NULL, 0));
        }
        fd_close(t->memory);
        *t = (WhyTrace) WHY_TRACE_NULL;
}
