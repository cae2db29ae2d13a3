/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The part of a plan that is about the machine's unit, from command lines and files. */

#include "plan-fixture.h"

#include "config/nspawn-file.h"

static char *print(const UnitPlan *p)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_int_equal(unit_plan_print(p, f), 0);
        fclose(f);
        return text;
}

/* A plan for binds and a file's text, with a host that has these devices. */
static char *plan(const char *arguments, const char *file)
{
        const BoundDevice bound[] = {
                { "/dev/fuse", false, makedev(10, 229) }, { "/srv/disk", true, makedev(8, 1) },
                { "/dev/my disk", true, makedev(8, 2) }, { "/dev/null", false, makedev(1, 3) },
        };
        _cleanup_(assignments_done) Assignments said = { .trusted = true };
        UnitPlan p;
        PlanFixture f;
        char *text;

        plan_fixture_init(&f, INIT_SYSTEMD);
        assert_int_equal(nspawn_file_parse("f", file, strlen(file), &said, &f.problems), 0);
        assert_int_equal(assignments_apply(&said, NULL, &f.settings, &f.problems), 0);
        plan_fixture_plan(&f, arguments);
        assert_int_equal(f.problems.n, 0);
        assert_int_equal(unit_plan_make(&f.settings, bound, ARRAY_SIZE(bound), &p), 0);
        text = print(&p);
        unit_plan_done(&p);
        plan_fixture_done(&f);
        return text;
}

static void test_nothing(void **state)
{
        _cleanup_free_ char *text = plan("-b --keep-unit --bind=/srv/data", "");

        assert_string_equal(text, "");
}

static void test_resources(void **state)
{
        _cleanup_free_ char *text = plan("-b", "[X-Resources]\nCPUQuota=50%\nMemoryMax=1M\nMemoryMax=2M\n"
                                               "IPAddressDeny=10.0.0.0/8\nIPAddressDeny=11.0.0.0/8\n");

        assert_string_equal(text, "unit:\n  CPUQuotaPerSecUSec t 500000 [f:2]\n  MemoryMax t 2097152 [f:4]\n"
                                  "  IPAddressDeny a(iayu) 2 0x0a000000 8 [f:5]\n"
                                  "  IPAddressDeny a(iayu) 2 0x0b000000 8 [f:6]\n");
}

static void test_devices(void **state)
{
        _cleanup_free_ char *text = plan("-b --keep-unit --bind=/dev/fuse --bind-ro=/srv/disk --bind=/srv/data "
                                          "--bind=+/dev/null", "");

        assert_string_equal(text, "unit:\n"
                                  "  DeviceAllow a(ss) \"/dev/fuse\" \"rw\", unless the unit may use every device [--bind=]\n"
                                  "  DeviceAllow a(ss) \"/dev/block/8:1\" \"r\", unless the unit may use every device "
                                  "[--bind-ro=]\n");
}

/* A scope always restricts devices, and has the switches' properties too. */
static void test_scope(void **state)
{
        _cleanup_free_ char *scope = plan("-b --bind=/dev/fuse --property=TasksMax=7", "[X-Resources]\nTasksMax=8\n");
        _cleanup_free_ char *unit = plan("-b --keep-unit --property=TasksMax=7", "");

        assert_string_equal(scope, "unit:\n  TasksMax t 8 [f:2]\n  TasksMax t 7 [--property=]\n"
                                   "  DeviceAllow a(ss) \"/dev/fuse\" \"rw\" [--bind=]\n");
        assert_string_equal(unit, "");
}

static void test_policy(void **state)
{
        _cleanup_free_ char *closed = plan("-b --keep-unit", "[Files]\nBind=/dev/fuse\n[X-Resources]\nDevicePolicy=closed\n");
        _cleanup_free_ char *open = plan("-b --keep-unit", "[Files]\nBind=/dev/fuse\n[X-Resources]\nDevicePolicy=auto\n");
        _cleanup_free_ char *blank = plan("-b --keep-unit", "[Files]\nBind=/dev/my disk:/dev/disk\n");

        assert_non_null(strstr(closed, "\"rw\" [f:2]"));
        assert_non_null(strstr(open, "\"rw\", unless"));
        assert_non_null(strstr(blank, "\"/dev/block/8:2\" \"rw\""));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nothing), cmocka_unit_test(test_resources), cmocka_unit_test(test_devices),
                cmocka_unit_test(test_scope),
                cmocka_unit_test(test_policy),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
