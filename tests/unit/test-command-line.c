/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <stdio.h>

#include "config/command-line.h"
#include "util/strv.h"

typedef struct Line {
        Assignments a;
        Problems problems;
        CommandLineAction action;
        Settings s;
} Line;

static void line_done(Line *l)
{
        settings_done(&l->s);
        assignments_done(&l->a);
        problems_done(&l->problems);
}
#define _cleanup_line_ _cleanup_(line_done)

static void parse_words(Line *l, size_t n, const char *const words[])
{
        char *argv[32];

        assert_true(n < ARRAY_SIZE(argv));
        for (size_t i = 0; i < n; i++)
                argv[i] = (char *) words[i];
        argv[n] = NULL;
        settings_init(&l->s);
        assert_int_equal(command_line_parse((int) n, argv, &l->a, &l->action, &l->problems), 0);
        assert_true(l->a.trusted);
        assert_int_equal(assignments_apply(&l->a, NULL, &l->s, &l->problems), 0);
}
#define PARSE(l, ...) \
        parse_words(l, ARRAY_SIZE(((const char *const[]) { "box-run", __VA_ARGS__ })), \
                    (const char *const[]) { "box-run", __VA_ARGS__ })

/* The words of systemd-nspawn's own unit. */
static void test_the_units_words(void **state)
{
        _cleanup_line_ Line l = { 0 };

        PARSE(&l, "--quiet", "--keep-unit", "--boot", "--link-journal=try-guest", "--network-veth", "-U",
              "--settings=override", "--machine=deb");
        assert_int_equal(l.problems.n, 0);
        assert_int_equal(l.action, COMMAND_LINE_RUN);
        assert_true(l.s.quiet && l.s.keep_unit);
        assert_int_equal(settings_start_mode(&l.s), START_BOOT);
        assert_int_equal(l.s.link_journal, LINK_JOURNAL_TRY_GUEST);
        assert_true(settings_veth(&l.s));
        assert_int_equal(l.s.private_users, PRIVATE_USERS_PICK);
        assert_string_equal(l.s.from[SETTING_PRIVATE_USERS].where, "-U");
        assert_string_equal(l.s.from[SETTING_BOOT].where, "--boot");
        assert_int_equal(l.s.settings_mode, SETTINGS_OVERRIDE);
        assert_string_equal(assignments_last(&l.a, SETTING_MACHINE), "deb");
}

static void test_short_switches(void **state)
{
        _cleanup_line_ Line l = { 0 };

        PARSE(&l, "-bqD/srv/x", "-M", "name", "-nU", "-S", "a", "-j", "-E", "A=b c", "-P");
        assert_int_equal(l.problems.n, 0);
        assert_true(l.s.quiet && l.s.boot == YES);
        assert_string_equal(l.s.directory, "/srv/x");
        assert_string_equal(l.s.machine, "name");
        assert_string_equal(l.s.slice, "a.slice");
        assert_string_equal(strv_env_get(l.s.environment, "A"), "b c");
        assert_int_equal(l.s.console, CONSOLE_PIPE);
}

static void test_parameters_stay_as_they_are(void **state)
{
        _cleanup_line_ Line l = { 0 }, dashes = { 0 }, none = { 0 };

        PARSE(&l, "-D", "/x", "/bin/sh", "-c", "echo \"a  b\" 'c' \\n\n", "", "--help");
        assert_int_equal(l.problems.n, 0);
        assert_int_equal(l.action, COMMAND_LINE_RUN);
        assert_int_equal(strv_length(l.s.parameters), 5);
        assert_string_equal(l.s.parameters[0], "/bin/sh");
        assert_string_equal(l.s.parameters[2], "echo \"a  b\" 'c' \\n\n");
        assert_string_equal(l.s.parameters[3], "");
        assert_string_equal(l.s.parameters[4], "--help");

        PARSE(&dashes, "-b", "--", "-b", "--", "-");
        assert_int_equal(strv_length(dashes.s.parameters), 3);
        assert_string_equal(dashes.s.parameters[1], "--");

        PARSE(&none, "-b", "--");
        assert_null(none.s.parameters);
        assert_null(assignments_last(&none.a, SETTING_PARAMETERS));
}

static void test_optional_and_detached_values(void **state)
{
        _cleanup_line_ Line l = { 0 }, with = { 0 };

        PARSE(&l, "--private-users", "--machine", "x", "--bind", "/a:/b", "--private-users-ownership", "map");
        assert_int_equal(l.s.private_users, PRIVATE_USERS_TREE);
        assert_string_equal(l.s.machine, "x");
        assert_int_equal(l.s.n_binds, 1);
        assert_string_equal(l.s.binds[0].from.where, "--bind=");

        PARSE(&with, "--private-users=0", "--machine=");
        assert_int_equal(with.s.private_users, PRIVATE_USERS_FIXED);
        assert_null(with.s.machine);
}

static void test_switches_of_other_programs(void **state)
{
        _cleanup_line_ Line l = { 0 };

        PARSE(&l, "--volume=/srv:/srv", "-v", "--rm", "-e", "--network=x", "--foo");
        assert_int_equal(l.problems.n_fatal, 6);
        assert_string_equal(l.problems.items[0].text, "unknown switch --volume; did you mean --bind?");
        assert_string_equal(l.problems.items[1].text, "unknown switch -v; did you mean --bind?");
        assert_string_equal(l.problems.items[2].text, "unknown switch --rm; did you mean --ephemeral?");
        assert_string_equal(l.problems.items[3].text, "unknown switch -e; did you mean --setenv?");
        assert_string_equal(l.problems.items[4].text, "unknown switch --network");
        assert_string_equal(l.problems.items[5].text, "unknown switch --foo");
}

static void test_environment_is_passed_on(void **state)
{
        _cleanup_line_ Line l = { 0 };

        assert_int_equal(setenv("BOX_TEST_VARIABLE", "from outside", 1), 0);
        assert_int_equal(unsetenv("BOX_TEST_UNSET"), 0);
        PARSE(&l, "-E", "BOX_TEST_VARIABLE", "--setenv=BOX_TEST_UNSET");
        assert_string_equal(strv_env_get(l.s.environment, "BOX_TEST_VARIABLE"), "from outside");
        assert_string_equal(strv_env_get(l.s.environment, "BOX_TEST_UNSET"), "");
}

static void test_all_mistakes_are_told(void **state)
{
        _cleanup_line_ Line l = { 0 };

        PARSE(&l, "--network-vet", "--boot=yes", "-Y", "--hostname=a_b", "--frobnicate", "--machine");
        assert_int_equal(l.problems.n_fatal, 6);
        assert_string_equal(l.problems.items[0].text, "unknown switch --network-vet; did you mean --network-veth?");
        assert_string_equal(l.problems.items[1].text, "--boot takes no value");
        assert_string_equal(l.problems.items[2].text, "unknown switch -Y");
        assert_string_equal(l.problems.items[3].text, "unknown switch --frobnicate");
        assert_string_equal(l.problems.items[4].text, "--machine needs a value: NAME");
        assert_non_null(strstr(l.problems.items[5].text, "--hostname=a_b: not a valid name"));
}

static void test_set(void **state)
{
        _cleanup_line_ Line l = { 0 }, wrong = { 0 };

        PARSE(&l, "--set=Hostname=a", "--set", "Boot=yes", "--set=HostView=lxcfs", "--set=MemoryMax=1G", "--set=Bind=", "true");
        assert_int_equal(l.problems.n, 0);
        assert_string_equal(assignments_last(&l.a, SETTING_HOSTNAME), "a");
        assert_string_equal(assignments_last(&l.a, SETTING_BOOT), "yes");
        assert_string_equal(assignments_last(&l.a, SETTING_HOST_VIEW), "lxcfs");
        assert_string_equal(assignments_last(&l.a, SETTING_BIND), "");
        assert_string_equal(l.a.items[0].from.where, "--set=Hostname=");
        assert_true(source_is_switch(l.a.items[0].from));

        PARSE(&wrong, "--set=Hostnam=a", "--set=Hostname", "--set==x", "--set=ZswapMaxFuture=5");
        assert_int_equal(wrong.problems.n, 3);
        assert_string_equal(wrong.problems.items[0].text, "--set=Hostnam=: unknown key; did you mean Hostname?");
        assert_string_equal(wrong.problems.items[1].text, "--set=Hostname: not KEY=VALUE");
        /* The host's systemd may know it. */
        assert_string_equal(assignments_last(&wrong.a, SETTING_OTHER_RESOURCE), "ZswapMaxFuture=5");
}

static void test_actions(void **state)
{
        _cleanup_line_ Line help = { 0 }, version = { 0 }, late = { 0 };

        PARSE(&help, "-b", "-h", "--nonsense");
        assert_int_equal(help.action, COMMAND_LINE_HELP);
        assert_int_equal(help.problems.n, 0);
        PARSE(&version, "--version");
        assert_int_equal(version.action, COMMAND_LINE_VERSION);
        PARSE(&late, "true", "--version");
        assert_int_equal(late.action, COMMAND_LINE_RUN);
}

static size_t columns(const char *s)
{
        size_t n = 0;

        for (; *s; s++)
                n += ((unsigned char) *s & 0xc0) != 0x80;
        return n;
}

/* Each switch that is not hidden is there, and no line is too wide for a terminal. */
static void test_help(void **state)
{
        char *text = NULL, *copy, *save = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(f);
        assert_int_equal(command_line_help(f, "box-run"), 0);
        assert_int_equal(fclose(f), 0);

        for (size_t i = 0; i < settings_table_size; i++) {
                const SettingRow *row = &settings_table[i];
                char want[80];

                if (!row->option)
                        continue;
                (void) snprintf(want, sizeof(want), " --%s", row->option);
                if (!strstr(text, want) != !!(row->flags & SETTING_HIDDEN))
                        fail_msg("--%s: in the help, or not, against the table", row->option);
        }

        copy = strdup(text);
        assert_non_null(copy);
        for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                if (columns(line) > 79 || line[strlen(line) - 1] == ' ')
                        fail_msg("a line of the help is too wide, or ends with a space: '%s'", line);
        free(copy);
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_units_words),
                cmocka_unit_test(test_short_switches),
                cmocka_unit_test(test_parameters_stay_as_they_are),
                cmocka_unit_test(test_optional_and_detached_values),
                cmocka_unit_test(test_environment_is_passed_on),
                cmocka_unit_test(test_switches_of_other_programs),
                cmocka_unit_test(test_all_mistakes_are_told),
                cmocka_unit_test(test_set),
                cmocka_unit_test(test_actions),
                cmocka_unit_test(test_help),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
