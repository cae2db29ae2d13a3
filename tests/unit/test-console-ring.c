/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "payload/console-ring.h"

/* The byte at a place, so that any mistake of a place shows: no period of the ring's size. */
static char byte_at(uint64_t place)
{
        return (char) (place * 31 + place / 251 + place / CONSOLE_RING_SIZE);
}

static void add(ConsoleRing *r, size_t n)
{
        char *bytes = malloc(n);

        assert_non_null(bytes);
        for (size_t i = 0; i < n; i++)
                bytes[i] = byte_at(r->end + i);
        console_ring_add(r, bytes, n);
        free(bytes);
}

/* Reads everything from a place on; returns how much was lost. */
static uint64_t check(const ConsoleRing *r, uint64_t place, size_t piece)
{
        uint64_t lost = 0, l;
        char buf[4096];
        ssize_t n;

        assert_true(piece <= sizeof(buf));
        while ((n = console_ring_read(r, &place, buf, piece, &l)) > 0) {
                lost += l;
                for (ssize_t i = 0; i < n; i++)
                        assert_int_equal(buf[i], byte_at(place - (uint64_t) n + (uint64_t) i));
        }
        assert_int_equal(n, 0);
        assert_int_equal(place, r->end);
        return lost;
}

static void test_round(void **state)
{
        ConsoleRing r = CONSOLE_RING_NULL;

        assert_int_equal(console_ring_open(&r), 0);
        assert_int_equal(check(&r, 0, 10), 0);
        add(&r, 11);
        assert_int_equal(console_ring_start(&r), 0);
        assert_int_equal(check(&r, 0, 4), 0);
        assert_int_equal(check(&r, 5, 4096), 0);

        add(&r, CONSOLE_RING_SIZE - 11);
        assert_int_equal(check(&r, 0, 4096), 0);
        add(&r, 1);
        assert_int_equal(console_ring_start(&r), 1);
        assert_int_equal(check(&r, 0, 4096), 1);
        assert_int_equal(check(&r, 1, 1000), 0);

        /* More than its size at once, and many small pieces around its end. */
        add(&r, 3 * CONSOLE_RING_SIZE + 77);
        assert_int_equal(r.end, 4 * CONSOLE_RING_SIZE + 78);
        assert_int_equal(check(&r, 0, 777), console_ring_start(&r));
        for (unsigned i = 0; i < 300; i++)
                add(&r, 997);
        assert_int_equal(check(&r, r.end - 500, 4096), 0);
        assert_int_equal(check(&r, 5, 4096), r.end - CONSOLE_RING_SIZE - 5);
        console_ring_close(&r);
        assert_int_equal(r.fd, -EBADF);
}

/* It takes no memory of the process, and no more of the host than its size. */
static void test_memory(void **state)
{
        ConsoleRing r = CONSOLE_RING_NULL;

        assert_int_equal(console_ring_open(&r), 0);
        add(&r, 100);
        assert_int_equal(lseek(r.fd, 0, SEEK_END), 100);
        for (unsigned i = 0; i < 20; i++)
                add(&r, 100 * 1000);
        assert_int_equal(lseek(r.fd, 0, SEEK_END), CONSOLE_RING_SIZE);
        console_ring_close(&r);
}

/* Where nothing can be kept, nothing is: adding and reading go on. */
static void test_without_memory(void **state)
{
        struct rlimit none = { 50, RLIM_INFINITY };
        ConsoleRing r = CONSOLE_RING_NULL;
        uint64_t place = 0, lost;
        char buf[10];

        assert_int_equal(console_ring_open(&r), 0);
        add(&r, 10);
        assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        add(&r, 1000);
        assert_int_equal(r.fd, -EBADF);
        add(&r, 10);
        assert_int_equal(console_ring_read(&r, &place, buf, sizeof(buf), &lost), 0);
        none.rlim_cur = RLIM_INFINITY;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round),
                cmocka_unit_test(test_memory),
                cmocka_unit_test(test_without_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
