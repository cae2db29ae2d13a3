/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The bridge (see console-bridge.h). Part of boxctl, with its caller's rights. The buffers are of a fixed size: when one side
 * does not read, the other is not read. What the payload says is not interpreted.
 */

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "ctl/console-bridge.h"
#include "util/fd.h"

enum {
        COMMANDS_MAX = 256,             /* bytes of frames other than typed ones that are still to be sent */
        STEPS_PER_WAKE_UP = 32,
};

struct ConsoleBridge {
        int remote, local;
        sd_event_source *remote_source, *local_source, *more_source;
        ConsoleBridgeFrame on_frame;
        ConsoleBridgeEnd on_end;
        void *userdata;
        const char *early;              /* what is left of the bytes that had come before */
        size_t n_early;
        char in[CONSOLE_FRAME_MAX];     /* from the supervisor */
        size_t n_in;
        const char *text;               /* to be written to the pair first */
        size_t shown;                   /* of the bytes of the first frame */
        char out[CONSOLE_FRAME_MAX];    /* to the supervisor */
        size_t n_out;
        char commands[COMMANDS_MAX];
        size_t n_commands;
        bool local_ended, remote_ended, ended;
};

static bool would_block(ssize_t n)
{
        return n < 0 && errno == EAGAIN;
}

/* Each of the steps returns true if it made progress. */

static bool step_receive(ConsoleBridge *b)
{
        ssize_t n;

        if (b->remote_ended || b->n_in == sizeof(b->in))
                return false;
        if (b->n_early > 0) {
                size_t room = sizeof(b->in) - b->n_in, k = b->n_early < room ? b->n_early : room;

                memcpy(b->in + b->n_in, b->early, k);
                b->n_in += k;
                b->early += k;
                b->n_early -= k;
                return true;
        }
        n = TEMP_FAILURE_RETRY(recv(b->remote, b->in + b->n_in, sizeof(b->in) - b->n_in, MSG_DONTWAIT));
        if (would_block(n))
                return false;
        if (n <= 0)
                b->remote_ended = true;
        else
                b->n_in += (size_t) n;
        return true;
}

/* Writes to the pair, and returns how much of it. */
static size_t show(ConsoleBridge *b, const char *bytes, size_t n)
{
        ssize_t k = TEMP_FAILURE_RETRY(send(b->local, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL));

        /* Without a reader it is dropped. */
        return k >= 0 ? (size_t) k : would_block(k) ? 0 : n;
}

static bool step_show(ConsoleBridge *b)
{
        ConsoleFrame f;
        ssize_t n;

        if (b->text) {
                size_t k = show(b, b->text, strlen(b->text));

                b->text += k;
                if (*b->text == 0)
                        b->text = NULL;
                return k > 0;
        }
        n = console_frame_read(b->in, b->n_in, &f);
        if (n < 0)
                b->remote_ended = true;
        if (n <= 0)
                return false;
        if (f.type == CONSOLE_FRAME_BYTES && b->shown < f.size) {
                size_t k = show(b, f.data + b->shown, f.size - b->shown);

                b->shown += k;
                if (b->shown < f.size)
                        return k > 0;
        } else if (f.type != CONSOLE_FRAME_BYTES)
                b->on_frame(&f, &b->text, b->userdata);
        b->shown = 0;
        b->n_in -= (size_t) n;
        memmove(b->in, b->in + n, b->n_in);
        return true;
}

/* The end of what is typed is told once. */
static bool step_type(ConsoleBridge *b)
{
        ssize_t n;

        if (b->n_out > 0)
                return false;
        if (b->n_commands > 0) {
                memcpy(b->out, b->commands, b->n_commands);
                b->n_out = b->n_commands;
                b->n_commands = 0;
                return true;
        }
        if (b->local_ended)
                return false;
        n = TEMP_FAILURE_RETRY(recv(b->local, b->out + CONSOLE_FRAME_HEADER, CONSOLE_FRAME_DATA_MAX, MSG_DONTWAIT));
        if (would_block(n))
                return false;
        b->local_ended = n <= 0;
        b->n_out = console_frame_header(b->out, n > 0 ? CONSOLE_FRAME_BYTES : CONSOLE_FRAME_INPUT_END, n > 0 ? (size_t) n : 0);
        return true;
}

static bool step_send(ConsoleBridge *b)
{
        ssize_t n;

        if (b->n_out == 0)
                return false;
        n = TEMP_FAILURE_RETRY(send(b->remote, b->out, b->n_out, MSG_DONTWAIT | MSG_NOSIGNAL));
        if (would_block(n))
                return false;
        if (n < 0) {
                /* It may have sent its last before that. */
                b->n_out = b->n_commands = 0;
                b->local_ended = true;
                return true;
        }
        b->n_out -= (size_t) n;
        memmove(b->out, b->out + n, b->n_out);
        return true;
}

static int serve(ConsoleBridge *b)
{
        ConsoleFrame f;

        for (unsigned i = 0; i < STEPS_PER_WAKE_UP; i++) {
                bool moved = step_receive(b);

                moved = step_show(b) || moved;
                moved = step_type(b) || moved;
                moved = step_send(b) || moved;
                if (!moved && b->remote_ended && !b->text && console_frame_read(b->in, b->n_in, &f) <= 0) {
                        if (!b->ended) {
                                b->ended = true;
                                b->on_end(b->userdata);
                        }
                        return 0;
                }
                if (!moved)
                        return 0;
        }
        return sd_event_source_set_enabled(b->more_source, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        return serve(userdata);
}

static int on_more(sd_event_source *s, void *userdata)
{
        return serve(userdata);
}

int console_bridge_new(sd_event *event, int remote, int local, const char *early, size_t n_early, ConsoleBridgeFrame on_frame,
                       ConsoleBridgeEnd on_end, void *userdata, ConsoleBridge **ret)
{
        ConsoleBridge *b = calloc(1, sizeof(*b));
        int r;

        if (!b) {
                fd_close(remote);
                fd_close(local);
                return -ENOMEM;
        }
        b->remote = remote;
        b->local = local;
        b->on_frame = on_frame;
        b->on_end = on_end;
        b->userdata = userdata;
        b->early = early;
        b->n_early = n_early;
        r = sd_event_add_io(event, &b->remote_source, remote, EPOLLIN | EPOLLOUT | EPOLLET, on_io, b);
        if (r >= 0)
                r = sd_event_add_io(event, &b->local_source, local, EPOLLIN | EPOLLOUT | EPOLLET, on_io, b);
        if (r >= 0)
                r = sd_event_add_defer(event, &b->more_source, on_more, b);
        if (r < 0) {
                console_bridge_free(b);
                return r;
        }
        *ret = b;
        return 0;
}

void console_bridge_send(ConsoleBridge *b, ConsoleFrameType type, uint64_t value, size_t size)
{
        if (b->n_commands + CONSOLE_FRAME_HEADER + size > sizeof(b->commands))
                return;
        console_frame_put(b->commands + b->n_commands + CONSOLE_FRAME_HEADER, value, size);
        b->n_commands += console_frame_header(b->commands + b->n_commands, type, size);
        (void) sd_event_source_set_enabled(b->more_source, SD_EVENT_ONESHOT);
}

ConsoleBridge *console_bridge_free(ConsoleBridge *b)
{
        if (!b)
                return NULL;
        sd_event_source_disable_unref(b->remote_source);
        sd_event_source_disable_unref(b->local_source);
        sd_event_source_disable_unref(b->more_source);
        fd_close(b->remote);
        fd_close(b->local);
        free(b);
        return NULL;
}
