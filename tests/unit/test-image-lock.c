/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The locks among themselves. That they are systemd-nspawn's as well is what tests/system checks. */

#include "tree-fixture.h"

#include "image/image.h"

typedef struct Locked {
        Image image;
        char locks[96], beside[96], inode[160];
} Locked;

static void locked_init(Locked *l, const Tree *t)
{
        char path[96];
        struct stat st;

        tree_fixture_file(t, "machines/m/usr/x", "");
        tree_fixture_file(t, "locks/x", "");
        (void) snprintf(path, sizeof(path), "%s/machines/m", t->path);
        (void) snprintf(l->locks, sizeof(l->locks), "%s/locks", t->path);
        (void) snprintf(l->beside, sizeof(l->beside), "%s/machines/.#m.lck", t->path);
        assert_int_equal(stat(path, &st), 0);
        (void) snprintf(l->inode, sizeof(l->inode), "%s/inode-%lu:%lu", l->locks, (unsigned long) st.st_dev,
                        (unsigned long) st.st_ino);
        l->image = (Image) { .fd = -EBADF };
        assert_int_equal(image_open(path, &l->image, NULL), 0);
}

static void expect_busy(const Locked *l, bool read_only)
{
        ImageLock lock = IMAGE_LOCK_NULL;
        Failure failure = { 0 };

        assert_int_equal(image_lock(&l->image, read_only, l->locks, &lock, &failure), -EBUSY);
        assert_non_null(strstr(failure.text, l->image.path));
        assert_non_null(strstr(failure.text, "is in use"));
        assert_int_equal(lock.inode.fd, -EBADF);
}

static void test_exclusive(void **state)
{
        ImageLock lock = IMAGE_LOCK_NULL;
        Failure failure = { 0 };
        struct stat st;
        Locked l;

        locked_init(&l, *state);
        assert_int_equal(image_lock(&l.image, false, l.locks, &lock, &failure), 0);
        assert_int_equal(stat(l.beside, &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0600);
        assert_int_equal(stat(l.inode, &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0600);

        expect_busy(&l, false);
        expect_busy(&l, true);
        assert_int_equal(access(l.beside, F_OK), 0);            /* those who were refused have removed nothing */
        assert_int_equal(access(l.inode, F_OK), 0);

        image_unlock(&lock);
        assert_int_equal(access(l.beside, F_OK), -1);
        assert_int_equal(access(l.inode, F_OK), -1);
        image_unlock(&lock);                                    /* once more does nothing */

        assert_int_equal(image_lock(&l.image, false, l.locks, &lock, &failure), 0);
        image_unlock(&lock);
        image_done(&l.image);
}

static void test_shared(void **state)
{
        ImageLock one = IMAGE_LOCK_NULL, two = IMAGE_LOCK_NULL;
        Failure failure = { 0 };
        Locked l;

        locked_init(&l, *state);
        assert_int_equal(image_lock(&l.image, true, l.locks, &one, &failure), 0);
        assert_int_equal(image_lock(&l.image, true, l.locks, &two, &failure), 0);
        expect_busy(&l, false);

        /* The files stay for who still holds them. */
        image_unlock(&one);
        assert_int_equal(access(l.beside, F_OK), 0);
        expect_busy(&l, false);
        image_unlock(&two);
        assert_int_equal(access(l.beside, F_OK), -1);
        assert_int_equal(access(l.inode, F_OK), -1);
        image_done(&l.image);
}

/* The same tree by another path (a bind mount, in life; here the lock by inode alone is held) is the same tree. */
static void test_either_lock_is_enough(void **state)
{
        ImageLock lock = IMAGE_LOCK_NULL;
        Failure failure = { 0 };
        Locked l;

        locked_init(&l, *state);
        assert_int_equal(image_lock(&l.image, false, l.locks, &lock, &failure), 0);
        assert_int_equal(unlink(l.beside), 0);
        expect_busy(&l, false);
        assert_int_equal(access(l.beside, F_OK), -1);           /* locks taken before are released */

        assert_int_equal(unlink(l.inode), 0);
        image_unlock(&lock);
        image_done(&l.image);
}

static void test_lock_file_is_no_file(void **state)
{
        ImageLock lock = IMAGE_LOCK_NULL;
        Failure failure = { 0 };
        Locked l;

        locked_init(&l, *state);
        assert_int_equal(symlink("/etc/passwd", l.beside), 0);
        assert_int_equal(image_lock(&l.image, false, l.locks, &lock, &failure), -ELOOP);
        assert_int_equal(unlink(l.beside), 0);

        failure = (Failure) { 0 };
        assert_int_equal(mkfifo(l.beside, 0600), 0);
        assert_true(image_lock(&l.image, false, l.locks, &lock, &failure) < 0);
        assert_non_null(strstr(failure.text, ".#m.lck"));
        assert_int_equal(unlink(l.beside), 0);

        failure = (Failure) { 0 };
        assert_int_equal(image_lock(&l.image, false, "/nonexistent/locks", &lock, &failure), -ENOENT);
        assert_int_equal(access(l.beside, F_OK), -1);
        image_done(&l.image);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_exclusive),
                TREE_TEST(test_shared),
                TREE_TEST(test_either_lock_is_enough),
                TREE_TEST(test_lock_file_is_no_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
