/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Each case runs in a child, whose standard input and output become what the case needs: one side of a "user's
 * terminal" pty, a pipe, a file, /dev/null. The machine is another pty. A case returns 0, or the line that failed.
 */

#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "payload/console.h"
#include "util/fd.h"

#define CHECK(condition)                        \
        do {                                    \
                if (!(condition))               \
                        return __LINE__;        \
        } while (0)

/* In place of libc's: while `interrupting` is set, every second call fails as if a signal had come. */
static bool interrupting;

static bool interrupted(void)
{
        static unsigned n;

        errno = EINTR;
        return interrupting && n++ % 2 == 0;
}

ssize_t read(int fd, void *buf, size_t size)
{
        return interrupted() ? -1 : syscall(SYS_read, fd, buf, size);
}

ssize_t write(int fd, const void *buf, size_t size)
{
        return interrupted() ? -1 : syscall(SYS_write, fd, buf, size);
}

typedef struct Rig {
        sd_event *event;
        int machine, machine_tty;       /* master and slave, the slave raw */
        int user, user_tty;
        unsigned n_ends;
        bool left_by_user;
} Rig;

static void raw(int fd)
{
        struct termios t;

        (void) tcgetattr(fd, &t);
        cfmakeraw(&t);
        (void) tcsetattr(fd, TCSANOW, &t);
}

static int rig_make(Rig *r)
{
        *r = (Rig) {};
        CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
        CHECK(openpty(&r->machine, &r->machine_tty, NULL, NULL, NULL) == 0);
        CHECK(openpty(&r->user, &r->user_tty, NULL, NULL, NULL) == 0);
        raw(r->machine_tty);
        CHECK(sd_event_new(&r->event) >= 0);
        return 0;
}

static void on_end(Console *c, bool left_by_user, void *userdata)
{
        Rig *r = userdata;

        r->n_ends++;
        r->left_by_user = left_by_user;
}

static uint64_t msec(clockid_t clock)
{
        struct timespec t;

        (void) clock_gettime(clock, &t);
        return (uint64_t) t.tv_sec * 1000 + (uint64_t) t.tv_nsec / 1000000;
}

/* Runs the loop for some time; the processor time it took (ms). */
static uint64_t turn(Rig *r, unsigned ms)
{
        uint64_t end = msec(CLOCK_MONOTONIC) + ms, start = msec(CLOCK_PROCESS_CPUTIME_ID), now;

        while ((now = msec(CLOCK_MONOTONIC)) < end)
                (void) sd_event_run(r->event, (end - now) * 1000);

        return msec(CLOCK_PROCESS_CPUTIME_ID) - start;
}

/* Turns the loop until fd gives exactly text, or two seconds have gone. */
static bool expect(Rig *r, int fd, const char *text)
{
        uint64_t end = msec(CLOCK_MONOTONIC) + 2000;
        size_t n = 0, size = strlen(text);
        char buf[512];

        while (n < size && msec(CLOCK_MONOTONIC) < end) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                ssize_t k;

                (void) sd_event_run(r->event, 10000);
                if (poll(&p, 1, 0) <= 0)
                        continue;
                k = read(fd, buf + n, size - n);
                if (k <= 0)
                        return false;
                n += (size_t) k;
        }

        return n == size && memcmp(buf, text, size) == 0;
}

/* Turns the loop until the terminal has so many columns, or two seconds have gone. */
static bool expect_columns(Rig *r, int fd, unsigned n)
{
        uint64_t end = msec(CLOCK_MONOTONIC) + 2000;
        struct winsize size = {};

        while (size.ws_col != n && msec(CLOCK_MONOTONIC) < end) {
                (void) sd_event_run(r->event, 10000);
                if (ioctl(fd, TIOCGWINSZ, &size) < 0)
                        return false;
        }

        return size.ws_col == n;
}

static bool say(int fd, const char *text)
{
        return write(fd, text, strlen(text)) == (ssize_t) strlen(text);
}

enum { INTERACTIVE = CONSOLE_FLAG_READ | CONSOLE_FLAG_WRITE | CONSOLE_FLAG_ESCAPE };

static int case_terminal(void)
{
        struct winsize size = { .ws_row = 33, .ws_col = 77 }, seen = {};
        struct termios before, during, after;
        Console *c = NULL;
        Rig r;

        CHECK(rig_make(&r) == 0);
        CHECK(ioctl(r.user_tty, TIOCSWINSZ, &size) == 0);
        CHECK(dup2(r.user_tty, 0) == 0 && dup2(r.user_tty, 1) == 1);
        CHECK(tcgetattr(r.user_tty, &before) == 0);
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, INTERACTIVE, on_end, &r, &c) == 0);

        CHECK(tcgetattr(r.user_tty, &during) == 0);
        CHECK(before.c_lflag & ICANON && !(during.c_lflag & (ICANON | ECHO | ISIG)));
        CHECK(!(fcntl(0, F_GETFL) & O_NONBLOCK) && !(fcntl(1, F_GETFL) & O_NONBLOCK));
        CHECK(ioctl(r.machine_tty, TIOCGWINSZ, &seen) == 0 && seen.ws_row == 33 && seen.ws_col == 77);

        CHECK(say(r.user, "ls\r\x03") && expect(&r, r.machine_tty, "ls\r\x03"));
        CHECK(say(r.machine_tty, "one\r\ntwo") && expect(&r, r.user, "one\r\ntwo"));

        /* As the kernel does when a window changes. */
        size.ws_col = 78;
        CHECK(ioctl(r.user_tty, TIOCSWINSZ, &size) == 0 && raise(SIGWINCH) == 0);
        CHECK(expect_columns(&r, r.machine_tty, 78));

        /* The rest is forwarded at the end. */
        CHECK(say(r.machine_tty, "last words"));
        CHECK(r.n_ends == 0);
        c = console_free(c);
        CHECK(expect(&r, r.user, "last words"));
        CHECK(tcgetattr(r.user_tty, &after) == 0);
        CHECK(after.c_lflag == before.c_lflag && after.c_oflag == before.c_oflag && after.c_iflag == before.c_iflag);
        return 0;
}

/* An interrupted call is repeated: there is no second event for the same bytes. */
static int case_interrupted_calls(void)
{
        Console *c = NULL;
        Rig r;

        CHECK(rig_make(&r) == 0);
        CHECK(dup2(r.user_tty, 0) == 0 && dup2(r.user_tty, 1) == 1);
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, INTERACTIVE, on_end, &r, &c) == 0);
        turn(&r, 20);

        CHECK(say(r.user, "in") && say(r.machine_tty, "out"));
        interrupting = true;
        turn(&r, 50);
        interrupting = false;
        CHECK(expect(&r, r.machine_tty, "in") && expect(&r, r.user, "out"));
        CHECK(r.n_ends == 0);
        c = console_free(c);
        return 0;
}

static int case_two_terminals(void)
{
        struct termios t;
        int other, other_tty;
        Console *c = NULL;
        Rig r;

        CHECK(rig_make(&r) == 0 && openpty(&other, &other_tty, NULL, NULL, NULL) == 0);
        CHECK(dup2(r.user_tty, 0) == 0 && dup2(other_tty, 1) == 1);
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, INTERACTIVE, on_end, &r, &c) == 0);
        CHECK(tcgetattr(other_tty, &t) == 0 && !(t.c_oflag & OPOST) && t.c_lflag & ICANON);
        CHECK(say(r.machine_tty, "a\nb") && expect(&r, other, "a\nb"));
        CHECK(say(r.user, "x") && expect(&r, r.machine_tty, "x"));
        c = console_free(c);
        CHECK(tcgetattr(other_tty, &t) == 0 && t.c_oflag & OPOST);
        return 0;
}

static int case_escape(void)
{
        Console *c = NULL;
        Rig r;

        CHECK(rig_make(&r) == 0);
        CHECK(dup2(r.user_tty, 0) == 0 && dup2(r.user_tty, 1) == 1);
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, INTERACTIVE, on_end, &r, &c) == 0);

        /* With other keys between them, or too slow: forwarded like other keys. */
        CHECK(say(r.user, "\x1d\x1dx\x1d") && expect(&r, r.machine_tty, "\x1d\x1dx\x1d"));
        turn(&r, 1100);
        CHECK(say(r.user, "\x1d\x1d") && expect(&r, r.machine_tty, "\x1d\x1d"));
        CHECK(r.n_ends == 0);

        CHECK(say(r.user, "\x1d"));
        turn(&r, 50);
        CHECK(r.n_ends == 1 && r.left_by_user);
        CHECK(say(r.user, "\x1d\x1d\x1d"));
        turn(&r, 50);
        CHECK(r.n_ends == 1);
        c = console_free(c);
        return 0;
}

/* A service's console: nothing on standard input, a file for output, and a pty that is closed and reopened. */
static int case_hang_up_drain(void)
{
        char file[] = "/tmp/test-console-XXXXXX", name[64];
        Console *c = NULL;
        int out, null;
        Rig r;

        CHECK(rig_make(&r) == 0);
        out = mkostemp(file, O_CLOEXEC);
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        CHECK(out >= 0 && unlink(file) == 0 && null >= 0);
        CHECK(dup2(null, 0) == 0 && dup2(out, 1) == 1);
        CHECK(ttyname_r(r.machine_tty, name, sizeof(name)) == 0);
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, INTERACTIVE | CONSOLE_FLAG_DRAIN, on_end, &r, &c) == 0);

        CHECK(say(r.machine_tty, "first "));
        turn(&r, 30);
        for (unsigned i = 0; i < 3; i++) {
                close(r.machine_tty);
                CHECK(turn(&r, 300) < 60);              /* hung up: it sleeps */
                r.machine_tty = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
                CHECK(r.machine_tty >= 0 && say(r.machine_tty, "again "));
                turn(&r, 30);
        }
        CHECK(r.n_ends == 0);
        CHECK(lseek(out, 0, SEEK_SET) == 0 && expect(&r, out, "first again again again "));
        c = console_free(c);
        return 0;
}

static int case_hang_up_ends(void)
{
        Console *c = NULL;
        int p[2];
        Rig r;

        CHECK(rig_make(&r) == 0 && pipe2(p, O_CLOEXEC) == 0);
        CHECK(dup2(r.user_tty, 0) == 0 && dup2(p[1], 1) == 1);
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, INTERACTIVE, on_end, &r, &c) == 0);
        CHECK(say(r.machine_tty, "bye"));
        close(r.machine_tty);
        turn(&r, 500);
        CHECK(r.n_ends == 1 && !r.left_by_user && expect(&r, p[0], "bye"));
        c = console_free(c);
        return 0;
}

/* A reader that stops: memory is bounded, the processor idle, and no output is lost. */
static int case_blocked_output(void)
{
        enum { TOTAL = 300000 };
        unsigned char expected_byte = 0;
        Console *c = NULL;
        int p[2], status;
        size_t got = 0;
        pid_t writer;
        Rig r;

        CHECK(rig_make(&r) == 0 && pipe2(p, O_CLOEXEC) == 0);
        CHECK(dup2(p[1], 1) == 1);
        writer = fork();
        if (writer == 0) {
                for (size_t i = 0; i < TOTAL; i++) {
                        unsigned char byte = (unsigned char) i;

                        if (write(r.machine_tty, &byte, 1) != 1)
                                _exit(1);
                }
                _exit(0);
        }
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, CONSOLE_FLAG_WRITE | CONSOLE_FLAG_DRAIN, on_end, &r, &c) == 0);
        turn(&r, 500);                                  /* the pipe and our buffer fill */
        CHECK(turn(&r, 300) < 60);
        CHECK(waitpid(writer, &status, WNOHANG) == 0);  /* the payload waits */

        for (uint64_t end = msec(CLOCK_MONOTONIC) + 10000; got < TOTAL && msec(CLOCK_MONOTONIC) < end;) {
                struct pollfd ready = { .fd = p[0], .events = POLLIN };
                unsigned char buf[8192];
                ssize_t n;

                (void) sd_event_run(r.event, 1000);
                if (poll(&ready, 1, 0) <= 0)
                        continue;
                n = read(p[0], buf, sizeof(buf));
                CHECK(n > 0);
                for (ssize_t i = 0; i < n; i++)
                        CHECK(buf[i] == expected_byte++);
                got += (size_t) n;
        }
        CHECK(got == TOTAL);
        CHECK(waitpid(writer, &status, 0) == writer && status == 0);
        c = console_free(c);
        CHECK(fcntl(1, F_GETFL) >= 0 && !(fcntl(1, F_GETFL) & O_NONBLOCK));
        return 0;
}

/* The reader of our output is gone: the machine neither blocks nor ends. */
static int case_broken_output(void)
{
        Console *c = NULL;
        int p[2];
        Rig r;

        CHECK(rig_make(&r) == 0 && pipe2(p, O_CLOEXEC) == 0);
        CHECK(dup2(p[1], 1) == 1);
        close(p[1]);
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, CONSOLE_FLAG_WRITE | CONSOLE_FLAG_DRAIN, on_end, &r, &c) == 0);
        close(p[0]);
        for (unsigned i = 0; i < 100; i++) {
                char line[1000];

                memset(line, 'x', sizeof(line));
                CHECK(write(r.machine_tty, line, sizeof(line)) == sizeof(line));
                turn(&r, 2);
        }
        CHECK(turn(&r, 200) < 60 && r.n_ends == 0);
        c = console_free(c);
        return 0;
}

static int case_input_ends(void)
{
        Console *c = NULL;
        int p[2];
        Rig r;

        CHECK(rig_make(&r) == 0 && pipe2(p, O_CLOEXEC) == 0);
        CHECK(dup2(p[0], 0) == 0);
        CHECK(say(p[1], "exit\n"));
        CHECK(close(p[1]) == 0);
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, CONSOLE_FLAG_READ | CONSOLE_FLAG_EOF, on_end, &r, &c) == 0);
        CHECK(expect(&r, r.machine_tty, "exit\n\x04"));
        CHECK(turn(&r, 200) < 60 && r.n_ends == 0);
        c = console_free(c);
        return 0;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata)
{
        unsigned *n = userdata;

        (*n)++;
        (void) sd_event_source_set_time_relative(s, 20000);
        return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

/* A payload that writes continuously: other events are still handled. */
static int case_flood(void)
{
        sd_event_source *timer = NULL;
        Console *c = NULL;
        unsigned ticks = 0;
        pid_t writer;
        int null;
        Rig r;

        CHECK(rig_make(&r) == 0);
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        CHECK(null >= 0 && dup2(null, 1) == 1);
        writer = fork();
        if (writer == 0) {
                static char zeros[65536];

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                while (write(r.machine_tty, zeros, sizeof(zeros)) > 0)
                        ;
                _exit(0);
        }
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, CONSOLE_FLAG_WRITE | CONSOLE_FLAG_DRAIN, on_end, &r, &c) == 0);
        CHECK(sd_event_add_time_relative(r.event, &timer, CLOCK_MONOTONIC, 20000, 0, on_timer, &ticks) >= 0);
        turn(&r, 1000);
        CHECK(ticks >= 10);

        /* Nor is the end delayed. */
        {
                uint64_t start = msec(CLOCK_MONOTONIC);

                c = console_free(c);
                CHECK(msec(CLOCK_MONOTONIC) - start < 2000);
        }
        CHECK(kill(writer, SIGKILL) == 0);
        return 0;
}

enum { LOG = CONSOLE_FLAG_WRITE | CONSOLE_FLAG_DRAIN | CONSOLE_FLAG_LINES };

/* Lines for a log: whole, without control characters, and the last one even if it has no end. */
static int case_lines(void)
{
        static const char euro[] = "\xe2\x82\xac";
        Console *c = NULL;
        char buf[30000];
        ssize_t n = 0, k;
        int p[2];
        Rig r;

        CHECK(rig_make(&r) == 0 && pipe2(p, O_CLOEXEC) == 0);
        CHECK(console_new(r.event, r.machine, p[1], LOG, on_end, &r, &c) == 0);
        CHECK(say(r.machine_tty, "<0>abc\r\n\033[2Jlog"));
        CHECK(expect(&r, p[0], "<0>abc\n"));
        CHECK(fd_nonblock(p[0], true) == 0);
        turn(&r, 50);
        CHECK(read(p[0], buf, sizeof(buf)) < 0);                /* half a line */
        CHECK(say(r.machine_tty, "in: "));
        turn(&r, 20);
        CHECK(say(r.machine_tty, "\n\n"));
        CHECK(expect(&r, p[0], "\\x1b[2Jlogin: \n\n"));

        /* A line that is longer than the buffer is broken between characters. */
        for (unsigned i = 0; i < 3000; i++) {
                CHECK(say(r.machine_tty, euro));
                if (i % 100 == 0)
                        turn(&r, 1);
        }
        turn(&r, 50);
        CHECK(say(r.machine_tty, "\nend"));
        turn(&r, 50);
        c = console_free(c);
        while ((k = read(p[0], buf + n, sizeof(buf) - (size_t) n)) > 0)
                n += k;
        CHECK(n == 9000 + 2 + 4 && memcmp(buf + n - 5, "\nend\n", 5) == 0);
        CHECK(memchr(buf, '\n', 8193) && !memchr(buf, '\\', (size_t) n));
        return 0;
}

/* A reader that stops: the payload goes on, the loss is told, and what comes after it is there. */
static int stopped_reader(unsigned flags, bool command)
{
        static char chunk[1024], buf[65536 * 2];
        uint64_t start = msec(CLOCK_MONOTONIC);
        size_t written = 0, n = 0;
        Console *c = NULL;
        const char *told;
        int p[2];
        Rig r;

        memset(chunk, 'x', sizeof(chunk) - 1);
        chunk[sizeof(chunk) - 1] = '\n';
        CHECK(rig_make(&r) == 0 && pipe2(p, O_CLOEXEC) == 0);
        CHECK(fd_nonblock(p[0], true) == 0 && fd_nonblock(r.machine_tty, true) == 0);
        CHECK(console_new(r.event, r.machine, p[1], flags, on_end, &r, &c) == 0);
        while (written < 1000 * 1000 && msec(CLOCK_MONOTONIC) - start < 4000) {
                ssize_t k = write(r.machine_tty, chunk, sizeof(chunk));

                written += k > 0 ? (size_t) k : 0;
                (void) sd_event_run(r.event, 1000);
        }
        CHECK((written >= 1000 * 1000) != command);

        /* Read again. */
        CHECK(fd_nonblock(r.machine_tty, false) == 0);
        for (bool said = false; msec(CLOCK_MONOTONIC) - start < 8000;) {
                ssize_t k = read(p[0], buf + n, sizeof(buf) - 1 - n);

                n += k > 0 ? (size_t) k : 0;
                buf[n] = '\0';
                (void) sd_event_run(r.event, 1000);
                if (!said && (command || strstr(buf, "dropped"))) {
                        CHECK(say(r.machine_tty, "after\n"));
                        said = true;
                }
                if (strstr(buf, "after\n"))
                        break;
        }
        CHECK(strstr(buf, "after\n"));
        told = strstr(buf, "\nbox-run: ");
        CHECK(command ? !told : told && strstr(told, " bytes of console output were dropped"));
        if (told)
                CHECK(n < written && strtoul(told + strlen("\nbox-run: "), NULL, 10) > 800 * 1000);
        c = console_free(c);
        return 0;
}

static int case_stopped_reader(void)
{
        return stopped_reader(CONSOLE_FLAG_WRITE | CONSOLE_FLAG_DRAIN | CONSOLE_FLAG_DROP, /* command= */ false);
}

static int case_stopped_log(void)
{
        return stopped_reader(LOG | CONSOLE_FLAG_DROP, /* command= */ false);
}

static int case_stopped_reader_of_a_command(void)
{
        return stopped_reader(CONSOLE_FLAG_WRITE | CONSOLE_FLAG_DRAIN, /* command= */ true);
}

/* Passive: output is discarded, so that the payload never waits for a reader. */
static int case_passive(void)
{
        Console *c = NULL;
        static char much[30000];
        Rig r;

        CHECK(rig_make(&r) == 0);
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, CONSOLE_FLAG_DRAIN, on_end, &r, &c) == 0);
        for (unsigned i = 0; i < 10; i++) {
                int queued = -1;

                CHECK(fcntl(r.machine_tty, F_SETFL, O_NONBLOCK) == 0);
                CHECK(write(r.machine_tty, much, 3000) == 3000);
                turn(&r, 20);
                CHECK(ioctl(r.machine, FIONREAD, &queued) == 0 && queued == 0);
        }
        c = console_free(c);
        return 0;
}

/* What a console tells others, and takes from them. */
typedef struct Heard {
        char said[64];
        size_t n_said;
        unsigned n_rooms, n_resized, n_input_ends;
        HotKey key;
} Heard;

static void on_said(const char *bytes, size_t n, void *userdata)
{
        Heard *h = userdata;

        for (size_t i = 0; i < n && h->n_said < sizeof(h->said); i++)
                h->said[h->n_said++] = bytes[i];
}

static void on_room(void *userdata)
{
        ((Heard *) userdata)->n_rooms++;
}

static void on_hot_key(HotKey key, void *userdata)
{
        ((Heard *) userdata)->key = key;
}

static void on_input_end(void *userdata)
{
        ((Heard *) userdata)->n_input_ends++;
}

static void on_resized(void *userdata)
{
        ((Heard *) userdata)->n_resized++;
}

static int case_hooks(void)
{
        Heard h = {};
        const ConsoleHooks hooks = {
                .said = on_said, .room = on_room, .hot_key = on_hot_key, .input_end = on_input_end, .resized = on_resized,
                .userdata = &h,
        };
        Console *c = NULL;
        Rig r;

        CHECK(rig_make(&r) == 0);
        CHECK(dup2(r.user_tty, 0) == 0 && dup2(r.user_tty, 1) == 1);
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, INTERACTIVE, on_end, &r, &c) == 0);

        /* Keys for the machine, as long as nobody listens. */
        CHECK(say(r.user, "\x1d\x1drx") && expect(&r, r.machine_tty, "\x1d\x1drx"));
        console_set_hooks(c, &hooks);
        CHECK(say(r.user, "a\x1d\x1drb\x1d") && expect(&r, r.machine_tty, "a\x1d\x1d" "b\x1d"));
        CHECK(h.key == HOT_KEY_REBOOT);
        CHECK(say(r.user, "\x1dpc") && expect(&r, r.machine_tty, "\x1d" "c"));
        CHECK(h.key == HOT_KEY_POWER_OFF && r.n_ends == 0);

        CHECK(say(r.machine_tty, "output") && expect(&r, r.user, "output"));
        CHECK(h.n_said == 6 && memcmp(h.said, "output", 6) == 0);
        CHECK(raise(SIGWINCH) == 0);
        turn(&r, 20);
        CHECK(h.n_resized == 1);

        /* Input of others, of ours only while it is not muted; hot keys at any time. */
        h.n_rooms = 0;
        CHECK(console_type(c, "typed", 5) == 5 && expect(&r, r.machine_tty, "typed") && h.n_rooms > 0);
        console_mute(c, true);
        CHECK(say(r.user, "unheard\x1d\x1dr"));
        turn(&r, 20);
        CHECK(h.key == HOT_KEY_REBOOT);
        console_mute(c, false);
        CHECK(say(r.user, "heard") && expect(&r, r.machine_tty, "heard"));
        c = console_free(c);
        return 0;
}

/* A payload that does not read: a part is taken, and none of it is lost. */
static int case_typing_waits(void)
{
        enum { TOTAL = 100000 };
        size_t typed = 0, got = 0;
        Heard h = {};
        const ConsoleHooks hooks = { .room = on_room, .input_end = on_input_end, .userdata = &h };
        Console *c = NULL;
        int p[2];
        Rig r;

        CHECK(rig_make(&r) == 0 && pipe2(p, O_CLOEXEC) == 0 && dup2(p[0], 0) == 0);
        CHECK(fd_nonblock(r.machine_tty, true) == 0);
        CHECK(console_new(r.event, r.machine, STDOUT_FILENO, CONSOLE_FLAG_READ, on_end, &r, &c) == 0);
        console_set_hooks(c, &hooks);
        CHECK(say(p[1], "") && close(p[1]) == 0 && h.n_input_ends == 0);
        for (uint64_t end = msec(CLOCK_MONOTONIC) + 5000; got < TOTAL && msec(CLOCK_MONOTONIC) < end;) {
                char bytes[100], seen[100];
                ssize_t k;

                for (size_t i = 0; i < sizeof(bytes); i++)
                        bytes[i] = (char) ('a' + (typed + i) % 26);
                h.n_rooms = 0;
                k = (ssize_t) console_type(c, bytes, TOTAL - typed < 100 ? TOTAL - typed : 100);
                typed += (size_t) k;
                (void) sd_event_run(r.event, 1000);
                if (typed < TOTAL && k > 0 && h.n_rooms > 0)
                        continue;
                while ((k = read(r.machine_tty, seen, sizeof(seen))) > 0)
                        for (ssize_t i = 0; i < k; i++)
                                CHECK(seen[i] == (char) ('a' + got++ % 26));
        }
        CHECK(got == TOTAL && h.n_input_ends > 0);
        c = console_free(c);
        return 0;
}

/* Whatever kills the process, its terminal is as before. */
static int case_killed(void)
{
        struct termios before, during, after = {};
        int ready[2], status;
        char byte;
        pid_t pid;
        Rig r;

        CHECK(rig_make(&r) == 0 && pipe2(ready, O_CLOEXEC) == 0);
        CHECK(dup2(r.user_tty, 0) == 0 && dup2(r.user_tty, 1) == 1);
        CHECK(tcgetattr(r.user_tty, &before) == 0);
        pid = fork();
        if (pid == 0) {
                Console *c = NULL;

                r.event = sd_event_unref(r.event);
                if (sd_event_new(&r.event) >= 0 &&
                    console_new(r.event, r.machine, STDOUT_FILENO, INTERACTIVE, on_end, &r, &c) == 0 &&
                    write(ready[1], "", 1) == 1)
                        (void) pause();
                _exit(1);
        }
        close(ready[1]);
        CHECK(read(ready[0], &byte, 1) == 1);
        CHECK(tcgetattr(r.user_tty, &during) == 0 && before.c_lflag & ICANON && !(during.c_lflag & ICANON));
        CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
        for (uint64_t end = msec(CLOCK_MONOTONIC) + 5000; msec(CLOCK_MONOTONIC) < end && !(after.c_lflag & ICANON);)
                CHECK(tcgetattr(r.user_tty, &after) == 0);
        CHECK(after.c_lflag == before.c_lflag && after.c_oflag == before.c_oflag && after.c_iflag == before.c_iflag);
        return 0;
}

static void run_case(int (*f)(void))
{
        int status = -1, report[2], line = -1;
        pid_t pid;

        assert_int_equal(pipe2(report, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                line = f();
                _exit(write(report[1], &line, sizeof(line)) == sizeof(line) ? 0 : 1);
        }
        close(report[1]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(read(report[0], &line, sizeof(line)), sizeof(line));
        close(report[0]);
        if (line != 0)
                fail_msg("failed in line %d", line);
}

#define CASE(name)                                      \
        static void test_console_##name(void **state)   \
        {                                               \
                run_case(case_##name);                  \
        }

CASE(terminal)
CASE(interrupted_calls)
CASE(two_terminals)
CASE(escape)
CASE(hang_up_drain)
CASE(hang_up_ends)
CASE(blocked_output)
CASE(broken_output)
CASE(input_ends)
CASE(flood)
CASE(lines)
CASE(stopped_reader)
CASE(stopped_log)
CASE(stopped_reader_of_a_command)
CASE(passive)
CASE(hooks)
CASE(typing_waits)
CASE(killed)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_console_terminal),
                cmocka_unit_test(test_console_interrupted_calls),
                cmocka_unit_test(test_console_two_terminals),
                cmocka_unit_test(test_console_escape),
                cmocka_unit_test(test_console_hang_up_drain),
                cmocka_unit_test(test_console_hang_up_ends),
                cmocka_unit_test(test_console_blocked_output),
                cmocka_unit_test(test_console_broken_output),
                cmocka_unit_test(test_console_input_ends),
                cmocka_unit_test(test_console_flood),
                cmocka_unit_test(test_console_lines),
                cmocka_unit_test(test_console_stopped_reader),
                cmocka_unit_test(test_console_stopped_log),
                cmocka_unit_test(test_console_stopped_reader_of_a_command),
                cmocka_unit_test(test_console_passive),
                cmocka_unit_test(test_console_hooks),
                cmocka_unit_test(test_console_typing_waits),
                cmocka_unit_test(test_console_killed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
