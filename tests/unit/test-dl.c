/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A library is loaded with all functions that are asked for, or the failure says what is missing. */

#include "test.h"

#include <math.h>

#include "util/dl.h"

#define FUNCTIONS(F) F(cos) F(fabs)

DL_LIBRARY(Libm, libm, FUNCTIONS, "libm.so.6", "suggested", "test", "Test");

static void test_dl_open(void **state)
{
        _cleanup_(libm_close) Libm m = {};
        Failure f = {};

        assert_int_equal(libm_open(&m, "Geometry", &f), 0);
        assert_non_null(m.handle);
        assert_true(m.cos(0) == 1 && m.fabs(-2) == 2);
}

static void test_dl_missing(void **state)
{
        void *slots[4] = {};
        Failure f = {};

        assert_int_equal(dl_open(slots, "libbox-none.so.1", "x\0", "JSON", &f), -ENOSYS);
        assert_string_equal(f.text, "JSON needs libbox-none.so.1, which is not installed");
        f = (Failure) {};
        assert_int_equal(dl_open(slots, "libm.so.6", "cos\0box_none\0", "JSON", &f), -ENOSYS);
        assert_string_equal(f.text, "JSON needs a newer libm.so.6: it has no box_none()");
        assert_null(slots[0]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dl_open),
                cmocka_unit_test(test_dl_missing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
