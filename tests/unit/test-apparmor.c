/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_check),
                cmocka_unit_test(test_label),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
