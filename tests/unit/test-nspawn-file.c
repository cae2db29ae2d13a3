/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The grammar with everything that can be wrong in a file, and files that are invalid as a whole. */

#include "config/nspawn-file.h"
#include "tree-fixture.h"

typedef struct Parsed {
        Assignments a;
        Problems problems;
} Parsed;

static void parsed_done(Parsed *p)
{
        assignments_done(&p->a);
        problems_done(&p->problems);
}
#define _cleanup_parsed_ _cleanup_(parsed_done)

static void parse_bytes(Parsed *p, const char *text, size_t size)
{
        /* A copy without a byte behind it, so that the sanitizer sees a read past the end. */
        char *exact = malloc(size ? size : 1);

        assert_non_null(exact);
        memcpy(exact, text, size);
        assert_int_equal(nspawn_file_parse("f", exact, size, &p->a, &p->problems), 0);
        free(exact);
}

static void parse(Parsed *p, const char *text)
{
        parse_bytes(p, text, strlen(text));
}

static void expect(const Parsed *p, size_t i, const char *key, const char *value, unsigned line)
{
        assert_true(i < p->a.n);
        assert_string_equal(p->a.items[i].row->key, key);
        assert_string_equal(p->a.items[i].value, value);
        assert_int_equal(p->a.items[i].from.line, line);
        assert_string_equal(p->a.items[i].from.where, "f");
}

static void test_plain(void **state)
{
        _cleanup_parsed_ Parsed p = { .a.trusted = true };

        parse(&p, "# comment\n; another\n\n[Exec]\nBoot=yes\n  Hostname =  a b \n#Boot=no\n[Files]\n"
                  "Bind=/a=b;#c\n\tBind=\n[Network]\nPrivate=no");
        assert_int_equal(p.problems.n, 0);
        assert_int_equal(p.a.n, 5);
        expect(&p, 0, "Boot", "yes", 5);
        expect(&p, 1, "Hostname", "a b", 6);
        expect(&p, 2, "Bind", "/a=b;#c", 9);
        expect(&p, 3, "Bind", "", 10);
        expect(&p, 4, "Private", "no", 12);
}

static void test_bom_and_crlf(void **state)
{
        _cleanup_parsed_ Parsed p = { 0 }, cr = { 0 };

        parse(&p, "\xef\xbb\xbf[Exec]\r\nBoot=yes\r\n\r\nEnvironment=A=1 \\\r\n  B=2\r\n");
        assert_int_equal(p.problems.n, 0);
        expect(&p, 0, "Boot", "yes", 2);
        expect(&p, 1, "Environment", "A=1    B=2", 4);

        parse(&cr, "[Exec]\nHostname=a\rb\n");
        assert_int_equal(cr.problems.n_fatal, 1);
        assert_int_equal(cr.a.n, 0);
}

static void test_continuation(void **state)
{
        _cleanup_parsed_ Parsed p = { .a.trusted = true };

        parse(&p, "[Exec]\n"
                  "Parameters=a \\\n# in between\n   ; too\nb\\\nc\n"       /* 2 to 6 */
                  "Environment=X=\\\\\n"                                    /* an even number does not go on */
                  "Hostname=x\\\\\\\n[Files]\n"                             /* three do: the section is swallowed */
                  "# comments never go on \\\n"
                  "Boot=1\\");                                              /* nor is there more at the end */
        assert_int_equal(p.problems.n, 0);
        expect(&p, 0, "Parameters", "a  b c", 2);
        expect(&p, 1, "Environment", "X=\\\\", 7);
        expect(&p, 2, "Hostname", "x\\\\ [Files]", 8);
        expect(&p, 3, "Boot", "1", 11);
        assert_int_equal(p.a.n, 4);
}

static void test_unknown_names_warn(void **state)
{
        _cleanup_parsed_ Parsed p = { .a.trusted = true };

        parse(&p, "[Exec]\nBoots=yes\nFrobnicate=1\nX-Mine=1\n[Netwrok]\nSpeed=10\nnonsense\n"
                  "[X-Other]\nanything goes\n[X-Foo]\nBoot=perhaps\n[Files]\nReadOnly=yes\n");
        assert_int_equal(p.a.n, 1);
        expect(&p, 0, "ReadOnly", "yes", 13);
        assert_int_equal(p.problems.n_fatal, 0);
        assert_int_equal(p.problems.n, 3);
        assert_string_equal(p.problems.items[0].text,
                            "f:2: unknown key Boots= in [Exec], ignored; did you mean Boot=?");
        assert_string_equal(p.problems.items[1].text, "f:3: unknown key Frobnicate= in [Exec], ignored");
        assert_string_equal(p.problems.items[2].text,
                            "f:5: unknown section [Netwrok], ignored; did you mean [Network]?");
}

static void test_harmless_misplaced_keys_warn(void **state)
{
        static const struct { const char *text, *message; } cases[] = {
                { "[Exec]\nBind=/srv\n", "f:2: Bind= belongs in [Files], not in [Exec]; ignored" },
                { "[Files]\nHostname=web\n", "f:2: Hostname= belongs in [Exec], not in [Files]; ignored" },
                { "[Network]\nBoot=yes\n", "f:2: Boot= belongs in [Exec], not in [Network]; ignored" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_parsed_ Parsed p = { .a.trusted = true };

                parse(&p, cases[i].text);
                assert_int_equal(p.a.n, 0);
                assert_int_equal(p.problems.n_fatal, 0);
                assert_string_equal(p.problems.items[0].text, cases[i].message);
        }
}

/* What may restrict the machine is never left out, whether it is misspelt, misplaced or of a newer systemd-nspawn. */
static void test_unknown_restrictions_are_errors(void **state)
{
        static const struct { const char *text, *message; } cases[] = {
                { "[Exec]\nNoNewPrivilege=yes\n", "unknown key NoNewPrivilege= in [Exec]; did you mean NoNewPrivileges=?" },
                { "[Exec]\nDropCapabilities=CAP_MKNOD\n", "did you mean DropCapability=?" },
                { "[Exec]\nRestrictNamespaces=yes\n", "unknown key RestrictNamespaces= in [Exec]" },
                { "[Exec]\nSystemcallfilter=~@mount\n", "did you mean SystemCallFilter=?" },
                { "[Exec]\nNoExecPaths=/\n", "unknown key NoExecPaths=" },
                { "[Files]\nReadonly=yes\n", "did you mean ReadOnly=?" },
                { "[Files]\nInacessible=/etc\n", "did you mean Inaccessible=?" },
                { "[Network]\nPrivte=yes\n", "did you mean Private=?" },
                { "[Files]\nDropCapability=all\n", "DropCapability= belongs in [Exec], not in [Files]" },
                { "[X-Resources]\nMemory-High=1G\n", "did you mean MemoryHigh=?" },
                { "[X-Resources]\nfrobnicate=1\n", "unknown key frobnicate= in [X-Resources]" },
                { "[Exec]\nMACVLAN=eth0\n", "MACVLAN= belongs in [Network], not in [Exec]" },
                { "[Exec]\nMemoryHigh=1G\n", "MemoryHigh= belongs in [X-Resources], not in [Exec]" },
                { "[X-Resources]\nBoot=yes\n", "Boot= belongs in [Exec], not in [X-Resources]" },
                { "[Network]\nBridgeVLAN=5\n", "unknown key BridgeVLAN= in [Network]" },
                { "[X-Box]\nNestng=no\n", "did you mean Nesting=?" },
                { "[Exce]\nNoNewPrivileges=yes\n", "NoNewPrivileges= belongs in [Exec], not in [Exce]" },
                { "[exec]\nUser=web\n", "User= belongs in [Exec], not in [exec]" },
                { "[Exce]\nRestrictAll=yes\n", "unknown key RestrictAll= in [Exce]" },
                { "[X-Resource]\nMemoryMax=1G\n", "f:1: unknown section [X-Resource]; did you mean [X-Resources]?" },
                { "[X-box]\nIdMap=0:1:1\n", "f:1: unknown section [X-box]; did you mean [X-Box]?" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                for (int trusted = 1; trusted >= 0; trusted--) {
                        _cleanup_parsed_ Parsed p = { .a.trusted = trusted };

                        parse(&p, cases[i].text);
                        if (p.problems.n_fatal != 1)
                                fail_msg("%s", cases[i].text);
                        if (trusted && !strstr(p.problems.items[p.problems.n - 1].text, cases[i].message))
                                fail_msg("%s", p.problems.items[p.problems.n - 1].text);
                }
}

/* Names as systemd gives them to what restricts; none is known. */
static void test_names_that_restrict(void **state)
{
        static const char *const names[] = {
                "RestrictRealtime", "PrivateTmp", "ProtectHome", "NoExecPaths", "LimitBPF", "MemoryDenyWriteExecute",
                "ProcSubset", "KeyringMode", "UMask", "SecureBits", "DynamicUser", "UserNamespacePath", "RootVerity",
                "RootHashSignature", "TasksHigh", "ReadOnlyPaths", "HidePaths", "SystemCallArchitectures", "DisableControllers",
                "Nosuid", "DropAmbient", "DeviceFilter", "IOBandwidth", "MountPolicy", "SmackProcessLabel", "LockPersonality",
                "OverlayExclude", "BlockIO", "SupplementaryGroups", "TrustedOnly",
        };
        static const char *const harmless[] = { "Frobnicate", "Banner", "Locale", "Title", "NotifySocket", "Node", "Tint" };

        for (size_t i = 0; i < ARRAY_SIZE(names) + ARRAY_SIZE(harmless); i++)
                for (int files = 0; files < 2; files++) {
                        bool restricts = i < ARRAY_SIZE(names);
                        _cleanup_parsed_ Parsed p = { .a.trusted = true };
                        char text[128];

                        (void) snprintf(text, sizeof(text), "[%s]\n%s=yes\n", files ? "Files" : "Exec",
                                        restricts ? names[i] : harmless[i - ARRAY_SIZE(names)]);
                        parse(&p, text);
                        if (p.problems.n != 1 || p.problems.n_fatal != restricts)
                                fail_msg("%s", text);
                }
}

/* The host's systemd may have it. */
static void test_other_resources(void **state)
{
        _cleanup_parsed_ Parsed p = { .a.trusted = true };

        parse(&p, "[X-Resources]\nMemoryTHP=always\nTasksMax=7\nOOMRule= a b\nMemoryTHP=\n");
        assert_int_equal(p.problems.n, 0);
        assert_int_equal(p.a.n, 4);
        assert_int_equal(p.a.items[0].row->id, SETTING_OTHER_RESOURCE);
        assert_string_equal(p.a.items[0].value, "MemoryTHP=always");
        assert_int_equal(p.a.items[0].from.line, 2);
        assert_int_equal(p.a.items[1].row->id, SETTING_TASKS_MAX);
        assert_string_equal(p.a.items[2].value, "OOMRule=a b");
        assert_string_equal(p.a.items[3].value, "MemoryTHP=");
}

static void test_broken_lines_are_errors(void **state)
{
        static const struct {
                const char *text;
                size_t size;
                unsigned line;
                const char *word;
        } cases[] = {
                { "Boot=yes\n", 9, 1, "[Section]" },
                { "[Exec\nBoot=yes\n", 15, 1, "']'" },
                { "[Exec]\nBoot\n", 12, 2, "KEY=VALUE" },
                { "[Exec]\n=yes\n", 12, 2, "KEY=VALUE" },
                { "[Exec]\nHostname=\xe4\n", 18, 2, "UTF-8" },
                { "[Exec]\nHostname=\033\n", 18, 2, "control" },
                { "[Exec]\nHost\0name=x\n", 19, 2, "NUL" },
                { "[Exec]\n#\0\n", 10, 2, "NUL" },
                { "\0", 1, 1, "NUL" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_parsed_ Parsed p = { .a.trusted = true };
                char prefix[16];

                parse_bytes(&p, cases[i].text, cases[i].size);
                assert_true(p.problems.n_fatal >= 1);
                (void) snprintf(prefix, sizeof(prefix), "f:%u: ", cases[i].line);
                assert_int_equal(strncmp(p.problems.items[0].text, prefix, strlen(prefix)), 0);
                if (!strstr(p.problems.items[0].text, cases[i].word))
                        fail_msg("'%s' does not say %s", p.problems.items[0].text, cases[i].word);
        }
}

static void test_latin1_comment_is_fine(void **state)
{
        _cleanup_parsed_ Parsed p = { .a.trusted = true };

        parse(&p, "# K\xe4se\n[Exec]\nBoot=yes\n");
        assert_int_equal(p.problems.n, 0);
        assert_int_equal(p.a.n, 1);
}

/* One that is too long is told once, and what follows is read. */
static void test_long_lines(void **state)
{
        const size_t max = 64 * 1024;
        char *text = malloc(3 * max);
        size_t n;

        assert_non_null(text);
        for (int over = 0; over < 2; over++) {
                _cleanup_parsed_ Parsed p = { .a.trusted = true };

                n = (size_t) sprintf(text, "[Exec]\nHostname=");
                memset(text + n, 'x', max - 9 + (size_t) over);
                n += max - 9 + (size_t) over;
                n += (size_t) sprintf(text + n, "\nBoot=yes\n");
                parse_bytes(&p, text, n);
                assert_int_equal(p.problems.n_fatal, over);
                assert_int_equal(p.a.n, 2 - over);
        }
        for (int over = 0; over < 2; over++) {          /* the same length, in continuations */
                _cleanup_parsed_ Parsed p = { .a.trusted = true };

                n = (size_t) sprintf(text, "[Exec]\n");
                for (size_t i = 0; i < max / 2 - !over; i++)
                        n += (size_t) sprintf(text + n, "x\\\n");
                n += (size_t) sprintf(text + n, "=\nBoot=yes\n");
                parse_bytes(&p, text, n);
                assert_int_equal(p.problems.n_fatal, over);
                assert_int_equal(p.a.n, 1);
        }
        free(text);
}

static void test_flood_of_mistakes_ends(void **state)
{
        _cleanup_parsed_ Parsed p = { .a.trusted = true };
        size_t n = 1000000;
        char *text = malloc(n);

        assert_non_null(text);
        for (size_t i = 0; i < n; i++)
                text[i] = i % 2 ? '\n' : 'x';
        parse_bytes(&p, text, n);
        assert_int_equal(p.problems.n, 101);
        free(text);
}

static void test_empty(void **state)
{
        _cleanup_parsed_ Parsed p = { .a.trusted = true };

        parse(&p, "");
        parse(&p, "\xef\xbb\xbf");
        parse(&p, "\\");
        parse(&p, "\n\n[Exec]\n[Exec]\n");
        assert_int_equal(p.a.n, 0);
        assert_int_equal(p.problems.n, 0);
}

/* Any bytes at all: no crash, and nothing from them that is not text. */
static void test_noise(void **state)
{
        static const char alphabet[] = "[]=\\\n\r\0#; Exec\xef\xbb\xbf\xff" "Boot=yes\n[Exec]\n";
        unsigned seed = 1;

        for (int round = 0; round < 3000; round++) {
                _cleanup_parsed_ Parsed p = { .a.trusted = true };
                char text[128];

                for (size_t i = 0; i < sizeof(text); i++) {
                        seed = seed * 1103515245U + 12345U;
                        text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
                }
                parse_bytes(&p, text, sizeof(text));
                for (size_t i = 0; i < p.problems.n; i++)
                        assert_null(strpbrk(p.problems.items[i].text, "\n\r\033"));
        }
}

/* ---- reading ---- */

static int read_at(const Tree *t, Parsed *ret)
{
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/m.nspawn", t->path);
        return nspawn_file_read(path, path, /* trusted= */ true, &ret->a, &ret->problems);
}

static void test_read(void **state)
{
        _cleanup_parsed_ Parsed none = { 0 }, some = { 0 }, empty = { 0 }, masked = { 0 };
        const Tree *t = *state;

        assert_int_equal(read_at(t, &none), 0);
        assert_int_equal(none.problems.n, 0);

        tree_fixture_file(t, "m.nspawn", "[Exec]\nHostname=x\nBoots=yes");
        assert_int_equal(read_at(t, &some), 1);
        assert_int_equal(some.a.n, 1);
        assert_true(some.a.trusted);
        assert_int_equal(some.problems.n, 1);
        assert_non_null(strstr(some.problems.items[0].text, "m.nspawn:3: unknown key"));

        tree_fixture_file(t, "m.nspawn", "");
        assert_int_equal(read_at(t, &empty), 1);
        tree_fixture_link(t, "m.nspawn", "/dev/null");
        assert_int_equal(read_at(t, &masked), 1);
        assert_int_equal(empty.a.n + masked.a.n + empty.problems.n + masked.problems.n, 0);
}

static void expect_unreadable(const Tree *t, const char *word)
{
        _cleanup_parsed_ Parsed parsed = { 0 };

        assert_int_equal(read_at(t, &parsed), NSPAWN_FILE_UNREADABLE);
        assert_int_equal(parsed.a.n, 0);
        assert_int_equal(parsed.problems.n_fatal, 1);
        assert_non_null(strstr(parsed.problems.items[0].text, word));
        assert_non_null(strstr(parsed.problems.items[0].text, "/m.nspawn"));
        assert_int_equal(unlinkat(t->fd, "m.nspawn", strcmp(word, "directory") == 0 ? AT_REMOVEDIR : 0), 0);
}

static void test_read_what_is_no_file(void **state)
{
        const Tree *t = *state;
        char *big;

        assert_int_equal(mkfifoat(t->fd, "m.nspawn", 0644), 0);
        expect_unreadable(t, "regular file");                  /* and does not wait for a writer */
        assert_int_equal(mkdirat(t->fd, "m.nspawn", 0755), 0);
        expect_unreadable(t, "directory");
        tree_fixture_link(t, "m.nspawn", "/nonexistent/target");
        expect_unreadable(t, "dangling");
        tree_fixture_link(t, "m.nspawn", "m.nspawn");
        expect_unreadable(t, "symbolic links");
        tree_fixture_link(t, "m.nspawn", "/dev/zero");
        expect_unreadable(t, "regular file");

        big = malloc(10 * NSPAWN_FILE_MAX);
        assert_non_null(big);
        memset(big, '\n', 10 * NSPAWN_FILE_MAX);
        tree_fixture_bytes(t, "m.nspawn", big, 10 * NSPAWN_FILE_MAX, 0644);
        free(big);
        expect_unreadable(t, "larger than 1024 KiB");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_plain),
                cmocka_unit_test(test_bom_and_crlf),
                cmocka_unit_test(test_continuation),
                cmocka_unit_test(test_unknown_names_warn),
                cmocka_unit_test(test_harmless_misplaced_keys_warn),
                cmocka_unit_test(test_unknown_restrictions_are_errors),
                cmocka_unit_test(test_names_that_restrict),
                cmocka_unit_test(test_other_resources),
                cmocka_unit_test(test_broken_lines_are_errors),
                cmocka_unit_test(test_latin1_comment_is_fine),
                cmocka_unit_test(test_long_lines),
                cmocka_unit_test(test_flood_of_mistakes_ends),
                cmocka_unit_test(test_empty),
                cmocka_unit_test(test_noise),
                TREE_TEST(test_read),
                TREE_TEST(test_read_what_is_no_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
