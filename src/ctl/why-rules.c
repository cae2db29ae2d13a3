/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Why a system call of a machine's program was refused (see why.h). Pure: boxctl's table of calls, and facts that were read. */

#include <inttypes.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "ctl/why.h"
#include "util/capability-names.h"
#include "util/text.h"

/* ---- calls ---------------------------------------------------------------------------------------------------- */

/* Arguments are counted from 1. */
#define CALL(call, ...) { .name = #call, .number = SYS_##call, __VA_ARGS__ }
#define LEGACY(call, n, ...) { .name = #call, .number = n, .legacy = true, __VA_ARGS__ }
#define NEEDS(cap) .needs = UINT64_C(1) << cap
#define NEEDS_HOST(cap) .needs = UINT64_C(1) << cap, .of_host = true
#define AT .directory = 1, .path = 2

static const WhyCall calls[] = {
        CALL(acct, .path = 1, NEEDS_HOST(CAP_SYS_PACCT)),
        CALL(add_key, .path = 0),
        CALL(adjtimex, NEEDS_HOST(CAP_SYS_TIME)),
        CALL(bind, NEEDS(CAP_NET_BIND_SERVICE)),
        CALL(bpf, NEEDS_HOST(CAP_BPF)),
        CALL(chdir, .path = 1),
        CALL(chroot, .path = 1, NEEDS(CAP_SYS_CHROOT)),
        CALL(clock_adjtime, NEEDS_HOST(CAP_SYS_TIME)),
        CALL(clock_settime, NEEDS_HOST(CAP_SYS_TIME)),
        CALL(clone, .limit = "TasksMax"),
        CALL(clone3, .limit = "TasksMax"),
        CALL(delete_module, NEEDS_HOST(CAP_SYS_MODULE)),
        CALL(dup, .path = 0),
        CALL(execve, .path = 1),
        CALL(execveat, AT),
        CALL(faccessat, AT),
        CALL(faccessat2, AT),
        CALL(fchmod, .path = 0),
        CALL(fchmodat, AT),
        CALL(fchown, .id = 2, NEEDS(CAP_CHOWN)),
        CALL(fchownat, AT, .id = 3, NEEDS(CAP_CHOWN)),
        CALL(finit_module, NEEDS_HOST(CAP_SYS_MODULE)),
        CALL(fsopen, NEEDS(CAP_SYS_ADMIN)),
        CALL(init_module, NEEDS_HOST(CAP_SYS_MODULE)),
        CALL(inotify_init1, .limit = ""),
        CALL(io_uring_setup, .path = 0),
        CALL(ioctl, .path = 0),
        CALL(kexec_load, NEEDS_HOST(CAP_SYS_BOOT)),
        CALL(keyctl, .path = 0),
        CALL(kill, NEEDS(CAP_KILL)),
        CALL(linkat, .directory = 3, .path = 4),
        CALL(mkdirat, AT),
        CALL(mknodat, AT, NEEDS_HOST(CAP_MKNOD)),
        CALL(mlock, NEEDS(CAP_IPC_LOCK)),
        CALL(mlockall, NEEDS(CAP_IPC_LOCK)),
        CALL(mount, .path = 2, NEEDS(CAP_SYS_ADMIN)),
        CALL(mount_setattr, AT, NEEDS(CAP_SYS_ADMIN)),
        CALL(move_mount, NEEDS(CAP_SYS_ADMIN)),
        CALL(name_to_handle_at, AT),
        CALL(open_by_handle_at, NEEDS_HOST(CAP_DAC_READ_SEARCH)),
        CALL(open_tree, AT, NEEDS(CAP_SYS_ADMIN)),
        CALL(openat, AT),
        CALL(openat2, AT),
        CALL(perf_event_open, NEEDS_HOST(CAP_PERFMON)),
        CALL(pidfd_open, .path = 0),
        CALL(pivot_root, NEEDS(CAP_SYS_ADMIN)),
        CALL(process_vm_readv, NEEDS(CAP_SYS_PTRACE)),
        CALL(ptrace, NEEDS(CAP_SYS_PTRACE)),
        CALL(quotactl, NEEDS_HOST(CAP_SYS_ADMIN)),
        CALL(reboot, NEEDS(CAP_SYS_BOOT)),
        CALL(removexattr, .path = 1),
        CALL(renameat, .directory = 3, .path = 4),
        CALL(renameat2, .directory = 3, .path = 4),
        CALL(request_key, .path = 0),
        CALL(sched_setscheduler, NEEDS_HOST(CAP_SYS_NICE)),
        CALL(sched_setattr, NEEDS_HOST(CAP_SYS_NICE)),
        CALL(setdomainname, NEEDS(CAP_SYS_ADMIN)),
        CALL(setgid, .id = 1, NEEDS(CAP_SETGID)),
        CALL(setgroups, NEEDS(CAP_SETGID)),
        CALL(sethostname, NEEDS(CAP_SYS_ADMIN)),
        CALL(setns, NEEDS(CAP_SYS_ADMIN)),
        CALL(setpriority, NEEDS_HOST(CAP_SYS_NICE)),
        CALL(setrlimit, NEEDS_HOST(CAP_SYS_RESOURCE)),
        CALL(prlimit64, NEEDS_HOST(CAP_SYS_RESOURCE)),
        CALL(settimeofday, NEEDS_HOST(CAP_SYS_TIME)),
        CALL(setuid, .id = 1, NEEDS(CAP_SETUID)),
        CALL(setxattr, .path = 1),
        CALL(socket, NEEDS(CAP_NET_RAW)),
        CALL(swapoff, .path = 1, NEEDS_HOST(CAP_SYS_ADMIN)),
        CALL(swapon, .path = 1, NEEDS_HOST(CAP_SYS_ADMIN)),
        CALL(symlinkat, .directory = 2, .path = 3),
        CALL(syslog, NEEDS_HOST(CAP_SYSLOG)),
        CALL(truncate, .path = 1),
        CALL(umount2, .path = 1, NEEDS(CAP_SYS_ADMIN)),
        CALL(unlinkat, AT),
        CALL(unshare, NEEDS(CAP_SYS_ADMIN)),
        CALL(userfaultfd, .path = 0),
        CALL(utimensat, AT),
        CALL(vhangup, NEEDS(CAP_SYS_TTY_CONFIG)),
        LEGACY(open, 2, .path = 1),
        LEGACY(access, 21, .path = 1),
        LEGACY(fork, 57, .limit = "TasksMax"),
        LEGACY(vfork, 58, .limit = "TasksMax"),
        LEGACY(rename, 82, .path = 2),
        LEGACY(mkdir, 83, .path = 1),
        LEGACY(rmdir, 84, .path = 1),
        LEGACY(creat, 85, .path = 1),
        LEGACY(link, 86, .path = 2),
        LEGACY(unlink, 87, .path = 1),
        LEGACY(symlink, 88, .path = 2),
        LEGACY(chmod, 90, .path = 1),
        LEGACY(chown, 92, .path = 1, .id = 2, NEEDS(CAP_CHOWN)),
        LEGACY(lchown, 94, .path = 1, .id = 2, NEEDS(CAP_CHOWN)),
        LEGACY(mknod, 133, .path = 1, NEEDS_HOST(CAP_MKNOD)),
        LEGACY(iopl, 172, NEEDS_HOST(CAP_SYS_RAWIO)),
        LEGACY(ioperm, 173, NEEDS_HOST(CAP_SYS_RAWIO)),
};

const WhyCall *why_call_find(uint32_t architecture, uint64_t number)
{
        /* Programs of 32 bits have other numbers. */
        if (!(architecture & __AUDIT_ARCH_64BIT))
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
                if ((uint64_t) calls[i].number == number && (!calls[i].legacy || architecture == AUDIT_ARCH_X86_64))
                        return &calls[i];
        return NULL;
}

/* ---- what is read --------------------------------------------------------------------------------------------- */

bool why_id_is_mapped(const char *map, uint32_t id, bool outside)
{
        uint32_t in, out, count;
        int n;

        for (; sscanf(map, "%" SCNu32 " %" SCNu32 " %" SCNu32 " %n", &in, &out, &count, &n) == 3; map += n)
                if (id - (outside ? out : in) < count)
                        return true;
        return false;
}

/* Is option in a list with commas? */
static bool has_option(const char *list, const char *option)
{
        const size_t n = strlen(option);

        for (; *list; list += strcspn(list, ","), list += *list == ',')
                if (strcspn(list, ", ") == n && strncmp(list, option, n) == 0)
                        return true;
        return false;
}

bool why_mount_find(const char *mountinfo, uint64_t id, WhyMount *ret)
{
        for (const char *line = mountinfo; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                _cleanup_free_ char *copy = strndup(line, strcspn(line, "\n"));
                char place[256], options[256];
                const char *super;
                uint64_t n;

                if (!copy || sscanf(copy, "%" SCNu64 " %*s %*s %*s %255s %255s", &n, place, options) != 3 || n != id)
                        continue;
                super = strrchr(copy, ' ');
                *ret = (WhyMount) { .read_only = has_option(options, "ro") || (super && has_option(super + 1, "ro")),
                                    .no_devices = has_option(options, "nodev") };
                (void) snprintf(ret->place, sizeof(ret->place), "%s", place);
                return true;
        }
        return false;
}

static uint32_t load(const struct seccomp_data *data, uint32_t at)
{
        uint32_t word = 0;

        if (at <= sizeof(*data) - sizeof(word))
                memcpy(&word, (const char *) data + at, sizeof(word));
        return word;
}

static uint32_t calculate(uint16_t code, uint32_t a, uint32_t b)
{
        switch (BPF_OP(code)) {
        case BPF_ADD:
                return a + b;
        case BPF_SUB:
                return a - b;
        case BPF_AND:
                return a & b;
        case BPF_OR:
                return a | b;
        case BPF_XOR:
                return a ^ b;
        case BPF_LSH:
                return b < 32 ? a << b : 0;
        case BPF_RSH:
                return b < 32 ? a >> b : 0;
        default:
                return a;
        }
}

static bool jumps(uint16_t code, uint32_t a, uint32_t b)
{
        switch (BPF_OP(code)) {
        case BPF_JEQ:
                return a == b;
        case BPF_JGT:
                return a > b;
        case BPF_JGE:
                return a >= b;
        default:
                return a & b;
        }
}

/* The kernel accepts no jump back, so it ends. */
uint32_t why_filter_run(const struct sock_filter *code, size_t n, const struct seccomp_data *data)
{
        uint32_t a = 0, x = 0, memory[BPF_MEMWORDS] = { 0 };

        for (size_t i = 0; i < n; i++) {
                const struct sock_filter *s = &code[i];
                const uint32_t b = BPF_SRC(s->code) == BPF_X ? x : s->k;

                switch (BPF_CLASS(s->code)) {
                case BPF_LD:
                        a = BPF_MODE(s->code) == BPF_ABS ? load(data, s->k) : BPF_MODE(s->code) == BPF_MEM
                            ? memory[s->k % BPF_MEMWORDS] : s->k;
                        break;
                case BPF_LDX:
                        x = BPF_MODE(s->code) == BPF_MEM ? memory[s->k % BPF_MEMWORDS] : s->k;
                        break;
                case BPF_ST:
                        memory[s->k % BPF_MEMWORDS] = a;
                        break;
                case BPF_STX:
                        memory[s->k % BPF_MEMWORDS] = x;
                        break;
                case BPF_ALU:
                        a = calculate(s->code, a, b);
                        break;
                case BPF_JMP:
                        i += BPF_OP(s->code) == BPF_JA ? s->k : jumps(s->code, a, b) ? s->jt : s->jf;
                        break;
                case BPF_RET:
                        return BPF_RVAL(s->code) == BPF_A ? a : s->k;
                default:
                        if (BPF_MISCOP(s->code) == BPF_TAX)
                                x = a;
                        else
                                a = x;
                }
        }
        return SECCOMP_RET_ALLOW;
}

bool why_mounts_at(const char *key, const char *value, const char *place)
{
        const size_t n = strlen(place);
        const bool bind = strncmp(key, "Bind", 4) == 0;
        const char *part = value + (*value == '-' || *value == '+');
        bool first = true;

        /* SRC[:DEST[:OPTS]] of binds, the last part of overlays. */
        for (;; first = false) {
                const size_t size = strcspn(part, ":");
                const bool last = !part[size] || (bind && (!first || part[size + 1] != '/'));

                if (last)
                        return size == n && strncmp(part, place, n) == 0;
                part += size + 1;
        }
}

/* ---- findings ------------------------------------------------------------------------------------------------- */

bool why_is_refusal(const WhyCall *call, int error, bool ids_mapped)
{
        switch (error) {
        case EPERM:
        case EACCES:
        case ENOSYS:
        case EROFS:
        case EDQUOT:
        case EMFILE:
                return true;
        case EINVAL:
                return call && call->id > 0 && !ids_mapped;
        case EAGAIN:
                return call && call->limit && *call->limit;
        default:
                return false;
        }
}

static void say(WhyFinding *ret, WhyKind kind, const char *key, const char *format, ...) _printf_(4, 5);

static void say(WhyFinding *ret, WhyKind kind, const char *key, const char *format, ...)
{
        va_list ap;

        ret->kind = kind;
        (void) snprintf(ret->key, sizeof(ret->key), "%s", key);
        va_start(ap, format);
        (void) vsnprintf(ret->what, sizeof(ret->what), format, ap);
        va_end(ap);
        text_make_printable(ret->what);
}

static void write_line(WhyFinding *ret, const char *format, ...) _printf_(2, 3);

static void write_line(WhyFinding *ret, const char *format, ...)
{
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(ret->line, sizeof(ret->line), format, ap);
        va_end(ap);
        text_make_printable(ret->line);
}

static void judge_filter(const WhyFacts *f, WhyFinding *ret)
{
        say(ret, WHY_FILTER, "SystemCallFilter", "the machine's system call filter");
        if (f->call)
                write_line(ret, "SystemCallFilter=%s", f->call->name);
}

static void judge_read_only(const WhyFacts *f, WhyFinding *ret)
{
        say(ret, WHY_READ_ONLY, "", "%s is mounted read-only", f->mount ?: "the file system");
        (void) snprintf(ret->place, sizeof(ret->place), "%s", f->mount ?: "");
        text_make_printable(ret->place);
}

static void judge_limit(const WhyFacts *f, WhyFinding *ret)
{
        if (f->error == EMFILE && f->call && f->call->limit) {
                say(ret, WHY_LIMIT, "", "the host's fs.inotify.max_user_instances; see boxctl doctor");
                return;
        }
        if (f->error == EMFILE) {
                say(ret, WHY_LIMIT, "LimitNOFILE", "the limit of open files of a process");
                write_line(ret, "LimitNOFILE=1048576");
        } else if (f->error == EAGAIN) {
                say(ret, WHY_LIMIT, "LimitNPROC", "the limit of processes, of the user (LimitNPROC=) or of the machine "
                    "(TasksMax=)");
                write_line(ret, "TasksMax=infinity");
        } else
                say(ret, WHY_LIMIT, "", "a disk quota of the file system%s%s", f->mount ? " at " : "", f->mount ?: "");
}

static void judge_ids(WhyFinding *ret, const char *what)
{
        say(ret, WHY_IDS, "PrivateUsers", "%s", what);
}

static void judge_device(const WhyFacts *f, WhyFinding *ret)
{
        if (f->error == EACCES && f->mount_no_devices) {
                say(ret, WHY_DEVICE, "", "device nodes are not opened on %s, which is mounted nodev", f->mount ?: "this mount");
                write_line(ret, "Bind=%s", f->path);
                return;
        }
        say(ret, WHY_DEVICE, "DeviceAllow", "the device policy of the machine's unit");
        write_line(ret, "Bind=%s    and in the unit (systemctl edit): DeviceAllow=%s rw", f->path, f->path);
}

/* false: it has the capability. */
static bool judge_capability(const WhyFacts *f, WhyFinding *ret)
{
        const uint64_t bit = f->call ? f->call->needs : 0;
        const int cap = bit ? __builtin_ctzll(bit) : -1;
        const char *name = cap >= 0 ? capability_names_get(cap) : NULL;

        if (!name)
                return false;
        if (f->call->of_host && f->user_namespace) {
                say(ret, WHY_IDS, "PrivateUsers", "the kernel wants %s of the host, which a machine with a user namespace never "
                    "has", name);
                write_line(ret, "%s", cap == CAP_MKNOD ? "Bind=/dev/NODE    (the host's node; no machine needs to make its own)"
                                                      : "PrivateUsers=no    (only for a machine that you trust as the host)");
        } else if (!(f->bounding & bit)) {
                say(ret, WHY_CAPABILITY, "Capability", "the machine does not have %s", name);
                write_line(ret, "Capability=%s", name);
        } else if (!(f->effective & bit))
                say(ret, WHY_OTHER, "", "the program's user does not have %s; root of the machine has it", name);
        else
                return false;
        return true;
}

static void judge_rest(const WhyFacts *f, WhyFinding *ret)
{
        if (f->error == ENOSYS)
                say(ret, WHY_OTHER, "", "the kernel does not have it");
        else if (f->path && f->exists && !f->owner_mapped)
                judge_ids(ret, "its owner is no user of the machine (nobody): the ids of the tree are not those of the machine");
        else if (f->path && f->error == EACCES)
                say(ret, WHY_OTHER, "", "the permissions of the file or of a directory above it, in the machine");
        else
                say(ret, WHY_OTHER, "", "none of box's settings as far as can be seen");
}

WhyFinding why_judge(const WhyFacts *f)
{
        WhyFinding ret = { .error = f->error, .times = 1 };
        const bool node = f->exists && (S_ISCHR(f->mode) || S_ISBLK(f->mode));

        if (f->call)
                (void) snprintf(ret.call, sizeof(ret.call), "%s", f->call->name);
        else
                (void) snprintf(ret.call, sizeof(ret.call), "call %" PRIu64, f->number);
        (void) snprintf(ret.path, sizeof(ret.path), "%s", f->path ?: "");
        text_make_printable(ret.path);

        if (f->filtered)
                judge_filter(f, &ret);
        else if (f->error == EROFS)
                judge_read_only(f, &ret);
        else if (f->error == EMFILE || f->error == EDQUOT || f->error == EAGAIN)
                judge_limit(f, &ret);
        else if (f->call && f->call->id > 0 && !f->ids_mapped)
                judge_ids(&ret, "an id that the machine's user namespace does not have");
        else if (node && f->error != ENOSYS && (!f->call || !f->call->needs))
                judge_device(f, &ret);
        else if (f->error == ENOSYS || !judge_capability(f, &ret))
                judge_rest(f, &ret);
        return ret;
}

const char *why_kind_name(WhyKind kind)
{
        static const char *const names[] = {
                [WHY_OTHER] = "other",
                [WHY_FILTER] = "system-call-filter",
                [WHY_CAPABILITY] = "capability",
                [WHY_DEVICE] = "device-policy",
                [WHY_READ_ONLY] = "read-only-mount",
                [WHY_IDS] = "id-map",
                [WHY_LIMIT] = "limit",
        };

        return names[kind];
}
