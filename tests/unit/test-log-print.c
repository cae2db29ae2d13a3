/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Log entries as text and as JSON: nothing that a payload writes into its journal forges a line or a field of ours. */

#include "test.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

#include "ctl/log-print.h"
#include "util/clock.h"

static const struct {
        const char *text;
        size_t size;
} fields[] = {
#define FIELD(s) { s, sizeof(s) - 1 }
        FIELD("MESSAGE=<3>one\x1b[31m\ntwo\r\n"),
        FIELD("PRIORITY=3"),
        FIELD("SYSLOG_IDENTIFIER=ss\nhd"),
        FIELD("_PID=42"),
        FIELD("TWICE=1"),
        FIELD("TWICE=2"),
        FIELD("BINARY=a\0b\xff"),
        FIELD("BOX_MACHINE=other"),
        FIELD("lower=1"),
        FIELD("NOVALUE"),
};

/* NULL: all. */
static const Columns *wanted;

static char *printed(OutputMode mode, LogOrigin origin, size_t name_width)
{
        LogRecord r = { .kind = LOG_KIND_ENTRY, .origin = origin, .usec = UINT64_C(1795810272) * USEC_PER_SEC };
        LogPrint p = { .mode = mode, .name_width = name_width, .wanted = wanted };
        char *text = NULL;
        size_t size;

        for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
                assert_int_equal(log_record_add(&r, fields[i].text, fields[i].size), 0);
        p.file = open_memstream(&text, &size);
        assert_non_null(p.file);
        assert_int_equal(log_print(&p, "web", &r), 0);
        assert_int_equal(fclose(p.file), 0);
        log_record_done(&r);
        return text;
}

static void assert_printed(OutputMode mode, LogOrigin origin, size_t name_width, const char *want)
{
        char *got = printed(mode, origin, name_width);

        assert_string_equal(got, want);
        free(got);
}

static void test_log_print_text(void **state)
{
        assert_printed(OUTPUT_SHORT, LOG_ORIGIN_JOURNAL, 0,
                       "Nov 27 20:11:12 journal ss?hd[42]: one?[31m\n                two\n");
        assert_printed(OUTPUT_SHORT_ISO, LOG_ORIGIN_UNIT, 5,
                       "2026-11-27T20:11:12+0000 web   unit    ss?hd[42]: one?[31m\n                two\n");
        assert_printed(OUTPUT_SHORT, LOG_ORIGIN_CONSOLE, 0, "Nov 27 20:11:12 console one?[31m\n                two\n");
        assert_printed(OUTPUT_CAT, LOG_ORIGIN_CONSOLE, 3, "one?[31m\ntwo\n");
}

static void test_log_print_json(void **state)
{
        char *text = printed(OUTPUT_JSON, LOG_ORIGIN_JOURNAL, 0);
        json_t *j;

        /* One line. */
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(j);
        assert_string_equal(json_string_value(json_object_get(j, "BOX_MACHINE")), "web");
        assert_string_equal(json_string_value(json_object_get(j, "BOX_ORIGIN")), "journal");
        assert_string_equal(json_string_value(json_object_get(j, "PRIORITY")), "3");
        assert_string_equal(json_string_value(json_object_get(j, "BINARY")), "a?b?");
        assert_string_equal(json_string_value(json_object_get(j, "MESSAGE")), "<3>one\x1b[31m\ntwo\r\n");
        assert_int_equal(json_array_size(json_object_get(j, "TWICE")), 2);
        assert_string_equal(json_string_value(json_array_get(json_object_get(j, "TWICE"), 1)), "2");
        assert_null(json_object_get(j, "lower"));
        assert_null(json_object_get(j, "NOVALUE"));
        json_decref(j);
        free(text);
}

static void test_log_print_chosen(void **state)
{
        static Column all[] = { { .name = "TWICE" }, { .name = "BOX_ORIGIN" }, { .name = "lower" }, { .name = "BOX_MACHINE" },
                                { .name = "_PID" }, { .name = "NOVALUE" } };
        static size_t chosen[] = { 4, 0, 1, 3, 5 };
        const Columns columns = { .all = all, .n_all = ARRAY_SIZE(all), .chosen = chosen, .n_chosen = ARRAY_SIZE(chosen) };

        wanted = &columns;
        assert_printed(OUTPUT_JSON, LOG_ORIGIN_CONSOLE, 0,
                       "{\"_PID\":\"42\",\"TWICE\":[\"1\",\"2\"],\"BOX_ORIGIN\":\"console\","
                       "\"BOX_MACHINE\":\"web\",\"NOVALUE\":null}\n");
        wanted = NULL;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_log_print_text),
                cmocka_unit_test(test_log_print_json),
                cmocka_unit_test(test_log_print_chosen),
        };

        (void) setenv("TZ", "UTC", /* overwrite= */ 1);
        tzset();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
