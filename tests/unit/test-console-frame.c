/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <string.h>

#include "payload/console-frame.h"

static void test_frames(void **state)
{
        char buf[CONSOLE_FRAME_MAX + 10];
        ConsoleFrame f;
        size_t n;

        n = console_frame_header(buf, CONSOLE_FRAME_SIZE, 4);
        assert_int_equal(n, 8);
        console_frame_put(buf + CONSOLE_FRAME_HEADER, 0x0018, 2);
        console_frame_put(buf + CONSOLE_FRAME_HEADER + 2, 0x0150, 2);
        assert_memory_equal(buf, "\x02\0\0\x04\0\x18\x01\x50", 8);
        buf[8] = CONSOLE_FRAME_BYTES;

        /* Not all of it, all, and a part of the next. */
        for (size_t part = 0; part < n; part++)
                assert_int_equal(console_frame_read(buf, part, &f), 0);
        assert_int_equal(console_frame_read(buf, n + 1, &f), n);
        assert_int_equal(f.type, CONSOLE_FRAME_SIZE);
        assert_int_equal(f.size, 4);
        assert_int_equal(console_frame_number(f.data, 2), 24);
        assert_int_equal(console_frame_number(f.data + 2, 2), 336);

        console_frame_put(buf, UINT64_C(0xfedcba9876543210), 8);
        assert_true(console_frame_number(buf, 8) == UINT64_C(0xfedcba9876543210));
}

static void test_bad_frames(void **state)
{
        static char buf[CONSOLE_FRAME_MAX];
        ConsoleFrame f;

        /* The largest, and one that is larger. */
        assert_int_equal(console_frame_header(buf, CONSOLE_FRAME_BYTES, CONSOLE_FRAME_DATA_MAX), CONSOLE_FRAME_MAX);
        assert_int_equal(console_frame_read(buf, CONSOLE_FRAME_MAX, &f), CONSOLE_FRAME_MAX);
        assert_int_equal(f.size, CONSOLE_FRAME_DATA_MAX);
        (void) console_frame_header(buf, CONSOLE_FRAME_BYTES, CONSOLE_FRAME_DATA_MAX + 1);
        assert_int_equal(console_frame_read(buf, CONSOLE_FRAME_HEADER, &f), -EBADMSG);
        assert_int_equal(console_frame_read("HTTP/1.1", 8, &f), -EBADMSG);

        /* Empty, and of an unknown type: frames. */
        assert_int_equal(console_frame_read("\xff\0\0\0", 4, &f), 4);
        assert_int_equal(f.type, 0xff);
        assert_int_equal(f.size, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_frames),
                cmocka_unit_test(test_bad_frames),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
