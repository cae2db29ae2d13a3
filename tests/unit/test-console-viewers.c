/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A console with viewers on socket pairs; the machine is the other side of its pty. */

#include "test.h"

#include <fcntl.h>
#include <pty.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "payload/console-frame.h"
#include "payload/console-viewers.h"
#include "util/clock.h"
#include "util/fd.h"

typedef struct Rig {
        sd_event *event;
        int master, tty;
        Console *console;
        ConsoleRing ring;
        ConsoleViewers *viewers;
        HotKey key;
} Rig;

/* What a viewer has been sent. */
typedef struct Seen {
        char text[600 * 1000];
        size_t n;
        uint64_t lost;
        int typing;             /* -1: not told */
        bool live, end, reboots, closed;
        char in[2 * CONSOLE_FRAME_MAX];
        size_t n_in;
} Seen;

static void on_said(const char *bytes, size_t n, void *userdata)
{
        console_viewers_said(((Rig *) userdata)->viewers, bytes, n);
}

static void on_room(void *userdata)
{
        console_viewers_room(((Rig *) userdata)->viewers);
}

static void on_key(HotKey key, void *userdata)
{
        ((Rig *) userdata)->key = key;
}

static void rig_make(Rig *r, bool terminal)
{
        const ConsoleHooks hooks = { .said = on_said, .room = on_room, .userdata = r };
        struct termios t;

        *r = (Rig) { .ring = CONSOLE_RING_NULL };
        assert_int_equal(openpty(&r->master, &r->tty, NULL, NULL, NULL), 0);
        assert_int_equal(tcgetattr(r->tty, &t), 0);
        cfmakeraw(&t);
        assert_int_equal(tcsetattr(r->tty, TCSANOW, &t), 0);
        assert_int_equal(fd_nonblock(r->tty, true), 0);
        assert_true(sd_event_new(&r->event) >= 0);
        assert_int_equal(console_new(r->event, r->master, -EBADF, CONSOLE_FLAG_DRAIN, NULL, NULL, &r->console), 0);
        assert_int_equal(console_ring_open(&r->ring), 0);
        assert_int_equal(console_viewers_new(r->event, r->console, &r->ring, terminal, on_key, r, &r->viewers), 0);
        console_set_hooks(r->console, &hooks);
}

static void rig_done(Rig *r, bool reboots)
{
        r->console = console_free(r->console);
        r->viewers = console_viewers_free(r->viewers, reboots);
        console_ring_close(&r->ring);
        close(r->master);
        close(r->tty);
        sd_event_unref(r->event);
}

static void turn(Rig *r, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                (void) sd_event_run(r->event, 1000);
}

static int attach(Rig *r, ConsoleViewerMode mode)
{
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
        assert_int_equal(console_viewers_add(r->viewers, pair[0], mode, "", 0), 0);
        return pair[1];
}

static void take(Seen *s, const ConsoleFrame *f)
{
        if (f->type == CONSOLE_FRAME_BYTES) {
                assert_true(s->n + f->size <= sizeof(s->text));
                memcpy(s->text + s->n, f->data, f->size);
                s->n += f->size;
        } else if (f->type == CONSOLE_FRAME_LOST)
                s->lost += console_frame_number(f->data, 8);
        else if (f->type == CONSOLE_FRAME_TYPING)
                s->typing = f->data[0];
        else if (f->type == CONSOLE_FRAME_LIVE)
                s->live = true;
        else if (f->type == CONSOLE_FRAME_END) {
                s->end = true;
                s->reboots = f->data[0];
        } else
                fail_msg("a frame of type %d", f->type);
}

/* Reads all that is there, while the loop turns. */
static Seen *look(Rig *r, int fd, Seen *s)
{
        for (unsigned silent = 0; silent < 5;) {
                ConsoleFrame f;
                ssize_t n, k;

                if (r->viewers)
                        turn(r, 2);
                n = read(fd, s->in + s->n_in, sizeof(s->in) - s->n_in);
                s->closed = n == 0;
                if (n <= 0) {
                        silent++;
                        continue;
                }
                silent = 0;
                s->n_in += (size_t) n;
                while ((k = console_frame_read(s->in, s->n_in, &f)) > 0) {
                        take(s, &f);
                        s->n_in -= (size_t) k;
                        memmove(s->in, s->in + k, s->n_in);
                }
                assert_int_equal(k, 0);
        }
        return s;
}

static Seen *seen_new(void)
{
        Seen *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        s->typing = -1;
        return s;
}

static void say(Rig *r, const char *text)
{
        assert_int_equal(write(r->tty, text, strlen(text)), strlen(text));
        turn(r, 5);
}

static void send_frame(Rig *r, int fd, ConsoleFrameType type, const char *data, size_t size)
{
        char frame[CONSOLE_FRAME_MAX];
        size_t n = console_frame_header(frame, type, size);

        memcpy(frame + CONSOLE_FRAME_HEADER, data, size);
        assert_int_equal(write(fd, frame, n), n);
        turn(r, 5);
}

static void type(Rig *r, int fd, const char *text)
{
        send_frame(r, fd, CONSOLE_FRAME_BYTES, text, strlen(text));
}

static void assert_typed(Rig *r, const char *text)
{
        char buf[100];
        ssize_t n;

        turn(r, 5);
        n = read(r->tty, buf, sizeof(buf));
        if (*text == 0) {
                assert_int_equal(n, -1);
                return;
        }
        assert_int_equal(n, strlen(text));
        assert_memory_equal(buf, text, strlen(text));
}

static void assert_seen(const Seen *s, const char *text)
{
        assert_int_equal(s->n, strlen(text));
        assert_memory_equal(s->text, text, s->n);
}

/* What was said before, then what is said, then how it ends. */
static void test_sees_all(void **state)
{
        _cleanup_free_ Seen *early = seen_new(), *late = seen_new();
        int a, b;
        Rig r;

        rig_make(&r, false);
        a = attach(&r, CONSOLE_VIEWER_READS);
        look(&r, a, early);
        assert_true(early->live);
        assert_int_equal(early->typing, 0);
        say(&r, "boot ");
        assert_seen(look(&r, a, early), "boot ");
        b = attach(&r, CONSOLE_VIEWER_READS);
        assert_seen(look(&r, b, late), "boot ");
        assert_true(late->live);
        say(&r, "more ");
        assert_seen(look(&r, b, late), "boot more ");
        assert_false(late->end);

        assert_int_equal(write(r.tty, "last", 4), 4);
        rig_done(&r, true);
        r.viewers = NULL;
        assert_seen(look(&r, a, early), "boot more last");
        assert_seen(look(&r, b, late), "boot more last");
        assert_true(early->end && early->reboots && early->closed && early->lost == 0);
        close(a);
        close(b);
}

/* One types; when it goes, the next that wants to. */
static void test_one_types(void **state)
{
        _cleanup_free_ Seen *sa = seen_new(), *sb = seen_new(), *sc = seen_new();
        const char size[] = { 0, 50, 0, 100 };
        struct winsize w;
        int a, b, c;
        Rig r;

        rig_make(&r, false);
        a = attach(&r, CONSOLE_VIEWER_TYPES);
        b = attach(&r, CONSOLE_VIEWER_READS);
        c = attach(&r, CONSOLE_VIEWER_TYPES);
        assert_int_equal(look(&r, a, sa)->typing, 1);
        assert_int_equal(look(&r, b, sb)->typing, 0);
        assert_int_equal(look(&r, c, sc)->typing, 0);
        type(&r, b, "b");
        type(&r, c, "c");
        assert_typed(&r, "");
        type(&r, a, "a");
        assert_typed(&r, "a");

        /* The size and the keys are of the one that types. */
        send_frame(&r, c, CONSOLE_FRAME_SIZE, size, 4);
        send_frame(&r, c, CONSOLE_FRAME_REBOOT, "", 0);
        assert_int_equal(ioctl(r.tty, TIOCGWINSZ, &w), 0);
        assert_int_equal(w.ws_row, 0);
        assert_int_equal(r.key, HOT_KEY_NONE);
        send_frame(&r, a, CONSOLE_FRAME_SIZE, size, 4);
        assert_int_equal(ioctl(r.tty, TIOCGWINSZ, &w), 0);
        assert_int_equal(w.ws_row, 50);
        assert_int_equal(w.ws_col, 100);
        send_frame(&r, a, CONSOLE_FRAME_REBOOT, "", 0);
        assert_int_equal(r.key, HOT_KEY_REBOOT);
        send_frame(&r, a, CONSOLE_FRAME_POWER_OFF, "", 0);
        assert_int_equal(r.key, HOT_KEY_POWER_OFF);

        close(a);
        turn(&r, 5);
        assert_int_equal(look(&r, b, sb)->typing, 0);
        assert_int_equal(look(&r, c, sc)->typing, 1);
        type(&r, c, "c");
        assert_typed(&r, "c");

        /* Taken over, and given back by the end of input. */
        a = attach(&r, CONSOLE_VIEWER_TAKES);
        assert_int_equal(look(&r, a, sa)->typing, 1);
        assert_int_equal(look(&r, c, sc)->typing, 0);
        type(&r, c, "c");
        type(&r, a, "a");
        assert_typed(&r, "a");
        send_frame(&r, a, CONSOLE_FRAME_INPUT_END, "", 0);
        assert_int_equal(look(&r, a, sa)->typing, 0);
        assert_int_equal(look(&r, c, sc)->typing, 1);
        rig_done(&r, false);
        close(a);
        close(b);
        close(c);
}

/* Where box-run's terminal types, others do when they take that over. */
static void test_terminal_types(void **state)
{
        _cleanup_free_ Seen *s = seen_new();
        int a;
        Rig r;

        rig_make(&r, true);
        a = attach(&r, CONSOLE_VIEWER_TYPES);
        assert_int_equal(look(&r, a, s)->typing, 0);
        type(&r, a, "a");
        assert_typed(&r, "");
        close(a);
        a = attach(&r, CONSOLE_VIEWER_TAKES);
        assert_int_equal(look(&r, a, s)->typing, 1);
        type(&r, a, "b");
        assert_typed(&r, "b");
        rig_done(&r, false);
        close(a);
}

/* Whole frames in pieces, several in one; and more than the payload takes at once. */
static void test_typing_in_pieces(void **state)
{
        static const char frames[] = "\x01\0\0\3abc\x01\0\0\0\x63\0\0\1x\x01\0\0\2de";
        char line[3000];
        size_t n = 0;
        int a;
        Rig r;

        rig_make(&r, false);
        a = attach(&r, CONSOLE_VIEWER_TYPES);
        for (size_t i = 0; i < sizeof(frames) - 1; i++) {
                assert_int_equal(write(a, frames + i, 1), 1);
                turn(&r, 3);
        }
        assert_typed(&r, "abcde");

        memset(line, 'x', sizeof(line));
        for (unsigned i = 0; i < 20; i++)
                send_frame(&r, a, CONSOLE_FRAME_BYTES, line, sizeof(line));
        for (unsigned silent = 0; silent < 20;) {
                ssize_t k = read(r.tty, line, sizeof(line));

                turn(&r, 3);
                silent = k > 0 ? 0 : silent + 1;
                n += k > 0 ? (size_t) k : 0;
        }
        assert_int_equal(n, 20 * sizeof(line));
        rig_done(&r, false);
        close(a);
}

static void test_not_a_frame(void **state)
{
        _cleanup_free_ Seen *s = seen_new(), *other = seen_new();
        int a, b;
        Rig r;

        rig_make(&r, false);
        a = attach(&r, CONSOLE_VIEWER_TYPES);
        b = attach(&r, CONSOLE_VIEWER_TYPES);
        assert_int_equal(write(a, "GET / HTTP/1.1\r\n", 16), 16);
        assert_true(look(&r, a, s)->closed);
        assert_false(look(&r, b, other)->closed);
        assert_int_equal(other->typing, 1);
        rig_done(&r, false);
        close(a);
        close(b);
}

/* The payload waits for a viewer that has stopped, a second in all, and what that one has missed it is told. */
static void test_stopped_viewer(void **state)
{
        enum { TOTAL = 3000 * 1000 };
        _cleanup_free_ Seen *stopped = seen_new(), *late = seen_new();
        uint64_t start = clock_usec(CLOCK_MONOTONIC), gap = 0, last = start;
        static char chunk[1000];
        size_t written = 0;
        int a, b;
        Rig r;

        rig_make(&r, false);
        a = attach(&r, CONSOLE_VIEWER_TYPES);
        turn(&r, 10);
        memset(chunk, 'x', sizeof(chunk));
        while (written < TOTAL && clock_usec(CLOCK_MONOTONIC) - start < 20 * USEC_PER_SEC) {
                ssize_t n = write(r.tty, chunk, sizeof(chunk));
                uint64_t now = clock_usec(CLOCK_MONOTONIC);

                (void) sd_event_run(r.event, 1000);
                if (n <= 0)
                        continue;
                gap = now - last > gap ? now - last : gap;
                last = now;
                written += (size_t) n;
        }
        assert_true(written >= TOTAL);
        assert_true(gap > USEC_PER_SEC / 2 && gap < 3 * USEC_PER_SEC);

        say(&r, "end");
        look(&r, a, stopped);
        assert_true(stopped->lost > TOTAL / 2);
        assert_int_equal(stopped->n + stopped->lost, written + 3);
        assert_memory_equal(stopped->text + stopped->n - 3, "end", 3);
        b = attach(&r, CONSOLE_VIEWER_READS);
        look(&r, b, late);
        assert_int_equal(late->n, CONSOLE_RING_SIZE);
        assert_int_equal(late->lost, written + 3 - CONSOLE_RING_SIZE);
        rig_done(&r, false);
        close(a);
        close(b);
}

/* One that reads misses nothing, however much is said. */
static void test_reading_viewer(void **state)
{
        _cleanup_free_ Seen *s = seen_new();
        static char chunk[1000];
        size_t written = 0;
        int a;
        Rig r;

        rig_make(&r, false);
        a = attach(&r, CONSOLE_VIEWER_READS);
        look(&r, a, s);
        for (size_t i = 0; i < sizeof(chunk); i++)
                chunk[i] = (char) ('a' + i % 26);
        while (written < sizeof(s->text) - sizeof(chunk)) {
                ssize_t n = write(r.tty, chunk, sizeof(chunk));

                written += n > 0 ? (size_t) n : 0;
                (void) sd_event_run(r.event, 1000);
                if (n <= 0 || written % 50000 == 0)
                        look(&r, a, s);
        }
        look(&r, a, s);
        assert_int_equal(s->n, written);
        assert_int_equal(s->lost, 0);
        rig_done(&r, false);
        close(a);
}

static void test_too_many(void **state)
{
        int fds[100], pair[2], r = 0;
        size_t n = 0;
        Rig rig;

        rig_make(&rig, false);
        while (n < ARRAY_SIZE(fds)) {
                assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
                fds[n++] = pair[1];
                r = console_viewers_add(rig.viewers, pair[0], CONSOLE_VIEWER_READS, "", 0);
                if (r < 0)
                        break;
        }
        assert_int_equal(r, -EMFILE);
        close(pair[0]);
        assert_true(n > 3);
        while (n > 0)
                close(fds[--n]);
        turn(&rig, 50);
        n = (size_t) attach(&rig, CONSOLE_VIEWER_READS);
        close((int) n);
        rig_done(&rig, false);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sees_all),
                cmocka_unit_test(test_one_types),
                cmocka_unit_test(test_terminal_types),
                cmocka_unit_test(test_typing_in_pieces),
                cmocka_unit_test(test_not_a_frame),
                cmocka_unit_test(test_stopped_viewer),
                cmocka_unit_test(test_reading_viewer),
                cmocka_unit_test(test_too_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
