/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <linux/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mount/lxcfs.h"

static void test_plan(void **state)
{
        MountPlan plan = {};
        Settings s;

        settings_init(&s);
        assert_int_equal(mount_plan_lxcfs(&s, &plan), 0);
        assert_int_equal(plan.n, 0);

        s.host_view = HOST_VIEW_LXCFS;
        assert_int_equal(mount_plan_lxcfs(&s, &plan), 0);
        assert_true(plan.n > 8);
        for (size_t i = 0; i < plan.n; i++) {
                const MountOp *op = &plan.ops[i];

                assert_int_equal(op->kind, MOUNT_CLONE);
                assert_true(op->flags & MOUNT_OPTIONAL && op->attrs & MOUNT_ATTR_RDONLY);
                assert_memory_equal(op->source, "/var/lib/lxcfs/", 15);
                assert_string_equal(op->source + strlen("/var/lib/lxcfs"), op->dest);
        }
        mount_plan_done(&plan);
        settings_done(&s);
}

/* Where lxcfs should be there is nothing, or a directory of some other file system. */
static void test_check(void **state)
{
        char path[] = "/tmp/box-lxcfs-XXXXXX", proc[64];
        Settings s;

        settings_init(&s);
        assert_non_null(mkdtemp(path));
        (void) snprintf(proc, sizeof(proc), "%s/proc", path);

        for (unsigned i = 0; i < 3; i++) {
                _cleanup_(problems_done) Problems problems = {};

                s.host_view = i == 0 ? HOST_VIEW_HOST : HOST_VIEW_LXCFS;
                if (i == 2)
                        assert_int_equal(mkdir(proc, 0700), 0);
                assert_int_equal(lxcfs_check(&s, path, &problems), 0);
                assert_int_equal(problems.n_fatal, i == 0 ? 0 : 1);
                if (i > 0)
                        assert_non_null(strstr(problems.items[0].text, path));
        }
        (void) rmdir(proc);
        (void) rmdir(path);
        settings_done(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan),
                cmocka_unit_test(test_check),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
