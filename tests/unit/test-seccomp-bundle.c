/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The filters of OCI bundles do what their rules say: each comparison at the edges of 32 and 64 bits, rules against each other,
 * architectures. They are run by an interpreter, and once by the kernel.
 */

#include "test.h"

#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpf-fixture.h"
#include "security/seccomp-bundle.h"
#include "security/seccomp-table.h"

static const uint64_t edges[] = {
        0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, UINT32_MAX, 0x100000000, 0x100000001, 0x1ffffffff, 0x7fffffffffffffff,
        0x8000000000000000, 0xffffffff00000000, 0xffffffff00000001, UINT64_MAX - 1, UINT64_MAX,
};

static const char *const read_name[] = { "read", NULL };

static SeccompProgram make(const OciSeccompRule *rules, size_t n, OciAction default_action, const char *const *architectures)
{
        const OciSeccomp s = {
                .default_action = default_action, .default_value = EPERM, .rules = (OciSeccompRule *) rules, .n_rules = n,
                .architectures = (char **) architectures,
        };
        SeccompProgram p = SECCOMP_PROGRAM_NULL;
        Failure f = {};

        if (seccomp_bundle_make(&s, &p, &f) < 0)
                fail_msg("%s", f.text);
        return p;
}

static uint32_t run(const SeccompProgram *p, uint32_t arch, uint32_t number, uint64_t arg0, uint64_t arg1)
{
        const struct seccomp_data data = { .arch = arch, .nr = (int) number, .args = { arg0, arg1 } };

        return bpf_run(p->code, p->n, &data);
}

static uint32_t run_native(const SeccompProgram *p, uint32_t number, uint64_t arg0, uint64_t arg1)
{
        return run(p, syscall_table.arch[0], number, arg0, arg1);
}

static bool holds(OciCompare op, uint64_t arg, uint64_t a, uint64_t b)
{
        switch (op) {
        case OCI_NE:
                return arg != a;
        case OCI_LT:
                return arg < a;
        case OCI_LE:
                return arg <= a;
        case OCI_EQ:
                return arg == a;
        case OCI_GE:
                return arg >= a;
        case OCI_GT:
                return arg > a;
        default:
                return (arg & a) == b;
        }
}

/* Every comparison, of every argument, with every pair of edges: on one argument by one rule. */
static void test_comparisons(void **state)
{
        for (OciCompare op = OCI_NE; op <= OCI_MASKED_EQ; op++)
                for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
                        for (size_t j = 0; j < (op == OCI_MASKED_EQ ? ARRAY_SIZE(edges) : 1); j++) {
                                const unsigned index = (unsigned) (i % 6);
                                OciSeccompArg arg = { index, op, edges[i], edges[j] };
                                const OciSeccompRule rule = { (char **) read_name, OCI_ALLOW, 0, &arg, 1 };
                                SeccompProgram p = make(&rule, 1, OCI_ERRNO, NULL);

                                for (size_t k = 0; k < ARRAY_SIZE(edges); k++) {
                                        struct seccomp_data data = { .arch = syscall_table.arch[0], .nr = SYS_read };
                                        uint32_t want = holds(op, edges[k], edges[i], edges[j]) ? ALLOW : FAIL(EPERM);

                                        data.args[index] = edges[k];
                                        if (bpf_run(p.code, p.n, &data) != want)
                                                fail_msg("op %d: 0x%llx with 0x%llx, 0x%llx", op, (unsigned long long) edges[k],
                                                         (unsigned long long) edges[i], (unsigned long long) edges[j]);
                                }
                                seccomp_program_done(&p);
                        }
}

/* All conditions of a rule have to hold, also several on one argument; the longest rule too. */
static void test_conditions_of_a_rule(void **state)
{
        OciSeccompArg range[] = {
                { 0, OCI_GE, 10, 0 }, { 0, OCI_LE, 0x100000000, 0 }, { 0, OCI_NE, 12, 0 }, { 1, OCI_EQ, 7, 0 },
        };
        const OciSeccompRule rule = { (char **) read_name, OCI_ALLOW, 0, range, ARRAY_SIZE(range) };
        SeccompProgram p = make(&rule, 1, OCI_ERRNO, NULL);
        OciSeccompArg many[OCI_SECCOMP_ARGS_MAX];
        const OciSeccompRule longest = { (char **) read_name, OCI_ALLOW, 0, many, ARRAY_SIZE(many) };

        assert_int_equal(run_native(&p, SYS_read, 10, 7), ALLOW);
        assert_int_equal(run_native(&p, SYS_read, 0x100000000, 7), ALLOW);
        assert_int_equal(run_native(&p, SYS_read, 9, 7), FAIL(EPERM));
        assert_int_equal(run_native(&p, SYS_read, 12, 7), FAIL(EPERM));
        assert_int_equal(run_native(&p, SYS_read, 0x100000001, 7), FAIL(EPERM));
        assert_int_equal(run_native(&p, SYS_read, 10, 8), FAIL(EPERM));
        assert_int_equal(run_native(&p, SYS_write, 10, 7), FAIL(EPERM));
        seccomp_program_done(&p);

        for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = (OciSeccompArg) { 0, OCI_LE, 0x300000000 + i, 0 };
        p = make(&longest, 1, OCI_ERRNO, NULL);
        assert_int_equal(run_native(&p, SYS_read, 0x300000000, 0), ALLOW);
        assert_int_equal(run_native(&p, SYS_read, 0x300000001, 0), FAIL(EPERM));
        assert_int_equal(run_native(&p, SYS_read, UINT64_MAX, 0), FAIL(EPERM));
        seccomp_program_done(&p);
}

/* Rules of one call are alternatives. One without conditions decides, wherever it stands; one with the default action is none. */
static void test_rules_of_a_call(void **state)
{
        const char *const names[] = { "read", "write", "no_such_call", NULL }, *const write_name[] = { "write", NULL };
        OciSeccompArg one = { 0, OCI_EQ, 1, 0 }, two = { 0, OCI_EQ, 2, 0 }, small = { 0, OCI_LT, 9, 0 };
        const OciSeccompRule rules[] = {
                { (char **) names, OCI_ERRNO, EPERM, NULL, 0 },
                { (char **) names, OCI_ALLOW, 0, &one, 1 },
                { (char **) names, OCI_ERRNO, ENOSYS, &two, 1 },
                { (char **) names, OCI_LOG, 0, &small, 1 },
                { (char **) write_name, OCI_TRAP, 0, NULL, 0 },
                { (char **) write_name, OCI_ALLOW, 0, NULL, 0 },
        };
        SeccompProgram p = make(rules, ARRAY_SIZE(rules), OCI_ERRNO, NULL);

        assert_int_equal(run_native(&p, SYS_read, 1, 0), ALLOW);
        assert_int_equal(run_native(&p, SYS_read, 2, 0), FAIL(ENOSYS));
        assert_int_equal(run_native(&p, SYS_read, 3, 0), SECCOMP_RET_LOG);
        assert_int_equal(run_native(&p, SYS_read, 9, 0), FAIL(EPERM));
        assert_int_equal(run_native(&p, SYS_write, 1, 0), SECCOMP_RET_TRAP);
        seccomp_program_done(&p);
}

static void test_actions(void **state)
{
        static const struct { OciAction action; unsigned value; uint32_t code; } cases[] = {
                { OCI_ERRNO, 38, FAIL(38) }, { OCI_LOG, 5, SECCOMP_RET_LOG }, { OCI_KILL_THREAD, 0, SECCOMP_RET_KILL_THREAD },
                { OCI_KILL_PROCESS, 0, SECCOMP_RET_KILL_PROCESS }, { OCI_TRAP, 0, SECCOMP_RET_TRAP },
                { OCI_TRACE, 77, SECCOMP_RET_TRACE | 77 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const OciSeccompRule rule = { (char **) read_name, cases[i].action, cases[i].value, NULL, 0 };
                SeccompProgram p = make(&rule, 1, OCI_ALLOW, NULL);

                assert_int_equal(run_native(&p, SYS_read, 0, 0), cases[i].code);
                assert_int_equal(run_native(&p, SYS_write, 0, 0), ALLOW);
                assert_int_equal(run_native(&p, 0x3fffffff, 0, 0), ALLOW);
                seccomp_program_done(&p);
        }
}

/* Other architectures are killed, as libseccomp has it, unless the bundle names them: x32 is one. */
static void test_architectures(void **state)
{
        const char *const all[] = { "x86", "x32", "mips", NULL };
        const OciSeccompRule rule = { (char **) read_name, OCI_ERRNO, ENOSYS, NULL, 0 };
        SeccompProgram p = make(&rule, 1, OCI_ALLOW, NULL);

        assert_int_equal(run(&p, AUDIT_ARCH_SPARC, 3, 0, 0), SECCOMP_RET_KILL_THREAD);
        assert_int_equal(run_native(&p, UINT32_MAX, 0, 0), ALLOW);
        if (strcmp(syscall_table.arch_name[0], "x86_64") == 0) {
                assert_int_equal(run(&p, AUDIT_ARCH_I386, 3, 0, 0), SECCOMP_RET_KILL_THREAD);
                assert_int_equal(run_native(&p, SYSCALL_X32_BIT, 0, 0), SECCOMP_RET_KILL_THREAD);
                assert_int_equal(run_native(&p, SYSCALL_X32_BIT + 1, 0, 0), SECCOMP_RET_KILL_THREAD);
                seccomp_program_done(&p);

                p = make(&rule, 1, OCI_ALLOW, all);
                assert_int_equal(run(&p, AUDIT_ARCH_I386, 3, 0, 0), FAIL(ENOSYS));
                assert_int_equal(run(&p, AUDIT_ARCH_I386, 4, 0, 0), ALLOW);
                assert_int_equal(run_native(&p, SYSCALL_X32_BIT, 0, 0), FAIL(ENOSYS));
                assert_int_equal(run_native(&p, SYSCALL_X32_BIT + 1, 0, 0), ALLOW);
                assert_int_equal(run_native(&p, UINT32_MAX, 0, 0), ALLOW);
        }
        seccomp_program_done(&p);
}

/* socketcall() and ipc() of x86 give no access to denied calls, nor to calls that are allowed on conditions. */
static void test_multiplexed(void **state)
{
        enum { SOCKETCALL = 102, IPC = 117 };
        const char *const arch[] = { "x86", NULL }, *const sockets[] = { "socket", NULL };
        const char *const others[] = { "semop", "send", NULL };
        OciSeccompArg family = { 0, OCI_EQ, 40, 0 };
        OciSeccompRule rules[] = {
                { (char **) sockets, OCI_ERRNO, EPERM, &family, 1 },
                { (char **) others, OCI_ERRNO, ENOSYS, NULL, 0 },
        };
        SeccompProgram p;

        if (strcmp(syscall_table.arch_name[0], "x86_64") != 0)
                skip();
        p = make(rules, 2, OCI_ALLOW, arch);
        assert_int_equal(run_native(&p, SYS_socket, 40, 0), FAIL(EPERM));
        assert_int_equal(run_native(&p, SYS_socket, 2, 0), ALLOW);
        assert_int_equal(run(&p, AUDIT_ARCH_I386, SOCKETCALL, 1, 0), FAIL(EPERM));
        assert_int_equal(run(&p, AUDIT_ARCH_I386, SOCKETCALL, 2, 0), ALLOW);
        assert_int_equal(run(&p, AUDIT_ARCH_I386, SOCKETCALL, 9, 0), FAIL(ENOSYS));
        assert_int_equal(run(&p, AUDIT_ARCH_I386, IPC, 1, 0), FAIL(ENOSYS));
        assert_int_equal(run(&p, AUDIT_ARCH_I386, IPC, 0x10001, 0), FAIL(ENOSYS));
        assert_int_equal(run(&p, AUDIT_ARCH_I386, IPC, 2, 0), ALLOW);
        seccomp_program_done(&p);

        rules[0].action = rules[1].action = OCI_ALLOW;
        p = make(rules, 2, OCI_ERRNO, arch);
        assert_int_equal(run_native(&p, SYS_socket, 40, 0), ALLOW);
        assert_int_equal(run(&p, AUDIT_ARCH_I386, SOCKETCALL, 1, 0), FAIL(EPERM));
        assert_int_equal(run(&p, AUDIT_ARCH_I386, SOCKETCALL, 9, 0), ALLOW);
        seccomp_program_done(&p);
}

/* More than the kernel takes is refused, with its place. */
static void test_too_large(void **state)
{
        static OciSeccompRule rules[2000];
        OciSeccompArg arg = { 0, OCI_EQ, 1, 0 };
        const OciSeccomp s = { .rules = rules, .n_rules = ARRAY_SIZE(rules),
                               .from = { "config.json: /linux/seccomp", SOURCE_IN_DOCUMENT } };
        SeccompProgram p;
        Failure f = {};

        for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
                rules[i] = (OciSeccompRule) { (char **) read_name, OCI_ERRNO, (unsigned) i + 1, &arg, 1 };
        assert_int_equal(seccomp_bundle_make(&s, &p, &f), -E2BIG);
        assert_string_equal(f.text, "config.json: /linux/seccomp: the system call filter is larger than the kernel accepts");
}

/* 0 when the kernel, with the filter installed, answers as the interpreter does. */
static int call_under_filter(void)
{
        const char *const names[] = { "kill", NULL };
        OciSeccompArg usr1 = { 1, OCI_EQ, SIGUSR1, 0 };
        const OciSeccompRule rule = { (char **) names, OCI_ERRNO, 77, &usr1, 1 };
        SeccompProgram p = make(&rule, 1, OCI_ALLOW, NULL);

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_apply(&p, NULL) < 0)
                return 1;
        if (kill(getpid(), SIGUSR1) != -1 || errno != 77)
                return 2;
        if (kill(getpid(), 0) < 0)
                return 3;
        return 0;
}

static void test_kernel(void **state)
{
        int status = -1;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(call_under_filter());
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_comparisons),
                cmocka_unit_test(test_conditions_of_a_rule),
                cmocka_unit_test(test_rules_of_a_call),
                cmocka_unit_test(test_actions),
                cmocka_unit_test(test_architectures),
                cmocka_unit_test(test_multiplexed),
                cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_kernel),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
