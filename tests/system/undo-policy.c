/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Root of a machine that tries to undo its device policy by bpf(2): on each cgroup that is given it detaches all programs, and
 * attaches one that allows all, in each way. Prints each attack that worked, as "ATTACK PATH". For test_privileges.py, which
 * compiles it.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bpf(int command, union bpf_attr *attr)
{
        return (int) syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load_allow_all(void)
{
        static const char license[] = "GPL";
        const struct bpf_insn code[] = {
                { .code = BPF_ALU | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
                { .code = BPF_JMP | BPF_EXIT },
        };
        union bpf_attr attr = {
                .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE, .insns = (uint64_t) (uintptr_t) code, .insn_cnt = 2,
                .license = (uint64_t) (uintptr_t) license,
        };

        return bpf(BPF_PROG_LOAD, &attr);
}

static int program_of(uint32_t id)
{
        union bpf_attr attr = { .prog_id = id };

        return bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

static int change(int command, int cgroup, int program, uint32_t flags)
{
        union bpf_attr attr = {};

        attr.target_fd = (uint32_t) cgroup;
        attr.attach_bpf_fd = program >= 0 ? (uint32_t) program : 0;
        attr.attach_type = BPF_CGROUP_DEVICE;
        attr.attach_flags = flags;
        return bpf(command, &attr);
}

static void detach_all(int cgroup, const char *path)
{
        uint32_t ids[64] = {};
        union bpf_attr attr = {};

        if (change(BPF_PROG_DETACH, cgroup, -1, 0) == 0)
                printf("detach %s\n", path);
        attr.query.target_fd = (uint32_t) cgroup;
        attr.query.attach_type = BPF_CGROUP_DEVICE;
        attr.query.prog_ids = (uint64_t) (uintptr_t) ids;
        attr.query.prog_cnt = 64;
        if (bpf(BPF_PROG_QUERY, &attr) < 0)
                return;
        printf("query %s\n", path);
        for (uint32_t i = 0; i < attr.query.prog_cnt; i++)
                if (change(BPF_PROG_DETACH, cgroup, program_of(ids[i]), 0) == 0)
                        printf("detach-program %s\n", path);
}

int main(int argc, char *argv[])
{
        static const struct { const char *name; uint32_t flags; } ways[] = {
                { "attach", 0 }, { "attach-override", BPF_F_ALLOW_OVERRIDE }, { "attach-multi", BPF_F_ALLOW_MULTI },
        };
        int program = load_allow_all();

        if (program >= 0)
                printf("load -\n");
        for (int i = 1; i < argc; i++) {
                int cgroup = open(argv[i], O_RDONLY | O_DIRECTORY);

                detach_all(cgroup, argv[i]);
                for (unsigned j = 0; j < 3; j++)
                        if (change(BPF_PROG_ATTACH, cgroup, program, ways[j].flags) == 0)
                                printf("%s %s\n", ways[j].name, argv[i]);
        }
        return 0;
}
