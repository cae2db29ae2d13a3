/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl why: calls that were refused, and by what. */

#include "test.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "ctl/why.h"
#include "security/seccomp.h"

#define MACHINE (UINT64_C(1) << CAP_CHOWN | UINT64_C(1) << CAP_SYS_ADMIN)

static WhyFacts facts(long number, int error)
{
        return (WhyFacts) {
                .call = why_call_find(AUDIT_ARCH_X86_64, (uint64_t) number),
                .number = (uint64_t) number,
                .error = error,
                .user_namespace = true,
                .bounding = MACHINE,
                .effective = MACHINE,
                .owner_mapped = true,
                .ids_mapped = true,
        };
}

#define EXPECT(number, error, change, by, setting, words, to_write)                                             \
        do {                                                                                                    \
                WhyFacts f = facts(number, error);                                                              \
                WhyFinding found;                                                                               \
                                                                                                                \
                change;                                                                                         \
                found = why_judge(&f);                                                                          \
                if (found.kind != (by) || strcmp(found.key, setting) != 0 || !strstr(found.what, words) ||      \
                    !strstr(found.line, to_write))                                                              \
                        fail_msg("%s: %s, %s=, '%s', '%s'", found.call, why_kind_name(found.kind), found.key,   \
                                 found.what, found.line);                                                       \
        } while (0)

static void test_what_refused_it(void **state)
{
        EXPECT(SYS_keyctl, EPERM, f.filtered = true, WHY_FILTER, "SystemCallFilter", "filter", "SystemCallFilter=keyctl");
        EXPECT(SYS_bpf, ENOSYS, f.filtered = true, WHY_FILTER, "SystemCallFilter", "filter", "SystemCallFilter=bpf");
        EXPECT(900, EPERM, f.filtered = true, WHY_FILTER, "SystemCallFilter", "filter", "");
        EXPECT(900, ENOSYS, , WHY_OTHER, "", "kernel does not have it", "");
        EXPECT(SYS_socket, EPERM, , WHY_CAPABILITY, "Capability", "CAP_NET_RAW", "Capability=CAP_NET_RAW");
        EXPECT(SYS_reboot, EPERM, , WHY_CAPABILITY, "Capability", "CAP_SYS_BOOT", "Capability=CAP_SYS_BOOT");
        EXPECT(SYS_mount, EPERM, f.effective = 0, WHY_OTHER, "", "root of the machine", "");
        EXPECT(SYS_clock_settime, EPERM, , WHY_IDS, "PrivateUsers", "CAP_SYS_TIME", "PrivateUsers=no");
        EXPECT(SYS_clock_settime, EPERM, f.user_namespace = false, WHY_CAPABILITY, "Capability", "CAP_SYS_TIME",
               "Capability=CAP_SYS_TIME");
        EXPECT(SYS_mknodat, EPERM, f.path = "/dev/sda", WHY_IDS, "PrivateUsers", "CAP_MKNOD", "Bind=/dev/");
        EXPECT(SYS_fchownat, EINVAL, f.ids_mapped = false, WHY_IDS, "PrivateUsers", "id that", "");
        EXPECT(SYS_setuid, EINVAL, f.ids_mapped = false, WHY_IDS, "PrivateUsers", "id that", "");
        EXPECT(SYS_openat, EROFS, f.mount = "/srv", WHY_READ_ONLY, "", "/srv is mounted read-only", "");
        EXPECT(SYS_openat, EPERM, f.path = "/dev/kmsg"; f.exists = true; f.mode = S_IFCHR, WHY_DEVICE, "DeviceAllow",
               "device policy", "DeviceAllow=/dev/kmsg rw");
        EXPECT(SYS_openat, EACCES, f.path = "/srv/x"; f.exists = true; f.mode = S_IFBLK; f.mount = "/srv";
               f.mount_no_devices = true, WHY_DEVICE, "", "/srv, which is mounted nodev", "Bind=/srv/x");
        EXPECT(SYS_openat, EACCES, f.path = "/x"; f.exists = true; f.mode = S_IFREG; f.owner_mapped = false, WHY_IDS,
               "PrivateUsers", "nobody", "");
        EXPECT(SYS_openat, EACCES, f.path = "/x"; f.exists = true; f.mode = S_IFREG, WHY_OTHER, "", "permissions", "");
        EXPECT(SYS_openat, EMFILE, , WHY_LIMIT, "LimitNOFILE", "open files", "LimitNOFILE=");
        EXPECT(SYS_inotify_init1, EMFILE, , WHY_LIMIT, "", "boxctl doctor", "");
        EXPECT(SYS_openat, EDQUOT, f.mount = "/home", WHY_LIMIT, "", "quota of the file system at /home", "");
        EXPECT(SYS_clone, EAGAIN, , WHY_LIMIT, "LimitNPROC", "processes", "TasksMax=");
        EXPECT(SYS_ioctl, EPERM, , WHY_OTHER, "", "none of box's", "");
}

static void test_names_are_printable(void **state)
{
        WhyFacts f = facts(SYS_openat, EROFS);
        WhyFinding found;

        f.path = "/x\x1b[2J\n";
        f.mount = "/\x1b]0;";
        found = why_judge(&f);
        assert_string_equal(found.path, "/x?[2J?");
        assert_null(strchr(found.what, '\x1b'));
        assert_null(strchr(found.place, '\x1b'));
}

static void test_refusals(void **state)
{
        const WhyCall *chown = why_call_find(AUDIT_ARCH_X86_64, SYS_fchownat);
        const WhyCall *clone = why_call_find(AUDIT_ARCH_X86_64, SYS_clone);

        assert_true(why_is_refusal(NULL, EPERM, true));
        assert_true(why_is_refusal(NULL, EROFS, true));
        assert_false(why_is_refusal(NULL, ENOENT, true));
        assert_false(why_is_refusal(NULL, EAGAIN, true));
        assert_true(why_is_refusal(clone, EAGAIN, true));
        assert_true(why_is_refusal(chown, EINVAL, false));
        assert_false(why_is_refusal(chown, EINVAL, true));
        assert_false(why_is_refusal(clone, EINVAL, false));
}

static void test_why_call_find(void **state)
{
        assert_string_equal(why_call_find(AUDIT_ARCH_X86_64, 2)->name, "open");
        assert_null(why_call_find(AUDIT_ARCH_AARCH64, 83));     /* mkdir of x86-64 */
        assert_null(why_call_find(AUDIT_ARCH_I386, SYS_mount));
        assert_null(why_call_find(AUDIT_ARCH_X86_64, 100000));
}

static void test_why_filter_run(void **state)
{
        const struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_keyctl, 2, 0),
                BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 1000, 1, 0),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        };
        struct seccomp_data data = { .nr = SYS_keyctl, .arch = AUDIT_ARCH_X86_64 };
        SeccompProgram builtin;

        assert_int_equal(why_filter_run(code, ARRAY_SIZE(code), &data), SECCOMP_RET_ERRNO | EPERM);
        data.nr = SYS_read;
        assert_int_equal(why_filter_run(code, ARRAY_SIZE(code), &data), SECCOMP_RET_ALLOW);
        data.nr = 1000;
        assert_int_equal(why_filter_run(code, ARRAY_SIZE(code), &data), SECCOMP_RET_ERRNO | EPERM);

        /* A real one, of this architecture. */
        seccomp_program_builtin(&builtin);
        for (size_t i = 0; i < builtin.n; i++)
                if (builtin.code[i].code == (BPF_JMP | BPF_JEQ | BPF_K)) {
                        data.arch = builtin.code[i].k;          /* it looks at the architecture first */
                        break;
                }
        data.nr = SYS_read;
        assert_int_equal(why_filter_run(builtin.code, builtin.n, &data), SECCOMP_RET_ALLOW);
        data.nr = SYS_kexec_load;
        assert_int_equal(why_filter_run(builtin.code, builtin.n, &data) & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
}

static void test_why_mounts_at(void **state)
{
        assert_true(why_mounts_at("BindReadOnly", "/data:/srv", "/srv"));
        assert_true(why_mounts_at("BindReadOnly", "/srv", "/srv"));
        assert_true(why_mounts_at("BindReadOnly", "-/data:/srv:norbind,idmap", "/srv"));
        assert_true(why_mounts_at("OverlayReadOnly", "/a:/b:/srv", "/srv"));
        assert_false(why_mounts_at("BindReadOnly", "/data:/srv", "/data"));
        assert_false(why_mounts_at("BindReadOnly", "/data:/srv/x", "/srv"));
        assert_false(why_mounts_at("OverlayReadOnly", "/srv:/b:/c", "/srv"));
}

static void test_why_id_is_mapped(void **state)
{
        static const char map[] = "         0     100000      65536\n     70000       5         1\n";

        assert_true(why_id_is_mapped(map, 0, false));
        assert_true(why_id_is_mapped(map, 65535, false));
        assert_false(why_id_is_mapped(map, 65536, false));
        assert_true(why_id_is_mapped(map, 70000, false));
        assert_true(why_id_is_mapped(map, 5, true));
        assert_true(why_id_is_mapped(map, 165535, true));
        assert_false(why_id_is_mapped(map, 0, true));
}

static void test_why_mount_find(void **state)
{
        static const char text[] = "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
                                   "22 21 8:1 /d /srv ro,nodev,relatime - ext4 /dev/sda1 rw\n"
                                   "23 21 7:0 / /iso rw - iso9660 /dev/loop0 ro\n";
        WhyMount m;

        assert_true(why_mount_find(text, 22, &m));
        assert_string_equal(m.place, "/srv");
        assert_true(m.read_only && m.no_devices);
        assert_true(why_mount_find(text, 21, &m));
        assert_false(m.read_only || m.no_devices);
        assert_true(why_mount_find(text, 23, &m));
        assert_true(m.read_only);
        assert_false(why_mount_find(text, 24, &m));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_refused_it),
                cmocka_unit_test(test_names_are_printable),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_why_call_find),
                cmocka_unit_test(test_why_filter_run),
                cmocka_unit_test(test_why_mounts_at),
                cmocka_unit_test(test_why_id_is_mapped),
                cmocka_unit_test(test_why_mount_find),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
