/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <stdio.h>
#include <string.h>

#include "util/fd.h"
#include "util/memory.h"
#include "util/strv.h"

static char data[] = "written at run time";
static const char *const relocated[] = { "one", "two" };

/* The part of the test's file mappings that is in its page tables, in KiB. */
static unsigned resident_files(void)
{
        _cleanup_fclose_ FILE *f = fopen("/proc/self/status", "re");
        unsigned kib = 0;
        char line[256];

        assert_non_null(f);
        while (fgets(line, sizeof(line), f))
                if (sscanf(line, "RssFile: %u", &kib) == 1)
                        return kib;
        fail_msg("no RssFile in /proc/self/status");
        return 0;
}

static void test_code_goes_and_comes_back(void **state)
{
        _cleanup_strv_ char **v = NULL;
        unsigned before = resident_files(), after;

        data[0] = 'W';
        memory_release_code();
        after = resident_files();
        if (after >= before)
                fail_msg("%u KiB before, %u KiB after", before, after);

        assert_string_equal(data, "Written at run time");
        assert_string_equal(relocated[1], "two");
        assert_int_equal(strv_extend(&v, "works"), 0);
        assert_string_equal(v[0], "works");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_code_goes_and_comes_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
