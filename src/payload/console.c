/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The console forwarder (see console.h). Runs in the supervisor and in boxctl, on their event loops. Needs no privilege.
 *
 * Every descriptor is watched edge-triggered. A flag holds its last state, and only EAGAIN clears the flag: a lasting
 * state (a hung-up pty, a pipe without a reader, a full buffer) wakes the process once, not forever. The payload decides
 * how much it writes: each wake-up moves a bounded number of chunks and leaves the rest to a deferred event, so that a
 * flood on the console does not keep the supervisor from its watchdog and its signals. Buffers are small and fixed: if
 * the reader is slow, the payload's writes wait, as on any terminal; with CONSOLE_FLAG_DROP not for a reader that has stopped.
 */

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "payload/console-pace.h"
#include "payload/console-stream.h"
#include "payload/console.h"
#include "payload/terminal-mode.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/text.h"

#define DRAIN_USEC USEC_PER_SEC
#define STALL_USEC USEC_PER_SEC

enum {
        EOF_BYTE = 0x04,                /* ^D */
        CHUNKS_PER_WAKE_UP = 16,
        LATE_CHECK_USEC = 50 * 1000,
        LATE_CHECKS = 20,
        OUTPUT_MAX = 8192,              /* also the longest line of a log: a longer one is broken */
        VISIBLE_MAX = 4 * OUTPUT_MAX + 1,
};

struct Console {
        sd_event *event;
        unsigned flags;
        ConsoleEnd end;
        void *userdata;
        ConsoleHooks hooks;

        int master;
        bool master_readable, master_writable, master_hung_up;
        bool master_has_output, master_reopened;
        unsigned late_hang_ups, late_opens;     /* in a row: see on_late() */
        ConsolePace pace;
        ConsoleStream input, output;
        TerminalMode terminal;

        sd_event_source *master_source, *winch_source, *more_source, *late_source, *stall_source;

        HotKeys hot_keys;
        bool muted;             /* standard input is not forwarded */
        bool held;              /* the pty is not read */
        bool left_by_user, ended;
        bool stalled;           /* output is not read, and is dropped */
        uint64_t n_dropped;     /* since the last time that this was told */

        size_t n_in, n_out, n_visible;  /* bytes waiting in the buffers */
        char in[512];
        char out[OUTPUT_MAX];
        char visible[VISIBLE_MAX];      /* CONSOLE_FLAG_LINES: lines from out, to be written */
};

void console_set_size(int pty_master)
{
        struct winsize size;

        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0)
                (void) ioctl(pty_master, TIOCSWINSZ, &size);
}

/* ---- moving bytes --------------------------------------------------------------------------------------------- */

_steady_ static bool would_block(ssize_t n)
{
        return n < 0 && errno == EAGAIN;
}

_steady_ static void consume(char *buf, size_t *used, size_t n)
{
        memmove(buf, buf + n, *used - n);
        *used -= n;
}

/* Takes hot keys out of the n bytes that were just read into the buffer, and returns how many are left to be forwarded. */
_steady_ static size_t take_hot_keys(Console *c, char *bytes, size_t n)
{
        size_t done = 0, plain;
        uint64_t now = 0;

        if (!(c->flags & CONSOLE_FLAG_ESCAPE) || sd_event_now(c->event, CLOCK_MONOTONIC, &now) < 0)
                return n;

        while (done < n) {
                HotKey key = hot_keys_feed(&c->hot_keys, bytes + done, n - done, now, &plain);

                done += plain;
                if (key == HOT_KEY_LEAVE) {
                        c->left_by_user = true;
                        return done;
                }
                if (key == HOT_KEY_NONE)
                        continue;
                if (!c->hooks.hot_key) {
                        done++;
                        continue;
                }
                c->hooks.hot_key(key, c->hooks.userdata);
                memmove(bytes + done, bytes + done + 1, --n - done);
        }

        return n;
}

_steady_ static void tell_input_end(Console *c)
{
        if (c->input.fd < 0 && c->n_in == 0 && c->hooks.input_end)
                c->hooks.input_end(c->hooks.userdata);
}

/* Each of the four steps returns true if it made progress. */

_steady_ static bool step_input(Console *c)
{
        ssize_t n;

        /* One byte is reserved for the ^D. */
        if (c->input.fd < 0 || !c->input.ready || c->n_in >= sizeof(c->in) - 1)
                return false;

        n = console_stream_read(&c->input, c->in + c->n_in, sizeof(c->in) - 1 - c->n_in);
        if (would_block(n)) {
                c->input.ready = false;
                return false;
        }
        if (n <= 0) {
                console_stream_close(&c->input);
                if (c->flags & CONSOLE_FLAG_EOF)
                        c->in[c->n_in++] = EOF_BYTE;
                tell_input_end(c);
                return true;
        }

        n = (ssize_t) take_hot_keys(c, c->in + c->n_in, (size_t) n);
        c->n_in += c->muted ? 0 : (size_t) n;
        return true;
}

/* Without flow control by ^S, too: the kernel looks for it before it looks for quotes. */
static void terminal_no_echo(int fd)
{
        struct termios t;

        if (tcgetattr(fd, &t) < 0)
                return;
        t.c_lflag &= ~(tcflag_t) ECHO;
        t.c_iflag &= ~(tcflag_t) IXON;
        (void) tcsetattr(fd, TCSANOW, &t);
}

_steady_ static bool step_master_write(Console *c)
{
        ssize_t n;

        if (!c->master_writable || c->n_in == 0 || c->pace.waiting)
                return false;
        /* Input that is written before the payload hangs up and reopens its terminal would be lost. */
        if (c->flags & CONSOLE_FLAG_LATE && !c->master_has_output && !c->master_reopened)
                return false;

        /* As late as this: who opens the terminal may reset it. */
        if (c->flags & CONSOLE_FLAG_NO_ECHO) {
                terminal_no_echo(c->master);
                c->flags &= ~(unsigned) CONSOLE_FLAG_NO_ECHO;
        }
        n = TEMP_FAILURE_RETRY(write(c->master, c->in, console_pace_size(&c->pace, c->in, c->n_in)));
        if (would_block(n)) {
                c->master_writable = false;
                return false;
        }
        if (n < 0 || c->in[n - 1] == '\n' || (size_t) n == c->n_in)
                console_pace_wrote(&c->pace);
        consume(c->in, &c->n_in, n < 0 ? c->n_in : (size_t) n);         /* an error: nothing reads it, drop it */
        if (c->hooks.room)
                c->hooks.room(c->hooks.userdata);
        tell_input_end(c);
        return true;
}

_steady_ static bool step_master_read(Console *c)
{
        bool drop = c->stalled && c->n_out >= sizeof(c->out);
        char dropped[1024], *bytes = drop ? dropped : c->out + c->n_out;
        ssize_t n;

        if (!c->master_readable || c->held || (!drop && c->n_out >= sizeof(c->out)))
                return false;

        n = TEMP_FAILURE_RETRY(read(c->master, bytes, drop ? sizeof(dropped) : sizeof(c->out) - c->n_out));
        if (n <= 0) {
                c->master_readable = false;
                c->master_hung_up = !would_block(n);          /* EIO: no process has the pty open */
                return false;
        }

        c->master_hung_up = false;
        c->master_has_output = true;
        console_pace_said(&c->pace, bytes[n - 1]);
        if (c->hooks.said)
                c->hooks.said(bytes, (size_t) n, c->hooks.userdata);
        if (drop)
                c->n_dropped += (uint64_t) n;
        else
                c->n_out += (size_t) n;
        return true;
}

/* Moves whole lines from out to visible; at the end, and if the buffer is full, also the beginning of one. */
_steady_ static void make_lines(Console *c, bool end)
{
        size_t done = 0;

        while (done < c->n_out) {
                const char *line = c->out + done, *newline = memchr(line, '\n', c->n_out - done);
                size_t size = newline ? (size_t) (newline - line) : c->n_out - done;

                if (!newline && !end) {
                        if (size < sizeof(c->out))
                                break;
                        size = text_whole_characters(line, size);
                }
                if (4 * size + 1 > sizeof(c->visible) - c->n_visible)
                        break;
                c->n_visible += text_make_visible(line, size, c->visible + c->n_visible);
                c->visible[c->n_visible++] = '\n';
                done += size + (newline ? 1 : 0);
        }
        consume(c->out, &c->n_out, done);
}

/* Once everything before has been written. */
static void tell_dropped(Console *c)
{
        if (c->n_dropped == 0 || c->n_out > 0 || c->n_visible > 0)
                return;
        c->n_out = (size_t) snprintf(c->out, sizeof(c->out), "\r\nbox-run: %" PRIu64 " bytes of console output were dropped, "
                                     "because they were not read\r\n", c->n_dropped);
        c->n_dropped = 0;
}

/* Waits for the reader for a second from here on, unless it waits already. */
_steady_ static void wait_for_reader(Console *c)
{
        /* Without epoll there is no event to continue at; files do not return EAGAIN. */
        c->output.ready = !c->output.source;
        if (c->stall_source && !c->stalled && sd_event_source_get_enabled(c->stall_source, NULL) == 0 &&
            sd_event_source_set_time_relative(c->stall_source, STALL_USEC) >= 0)
                (void) sd_event_source_set_enabled(c->stall_source, SD_EVENT_ONESHOT);
}

_steady_ static bool step_output(Console *c)
{
        bool lines = c->flags & CONSOLE_FLAG_LINES;
        size_t *size = lines ? &c->n_visible : &c->n_out;
        char *data = lines ? c->visible : c->out;
        ssize_t n;

        if (c->output.fd < 0) {
                bool any = c->n_out > 0;

                c->n_out = c->n_visible = 0;
                return any;
        }
        tell_dropped(c);
        if (lines)
                make_lines(c, /* end= */ false);
        if (*size == 0 || !c->output.ready)
                return false;

        n = console_stream_write(&c->output, data, *size);
        if (would_block(n)) {
                wait_for_reader(c);
                return false;
        }
        if (n < 0) {
                console_stream_close(&c->output);          /* no reader, or disk full: the machine continues */
                if (c->hooks.output_end)
                        c->hooks.output_end(c->hooks.userdata);
                return true;
        }
        if (c->stall_source)
                (void) sd_event_source_set_enabled(c->stall_source, SD_EVENT_OFF);
        c->stalled = false;
        consume(data, size, (size_t) n);
        return true;
}

/* Output that could be written, but for the beginning of a line. */
static bool has_output(const Console *c)
{
        return c->flags & CONSOLE_FLAG_LINES ? c->n_visible > 0 : c->n_out > 0;
}

/* Returns true if there is more to move at once. */
_steady_ static bool forward(Console *c)
{
        for (unsigned i = 0; i < CHUNKS_PER_WAKE_UP; i++) {
                bool moved = step_input(c);

                if (c->left_by_user)
                        return false;
                moved = step_master_write(c) || moved;
                moved = step_master_read(c) || moved;
                moved = step_output(c) || moved;
                if (!moved)
                        return false;
        }

        return true;
}

static bool may_be_opened_again(const Console *c)
{
        return c->flags & CONSOLE_FLAG_DRAIN && !(c->flags & CONSOLE_FLAG_PACED && c->input.fd < 0 && c->n_in == 0);
}

/* May free the console: it must not be used afterwards. */
_steady_ static int serve(Console *c)
{
        bool more, gone;

        if (c->ended)
                return 0;

        more = forward(c);
        gone = c->master_hung_up && !has_output(c) && !may_be_opened_again(c) &&
               (c->master_has_output || c->late_hang_ups >= LATE_CHECKS || !(c->flags & CONSOLE_FLAG_LATE));
        if (c->left_by_user || gone) {
                c->ended = true;
                if (c->end)
                        c->end(c, c->left_by_user, c->userdata);
                return 0;
        }

        return more ? sd_event_source_set_enabled(c->more_source, SD_EVENT_ONESHOT) : 0;
}

/* For a pty that the payload hangs up, reopens, and closes at the end, as systemd does with a service's terminal. epoll does
 * not report the reopening: until there is output, the pty is polled. Reopened after a hang-up, or open for one second: it
 * accepts input. Hung up for one second: a command that ended without output. */
static int on_late(sd_event_source *s, uint64_t usec, void *userdata)
{
        Console *c = userdata;
        struct pollfd p = { .fd = c->master };
        int r;

        if (c->ended || c->master_has_output)
                return 0;

        if (poll(&p, 1, 0) > 0 && p.revents & POLLHUP) {
                c->late_hang_ups++;
                c->late_opens = 0;
                c->master_hung_up = true;
        } else {
                c->late_hang_ups = 0;
                c->master_reopened = c->master_reopened || c->master_hung_up || ++c->late_opens >= LATE_CHECKS;
                c->master_hung_up = false;
        }
        r = sd_event_source_set_time_relative(s, LATE_CHECK_USEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
        return r < 0 ? r : serve(c);
}

/* ---- events --------------------------------------------------------------------------------------------------- */

_steady_ static int on_master(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Console *c = userdata;

        if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
                c->master_readable = true;
        if (revents & EPOLLOUT)
                c->master_writable = true;
        return serve(c);
}

_steady_ static int on_input(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Console *c = userdata;

        c->input.ready = true;
        return serve(c);
}

_steady_ static int on_output(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Console *c = userdata;

        c->output.ready = true;
        return serve(c);
}

_steady_ static int on_stall(sd_event_source *s, uint64_t usec, void *userdata)
{
        Console *c = userdata;

        c->stalled = true;
        return serve(c);
}

_steady_ static int on_pace(sd_event_source *s, uint64_t usec, void *userdata)
{
        Console *c = userdata;

        console_pace_due(&c->pace);
        return serve(c);
}

_steady_ static int on_more(sd_event_source *s, void *userdata)
{
        return serve(userdata);
}

static int on_winch(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
        Console *c = userdata;

        console_set_size(c->master);
        if (c->hooks.resized)
                c->hooks.resized(c->hooks.userdata);
        return 0;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static int watch(Console *c, int output_fd)
{
        int r;

        r = sd_event_add_io(c->event, &c->master_source, c->master, EPOLLIN | EPOLLOUT | EPOLLET, on_master, c);
        if (r >= 0 && c->flags & CONSOLE_FLAG_READ)
                r = console_stream_open(&c->input, c->event, STDIN_FILENO, EPOLLIN, on_input, c);
        if (r >= 0 && c->flags & CONSOLE_FLAG_WRITE)
                r = console_stream_open(&c->output, c->event, output_fd, EPOLLOUT, on_output, c);
        if (r >= 0 && c->flags & CONSOLE_FLAG_DROP) {
                r = sd_event_add_time_relative(c->event, &c->stall_source, CLOCK_MONOTONIC, STALL_USEC, 0, on_stall, c);
                if (r >= 0)
                        r = sd_event_source_set_enabled(c->stall_source, SD_EVENT_OFF);
        }
        if (r >= 0)
                r = sd_event_add_defer(c->event, &c->more_source, on_more, c);
        if (r >= 0)
                r = sd_event_source_set_priority(c->more_source, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0 && c->flags & CONSOLE_FLAG_LATE)
                r = sd_event_add_time_relative(c->event, &c->late_source, CLOCK_MONOTONIC, LATE_CHECK_USEC, LATE_CHECK_USEC / 10,
                                               on_late, c);
        if (r >= 0 && c->flags & CONSOLE_FLAG_PACED)
                r = console_pace_open(&c->pace, c->event, on_pace, c);
        if (r < 0 || !isatty(STDOUT_FILENO))
                return r;
        r = sd_event_add_signal(c->event, &c->winch_source, SIGWINCH | SD_EVENT_SIGNAL_PROCMASK, on_winch, c);
        return r == -EBUSY ? 0 : r;             /* another console handles the signal */
}

int console_new(sd_event *event, int pty_master, int output_fd, unsigned flags, ConsoleEnd end, void *userdata, Console **ret)
{
        _cleanup_(console_freep) Console *c = NULL;
        int r;

        r = fd_nonblock(pty_master, true);
        if (r < 0)
                return r;

        c = malloc(sizeof(*c));         /* the buffers are not cleared: their pages are touched only when used */
        if (!c)
                return -ENOMEM;
        memset(c, 0, offsetof(Console, in));
        c->event = sd_event_ref(event);
        c->flags = flags;
        c->end = end;
        c->userdata = userdata;
        c->master = pty_master;
        c->input = c->output = (ConsoleStream) CONSOLE_STREAM_NULL;
        c->terminal = (TerminalMode) TERMINAL_MODE_NULL;
        c->ended = true;                /* until it is complete: after a failure below there is nothing to write out */

        r = watch(c, output_fd);
        if (r >= 0 && flags & CONSOLE_FLAG_READ)
                r = terminal_mode_set_raw(&c->terminal, flags & CONSOLE_FLAG_WRITE);
        if (r < 0)
                return r;

        console_set_size(pty_master);
        c->ended = false;
        *ret = TAKE_PTR(c);
        return 0;
}

void console_set_hooks(Console *c, const ConsoleHooks *hooks)
{
        c->hooks = *hooks;
}

size_t console_type(Console *c, const char *bytes, size_t n)
{
        /* One byte is reserved for the ^D. */
        size_t room = sizeof(c->in) - 1 - c->n_in;

        if (n > room)
                n = room;
        if (n > 0) {
                memcpy(c->in + c->n_in, bytes, n);
                c->n_in += n;
                (void) sd_event_source_set_enabled(c->more_source, SD_EVENT_ONESHOT);
        }
        return n;
}

void console_mute(Console *c, bool muted)
{
        c->muted = muted;
}

void console_hold(Console *c, bool held)
{
        c->held = held;
        if (!held)
                (void) sd_event_source_set_enabled(c->more_source, SD_EVENT_ONESHOT);
}

void console_resize(Console *c, unsigned short rows, unsigned short columns)
{
        const struct winsize size = { .ws_row = rows, .ws_col = columns };

        (void) ioctl(c->master, TIOCSWINSZ, &size);
}

/* The last output of the payload: until the pty is empty or the time is over. */
static void write_out(Console *c)
{
        uint64_t end = clock_usec(CLOCK_MONOTONIC) + DRAIN_USEC, now;

        c->master_readable = true;
        c->held = false;
        while ((now = clock_usec(CLOCK_MONOTONIC)) < end) {
                struct pollfd output = { .fd = c->output.fd, .events = POLLOUT };
                bool moved;

                c->output.ready = true;
                moved = step_master_read(c);
                if (step_output(c) || moved)
                        continue;
                if (!has_output(c)) {
                        if (c->n_out == 0)
                                return;
                        make_lines(c, /* end= */ true);
                        continue;
                }
                (void) poll(&output, 1, (int) ((end - now) / 1000 + 1));
        }
}

Console *console_free(Console *c)
{
        if (!c)
                return NULL;

        if (!c->ended && (c->output.fd >= 0 || c->hooks.said))
                write_out(c);
        terminal_mode_restore(&c->terminal);

        sd_event_source_disable_unref(c->master_source);
        sd_event_source_disable_unref(c->winch_source);
        sd_event_source_disable_unref(c->more_source);
        sd_event_source_disable_unref(c->late_source);
        console_pace_close(&c->pace);
        sd_event_source_disable_unref(c->stall_source);
        console_stream_close(&c->input);
        console_stream_close(&c->output);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}
