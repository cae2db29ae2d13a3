/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The system calls of a machine, and their filter program. Runs in box-run while it plans, without privilege; and in
 * seccomp-build, which compiles the default program.
 *
 * The set is systemd-nspawn's, so that payloads get the same results: listed calls are allowed, other calls that systemd knows
 * fail with EPERM, and newer ones with ENOSYS, as on an older kernel. Calls that are of use only with a capability are allowed
 * with that capability.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/socket.h>

#include "security/capability.h"
#include "security/seccomp-assemble.h"
#include "security/seccomp-groups.h"
#include "security/seccomp-table.h"

typedef enum Verdict {
        SYSCALL_UNKNOWN,        /* programs fall back to what older kernels have */
        SYSCALL_REFUSED,
        SYSCALL_ALLOWED,
        SYSCALL_SOCKET,         /* allowed, but for the audit subsystem's netlink socket */
        SYSCALL_OPEN,           /* allowed, but with O_SYNC and O_DSYNC in the second argument */
        SYSCALL_OPENAT,         /* … in the third argument */
        SYSCALL_NOTHING,        /* succeeds, and does nothing */
        _SYSCALL_VERDICT_MAX,
} Verdict;

/* The arguments are ints: the kernel reads their low halves only. */
#define LOW_HALF(index, mask, value) { (index), OCI_MASKED_EQ, (mask), (value) }

static const OciSeccompArg audit_socket[] = {
        LOW_HALF(0, UINT32_MAX, AF_NETLINK), LOW_HALF(2, UINT32_MAX, NETLINK_AUDIT),
};
static const OciSeccompArg open_without_sync = LOW_HALF(1, O_SYNC | O_DSYNC, 0);
static const OciSeccompArg openat_without_sync = LOW_HALF(2, O_SYNC | O_DSYNC, 0);
static const SyscallBranch branches[] = {
        { audit_socket, ARRAY_SIZE(audit_socket), SECCOMP_RET_ERRNO | EAFNOSUPPORT },
        { &open_without_sync, 1, SECCOMP_RET_ALLOW },
        { &openat_without_sync, 1, SECCOMP_RET_ALLOW },
};
static const SyscallVerdict all_verdicts[_SYSCALL_VERDICT_MAX] = {
        [SYSCALL_UNKNOWN] = { .action = SECCOMP_RET_ERRNO | ENOSYS },
        [SYSCALL_REFUSED] = { .action = SECCOMP_RET_ERRNO | EPERM },
        [SYSCALL_ALLOWED] = { .action = SECCOMP_RET_ALLOW },
        [SYSCALL_SOCKET] = { SECCOMP_RET_ALLOW, &branches[0], 1 },
        [SYSCALL_OPEN] = { SECCOMP_RET_ERRNO | EINVAL, &branches[1], 1 },
        [SYSCALL_OPENAT] = { SECCOMP_RET_ERRNO | EINVAL, &branches[2], 1 },
        [SYSCALL_NOTHING] = { .action = SECCOMP_RET_ERRNO | 0 },
};

/* Left out, since they affect more than the machine: @cpu-emulation @obsolete @pkey @swap, bpf, fanotify_*, kexec_*,
 * open_by_handle_at, perf_event_open, quotactl. */
static const char default_calls[] =
        "@aio @basic-io @chown @default @file-system @io-event @ipc @mount @network-io @process @resources @setuid "
        "@signal @sync @timer "
        "arm_fadvise64_64 brk cachestat capget capset copy_file_range fadvise64 fadvise64_64 flock get_mempolicy getcpu "
        "getpriority getrandom ioctl ioprio_get kcmp madvise mincore mprotect mremap name_to_handle_at oldolduname "
        "olduname personality readahead readdir remap_file_pages sched_get_priority_max sched_get_priority_min "
        "sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval "
        "sched_rr_get_interval_time64 sched_yield sendfile sendfile64 setdomainname setfsgid setfsgid32 setfsuid "
        "setfsuid32 sethostname setpgid setsid splice sysinfo tee umask uname userfaultfd vmsplice";

static const struct {
        unsigned capability;
        const char *calls;
} by_capability[] = {
        { CAP_IPC_LOCK, "@memlock" },
        { CAP_SYS_BOOT, "reboot" },
        { CAP_SYSLOG, "syslog" },
        { CAP_SYS_MODULE, "@module" },
        { CAP_SYS_PACCT, "acct" },
        { CAP_SYS_PTRACE, "process_vm_readv process_vm_writev ptrace" },
        { CAP_SYS_RAWIO, "@raw-io" },
        { CAP_SYS_TIME, "@clock" },
        { CAP_SYS_TTY_CONFIG, "vhangup" },
};

uint64_t seccomp_capabilities(void)
{
        uint64_t mask = 0;

        for (size_t i = 0; i < ARRAY_SIZE(by_capability); i++)
                mask |= UINT64_C(1) << by_capability[i].capability;

        return mask;
}

static int compare_name(const void *name, const void *row)
{
        return strcmp(name, ((const SyscallName *) row)->name);
}

const SyscallName *seccomp_find_name(const SyscallTable *table, const char *name)
{
        return bsearch(name, table->names, table->n_names, sizeof(SyscallName), compare_name);
}

/* Sets the verdict of every call in a list of calls and groups. Groups contain others, without loops. */
static void mark(const SyscallTable *table, uint16_t *verdicts, const char *list, unsigned verdict)
{
        char word[SYSCALL_WORD_MAX];

        while (syscall_word_next(&list, word)) {
                const char *members = syscall_group_members(word);
                const SyscallName *name;

                if (members) {
                        mark(table, verdicts, members, verdict);
                        continue;
                }

                name = seccomp_find_name(table, word);
                if (!name)
                        continue;
                verdicts[name - table->names] = (uint16_t)
                        (verdict == SYSCALL_ALLOWED && strcmp(word, "socket") == 0 ? SYSCALL_SOCKET : verdict);
        }
}

/* SuppressSync= changes calls that are allowed. A filter cannot read the structure of openat2(), so it fails with ENOSYS, and
 * programs fall back to openat(). */
static void mark_sync(const SyscallTable *table, uint16_t *verdicts)
{
        static const struct { const char *name; Verdict verdict; } calls[] = {
                { "open", SYSCALL_OPEN }, { "openat", SYSCALL_OPENAT }, { "openat2", SYSCALL_UNKNOWN },
        };

        mark(table, verdicts, "@sync", SYSCALL_NOTHING);
        for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
                const SyscallName *name = seccomp_find_name(table, calls[i].name);

                if (name && verdicts[name - table->names] == SYSCALL_ALLOWED)
                        verdicts[name - table->names] = (uint16_t) calls[i].verdict;
        }
}

/* A filter cannot see the family that socketcall() and io_uring pass in memory: they fail with ENOSYS, and programs fall back to
 * socket(). */
static void mark_families(const SyscallTable *table, uint16_t *verdicts)
{
        mark(table, verdicts, "socketcall io_uring_setup", SYSCALL_UNKNOWN);
}

static void mark_spec(const SyscallTable *table, const SeccompSpec *spec, uint16_t *verdicts)
{
        mark(table, verdicts, "@known", SYSCALL_REFUSED);
        mark(table, verdicts, default_calls, SYSCALL_ALLOWED);
        for (size_t i = 0; i < ARRAY_SIZE(by_capability); i++)
                if (spec->caps & UINT64_C(1) << by_capability[i].capability)
                        mark(table, verdicts, by_capability[i].calls, SYSCALL_ALLOWED);

        if (!spec->host_keyrings)
                mark(table, verdicts, "@keyring", SYSCALL_ALLOWED);
        for (const char *const *s = spec->allow; s && *s; s++)
                mark(table, verdicts, *s, SYSCALL_ALLOWED);
        for (const char *const *s = spec->deny; s && *s; s++)
                mark(table, verdicts, *s, SYSCALL_REFUSED);
        if (spec->suppress_sync)
                mark_sync(table, verdicts);
        if (spec->denied_families)
                mark_families(table, verdicts);
}

/* A branch for each family, beside that for the audit subsystem. The kernel has fewer than 64. */
typedef struct SocketBranches {
        OciSeccompArg conditions[64];
        SyscallBranch branches[64 + 1];
} SocketBranches;

static SyscallVerdict socket_verdict(uint64_t denied, SocketBranches *b)
{
        size_t n = 0;

        b->branches[n++] = branches[0];
        for (unsigned family = 0; family < 64; family++)
                if (denied >> family & 1) {
                        b->conditions[family] = (OciSeccompArg) LOW_HALF(0, UINT32_MAX, family);
                        b->branches[n++] = (SyscallBranch) { &b->conditions[family], 1, SECCOMP_RET_ERRNO | EAFNOSUPPORT };
                }
        return (SyscallVerdict) { SECCOMP_RET_ALLOW, b->branches, n };
}

static int compare_rule(const void *a, const void *b)
{
        const SyscallRule *x = a, *y = b;

        if (x->arch != y->arch)
                return x->arch < y->arch ? 1 : -1;      /* 64-bit ones, the common case, first */
        if (x->number != y->number)
                return x->number < y->number ? -1 : 1;

        /* A call after the end of the range of another one, so that it counts. */
        return (int) x->verdict - (int) y->verdict;
}

int seccomp_assemble_table(const SyscallTable *table, unsigned arches, const uint16_t *of_names, const SyscallVerdict *verdicts,
                           unsigned foreign, struct sock_filter **ret, size_t *ret_n)
{
        _cleanup_free_ SyscallRule *rules = calloc(table->n_names + 1, 2 * SYSCALL_ARCHES_MAX * sizeof(*rules));
        size_t n = 0;

        if (!rules)
                return -ENOMEM;
        for (unsigned a = 0; a < table->n_arches; a++) {
                for (size_t i = 0; arches & 1U << a && i < table->n_names; i++) {
                        uint32_t number = table->names[i].number[a];

                        if (number == SYSCALL_NO_NUMBER)
                                continue;
                        rules[n++] = (SyscallRule) { table->arch[a], number, of_names[i] };
                        rules[n++] = (SyscallRule) { table->arch[a], number + 1, 0 };
                }
                /* x32 differs from x86-64 in its numbers only. A tracer skips a call by the number -1. */
                if (!(arches & 1U << a) && a > 0 && table->arch[a] == table->arch[0]) {
                        rules[n++] = (SyscallRule) { table->arch[a], SYSCALL_X32_BIT, foreign };
                        rules[n++] = (SyscallRule) { table->arch[a], UINT32_MAX, 0 };
                }
        }
        qsort(rules, n, sizeof(*rules), compare_rule);

        return seccomp_assemble(rules, n, verdicts, foreign, ret, ret_n);
}

int seccomp_compile(const SyscallTable *table, const SeccompSpec *spec, struct sock_filter **ret, size_t *ret_n)
{
        _cleanup_free_ uint16_t *of_names = calloc(table->n_names, sizeof(*of_names));         /* all SYSCALL_UNKNOWN */
        SyscallVerdict verdicts[_SYSCALL_VERDICT_MAX];
        SocketBranches sockets = {};

        if (!of_names)
                return -ENOMEM;
        mark_spec(table, spec, of_names);
        memcpy(verdicts, all_verdicts, sizeof(verdicts));
        if (spec->denied_families)
                verdicts[SYSCALL_SOCKET] = socket_verdict(spec->denied_families, &sockets);
        return seccomp_assemble_table(table, UINT_MAX, of_names, verdicts, SYSCALL_UNKNOWN, ret, ret_n);
}

/* From the payload's execve() to the end of the machine: the loop, the console, notify messages, netlink, the bus, and the
 * undoing of the start. Nothing executes programs or changes mounts. */
static const char supervisor_calls[] =
        "read readv pread64 write writev pwrite64 close close_range lseek _llseek fstat fstat64 fstatat64 newfstatat "
        "stat stat64 lstat lstat64 statx statfs statfs64 fstatfs fstatfs64 open openat openat2 access faccessat "
        "faccessat2 readlink readlinkat getdents getdents64 fcntl fcntl64 ioctl dup dup2 dup3 pipe pipe2 flock "
        "ftruncate ftruncate64 unlink unlinkat rmdir mkdir mkdirat rename renameat renameat2 fchmod fchmodat fchown "
        "fchownat splice mmap mmap2 munmap mprotect mremap madvise brk membarrier rseq futex futex_time64 "
        "set_robust_list rt_sigaction rt_sigprocmask rt_sigpending rt_sigreturn rt_sigtimedwait sigaltstack "
        "sigreturn restart_syscall poll ppoll ppoll_time64 select pselect6 _newselect epoll_create1 epoll_ctl "
        "epoll_wait epoll_pwait epoll_pwait2 eventfd2 timerfd_create timerfd_settime timerfd_gettime "
        "timerfd_settime64 timerfd_gettime64 signalfd4 inotify_init1 inotify_add_watch inotify_rm_watch "
        "clock_gettime clock_gettime64 clock_getres nanosleep clock_nanosleep clock_nanosleep_time64 gettimeofday "
        "time getpid getppid gettid getuid geteuid getgid getegid getresuid getresgid getpgrp getpgid getsid "
        "getgroups capget prctl getrlimit ugetrlimit prlimit64 getrandom sysinfo uname getcwd fchdir umask "
        "sched_yield sched_getaffinity getrusage kill tgkill tkill pidfd_open pidfd_send_signal waitid wait4 exit "
        "exit_group socket socketpair connect bind getsockname getpeername getsockopt setsockopt sendto sendmsg "
        "sendmmsg recvfrom recvmsg recvmmsg accept4 shutdown recv send socketcall clone clone3 setns";

static const SyscallVerdict supervisor_verdicts[] = {
        { .action = SECCOMP_RET_ERRNO | EPERM },
        { .action = SECCOMP_RET_ALLOW },
        { .action = SECCOMP_RET_KILL_PROCESS },
};

int seccomp_compile_supervisor(const SyscallTable *table, const char *more, struct sock_filter **ret, size_t *ret_n)
{
        /* The supervisor never makes these: the code is not its own. */
        static const char deadly[] =
                "execve execveat ptrace process_vm_readv process_vm_writev bpf keyctl init_module finit_module kexec_load "
                "kexec_file_load open_by_handle_at perf_event_open userfaultfd io_uring_setup";
        _cleanup_free_ uint16_t *verdicts = calloc(table->n_names, sizeof(*verdicts));

        if (!verdicts)
                return -ENOMEM;
        mark(table, verdicts, deadly, 2);
        mark(table, verdicts, supervisor_calls, 1);
        mark(table, verdicts, more, 1);
        return seccomp_assemble_table(table, 1, verdicts, supervisor_verdicts, 2, ret, ret_n);
}

void seccomp_each_name(void (*f)(const char *name, void *userdata), void *userdata)
{
        const char *list = default_calls, *group;
        char word[SYSCALL_WORD_MAX];

        for (size_t i = 0;; i++) {
                while (syscall_word_next(&list, word))
                        if (*word != '@')
                                f(word, userdata);
                group = syscall_group_name(i);
                if (!group)
                        break;
                list = syscall_group_members(group);
        }
}
