/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "security/apparmor.h"
#include "util/fd.h"

static const Source file = { "/etc/systemd/nspawn/t.nspawn", 3 };

/* The kernel's switch for AppArmor is on, off or missing. */
static void test_check(void **state)
{
        static const struct { const char *enabled; bool optional, missing; unsigned n, n_fatal; } cases[] = {
                { "Y\n", false, false, 0, 0 }, { "Y\n", true, false, 0, 0 },
                { "N\n", false, true, 1, 1 }, { "N\n", true, true, 1, 0 },
                { "", false, true, 1, 1 }, { NULL, false, true, 1, 1 }, { NULL, true, true, 1, 0 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(problems_done) Problems problems = {};
                char path[] = "/tmp/box-apparmor-XXXXXX";
                _cleanup_close_ int fd = mkstemp(path);
                bool missing = !cases[i].missing;

                assert_true(fd >= 0);
                if (cases[i].enabled)
                        assert_int_equal(fd_write_all(fd, cases[i].enabled, strlen(cases[i].enabled)), 0);
                else
                        assert_int_equal(unlink(path), 0);
                assert_int_equal(apparmor_check(path, "web", cases[i].optional, file, &missing, &problems), 0);
                assert_int_equal(missing, cases[i].missing);
                assert_int_equal(problems.n, cases[i].n);
                assert_int_equal(problems.n_fatal, cases[i].n_fatal);
                if (problems.n > 0)
                        assert_non_null(strstr(problems.items[0].text, "t.nspawn:3: AppArmorProfile="));
                (void) unlink(path);
        }
}

static void test_label(void **state)
{
        static const struct { const char *text, *label; } cases[] = {
                { "unconfined\n", NULL }, { "", NULL }, { "web (enforce)\n", "web" }, { "web (complain)", "web" },
                { "/usr/bin/a b (enforce)\n", "/usr/bin/a b" }, { ":box:unconfined\n", ":box:unconfined" },
                { "a//&b (mixed)\n", "a//&b" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[64], *label;

                (void) snprintf(text, sizeof(text), "%s", cases[i].text);
                label = apparmor_parse_label(text);
                if (cases[i].label)
                        assert_string_equal(label, cases[i].label);
                else
                        assert_null(label);
        }
}

/* The kernel's directory of loaded profiles. */
static void test_state(void **state)
{
        static const struct { const char *name; ApparmorState state; } steps[] = {
                { NULL, APPARMOR_UNUSED }, { "lsb_release.0", APPARMOR_MISSING }, { "box-machine", APPARMOR_MISSING },
                { "box-machine.", APPARMOR_MISSING }, { "box-machine-nesting.3", APPARMOR_MISSING },
                { "box-machine.old.4", APPARMOR_MISSING }, { "my-box-machine.5", APPARMOR_MISSING },
                { "box-machine.12", APPARMOR_LOADED },
        };
        char root[] = "/tmp/box-apparmor-XXXXXX", path[64];

        assert_non_null(mkdtemp(root));
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                (void) snprintf(path, sizeof(path), "%s/%s", root, steps[i].name ?: ".");
                assert_true(!steps[i].name || mkdir(path, 0755) >= 0);
                assert_int_equal(apparmor_state(root), steps[i].state);
        }
        for (size_t i = ARRAY_SIZE(steps); i-- > 0;) {
                (void) snprintf(path, sizeof(path), "%s/%s", root, steps[i].name ?: "");
                assert_int_equal(rmdir(path), 0);
        }
        assert_int_equal(apparmor_state(root), APPARMOR_OFF);
}

static void test_set_exec(void **state)
{
        static const char *const profiles[] = { "web", ":box:unconfined", "box-machine//&web" };

        for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
                char path[] = "/tmp/box-apparmor-XXXXXX", wanted[64], found[64] = "";
                _cleanup_close_ int fd = mkstemp(path);
                Failure failure = {};

                assert_true(fd >= 0);
                assert_int_equal(apparmor_set_exec(path, profiles[i], &failure), 0);
                (void) snprintf(wanted, sizeof(wanted), "exec %s", profiles[i]);
                assert_int_equal(read(fd, found, sizeof(found) - 1), strlen(wanted));
                assert_string_equal(found, wanted);
                (void) unlink(path);
        }
}

/* A kernel whose write() fails in this way. */
static void refuse_write(unsigned short error)
{
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = { ARRAY_SIZE(code), code };

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
                _exit(2);
}

/* As the kernel refuses: no such profile, a transition that its profile does not allow, AppArmor that is off. */
static void test_set_exec_refused(void **state)
{
        static const struct { int error; const char *text; } cases[] = {
                { ENOENT, "AppArmorProfile=web: no such profile is loaded (see aa-status)" },
                { EACCES, "Failed to set the AppArmor profile 'web': Permission denied" },
                { EINVAL, "Failed to set the AppArmor profile 'web': Invalid argument" },
        };
        Failure failure = {};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                pid_t pid = fork();
                int status;

                assert_true(pid >= 0);
                if (pid == 0) {
                        refuse_write((unsigned short) cases[i].error);
                        _exit(apparmor_set_exec("/dev/null", "web", &failure) == -cases[i].error &&
                              strcmp(failure.text, cases[i].text) == 0 ? 0 : 1);
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_int_equal(status, 0);
        }

        assert_int_equal(apparmor_set_exec("/dev/null/exec", "web", &failure), -ENOTDIR);
        assert_string_equal(failure.text, "Failed to open '/dev/null/exec': Not a directory");
        assert_int_equal(apparmor_set_exec("/dev/null/exec", "web", NULL), -ENOTDIR);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check),
                cmocka_unit_test(test_label),
                cmocka_unit_test(test_state),
                cmocka_unit_test(test_set_exec),
                cmocka_unit_test(test_set_exec_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
