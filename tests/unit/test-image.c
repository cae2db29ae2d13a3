/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tree-fixture.h"

#include "image/image.h"

typedef struct Dirs {
        char path[3][96];
        const char *list[4];
} Dirs;

static void dirs_init(Dirs *d, const Tree *t)
{
        static const char *const names[] = { "etc", "lib", "missing" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                (void) snprintf(d->path[i], sizeof(d->path[i]), "%s/%s", t->path, names[i]);
                d->list[i] = d->path[i];
        }
        d->list[3] = NULL;
}

static void test_find(void **state)
{
        _cleanup_(image_done) Image a = { .fd = -EBADF }, linked = { .fd = -EBADF };
        const Tree *t = *state;
        Failure failure = { 0 };
        char want[128];
        Dirs d;

        dirs_init(&d, t);
        tree_fixture_file(t, "lib/a/usr/x", "");
        tree_fixture_file(t, "elsewhere/tree/usr/x", "");
        tree_fixture_link(t, "etc/linked", "../elsewhere/tree");
        tree_fixture_file(t, "lib/linked/usr/x", "");

        assert_int_equal(image_find(d.list, "a", &a, &failure), 0);
        (void) snprintf(want, sizeof(want), "%s/lib/a", t->path);
        assert_string_equal(a.path, want);
        assert_string_equal(a.name, "a");
        assert_int_equal(faccessat(a.fd, "usr/x", F_OK, 0), 0);

        /* The first directory's wins, under its name there; its path is where it really is. */
        assert_int_equal(image_find(d.list, "linked", &linked, &failure), 0);
        (void) snprintf(want, sizeof(want), "%s/elsewhere/tree", t->path);
        assert_string_equal(linked.path, want);
        assert_string_equal(linked.name, "linked");
        (void) snprintf(want, sizeof(want), "%s/etc/linked", t->path);
        assert_string_equal(linked.found, want);
        assert_string_equal(a.found, a.path);
        assert_int_equal(failure.error, 0);
}

static void expect_failure(const Dirs *d, const char *name, int error, const char *word)
{
        _cleanup_(image_done) Image i = { .fd = -EBADF };
        Failure failure = { 0 };

        assert_int_equal(image_find(d->list, name, &i, &failure), error);
        assert_int_equal(failure.error, error);
        if (!strstr(failure.text, word))
                fail_msg("'%s' does not say '%s'", failure.text, word);
        assert_int_equal(i.fd, -EBADF);
}

static void test_find_failures(void **state)
{
        const Tree *t = *state;
        Dirs d;

        dirs_init(&d, t);
        tree_fixture_file(t, "lib/gentoo/usr/x", "");
        tree_fixture_file(t, "lib/file", "");
        tree_fixture_link(t, "etc/dangling", "/nonexistent");
        tree_fixture_link(t, "etc/lost.raw", "/nonexistent");

        expect_failure(&d, "lost", -ENOENT, "lost.raw is a symbolic link to nothing");
        expect_failure(&d, "gento", -ENOENT, "did you mean 'gentoo'?");
        expect_failure(&d, "fedora", -ENOENT, "No machine 'fedora'");
        expect_failure(&d, "file", -ENOTDIR, "is a file, not a directory; a disk image is called NAME.raw");
        expect_failure(&d, "dangling", -ENOENT, "symbolic link to nothing");
        expect_failure(&d, "../lib/gentoo", -EINVAL, "Invalid machine name");
        expect_failure(&d, "", -EINVAL, "empty");
}

static void test_open(void **state)
{
        _cleanup_(image_done) Image i = { .fd = -EBADF }, host = { .fd = -EBADF }, none = { .fd = -EBADF };
        const Tree *t = *state;
        Failure failure = { 0 };
        char path[128];

        tree_fixture_file(t, "trees/x/usr/y", "");
        (void) snprintf(path, sizeof(path), "%s/trees//x/../x/", t->path);
        assert_int_equal(image_open(path, &i, &failure), 0);
        assert_string_equal(i.name, "x");
        (void) snprintf(path, sizeof(path), "%s/trees/x", t->path);
        assert_string_equal(i.path, path);

        assert_int_equal(image_open("/", &host, &failure), 0);
        assert_string_equal(host.path, "/");
        assert_string_equal(host.name, "host");
        assert_int_equal(image_open("/nonexistent/tree", &none, &failure), -ENOENT);
        assert_non_null(strstr(failure.text, "/nonexistent/tree"));
}

static void test_disk_images(void **state)
{
        _cleanup_(image_done) Image a = { .fd = -EBADF }, b = { .fd = -EBADF }, c = { .fd = -EBADF }, none = { .fd = -EBADF };
        const Tree *t = *state;
        Failure failure = { 0 }, directory = { 0 }, file = { 0 };
        char path[128];
        Dirs d;

        dirs_init(&d, t);
        tree_fixture_file(t, "lib/both/usr/x", "");
        tree_fixture_file(t, "lib/both.raw", "x");
        tree_fixture_file(t, "lib/disk.raw", "x");
        tree_fixture_file(t, "lib/tree.raw/usr/x", "");

        /* A directory goes before a file of its name. */
        assert_int_equal(image_find(d.list, "both", &a, &failure), 0);
        assert_int_equal(a.kind, IMAGE_DIRECTORY);
        assert_int_equal(image_find(d.list, "disk", &b, &failure), 0);
        assert_int_equal(b.kind, IMAGE_RAW);
        assert_string_equal(b.name, "disk");
        assert_string_equal(strrchr(b.path, '/'), "/disk.raw");
        assert_false(b.read_only);
        expect_failure(&d, "tree", -ENOENT, "No machine 'tree'");

        (void) snprintf(path, sizeof(path), "%s/lib/disk.raw", t->path);
        assert_int_equal(chmod(path, 0444), 0);
        assert_int_equal(image_open_disk(path, &c, &failure), 0);
        assert_string_equal(c.name, "disk");
        assert_true(c.read_only);
        assert_int_equal(image_open(path, &none, &file), -ENOTDIR);
        assert_non_null(strstr(file.text, "--image="));
        (void) snprintf(path, sizeof(path), "%s/lib/both", t->path);
        assert_int_equal(image_open_disk(path, &none, &directory), -EISDIR);
        assert_non_null(strstr(directory.text, "--directory="));
}

static void test_list(void **state)
{
        const Tree *t = *state;
        Image *images;
        size_t n;
        Dirs d;

        dirs_init(&d, t);
        assert_int_equal(image_list(d.list, &images, &n), 0);
        assert_int_equal(n, 0);
        image_list_free(images, n);

        tree_fixture_file(t, "lib/b/x", "");
        tree_fixture_file(t, "lib/a/x", "");
        tree_fixture_file(t, "lib/.#half.made/x", "");
        tree_fixture_file(t, "lib/file", "");
        tree_fixture_file(t, "lib/un_der/x", "");
        tree_fixture_file(t, "lib/a.raw", "");
        tree_fixture_file(t, "lib/c.raw", "");
        tree_fixture_link(t, "etc/a", "../lib/b");
        tree_fixture_link(t, "etc/dangling", "/nonexistent");

        assert_int_equal(image_list(d.list, &images, &n), 0);
        assert_int_equal(n, 3);
        assert_string_equal(images[2].name, "c");
        assert_int_equal(images[2].kind, IMAGE_RAW);
        assert_string_equal(images[0].name, "a");
        assert_non_null(strstr(images[0].path, "/lib/b"));
        assert_int_equal(images[0].fd, -EBADF);
        assert_string_equal(images[1].name, "b");
        image_list_free(images, n);
}

static void test_name_new(void **state)
{
        static const char *const bad[] = { "", "/", "x/..", "." };
        const Tree *t = *state;
        Failure failure = { 0 };
        char path[128], want[128];

        tree_fixture_file(t, "trees/x", "");
        tree_fixture_link(t, "link", "trees");
        (void) snprintf(path, sizeof(path), "%s/link//new/", t->path);
        (void) snprintf(want, sizeof(want), "%s/trees/new", t->path);
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_(image_done) Image image = { .fd = -EBADF };

                assert_int_equal(image_name_new(path, &image, &failure), 0);
                assert_string_equal(image.path, want);
                assert_string_equal(image.name, "new");
                assert_true(image.fd < 0);
        }

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_(image_done) Image image = { .fd = -EBADF };

                assert_int_equal(image_name_new(bad[i], &image, NULL), -EINVAL);
        }
        (void) snprintf(path, sizeof(path), "%s/missing/new", t->path);
        assert_int_equal(image_name_new(path, &(Image) { .fd = -EBADF }, &failure), -ENOENT);
        assert_non_null(strstr(failure.text, "missing'"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_find),
                TREE_TEST(test_find_failures),
                TREE_TEST(test_open),
                TREE_TEST(test_name_new),
                TREE_TEST(test_disk_images),
                TREE_TEST(test_list),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
