/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl's command line: the options' table, the parser, and what each verb takes. */

#include "test.h"

#include <limits.h>
#include <signal.h>

#include "ctl/verb.h"
#include "util/strv.h"

#define PARSE(line, ...)                                                                                        \
        ({                                                                                                      \
                char *_argv[] = { (char *) "boxctl", __VA_ARGS__, NULL };                                       \
                Failure _f = { 0 };                                                                             \
                int _r = options_parse((int) ARRAY_SIZE(_argv) - 1, _argv, verb_options_end, line, &_f);      \
                if (_r < 0)                                                                                     \
                        (void) snprintf(complaint, sizeof(complaint), "%s", _f.text);                           \
                _r;                                                                                             \
        })
#define W(s) (char *) s

static char complaint[sizeof(((Failure *) NULL)->text)];

static void assert_words(const CommandLine *line, const char *const *want)
{
        size_t n = 0;

        for (; want[n]; n++) {
                assert_true(n < strv_length(line->words));
                assert_string_equal(line->words[n], want[n]);
        }
        assert_int_equal(strv_length(line->words), n);
}

static void test_options_parse_defaults(void **state)
{
        CommandLine line;

        assert_int_equal(PARSE(&line, W("list")), 0);
        assert_int_equal(line.options.signal, SIGTERM);
        assert_int_equal(options_lines(&line.options, 10), 10);
        assert_int_equal(line.options.priority, -1);
        assert_false(line.options.by_start);
        assert_int_equal(line.options.max_addresses, 1);
        assert_string_equal(line.options.kill_whom, "all");
        assert_false(line.options.all || line.options.quiet || line.options.now || line.options.value);
        command_line_done(&line);
}

static void test_options_parse_permuted(void **state)
{
        CommandLine line;

        assert_int_equal(PARSE(&line, W("-q"), W("kill"), W("a"), W("-s"), W("RTMIN+3"), W("b"), W("--kill-whom=leader")), 0);
        assert_words(&line, (const char *const[]) { "kill", "a", "b", NULL });
        assert_true(line.options.quiet);
        assert_int_equal(line.options.signal, SIGRTMIN + 3);
        assert_string_equal(line.options.kill_whom, "leader");
        command_line_done(&line);
}

static void test_options_parse_command_is_left_alone(void **state)
{
        CommandLine line;

        assert_int_equal(PARSE(&line, W("shell"), W("-q"), W("x@y"), W("/bin/ls"), W("-l"), W("--all")), 0);
        assert_words(&line, (const char *const[]) { "shell", "x@y", "/bin/ls", "-l", "--all", NULL });
        assert_true(line.options.quiet);
        assert_false(line.options.full || line.options.all);
        command_line_done(&line);

        /* Only shell's is a command. */
        assert_int_equal(PARSE(&line, W("show"), W("x"), W("--all")), 0);
        assert_words(&line, (const char *const[]) { "show", "x", NULL });
        assert_true(line.options.all);
        command_line_done(&line);

        /* Options of exec may follow its name; those of the command begin with the command. */
        assert_int_equal(PARSE(&line, W("exec"), W("x"), W("-t"), W("-u"), W("a"), W("ls"), W("-l"), W("--"), W("b")), 0);
        assert_words(&line, (const char *const[]) { "exec", "x", "ls", "-l", "--", "b", NULL });
        assert_string_equal(line.options.uid, "a");
        assert_true(line.options.tty);
        command_line_done(&line);
        assert_int_equal(PARSE(&line, W("exec"), W("x"), W("--"), W("-t"), W("--")), 0);
        assert_words(&line, (const char *const[]) { "exec", "x", "-t", "--", NULL });
        assert_false(line.options.tty);
        command_line_done(&line);
}

static void test_options_parse_double_dash(void **state)
{
        CommandLine line;

        assert_int_equal(PARSE(&line, W("start"), W("--"), W("-q")), 0);
        assert_words(&line, (const char *const[]) { "start", "-q", NULL });
        assert_false(line.options.quiet);
        command_line_done(&line);
}

static void test_options_parse_properties(void **state)
{
        CommandLine line;

        assert_int_equal(PARSE(&line, W("show"), W("-p"), W("Name"), W("--property=Id"), W("x")), 0);
        assert_int_equal(strv_length(line.options.properties), 2);
        assert_string_equal(line.options.properties[1], "Id");
        assert_true(line.options.all);          /* an empty one was asked for too */
        assert_false(line.options.value);
        command_line_done(&line);

        assert_int_equal(PARSE(&line, W("show"), W("-PLeader"), W("x")), 0);
        assert_string_equal(line.options.properties[0], "Leader");
        assert_true(line.options.value);
        command_line_done(&line);
}

static void test_options_parse_setenv(void **state)
{
        CommandLine line;

        assert_int_equal(setenv("BOX_TEST_OURS", "here", 1), 0);
        assert_int_equal(PARSE(&line, W("-E"), W("A=1"), W("-EA=2"), W("--setenv=BOX_TEST_OURS"), W("-E"), W("BOX_TEST_NONE"),
                               W("--setenv=EMPTY="), W("shell")), 0);
        assert_int_equal(strv_length(line.options.setenv), 3);
        assert_string_equal(strv_env_get(line.options.setenv, "A"), "2");
        assert_string_equal(strv_env_get(line.options.setenv, "BOX_TEST_OURS"), "here");
        assert_string_equal(strv_env_get(line.options.setenv, "EMPTY"), "");
        command_line_done(&line);
}

static void test_options_parse_letter_of_the_verb(void **state)
{
        CommandLine line;

        assert_int_equal(PARSE(&line, W("-p"), W("err"), W("logs"), W("x")), 0);
        assert_int_equal(line.options.priority, 3);
        assert_null(line.options.properties);
        command_line_done(&line);
        assert_int_equal(PARSE(&line, W("-q"), W("logs"), W("-p4"), W("x")), 0);
        assert_int_equal(line.options.priority, 4);
        command_line_done(&line);
        assert_int_equal(PARSE(&line, W("-p"), W("err"), W("show"), W("x")), 0);
        assert_int_equal(line.options.priority, -1);
        assert_string_equal(line.options.properties[0], "err");
        command_line_done(&line);

        assert_int_equal(PARSE(&line, W("logs"), W("-p"), W("8")), -EINVAL);
        assert_string_equal(complaint, "Invalid value for --priority=: '8' (emerg, alert, crit, err, warning, notice, info, "
                                       "debug, or 0 to 7)");
}

static void test_options_parse_optional_value(void **state)
{
        CommandLine line;

        assert_int_equal(PARSE(&line, W("logs"), W("-b"), W("x")), 0);
        assert_true(line.options.by_start && line.options.start == 0);
        assert_words(&line, (const char *const[]) { "logs", "x", NULL });
        command_line_done(&line);
        assert_int_equal(PARSE(&line, W("logs"), W("-b"), W("-1"), W("x")), 0);
        assert_int_equal(line.options.start, -1);
        assert_words(&line, (const char *const[]) { "logs", "x", NULL });
        command_line_done(&line);
        assert_int_equal(PARSE(&line, W("logs"), W("-b-2"), W("--boot"), W("x")), 0);
        assert_true(line.options.by_start && line.options.start == 0);
        command_line_done(&line);
        assert_int_equal(PARSE(&line, W("logs"), W("--boot=3"), W("-b"), W("-q")), 0);
        assert_true(line.options.by_start && line.options.start == 0);
        assert_true(line.options.quiet);
        command_line_done(&line);
        assert_int_equal(PARSE(&line, W("logs"), W("--boot=x")), -EINVAL);
        assert_int_equal(PARSE(&line, W("logs"), W("--boot=-")), -EINVAL);
}

static void test_options_parse_numbers(void **state)
{
        CommandLine line;

        assert_int_equal(PARSE(&line, W("status"), W("-n0"), W("--max-addresses=all")), 0);
        assert_int_equal(line.options.lines, 0);
        assert_int_equal(line.options.max_addresses, UINT_MAX);
        command_line_done(&line);

        assert_int_equal(PARSE(&line, W("status"), W("--lines=-1")), -EINVAL);
        assert_string_equal(complaint, "Invalid value for --lines=: '-1' (a number or all)");
        assert_int_equal(PARSE(&line, W("status"), W("--lines=99999999999")), -EINVAL);
        assert_int_equal(PARSE(&line, W("status"), W("--lines=some")), -EINVAL);
}

static void test_options_parse_fields(void **state)
{
        CommandLine line;

        assert_int_equal(PARSE(&line, W("list"), W("--json"), W("machine,os")), 0);
        assert_string_equal(line.options.columns, "machine,os");
        assert_int_equal(line.options.output, OUTPUT_JSON);
        assert_false(line.options.list_fields);
        command_line_done(&line);
        assert_int_equal(PARSE(&line, W("list"), W("-o"), W("json-pretty"), W("--json=os")), 0);
        assert_int_equal(line.options.output, OUTPUT_JSON_PRETTY);
        command_line_done(&line);

        /* Without a value: which fields are there? */
        assert_int_equal(PARSE(&line, W("list"), W("--json")), 0);
        assert_true(line.options.list_fields);
        command_line_done(&line);

        /* As systemd's programs. */
        assert_int_equal(PARSE(&line, W("list"), W("--json=pretty")), 0);
        assert_int_equal(line.options.output, OUTPUT_JSON_PRETTY);
        assert_null(line.options.columns);
        command_line_done(&line);
        assert_int_equal(PARSE(&line, W("list"), W("--json=off")), 0);
        assert_int_equal(line.options.output, OUTPUT_SHORT);
        command_line_done(&line);
        assert_int_equal(PARSE(&line, W("list"), W("--json=")), -EINVAL);
}

static void test_options_parse_refused(void **state)
{
        CommandLine line;

        assert_int_equal(PARSE(&line, W("list"), W("--frobnicate")), -EINVAL);
        assert_string_equal(complaint, "Unknown option --frobnicate; see --help");
        assert_int_equal(PARSE(&line, W("-qx"), W("list")), -EINVAL);
        assert_string_equal(complaint, "Unknown option -x; see --help");
        assert_int_equal(PARSE(&line, W("list"), W("--quiet=yes")), -EINVAL);
        assert_string_equal(complaint, "--quiet=yes: this option takes no value");
        assert_int_equal(PARSE(&line, W("kill"), W("x"), W("-s")), -EINVAL);
        assert_string_equal(complaint, "-s: the value is missing");
        assert_int_equal(PARSE(&line, W("kill"), W("-s"), W("65"), W("x")), -EINVAL);
        assert_int_equal(PARSE(&line, W("kill"), W("--kill-whom=everybody"), W("x")), -EINVAL);
        assert_int_equal(PARSE(&line, W("list"), W("-o"), W("xml")), -EINVAL);
        assert_int_equal(PARSE(&line, W("shell"), W("-E"), W("=x")), -EINVAL);
        assert_int_equal(PARSE(&line, W("shell"), W("--uid=")), -EINVAL);
        assert_int_equal(PARSE(&line, W("show"), W("-p"), W("")), -EINVAL);
}

static void test_option_is_for_whole_words(void **state)
{
        const Option o = { .name = "x", .verbs = "restart show" };
        const Option any = { .name = "y" };

        assert_true(option_is_for(&o, "restart"));
        assert_true(option_is_for(&o, "show"));
        assert_false(option_is_for(&o, "start"));
        assert_false(option_is_for(&o, "sho"));
        assert_true(option_is_for(&any, "start"));
}

static bool share_no_verb(const Option *a, const Option *b)
{
        for (const Verb *const *v = verbs; *v; v++)
                if (option_is_for(a, (*v)->name) && option_is_for(b, (*v)->name))
                        return false;
        return a->verbs && b->verbs;
}

static void test_options_table_is_whole(void **state)
{
        for (size_t i = 0; i < n_ctl_options; i++) {
                const Option *o = ctl_options + i;

                assert_true(o->name || o->letter);
                assert_non_null(o->help);
                assert_int_equal(o->kind == OPTION_FLAG, o->metavar == NULL);
                for (size_t j = 0; j < i; j++) {
                        /* A letter may mean different things to different verbs, but getopt has to know whether it takes a
                         * value. */
                        if (o->letter && o->letter == ctl_options[j].letter) {
                                assert_true(share_no_verb(o, ctl_options + j));
                                assert_int_equal(o->metavar == NULL, ctl_options[j].metavar == NULL);
                        }
                        assert_false(o->name && ctl_options[j].name && strcmp(o->name, ctl_options[j].name) == 0);
                }
                /* Every verb named there is one. */
                for (const char *p = o->verbs; p && *p;) {
                        size_t n = strcspn(p, " ");
                        char name[32];

                        (void) snprintf(name, sizeof(name), "%.*s", (int) n, p);
                        assert_non_null(verb_find(name));
                        p += n + (p[n] == ' ');
                }
        }
}

static bool takes_option(const Verb *v, const char *name)
{
        for (size_t i = 0; i < n_ctl_options; i++)
                if (ctl_options[i].name && strcmp(ctl_options[i].name, name) == 0)
                        return option_is_for(ctl_options + i, v->name);
        return false;
}

static void test_verbs_table_is_whole(void **state)
{
        assert_ptr_equal(verb_default(), &verb_list);
        assert_ptr_equal(verb_find("poweroff"), &verb_stop);
        assert_ptr_equal(verb_find("restart"), &verb_reboot);
        assert_null(verb_find("stopp"));
        assert_string_equal(verb_nearest("stopp"), "stop");
        assert_string_equal(verb_nearest("powerof"), "poweroff");
        assert_null(verb_nearest("frobnicate"));

        for (const Verb *const *v = verbs; *v; v++) {
                assert_true(!(*v)->run != !(*v)->run_one);
                assert_non_null((*v)->help);
                assert_non_null((*v)->synopsis);
                if (!(*v)->example)
                        fail_msg("%s has no example", (*v)->name);
                assert_int_equal(strncmp((*v)->example, "boxctl", 6), 0);
                assert_true((*v)->min <= (*v)->max);
                /* --all means machines, or more to show. */
                if ((*v)->flags & VERB_ALL)
                        assert_true((*v)->flags & VERB_MANY && takes_option(*v, "all"));
                if ((*v)->flags & VERB_MANY)
                        assert_true((*v)->max == VERB_ANY && (*v)->flags & (VERB_TAKES_RUNNING | VERB_TAKES_IMAGES));
                assert_ptr_equal(verb_find((*v)->name), *v);
        }
}

static int check(const Verb *v, bool lite, CommandLine *line)
{
        Failure f = { 0 };
        int r = verb_accepts(v, line, lite, &f);

        (void) snprintf(complaint, sizeof(complaint), "%s", f.text);
        command_line_done(line);
        return r;
}

static void test_verb_check(void **state)
{
        CommandLine line;

        assert_int_equal(PARSE(&line, W("start"), W("a"), W("b")), 0);
        assert_int_equal(check(&verb_start, false, &line), 0);
        assert_int_equal(PARSE(&line, W("start")), 0);
        assert_int_equal(check(&verb_start, false, &line), -EINVAL);
        assert_int_equal(PARSE(&line, W("login"), W("a"), W("b")), 0);
        assert_int_equal(check(&verb_login, false, &line), -EINVAL);

        assert_int_equal(PARSE(&line, W("list"), W("--now")), 0);
        assert_int_equal(check(&verb_list, false, &line), -EINVAL);
        assert_string_equal(complaint, "--now does not apply to 'list' (only to: enable disable)");
        assert_int_equal(PARSE(&line, W("list"), W("-PName")), 0);
        assert_int_equal(check(&verb_list, false, &line), -EINVAL);

        /* As machinectl: any option with any verb. */
        assert_int_equal(PARSE(&line, W("list"), W("--now")), 0);
        assert_int_equal(check(&verb_list, true, &line), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_options_parse_defaults),
                cmocka_unit_test(test_options_parse_permuted),
                cmocka_unit_test(test_options_parse_command_is_left_alone),
                cmocka_unit_test(test_options_parse_double_dash),
                cmocka_unit_test(test_options_parse_properties),
                cmocka_unit_test(test_options_parse_setenv),
                cmocka_unit_test(test_options_parse_numbers),
                cmocka_unit_test(test_options_parse_letter_of_the_verb),
                cmocka_unit_test(test_options_parse_optional_value),
                cmocka_unit_test(test_options_parse_fields),
                cmocka_unit_test(test_options_parse_refused),
                cmocka_unit_test(test_option_is_for_whole_words),
                cmocka_unit_test(test_options_table_is_whole),
                cmocka_unit_test(test_verbs_table_is_whole),
                cmocka_unit_test(test_verb_check),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
