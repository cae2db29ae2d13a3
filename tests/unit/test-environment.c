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
        refused("SYSTEMD_NSPAWN_CONTAINER_SERVICE", "a\nb", true, "line");
        refused("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "no", false, "cgroup v2");
        refused("SYSTEMD_SECCOMP", "0", false, "always have a system call filter");
        refused("SYSTEMD_LOG_SECCOMP", "yes", false, "not logged");
        refused("SYSTEMD_LOOP_DIRECT_IO", "0", false, "host's cache");
        refused("SYSTEMD_FIREWALL_BACKEND", "iptables", false, "by nftables");
        refused("SYSTEMD_DISSECT_FILE_SYSTEMS", "ext4:btrfs", true, "ImagePolicy=");
        refused("SYSTEMD_DISSECT_VERITY_EMBEDDED", "no", false, "dm-verity");
        refused("SYSTEMD_DISSECT_FSTYPE_ROOT", "ext4", false, "superblocks");
        refused("NET_NAMING_SCHEME", "v240", false, "named as by");
        refused("SYSTEMD_LOG_LEVEL", "loud", false, "not a level");

        /* What box does anyway. */
        (void) read_one("SYSTEMD_SECCOMP", "1");
        (void) read_one("UNIFIED_CGROUP_HIERARCHY", "yes");
        (void) read_one("SYSTEMD_LOG_SECCOMP", "no");
        (void) read_one("SYSTEMD_LOOP_DIRECT_IO", "true");
        (void) read_one("SYSTEMD_LOG_LEVEL", "err");
        (void) read_one("SYSTEMD_LOG_LEVEL", "7");
}

/* All that systemd-nspawn 252 to 262 and the libraries that it uses read, and what a value is that none of them has. */
static void test_each_variable(void **state)
{
        enum { IGNORED, WARNING, ERROR };
        static const struct { const char *name; int outcome; } rows[] = {
                { "NET_NAMING_SCHEME", WARNING },
                { "SYSTEMD_ADJUST_TERMINAL_TITLE", IGNORED },
                { "SYSTEMD_ALLOW_USERSPACE_VERITY", WARNING },
                { "SYSTEMD_BUS_TIMEOUT", IGNORED },
                { "SYSTEMD_COLORS", IGNORED },
                { "SYSTEMD_DISSECT_FILE_SYSTEMS", ERROR },
                { "SYSTEMD_DISSECT_FSTYPE_ESP", WARNING },
                { "SYSTEMD_DISSECT_FSTYPE_HOME", WARNING },
                { "SYSTEMD_DISSECT_FSTYPE_ROOT", WARNING },
                { "SYSTEMD_DISSECT_FSTYPE_SRV", WARNING },
                { "SYSTEMD_DISSECT_FSTYPE_TMP", WARNING },
                { "SYSTEMD_DISSECT_FSTYPE_USR", WARNING },
                { "SYSTEMD_DISSECT_FSTYPE_VAR", WARNING },
                { "SYSTEMD_DISSECT_FSTYPE_XBOOTLDR", WARNING },
                { "SYSTEMD_DISSECT_VERITY_EMBEDDED", WARNING },
                { "SYSTEMD_DISSECT_VERITY_GUESS", WARNING },
                { "SYSTEMD_DISSECT_VERITY_SIDECAR", WARNING },
                { "SYSTEMD_DISSECT_VERITY_SIGNATURE", WARNING },
                { "SYSTEMD_DISSECT_VERITY_TIMEOUT_SEC", WARNING },
                { "SYSTEMD_EMOJI", IGNORED },
                { "SYSTEMD_ENABLE_LOG_CONTEXT", IGNORED },
                { "SYSTEMD_FIREWALL_BACKEND", ERROR },
                { "SYSTEMD_LESS", IGNORED },
                { "SYSTEMD_LESSCHARSET", IGNORED },
                { "SYSTEMD_LOG_COLOR", IGNORED },
                { "SYSTEMD_LOG_LEVEL", WARNING },
                { "SYSTEMD_LOG_LOCATION", IGNORED },
                { "SYSTEMD_LOG_RATELIMIT_KMSG", IGNORED },
                { "SYSTEMD_LOG_SECCOMP", ERROR },
                { "SYSTEMD_LOG_TARGET", IGNORED },
                { "SYSTEMD_LOG_TID", IGNORED },
                { "SYSTEMD_LOG_TIME", IGNORED },
                { "SYSTEMD_LOOP_DIRECT_IO", ERROR },
                { "SYSTEMD_NETLINK_DEFAULT_TIMEOUT", WARNING },
                { "SYSTEMD_NSPAWN_API_VFS_WRITABLE", ERROR },
                { "SYSTEMD_NSPAWN_CHECK_OS_RELEASE", ERROR },
                { "SYSTEMD_NSPAWN_CONTAINER_SERVICE", IGNORED },        /* any line is a value */
                { "SYSTEMD_NSPAWN_LOCK", ERROR },
                { "SYSTEMD_NSPAWN_NETWORK_MAC", ERROR },
                { "SYSTEMD_NSPAWN_SHARE_NS_IPC", ERROR },
                { "SYSTEMD_NSPAWN_SHARE_NS_PID", ERROR },
                { "SYSTEMD_NSPAWN_SHARE_NS_UTS", ERROR },
                { "SYSTEMD_NSPAWN_SHARE_SYSTEM", ERROR },
                { "SYSTEMD_NSPAWN_TMPFS_TMP", ERROR },
                { "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", ERROR },
                { "SYSTEMD_NSPAWN_USE_CGNS", ERROR },
                { "SYSTEMD_OS_RELEASE", WARNING },
                { "SYSTEMD_PAGER", IGNORED },
                { "SYSTEMD_PAGERSECURE", IGNORED },
                { "SYSTEMD_SECCOMP", ERROR },
                { "SYSTEMD_SUPPRESS_SYNC", ERROR },
                { "SYSTEMD_TINT_BACKGROUND", IGNORED },
                { "SYSTEMD_URLIFY", IGNORED },
                { "SYSTEMD_UTF8", IGNORED },
                { "SYSTEMD_VERITY_SHARING", WARNING },
                { "UNIFIED_CGROUP_HIERARCHY", ERROR },
        };

        assert_int_equal(environment_table_size, ARRAY_SIZE(rows));
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(problems_done) Problems problems = {};
                EnvironmentOptions e;

                assert_int_equal(setenv(rows[i].name, "maybe", 1), 0);
                assert_int_equal(environment_read(&e, &problems), 0);
                assert_int_equal(unsetenv(rows[i].name), 0);
                if (problems.n != (rows[i].outcome != IGNORED) || problems.n_fatal != (rows[i].outcome == ERROR))
                        fail_msg("%s: %zu problems, %zu of them fatal", rows[i].name, problems.n, problems.n_fatal);
        }
        for (size_t i = 0; i < environment_table_size; i++) {
                bool known = false;

                for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
                        known = known || strcmp(rows[k].name, environment_table[i].name) == 0;
                if (!known)
                        fail_msg("%s is not in this test", environment_table[i].name);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_namespaces),
                cmocka_unit_test(test_others),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_each_variable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
