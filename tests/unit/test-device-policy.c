/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The payload's device policy: names become rules, and the program, run by a small interpreter, says what they say. */

#include <stdlib.h>
#include <unistd.h>

#include "security/device-policy.h"
#include "test.h"

/* The instructions that device_policy_compile() uses. */
static uint32_t run(const DevicePolicy *p, unsigned type, const char *access, uint32_t device_major, uint32_t device_minor)
{
        const struct bpf_cgroup_dev_ctx context = { device_policy_access(access) << 16 | type, device_major, device_minor };
        uint64_t registers[MAX_BPF_REG] = {};
        struct bpf_insn *code;
        size_t n;

        assert_int_equal(device_policy_compile(p, &code, &n), 0);
        for (size_t pc = 0; pc < n; pc++) {
                const struct bpf_insn *i = &code[pc];
                uint64_t *to = &registers[i->dst_reg];

                if (i->code == (BPF_LDX | BPF_W | BPF_MEM))
                        *to = *(const uint32_t *) (const void *) ((const char *) &context + i->off);
                else if (i->code == (BPF_ALU | BPF_MOV | BPF_X))
                        *to = (uint32_t) registers[i->src_reg];
                else if (i->code == (BPF_ALU | BPF_MOV | BPF_K))
                        *to = (uint32_t) i->imm;
                else if (i->code == (BPF_ALU | BPF_AND | BPF_K))
                        *to = (uint32_t) *to & (uint32_t) i->imm;
                else if (i->code == (BPF_ALU | BPF_RSH | BPF_K))
                        *to = (uint32_t) *to >> i->imm;
                else if (i->code == (BPF_ALU | BPF_LSH | BPF_K))
                        *to = (uint32_t) *to << i->imm;
                else if (i->code == (BPF_ALU | BPF_OR | BPF_X))
                        *to = (uint32_t) *to | (uint32_t) registers[i->src_reg];
                else if (i->code == (BPF_JMP | BPF_JNE | BPF_K))
                        pc += *to != (uint64_t) (int64_t) i->imm ? (size_t) i->off : 0;
                else if (i->code == (BPF_JMP | BPF_JEQ | BPF_K))
                        pc += *to == (uint64_t) (int64_t) i->imm ? (size_t) i->off : 0;
                else if (i->code == (BPF_JMP | BPF_EXIT)) {
                        free(code);
                        return (uint32_t) registers[0];
                } else
                        fail_msg("instruction %zu has code %#x", pc, i->code);
        }
        free(code);
        fail_msg("the program has no end");
        return 2;
}

enum { BLOCK = BPF_DEVCG_DEV_BLOCK, CHAR = BPF_DEVCG_DEV_CHAR };

static void test_default(void **state)
{
        const DevicePolicy none = {};

        assert_int_equal(run(&none, CHAR, "rwm", 1, 3), 1);             /* null */
        assert_int_equal(run(&none, CHAR, "rw", 10, 200), 1);           /* net/tun: the unit's to say */
        assert_int_equal(run(&none, CHAR, "r", 10, 237), 0);            /* loop-control */
        assert_int_equal(run(&none, CHAR, "r", 10, 236), 0);            /* mapper/control */
        assert_int_equal(run(&none, CHAR, "r", 10, 235), 1);
        assert_int_equal(run(&none, CHAR, "r", 10, 238), 1);
        assert_int_equal(run(&none, CHAR, "r", 1, 1), 0);               /* mem */
        assert_int_equal(run(&none, CHAR, "r", 1, 2), 0);               /* kmem */
        assert_int_equal(run(&none, CHAR, "r", 1, 4), 0);               /* port */
        assert_int_equal(run(&none, CHAR, "r", 4, 1), 1);               /* tty1 */
        assert_int_equal(run(&none, CHAR, "r", 21, 7), 0);              /* sg7 */
        assert_int_equal(run(&none, CHAR, "r", 162, 0), 0);             /* rawctl */
        assert_int_equal(run(&none, CHAR, "r", 237, 10), 1);
        assert_int_equal(run(&none, BLOCK, "r", 7, 0), 0);              /* loop0 */
        assert_int_equal(run(&none, BLOCK, "m", 8, 0), 0);              /* sda, its node */
}

static void test_closed(void **state)
{
        _cleanup_(device_policy_done) DevicePolicy p = { .closed = true };

        assert_int_equal(run(&p, CHAR, "r", 1, 3), 0);
        assert_int_equal(device_policy_allow(&p, false, 1, 3, "rwm"), 0);
        assert_int_equal(device_policy_allow(&p, false, 136, DEVICE_ANY, "rw"), 0);
        assert_int_equal(run(&p, CHAR, "rwm", 1, 3), 1);
        assert_int_equal(run(&p, CHAR, "rw", 136, 9), 1);
        assert_int_equal(run(&p, CHAR, "m", 136, 9), 0);
        assert_int_equal(run(&p, CHAR, "r", 10, 232), 0);               /* kvm */
        assert_int_equal(run(&p, BLOCK, "r", 7, 0), 0);
}

static void test_listed(void **state)
{
        char path[] = "/tmp/box-devices-XXXXXX";
        _cleanup_(device_policy_done) DevicePolicy p = {};
        static const char devices[] =
                "Character devices:\n  1 mem\n 10 misc\n\nBlock devices:\n  7 loop\n259 blkext\n  8 sd\n 65 sd\n";
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, devices, sizeof(devices) - 1), sizeof(devices) - 1);
        assert_return_code(close(fd), errno);
        assert_int_equal(device_policy_allow_name(&p, "block-sd", "rw", path), 0);
        assert_int_equal(device_policy_allow_name(&p, "/dev/block/7:3", "r", path), 0);
        assert_int_equal(device_policy_allow_name(&p, "/dev/char/10:237", "rw", path), 0);
        assert_int_equal(device_policy_allow_name(&p, "/dev/null", "rwm", path), 0);
        assert_int_equal(device_policy_allow_name(&p, "/dev/no-such", "rwm", path), 0);
        assert_int_equal(device_policy_allow_name(&p, "block-nothing", "rwm", path), 0);
        (void) unlink(path);
        assert_int_equal(p.n, 5);

        assert_int_equal(run(&p, BLOCK, "rw", 8, 1), 1);
        assert_int_equal(run(&p, BLOCK, "r", 65, 300), 1);
        assert_int_equal(run(&p, BLOCK, "rwm", 8, 1), 0);               /* its node may not be made */
        assert_int_equal(run(&p, BLOCK, "r", 7, 3), 1);
        assert_int_equal(run(&p, BLOCK, "w", 7, 3), 0);
        assert_int_equal(run(&p, BLOCK, "r", 7, 4), 0);
        assert_int_equal(run(&p, CHAR, "rw", 10, 237), 1);
        assert_int_equal(run(&p, CHAR, "rw", 10, 236), 0);
        assert_int_equal(run(&p, CHAR, "rwm", 1, 3), 1);
}

static void test_wide_names(void **state)
{
        _cleanup_(device_policy_done) DevicePolicy p = {};

        assert_int_equal(device_policy_allow_name(&p, "block-7", "rw", NULL), 0);
        assert_int_equal(run(&p, BLOCK, "rw", 7, 9), 1);
        assert_int_equal(run(&p, BLOCK, "rw", 8, 9), 0);
        assert_int_equal(device_policy_allow_name(&p, "block-*", "r", NULL), 0);
        assert_int_equal(run(&p, BLOCK, "r", 8, 9), 1);
        assert_int_equal(run(&p, BLOCK, "w", 8, 9), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_default), cmocka_unit_test(test_closed), cmocka_unit_test(test_listed),
                cmocka_unit_test(test_wide_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
