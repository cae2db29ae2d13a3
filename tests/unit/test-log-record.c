/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Log records through a pipe, merged by time, and the last of them. */

#include "test.h"

#include <string.h>
#include <unistd.h>

#include "ctl/log-record.h"

static LogRecord record_of(uint64_t usec, const char *message)
{
        LogRecord r = { .kind = LOG_KIND_ENTRY, .origin = LOG_ORIGIN_JOURNAL, .usec = usec };

        assert_int_equal(log_record_add(&r, message, strlen(message)), 0);
        return r;
}

static void test_log_record_read_what_was_written(void **state)
{
        static const char binary[] = "MESSAGE=a\0b\n";
        LogRecord r = { .kind = LOG_KIND_ENTRY, .origin = LOG_ORIGIN_CONSOLE, .usec = 17 }, got = { 0 };
        char buf[256];
        const char *value;
        size_t size;
        int fds[2];
        ssize_t n;

        assert_int_equal(log_record_add(&r, "PRIORITY=3", 10), 0);
        assert_int_equal(log_record_add(&r, binary, sizeof(binary)), 0);
        assert_int_equal(pipe(fds), 0);
        assert_int_equal(log_record_write(fds[1], &r), 0);
        n = read(fds[0], buf, sizeof(buf));
        assert_true(n > 0);

        /* Not before it is whole. */
        for (ssize_t i = 0; i < n; i++)
                assert_int_equal(log_record_read(buf, (size_t) i, &got), 0);
        assert_int_equal(log_record_read(buf, (size_t) n, &got), n);
        assert_int_equal(got.origin, LOG_ORIGIN_CONSOLE);
        assert_int_equal(got.usec, 17);
        value = log_record_field(&got, "MESSAGE", &size);
        assert_non_null(value);
        assert_int_equal(size, sizeof(binary) - strlen("MESSAGE="));
        assert_memory_equal(value, binary + strlen("MESSAGE="), size);
        assert_null(log_record_field(&got, "MESSAG", &size));
        assert_null(log_record_field(&got, "UNIT", &size));
        log_record_done(&r);
        log_record_done(&got);
        (void) close(fds[0]);
        (void) close(fds[1]);
}

/* What a reader sends that a payload's files have taken over. */
static void test_log_record_read_refuses_garbage(void **state)
{
        struct {
                uint32_t size;
                uint16_t kind, origin;
                uint64_t usec;
                uint32_t field;
        } wire = { .size = 4, .kind = LOG_KIND_ENTRY, .origin = LOG_ORIGIN_UNIT, .field = UINT32_MAX };
        LogRecord r;
        const char *field;
        size_t at = 0, size;

        /* A field that is larger than its record is none. */
        assert_int_equal(log_record_read((char *) &wire, 20, &r), 20);
        assert_false(log_record_next(&r, &at, &field, &size));
        log_record_done(&r);

        wire.size = LOG_RECORD_MAX + 1;
        assert_int_equal(log_record_read((char *) &wire, sizeof(wire), &r), -EBADMSG);
        wire.size = 4;
        wire.kind = _LOG_KIND_MAX;
        assert_int_equal(log_record_read((char *) &wire, sizeof(wire), &r), -EBADMSG);
        wire.kind = 0;
        wire.origin = _LOG_ORIGIN_MAX;
        assert_int_equal(log_record_read((char *) &wire, sizeof(wire), &r), -EBADMSG);
}

static void test_log_record_is_bounded(void **state)
{
        static char big[LOG_FIELD_MAX + 100];
        LogRecord r = { 0 };
        const char *field;
        size_t at = 0, size, n = 0;

        memset(big, 'x', sizeof(big));
        for (unsigned i = 0; i < 100; i++)
                assert_int_equal(log_record_add(&r, big, sizeof(big)), 0);
        assert_true(r.size <= LOG_RECORD_MAX);
        while (log_record_next(&r, &at, &field, &size)) {
                assert_int_equal(size, LOG_FIELD_MAX);
                n++;
        }
        assert_in_range(n, 2, LOG_RECORD_MAX / LOG_FIELD_MAX);
        log_record_done(&r);
}

static void test_log_streams_next_is_the_earliest(void **state)
{
        LogStream a = { .has_head = true, .head.usec = 20 }, b = { .has_head = true, .head.usec = 10 }, c = { .ended = true };
        const LogStream *const all[] = { &a, &b, &c };

        assert_int_equal(log_streams_next(all, 3), 1);
        b.head.usec = 20;
        assert_int_equal(log_streams_next(all, 3), 0);
        b.has_head = false;
        /* What it sends next may be earlier. */
        assert_int_equal(log_streams_next(all, 3), -EAGAIN);
        b.live = true;
        assert_int_equal(log_streams_next(all, 3), 0);
        b.live = false;
        b.ended = true;
        assert_int_equal(log_streams_next(all, 3), 0);
        a.has_head = false;
        a.ended = true;
        assert_int_equal(log_streams_next(all, 3), -ENOENT);
}

static void add_to(LogTail *t, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                LogRecord r = record_of(i, "MESSAGE=x");

                assert_int_equal(log_tail_add(t, &r, i % 3), 0);
                assert_null(r.data);
        }
}

static void assert_taken(LogTail *t, uint64_t first, uint64_t end)
{
        LogRecord r;
        size_t stream;

        for (uint64_t i = first; i < end; i++) {
                assert_true(log_tail_take(t, &r, &stream));
                assert_int_equal(r.usec, i);
                assert_int_equal(stream, i % 3);
                log_record_done(&r);
        }
        assert_false(log_tail_take(t, &r, &stream));
        log_tail_done(t);
}

static void test_log_tail_keeps_the_last(void **state)
{
        LogTail t = { .max = 5 };

        add_to(&t, 13);
        assert_taken(&t, 8, 13);
        t = (LogTail) { .max = 5 };
        add_to(&t, 3);
        assert_taken(&t, 0, 3);
        t = (LogTail) { .max = 5 };
        add_to(&t, 5);
        assert_taken(&t, 0, 5);
        t = (LogTail) { .max = 0 };
        add_to(&t, 3);
        assert_taken(&t, 0, 0);
        /* And frees what is not taken. */
        t = (LogTail) { .max = 2 };
        add_to(&t, 3);
        log_tail_done(&t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_log_record_read_what_was_written),
                cmocka_unit_test(test_log_record_read_refuses_garbage),
                cmocka_unit_test(test_log_record_is_bounded),
                cmocka_unit_test(test_log_streams_next_is_the_earliest),
                cmocka_unit_test(test_log_tail_keeps_the_last),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
