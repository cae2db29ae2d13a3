/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers in words, and the two small readers of boxctl: os-release text, and a tree of control groups. */

#include "test.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/cgroup-tree.h"
#include "ctl/format.h"
#include "ctl/running-machine.h"
#include "util/strv.h"

#define SEC UINT64_C(1000000)

static void test_format_timestamp(void **state)
{
        char buf[FORMAT_MAX];

        assert_int_equal(setenv("TZ", "UTC", 1), 0);
        tzset();
        assert_string_equal(format_timestamp(UINT64_C(1707564153) * SEC + 999999, buf), "Sat 2024-02-10 11:22:33 UTC");
        assert_string_equal(format_timestamp(0, buf), "n/a");
        assert_string_equal(format_timestamp(UINT64_MAX, buf), "n/a");
}

static void test_format_ago(void **state)
{
        char buf[FORMAT_MAX];
        uint64_t now = UINT64_C(1707564153) * SEC;

        assert_string_equal(format_ago(now, now, buf), "0s ago");
        assert_string_equal(format_ago(now - 59 * SEC, now, buf), "59s ago");
        assert_string_equal(format_ago(now - 61 * SEC, now, buf), "1min 1s ago");
        assert_string_equal(format_ago(now - 3600 * SEC, now, buf), "1h ago");
        assert_string_equal(format_ago(now - (86400 + 7200) * SEC, now, buf), "1 day 2h ago");
        assert_string_equal(format_ago(now - 3 * 86400 * SEC, now, buf), "3 days ago");
        assert_string_equal(format_ago(now + 5 * SEC, now, buf), "0s ago");     /* the clock was set back */
}

static void test_format_cpu_and_bytes(void **state)
{
        char buf[FORMAT_MAX];

        assert_string_equal(format_cpu(12345678, buf), "12ms");
        assert_string_equal(format_cpu(UINT64_C(2500000000), buf), "2.500s");
        assert_string_equal(format_cpu(UINT64_C(125000000000), buf), "2min 5s");
        assert_string_equal(format_bytes(1023, buf), "1023B");
        assert_string_equal(format_bytes(1536, buf), "1.5K");
        assert_string_equal(format_bytes(UINT64_C(5) << 30, buf), "5.0G");
        assert_string_equal(format_bytes(UINT64_MAX - 1, buf), "15.9E");
}

/* ---- control groups: a tree of files like the kernel's ------------------------------------------------------------ */

static void put(const char *dir, const char *file, const char *text)
{
        char path[512];
        FILE *f;

        (void) mkdir(dir, 0755);
        assert_true(snprintf(path, sizeof(path), "%s/%s", dir, file) < (int) sizeof(path));
        f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void group(const char *root, const char *name, const char *procs, bool populated)
{
        char dir[256];

        (void) snprintf(dir, sizeof(dir), "%s/%s", root, name);
        put(dir, "cgroup.procs", procs);
        put(dir, "cgroup.events", populated ? "populated 1\nfrozen 0\n" : "populated 0\nfrozen 0\n");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
        return remove(path);
}

static void test_cgroup_tree_print(void **state)
{
        char root[] = "/tmp/box-test-cgroup.XXXXXX", own[32], *got = NULL;
        size_t size;
        FILE *f;

        assert_non_null(mkdtemp(root));
        (void) snprintf(own, sizeof(own), "%d\n0\n", (int) getpid());
        group(root, "", "", true);
        group(root, "payload", "", true);
        group(root, "payload/b", own, true);
        group(root, "payload/a\x1b[2J", own, true);
        group(root, "payload/empty", "", false);
        group(root, "supervisor", "999999999\n", true);         /* has just ended */

        f = open_memstream(&got, &size);
        assert_non_null(f);
        cgroup_tree_print(f, root, "/payload", "  ", 12);
        cgroup_tree_print(f, root, "/supervisor", "  ", 0);
        cgroup_tree_print(f, root, "/none", "  ", 0);
        assert_int_equal(fclose(f), 0);

        /* The process's line is cut; its number is as long as it happens to be. */
        assert_non_null(strstr(got, "  ├─a?[2J\n  │ └─"));
        assert_non_null(strstr(got, "  └─b\n    └─"));
        assert_null(strstr(got, "empty"));
        assert_null(strstr(got, "999999999"));
        assert_null(strchr(got, '\x1b'));
        assert_non_null(strstr(got, "…\n"));
        free(got);
        assert_int_equal(nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_format_timestamp),
                cmocka_unit_test(test_format_ago),
                cmocka_unit_test(test_format_cpu_and_bytes),
                cmocka_unit_test(test_cgroup_tree_print),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
