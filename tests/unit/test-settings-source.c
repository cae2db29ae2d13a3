/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sources of settings, their precedence, and masked, missing or circular ones. */

#include "config/command-line.h"
#include "config/settings-source-print.h"
#include "tree-fixture.h"
#include "util/parse.h"
#include "util/strv.h"

typedef struct Loaded {
        SettingsSources sources;
        Settings s;
        Problems problems;
} Loaded;

static void loaded_done(Loaded *l)
{
        settings_done(&l->s);
        settings_sources_done(&l->sources);
        problems_done(&l->problems);
}
#define _cleanup_loaded_ _cleanup_(loaded_done)

/* Machine "m" with these switches, and its image beside TREE/machines/m.nspawn. */
static void load(const Tree *t, Loaded *l, const char *switches)
{
        _cleanup_(assignments_done) Assignments a = { 0 };
        _cleanup_strv_ char **argv = NULL;
        _cleanup_free_ char *image = NULL;
        CommandLineAction action;

        assert_int_equal(strv_extend(&argv, "box-run"), 0);
        for (char *word; parse_word(&switches, &word) > 0;)
                assert_int_equal(strv_consume(&argv, word), 0);
        assert_true(asprintf(&image, "%s/machines/m", t->path) > 0);
        assert_int_equal(command_line_parse((int) strv_length(argv), argv, &a, &action, &l->problems), 0);

        settings_init(&l->s);
        assert_int_equal(settings_sources_read(&(SettingsPlace) { .root = t->path, .machine = "m", .image_path = image }, &a,
                                     &l->sources, &l->problems), 0);
        assert_int_equal(a.n, 0);
        assert_int_equal(settings_sources_apply(&l->sources, &l->s, &l->problems), 0);
}

/* The files in their order, without the tree's path and separated by blanks; "-" for the switches. */
static const char *order(const Tree *t, const Loaded *l)
{
        static char text[1024];
        size_t n = 0;

        text[0] = 0;
        for (size_t i = 0; i < l->sources.n; i++) {
                const char *path = l->sources.items[i].path;

                n += (size_t) snprintf(text + n, sizeof(text) - n, "%s%s", i > 0 ? " " : "",
                                       path ? path + strlen(t->path) : "-");
        }
        return text;
}

static void expect_no_problem(const Loaded *l)
{
        for (size_t i = 0; i < l->problems.n; i++)
                fail_msg("%s", l->problems.items[i].text);
}

static void expect_problem(const Loaded *l, bool fatal, const char *words)
{
        for (size_t i = 0; i < l->problems.n; i++)
                if (strstr(l->problems.items[i].text, words)) {
                        assert_int_equal(l->problems.items[i].fatal, fatal);
                        return;
                }
        fail_msg("no problem says '%s' (of %zu)", words, l->problems.n);
}

static void test_nothing(void **state)
{
        _cleanup_loaded_ Loaded l = { 0 };

        load(*state, &l, "--boot");
        expect_no_problem(&l);
        assert_string_equal(order(*state, &l), "-");
        assert_int_equal(l.s.boot, YES);
}

static void test_first_file_is_the_only_one(void **state)
{
        _cleanup_loaded_ Loaded beside = { 0 }, trusted = { 0 }, run = { 0 }, etc = { 0 }, no = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "machines/m.nspawn", "[Exec]\nHostname=beside\n[Files]\nBind=/a\n");
        load(t, &beside, "");
        assert_string_equal(order(t, &beside), "/machines/m.nspawn -");
        assert_string_equal(beside.s.hostname, "beside");
        assert_int_equal(beside.s.n_binds, 0);
        expect_problem(&beside, /* fatal= */ false, "machines/m.nspawn:4: Bind=: ignored");
        load(t, &trusted, "--settings=trusted");
        expect_no_problem(&trusted);
        assert_int_equal(trusted.s.n_binds, 1);

        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn", "[Exec]\nHostname=run\n");
        load(t, &run, "");
        assert_string_equal(order(t, &run), "/run/systemd/nspawn/m.nspawn -");

        /* Even one that says nothing. */
        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn", "");
        load(t, &etc, "");
        assert_string_equal(order(t, &etc), "/etc/systemd/nspawn/m.nspawn -");
        assert_null(etc.s.hostname);
        load(t, &no, "--settings=no");
        assert_string_equal(order(t, &no), "-");
}

static void test_drop_ins(void **state)
{
        _cleanup_loaded_ Loaded alone = { 0 }, l = { 0 }, hidden = { 0 };
        const Tree *t = *state;

        /* They need no file beside them, and what is no drop-in is not read. */
        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn.d/20-b.conf", "[Exec]\nHostname=b\n[Files]\nBind=/b\n");
        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn.d/.30-c.conf", "rubbish");
        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn.d/README", "rubbish");
        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn.d/.conf", "rubbish");
        load(t, &alone, "");
        expect_no_problem(&alone);
        assert_string_equal(order(t, &alone), "/run/systemd/nspawn/m.nspawn.d/20-b.conf -");

        /* By name, wherever they lie; what lies beside the image comes first and is not trusted. */
        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn", "[Exec]\nHostname=file\n[Files]\nBind=/file\n");
        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn.d/10-a.conf", "[Files]\nBind=/a\n");
        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn.d/30-c.conf", "[Files]\nBind=\nBind=/c\n");
        load(t, &l, "--hostname=switch --bind=/switch");
        expect_no_problem(&l);
        assert_string_equal(order(t, &l),
                            "/run/systemd/nspawn/m.nspawn /etc/systemd/nspawn/m.nspawn.d/10-a.conf "
                            "/run/systemd/nspawn/m.nspawn.d/20-b.conf /etc/systemd/nspawn/m.nspawn.d/30-c.conf -");
        assert_string_equal(l.s.hostname, "switch");
        assert_int_equal(l.s.n_binds, 2);
        assert_string_equal(l.s.binds[0].source, "/c");
        assert_int_equal(l.s.binds[0].from.line, 3);
        assert_string_equal(l.s.binds[1].source, "/switch");

        tree_fixture_link(t, "etc/systemd/nspawn/m.nspawn.d/20-b.conf", "/dev/null");
        load(t, &hidden, "");
        assert_string_equal(hidden.s.hostname, "file");
}

/* Files of an image neither take precedence over the administrator's drop-ins nor add to the administrator's file. */
static void test_drop_ins_beside_the_image(void **state)
{
        _cleanup_loaded_ Loaded l = { 0 }, hidden = { 0 }, replaced = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "machines/m.nspawn", "[Exec]\nHostname=beside\n");
        tree_fixture_file(t, "machines/m.nspawn.d/90-z.conf",
                          "[Exec]\nHostname=z\nEnvironment=Z=1\n[Files]\nBind=/z\n[X-Box]\nProfile=p\n");
        tree_fixture_file(t, "machines/m.nspawn.d/10-y.conf", "[Exec]\nEnvironment=Z=0 Y=1\n");
        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn.d/50-a.conf", "[Exec]\nHostname=a\n");
        load(t, &l, "");
        assert_string_equal(order(t, &l), "/machines/m.nspawn /machines/m.nspawn.d/10-y.conf "
                                          "/machines/m.nspawn.d/90-z.conf /etc/systemd/nspawn/m.nspawn.d/50-a.conf -");
        assert_string_equal(l.s.hostname, "a");
        assert_string_equal(strv_env_get(l.s.environment, "Z"), "1");
        assert_int_equal(l.problems.n_fatal, 0);
        expect_problem(&l, /* fatal= */ false, "90-z.conf:5: Bind=: ignored");
        expect_problem(&l, /* fatal= */ false, "90-z.conf:7: Profile=: ignored");

        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn.d/90-z.conf", "");
        load(t, &hidden, "");
        expect_no_problem(&hidden);

        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn", "");
        load(t, &replaced, "");
        assert_string_equal(order(t, &replaced), "/run/systemd/nspawn/m.nspawn "
                            "/etc/systemd/nspawn/m.nspawn.d/50-a.conf /run/systemd/nspawn/m.nspawn.d/90-z.conf -");
}

static void test_override(void **state)
{
        _cleanup_loaded_ Loaded l = { 0 }, network = { 0 }, set = { 0 }, untrusted = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn", "[Exec]\nHostname=file\n[Files]\nBind=/b\n");
        load(t, &l, "--settings=override --hostname=switch --bind=/a --network-veth");
        assert_string_equal(order(t, &l), "- /etc/systemd/nspawn/m.nspawn");
        assert_string_equal(l.s.hostname, "file");
        assert_int_equal(l.s.n_binds, 2);
        assert_string_equal(l.s.binds[0].source, "/a");
        assert_int_equal(l.s.virtual_ethernet, YES);

        /* A file, drop-in or profile with a network setting replaces all network switches. */
        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn.d/net.conf", "[Network]\nMACVLAN=eth0\n");
        load(t, &network, "--settings=override --network-veth --bind=/a");
        assert_int_equal(network.s.virtual_ethernet, UNSET);
        assert_int_equal(network.s.macvlan.n, 1);
        assert_int_equal(network.s.n_binds, 2);

        /* What boxctl set has written is added. */
        assert_int_equal(renameat(t->fd, "etc/systemd/nspawn/m.nspawn.d/net.conf", t->fd,
                                  "etc/systemd/nspawn/m.nspawn.d/80-boxctl.conf"), 0);
        tree_fixture_file(t, "run/systemd/nspawn/m.nspawn.d/91-boxctl-1.conf", "[Network]\nIPVLAN=eth1\n");
        load(t, &set, "--settings=override --network-veth");
        assert_int_equal(set.s.virtual_ethernet, YES);
        assert_int_equal(set.s.macvlan.n, 1);
        assert_int_equal(set.s.ipvlan.n, 1);
        assert_int_equal(unlinkat(t->fd, "etc/systemd/nspawn/m.nspawn.d/80-boxctl.conf", 0), 0);
        assert_int_equal(unlinkat(t->fd, "run/systemd/nspawn/m.nspawn.d/91-boxctl-1.conf", 0), 0);

        /* But who may not speak of it does not silence others either. */
        assert_int_equal(unlinkat(t->fd, "etc/systemd/nspawn/m.nspawn", 0), 0);
        tree_fixture_file(t, "machines/m.nspawn", "[Network]\nPrivate=no\n");
        load(t, &untrusted, "--settings=override --network-veth");
        assert_int_equal(untrusted.s.virtual_ethernet, YES);
}

static void test_profiles(void **state)
{
        _cleanup_loaded_ Loaded l = { 0 }, no = { 0 }, cleared = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "usr/lib/box/profiles/base.nspawn", "[Exec]\nHostname=base\nEnvironment=A=base B=base\n");
        tree_fixture_file(t, "usr/lib/box/profiles/web.nspawn", "rubbish");
        tree_fixture_file(t, "etc/box/profiles/web.nspawn",
                          "[X-Box]\nProfile=base\n[Exec]\nEnvironment=B=web\n[Files]\nBind=/web\n");
        tree_fixture_file(t, "etc/box/profiles/db.nspawn", "[X-Box]\nProfile=base\n[Exec]\nEnvironment=C=db\n");
        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn", "[X-Box]\nProfile=web\n[Exec]\nEnvironment=C=file\n");
        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn.d/db.conf", "[X-Box]\nProfile=db, web\n");
        load(t, &l, "--settings=override --hostname=switch");
        expect_no_problem(&l);
        assert_string_equal(order(t, &l), "- /usr/lib/box/profiles/base.nspawn /etc/box/profiles/web.nspawn "
                            "/etc/box/profiles/db.nspawn /etc/systemd/nspawn/m.nspawn "
                            "/etc/systemd/nspawn/m.nspawn.d/db.conf");
        assert_string_equal(l.s.hostname, "base");
        assert_string_equal(strv_env_get(l.s.environment, "B"), "web");
        assert_string_equal(strv_env_get(l.s.environment, "C"), "file");
        assert_int_equal(l.s.n_binds, 1);
        assert_non_null(strstr(l.s.binds[0].from.where, "/etc/box/profiles/web.nspawn"));

        load(t, &no, "--settings=no --profile=base --hostname=switch");
        assert_string_equal(order(t, &no), "/usr/lib/box/profiles/base.nspawn -");
        assert_string_equal(no.s.hostname, "switch");

        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn.d/none.conf", "[X-Box]\nProfile=\n");
        load(t, &cleared, "");
        assert_int_equal(cleared.s.profiles.n, 0);
        assert_null(cleared.s.hostname);
}

static void test_profiles_gone_wrong(void **state)
{
        _cleanup_loaded_ Loaded l = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "etc/box/profiles/a.nspawn", "[X-Box]\nProfile=b\n");
        tree_fixture_file(t, "etc/box/profiles/b.nspawn", "[Exec]\nBoot=yes\n[X-Box]\nProfile=c\n");
        tree_fixture_file(t, "etc/box/profiles/c.nspawn", "[X-Box]\nProfile=b\n");
        tree_fixture_file(t, "etc/box/profiles/self.nspawn", "[X-Box]\nProfile=self\n");
        assert_int_equal(mkdirat(t->fd, "etc/box/profiles/dir.nspawn", 0755), 0);
        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn",
                          "[X-Box]\nProfile=a self\nProfile=gone\nProfile=dir\nProfile=../x\nProfile=,\n");
        load(t, &l, "");
        expect_problem(&l, true, "/etc/box/profiles/c.nspawn:2: Profile=b: profiles name each other in a circle: "
                                 "b -> c -> b");
        expect_problem(&l, true, "self.nspawn:2: Profile=self: profiles name each other in a circle: self -> self");
        expect_problem(&l, true, "m.nspawn:3: Profile=gone: no such profile in /etc/box/profiles or "
                                 "/usr/lib/box/profiles");
        expect_problem(&l, true, "/etc/box/profiles/dir.nspawn: it is a directory");
        expect_problem(&l, true, "m.nspawn:5: Profile=../x: invalid profile name: '../x'");
        expect_problem(&l, true, "m.nspawn:6: Profile=,: no profile given");
        assert_int_equal(l.problems.n, 6);
        assert_int_equal(l.problems.n_fatal, 6);
}

static void test_profiles_too_deep(void **state)
{
        _cleanup_loaded_ Loaded fits = { 0 }, deep = { 0 };
        const Tree *t = *state;

        for (int i = 0; i <= PROFILE_DEPTH_MAX; i++) {
                char path[64], text[64];

                (void) snprintf(path, sizeof(path), "etc/box/profiles/p%d.nspawn", i);
                (void) snprintf(text, sizeof(text), "[X-Box]\nProfile=p%d\n", i - 1);
                tree_fixture_file(t, path, i > 0 ? text : "");
        }
        load(t, &fits, "--profile=p15");
        expect_no_problem(&fits);
        assert_int_equal(fits.sources.n, PROFILE_DEPTH_MAX + 1);
        load(t, &deep, "--profile=p16");
        expect_problem(&deep, true, "p1.nspawn:2: Profile=p0: profiles are nested too deep");
}

static void expect_text(const ValueTexts *t, size_t i, const char *text, const char *file, unsigned line)
{
        assert_true(i < t->n);
        assert_string_equal(t->items[i].text, text);
        assert_non_null(strstr(t->items[i].from.where, file));
        assert_int_equal(t->items[i].from.line, line);
}

/* Which of all that was written for a setting is in force: '+' or '-' for each. */
static const char *in_force(const Loaded *l, SettingId id)
{
        _cleanup_free_ AssignmentRef *written = NULL;
        static char text[16];
        size_t n;

        assert_int_equal(setting_assignments(&l->sources, id, &written, &n), 0);
        assert_true(n < sizeof(text));
        for (size_t i = 0; i < n; i++)
                text[i] = written[i].in_force ? '+' : '-';
        text[n] = 0;
        return text;
}

static void test_provenance(void **state)
{
        _cleanup_(value_texts_done) ValueTexts environment = { 0 }, binds = { 0 }, capabilities = { 0 }, hostname = { 0 };
        _cleanup_loaded_ Loaded l = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "machines/m.nspawn", "[Exec]\nHostname=m\nCapability=all\nParameters=x\n");
        tree_fixture_file(t, "machines/m.nspawn.d/a.conf",
                          "[Exec]\nEnvironment=A=1 B=1\nHostname=a\nDropCapability=CAP_CHOWN\nEnvironment=C=1\n"
                          "Parameters=y\nParameters=z\n");
        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn.d/b.conf",
                          "[Exec]\nEnvironment=B=2\nDropCapability=CAP_CHOWN CAP_KILL\n"
                          "[Files]\nBind=/no\nBind=\nBind=/a\nBind=rel\n");
        load(t, &l, "--bind=/b --setenv=C=3 --hostname=h");

        assert_int_equal(settings_sources_print(&l.sources, settings_table_row(SETTING_ENVIRONMENT), &l.s, &environment), 0);
        expect_text(&environment, 0, "A=1", "a.conf", 2);
        expect_text(&environment, 1, "B=2", "b.conf", 2);
        expect_text(&environment, 2, "C=3", "--setenv=", 0);
        assert_int_equal(settings_sources_print(&l.sources, settings_table_row(SETTING_BIND), &l.s, &binds), 0);
        expect_text(&binds, 0, "/a:/a", "b.conf", 7);
        expect_text(&binds, 1, "/b:/b", "--bind=", 0);
        assert_int_equal(settings_sources_print(&l.sources, settings_table_row(SETTING_DROP_CAPABILITY), &l.s, &capabilities), 0);
        expect_text(&capabilities, 0, "CAP_CHOWN", "a.conf", 4);
        expect_text(&capabilities, 1, "CAP_KILL", "b.conf", 3);
        assert_int_equal(settings_sources_print(&l.sources, settings_table_row(SETTING_HOSTNAME), &l.s, &hostname), 0);
        expect_text(&hostname, 0, "h", "--hostname=", 0);

        assert_string_equal(in_force(&l, SETTING_HOSTNAME), "--+");
        assert_string_equal(in_force(&l, SETTING_BIND), "-++-+");
        assert_string_equal(in_force(&l, SETTING_CAPABILITY), "-");
        assert_string_equal(in_force(&l, SETTING_PARAMETERS), "-++");
        assert_string_equal(in_force(&l, SETTING_MACVLAN), "");
}

static void test_what_cannot_be_read(void **state)
{
        _cleanup_loaded_ Loaded l = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn", "[Exec]\nBoot=maybe\n");
        assert_int_equal(mkdirat(t->fd, "etc/systemd/nspawn/m.nspawn.d", 0755), 0);
        assert_int_equal(mkfifoat(t->fd, "etc/systemd/nspawn/m.nspawn.d/fifo.conf", 0644), 0);
        tree_fixture_link(t, "etc/systemd/nspawn/m.nspawn.d/gone.conf", "gone");
        tree_fixture_file(t, "etc/systemd/nspawn/m.nspawn.d/last.conf", "[Exec]\nHostname=-\n");
        load(t, &l, "");
        expect_problem(&l, true, "fifo.conf: it is not a regular file");
        expect_problem(&l, true, "gone.conf: it is a dangling symbolic link");
        expect_problem(&l, true, "m.nspawn:2: Boot=maybe");
        expect_problem(&l, true, "last.conf:2: Hostname=-");
        assert_int_equal(l.problems.n, 4);
}

/* A link beside the tree may lead to a file that only root can read. */
static void test_links_beside_the_tree(void **state)
{
        _cleanup_loaded_ Loaded file = { 0 }, trusted = { 0 }, drop_in = { 0 }, directory = { 0 }, mask = { 0 }, etc = { 0 };
        const Tree *t = *state;

        tree_fixture_file(t, "secret", "[Exec]\nHostname=leaked\nroot:s3cret:0\n[s3cret]\ns3cret=1\n");
        tree_fixture_file(t, "machines/other", "");
        tree_fixture_link(t, "machines/m.nspawn", "../secret");
        load(t, &file, "");
        expect_problem(&file, true, "machines/m.nspawn: it is a symbolic link");
        assert_int_equal(file.problems.n, 1);
        assert_null(file.s.hostname);
        load(t, &trusted, "--settings=trusted");
        assert_string_equal(trusted.s.hostname, "leaked");
        expect_problem(&trusted, true, "m.nspawn:3: not KEY=VALUE: root:s3cret:0");

        tree_fixture_link(t, "machines/m.nspawn", "/dev/null");
        load(t, &mask, "");
        expect_no_problem(&mask);
        assert_string_equal(order(t, &mask), "/machines/m.nspawn -");

        assert_int_equal(unlinkat(t->fd, "machines/m.nspawn", 0), 0);
        assert_int_equal(mkdirat(t->fd, "machines/m.nspawn.d", 0755), 0);
        tree_fixture_link(t, "machines/m.nspawn.d/x.conf", "../../secret");
        load(t, &drop_in, "");
        expect_problem(&drop_in, true, "m.nspawn.d/x.conf: it is a symbolic link");
        assert_int_equal(drop_in.problems.n, 1);

        assert_int_equal(renameat(t->fd, "machines/m.nspawn.d", t->fd, "elsewhere"), 0);
        tree_fixture_link(t, "machines/m.nspawn.d", "../elsewhere");
        load(t, &directory, "");
        expect_problem(&directory, true, "links beside a tree are not followed");
        assert_int_equal(directory.problems.n, 1);

        /* The administrator's are. */
        assert_int_equal(unlinkat(t->fd, "machines/m.nspawn.d", 0), 0);
        tree_fixture_file(t, "etc/systemd/nspawn/real", "[Exec]\nHostname=linked\n");
        tree_fixture_link(t, "etc/systemd/nspawn/m.nspawn", "real");
        load(t, &etc, "");
        expect_no_problem(&etc);
        assert_string_equal(etc.s.hostname, "linked");
}

/* Messages about it have the file, the line and the key. */
static void test_no_text_of_an_untrusted_file(void **state)
{
        static const char *const lines[] = {
                "root:$6$s3cret:1::", "[s3cret]", "[s3cret", "s3cret=1", "Bind=/s3cret", "Boot=s3cret", "KillSignal=SIGs3cret",
                "SystemCallFilter=s3cret", "=s3cret", "s3cret\\",
        };
        const Tree *t = *state;

        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                for (int section = 0; section < 2; section++) {
                        _cleanup_loaded_ Loaded l = { 0 };
                        char text[128];

                        (void) snprintf(text, sizeof(text), "%s\n%s\n", section ? "[Exec]" : "", lines[i]);
                        tree_fixture_file(t, "machines/m.nspawn", text);
                        load(t, &l, "");
                        assert_int_equal(l.problems.n, 1);
                        assert_null(strstr(l.problems.items[0].text, "s3cret"));
                        assert_non_null(strstr(l.problems.items[0].text, "machines/m.nspawn:2: "));
                }
}

static void test_too_many_drop_ins(void **state)
{
        _cleanup_loaded_ Loaded l = { 0 };
        const Tree *t = *state;

        for (int i = 0; i <= DROP_INS_MAX; i++) {
                char path[64];

                (void) snprintf(path, sizeof(path), "machines/m.nspawn.d/%d.conf", i);
                tree_fixture_file(t, path, "");
        }
        load(t, &l, "");
        expect_problem(&l, true, "/machines/m.nspawn.d has more than 256 drop-ins");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_nothing),
                TREE_TEST(test_first_file_is_the_only_one),
                TREE_TEST(test_drop_ins),
                TREE_TEST(test_drop_ins_beside_the_image),
                TREE_TEST(test_override),
                TREE_TEST(test_profiles),
                TREE_TEST(test_profiles_gone_wrong),
                TREE_TEST(test_profiles_too_deep),
                TREE_TEST(test_provenance),
                TREE_TEST(test_what_cannot_be_read),
                TREE_TEST(test_links_beside_the_tree),
                TREE_TEST(test_no_text_of_an_untrusted_file),
                TREE_TEST(test_too_many_drop_ins),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
