/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/memory.h"
#include "util/strv.h"

static char data[] = "written at run time";
extern const char __ehdr_start[] __attribute__((visibility("hidden")));     /* by the linker: this program's ELF header */
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

/* Is the page in our page tables? See proc_pid_pagemap(5). */
static bool is_present(const void *page)
{
        _cleanup_close_ int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
        uint64_t entry = 0;

        assert_true(fd >= 0);
        assert_int_equal(pread(fd, &entry, sizeof(entry), (off_t) ((uintptr_t) page / (uintptr_t) sysconf(_SC_PAGESIZE) * 8)),
                         sizeof(entry));
        return entry >> 63;
}

/* They say which pages can be released, and are on one of these. */
static void test_headers_go_too(void **state)
{
        char first = *(volatile const char *) __ehdr_start;

        assert_int_equal(first, '\x7f');
        assert_true(is_present(__ehdr_start));
        memory_release_code();
        assert_false(is_present(__ehdr_start));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_code_goes_and_comes_back), cmocka_unit_test(test_headers_go_too),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
