/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <sys/socket.h>

#include "util/address-family.h"

static void test_names(void **state)
{
        assert_int_equal(address_family_find("AF_INET6"), AF_INET6);
        assert_int_equal(address_family_find("AF_LOCAL"), AF_UNIX);
        assert_string_equal(address_family_name(AF_UNIX), "AF_UNIX");
        assert_int_equal(address_family_find("INET6"), -EINVAL);
        assert_int_equal(address_family_find("af_inet"), -EINVAL);
        assert_int_equal(address_family_find(""), -EINVAL);
        assert_null(address_family_name(0));
}

/* Every family of these headers, so that a list of a newer systemd is read; masks of 64 bits hold them. */
static void test_all_have_a_name(void **state)
{
        assert_true(AF_MAX <= 64);
        for (unsigned family = AF_UNSPEC + 1; family < AF_MAX; family++) {
                const char *name = address_family_name(family);

                assert_non_null(name);
                assert_int_equal(address_family_find(name), family);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_all_have_a_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
