/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* util/capability-names.c against libcap's names for the same numbers. */

#include "test.h"

#include <strings.h>
#include <sys/capability.h>

#include "util/capability-names.h"

static void test_names_are_libcaps(void **state)
{
        for (int i = 0; i < (int) capability_names_count(); i++) {
                char *theirs = cap_to_name(i);
                int back = -1;

                assert_non_null(theirs);
                assert_int_equal(strcasecmp(capability_names_get(i), theirs), 0);
                assert_int_equal(capability_names_find(theirs, &back), 0);
                assert_int_equal(back, i);
                cap_free(theirs);
        }
        assert_null(capability_names_get(-1));
        assert_null(capability_names_get((int) capability_names_count()));
}

static void test_find_spellings(void **state)
{
        int cap = -1;

        assert_int_equal(capability_names_find("sys_admin", &cap), 0);
        assert_int_equal(cap, 21);
        assert_int_equal(capability_names_find("Cap_Checkpoint_Restore", &cap), 0);
        assert_int_equal(cap, 40);
        assert_int_equal(capability_names_find("12", &cap), 0);
        assert_int_equal(cap, 12);

        assert_int_equal(capability_names_find("41", &cap), -EINVAL);
        assert_int_equal(capability_names_find("", &cap), -EINVAL);
        assert_int_equal(capability_names_find("CAP_", &cap), -EINVAL);
        assert_int_equal(capability_names_find("CAP_CAP_CHOWN", &cap), -EINVAL);
        assert_int_equal(cap, 12);
}

static void test_nearest(void **state)
{
        assert_string_equal(capability_names_nearest("CAP_SYS_ADMN"), "CAP_SYS_ADMIN");
        assert_string_equal(capability_names_nearest("net_amdin"), "CAP_NET_ADMIN");
        assert_null(capability_names_nearest("CAP_FROBNICATE"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_are_libcaps),
                cmocka_unit_test(test_find_spellings),
                cmocka_unit_test(test_nearest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
