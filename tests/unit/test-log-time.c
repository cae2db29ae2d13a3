/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Points in time as journalctl takes them. */

#include "test.h"

#include <time.h>

#include "ctl/log-time.h"
#include "util/clock.h"

#define NOW (UINT64_C(1795810272) * USEC_PER_SEC)       /* 2026-11-27 20:11:12 UTC */

static void test_log_time_parse_forms(void **state)
{
        static const struct {
                const char *text;
                uint64_t usec;
        } cases[] = {
                { "now", NOW },
                { "-10min", NOW - 600 * USEC_PER_SEC },
                { "10min ago", NOW - 600 * USEC_PER_SEC },
                { "1h 30s ago", NOW - 3630 * USEC_PER_SEC },
                { "+2s", NOW + 2 * USEC_PER_SEC },
                { "-100y", 0 },
                { "@5", 5 * USEC_PER_SEC },
                { "2026-11-27 20:11:12", NOW },
                { "2026-11-27T20:11:12", NOW },
                { "2026-11-27 20:11", NOW - 12 * USEC_PER_SEC },
                { "20:11", NOW - 12 * USEC_PER_SEC },
                { "20:11:10", NOW - 2 * USEC_PER_SEC },
                { "today", NOW - (20 * 3600 + 11 * 60 + 12) * USEC_PER_SEC },
                { "2026-11-27", NOW - (20 * 3600 + 11 * 60 + 12) * USEC_PER_SEC },
                { "yesterday", NOW - (20 * 3600 + 11 * 60 + 12 + 86400) * USEC_PER_SEC },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t usec;

                if (log_time_parse(cases[i].text, NOW, &usec) < 0)
                        fail_msg("'%s' is not read", cases[i].text);
                if (usec != cases[i].usec)
                        fail_msg("'%s' is %llu", cases[i].text, (unsigned long long) usec);
        }
}

static void test_log_time_parse_refuses(void **state)
{
        static const char *const cases[] = { "", " ", "-", "+", "@", "@x", "ago", " ago", "x ago", "25:00", "2026-13-01",
                                             "2026-11-27x", "20:11:12 ", "soon", "@99999999999999999999", "-5parsecs" };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint64_t usec = 17;

                if (log_time_parse(cases[i], NOW, &usec) != -EINVAL)
                        fail_msg("'%s' is taken", cases[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_log_time_parse_forms),
                cmocka_unit_test(test_log_time_parse_refuses),
        };

        (void) setenv("TZ", "UTC", /* overwrite= */ 1);
        tzset();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
