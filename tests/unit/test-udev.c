/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

#include "net/udev.h"

static void test_no_udev(void **state)
{
        const Tree *t = *state;

        assert_true(udev_has_finished(t->path, 7));
}

static void test_finished(void **state)
{
        const Tree *t = *state;

        tree_fixture_file(t, "control", "");
        tree_fixture_file(t, "data/n77", "");
        assert_false(udev_has_finished(t->path, 7));
        tree_fixture_file(t, "data/n7", "");
        assert_true(udev_has_finished(t->path, 7));
}

/* The loop is there to be waited in, whether or not a udev runs here. */
static void test_watch(void **state)
{
        sd_device_monitor *monitor = NULL;
        sd_event *event = NULL;

        assert_true(sd_event_new(&event) >= 0);
        assert_int_equal(udev_watch(event, &monitor), 0);
        assert_int_equal(sd_event_run(event, 1000), 0);
        sd_device_monitor_unref(monitor);
        sd_event_unref(event);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_no_udev),
                TREE_TEST(test_finished),
                TREE_TEST(test_watch),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
