/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each setting's texts and what they become, through the table as every reader goes. */

#include "test.h"

#include <sys/socket.h>

#include <signal.h>
#include <stdio.h>

#include "config/settings-table.h"
#include "util/strv.h"

static char reason[SETTING_REASON_MAX];

static const Source file = { "/etc/systemd/nspawn/t.nspawn", 3 };
static const Source command_line = { "--switch=", 0 };

static int set_from(Settings *s, SettingId id, const char *text, Source from)
{
        const SettingRow *row = settings_table_row(id);
        int r;

        reason[0] = 0;
        r = row->parse(row, text, from, s, reason);
        if (r >= 0)
                s->from[id] = from;
        return r;
}

static int set(Settings *s, SettingId id, const char *text)
{
        return set_from(s, id, text, file);
}

static int setup(void **state)
{
        static Settings s;

        settings_init(&s);
        *state = &s;
        return 0;
}

static int teardown(void **state)
{
        settings_done(*state);
        return 0;
}

static void test_defaults(void **state)
{
        Settings *s = *state;

        assert_int_equal(settings_start_mode(s), START_COMMAND);
        assert_false(settings_private_network(s));
        assert_false(settings_veth(s));
        assert_int_equal(s->notify_ready, UNSET);
        assert_int_equal(s->private_users, PRIVATE_USERS_NO);
        assert_int_equal(s->register_mode, REGISTER_AUTO);
        assert_int_equal(s->settings_mode, SETTINGS_YES);
}

static void test_start_mode(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_BOOT, "on"), 0);
        assert_int_equal(settings_start_mode(s), START_BOOT);

        /* In one file they contradict each other; another writer's replaces the first's. */
        assert_int_equal(set(s, SETTING_PROCESS_TWO, "yes"), -EINVAL);
        assert_non_null(strstr(reason, "ProcessTwo="));
        assert_int_equal(settings_start_mode(s), START_BOOT);
        assert_int_equal(set_from(s, SETTING_PROCESS_TWO, "yes", command_line), 0);
        assert_int_equal(settings_start_mode(s), START_PID2);
        assert_int_equal(set(s, SETTING_PROCESS_TWO, "maybe"), -EINVAL);
}

static void test_parameters(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_PARAMETERS, "/bin/sh -c 'echo \"a b\"' \"\" a\\x20b fo\"o b\"ar"), 0);
        assert_int_equal(strv_length(s->parameters), 6);
        assert_string_equal(s->parameters[2], "echo \"a b\"");
        assert_string_equal(s->parameters[3], "");
        assert_string_equal(s->parameters[4], "a\\x20b");       /* systemd leaves backslashes alone here */
        assert_string_equal(s->parameters[5], "foo bar");

        assert_int_equal(set(s, SETTING_PARAMETERS, "more"), 0);
        assert_int_equal(strv_length(s->parameters), 7);
        assert_int_equal(set_from(s, SETTING_PARAMETERS, "other", command_line), 0);
        assert_int_equal(strv_length(s->parameters), 1);
        assert_int_equal(set(s, SETTING_PARAMETERS, "'open"), -EINVAL);
        assert_int_equal(strv_length(s->parameters), 1);
        assert_int_equal(set(s, SETTING_PARAMETERS, ""), 0);
        assert_int_equal(strv_length(s->parameters), 0);
}

static void test_environment(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_ENVIRONMENT, "A=1 \"B=two words\" C=\\x41"), 0);
        assert_string_equal(strv_env_get(s->environment, "B"), "two words");
        assert_string_equal(strv_env_get(s->environment, "C"), "\\x41");         /* no escapes here, as in systemd */
        assert_int_equal(set(s, SETTING_ENVIRONMENT, "A=2"), 0);
        assert_string_equal(strv_env_get(s->environment, "A"), "2");
        assert_int_equal(strv_length(s->environment), 3);

        /* The shell has split a switch's words already. */
        assert_int_equal(set_from(s, SETTING_ENVIRONMENT, "D=x y=\"z", command_line), 0);
        assert_string_equal(strv_env_get(s->environment, "D"), "x y=\"z");

        assert_int_equal(set(s, SETTING_ENVIRONMENT, "E=1 2F=1"), -EINVAL);
        assert_null(strv_env_get(s->environment, "E"));
        assert_int_equal(set(s, SETTING_ENVIRONMENT, "NAME"), -EINVAL);
        assert_int_equal(set(s, SETTING_ENVIRONMENT, "\"N=open"), -EINVAL);
        assert_int_equal(set(s, SETTING_ENVIRONMENT, "=x"), -EINVAL);
        assert_int_equal(set(s, SETTING_ENVIRONMENT, "X=\033[0m"), -EINVAL);
        assert_int_equal(set(s, SETTING_ENVIRONMENT, "X=\xff"), -EINVAL);
        assert_int_equal(set(s, SETTING_ENVIRONMENT, ""), 0);
        assert_null(s->environment);

        /* A number that no search of ours takes long for. */
        for (unsigned i = 0; i < 5000; i++) {
                char text[32];

                (void) snprintf(text, sizeof(text), "V%u=1", i);
                if (set(s, SETTING_ENVIRONMENT, text) < 0)
                        break;
        }
        assert_int_equal(strv_length(s->environment), 4096);
}

static void test_machine_id(void **state)
{
        Settings *s = *state;
        static const char *const bad[] = { "0", "00000000000000000000000000000000", "0123456789abcdef0123456789abcde",
                "0123456789abcdef0123456789abcdef0", "01234567-89ab-cdef-0123-456789abcde",
                "012345678-9ab-cdef-0123-456789abcdef", "0123456789ab-cdef-0123-456789abcdef",
                "01234567-89ab-cdef-0123-456789abcdef-", "0123456789abcdef0123456789abcdeg", "-" };

        assert_int_equal(set(s, SETTING_MACHINE_ID, "01234567-89AB-cdef-0123-456789abcdef"), 0);
        assert_string_equal(s->machine_id, "0123456789abcdef0123456789abcdef");
        assert_int_equal(set(s, SETTING_MACHINE_ID, "fedcba9876543210fedcba9876543210"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(set(s, SETTING_MACHINE_ID, bad[i]), -EINVAL);
        assert_string_equal(s->machine_id, "fedcba9876543210fedcba9876543210");
}

static void test_signal(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_KILL_SIGNAL, "SIGRTMIN+4"), 0);
        assert_int_equal(s->kill_signal, SIGRTMIN + 4);
        assert_int_equal(set(s, SETTING_KILL_SIGNAL, "SIGNONSENSE"), -EINVAL);
        assert_int_equal(set(s, SETTING_KILL_SIGNAL, "999"), -EINVAL);
        assert_int_equal(s->kill_signal, SIGRTMIN + 4);
        assert_int_equal(set(s, SETTING_KILL_SIGNAL, ""), 0);
        assert_int_equal(s->kill_signal, 0);
}

static void test_capabilities(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_CAPABILITY, "CAP_SYS_TIME cap_syslog"), 0);
        assert_int_equal(set_from(s, SETTING_CAPABILITY, "CAP_BPF,CAP_PERFMON", command_line), 0);
        assert_true(s->capability == (1ULL << 25 | 1ULL << 34 | 1ULL << 39 | 1ULL << 38));
        assert_int_equal(set(s, SETTING_CAPABILITY, "CAP_CHOWN CAP_FOO"), -EINVAL);
        assert_non_null(strstr(reason, "CAP_FOO"));
        assert_true(s->capability == (1ULL << 25 | 1ULL << 34 | 1ULL << 39 | 1ULL << 38));
        assert_int_equal(set(s, SETTING_CAPABILITY, "CAP_NET_AMDIN"), -EINVAL);
        assert_non_null(strstr(reason, "did you mean CAP_NET_ADMIN?"));
        assert_int_equal(set(s, SETTING_DROP_CAPABILITY, "all"), 0);
        assert_true(s->drop_capability == UINT64_MAX);
        assert_int_equal(set(s, SETTING_CAPABILITY, ""), 0);
        assert_true(s->capability == 0);
}

/* As systemd.exec(5) has it. */
static void test_address_families(void **state)
{
        const uint64_t local = UINT64_C(1) << AF_UNIX, ip = UINT64_C(1) << AF_INET;
        Settings *s = *state;

        assert_false(s->restrict_families);
        assert_int_equal(set(s, SETTING_RESTRICT_ADDRESS_FAMILIES, "AF_UNIX AF_INET"), 0);
        assert_int_equal(s->allowed_families, local | ip);
        assert_int_equal(set(s, SETTING_RESTRICT_ADDRESS_FAMILIES, "~AF_INET AF_ALG"), 0);
        assert_int_equal(s->allowed_families, local);
        assert_int_equal(set(s, SETTING_RESTRICT_ADDRESS_FAMILIES, "AF_INET"), 0);
        assert_int_equal(s->allowed_families, local | ip);
        assert_int_equal(set(s, SETTING_RESTRICT_ADDRESS_FAMILIES, ""), 0);
        assert_false(s->restrict_families);
        assert_int_equal(set(s, SETTING_RESTRICT_ADDRESS_FAMILIES, "~AF_INET"), 0);
        assert_int_equal(s->allowed_families, ~ip);
        assert_int_equal(set(s, SETTING_RESTRICT_ADDRESS_FAMILIES, "AF_INET"), 0);
        assert_int_equal(s->allowed_families, UINT64_MAX);
        assert_true(s->restrict_families);
        assert_int_equal(set(s, SETTING_RESTRICT_ADDRESS_FAMILIES, ""), 0);
        assert_int_equal(set(s, SETTING_RESTRICT_ADDRESS_FAMILIES, "none"), 0);
        assert_true(s->restrict_families);
        assert_int_equal(s->allowed_families, 0);
        assert_int_equal(set(s, SETTING_RESTRICT_ADDRESS_FAMILIES, "AF_UNIX AF_INTE"), -EINVAL);
        assert_int_equal(set(s, SETTING_RESTRICT_ADDRESS_FAMILIES, "~"), -EINVAL);
        assert_int_equal(s->allowed_families, 0);
}

static void test_system_call_filter(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_SYSTEM_CALL_FILTER, "@keyring bpf"), 0);
        assert_int_equal(set(s, SETTING_SYSTEM_CALL_FILTER, "~@mount"), 0);
        assert_int_equal(s->syscall_allow.n, 2);
        assert_string_equal(s->syscall_allow.items[1].value, "bpf");
        assert_int_equal(s->syscall_deny.n, 1);
        assert_string_equal(s->syscall_deny.items[0].value, "@mount");
        assert_int_equal(set(s, SETTING_SYSTEM_CALL_FILTER, "read Write"), -EINVAL);
        assert_int_equal(set(s, SETTING_SYSTEM_CALL_FILTER, "@"), -EINVAL);
        assert_int_equal(set(s, SETTING_SYSTEM_CALL_FILTER, "~"), -EINVAL);
        assert_int_equal(s->syscall_allow.n, 2);
        assert_int_equal(set(s, SETTING_SYSTEM_CALL_FILTER, ""), 0);
        assert_int_equal(s->syscall_allow.n + s->syscall_deny.n, 0);
}

static void test_private_users(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "pick"), 0);
        assert_int_equal(s->private_users, PRIVATE_USERS_PICK);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "1"), 0);
        assert_int_equal(s->private_users, PRIVATE_USERS_TREE);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "0"), 0);
        assert_int_equal(s->private_users, PRIVATE_USERS_NO);
        assert_int_equal(set_from(s, SETTING_PRIVATE_USERS, "1", command_line), 0);
        assert_int_equal(s->private_users, PRIVATE_USERS_FIXED);
        assert_int_equal(s->private_users_base, 1);
        assert_int_equal(s->private_users_count, 65536);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "1000000:1000"), 0);
        assert_int_equal(s->private_users_base, 1000000);
        assert_int_equal(s->private_users_count, 1000);

        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "65536:0"), -EINVAL);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "4294967295"), -EINVAL);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "4294901760:65536"), -EINVAL);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "4294901759:65536"), 0);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "65535"), -EINVAL);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "10:"), -EINVAL);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "-1"), -EINVAL);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "Pick"), -EINVAL);
        assert_int_equal(s->private_users_base, 4294901759U);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS, "identity"), 0);
        assert_int_equal(s->private_users_base, 0);
}

static void test_ownership(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_PRIVATE_USERS_OWNERSHIP, "off"), 0);
        assert_int_equal(s->ownership, OWNERSHIP_OFF);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS_OWNERSHIP, "chown"), SETTING_TAKEN_WITH_WARNING);
        assert_int_equal(s->ownership, OWNERSHIP_AUTO);
        assert_non_null(strstr(reason, "mapped"));
        assert_int_equal(set(s, SETTING_PRIVATE_USERS_OWNERSHIP, "foreign"), 0);
        assert_int_equal(s->ownership, OWNERSHIP_FOREIGN);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS_OWNERSHIP, "map"), 0);
        assert_int_equal(s->ownership, OWNERSHIP_MAP);
        assert_int_equal(set(s, SETTING_PRIVATE_USERS_OWNERSHIP, "shift"), -EINVAL);
        assert_int_equal(s->ownership, OWNERSHIP_MAP);
}

static void test_bind(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_BIND, "/srv//data/./x/"), 0);
        assert_string_equal(s->binds[0].source, "/srv/data/x");
        assert_string_equal(s->binds[0].dest, "/srv/data/x");
        assert_true(s->binds[0].recursive);
        assert_false(s->binds[0].read_only);

        assert_int_equal(set(s, SETTING_BIND_READ_ONLY, "/a\\:b:/c\\\\d:norbind,rootidmap"), 0);
        assert_string_equal(s->binds[1].source, "/a:b");
        assert_string_equal(s->binds[1].dest, "/c\\d");
        assert_false(s->binds[1].recursive);
        assert_true(s->binds[1].read_only);
        assert_int_equal(s->binds[1].idmap, BIND_ROOTIDMAP);

        assert_int_equal(set(s, SETTING_BIND, "+/usr/x"), 0);
        assert_true(s->binds[2].in_tree);
        assert_string_equal(s->binds[2].source, "/usr/x");
        assert_string_equal(s->binds[2].dest, "/usr/x");

        assert_int_equal(set(s, SETTING_BIND, ":/scratch"), 0);
        assert_null(s->binds[3].source);
        assert_string_equal(s->binds[3].dest, "/scratch");
        assert_int_equal(s->binds[3].from.line, 3);

        /* Clearing one kind leaves the other, and room for more. */
        assert_int_equal(set(s, SETTING_BIND, ""), 0);
        assert_int_equal(s->n_binds, 1);
        assert_string_equal(s->binds[0].source, "/a:b");
        for (int i = 0; i < 9; i++)
                assert_int_equal(set(s, SETTING_BIND, "/x:/y:idmap"), 0);
        assert_int_equal(s->n_binds, 10);
        assert_string_equal(s->binds[9].dest, "/y");
}

static void test_bind_refused(void **state)
{
        static const char *const bad[] = { "relative", "/a:relative", "/a:/b:rbind,norbind", "/a:/b:idmap,noidmap",
                "/a:/b:idmap,idmap", "/a:/b:ro", "/a:/b:rbind,", "/a:/b:rbind:x", ":", "/a:", "+", "+rel:/x", "/a\\",
                "/a:/../b", "/a/..", "::", "/a:/b:," };
        Settings *s = *state;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                if (set(s, SETTING_BIND, bad[i]) != -EINVAL)
                        fail_msg("'%s' was taken", bad[i]);
                assert_true(reason[0]);
        }
        assert_int_equal(s->n_binds, 0);
}

static void test_tmpfs_and_inaccessible(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_TEMPORARY_FILE_SYSTEM, "/var:size=10%,mode=0700"), 0);
        assert_string_equal(s->tmpfs[0].dest, "/var");
        assert_string_equal(s->tmpfs[0].options, "size=10%,mode=0700");
        assert_int_equal(set(s, SETTING_TEMPORARY_FILE_SYSTEM, "/x\\:y"), 0);
        assert_string_equal(s->tmpfs[1].dest, "/x:y");
        assert_null(s->tmpfs[1].options);
        assert_int_equal(set(s, SETTING_TEMPORARY_FILE_SYSTEM, "var"), -EINVAL);
        assert_int_equal(set(s, SETTING_TEMPORARY_FILE_SYSTEM, ":size=1"), -EINVAL);
        assert_int_equal(s->n_tmpfs, 2);
        assert_int_equal(set(s, SETTING_TEMPORARY_FILE_SYSTEM, ""), 0);
        assert_int_equal(s->n_tmpfs, 0);

        assert_int_equal(set(s, SETTING_INACCESSIBLE, "/proc/x"), 0);
        assert_string_equal(s->inaccessible.items[0].value, "/proc/x");
        assert_int_equal(set(s, SETTING_INACCESSIBLE, "/../etc"), -EINVAL);
        assert_int_equal(set(s, SETTING_INACCESSIBLE, "/"), -EINVAL);
        assert_int_equal(s->inaccessible.n, 1);
}

static void test_bind_user(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_BIND_USER, "alice bob  alice"), 0);
        assert_int_equal(set(s, SETTING_BIND_USER, "_x-1"), 0);
        assert_int_equal(s->bind_users.n, 3);
        assert_string_equal(s->bind_users.items[1].value, "bob");
        assert_int_equal(set(s, SETTING_BIND_USER, "carol ../x"), -EINVAL);
        assert_int_equal(set(s, SETTING_BIND_USER, "1000"), -EINVAL);
        assert_int_equal(set(s, SETTING_BIND_USER, "a.b"), -EINVAL);
        assert_int_equal(set(s, SETTING_BIND_USER, "abcdefghijklmnopqrstuvwxyzabcdef"), -EINVAL);
        assert_int_equal(s->bind_users.n, 3);
        assert_int_equal(set(s, SETTING_BIND_USER, ""), 0);
        assert_int_equal(s->bind_users.n, 0);
}

static void test_choices_and_names(void **state)
{
        Settings *s = *state;

        assert_int_equal(set(s, SETTING_REGISTER, "off"), 0);
        assert_int_equal(s->register_mode, REGISTER_NO);
        assert_int_equal(set(s, SETTING_SETTINGS, "override"), 0);
        assert_int_equal(s->settings_mode, SETTINGS_OVERRIDE);
        assert_int_equal(set(s, SETTING_LINK_JOURNAL, "try-guest"), 0);
        assert_int_equal(s->link_journal, LINK_JOURNAL_TRY_GUEST);
        assert_int_equal(set(s, SETTING_LINK_JOURNAL, "true"), 0);
        assert_int_equal(s->link_journal, LINK_JOURNAL_AUTO);
        assert_int_equal(set(s, SETTING_RESOLV_CONF, "no"), 0);
        assert_int_equal(s->resolv_conf, RESOLV_CONF_OFF);
        assert_int_equal(set(s, SETTING_RESOLV_CONF, "replace-uplink"), 0);
        assert_int_equal(s->resolv_conf, RESOLV_CONF_REPLACE_UPLINK);
        assert_int_equal(set(s, SETTING_RESOLV_CONF, "on"), 0);
        assert_int_equal(s->resolv_conf, RESOLV_CONF_AUTO);
        assert_int_equal(set(s, SETTING_TIMEZONE, "off"), 0);
        assert_int_equal(s->timezone, TIMEZONE_OFF);
        assert_int_equal(set(s, SETTING_TIMEZONE, "Europe/Berlin"), -EINVAL);
        assert_string_equal(reason, "not one of auto, off, copy, bind, symlink, delete");
        assert_int_equal(set(s, SETTING_CONSOLE, "yes"), -EINVAL);
        assert_string_equal(reason, "not one of auto, interactive, read-only, passive, pipe, autopipe");

        assert_int_equal(set(s, SETTING_MACHINE, "../x"), -EINVAL);
        assert_int_equal(set(s, SETTING_HOSTNAME, "a.b-c"), 0);
        assert_int_equal(set(s, SETTING_HOSTNAME, "a_b"), -EINVAL);
        assert_string_equal(s->hostname, "a.b-c");

        assert_int_equal(set(s, SETTING_SLICE, "a-b"), 0);
        assert_string_equal(s->slice, "a-b.slice");
        assert_int_equal(set(s, SETTING_SLICE, "-.slice"), 0);
        assert_string_equal(s->slice, "-.slice");
        assert_int_equal(set(s, SETTING_WORKING_DIRECTORY, "srv"), -EINVAL);
}

static void test_slice(void **state)
{
        static const struct { const char *text, *name; } good[] = {
                { "a", "a.slice" }, { "a-b", "a-b.slice" }, { "a-b.slice", "a-b.slice" }, { "a.b.slice", "a.b.slice" },
                { "-", "-.slice" }, { "-.slice", "-.slice" }, { "slice", "slice.slice" }, { "a\\x2db.slice", "a\\x2db.slice" },
        };
        static const char *const bad[] = {
                ".slice", ".slice.slice", ".a.slice", ".", "-a", "-a.slice", "a-", "a-.slice", "a--b", "a--b.slice", "--",
                "--.slice", "a/b.slice", "a@b.slice", "a b", "\xc3\xa4.slice",
        };
        Settings *s = *state;

        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                assert_int_equal(set(s, SETTING_SLICE, good[i].text), 0);
                assert_string_equal(s->slice, good[i].name);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(set(s, SETTING_SLICE, bad[i]), -EINVAL);
        assert_string_equal(s->slice, good[ARRAY_SIZE(good) - 1].name);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                CASE(test_defaults),
                CASE(test_start_mode),
                CASE(test_parameters),
                CASE(test_environment),
                CASE(test_machine_id),
                CASE(test_signal),
                CASE(test_capabilities),
                CASE(test_address_families),
                CASE(test_system_call_filter),
                CASE(test_private_users),
                CASE(test_ownership),
                CASE(test_bind),
                CASE(test_bind_refused),
                CASE(test_tmpfs_and_inaccessible),
                CASE(test_bind_user),
                CASE(test_choices_and_names),
                CASE(test_slice),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
