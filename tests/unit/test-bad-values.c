/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every row of the table with every kind of bad text: nothing breaks, what is refused changes nothing and is told why, and
 * what is taken is in force as what it was written.
 */

#include "test.h"

#include <stdio.h>

#include "config/values-print.h"
#include "util/text.h"

static const Source from_file = { "/f", 7 }, from_switch = { "--switch=", 0 };

/* Good texts of many settings: each row takes at least one. */
static const char *const good[] = {
        "yes", "AF_UNIX", "/a", "/a:/b", "7", "CAP_CHOWN", "eth0", "a", "A=1", "pick", "x86-64", "SIGTERM", "1-3", "tcp:80:8080",
        "0123456789abcdef0123456789abcdef", "a:b", "/a:/b:/c", "0:1000:1", "50%", "/dev/null rw", "8M", "90s", "auto", "host",
        "/dev/null 1M", "/dev/null 100", "/dev/null 10ms", "ipv4:tcp:80", "eth0 80", "egress:/x", "cgroup:inet:filter:set",
        "kill", "avoid", "zero", "no", "NOFILE=1:2", "a:/b", "127.0.0.1/8", "root=verity+signed", "MemoryMax=1G", "on",
        "a.service",
};

static char *long_text(const char *unit, size_t n)
{
        size_t m = strlen(unit);
        char *text = malloc(n * m + 1);

        assert_non_null(text);
        for (size_t i = 0; i < n; i++)
                memcpy(text + i * m, unit, m);
        text[n * m] = 0;
        return text;
}

static const char *const bad[] = {
        "", " ", "\t", "no such thing\"", "'", "\"", "\\", "a\\", ":", "::::", ":::::::::::::::::::::", ",", ",,,", "~", "~~",
        "+", "+:", "=", "==", "A=", "=A", "-", "--", "-1", "+1", "0", "00000000000000000001", "0x10", "1e9", "1.5", "nan", "inf",
        "18446744073709551615", "18446744073709551616", "4294967295", "4294967296", "99999999999999999999999999",
        "-9223372036854775809", "4294967295:4294967295", "1:0", "0:4294967295", "\001", "\033[31m", "a\nb", "\xff\xfe",
        "K\xe4se", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x80\xae", "%s%n%n%s", "${HOME}", "$(true)", "../..", "/..",
        "/a/../b", "/", "//", ".", "/a:/..", "/a:b", "a:b:c:d:e:f", "/a:/b:/c:/d", "/a:/b:rbind,rbind", "/a:/b:nosuch", "@nosuch",
        "@", "~@", "CAP_", "CAP_NOSUCH", "CAP_CHOWN,CAP_NOSUCH", "all,none", "SIG", "SIGRTMIN+99", "RTMAX-99", "yes no", "YES",
        "maybe",
        "eth0:eth0:eth0", "an-interface-with-a-name", "0:0:0", "1-", "-3", "3-1", "1-99999", "1,,3", "tcp:", "udp:0", "tcp:65536",
        "tcp:1:99999", "sctp:1", "none", "infinity", "infinity:1", "2:1", "100%", "101%", "-1%", "1K", "1Z", "1 K",
};

/* Settings of one section can depend on each other. */
static bool is_near(const SettingRow *row, const SettingRow *other)
{
        return row == other || (row->section && other->section && strcmp(row->section, other->section) == 0);
}

static char *print_near(const SettingRow *row, const Settings *s)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        for (size_t i = 0; i < settings_table_size; i++) {
                _cleanup_(value_texts_done) ValueTexts texts = { 0 };

                if (!is_near(row, &settings_table[i]))
                        continue;
                assert_int_equal(value_print(&settings_table[i], s, &texts), 0);
                for (size_t j = 0; j < texts.n; j++)
                        fprintf(f, "%zu=%s\n", i, texts.items[j].text);
        }
        assert_int_equal(fclose(f), 0);
        return text;
}

static int apply(const SettingRow *row, const char *text, Source from, Settings *s)
{
        char reason[SETTING_REASON_MAX];
        int r;

        memset(reason, 'R', sizeof(reason));
        reason[0] = 0;
        r = row->parse(row, text, from, s, reason);
        assert_non_null(memchr(reason, 0, sizeof(reason)));
        if (r != 0 && r != SETTING_TAKEN_WITH_WARNING && r != -EINVAL)
                fail_msg("row %s with '%.60s' gives %d", row->key ? row->key : row->option, text, r);
        if (r != 0 && strlen(reason) < 4)
                fail_msg("row %s with '%.60s' has the reason '%s'", row->key ? row->key : row->option, text, reason);
        if (r >= 0)
                s->from[row->id] = from;
        return r;
}

static const char *good_for(const SettingRow *row, Source from)
{
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                char reason[SETTING_REASON_MAX];
                Settings s;
                int r;

                settings_init(&s);
                r = row->parse(row, good[i], from, &s, reason);
                settings_done(&s);
                if (r == 0)
                        return good[i];
        }
        return NULL;
}

/* The values in force are printed as text; the text, applied to fresh settings, gives the same text again. */
static void check_written_again(const SettingRow *row, const char *text, const Settings *s, Source from)
{
        _cleanup_free_ char *once = print_near(row, s), *twice = NULL;
        _cleanup_(settings_done) Settings again;

        settings_init(&again);
        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *other = &settings_table[i];
                _cleanup_(value_texts_done) ValueTexts texts = { 0 };

                if (!is_near(row, other) || settings_table_row(other->id) != other)
                        continue;
                assert_int_equal(value_print(other, s, &texts), 0);
                for (size_t j = 0; j < texts.n; j++)
                        if (apply(other, texts.items[j].text, from, &again) < 0)
                                fail_msg("%s=%.60s became '%s', which is refused", row->key, text, texts.items[j].text);
        }
        twice = print_near(row, &again);
        if (strcmp(once, twice) != 0)
                fail_msg("%s=%.60s became\n%sand that\n%s", row->key, text, once, twice);
}

static void try_one(const SettingRow *row, const char *text, const char *before_text, Source from)
{
        _cleanup_(settings_done) Settings populated, fresh;
        _cleanup_free_ char *before = NULL;

        settings_init(&populated);
        settings_init(&fresh);
        if (before_text)
                (void) apply(row, before_text, from, &populated);
        before = print_near(row, &populated);
        if (apply(row, text, from, &populated) < 0) {
                _cleanup_free_ char *after = print_near(row, &populated);

                if (strcmp(before, after) != 0)
                        fail_msg("%s=%.60s is refused, but changed\n%sinto\n%s", row->key ? row->key : row->option, text,
                                 before, after);
        }

        /* Values of switches without a key are not always printed: credentials are secret. */
        if (apply(row, text, from, &fresh) >= 0 && row->key && text_is_utf8(text, strlen(text)) &&
            !text_has_control(text, strlen(text)))
                check_written_again(row, text, &fresh, from);
}

/* The grammar lets nothing else through. */
static bool can_be_in_file(const char *text)
{
        return text_is_utf8(text, strlen(text)) && !text_has_control(text, strlen(text));
}

static void test_bad_texts(void **state)
{
        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = &settings_table[i];

                for (int in_file = 0; row->parse && in_file < 2; in_file++) {
                        Source from = in_file ? from_file : from_switch;
                        const char *before = good_for(row, from);

                        for (size_t b = 0; b < ARRAY_SIZE(bad); b++)
                                if (in_file ? row->key && can_be_in_file(bad[b]) : row->option != NULL)
                                        try_one(row, bad[b], before, from);
                }
        }
}

static void test_overlong_texts(void **state)
{
        static const char *const units[] = {
                "x", "/", "1", ":", "a ", "a,", "/a:", "CAP_CHOWN,", "~", "\xc3\xa9", "A=1 ", "\\", "\"",
        };

        for (size_t u = 0; u < ARRAY_SIZE(units); u++) {
                size_t n = strpbrk(units[u], " ,") ? 1500 : 70000;      /* of a list's elements, of one */
                _cleanup_free_ char *text = long_text(units[u], 300), *huge = long_text(units[u], n);

                for (size_t i = 0; i < settings_table_size; i++) {
                        char reason[SETTING_REASON_MAX] = "";
                        Settings s;

                        if (!settings_table[i].parse)
                                continue;
                        try_one(&settings_table[i], text, NULL, from_file);
                        settings_init(&s);
                        (void) settings_table[i].parse(&settings_table[i], huge, from_file, &s, reason);
                        settings_done(&s);
                }
        }
}

/* A repeated value is the same value, a further list entry, or too many for the list; an empty text resets all of it. */
static void test_duplicates(void **state)
{
        for (size_t i = 0; i < settings_table_size; i++) {
                _cleanup_free_ char *once = NULL, *twice = NULL, *cleared = NULL, *fresh = NULL;
                const SettingRow *row = &settings_table[i];
                _cleanup_(settings_done) Settings s, never;
                bool same = !(row->flags & SETTING_LIST);
                const char *text;

                if (!row->parse || !row->key || row->id == SETTING_UNIT_ONLY_KEY || row->id == SETTING_KNOWN_ONLY)
                        continue;
                text = good_for(row, from_file);
                if (!text)
                        fail_msg("no good text for %s=", row->key);

                settings_init(&s);
                settings_init(&never);
                if (apply(row, text, from_file, &s) < 0)
                        fail_msg("%s=%s is refused", row->key, text);
                once = print_near(row, &s);
                if (apply(row, text, from_file, &s) < 0) {
                        if (!(row->flags & SETTING_LIST))
                                fail_msg("%s=%s is refused the second time", row->key, text);
                        same = true;
                }
                twice = print_near(row, &s);
                if (same)
                        assert_string_equal(once, twice);

                if (apply(row, "", from_file, &s) < 0)
                        fail_msg("%s= is refused", row->key);
                s.from[row->id] = (Source) { 0 };
                cleared = print_near(row, &s);
                fresh = print_near(row, &never);
                if (strcmp(cleared, fresh) != 0)
                        fail_msg("%s= leaves %s", row->key, cleared);
        }
}

static void test_every_parser_has_a_printer(void **state)
{
        for (size_t i = 0; i < settings_table_size; i++)
                if (settings_table[i].parse && settings_table[i].key && !value_has_printer(&settings_table[i]))
                        fail_msg("config/values-print.c does not know how to print %s=", settings_table[i].key);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bad_texts),
                cmocka_unit_test(test_overlong_texts),
                cmocka_unit_test(test_duplicates),
                cmocka_unit_test(test_every_parser_has_a_printer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
