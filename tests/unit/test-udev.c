/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

#include <time.h>

#include "net/udev.h"

static void test_no_udev(void **state)
{
        const Tree *t = *state;

        assert_true(udev_settle(t->path, 7, 1000));
}

static void test_finished(void **state)
{
        const Tree *t = *state;

        tree_fixture_file(t, "control", "");
        tree_fixture_file(t, "data/n7", "");
        assert_true(udev_settle(t->path, 7, 1000));
}

static void test_finishes_meanwhile(void **state)
{
        static const struct timespec pause = { .tv_nsec = 50 * 1000000 };
        const Tree *t = *state;
        pid_t pid;

        tree_fixture_file(t, "control", "");
        tree_fixture_file(t, "data/n77", "");
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void) nanosleep(&pause, NULL);
                tree_fixture_file(t, "data/n7", "");
                _exit(0);
        }
        assert_true(udev_settle(t->path, 7, 1000));
}

static void test_never_finishes(void **state)
{
        const Tree *t = *state;

        tree_fixture_file(t, "control", "");
        tree_fixture_file(t, "data/n77", "");
        assert_false(udev_settle(t->path, 7, 1000));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_no_udev),
                TREE_TEST(test_finished),
                TREE_TEST(test_finishes_meanwhile),
                TREE_TEST(test_never_finishes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
