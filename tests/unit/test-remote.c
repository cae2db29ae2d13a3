/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl on another host: what ssh is told, and what shells make of it there. */

#include "test.h"

#include <sys/wait.h>

#include "ctl/remote.h"
#include "util/strv.h"

static size_t takes_command(const char *verb)
{
        return strcmp(verb, "shell") == 0 ? 2 : 0;
}

/* The command line of ssh in one text. The last word is the other side's command. */
static int command(const char *host, char **argv, bool terminal, char **ret, Failure *failure)
{
        CommandLine line = { 0 };
        char **words = NULL;
        int argc = 0, r;

        while (argv[argc])
                argc++;
        assert_int_equal(options_parse(argc, argv, takes_command, &line, failure), 0);
        r = remote_command(host, "boxctl", &line, terminal, &words, failure);
        if (r >= 0) {
                *ret = calloc(1, 1024);
                assert_non_null(*ret);
                for (char **w = words; *w; w++)
                        (void) snprintf(*ret + strlen(*ret), 1024 - strlen(*ret), "%s%s", w == words ? "" : " ", *w);
        }
        strv_free(words);
        command_line_done(&line);
        return r;
}

static void assert_command(const char *host, char **argv, const char *wanted)
{
        _cleanup_free_ char *got = NULL;
        Failure f = { 0 };

        if (command(host, argv, false, &got, &f) < 0)
                fail_msg("%s", f.text);
        assert_string_equal(got, wanted);
}

#define WORDS(...) ((char *[]) { (char *) "boxctl", __VA_ARGS__ NULL })
#define W(s) (char *) s,

static void test_hosts(void **state)
{
        assert_command("web", WORDS(), "ssh -x -T -oLogLevel=ERROR -- web boxctl");
        assert_command("me@web:2222", WORDS(W("list")), "ssh -x -T -oLogLevel=ERROR -p 2222 -- me@web boxctl -- 'list'");
        assert_command("me@[fe80::1%eth0]:22", WORDS(), "ssh -x -T -oLogLevel=ERROR -p 22 -- me@fe80::1%eth0 boxctl");
        assert_command("[::1]", WORDS(), "ssh -x -T -oLogLevel=ERROR -- ::1 boxctl");
        assert_command("::1", WORDS(), "ssh -x -T -oLogLevel=ERROR -- ::1 boxctl");
}

static void test_bad_hosts(void **state)
{
        static const char *const hosts[] = {
                "", "-oProxyCommand=x", "me@", "@web", "web:", "web:x", "web:0", "web:65536", "[::1]x", "a b", "a\nb", "web/",
                "web/inner", "a;b", "$(x)", ":22",
        };

        for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
                _cleanup_free_ char *got = NULL;
                Failure f = { 0 };

                if (command(hosts[i], WORDS(), false, &got, &f) != -EINVAL)
                        fail_msg("'%s' is taken for a host: %s", hosts[i], got);
                assert_true(*f.text);
        }
}

static void test_options(void **state)
{
        _cleanup_free_ char *got = NULL;

        assert_command("h", WORDS(W("-ql") W("list") W("-o") W("json")),
                       "ssh -x -T -oLogLevel=ERROR -- h boxctl '--quiet' '--full' '--output=json' -- 'list'");
        assert_command("h", WORDS(W("show") W("-P") W("Id") W("-Hother") W("--host=other") W("web")),
                       "ssh -x -T -oLogLevel=ERROR -- h boxctl '-PId' -- 'show' 'web'");
        assert_int_equal(setenv("BOXCTL_TEST", "of ours", 1), 0);
        assert_command("h", WORDS(W("shell") W("-E") W("BOXCTL_TEST") W("web") W("/bin/ls") W("--") W("-H")),
                       "ssh -x -T -oLogLevel=ERROR -- h boxctl --setenv='BOXCTL_TEST=of ours' -- 'shell' 'web' '/bin/ls' '--' "
                       "'-H'");
        assert_int_equal(command("h", WORDS(W("list")), true, &got, NULL), 0);
        assert_string_equal(got, "ssh -x -t -oLogLevel=ERROR -- h env BOXCTL_HOST='h' boxctl -- 'list'");
}

/* Runs the last word of ssh's command line by a shell, with "boxctl" as a function that prints its words. */
static void assert_shell_reads(const char *word)
{
        CommandLine line = { 0 };
        char **words = NULL, script[1024], got[256] = "";
        FILE *f;
        size_t n;

        assert_int_equal(strv_extend(&line.words, "start"), 0);
        assert_int_equal(strv_extend(&line.words, word), 0);
        assert_int_equal(remote_command("h", "boxctl", &line, false, &words, NULL), 0);
        (void) snprintf(script, sizeof(script), "boxctl() { printf '%%s' \"$3\"; }\n%s\n", words[strv_length(words) - 1]);
        f = popen(script, "r");
        assert_non_null(f);
        n = fread(got, 1, sizeof(got) - 1, f);
        assert_int_equal(pclose(f), 0);
        got[n] = 0;
        assert_string_equal(got, word);
        strv_free(words);
        strv_free(line.words);
}

static void test_quoting(void **state)
{
        static const char *const words[] = { "", "'", "\\", "\\'", "'\\''", "$(id)", "`id`", "a b\tc", "a\nb", "*", "~", "!x",
                                             "\"$HOME\"", "; rm x", "-n", "--", "\x1b[2J", "\xff\xfe", "a'b\\c\"d" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                assert_shell_reads(words[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hosts),
                cmocka_unit_test(test_bad_hosts),
                cmocka_unit_test(test_options),
                cmocka_unit_test(test_quoting),
        };

        (void) unsetenv("SYSTEMD_SSH");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
