/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A bridge between two socket pairs: the other end of one is the supervisor's, that of the other the terminal's. */

#include "test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/console-bridge.h"
#include "util/clock.h"

enum { N_EARLY = 5, DATA = 4000 };

typedef struct Rig {
        sd_event *event;
        int supervisor, terminal;
        ConsoleBridge *bridge;
        unsigned n_live, n_ends;
} Rig;

static void on_frame(const ConsoleFrame *f, const char **ret_text, void *userdata)
{
        Rig *r = userdata;

        r->n_live += f->type == CONSOLE_FRAME_LIVE;
        *ret_text = "<live>";
}

static void on_end(void *userdata)
{
        ((Rig *) userdata)->n_ends++;
}

static void rig_make(Rig *r, const char *early, size_t n_early)
{
        int remote[2], local[2];

        *r = (Rig) {};
        assert_true(sd_event_new(&r->event) >= 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, remote), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, local), 0);
        r->supervisor = remote[0];
        r->terminal = local[0];
        assert_int_equal(console_bridge_new(r->event, remote[1], local[1], early, n_early, on_frame, on_end, r, &r->bridge), 0);
}

static void rig_done(Rig *r)
{
        r->bridge = console_bridge_free(r->bridge);
        close(r->supervisor);
        close(r->terminal);
        sd_event_unref(r->event);
}

/* Turns the loop until the terminal has n bytes, or two seconds have gone. */
static size_t read_terminal(Rig *r, char *ret, size_t n)
{
        uint64_t end = clock_usec(CLOCK_MONOTONIC) + 2 * USEC_PER_SEC;
        size_t done = 0;

        while (done < n && clock_usec(CLOCK_MONOTONIC) < end) {
                ssize_t k;

                (void) sd_event_run(r->event, 10000);
                k = read(r->terminal, ret + done, n - done);
                done += k > 0 ? (size_t) k : 0;
        }
        return done;
}

static size_t put_frame(char *ret, ConsoleFrameType type, char byte, size_t size)
{
        memset(ret + CONSOLE_FRAME_HEADER, byte, size);
        return console_frame_header(ret, type, size);
}

/* The answer to the call and what the console had said come at once: more than one frame. */
static void test_early_bytes(void **state)
{
        char early[N_EARLY * CONSOLE_FRAME_MAX], seen[N_EARLY * DATA + 10], frame[CONSOLE_FRAME_MAX];
        size_t n = 0, wanted = N_EARLY * DATA + strlen("<live>") + 3, k;
        Rig r;

        for (int i = 0; i < N_EARLY; i++)
                n += put_frame(early + n, CONSOLE_FRAME_BYTES, (char) ('a' + i), DATA);
        /* The last one has come in part. */
        rig_make(&r, early, n - 100);
        assert_int_equal(write(r.supervisor, early + n - 100, 100), 100);
        k = put_frame(frame, CONSOLE_FRAME_LIVE, 0, 0);
        k += put_frame(frame + k, CONSOLE_FRAME_BYTES, 'z', 3);
        assert_int_equal(write(r.supervisor, frame, k), k);

        assert_int_equal(read_terminal(&r, seen, wanted), wanted);
        for (size_t i = 0; i < N_EARLY * DATA; i++)
                assert_int_equal(seen[i], 'a' + i / DATA);
        assert_memory_equal(seen + N_EARLY * DATA, "<live>zzz", 9);
        assert_int_equal(r.n_live, 1);
        assert_int_equal(r.n_ends, 0);
        rig_done(&r);
}

/* What came before the end is shown, and the end is told once; so it is where the supervisor sends what is no frame. */
static void test_end(void **state)
{
        char frame[CONSOLE_FRAME_MAX], seen[3];
        size_t n = put_frame(frame, CONSOLE_FRAME_BYTES, 'x', 3);
        Rig r;

        for (int broken = 0; broken < 2; broken++) {
                rig_make(&r, frame, n);
                if (broken)
                        assert_int_equal(write(r.supervisor, "HTTP/1.1", 8), 8);
                else
                        assert_int_equal(shutdown(r.supervisor, SHUT_RDWR), 0);
                assert_int_equal(read_terminal(&r, seen, 3), 3);
                assert_memory_equal(seen, "xxx", 3);
                for (int i = 0; i < 5; i++)
                        (void) sd_event_run(r.event, 10000);
                assert_int_equal(r.n_ends, 1);
                rig_done(&r);
        }
}

/* What is typed becomes frames, and a command comes between them. */
static void test_typed(void **state)
{
        char seen[64];
        ConsoleFrame f;
        ssize_t n;
        Rig r;

        rig_make(&r, NULL, 0);
        console_bridge_send(r.bridge, CONSOLE_FRAME_REBOOT, 0, 0);
        assert_int_equal(write(r.terminal, "ls\r", 3), 3);
        for (int i = 0; i < 5; i++)
                (void) sd_event_run(r.event, 10000);
        n = read(r.supervisor, seen, sizeof(seen));
        assert_int_equal(n, 2 * CONSOLE_FRAME_HEADER + 3);
        for (char *p = seen; p < seen + n;) {
                ssize_t size = console_frame_read(p, (size_t) (seen + n - p), &f);

                assert_true(size > 0);
                assert_true(f.type == CONSOLE_FRAME_REBOOT || (f.size == 3 && memcmp(f.data, "ls\r", 3) == 0));
                p += size;
        }
        rig_done(&r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_early_bytes),
                cmocka_unit_test(test_end),
                cmocka_unit_test(test_typed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
