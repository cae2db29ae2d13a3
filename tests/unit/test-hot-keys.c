/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <string.h>

#include "payload/hot-keys.h"
#include "util/clock.h"

/* Types a text at one time; the key, and how much is passed on before it. */
static HotKey type(HotKeys *k, const char *text, uint64_t now, size_t *plain)
{
        return hot_keys_feed(k, text, strlen(text), now, plain);
}

static void test_keys(void **state)
{
        static const struct {
                const char *text;
                HotKey key;
                size_t plain;
        } cases[] = {
                { "\x1d\x1d\x1d",               HOT_KEY_LEAVE,          2 },
                { "\x1d\x1dr",                  HOT_KEY_REBOOT,         2 },
                { "\x1d\x1dp",                  HOT_KEY_POWER_OFF,      2 },
                { "ls\r\x1d\x1d\x1d after",     HOT_KEY_LEAVE,          5 },
                { "\x1d\x1dx\x1d\x1d\x1d",      HOT_KEY_LEAVE,          5 },
                /* Not these. */
                { "",                           HOT_KEY_NONE,           0 },
                { "rp",                         HOT_KEY_NONE,           2 },
                { "\x1dr",                      HOT_KEY_NONE,           2 },
                { "\x1d\x1dx\x1d",              HOT_KEY_NONE,           4 },
                { "\x1d\x1dxr\x1dp",            HOT_KEY_NONE,           6 },
                { "\x1d\x1dR",                  HOT_KEY_NONE,           3 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                HotKeys k = {};
                size_t plain = SIZE_MAX;

                assert_int_equal(type(&k, cases[i].text, 5 * USEC_PER_SEC, &plain), cases[i].key);
                assert_int_equal(plain, cases[i].plain);
        }
}

/* In pieces as they are typed, within one second of the first. */
static void test_time(void **state)
{
        const uint64_t t = 5 * USEC_PER_SEC;
        HotKeys k = {};
        size_t plain;

        assert_int_equal(type(&k, "\x1d", t, &plain), HOT_KEY_NONE);
        assert_int_equal(type(&k, "\x1d", t + USEC_PER_SEC / 2, &plain), HOT_KEY_NONE);
        assert_int_equal(type(&k, "p", t + USEC_PER_SEC, &plain), HOT_KEY_POWER_OFF);
        assert_int_equal(plain, 0);

        assert_int_equal(type(&k, "\x1d\x1d", t, &plain), HOT_KEY_NONE);
        assert_int_equal(type(&k, "p", t + USEC_PER_SEC + 1, &plain), HOT_KEY_NONE);
        /* The third is the first of another row, if it is too late. */
        assert_int_equal(type(&k, "\x1d\x1d", t, &plain), HOT_KEY_NONE);
        assert_int_equal(type(&k, "\x1d", t + 2 * USEC_PER_SEC, &plain), HOT_KEY_NONE);
        assert_int_equal(type(&k, "\x1dr", t + 2 * USEC_PER_SEC, &plain), HOT_KEY_REBOOT);
        /* A key is used up. */
        assert_int_equal(type(&k, "r", t + 2 * USEC_PER_SEC, &plain), HOT_KEY_NONE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_time),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
