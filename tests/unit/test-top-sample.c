/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kernel's counters are read, and what is missing or malformed is unknown. */

#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "ctl/top-sample.h"
#include "util/fd.h"

static void test_top_parse_number(void **state)
{
        assert_int_equal(top_parse_number("4096\n"), 4096);
        assert_true(top_parse_number("18446744073709551614\n") == UINT64_MAX - 1);
        assert_true(top_parse_number("max\n") == TOP_UNKNOWN);
        assert_true(top_parse_number("") == TOP_UNKNOWN);
}

static void test_top_parse_keyed(void **state)
{
        static const char text[] = "usage_usec 120\nuser_usec 100\nsystem_usec 20\n";

        assert_int_equal(top_parse_keyed(text, "usage_usec"), 120);
        assert_int_equal(top_parse_keyed(text, "system_usec"), 20);
        assert_true(top_parse_keyed(text, "user") == TOP_UNKNOWN);
        assert_true(top_parse_keyed("", "usage_usec") == TOP_UNKNOWN);
}

static void test_top_parse_io_of_all_devices(void **state)
{
        static const char text[] = "8:0 rbytes=100 wbytes=5 rios=1 wios=1 dbytes=7 dios=0\n"
                                   "253:1 rbytes=20 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n";

        assert_int_equal(top_parse_io(text, "rbytes"), 120);
        assert_int_equal(top_parse_io(text, "wbytes"), 5);
        assert_int_equal(top_parse_io("", "rbytes"), 0);
        assert_int_equal(top_parse_io("8:0 \n", "rbytes"), 0);
}

static void test_top_parse_pressure(void **state)
{
        assert_int_equal(top_parse_pressure("some avg10=12.34 avg60=1.00 avg300=0.10 total=9\nfull avg10=9.00"), 1234);
        assert_int_equal(top_parse_pressure("some avg10=100.00 avg60=1.00 avg300=0.10 total=9\n"), 10000);
        assert_int_equal(top_parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"), 0);
        assert_true(top_parse_pressure("full avg10=1.00") == TOP_UNKNOWN);
        assert_true(top_parse_pressure("") == TOP_UNKNOWN);
}

static void test_top_parse_network(void **state)
{
        static const char text[] =
                "Inter-|   Receive                                                |  Transmit\n"
                " face |bytes    packets errs drop fifo frame compressed multica"
                "st|bytes    packets errs drop fifo colls carrier compressed\n"
                "    lo:   99    1    0    0    0     0          0         0    "
                "   99    1    0    0    0     0       0          0\n"
                " host0: 1000   10    0    0    0     0          0         0    "
                "  200    2    0    0    0     0       0          0\n"
                "lo2:5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n";
        uint64_t in = 1, out = 2;

        assert_true(top_parse_network(text, &in, &out));
        assert_int_equal(in, 1005);
        assert_int_equal(out, 206);
        assert_false(top_parse_network("    lo: 99 1 0 0 0 0 0 0 99 1 0 0 0 0 0 0\n", &in, &out));
        assert_false(top_parse_network("x: 1 2\n:\n", &in, &out));
        assert_int_equal(in, 1005);
}

static void put(int dir_fd, const char *name, const char *text)
{
        int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
        fd_close(fd);
}

static void test_top_read_group(void **state)
{
        uint64_t values[_TOP_VALUE_MAX];
        char dir[] = "/tmp/test-top.XXXXXX", command[64];
        int unit, payload;

        assert_non_null(mkdtemp(dir));
        unit = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(mkdirat(unit, "payload", 0700), 0);
        payload = openat(unit, "payload", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        /* A host without controllers has this file only. */
        put(payload, "cpu.stat", "usage_usec 77\n");
        for (size_t i = 0; i < _TOP_VALUE_MAX; i++)
                values[i] = TOP_UNKNOWN;
        top_read_group(payload, values);
        assert_int_equal(values[TOP_CPU_USEC], 77);
        for (size_t i = 0; i < _TOP_VALUE_MAX; i++)
                assert_true((values[i] == TOP_UNKNOWN) == (i != TOP_CPU_USEC));

        put(payload, "memory.current", "4096\n");
        put(payload, "memory.swap.current", "512\n");
        put(payload, "memory.max", "max\n");
        put(unit, "memory.max", "8192\n");
        put(payload, "pids.current", "3\n");
        put(payload, "io.stat", "8:0 rbytes=5 wbytes=6\n");
        put(payload, "cpu.pressure", "some avg10=1.00 x\n");
        put(payload, "memory.pressure", "some avg10=2.00 x\n");
        put(payload, "io.pressure", "some avg10=3.00 x\n");
        top_read_group(payload, values);
        assert_int_equal(values[TOP_MEMORY], 4096);
        assert_int_equal(values[TOP_SWAP], 512);
        assert_int_equal(values[TOP_MEMORY_LIMIT], 8192);
        assert_int_equal(values[TOP_TASKS], 3);
        assert_int_equal(values[TOP_READ], 5);
        assert_int_equal(values[TOP_WRITTEN], 6);
        assert_int_equal(values[TOP_PRESSURE_CPU], 100);
        assert_int_equal(values[TOP_PRESSURE_MEMORY], 200);
        assert_int_equal(values[TOP_PRESSURE_IO], 300);
        fd_close(payload);
        fd_close(unit);
        (void) snprintf(command, sizeof(command), "rm -r %s", dir);
        assert_int_equal(system(command), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_top_parse_number),
                cmocka_unit_test(test_top_parse_keyed),
                cmocka_unit_test(test_top_parse_io_of_all_devices),
                cmocka_unit_test(test_top_parse_pressure),
                cmocka_unit_test(test_top_parse_network),
                cmocka_unit_test(test_top_read_group),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
