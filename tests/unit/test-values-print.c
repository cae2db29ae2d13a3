/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings become texts again: those that give the same settings. (For any text: tests/fuzz/fuzz-settings.c) */

#include "test.h"

#include "config/assignment.h"
#include "config/values-print.h"

static const struct {
        const char *section, *key, *written, *printed;
} cases[] = {
        { "Exec", "Boot", "1", "yes" },
        { "Exec", "ProcessTwo", "off", "no" },
        { "Exec", "Parameters", "a 'b c' \"\" d\"e\"", "a \"b c\" \"\" de" },
        { "Exec", "Parameters", "'say \"x\"'", "\"say \"'\"'\"x\"'\"'\"\"" },
        { "Exec", "Environment", "'A=1 2'", "\"A=1 2\"" },
        { "Exec", "WorkingDirectory", "/a//b/./c/", "/a/b/c" },
        { "Exec", "Hostname", "web", "web" },
        { "Exec", "MachineID", "0123456789ABCDEF0123456789abcdef", "0123456789abcdef0123456789abcdef" },
        { "Exec", "PrivateUsers", "yes", "yes" },
        { "Exec", "PrivateUsers", "no", "no" },
        { "Exec", "PrivateUsers", "pick", "pick" },
        { "Exec", "PrivateUsers", "131072", "131072:65536" },
        { "Exec", "KillSignal", "37", "SIGRTMIN+3" },
        { "Exec", "Capability", "all", "all" },
        { "Exec", "DropCapability", "kill", "CAP_KILL" },
        { "Exec", "SystemCallFilter", "~@mount", "~@mount" },
        { "Exec", "LinkJournal", "yes", "auto" },
        { "Exec", "ResolvConf", "no", "off" },
        { "Exec", "ResolvConf", "replace-stub", "replace-stub" },
        { "Exec", "Timezone", "yes", "auto" },
        { "Exec", "User", "1000:100", "1000:100" },
        { "Exec", "PivotRoot", "/a\\:b//c:/old/", "/a\\:b/c:/old" },
        { "Exec", "SuppressSync", "on", "yes" },
        { "Exec", "LimitNICE", "-5", "25:25" },
        { "Exec", "LimitSTACK", "1M:infinity", "1048576:infinity" },
        { "Exec", "LimitRTTIME", "1s", "1000000:1000000" },
        { "Exec", "OOMScoreAdjust", "-7", "-7" },
        { "Exec", "CPUAffinity", "3 0-1", "0-1,3" },
        { "Files", "Bind", "/a", "/a:/a" },
        { "Files", "Bind", "+/a\\:b:/c\\\\d:norbind", "+/a\\:b:/c\\\\d:norbind,noidmap" },
        { "Files", "Bind", ":/scratch:idmap", ":/scratch:rbind,idmap" },
        { "Files", "Bind", "-/a", "-/a:/a" },
        { "Files", "BindReadOnly", "-+/a:/b", "-+/a:/b" },
        { "Files", "Overlay", "-/a:-+/b:/c", "-/a:-+/b:/c" },
        { "Files", "BindReadOnly", "/a:/b", "/a:/b" },
        { "Files", "TemporaryFileSystem", "/t\\:u:size=1M,mode=0700", "/t\\:u:size=1M,mode=0700" },
        { "Files", "Inaccessible", "/boot/", "/boot" },
        { "Files", "BindUser", "alice", "alice" },
        { "Files", "BindUserShell", "on", "yes" },
        { "Files", "BindUserShell", "/bin/zsh", "/bin/zsh" },
        { "Files", "BindUserGroup", "video", "video" },
        { "Files", "PrivateUsersOwnership", "chown", "auto" },
        { "Files", "PrivateUsersChown", "no", "off" },
        { "Network", "Bridge", "br0", "br0" },
        { "Network", "Zone", "shop", "shop" },
        { "Network", "VirtualEthernetExtra", "e0:lan", "e0:lan" },
        { "Network", "MACVLAN", "eth0:lan", "eth0:lan" },
        { "Network", "IPVLAN", "eth0", "eth0" },
        { "Network", "Port", "8080:80", "tcp:8080:80" },
        { "Network", "Port", "udp:53", "udp:53:53" },
        { "Network", "NamespacePath", "/run/netns/x", "/run/netns/x" },
        { "Network", "Interface", "eth0", "eth0" },
        { "X-Box", "Profile", "web", "web" },
        { "X-Box", "Requires", "db", "db" },
        { "X-Resources", "MemoryMax", "1.5G", "1.5G" },
        { "X-Resources", "RestrictNetworkInterfaces", "~eth0 eth1", "~eth0 eth1" },
};

static const SettingRow *row_of(size_t i)
{
        const SettingRow *row = settings_table_find_key(cases[i].section, cases[i].key);

        if (!row)
                fail_msg("no %s= in [%s]", cases[i].key, cases[i].section);
        return row;
}

static void test_values(void **state)
{
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(value_texts_done) ValueTexts texts = { 0 };
                char reason[SETTING_REASON_MAX] = "";
                const Source from = { "f", 7 };
                _cleanup_(settings_done) Settings s;
                const SettingRow *row = row_of(i);

                settings_init(&s);
                if (row->parse(row, cases[i].written, from, &s, reason) < 0)
                        fail_msg("%s=%s: %s", row->key, cases[i].written, reason);
                s.from[row->id] = from;
                assert_int_equal(value_print(row, &s, &texts), 0);
                if (texts.n != 1)
                        fail_msg("%s=%s gives %zu texts", row->key, cases[i].written, texts.n);
                assert_string_equal(texts.items[0].text, cases[i].printed);
                assert_int_equal(texts.items[0].from.line, 7);
        }
}

/* A list's elements know each its own place. */
static void test_lists(void **state)
{
        _cleanup_(assignments_done) Assignments a = { .trusted = true };
        _cleanup_(value_texts_done) ValueTexts binds = { 0 }, environment = { 0 };
        const SettingRow *row = settings_table_row(SETTING_BIND);
        _cleanup_(problems_done) Problems problems = { 0 };
        _cleanup_(settings_done) Settings s;

        settings_init(&s);
        assert_int_equal(assignments_add(&a, row, "/a", (Source) { "f", 1 }), 0);
        assert_int_equal(assignments_add(&a, row, "/b", (Source) { "g", 2 }), 0);
        assert_int_equal(assignments_add(&a, settings_table_row(SETTING_BIND_READ_ONLY), "/c", (Source) { "f", 3 }), 0);
        assert_int_equal(assignments_add(&a, settings_table_row(SETTING_ENVIRONMENT), "A=1 B=2", (Source) { "f", 4 }), 0);
        assert_int_equal(assignments_apply(&a, NULL, &s, &problems), 0);

        assert_int_equal(value_print(row, &s, &binds), 0);
        assert_int_equal(binds.n, 2);
        assert_string_equal(binds.items[1].text, "/b:/b");
        assert_string_equal(binds.items[1].from.where, "g");
        assert_int_equal(binds.items[1].from.line, 2);
        assert_int_equal(value_print(settings_table_row(SETTING_ENVIRONMENT), &s, &environment), 0);
        assert_int_equal(environment.n, 2);
}

static void test_defaults_have_no_text(void **state)
{
        Settings s;

        settings_init(&s);
        for (size_t i = 0; i < settings_table_size; i++) {
                _cleanup_(value_texts_done) ValueTexts texts = { 0 };

                assert_int_equal(value_print(&settings_table[i], &s, &texts), 0);
                if (texts.n > 0)
                        fail_msg("the default of row %zu is '%s'", i, texts.items[0].text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_lists),
                cmocka_unit_test(test_defaults_have_no_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
