/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The exit statuses that boxctl(1) promises. */

#include "test.h"

#include "ctl/exit-status.h"

static void test_exit_status(void **state)
{
        static const int want[][2] = {
                { 0, 0 }, { 3, 3 }, { 42, 42 }, { -EIO, 1 }, { -EBADMSG, 1 }, { -ECANCELED, 1 }, { -EINVAL, 2 },
                { -ENXIO, 3 }, { -ENOENT, 3 }, { -ESRCH, 3 }, { -EACCES, 4 }, { -EPERM, 4 }, { -ETIMEDOUT, 5 },
                { -EBUSY, 6 }, { -EEXIST, 6 }, { -ERFKILL, 6 }, { -ECONNREFUSED, 7 }, { -ECONNRESET, 7 }, { -EOPNOTSUPP, 8 },
                { -ENOSYS, 8 }, { -ENOSPC, 9 }, { -EDQUOT, 9 }, { -ENOMEM, 9 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(want); i++)
                assert_int_equal(exit_status(want[i][0]), want[i][1]);
}

static void test_exit_worse(void **state)
{
        assert_int_equal(exit_worse(0, 0), 0);
        assert_int_equal(exit_worse(0, -EIO), -EIO);
        assert_int_equal(exit_worse(-EIO, 0), -EIO);
        assert_int_equal(exit_worse(-EIO, -ENXIO), -ENXIO);
        assert_int_equal(exit_worse(3, -EIO), 3);
        /* Of equals the first. */
        assert_int_equal(exit_worse(-ENOENT, -ENXIO), -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_exit_status),
                cmocka_unit_test(test_exit_worse),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
