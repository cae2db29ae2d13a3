/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Viewers of the console (see console-viewers.h). The supervisor, on its event loop; no privilege. The caller has checked
 * which user a viewer is. What it sends is bounded, and what is no frame ends its connection.
 */

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include "payload/console-frame.h"
#include "payload/console-viewers.h"
#include "util/clock.h"
#include "util/fd.h"

enum {
        VIEWERS_MAX = 32,
        FRAMES_PER_WAKE_UP = 16,
        /* Of this much that a viewer has not been sent, the payload waits for it. */
        BEHIND_MAX = CONSOLE_RING_SIZE / 2,
        PRIORITY = SD_EVENT_PRIORITY_NORMAL + 10,
};
#define WAIT_USEC USEC_PER_SEC

typedef struct Viewer Viewer;
struct Viewer {
        ConsoleViewers *all;
        Viewer *next;
        int fd;
        sd_event_source *source;
        ConsoleViewerMode mode;
        bool tell_typing;       /* whether it types, is still to be told */
        bool live;
        bool slow;              /* is not waited for until it has caught up */
        bool full;              /* reads no more until the console takes what it has typed */
        uint64_t place;         /* in the ring */
        size_t n_in, n_out;
        size_t typed;           /* of the frame in front of `in` */
        char in[CONSOLE_FRAME_MAX], out[CONSOLE_FRAME_MAX];
};

struct ConsoleViewers {
        sd_event *event;
        Console *console;
        ConsoleRing *ring;
        void (*hot_key)(HotKey key, void *userdata);
        void *userdata;
        bool terminal;
        bool holding;           /* the console is not read, for at most WAIT_USEC */
        sd_event_source *wait_source;
        Viewer *first;          /* in the order of their coming */
        Viewer *typist;
        size_t n;
};

/* ---- who types ------------------------------------------------------------------------------------------------ */

static void watch_viewer(Viewer *w, bool output)
{
        (void) sd_event_source_set_io_events(w->source, (w->full ? 0 : EPOLLIN) | (output ? EPOLLOUT : 0));
}

static void set_typist(ConsoleViewers *v, Viewer *w)
{
        Viewer *old = v->typist;

        if (old == w)
                return;
        v->typist = w;
        console_mute(v->console, w);
        if (old) {
                old->tell_typing = true;
                old->full = false;
                watch_viewer(old, /* output= */ true);
        }
        if (w) {
                w->tell_typing = true;
                watch_viewer(w, /* output= */ true);
        }
}

/* The viewer does not type any more: the next one that wants to. Without one box-run's terminal, if there is one. */
static void release_typist(Viewer *w)
{
        Viewer *next = w->all->terminal ? NULL : w->all->first;

        w->mode = CONSOLE_VIEWER_READS;
        if (w->all->typist != w)
                return;
        while (next && next->mode == CONSOLE_VIEWER_READS)
                next = next->next;
        set_typist(w->all, next);
}

/* ---- output --------------------------------------------------------------------------------------------------- */

_steady_ static bool is_behind(const Viewer *w)
{
        return !w->slow && w->all->ring->end - w->place > BEHIND_MAX;
}

/* The payload waits while a viewer is behind. */
_steady_ static void update_hold(ConsoleViewers *v)
{
        bool behind = false;

        for (const Viewer *w = v->first; w; w = w->next)
                behind = behind || is_behind(w);
        if (behind == v->holding)
                return;
        v->holding = behind;
        console_hold(v->console, behind);
        if (behind)
                (void) sd_event_source_set_time_relative(v->wait_source, WAIT_USEC);
        (void) sd_event_source_set_enabled(v->wait_source, behind ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_wait(sd_event_source *s, uint64_t usec, void *userdata)
{
        ConsoleViewers *v = userdata;

        for (Viewer *w = v->first; w; w = w->next)
                w->slow = w->slow || is_behind(w);
        update_hold(v);
        return 0;
}

static void put_number(Viewer *w, ConsoleFrameType type, uint64_t value, size_t size)
{
        w->n_out = console_frame_header(w->out, type, size);
        console_frame_put(w->out + CONSOLE_FRAME_HEADER, value, size);
}

/* The next frame, into the empty buffer. False: there is none. */
_steady_ static bool next_frame(Viewer *w)
{
        uint64_t lost = 0;
        ssize_t n;

        if (w->tell_typing) {
                w->tell_typing = false;
                put_number(w, CONSOLE_FRAME_TYPING, w->all->typist == w, 1);
                return true;
        }
        n = console_ring_read(w->all->ring, &w->place, w->out + CONSOLE_FRAME_HEADER, CONSOLE_FRAME_DATA_MAX, &lost);
        if (lost > 0) {
                /* The bytes that were just read come after that. */
                w->place -= n > 0 ? (uint64_t) n : 0;
                put_number(w, CONSOLE_FRAME_LOST, lost, sizeof(lost));
                return true;
        }
        if (n > 0) {
                w->n_out = console_frame_header(w->out, CONSOLE_FRAME_BYTES, (size_t) n);
                return true;
        }
        w->slow = false;
        if (!w->live) {
                w->live = true;
                w->n_out = console_frame_header(w->out, CONSOLE_FRAME_LIVE, 0);
                return true;
        }
        return false;
}

/* 1: there is more to send at once or later; 0: not; negative: the connection is over. */
_steady_ static int send_frames(Viewer *w)
{
        for (unsigned i = 0; i < FRAMES_PER_WAKE_UP; i++) {
                ssize_t n;

                if (w->n_out == 0 && !next_frame(w))
                        return 0;
                n = TEMP_FAILURE_RETRY(send(w->fd, w->out, w->n_out, MSG_DONTWAIT | MSG_NOSIGNAL));
                if (n < 0)
                        return errno == EAGAIN ? 1 : -errno;
                w->n_out -= (size_t) n;
                memmove(w->out, w->out + n, w->n_out);
        }
        return 1;
}

/* ---- input ---------------------------------------------------------------------------------------------------- */

/* False: the console does not take all of it now. */
static bool type_frame(Viewer *w, const ConsoleFrame *f)
{
        if (w->all->typist == w)
                w->typed += console_type(w->all->console, f->data + w->typed, f->size - w->typed);
        else
                w->typed = f->size;
        if (w->typed < f->size)
                return false;
        w->typed = 0;
        return true;
}

static bool take_frame(Viewer *w, const ConsoleFrame *f)
{
        const bool types = w->all->typist == w;

        if (f->type == CONSOLE_FRAME_BYTES)
                return type_frame(w, f);
        if (f->type == CONSOLE_FRAME_INPUT_END)
                release_typist(w);
        else if (f->type == CONSOLE_FRAME_SIZE && types && f->size == 4)
                console_resize(w->all->console, (unsigned short) console_frame_number(f->data, 2),
                               (unsigned short) console_frame_number(f->data + 2, 2));
        else if (f->type == CONSOLE_FRAME_REBOOT && types)
                w->all->hot_key(HOT_KEY_REBOOT, w->all->userdata);
        else if (f->type == CONSOLE_FRAME_POWER_OFF && types)
                w->all->hot_key(HOT_KEY_POWER_OFF, w->all->userdata);
        return true;
}

static int take_frames(Viewer *w)
{
        ConsoleFrame f;
        ssize_t n;

        while ((n = console_frame_read(w->in, w->n_in, &f)) > 0) {
                w->full = !take_frame(w, &f);
                if (w->full)
                        return 0;
                w->n_in -= (size_t) n;
                memmove(w->in, w->in + n, w->n_in);
        }
        return (int) n;
}

static int receive(Viewer *w)
{
        ssize_t n = TEMP_FAILURE_RETRY(recv(w->fd, w->in + w->n_in, sizeof(w->in) - w->n_in, MSG_DONTWAIT));

        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        w->n_in += (size_t) n;
        return take_frames(w);
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static void viewer_free(Viewer *w)
{
        sd_event_source_disable_unref(w->source);
        fd_close(w->fd);
        free(w);
}

static void viewer_remove(Viewer *w)
{
        ConsoleViewers *v = w->all;
        Viewer **p = &v->first;

        while (*p != w)
                p = &(*p)->next;
        *p = w->next;
        v->n--;
        release_typist(w);
        update_hold(v);
        viewer_free(w);
}

static int on_viewer(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
        Viewer *w = userdata;
        int r = 0;

        if (revents & EPOLLIN && !w->full)
                r = receive(w);
        else if (revents & (EPOLLHUP | EPOLLERR))
                r = -ECONNRESET;
        if (r >= 0)
                r = send_frames(w);
        if (r < 0) {
                viewer_remove(w);
                return 0;
        }
        watch_viewer(w, /* output= */ r > 0);
        update_hold(w->all);
        return 0;
}

int console_viewers_new(sd_event *event, Console *console, ConsoleRing *ring, bool terminal,
                        void (*hot_key)(HotKey key, void *userdata), void *userdata, ConsoleViewers **ret)
{
        ConsoleViewers *v = malloc(sizeof(*v));
        int r;

        if (!v)
                return -ENOMEM;
        *v = (ConsoleViewers) {
                .event = event, .console = console, .ring = ring, .hot_key = hot_key, .userdata = userdata, .terminal = terminal,
        };
        r = sd_event_add_time_relative(event, &v->wait_source, CLOCK_MONOTONIC, WAIT_USEC, 0, on_wait, v);
        if (r >= 0)
                r = sd_event_source_set_enabled(v->wait_source, SD_EVENT_OFF);
        if (r < 0) {
                console_viewers_free(v, false);
                return r;
        }
        *ret = v;
        return 0;
}

int console_viewers_add(ConsoleViewers *v, int fd, ConsoleViewerMode mode, const char *bytes, size_t n)
{
        Viewer *w, **last = &v->first;
        int r;

        if (v->n >= VIEWERS_MAX || n > sizeof(w->in))
                return -EMFILE;
        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->all = v;
        w->fd = -EBADF;
        w->mode = mode;
        w->tell_typing = true;
        memcpy(w->in, bytes, n);
        w->n_in = n;
        /* The payload does not wait while it reads what is kept. */
        w->slow = true;
        r = sd_event_add_io(v->event, &w->source, fd, EPOLLIN | EPOLLOUT, on_viewer, w);
        if (r >= 0)
                r = sd_event_source_set_priority(w->source, PRIORITY);
        if (r < 0) {
                viewer_free(w);
                return r;
        }

        w->fd = fd;
        while (*last)
                last = &(*last)->next;
        *last = w;
        v->n++;
        if (mode == CONSOLE_VIEWER_TAKES || (mode == CONSOLE_VIEWER_TYPES && !v->typist && !v->terminal))
                set_typist(v, w);
        if (take_frames(w) < 0)
                w->n_in = 0;
        return 0;
}

_steady_ void console_viewers_said(ConsoleViewers *v, const char *bytes, size_t n)
{
        console_ring_add(v->ring, bytes, n);
        for (Viewer *w = v->first; w; w = w->next)
                watch_viewer(w, /* output= */ true);
        update_hold(v);
}

void console_viewers_room(ConsoleViewers *v)
{
        Viewer *w = v->typist;

        if (!w || !w->full)
                return;
        /* A broken frame is noticed when more comes. */
        (void) take_frames(w);
        watch_viewer(w, /* output= */ true);
}

static void send_end(Viewer *w, bool reboots)
{
        int r;

        do
                r = send_frames(w);
        while (r > 0 && w->n_out == 0);
        if (r != 0)
                return;
        put_number(w, CONSOLE_FRAME_END, reboots, 1);
        (void) send(w->fd, w->out, w->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);
}

ConsoleViewers *console_viewers_free(ConsoleViewers *v, bool reboots)
{
        if (!v)
                return NULL;
        while (v->first) {
                Viewer *w = v->first;

                v->first = w->next;
                send_end(w, reboots);
                viewer_free(w);
        }
        sd_event_source_disable_unref(v->wait_source);
        free(v);
        return NULL;
}
