/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What [X-Box] and the environment's knobs make of a plan. */

#include "test.h"

#include "plan-fixture.h"
#include "util/quantity.h"

#define SEC UINT64_C(1000000)

/* A line of the machine's file: before plan_fixture_plan(), whose switches are read over it. */
static void set(PlanFixture *f, SettingId id, const char *text)
{
        const SettingRow *row = settings_table_row(id);
        const Source from = { "/etc/systemd/nspawn/gentoo.nspawn", 1 };
        char reason[SETTING_REASON_MAX];

        assert_int_equal(row->parse(row, text, from, &f->settings, reason), 0);
        f->settings.from[id] = from;
}

static void test_plan_init(void **state)
{
        static const struct { InitFlavour found; const char *init; InitFlavour plan; bool wait, ask; } cases[] = {
                { INIT_BUSYBOX, "", INIT_BUSYBOX, false, true },
                { INIT_BUSYBOX, "runit", INIT_RUNIT, false, true },
                { INIT_OTHER, "systemd", INIT_SYSTEMD, true, true },
                { INIT_SYSTEMD, "none", INIT_NONE, false, false },
                /* A path has gone into the facts already. */
                { INIT_S6, "/opt/init", INIT_S6, false, true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(plan_fixture_done) PlanFixture f;

                plan_fixture_init(&f, cases[i].found);
                set(&f, SETTING_INIT, cases[i].init);
                plan_fixture_plan(&f, "-b");
                assert_int_equal(f.plan.init, cases[i].plan);
                assert_int_equal(f.plan.wait_ready, cases[i].wait);
                assert_int_equal(plan_can_ask(&f.plan), cases[i].ask);
        }
}

static void test_plan_init_missing(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan_fixture_init(&f, INIT_NONE);
        set(&f, SETTING_INIT, "/opt/init");
        plan_fixture_plan(&f, "-b");
        assert_int_equal(f.problems.n_fatal, 1);
        assert_non_null(strstr(f.problems.items[0].text, "gentoo.nspawn:1: Init=/opt/init"));
}

static void test_plan_stop(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f, command, asked;

        plan_fixture_init(&f, INIT_SYSTEMD);
        set(&f, SETTING_STOP_TIMEOUT, "1min 30s");
        plan_fixture_plan(&f, "-b");
        assert_int_equal(f.plan.stop_timeout_usec, 90 * SEC);
        assert_int_equal(plan_unit_stop_usec(&f.plan), 100 * SEC);
        f.plan.stop_timeout_usec = UINT64_MAX;
        assert_true(plan_unit_stop_usec(&f.plan) > 1000000 * SEC && plan_unit_stop_usec(&f.plan) < UINT64_MAX);
        f.plan.stop_timeout_usec = 0;
        assert_int_equal(plan_unit_stop_usec(&f.plan), 0);

        /* A command can only be killed, unless it has a signal of its own. */
        plan_fixture_init(&command, INIT_NONE);
        plan_fixture_plan(&command, "/bin/true");
        assert_false(plan_can_ask(&command.plan));
        plan_fixture_init(&asked, INIT_NONE);
        plan_fixture_plan(&asked, "--kill-signal=SIGTERM /bin/true");
        assert_true(plan_can_ask(&asked.plan));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plan_init),
                cmocka_unit_test(test_plan_init_missing),
                cmocka_unit_test(test_plan_stop),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
