/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <sys/personality.h>
#include <sys/utsname.h>

#include "util/architecture.h"

static void test_personality_of_names(void **state)
{
        unsigned long p = 42;

        if (*architecture_native) {
                assert_int_equal(architecture_personality(architecture_native, &p), 0);
                assert_int_equal(p, PER_LINUX);
        }
        if (*architecture_secondary) {
                assert_int_equal(architecture_personality(architecture_secondary, &p), 0);
                assert_int_equal(p, PER_LINUX32);
        }

        p = 42;
        assert_int_equal(architecture_personality("tilegx", &p), -EOPNOTSUPP);
        assert_int_equal(architecture_personality("x86_64", &p), -EINVAL);     /* uname's name, not systemd's */
        assert_int_equal(architecture_personality("", &p), -EINVAL);
        assert_int_equal(p, 42);
}

static void test_native_is_what_runs_us(void **state)
{
        struct utsname u;

        assert_int_equal(uname(&u), 0);
        if (strcmp(u.machine, "x86_64") == 0 && sizeof(long) == 8)
                assert_string_equal(architecture_native, "x86-64");
        if (strcmp(u.machine, "aarch64") == 0 && sizeof(long) == 8)
                assert_string_equal(architecture_native, "arm64");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_personality_of_names),
                cmocka_unit_test(test_native_is_what_runs_us),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
