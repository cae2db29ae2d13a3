/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The payload's device policy (see device-policy.h). The supervisor, as root of the host. */

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "security/device-policy.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/strv.h"

/* The character devices that are refused whatever the unit allows: the supervisor's own, and the host's memory. Block devices are
 * refused altogether. */
static const struct { uint32_t major, minor; } refused[] = {
        { 10, 237 },                            /* loop-control */
        { 10, 236 },                            /* mapper/control */
        { 1, 1 }, { 1, 2 }, { 1, 4 },           /* mem, kmem, port */
        { 21, DEVICE_ANY },                     /* SCSI, by commands */
        { 162, DEVICE_ANY },                    /* raw */
};

void device_policy_done(DevicePolicy *p)
{
        free(p->rules);
        *p = (DevicePolicy) {};
}

uint32_t device_policy_access(const char *text)
{
        return (strchr(text, 'm') ? BPF_DEVCG_ACC_MKNOD : 0U) | (strchr(text, 'r') ? BPF_DEVCG_ACC_READ : 0U) |
               (strchr(text, 'w') ? BPF_DEVCG_ACC_WRITE : 0U);
}

int device_policy_allow(DevicePolicy *p, bool block, uint32_t device_major, uint32_t device_minor, const char *access)
{
        DeviceRule *rule = array_append(&p->rules, &p->n, sizeof(DeviceRule));

        if (!rule)
                return -ENOMEM;
        *rule = (DeviceRule) { block, device_major, device_minor, device_policy_access(access) };
        return 0;
}

/* "block-sd": the numbers in /proc/devices, whose names are followed by digits in some. */
static int allow_group(DevicePolicy *p, bool block, const char *name, const char *access, const char *devices_file)
{
        _cleanup_free_ char *text = NULL;
        bool of_blocks = false;
        uint32_t number;
        int r = 0;

        if (strcmp(name, "*") == 0)
                return device_policy_allow(p, block, DEVICE_ANY, DEVICE_ANY, access);
        if (parse_u32(name, &number) >= 0)
                return device_policy_allow(p, block, number, DEVICE_ANY, access);
        if (fd_read_file_at(AT_FDCWD, devices_file ?: "/proc/devices", 1024 * 1024, &text, NULL) < 0)
                return 0;
        for (char *rest = text, *line; r >= 0 && (line = strsep(&rest, "\n"));) {
                char found[65];

                if (strncmp(line, "Block devices", 13) == 0)
                        of_blocks = true;
                if (of_blocks == block && sscanf(line, "%u %64s", &number, found) == 2 && fnmatch(name, found, 0) == 0)
                        r = device_policy_allow(p, block, number, DEVICE_ANY, access);
        }
        return r;
}

int device_policy_allow_name(DevicePolicy *p, const char *name, const char *access, const char *devices_file)
{
        unsigned device_major, device_minor;
        struct stat st;
        char end;

        if (strncmp(name, "block-", 6) == 0)
                return allow_group(p, true, name + 6, access, devices_file);
        if (strncmp(name, "char-", 5) == 0)
                return allow_group(p, false, name + 5, access, devices_file);
        if (sscanf(name, "/dev/block/%u:%u%c", &device_major, &device_minor, &end) == 2)
                return device_policy_allow(p, true, device_major, device_minor, access);
        if (sscanf(name, "/dev/char/%u:%u%c", &device_major, &device_minor, &end) == 2)
                return device_policy_allow(p, false, device_major, device_minor, access);
        if (stat(name, &st) < 0 || (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode)))
                return 0;
        return device_policy_allow(p, S_ISBLK(st.st_mode), major(st.st_rdev), minor(st.st_rdev), access);
}

/* ---- the program ----------------------------------------------------------------------------------------------------- */

enum {
        RESULT = BPF_REG_0, CONTEXT = BPF_REG_1, SCRATCH = BPF_REG_1, ACCESS = BPF_REG_2, TYPE = BPF_REG_3,
        MAJOR = BPF_REG_4, MINOR = BPF_REG_5,
};

enum { MINOR_BITS = 20 };       /* of the kernel's numbers */

static struct bpf_insn load(unsigned to, short offset)
{
        return (struct bpf_insn) { .code = BPF_LDX | BPF_W | BPF_MEM, .dst_reg = to & 15, .src_reg = CONTEXT, .off = offset };
}

static struct bpf_insn compute(unsigned operation, unsigned to, int value)
{
        return (struct bpf_insn) { .code = (unsigned char) (BPF_ALU | operation | BPF_K), .dst_reg = to & 15, .imm = value };
}

static struct bpf_insn copy(unsigned to, unsigned from)
{
        return (struct bpf_insn) { .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = to & 15, .src_reg = from & 15 };
}

static struct bpf_insn add_bits(unsigned to, unsigned from)
{
        return (struct bpf_insn) { .code = BPF_ALU | BPF_OR | BPF_X, .dst_reg = to & 15, .src_reg = from & 15 };
}

/* Skips that many instructions if they differ (BPF_JNE), or are equal (BPF_JEQ). */
static struct bpf_insn jump(unsigned condition, unsigned what, uint32_t value, size_t skip)
{
        return (struct bpf_insn) {
                .code = (unsigned char) (BPF_JMP | condition | BPF_K), .dst_reg = what & 15, .off = (short) skip,
                .imm = (int) value,
        };
}

static struct bpf_insn unless_equal(unsigned what, uint32_t value, size_t skip)
{
        return jump(BPF_JNE, what, value, skip);
}

static const struct bpf_insn leave = { .code = BPF_JMP | BPF_EXIT };

static size_t put_rule(const DeviceRule *rule, struct bpf_insn *code)
{
        /* Two of the result, three of the access, and those that follow. */
        size_t n = 0, rest = rule->access ? 5 : 2, n_minor = rule->minor != DEVICE_ANY, n_major = rule->major != DEVICE_ANY;

        code[n++] = unless_equal(TYPE, rule->block ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR, rest + n_minor + n_major);
        if (n_major)
                code[n++] = unless_equal(MAJOR, rule->major, rest + n_minor);
        if (n_minor)
                code[n++] = unless_equal(MINOR, rule->minor, rest);
        if (rule->access) {
                code[n++] = copy(SCRATCH, ACCESS);
                code[n++] = compute(BPF_AND, SCRATCH, (int) ~rule->access);
                code[n++] = unless_equal(SCRATCH, 0, 2);
        }
        code[n++] = compute(BPF_MOV, RESULT, rule->access ? 1 : 0);
        code[n++] = leave;
        return n;
}

/* The end. The kernel checks each branch of a program when it is loaded: all that refuse lead to one place, and two numbers are
 * compared as one. */
static size_t put_refused(struct bpf_insn *code)
{
        size_t n = 0, end = 6 + ARRAY_SIZE(refused);

        code[n++] = copy(SCRATCH, MAJOR);
        code[n++] = compute(BPF_LSH, SCRATCH, MINOR_BITS);
        code[n++] = add_bits(SCRATCH, MINOR);
        code[n++] = compute(BPF_MOV, RESULT, 0);
        code[n] = jump(BPF_JEQ, TYPE, BPF_DEVCG_DEV_BLOCK, end - n - 1);
        n++;
        for (size_t i = 0; i < ARRAY_SIZE(refused); i++, n++)
                code[n] = refused[i].minor == DEVICE_ANY ?
                        jump(BPF_JEQ, MAJOR, refused[i].major, end - n - 1) :
                        jump(BPF_JEQ, SCRATCH, refused[i].major << MINOR_BITS | refused[i].minor, end - n - 1);
        code[n++] = compute(BPF_MOV, RESULT, 1);
        code[n++] = leave;
        return n;
}

static size_t put_closed(struct bpf_insn *code)
{
        code[0] = compute(BPF_MOV, RESULT, 0);
        code[1] = leave;
        return 2;
}

int device_policy_compile(const DevicePolicy *p, struct bpf_insn **ret, size_t *ret_n)
{
        struct bpf_insn *code = calloc(6 + 8 * p->n + 7 + ARRAY_SIZE(refused), sizeof(*code));
        size_t n = 0;

        if (!code)
                return -ENOMEM;
        code[n++] = load(ACCESS, offsetof(struct bpf_cgroup_dev_ctx, access_type));
        code[n++] = load(MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
        code[n++] = load(MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
        code[n++] = copy(TYPE, ACCESS);
        code[n++] = compute(BPF_AND, TYPE, 0xffff);
        code[n++] = compute(BPF_RSH, ACCESS, 16);
        for (size_t i = 0; i < p->n; i++)
                n += put_rule(&p->rules[i], code + n);
        *ret = code;
        *ret_n = n + (p->closed ? put_closed(code + n) : put_refused(code + n));
        return 0;
}

int device_policy_of_unit(int cgroup_fd)
{
        union bpf_attr attr = { .query = { .target_fd = (uint32_t) cgroup_fd, .attach_type = BPF_CGROUP_DEVICE } };

        return syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) < 0 ? -errno : attr.query.prog_cnt > 0;
}

/* A descriptor of the program, or negative. */
static int load_program(const DevicePolicy *p, Failure *failure)
{
        static const char license[] = "LGPL-2.1-or-later";
        _cleanup_free_ struct bpf_insn *code = NULL;
        union bpf_attr attr = {};
        size_t n;
        int fd, r;

        r = device_policy_compile(p, &code, &n);
        if (r < 0)
                return failure_set(failure, r, "Failed to set the payload's device policy: %m");
        attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
        attr.insns = (uint64_t) (uintptr_t) code;
        attr.insn_cnt = (uint32_t) n;
        attr.license = (uint64_t) (uintptr_t) license;
        fd = (int) syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
        return fd < 0 ? failure_set(failure, -errno, "Failed to load the payload's device policy: %m") : fd;
}

/* replaced: the program whose place it takes; -EBADF: none. */
static int attach_program(int fd, int cgroup_fd, int replaced, Failure *failure)
{
        union bpf_attr attr = {};

        attr.target_fd = (uint32_t) cgroup_fd;
        attr.attach_bpf_fd = (uint32_t) fd;
        attr.attach_type = BPF_CGROUP_DEVICE;
        attr.attach_flags = BPF_F_ALLOW_MULTI;
        if (replaced >= 0) {
                attr.attach_flags |= BPF_F_REPLACE;
                attr.replace_bpf_fd = (uint32_t) replaced;
        }
        if (syscall(SYS_bpf, BPF_PROG_ATTACH, &attr, sizeof(attr)) < 0)
                return failure_set(failure, -errno, "Failed to set the payload's device policy: %m");
        return 0;
}

int device_policy_attach(const DevicePolicy *p, int cgroup_fd, Failure *failure)
{
        _cleanup_close_ int fd = load_program(p, failure);

        return fd < 0 ? fd : attach_program(fd, cgroup_fd, -EBADF, failure);
}

/* The first program of a cgroup, by its descriptor. -ENOENT: it has none. */
static int open_program(int cgroup_fd)
{
        uint32_t ids[64] = {};
        union bpf_attr attr = { .query = { .target_fd = (uint32_t) cgroup_fd, .attach_type = BPF_CGROUP_DEVICE } };

        attr.query.prog_ids = (uint64_t) (uintptr_t) ids;
        attr.query.prog_cnt = ARRAY_SIZE(ids);
        if (syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) < 0)
                return -errno;
        if (attr.query.prog_cnt == 0)
                return -ENOENT;
        attr = (union bpf_attr) {};
        attr.prog_id = ids[0];
        return RET_ERRNO((int) syscall(SYS_bpf, BPF_PROG_GET_FD_BY_ID, &attr, sizeof(attr)));
}

int device_policy_replace(const DevicePolicy *p, int cgroup_fd, Failure *failure)
{
        _cleanup_close_ int old = open_program(cgroup_fd), fd = -EBADF;

        if (old == -ENOENT || old == -EPERM)
                return 0;
        if (old < 0)
                return failure_set(failure, old, "Failed to find the payload's device policy: %m");
        fd = load_program(p, failure);
        return fd < 0 ? fd : attach_program(fd, cgroup_fd, old, failure);
}
