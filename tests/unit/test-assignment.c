/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Precedence, trust, and the text of problems. */

#include "test.h"

#include <stdio.h>

#include "config/assignment.h"
#include "util/strv.h"

static void add(Assignments *a, SettingId id, const char *text, const char *where, unsigned line)
{
        Source from = { .where = assignments_name(a, where), .line = line };

        assert_non_null(from.where);
        assert_int_equal(assignments_add(a, settings_table_row(id), text, from), 0);
}

static void test_last_writer_wins(void **state)
{
        _cleanup_(assignments_done) Assignments file = { .trusted = true }, switches = { .trusted = true };
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings s;

        settings_init(&s);
        add(&file, SETTING_HOSTNAME, "one", "/x.nspawn", 2);
        add(&file, SETTING_HOSTNAME, "two", "/x.nspawn", 3);
        add(&file, SETTING_BIND, "/a", "/x.nspawn", 4);
        add(&switches, SETTING_HOSTNAME, "three", "--hostname=", 0);
        add(&switches, SETTING_BIND, "/b", "--bind=", 0);

        assert_int_equal(assignments_apply(&file, NULL, &s, &problems), 0);
        assert_string_equal(s.hostname, "two");
        assert_int_equal(s.from[SETTING_HOSTNAME].line, 3);
        assert_int_equal(assignments_apply(&switches, NULL, &s, &problems), 0);
        assert_string_equal(s.hostname, "three");
        assert_int_equal(s.n_binds, 2);
        assert_int_equal(problems.n, 0);
        assert_string_equal(assignments_last(&file, SETTING_HOSTNAME), "two");
        assert_null(assignments_last(&file, SETTING_MACHINE));
}

static void test_skipped_section(void **state)
{
        _cleanup_(assignments_done) Assignments switches = { .trusted = true };
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings s;

        settings_init(&s);
        add(&switches, SETTING_VIRTUAL_ETHERNET, "yes", "--network-veth", 0);
        add(&switches, SETTING_BOOT, "yes", "--boot", 0);
        assert_true(assignments_replace_section(&switches, "Network"));
        assert_false(assignments_replace_section(&switches, "Files"));
        assert_int_equal(assignments_apply(&switches, "Network", &s, &problems), 0);
        assert_int_equal(s.virtual_ethernet, UNSET);
        assert_int_equal(s.boot, YES);
}

/* An ignored assignment replaces nothing. */
static void test_untrusted_replaces_nothing(void **state)
{
        _cleanup_(assignments_done) Assignments file = { 0 };

        add(&file, SETTING_PRIVATE, "no", "/m/x.nspawn", 1);
        assert_false(assignments_replace_section(&file, "Network"));
        file.trusted = true;
        assert_true(assignments_replace_section(&file, "Network"));
}

static void test_one_id(void **state)
{
        _cleanup_(assignments_done) Assignments switches = { .trusted = true };
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings s;

        settings_init(&s);
        add(&switches, SETTING_BOOT, "yes", "--boot", 0);
        add(&switches, SETTING_HOSTNAME, "one", "--hostname=", 0);
        add(&switches, SETTING_HOSTNAME, "two", "--hostname=", 0);
        assert_int_equal(assignments_apply_one_id(&switches, SETTING_HOSTNAME, &s, &problems), 0);
        assert_string_equal(s.hostname, "two");
        assert_int_equal(s.boot, UNSET);
}

/* Untrusted settings that add privileges are ignored with a warning; those that drop privileges are applied. */
static void test_untrusted(void **state)
{
        _cleanup_(assignments_done) Assignments file = { 0 }, switches = { .trusted = true };
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings s;

        settings_init(&s);
        add(&switches, SETTING_DROP_CAPABILITY, "CAP_MKNOD", "--drop-capability=", 0);
        assert_int_equal(assignments_apply(&switches, NULL, &s, &problems), 0);

        add(&file, SETTING_BIND, "/etc", "/m/x.nspawn", 1);
        add(&file, SETTING_CAPABILITY, "all", "/m/x.nspawn", 2);
        add(&file, SETTING_PRIVATE_USERS, "no", "/m/x.nspawn", 3);
        add(&file, SETTING_PRIVATE, "no", "/m/x.nspawn", 4);
        add(&file, SETTING_SYSTEM_CALL_FILTER, "@keyring", "/m/x.nspawn", 5);
        add(&file, SETTING_SYSTEM_CALL_FILTER, "", "/m/x.nspawn", 6);
        add(&file, SETTING_DROP_CAPABILITY, "", "/m/x.nspawn", 7);
        add(&file, SETTING_DROP_CAPABILITY, "CAP_CHOWN", "/m/x.nspawn", 8);
        add(&file, SETTING_SYSTEM_CALL_FILTER, "~@mount", "/m/x.nspawn", 9);
        add(&file, SETTING_ENVIRONMENT, "A=b", "/m/x.nspawn", 10);
        assert_int_equal(assignments_apply(&file, NULL, &s, &problems), 0);

        assert_int_equal(s.n_binds, 0);
        assert_true(s.capability == 0);
        assert_int_equal(s.private_network, UNSET);
        assert_int_equal(s.syscall_allow.n, 0);
        assert_int_equal(s.syscall_deny.n, 1);
        assert_true(s.drop_capability == (1U << 27 | 1U << 0));
        assert_string_equal(strv_env_get(s.environment, "A"), "b");
        assert_int_equal(problems.n_fatal, 0);
        assert_int_equal(problems.n, 7);
        assert_string_equal(problems.items[0].text,
                            "/m/x.nspawn:1: Bind=: ignored: only files in /etc/systemd/nspawn and "
                            "/run/systemd/nspawn may set this");
}

/* Of a setting that removes privileges, "no" is a privilege. */
static void test_untrusted_no(void **state)
{
        static const struct { SettingId id; const char *value; bool applied; } cases[] = {
                { SETTING_READ_ONLY, "yes", true }, { SETTING_READ_ONLY, "no", false }, { SETTING_READ_ONLY, "", false },
                { SETTING_READ_ONLY, "0", false }, { SETTING_VOLATILE, "overlay", true }, { SETTING_VOLATILE, "state", true },
                { SETTING_VOLATILE, "no", false }, { SETTING_NO_NEW_PRIVILEGES, "true", true },
                { SETTING_NO_NEW_PRIVILEGES, "off", false }, { SETTING_EPHEMERAL, "yes", false },
                { SETTING_EPHEMERAL, "no", false },
                { SETTING_INIT, "s6", false }, { SETTING_INIT, "/sbin/init", false }, { SETTING_BIND_USER, "root", false },
                { SETTING_LIMIT_RTPRIO, "99", false }, { SETTING_BOOT, "no", true }, { SETTING_HOSTNAME, "x", true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                for (int trusted = 0; trusted < 2; trusted++) {
                        _cleanup_(assignments_done) Assignments file = { .trusted = trusted };
                        _cleanup_(problems_done) Problems problems = { 0 };
                        _cleanup_(settings_done) Settings s;

                        settings_init(&s);
                        add(&file, cases[i].id, cases[i].value, "/m/x.nspawn", 1);
                        assert_int_equal(assignments_apply(&file, NULL, &s, &problems), 0);
                        assert_int_equal(file.items[0].applied, trusted || cases[i].applied);
                        assert_int_equal(problems.n, trusted || cases[i].applied ? 0 : 1);
                }
}

/* No text of an untrusted file is quoted: it may be another one's. */
static void test_untrusted_is_not_quoted(void **state)
{
        _cleanup_(assignments_done) Assignments file = { 0 };
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings s;
        size_t n = 0;

        settings_init(&s);
        for (size_t i = 0; i < settings_table_size; i++)
                if (settings_table[i].key) {
                        assert_int_equal(assignments_add(&file, &settings_table[i], "!s3cret\\", (Source) { "/x", 7 }), 0);
                        n++;
                }
        assert_int_equal(assignments_apply(&file, NULL, &s, &problems), 0);
        assert_true(problems.n > n / 2);
        for (size_t i = 0; i < problems.n; i++) {
                assert_null(strstr(problems.items[i].text, "s3cret"));
                assert_int_equal(strncmp(problems.items[i].text, "/x:7: ", 6), 0);
        }
}

/* Each privileged row, with every value, leaves no trace when the writer is not trusted. */
static void test_untrusted_every_row(void **state)
{
        for (size_t i = 0; i < settings_table_size; i++) {
                _cleanup_(assignments_done) Assignments file = { 0 };
                _cleanup_(problems_done) Problems problems = { 0 };
                const SettingRow *row = &settings_table[i];
                Settings s, fresh;

                if (!(row->flags & SETTING_PRIVILEGED))
                        continue;
                settings_init(&s);
                settings_init(&fresh);
                assert_int_equal(assignments_add(&file, row, "yes", (Source) { "/x", 1 }), 0);
                assert_int_equal(assignments_apply(&file, NULL, &s, &problems), 0);
                assert_memory_equal(&s, &fresh, sizeof(s));
                assert_int_equal(problems.n, 1);
        }
}

static void test_bad_values_are_told(void **state)
{
        _cleanup_(assignments_done) Assignments file = { .trusted = true }, switches = { .trusted = true };
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings s;
        char big[1000];

        settings_init(&s);
        memset(big, 'x', sizeof(big));
        big[sizeof(big) - 1] = 0;
        add(&file, SETTING_CAPABILITY, "CAP_FOO", "/etc/systemd/nspawn/x.nspawn", 12);
        add(&file, SETTING_BOOT, "\033[31mred", "/etc/systemd/nspawn/x.nspawn", 13);
        add(&file, SETTING_PRIVATE_USERS_OWNERSHIP, "chown", "/etc/systemd/nspawn/x.nspawn", 14);
        add(&switches, SETTING_KILL_SIGNAL, "SIGFOO", "--kill-signal=", 0);
        add(&switches, SETTING_HOSTNAME, big, "--hostname=", 0);
        assert_int_equal(assignments_apply(&file, NULL, &s, &problems), 0);
        assert_int_equal(assignments_apply(&switches, NULL, &s, &problems), 0);

        assert_int_equal(problems.n, 5);
        assert_int_equal(problems.n_fatal, 4);
        assert_string_equal(problems.items[0].text,
                            "/etc/systemd/nspawn/x.nspawn:12: Capability=CAP_FOO: no such capability: 'CAP_FOO'");
        assert_string_equal(problems.items[1].text,
                            "/etc/systemd/nspawn/x.nspawn:13: Boot=?[31mred: not a boolean (yes or no)");
        assert_false(problems.items[2].fatal);
        assert_string_equal(problems.items[3].text, "--kill-signal=SIGFOO: not a signal");
        assert_true(strlen(problems.items[4].text) < 300);
}

static void test_source_text(void **state)
{
        char buf[SOURCE_TEXT_MAX];

        assert_string_equal(source_text((Source) { "/x", 7 }, buf), "/x:7");
        assert_string_equal(source_text((Source) { "--boot", 0 }, buf), "--boot");
        assert_string_equal(source_text((Source) { 0 }, buf), "default");
        assert_true(source_same_origin((Source) { "/x", 7 }, (Source) { "/x", 9 }));
        assert_false(source_same_origin((Source) { "/x", 7 }, (Source) { "/y", 7 }));
        assert_true(source_same_origin((Source) { "--a", 0 }, (Source) { "--b", 0 }));
        assert_false(source_same_origin((Source) { "--a", 0 }, (Source) { 0 }));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_last_writer_wins),
                cmocka_unit_test(test_skipped_section),
                cmocka_unit_test(test_untrusted_replaces_nothing),
                cmocka_unit_test(test_one_id),
                cmocka_unit_test(test_untrusted),
                cmocka_unit_test(test_untrusted_no),
                cmocka_unit_test(test_untrusted_is_not_quoted),
                cmocka_unit_test(test_untrusted_every_row),
                cmocka_unit_test(test_bad_values_are_told),
                cmocka_unit_test(test_source_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
