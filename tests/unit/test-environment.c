/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Variables of box-run's environment. */

#include "test.h"

#include "config/environment.h"

static EnvironmentOptions read_one(const char *name, const char *value)
{
        _cleanup_(problems_done) Problems problems = {};
        EnvironmentOptions e;

        assert_int_equal(setenv(name, value, 1), 0);
        assert_int_equal(environment_read(&e, &problems), 0);
        assert_int_equal(unsetenv(name), 0);
        assert_int_equal(problems.n, 0);
        return e;
}

static void refused(const char *name, const char *value, bool fatal, const char *why)
{
        _cleanup_(problems_done) Problems problems = {};
        EnvironmentOptions e;

        assert_int_equal(setenv(name, value, 1), 0);
        assert_int_equal(environment_read(&e, &problems), 0);
        assert_int_equal(unsetenv(name), 0);
        assert_int_equal(problems.n, 1);
        assert_int_equal(problems.n_fatal, fatal);
        assert_non_null(strstr(problems.items[0].text, name));
        assert_non_null(strstr(problems.items[0].text, why));
}

static void test_nothing(void **state)
{
        static const EnvironmentOptions none = {};

        for (size_t i = 0; i < environment_table_size; i++) {
                EnvironmentOptions e;

                e = read_one(environment_table[i].name, "");
                assert_memory_equal(&e, &none, sizeof(e));
        }
}

static void test_namespaces(void **state)
{
        EnvironmentOptions e;

        assert_true(read_one("SYSTEMD_NSPAWN_SHARE_NS_IPC", "1").share_ipc);
        assert_false(read_one("SYSTEMD_NSPAWN_SHARE_NS_IPC", "no").share_ipc);
        assert_true(read_one("SYSTEMD_NSPAWN_SHARE_NS_PID", "yes").share_pid);
        assert_true(read_one("SYSTEMD_NSPAWN_SHARE_NS_UTS", "on").share_uts);
        e = read_one("SYSTEMD_NSPAWN_SHARE_SYSTEM", "true");
        assert_true(e.share_ipc && e.share_pid && e.share_uts && !e.share_cgroup);
        assert_true(read_one("SYSTEMD_NSPAWN_USE_CGNS", "0").share_cgroup);
        assert_false(read_one("SYSTEMD_NSPAWN_USE_CGNS", "1").share_cgroup);

        /* One variable's "no" takes nothing from another. */
        assert_int_equal(setenv("SYSTEMD_NSPAWN_SHARE_NS_PID", "no", 1), 0);
        assert_true(read_one("SYSTEMD_NSPAWN_SHARE_SYSTEM", "yes").share_pid);
        assert_int_equal(unsetenv("SYSTEMD_NSPAWN_SHARE_NS_PID"), 0);
}

static void test_others(void **state)
{
        assert_int_equal(read_one("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "yes").api_vfs, API_VFS_WRITABLE);
        assert_int_equal(read_one("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "no").api_vfs, API_VFS_DEFAULT);
        assert_int_equal(read_one("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network").api_vfs, API_VFS_NETWORK);
        assert_true(read_one("SYSTEMD_NSPAWN_TMPFS_TMP", "no").no_tmpfs_tmp);
        assert_true(read_one("SYSTEMD_NSPAWN_CHECK_OS_RELEASE", "0").no_os_release_check);
        assert_true(read_one("SYSTEMD_NSPAWN_LOCK", "false").no_lock);
        assert_string_equal(read_one("SYSTEMD_NSPAWN_CONTAINER_SERVICE", "lxc").container_service, "lxc");
        (void) read_one("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
}

static void test_refused(void **state)
{
        for (size_t i = 0; i < environment_table_size; i++) {
                if (strcmp(environment_table[i].name, "SYSTEMD_NSPAWN_CONTAINER_SERVICE") == 0)
                        refused(environment_table[i].name, "a\nb", true, "line");
                else
                        refused(environment_table[i].name, "maybe", true, "not a ");
        }
        refused("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "no", false, "cgroup v2");
        refused("SYSTEMD_SECCOMP", "0", false, "always have a system call filter");
        refused("SYSTEMD_FIREWALL_BACKEND", "iptables", false, "by nftables");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_namespaces),
                cmocka_unit_test(test_others),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
