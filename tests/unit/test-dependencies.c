/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

#include "generator/dependencies.h"
#include "util/log.h"

#define NSPAWN "etc/systemd/nspawn/"

static int generate(const Tree *t)
{
        _cleanup_close_ int out_fd = -EBADF;

        log_setup("test", /* warnings are part of what is tested, and not of its output: */ LOG_CRIT);
        assert_int_equal(mkdirat(t->fd, "out", 0755), 0);
        out_fd = openat(t->fd, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return dependencies_write(t->path, out_fd);
}

/* The drop-in without its first two lines; NULL where there is none. */
static char *drop_in(const Tree *t, const char *machine)
{
        _cleanup_close_ int fd = -EBADF;
        char path[128], *text = NULL, *body;

        (void) snprintf(path, sizeof(path), "out/box@%s.service.d/50-box.conf", machine);
        fd = openat(t->fd, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return NULL;
        assert_int_equal(fd_read_all(fd, 4096, &text, NULL), 0);
        body = strstr(text, "\n\n");
        assert_non_null(body);
        memmove(text, body + 2, strlen(body + 2) + 1);
        return text;
}

static void test_files(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *web = NULL, *app = NULL;

        tree_fixture_file(t, NSPAWN "web.nspawn", "[Exec]\nBoot=yes\n[X-Box]\nAfter=db cache,mail\nRequires=db\n");
        tree_fixture_file(t, "run/systemd/nspawn/app.nspawn", "[X-Box]\nRequires=web\n");
        tree_fixture_file(t, NSPAWN "plain.nspawn", "[Exec]\nBoot=yes\n");
        assert_int_equal(generate(t), 2);

        web = drop_in(t, "web");
        assert_string_equal(web, "[Unit]\nAfter=box@db.service\nAfter=box@cache.service\nAfter=box@mail.service\n"
                                 "Requires=box@db.service\n");
        app = drop_in(t, "app");
        assert_string_equal(app, "[Unit]\nRequires=box@web.service\n");
        assert_null(drop_in(t, "plain"));
}

static void test_drop_ins_and_profiles(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *web = NULL, *only = NULL;

        tree_fixture_file(t, "etc/box/profiles/stack.nspawn", "[X-Box]\nAfter=db\n");
        tree_fixture_file(t, NSPAWN "web.nspawn", "[X-Box]\nProfile=stack\nAfter=cache\n");
        tree_fixture_file(t, NSPAWN "web.nspawn.d/10-more.conf", "[X-Box]\nAfter=mail\n");
        tree_fixture_file(t, NSPAWN "only.nspawn.d/10.conf", "[X-Box]\nAfter=web\n");
        assert_int_equal(generate(t), 2);

        web = drop_in(t, "web");
        assert_string_equal(web, "[Unit]\nAfter=box@db.service\nAfter=box@cache.service\nAfter=box@mail.service\n");
        only = drop_in(t, "only");
        assert_string_equal(only, "[Unit]\nAfter=box@web.service\n");
}

static void test_cleared_and_itself(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *self = NULL;

        tree_fixture_file(t, NSPAWN "web.nspawn", "[X-Box]\nAfter=db\n");
        tree_fixture_file(t, NSPAWN "web.nspawn.d/20-none.conf", "[X-Box]\nAfter=\n");
        tree_fixture_file(t, NSPAWN "self.nspawn", "[X-Box]\nAfter=self db\n");
        assert_int_equal(generate(t), 1);
        assert_null(drop_in(t, "web"));
        self = drop_in(t, "self");
        assert_string_equal(self, "[Unit]\nAfter=box@db.service\n");
}

/* Whatever lies there, the others get what is theirs. */
static void test_bad_files(void **state)
{
        static const char junk[] = "\0\xff[X-Box]\n\nAfter";
        const Tree *t = *state;
        _cleanup_free_ char *good = NULL;

        tree_fixture_file(t, NSPAWN "good.nspawn", "[X-Box]\nAfter=db\n[Frobnicate]\nFoo=1\n");
        tree_fixture_file(t, NSPAWN "badname.nspawn", "[X-Box]\nAfter=../../x\n");
        tree_fixture_file(t, NSPAWN "newline.nspawn", "[X-Box]\nAfter=a\\\n  [Service]\n");
        tree_fixture_file(t, NSPAWN "noprofile.nspawn", "[X-Box]\nProfile=missing\nAfter=db\n");
        tree_fixture_bytes(t, NSPAWN "junk.nspawn", junk, sizeof(junk), 0644);
        tree_fixture_file(t, NSPAWN "-bad-.nspawn", "[X-Box]\nAfter=db\n");
        tree_fixture_file(t, NSPAWN "notes.txt", "[X-Box]\nAfter=db\n");
        assert_int_equal(mkdirat(t->fd, NSPAWN "directory.nspawn", 0755), 0);
        assert_int_equal(mkfifoat(t->fd, NSPAWN "fifo.nspawn", 0644), 0);
        assert_int_equal(symlinkat("nowhere", t->fd, NSPAWN "dangling.nspawn"), 0);
        assert_int_equal(symlinkat("loop.nspawn", t->fd, NSPAWN "loop.nspawn"), 0);

        assert_int_equal(generate(t), 1);
        good = drop_in(t, "good");
        assert_string_equal(good, "[Unit]\nAfter=box@db.service\n");
}

/* Sources of binds and overlays, and the namespace; neither temporary directories nor paths in the tree. */
static void test_paths(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *web = NULL;

        tree_fixture_file(t, NSPAWN "web.nspawn",
                          "[Files]\nBind=/srv/data\nBindReadOnly=/srv/with space:/mnt\nBind=+/in/tree:/x\nBind=:/tmp2\n"
                          "Bind=/srv/data:/again\nOverlay=/srv/low:+/mid:/srv/up:/o\nOverlay=/srv/low::/p\n"
                          "[Network]\nNamespacePath=/run/netns/web\n");
        tree_fixture_file(t, NSPAWN "proc.nspawn", "[Network]\nNamespacePath=/proc/1/ns/net\n");
        tree_fixture_file(t, NSPAWN "odd.nspawn", "[Files]\nBind=/srv/100%\\\\a\n");
        assert_true(generate(t) >= 1);
        web = drop_in(t, "web");
        assert_string_equal(web, "[Unit]\nRequiresMountsFor=\"/run/netns/web\"\nRequiresMountsFor=\"/srv/data\"\n"
                                 "RequiresMountsFor=\"/srv/with space\"\nRequiresMountsFor=\"/srv/low\"\n"
                                 "RequiresMountsFor=\"/srv/up\"\n");
        assert_null(drop_in(t, "proc"));
}

/* What may be missing is waited for, and pulled in, where something is to be mounted there; but it is not required. */
static void test_optional_paths(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *web = NULL, *only = NULL;

        assert_int_equal(symlinkat("/mnt/disk", t->fd, "link"), 0);
        tree_fixture_file(t, NSPAWN "web.nspawn", "[Files]\nBind=/srv/data\nBind=-/srv/opt.d\nBindReadOnly=-+/in/tree:/x\n"
                                                  "Overlay=/low:-/srv/opt.d:/up:/o\n");
        tree_fixture_file(t, NSPAWN "only.nspawn", "[Files]\nBind=-/link/.a b%\xc3\xa9\n");
        assert_int_equal(generate(t), 2);
        web = drop_in(t, "web");
        assert_string_equal(web, "[Unit]\nRequiresMountsFor=\"/srv/data\"\nRequiresMountsFor=\"/low\"\n"
                                 "RequiresMountsFor=\"/up\"\nWants=srv.mount\nAfter=srv.mount\nWants=srv-opt.d.mount\n"
                                 "After=srv-opt.d.mount\n");
        /* The names are those of systemd-escape --path. */
        only = drop_in(t, "only");
        assert_string_equal(only, "[Unit]\nWants=link.mount\nAfter=link.mount\n"
                                  "Wants=link-.a\\x20b\\x25\\xc3\\xa9.mount\nAfter=link-.a\\x20b\\x25\\xc3\\xa9.mount\n"
                                  "Wants=mnt.mount\nAfter=mnt.mount\nWants=mnt-disk.mount\nAfter=mnt-disk.mount\n"
                                  "Wants=mnt-disk-.a\\x20b\\x25\\xc3\\xa9.mount\nAfter=mnt-disk-.a\\x20b\\x25\\xc3\\xa9.mount\n");
}

/* Also what links lead to, in any component, relative or not, missing or in a circle. */
static void test_paths_with_links(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *web = NULL;

        tree_fixture_file(t, "srv/real/x", "");
        assert_int_equal(symlinkat("../mnt/./disk//data", t->fd, "srv/link"), 0);
        assert_int_equal(symlinkat("/srv/link", t->fd, "srv/abs"), 0);
        assert_int_equal(symlinkat("circle", t->fd, "srv/circle"), 0);
        assert_int_equal(symlinkat("../../../../etc", t->fd, "srv/up"), 0);
        tree_fixture_file(t, NSPAWN "web.nspawn",
                          "[Files]\nBind=/srv/real\nBind=/srv/abs/deep\nBind=/srv/circle/x\nBind=/srv/up\n");
        assert_int_equal(generate(t), 1);
        web = drop_in(t, "web");
        assert_string_equal(web, "[Unit]\nRequiresMountsFor=\"/srv/real\"\nRequiresMountsFor=\"/srv/abs/deep\"\n"
                                 "RequiresMountsFor=\"/mnt/disk/data/deep\"\nRequiresMountsFor=\"/srv/circle/x\"\n"
                                 "RequiresMountsFor=\"/srv/up\"\nRequiresMountsFor=\"/etc\"\n");
}

/* A tree or an image that is a link, without any file. */
static void test_linked_trees(void **state)
{
        const Tree *t = *state;
        _cleanup_free_ char *linked = NULL, *image = NULL;

        tree_fixture_file(t, "var/lib/machines/plain/etc/os-release", "");
        assert_int_equal(symlinkat("/srv/trees/linked", t->fd, "var/lib/machines/linked"), 0);
        assert_int_equal(symlinkat("../../../srv/100%.raw", t->fd, "var/lib/machines/image.raw"), 0);
        assert_int_equal(symlinkat("/srv/x", t->fd, "var/lib/machines/-bad-"), 0);
        assert_int_equal(generate(t), 2);
        linked = drop_in(t, "linked");
        assert_string_equal(linked, "[Unit]\nRequiresMountsFor=\"/srv/trees/linked\"\n");
        image = drop_in(t, "image");
        assert_string_equal(image, "[Unit]\nRequiresMountsFor=\"/srv/100%%.raw\"\n");
        assert_null(drop_in(t, "plain"));
}

/* A tree's own file has no word in this. */
static void test_untrusted(void **state)
{
        const Tree *t = *state;

        tree_fixture_file(t, "var/lib/machines/web.nspawn", "[X-Box]\nAfter=db\n");
        assert_int_equal(generate(t), 0);
        assert_null(drop_in(t, "web"));
}

static void test_nothing(void **state)
{
        assert_int_equal(generate(*state), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_files),
                TREE_TEST(test_drop_ins_and_profiles),
                TREE_TEST(test_cleared_and_itself),
                TREE_TEST(test_bad_files),
                TREE_TEST(test_paths),
                TREE_TEST(test_optional_paths),
                TREE_TEST(test_paths_with_links),
                TREE_TEST(test_linked_trees),
                TREE_TEST(test_untrusted),
                TREE_TEST(test_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
