/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as what a viewer of a console sends: what is typed reaches the pty, what is no frame ends the connection, and what the
 * viewer is sent is frames. The first byte says how much of it had come before the connection became a stream.
 */

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "payload/console-frame.h"
#include "payload/console-viewers.h"
#include "util/fd.h"

enum { LOOPS = 100 };

typedef struct Session {
        ConsoleViewers *viewers;
        unsigned keys;
        char answers[4 * CONSOLE_FRAME_MAX];
        size_t n_answers;
} Session;

static void on_key(HotKey key, void *userdata)
{
        Session *s = userdata;

        CHECK(key == HOT_KEY_REBOOT || key == HOT_KEY_POWER_OFF);
        s->keys++;
}

static void on_said(const char *bytes, size_t n, void *userdata)
{
        Session *s = userdata;

        if (s->viewers)
                console_viewers_said(s->viewers, bytes, n);
}

static void on_room(void *userdata)
{
        Session *s = userdata;

        if (s->viewers)
                console_viewers_room(s->viewers);
}

/* Whole frames are taken out, and what is left begins one. */
static void check_answers(Session *s)
{
        ConsoleFrame f;
        ssize_t n;

        while ((n = console_frame_read(s->answers, s->n_answers, &f)) > 0) {
                CHECK(f.type == CONSOLE_FRAME_BYTES || (f.type >= CONSOLE_FRAME_LOST && f.type <= CONSOLE_FRAME_END));
                CHECK(f.type != CONSOLE_FRAME_TYPING || f.size == 1);
                s->n_answers -= (size_t) n;
                memmove(s->answers, s->answers + n, s->n_answers);
        }
        CHECK(n == 0);
}

static void serve(Session *s, sd_event *event, int fd, const char *bytes, size_t size)
{
        bool open = true;

        for (unsigned i = 0; i < LOOPS; i++) {
                ssize_t n = open && size > 0 ? send(fd, bytes, size < 1500 ? size : 1500, MSG_NOSIGNAL) : 0;

                open = open && n >= 0;
                bytes += n > 0 ? n : 0;
                size -= n > 0 ? (size_t) n : 0;
                if (sd_event_run(event, 0) <= 0 && (size == 0 || !open))
                        break;
                n = recv(fd, s->answers + s->n_answers, sizeof(s->answers) - s->n_answers, 0);
                s->n_answers += n > 0 ? (size_t) n : 0;
                check_answers(s);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        _cleanup_(console_freep) Console *console = NULL;
        _cleanup_close_ int output = -EBADF, master = -EBADF, terminal = -EBADF;
        ConsoleRing ring = CONSOLE_RING_NULL;
        Session s = {};
        const ConsoleHooks hooks = { .said = on_said, .room = on_room, .userdata = &s };
        size_t early = size > 0 ? data[0] : 0;
        sd_event *event = NULL;
        int pair[2];

        if (size == 0)
                return 0;
        data++;
        size--;
        early = early < size ? early : size;
        CHECK(sd_event_new(&event) == 0);
        CHECK(openpty(&master, &terminal, NULL, NULL, NULL) == 0);
        CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
        CHECK((output = open("/dev/null", O_WRONLY | O_CLOEXEC)) >= 0);
        CHECK(console_ring_open(&ring) == 0);
        CHECK(console_new(event, master, output, 0, NULL, NULL, &console) == 0);
        console_set_hooks(console, &hooks);
        CHECK(console_viewers_new(event, console, &ring, false, on_key, &s, &s.viewers) == 0);
        CHECK(console_viewers_add(s.viewers, pair[0], CONSOLE_VIEWER_TYPES, (const char *) data, early) == 0);
        serve(&s, event, pair[1], (const char *) data + early, size - early);

        s.viewers = console_viewers_free(s.viewers, false);
        console = console_free(console);
        console_ring_close(&ring);
        fd_close(pair[1]);
        sd_event_unref(event);
        return 0;
}
