/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl doctor's checks, on hosts made up. */

#include "test.h"

#include <errno.h>
#include <string.h>

#include "ctl/doctor.h"

/* A host that has all. */
static DoctorFacts good(void)
{
        DoctorFacts f = {
                .root = true,
                .machines = 10,
                .cgroup2 = true,
                .controllers = (char *) "cpuset cpu io memory hugetlb pids rdma misc",
                .delegated = (char *) "cpuset cpu io memory pids",
                .systemd_version = (char *) "257.3",
                .networkd_state = (char *) "active",
                .target_state = (char *) "enabled",
                .units_loaded_usec = 2000,
                .unit_changed_usec = 1000,
                .landlock = 6,
                .ip_forward = 1,
                .apparmor_enabled = true,
                .apparmor = APPARMOR_LOADED,
                .machines_mode = 040700,
                .free_bytes = UINT64_C(1) << 40,
                .free_files = 1000 * 1000,
        };

        for (size_t i = 0; i < _DOCTOR_LIMIT_MAX; i++) {
                f.limits[i] = UINT64_C(1) << 40;
                f.used[i] = 10;
        }
        return f;
}

static DoctorFinding judge(const char *name, const DoctorFacts *f)
{
        for (size_t i = 0; i < n_doctor_checks; i++)
                if (strcmp(doctor_checks[i].name, name) == 0)
                        return doctor_judge(i, f);
        fail_msg("There is no check %s", name);
        return (DoctorFinding) { 0 };
}

/* The check named says result, with words in the finding and in the fix; all others are as they are on a good host. */
static void expect(const DoctorFacts *f, const char *name, DoctorResult result, const char *words, const char *fix)
{
        DoctorFacts g = good();
        DoctorFinding found = judge(name, f);

        if (found.result != result || !strstr(found.what, words) || !strstr(found.fix, fix))
                fail_msg("%s: %s '%s', to type: %s", name, doctor_result_name(found.result), found.what, found.fix);
        for (size_t i = 0; i < n_doctor_checks; i++)
                if (strcmp(doctor_checks[i].name, name) != 0 && doctor_judge(i, f).result != doctor_judge(i, &g).result)
                        fail_msg("%s, too: %s", doctor_checks[i].name, doctor_judge(i, f).what);
}

static void test_good_host(void **state)
{
        DoctorFacts f = good();

        for (size_t i = 0; i < n_doctor_checks; i++) {
                DoctorFinding found = doctor_judge(i, &f);

                if (found.result != DOCTOR_OK || *found.fix || !*found.what || !*doctor_checks[i].about)
                        fail_msg("%s: %s", doctor_checks[i].name, found.what);
        }
}

#define WITH(change, ...)                               \
        do {                                            \
                DoctorFacts f = good();                 \
                                                        \
                f.change;                               \
                expect(&f, __VA_ARGS__);                \
        } while (0)

static void test_kernel(void **state)
{
        WITH(missing_call = "openat2", "kernel", DOCTOR_PROBLEM, "openat2(2)", "apt");
        WITH(cgroup2 = false, "cgroup", DOCTOR_PROBLEM, "version 2", "unified");
        WITH(controllers = (char *) "cpu io cpuset", "controllers", DOCTOR_WARNING, "memory pids;", "/proc/cgroups");
        WITH(controllers = NULL, "controllers", DOCTOR_WARNING, "cannot be read", "");
        WITH(delegated = (char *) "pids", "delegation", DOCTOR_PROBLEM, "cpu memory io cpuset", "systemctl");
        WITH(delegated = NULL, "delegation", DOCTOR_OK, "No box@ unit", "");
        WITH(user_namespace = -ENOSPC, "user-namespaces", DOCTOR_PROBLEM, "No space", "sysctl -w user.max_user_namespaces=");
        WITH(id_map = -EINVAL, "id-mapped-mounts", DOCTOR_WARNING, "Invalid argument", "findmnt");
        WITH(overlay = -ENODEV, "overlayfs", DOCTOR_WARNING, "Overlay=", "modprobe overlay");
        WITH(nftables = -EPROTONOSUPPORT, "nftables", DOCTOR_WARNING, "Port=", "modprobe nf_tables");
        WITH(seccomp = -ENOSYS, "seccomp", DOCTOR_PROBLEM, "filters", "grep");
        WITH(landlock = -EOPNOTSUPP, "landlock", DOCTOR_WARNING, "lsm=", "lsm");
        WITH(apparmor = APPARMOR_MISSING, "apparmor", DOCTOR_WARNING, "box-machine", "apparmor_parser -r");
        WITH(apparmor = APPARMOR_UNUSED, "apparmor", DOCTOR_OK, "No profiles", "");
        WITH(apparmor_enabled = false, "apparmor", DOCTOR_OK, "not enabled", "");
}

static void test_systemd(void **state)
{
        WITH(bus = -ECONNREFUSED, "systemd", DOCTOR_PROBLEM, "Connection refused", "dbus.socket");
        WITH(machined = -ETIMEDOUT, "machined", DOCTOR_PROBLEM, "within a second", "restart systemd-machined");
        WITH(machined = -EHOSTUNREACH, "machined", DOCTOR_WARNING, "not registered", "systemd-container");
        WITH(networkd_state = (char *) "inactive", "networkd", DOCTOR_WARNING, "is inactive", "enable --now systemd-networkd");
        WITH(networkd_state = NULL, "networkd", DOCTOR_WARNING, "not known", "status");
        WITH(ip_forward = 0, "forwarding", DOCTOR_WARNING, "is 0", "sysctl -w net.ipv4.ip_forward=1");
        WITH(target_state = (char *) "disabled", "machines-target", DOCTOR_WARNING, "disabled", "enable machines.target");
        /* What is said by others is made printable. */
        WITH(target_state = (char *) "\x1b[2Jx", "machines-target", DOCTOR_WARNING, "is ?[2Jx", "enable");
}

static void test_files(void **state)
{
        WITH(machines_dir = -ENOENT, "machines-directory", DOCTOR_PROBLEM, "No such file", "install -d -m 0700");
        WITH(machines_mode = 040755, "machines-directory", DOCTOR_PROBLEM, "0755", "chmod 0700");
        WITH(machines_uid = 1000, "machines-directory", DOCTOR_PROBLEM, "user 1000", "chown");
        WITH(free_bytes = 1024, "space", DOCTOR_PROBLEM, "full", "df");
        WITH(free_files = 5, "space", DOCTOR_PROBLEM, "5 inodes", "df");
        WITH(free_bytes = UINT64_C(1) << 30, "space", DOCTOR_WARNING, "1.0 GiB", "df");
        WITH(not_installed = "/usr/bin/box-run", "installation", DOCTOR_PROBLEM, "/usr/bin/box-run", "reinstall");
        WITH(unit_shadow = (char *) "/etc/systemd/system/box@.service", "unit", DOCTOR_WARNING, "in place of",
             "rm /etc/systemd/system/box@.service");
        WITH(unit_changed_usec = 3000, "unit", DOCTOR_WARNING, "changed", "daemon-reload");
}

static void test_limits(void **state)
{
        WITH(limits[DOCTOR_INOTIFY_INSTANCES] = 4, "inotify-instances", DOCTOR_PROBLEM, "not enough for one",
             "sysctl -w fs.inotify.max_user_instances=8192");
        WITH(limits[DOCTOR_INOTIFY_INSTANCES] = 49, "inotify-instances", DOCTOR_PROBLEM, "10 machines need about 50", "=8192");
        WITH(limits[DOCTOR_INOTIFY_INSTANCES] = 128, "inotify-instances", DOCTOR_WARNING, "128", "=8192");
        WITH(limits[DOCTOR_INOTIFY_WATCHES] = 8192, "inotify-watches", DOCTOR_WARNING, "8192", "max_user_watches=65536");
        WITH(limits[DOCTOR_KEYS] = 200, "keys", DOCTOR_WARNING, "kernel.keys.maxkeys is 200", "kernel.keys.maxkeys=2000");
        WITH(used[DOCTOR_PTYS] = UINT64_C(1) << 40, "terminals", DOCTOR_PROBLEM, "in use", "kernel.pty.max=");
        WITH(used[DOCTOR_FILES] = UINT64_MAX, "open-files", DOCTOR_OK, "fs.file-max", "");
        WITH(limits[DOCTOR_PROCESS_FILES] = 1024, "process-files", DOCTOR_PROBLEM, "fs.nr_open", "=524288");
        WITH(used[DOCTOR_AIO] = UINT64_C(1) << 40, "aio", DOCTOR_PROBLEM, "in use", "fs.aio-max-nr");
        WITH(limits[DOCTOR_USER_NAMESPACES] = 0, "user-namespaces-limit", DOCTOR_PROBLEM, "is 0", "=1000");
        WITH(limits[DOCTOR_KEYS] = UINT64_MAX, "keys", DOCTOR_WARNING, "cannot be read", "");
}

static void test_limit_grows_with_the_machines(void **state)
{
        DoctorFacts f = good();

        f.machines = 5000;
        f.limits[DOCTOR_INOTIFY_INSTANCES] = 8192;
        expect(&f, "inotify-instances", DOCTOR_PROBLEM, "5000 machines", "=50000");
}

static void test_user_is_told_what_needs_root(void **state)
{
        DoctorFacts f = good();

        f.root = false;
        f.nftables = f.id_map = f.overlay = DOCTOR_NEEDS_ROOT;
        f.apparmor = APPARMOR_OFF;
        assert_int_equal(judge("nftables", &f).result, DOCTOR_UNKNOWN);
        assert_int_equal(judge("id-mapped-mounts", &f).result, DOCTOR_UNKNOWN);
        assert_int_equal(judge("overlayfs", &f).result, DOCTOR_UNKNOWN);
        assert_int_equal(judge("apparmor", &f).result, DOCTOR_UNKNOWN);
        assert_int_equal(judge("kernel", &f).result, DOCTOR_OK);
        assert_non_null(strstr(judge("nftables", &f).what, "only root"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good_host),
                cmocka_unit_test(test_kernel),
                cmocka_unit_test(test_systemd),
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_limit_grows_with_the_machines),
                cmocka_unit_test(test_user_is_told_what_needs_root),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
