/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "users/id-range.h"
#include "util/fd.h"

/* Two directories in a fresh one: locks/ (made by the code) and etc/. */
typedef struct Place {
        char top[32], locks[48], etc[48];
} Place;

static int setup(void **state)
{
        Place *p = calloc(1, sizeof(Place));

        (void) snprintf(p->top, sizeof(p->top), "/tmp/test-id-range-XXXXXX");
        if (!mkdtemp(p->top))
                return -1;
        (void) snprintf(p->locks, sizeof(p->locks), "%s/locks", p->top);
        (void) snprintf(p->etc, sizeof(p->etc), "%s/etc", p->top);
        *state = p;
        return mkdir(p->etc, 0755);
}

static int teardown(void **state)
{
        static const char *const names[] = { "passwd", "group", "subuid", "subgid" };
        Place *p = *state;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                char path[64];

                (void) snprintf(path, sizeof(path), "%s/%s", p->etc, names[i]);
                (void) unlink(path);
        }
        (void) rmdir(p->etc);
        (void) rmdir(p->locks);

        /* Fails where a lock file was left behind. */
        int r = rmdir(p->top);
        free(p);
        return r;
}

static void write_etc(const Place *p, const char *name, const char *format, uid_t id)
{
        char path[64];
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s/%s", p->etc, name);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fprintf(f, "root:x:0:0:root:/root:/bin/sh\n# comment\n+\n%s:%u:65536::\n", format, id) > 0);
        assert_int_equal(fclose(f), 0);
}

static IdRange pick(const Place *p, const char *machine, uid_t preferred)
{
        IdRange r = ID_RANGE_NULL;
        Failure failure = { 0 };

        assert_int_equal(id_range_pick(p->locks, p->etc, machine, preferred, ID_RANGE_COUNT, &r, &failure), 0);
        assert_int_equal(r.count, ID_RANGE_COUNT);
        assert_int_equal(r.base % ID_RANGE_COUNT, 0);
        assert_true(r.base >= ID_RANGE_MIN && r.base <= ID_RANGE_MAX);
        return r;
}

static bool lock_file_exists(const Place *p, uid_t base)
{
        char path[64];

        (void) snprintf(path, sizeof(path), "%s/%u", p->locks, base);
        return access(path, F_OK) == 0;
}

/* The ranges of systemd-nspawn 252 --private-users=pick for these names. */
static void test_id_range_of_name(void **state)
{
        assert_int_equal(id_range_of_name("deb12"), 116719616);
        assert_int_equal(id_range_of_name("gentoo"), 221577216);
        assert_int_equal(id_range_of_name("a"), 90374144);
        assert_int_equal(id_range_of_name("web-server-number-1"), 1293090816);
}

static void test_id_range_pick_own(void **state)
{
        IdRange r = pick(*state, "gentoo", 0);

        assert_int_equal(r.base, 221577216);
        assert_true(lock_file_exists(*state, r.base));
        id_range_done(&r);
        assert_false(lock_file_exists(*state, 221577216));
}

static void test_id_range_pick_preferred(void **state)
{
        IdRange r = pick(*state, "gentoo", 0x00100000);

        assert_int_equal(r.base, 0x00100000);
        id_range_done(&r);

        /* No ranges: not aligned; the host's own ids. */
        r = pick(*state, "gentoo", 0x00100001);
        assert_int_equal(r.base, 221577216);
        id_range_done(&r);
        r = pick(*state, "gentoo", 0x00010000);
        assert_int_equal(r.base, 221577216);
        id_range_done(&r);
}

static void test_id_range_pick_never_shared(void **state)
{
        IdRange r[20], again;

        for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
                r[i] = pick(*state, "gentoo", 0);
                for (size_t k = 0; k < i; k++)
                        assert_int_not_equal(r[i].base, r[k].base);
        }

        /* Later choices are stable, too. */
        uid_t third = r[2].base;
        id_range_done(&r[2]);
        again = pick(*state, "gentoo", 0);
        assert_int_equal(again.base, third);
        id_range_done(&again);

        for (size_t i = 0; i < ARRAY_SIZE(r); i++)
                id_range_done(&r[i]);
}

/* All blocks of a longer range are locked, or none. */
static void test_id_range_pick_long(void **state)
{
        const Place *p = *state;
        IdRange r, middle, other;
        Failure failure = {};

        assert_int_equal(id_range_pick(p->locks, p->etc, "gentoo", 0x00200000, ID_RANGE_NESTING_COUNT, &r, &failure), 0);
        assert_int_equal(r.base, 0x00200000);
        assert_int_equal(r.count, 4 * 65536);
        for (uid_t block = 0; block < 4; block++)
                assert_true(lock_file_exists(*state, r.base + block * 65536));
        other = pick(*state, "gentoo", 0x00220000);
        assert_int_equal(other.base, 221577216);
        id_range_done(&other);
        id_range_done(&r);

        assert_int_equal(id_range_lock(p->locks, 0x00230000, 65536, &middle, &failure), 0);
        assert_int_equal(id_range_pick(p->locks, p->etc, "gentoo", 0x00200000, ID_RANGE_NESTING_COUNT, &r, &failure), 0);
        assert_int_equal(r.base, 221577216);
        assert_false(lock_file_exists(*state, 0x00200000));
        id_range_done(&r);
        id_range_done(&middle);

        /* The end of systemd's ranges. */
        assert_int_equal(id_range_pick(p->locks, p->etc, "gentoo", ID_RANGE_MAX, ID_RANGE_NESTING_COUNT, &r, &failure), 0);
        assert_int_equal(r.base, 221577216);
        id_range_done(&r);
}

/* A lock as systemd-nspawn takes it. */
static void test_id_range_pick_locked_by_other(void **state)
{
        const Place *p = *state;
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
        char path[64];
        IdRange r;
        int fd;

        assert_int_equal(mkdir(p->locks, 0755), 0);
        (void) snprintf(path, sizeof(path), "%s/221577216", p->locks);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);

        r = pick(p, "gentoo", 0);
        assert_int_not_equal(r.base, 221577216);
        id_range_done(&r);

        /* A file that nobody holds (its owner was killed) is in nobody's way. */
        close(fd);
        r = pick(p, "gentoo", 0);
        assert_int_equal(r.base, 221577216);

        /* And ours holds others off. */
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), -1);
        assert_int_equal(errno, EAGAIN);
        close(fd);
        id_range_done(&r);
}

static void test_id_range_pick_known_ids(void **state)
{
        static const struct { const char *file, *format; uid_t id; } cases[] = {
                { "passwd", "u:x", 221577216 },
                { "passwd", "u:x", 221577216 + 65535 },
                { "group", "g:x", 221577216 + 4711 },
                { "subuid", "alice", 221577216 - 1 },
                { "subgid", "alice", 221577216 + 65535 },
        };
        static const uid_t outside[] = { 221577216 - 65536, 221577216 + 65536 };
        const Place *p = *state;
        char path[64];
        IdRange r;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                write_etc(p, cases[i].file, cases[i].format, cases[i].id);
                r = pick(p, "gentoo", 0);
                assert_int_not_equal(r.base, 221577216);
                id_range_done(&r);

                /* Nor for a tree of that owner; one beside it keeps its range. */
                r = pick(p, "gentoo", 221577216);
                assert_int_not_equal(r.base, 221577216);
                id_range_done(&r);
                r = pick(p, "gentoo", 221577216 + 2 * 65536);
                assert_int_equal(r.base, 221577216 + 2 * 65536);
                id_range_done(&r);

                (void) snprintf(path, sizeof(path), "%s/%s", p->etc, cases[i].file);
                assert_int_equal(unlink(path), 0);
        }

        for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
                write_etc(p, "subuid", "alice", outside[i]);
                r = pick(p, "gentoo", 0);
                assert_int_equal(r.base, 221577216);
                id_range_done(&r);
        }
}

static void test_id_range_pick_none_free(void **state)
{
        const Place *p = *state;
        Failure failure = { 0 };
        IdRange r = ID_RANGE_NULL;
        char path[64];
        FILE *f;

        (void) snprintf(path, sizeof(path), "%s/subuid", p->etc);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fprintf(f, "lxd:0:4294967295\n") > 0);
        assert_int_equal(fclose(f), 0);

        assert_int_equal(id_range_pick(p->locks, p->etc, "gentoo", 0, ID_RANGE_COUNT, &r, &failure), -EBUSY);
        assert_non_null(strstr(failure.text, "gentoo"));
}

static void test_id_range_lock(void **state)
{
        const Place *p = *state;
        IdRange a = ID_RANGE_NULL, b = ID_RANGE_NULL, picked;
        Failure failure = { 0 };

        /* Across two blocks: both are locked. */
        assert_int_equal(id_range_lock(p->locks, 221577216 + 10, 65536, &a, &failure), 0);
        assert_int_equal(a.n_locks, 2);
        assert_true(lock_file_exists(*state, 221577216));
        assert_true(lock_file_exists(*state, 221577216 + 65536));

        picked = pick(p, "gentoo", 221577216 + 65536);
        assert_int_not_equal(picked.base, 221577216);
        assert_int_not_equal(picked.base, 221577216 + 65536);
        id_range_done(&picked);

        /* One of two is taken: neither is held afterwards. */
        assert_int_equal(id_range_lock(p->locks, 221577216 - 65536, 131072, &b, &failure), -EBUSY);
        assert_string_equal(failure.text, "Another machine uses some of the user ids 221511680:131072");
        assert_false(lock_file_exists(*state, 221577216 - 65536));

        id_range_done(&a);
        assert_int_equal(id_range_lock(p->locks, 221577216, 1000, &b, NULL), 0);
        assert_int_equal(b.n_locks, 1);
        id_range_done(&b);
}

static void test_id_range_lock_unlocked(void **state)
{
        const Place *p = *state;
        IdRange r = ID_RANGE_NULL;
        Failure failure = { 0 };

        assert_int_equal(id_range_lock(p->locks, 0, 65536, &r, &failure), 0);
        assert_int_equal(r.n_locks, 0);
        id_range_done(&r);
        assert_int_equal(id_range_lock(p->locks, 0xFFFF0000U, 0xFFFE, &r, &failure), 0);
        assert_int_equal(r.n_locks, 0);
        id_range_done(&r);
        assert_int_equal(id_range_lock(p->locks, 0, 0xFFFFFFFFU, &r, &failure), -E2BIG);
        id_range_done(&r);
}

static void test_id_range_lock_map(void **state)
{
        /* Two lines in one block, one below all blocks, one across two. */
        const IdMap map = {
                .lines = { { 0, 221577216, 10 }, { 10, 221577216 + 100, 10 }, { 20, 1000, 1 }, { 30, 524288 + 65530, 10 } },
                .n = 4,
        };
        const Place *p = *state;
        IdRange a = ID_RANGE_NULL, b = ID_RANGE_NULL;
        Failure failure = { 0 };

        assert_int_equal(id_range_lock_map(p->locks, &map, &a, &failure), 0);
        assert_int_equal(a.n_locks, 3);
        assert_true(lock_file_exists(*state, 221577216) && lock_file_exists(p, 524288) && lock_file_exists(p, 524288 + 65536));

        assert_int_equal(id_range_lock(p->locks, 524288 + 65536, 65536, &b, &failure), -EBUSY);
        id_range_done(&a);
        assert_false(lock_file_exists(*state, 221577216) || lock_file_exists(p, 524288));

        /* One that can't be had: none is held. */
        assert_int_equal(id_range_lock(p->locks, 524288 + 65536, 65536, &b, NULL), 0);
        assert_int_equal(id_range_lock_map(p->locks, &map, &a, NULL), -EBUSY);
        assert_false(lock_file_exists(*state, 221577216));
        id_range_done(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_id_range_of_name),
                TEST(test_id_range_pick_own),
                TEST(test_id_range_pick_preferred),
                TEST(test_id_range_pick_never_shared),
                TEST(test_id_range_pick_long),
                TEST(test_id_range_pick_locked_by_other),
                TEST(test_id_range_pick_known_ids),
                TEST(test_id_range_pick_none_free),
                TEST(test_id_range_lock),
                TEST(test_id_range_lock_unlocked),
                TEST(test_id_range_lock_map),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
