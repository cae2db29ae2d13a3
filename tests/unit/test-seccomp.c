/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Filter programs are run here by a small interpreter of BPF, on every number of every architecture, and once by the
 * kernel. What they should say is worked out the other way round than the compiler does it: from a number to its name
 * (by libseccomp), and from the name to the groups that hold it.
 */

#include "test.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <seccomp.h>

#include "bpf-fixture.h"
#include "security/capability.h"
#include "security/seccomp-assemble.h"
#include "security/seccomp-groups.h"
#include "security/seccomp-table.h"

static uint32_t verdict(const SeccompProgram *p, uint32_t arch, uint32_t number, uint64_t arg0, uint64_t arg2)
{
        const struct seccomp_data data = { .arch = arch, .nr = (int) number, .args = { arg0, 0, arg2 } };

        return bpf_run(p->code, p->n, &data);
}

static bool list_has(const char *list, const char *name)
{
        char word[SYSCALL_WORD_MAX];

        while (syscall_word_next(&list, word)) {
                const char *members = syscall_group_members(word);

                if (members ? list_has(members, name) : strcmp(word, name) == 0)
                        return true;
        }

        return false;
}

/* systemd-nspawn 258's list, written once more. */
static const char expected_calls[] =
        "@aio @basic-io @chown @default @file-system @io-event @ipc @keyring @mount @network-io @process @resources @setuid "
        "@signal @sync @timer arm_fadvise64_64 brk cachestat capget capset copy_file_range fadvise64 fadvise64_64 flock "
        "get_mempolicy getcpu getpriority getrandom ioctl ioprio_get kcmp madvise mincore mprotect mremap "
        "name_to_handle_at oldolduname olduname personality readahead readdir remap_file_pages sched_get_priority_max "
        "sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler "
        "sched_rr_get_interval sched_rr_get_interval_time64 sched_yield sendfile sendfile64 setdomainname setfsgid "
        "setfsgid32 setfsuid setfsuid32 sethostname setpgid setsid splice sysinfo tee umask uname userfaultfd vmsplice "
        "ptrace process_vm_readv process_vm_writev reboot vhangup";

static uint32_t expected(const char *name)
{
        if (!name)
                return FAIL(ENOSYS);
        if (list_has(expected_calls, name))
                return ALLOW;
        return list_has("@known", name) ? FAIL(EPERM) : FAIL(ENOSYS);
}

static void test_seccomp_default_every_number(void **state)
{
        SeccompProgram p;
        static const struct {
                uint32_t token, arch, base;
        } arches[] = {
#ifdef __x86_64__
                { SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, 0 },
                { SCMP_ARCH_X86, AUDIT_ARCH_I386, 0 },
                { SCMP_ARCH_X32, AUDIT_ARCH_X86_64, 0x40000000 },
#elif defined __aarch64__
                { SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, 0 },
                { SCMP_ARCH_ARM, AUDIT_ARCH_ARM, 0 },
#endif
        };
        unsigned allowed = 0;

        seccomp_program_builtin(&p);
        for (size_t i = 0; i < ARRAY_SIZE(arches); i++)
                for (uint32_t n = 0; n < 2000; n++) {
                        char *name = seccomp_syscall_resolve_num_arch(arches[i].token, (int) (arches[i].base + n));
                        uint32_t want = expected(name), got = verdict(&p, arches[i].arch, arches[i].base + n, 0, 0);

                        if (want != got)
                                fail_msg("arch 0x%x call %u (%s): 0x%x, not 0x%x", arches[i].token, n,
                                         name ? name : "-", got, want);
                        allowed += got == ALLOW;
                        free(name);
                }
        if (ARRAY_SIZE(arches) > 0)
                assert_true(allowed > 500);

        /* Numbers between and behind the tables, and an architecture that this kernel does not run. */
        for (size_t i = 0; i < ARRAY_SIZE(arches); i++) {
                assert_int_equal(verdict(&p, arches[i].arch, 0x20000000, 0, 0), FAIL(ENOSYS));
                assert_int_equal(verdict(&p, arches[i].arch, UINT32_MAX, 0, 0), FAIL(ENOSYS));
        }
        assert_int_equal(verdict(&p, AUDIT_ARCH_SPARC, 1, 0, 0), FAIL(ENOSYS));
}

static void test_seccomp_audit_socket(void **state)
{
        SeccompProgram p;
        uint32_t arch = syscall_table.arch[0];

        seccomp_program_builtin(&p);
        assert_int_equal(verdict(&p, arch, SYS_socket, AF_NETLINK, NETLINK_AUDIT), FAIL(EAFNOSUPPORT));
        assert_int_equal(verdict(&p, arch, SYS_socket, AF_NETLINK, NETLINK_ROUTE), ALLOW);
        assert_int_equal(verdict(&p, arch, SYS_socket, AF_UNIX, NETLINK_AUDIT), ALLOW);
        /* The kernel looks at the low halves only, so we do. */
        assert_int_equal(verdict(&p, arch, SYS_socket, UINT64_C(1) << 32 | AF_NETLINK,
                                 UINT64_C(1) << 40 | NETLINK_AUDIT), FAIL(EAFNOSUPPORT));
}

/* One call has one number, and one number one call: else the denial of one name would leave the other. */
static void test_seccomp_table_is_unambiguous(void **state)
{
        const SyscallTable *t = &syscall_table;

        assert_true(t->n_names > 300);
        for (unsigned a = 0; a < t->n_arches; a++)
                for (size_t i = 0; i < t->n_names; i++)
                        for (size_t j = 0; j < i; j++)
                                if (t->names[i].number[a] == t->names[j].number[a] &&
                                    t->names[i].number[a] != SYSCALL_NO_NUMBER)
                                        fail_msg("%s and %s have one number", t->names[i].name, t->names[j].name);
        for (size_t i = 1; i < t->n_names; i++)
                assert_true(strcmp(t->names[i - 1].name, t->names[i].name) < 0);
}

static void test_seccomp_spec_lists(void **state)
{
        const char *const allow[] = { "@keyring", "bpf", "cachestat", NULL };
        const char *const deny[] = { "@mount", "keyctl", NULL };
        const SeccompSpec spec = { .caps = capability_default(), .allow = allow, .deny = deny };
        uint32_t arch = syscall_table.arch[0];
        _cleanup_free_ char *text = NULL;
        SeccompProgram p;
        Failure f = {};
        FILE *file;
        size_t size;

        assert_int_equal(seccomp_program_make(&spec, &p, &f), 0);
        assert_false(p.builtin);
        assert_int_equal(verdict(&p, arch, SYS_add_key, 0, 0), ALLOW);
        assert_int_equal(verdict(&p, arch, SYS_bpf, 0, 0), ALLOW);
        assert_int_equal(verdict(&p, arch, SYS_keyctl, 0, 0), FAIL(EPERM));
        assert_int_equal(verdict(&p, arch, SYS_mount, 0, 0), FAIL(EPERM));
        assert_int_equal(verdict(&p, arch, SYS_read, 0, 0), ALLOW);
        assert_int_equal(verdict(&p, arch, SYS_quotactl, 0, 0), FAIL(EPERM));
        seccomp_program_done(&p);
        assert_null(p.code);

        file = open_memstream(&text, &size);
        assert_non_null(file);
        seccomp_spec_print(&spec, file);
        fclose(file);
        assert_string_equal(text, "compiled: default + @keyring + bpf + cachestat - @mount - keyctl");
}

/* Without a user namespace, keys are the host's. */
static void test_seccomp_host_keyrings(void **state)
{
        const char *const allow[] = { "@keyring", NULL };
        SeccompSpec spec = { .caps = capability_default(), .host_keyrings = true };
        uint32_t arch = syscall_table.arch[0];
        SeccompProgram p;

        assert_int_equal(seccomp_program_make(&spec, &p, NULL), 0);
        assert_int_equal(verdict(&p, arch, SYS_add_key, 0, 0), FAIL(EPERM));
        seccomp_program_done(&p);
        spec.allow = allow;
        assert_int_equal(seccomp_program_make(&spec, &p, NULL), 0);
        assert_int_equal(verdict(&p, arch, SYS_add_key, 0, 0), ALLOW);
        seccomp_program_done(&p);
}

static void test_seccomp_address_families(void **state)
{
        static const unsigned families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG, 63 };
        const uint64_t some = ~(UINT64_C(1) << AF_UNIX | UINT64_C(1) << AF_NETLINK);
        const uint64_t masks[] = { some, UINT64_MAX, UINT64_C(1) << AF_ALG };
        uint32_t arch = syscall_table.arch[0];
        SeccompProgram p;

        for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
                const SeccompSpec spec = { .caps = capability_default(), .denied_families = masks[i] };

                assert_int_equal(seccomp_program_make(&spec, &p, NULL), 0);
                for (size_t j = 0; j < ARRAY_SIZE(families); j++) {
                        uint32_t want = masks[i] >> families[j] & 1 ? FAIL(EAFNOSUPPORT) : ALLOW;

                        assert_int_equal(verdict(&p, arch, SYS_socket, families[j], 0), want);
                        /* The kernel does not look at the high half. */
                        assert_int_equal(verdict(&p, arch, SYS_socket, UINT64_C(1) << 32 | families[j], 0), want);
                }
                assert_int_equal(verdict(&p, arch, SYS_socket, AF_NETLINK, NETLINK_AUDIT), FAIL(EAFNOSUPPORT));
                /* Ways around the filter. */
                assert_int_equal(verdict(&p, arch, SYS_io_uring_setup, 0, 0), FAIL(ENOSYS));
                assert_int_equal(verdict(&p, arch, SYS_read, 0, 0), ALLOW);
#ifdef __x86_64__
                assert_int_equal(verdict(&p, AUDIT_ARCH_I386, 102 /* socketcall */, 1, 0), FAIL(ENOSYS));
                assert_int_equal(verdict(&p, AUDIT_ARCH_I386, 359 /* socket */, AF_ALG, 0), FAIL(EAFNOSUPPORT));
#endif
                seccomp_program_done(&p);
        }
}

static void test_seccomp_spec_capabilities(void **state)
{
        const uint64_t usual = capability_default();
        SeccompSpec spec = { .caps = usual | UINT64_C(1) << CAP_NET_ADMIN };
        uint32_t arch = syscall_table.arch[0];
        struct sock_filter *again = NULL;
        _cleanup_free_ char *text = NULL;
        SeccompProgram p, builtin;
        size_t n = 0, size;
        Failure f = {};
        FILE *file;

        /* CAP_NET_ADMIN, and the network with it, makes no difference; the built-in program is this one's. */
        seccomp_program_builtin(&builtin);
        assert_int_equal(seccomp_program_make(&spec, &p, &f), 0);
        assert_true(p.builtin);
        assert_ptr_equal(p.code, builtin.code);
        assert_int_equal(seccomp_compile(&syscall_table, &spec, &again, &n), 0);
        assert_int_equal(n, builtin.n);
        assert_memory_equal(again, builtin.code, n * sizeof(*again));
        free(again);

        assert_int_equal(verdict(&builtin, arch, SYS_reboot, 0, 0), ALLOW);
        assert_int_equal(verdict(&builtin, arch, SYS_syslog, 0, 0), FAIL(EPERM));
        spec.caps = (usual | UINT64_C(1) << CAP_SYSLOG) & ~(UINT64_C(1) << CAP_SYS_BOOT);
        assert_int_equal(seccomp_program_make(&spec, &p, &f), 0);
        assert_int_equal(verdict(&p, arch, SYS_reboot, 0, 0), FAIL(EPERM));
        assert_int_equal(verdict(&p, arch, SYS_syslog, 0, 0), ALLOW);
        seccomp_program_done(&p);

        file = open_memstream(&text, &size);
        assert_non_null(file);
        seccomp_spec_print(&spec, file);
        fclose(file);
        assert_string_equal(text, "compiled: default - CAP_SYS_BOOT's + CAP_SYSLOG's");
}

/* O_SYNC is refused, calls with arguments in memory are missing, all others are unchanged. */
static void test_seccomp_suppress_sync(void **state)
{
        const char *const deny[] = { "fsync", "openat2", NULL };
        SeccompSpec spec = { .caps = capability_default(), .suppress_sync = true };
        uint32_t arch = syscall_table.arch[0];
        _cleanup_free_ char *text = NULL;
        SeccompProgram p;
        Failure f = {};
        FILE *file;
        size_t size;

        assert_int_equal(seccomp_program_make(&spec, &p, &f), 0);
        assert_false(p.builtin);
        assert_int_equal(verdict(&p, arch, SYS_fsync, 0, 0), FAIL(0));
        assert_int_equal(verdict(&p, arch, SYS_sync, 0, 0), FAIL(0));
        assert_int_equal(verdict(&p, arch, SYS_msync, 0, 0), FAIL(0));
        assert_int_equal(verdict(&p, arch, SYS_openat, 0, O_RDWR | O_CREAT), ALLOW);
        assert_int_equal(verdict(&p, arch, SYS_openat, 0, O_RDWR | O_SYNC), FAIL(EINVAL));
        assert_int_equal(verdict(&p, arch, SYS_openat, 0, O_DSYNC), FAIL(EINVAL));
        assert_int_equal(verdict(&p, arch, SYS_openat2, 0, 0), FAIL(ENOSYS));
        assert_int_equal(verdict(&p, arch, SYS_quotactl, 0, 0), FAIL(EPERM));
#ifdef SYS_open
        {
                struct seccomp_data data = { .arch = arch, .nr = SYS_open, .args = { 0, O_WRONLY, 0 } };

                assert_int_equal(bpf_run(p.code, p.n, &data), ALLOW);
                data.args[1] |= O_SYNC;
                assert_int_equal(bpf_run(p.code, p.n, &data), FAIL(EINVAL));
        }
#endif
        seccomp_program_done(&p);

        /* A call that is forbidden stays so; one that does nothing does nothing. */
        spec.deny = deny;
        assert_int_equal(seccomp_program_make(&spec, &p, &f), 0);
        assert_int_equal(verdict(&p, arch, SYS_openat2, 0, 0), FAIL(EPERM));
        assert_int_equal(verdict(&p, arch, SYS_fsync, 0, 0), FAIL(0));
        seccomp_program_done(&p);

        file = open_memstream(&text, &size);
        assert_non_null(file);
        seccomp_spec_print(&spec, file);
        fclose(file);
        assert_string_equal(text, "compiled: default - fsync - openat2, @sync does nothing");
}

static void test_seccomp_spec_problem(void **state)
{
        const char *const good[] = { "@mount", "openat2", "cachestat", "usr26", NULL };
        const char *const bad[] = { "openat2", "@mounts", NULL }, *const empty[] = { "", NULL };

        assert_null(seccomp_spec_problem(&(SeccompSpec) { .allow = good, .deny = good }));
        assert_string_equal(seccomp_spec_problem(&(SeccompSpec) { .allow = good, .deny = bad }), "@mounts");
        assert_string_equal(seccomp_spec_problem(&(SeccompSpec) { .allow = empty }), "");
}

/* Groups name only groups that there are, and nothing twice in a row (they are sorted). */
static void test_seccomp_groups(void **state)
{
        const char *name;
        size_t n = 0;

        for (; (name = syscall_group_name(n)); n++) {
                const char *list = syscall_group_members(name);
                char word[SYSCALL_WORD_MAX], last[SYSCALL_WORD_MAX] = "";

                assert_true(*name == '@');
                while (syscall_word_next(&list, word)) {
                        assert_string_not_equal(word, last);
                        memcpy(last, word, sizeof(last));
                        if (*word == '@')
                                assert_non_null(syscall_group_members(word));
                }
        }
        assert_true(n > 25);
}

static void test_seccomp_assemble_far_jumps(void **state)
{
        enum { N = 1200 };
        static const SyscallVerdict verdicts[] = { { FAIL(ENOSYS) }, { FAIL(EPERM) }, { ALLOW } };
        static SyscallRule rules[2 * N];
        _cleanup_free_ struct sock_filter *code = NULL;
        size_t n = 0;

        /* As bad as it gets: the verdict changes at every number, on two architectures. */
        for (uint32_t a = 0; a < 2; a++)
                for (uint32_t i = 0; i < N / 2; i++)
                        rules[a * N / 2 + i] = (SyscallRule) { 7 + a, i * 3, i % 3 };
        assert_int_equal(seccomp_assemble(rules, N, verdicts, 0, &code, &n), 0);
        assert_true(n <= BPF_MAXINSNS);

        for (uint32_t a = 0; a < 2; a++)
                for (uint32_t i = 0; i < N / 2 * 3; i++) {
                        static const uint32_t want[] = { FAIL(ENOSYS), FAIL(EPERM), ALLOW };
                        const struct seccomp_data data = { .arch = 7 + a, .nr = (int) i };

                        assert_int_equal(bpf_run(code, n, &data), want[i / 3 % 3]);
                }

        free(TAKE_PTR(code));
        for (uint32_t i = 0; i < 2 * N; i++)
                rules[i] = (SyscallRule) { 7, i, i % 3 };
        assert_int_equal(seccomp_assemble(rules, 2 * N, verdicts, 0, &code, &n), -E2BIG);
        assert_null(code);
}

static void test_seccomp_save_and_load(void **state)
{
        char dir[] = "/tmp/test-seccomp-XXXXXX", path[64];
        SeccompProgram p, back = SECCOMP_PROGRAM_NULL;
        Failure f = {};
        FILE *file;

        assert_non_null(mkdtemp(dir));
        (void) snprintf(path, sizeof(path), "%s/x.bpf", dir);
        seccomp_program_builtin(&p);

        assert_int_equal(seccomp_program_load(path, &back, &f), -ENOENT);
        f = (Failure) {};
        assert_int_equal(seccomp_program_save(&p, path, &f), 0);
        assert_int_equal(seccomp_program_load(path, &back, &f), 0);
        assert_int_equal(back.n, p.n);
        assert_memory_equal(back.code, p.code, p.n * sizeof(*p.code));
        seccomp_program_done(&back);

        /* Cut short, or grown past what the kernel takes: no filter at all is not the answer. */
        assert_int_equal(truncate(path, 12), 0);
        assert_int_equal(seccomp_program_load(path, &back, &f), -EBADMSG);
        file = fopen(path, "w");
        assert_non_null(file);
        for (unsigned i = 0; i < 40000; i++)
                fputc(0, file);
        fclose(file);
        assert_int_equal(seccomp_program_load(path, &back, NULL), -E2BIG);

        unlink(path);
        assert_int_equal(rmdir(dir), 0);        /* no temporary file is left */
}

/* 0 when the kernel, with the filter installed, answers as the interpreter does. */
static int call_under_filter(void)
{
        SeccompProgram p;

        seccomp_program_builtin(&p);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_apply(&p, NULL) < 0)
                return 1;
        if (syscall(SYS_quotactl, 0, NULL, 0, NULL) != -1 || errno != EPERM)
                return 2;
        if (syscall(1023) != -1 || errno != ENOSYS)
                return 3;
        if (socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT) != -1 || errno != EAFNOSUPPORT)
                return 4;
        if (socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0 || getppid() <= 0)
                return 5;
        return 0;
}

static void test_seccomp_apply(void **state)
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
                cmocka_unit_test(test_seccomp_default_every_number),
                cmocka_unit_test(test_seccomp_audit_socket),
                cmocka_unit_test(test_seccomp_table_is_unambiguous),
                cmocka_unit_test(test_seccomp_spec_lists),
                cmocka_unit_test(test_seccomp_spec_capabilities),
                cmocka_unit_test(test_seccomp_host_keyrings),
                cmocka_unit_test(test_seccomp_address_families),
                cmocka_unit_test(test_seccomp_suppress_sync),
                cmocka_unit_test(test_seccomp_spec_problem),
                cmocka_unit_test(test_seccomp_groups),
                cmocka_unit_test(test_seccomp_assemble_far_jumps),
                cmocka_unit_test(test_seccomp_save_and_load),
                cmocka_unit_test(test_seccomp_apply),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
