/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Forwards between a pty's master and this process's standard input and an output, on an sd-event loop. A terminal is in
 * raw mode meanwhile, its size is copied to the pty, and ^] three times within a second ends the console. Used by the
 * supervisor for the machine's console and by boxctl for login and shell. The caller ignores SIGPIPE.
 */

#include "payload/hot-keys.h"
#include "util/libsystemd.h"

typedef struct Console Console;

typedef enum ConsoleFlags {
        CONSOLE_FLAG_READ = 1 << 0,     /* forwards standard input to the pty */
        CONSOLE_FLAG_WRITE = 1 << 1,    /* forwards the pty's output to output_fd; otherwise it is discarded */
        CONSOLE_FLAG_ESCAPE = 1 << 2,   /* ^] ^] ^] ends the console */
        CONSOLE_FLAG_DRAIN = 1 << 3,    /* a pty that is hung up may be opened again, as between two gettys */
        CONSOLE_FLAG_EOF = 1 << 4,      /* forwards the end of standard input as ^D, for a shell that reads a pipe */
        CONSOLE_FLAG_LATE = 1 << 5,     /* the payload hangs the pty up and reopens it first: this is not the end, and
                                         * input is held back until then */
        CONSOLE_FLAG_LINES = 1 << 6,    /* output is lines for a log, of visible text only (text_make_visible()) */
        CONSOLE_FLAG_DROP = 1 << 7,     /* if output is not read for a second, it is dropped, and the loss is told, until it is
                                         * read again; otherwise the payload waits, as in a pipeline */
        CONSOLE_FLAG_NO_ECHO = 1 << 8,  /* the terminal does not echo what is forwarded */
        CONSOLE_FLAG_PACED = 1 << 9,    /* each line of input waits until it is asked for by output that ends within a line, or
                                         * nothing happens: login(1) discards what was typed before its prompt. With the end of
                                         * input, a hang-up is the end */
} ConsoleFlags;

/* Called once: after ^]^]^], or when the pty is hung up for good (never with CONSOLE_FLAG_DRAIN). May free the console. */
typedef void (*ConsoleEnd)(Console *c, bool left_by_user, void *userdata);

/* Other events of a console; each may be NULL. They may not free it. */
typedef struct ConsoleHooks {
        void (*said)(const char *bytes, size_t n, void *userdata);      /* output, as it is read from the pty */
        void (*room)(void *userdata);                   /* console_type() takes more */
        void (*hot_key)(HotKey key, void *userdata);    /* with CONSOLE_FLAG_ESCAPE; NULL: ^]^]r and ^]^]p are forwarded */
        void (*input_end)(void *userdata);              /* of standard input, which was forwarded */
        void (*output_end)(void *userdata);             /* nothing reads what is written */
        void (*resized)(void *userdata);                /* the terminal */
        void *userdata;
} ConsoleHooks;
void console_set_hooks(Console *c, const ConsoleHooks *hooks);

/* Adds input beside that from standard input, as much as there is room for. Returns how much was taken. */
size_t console_type(Console *c, const char *bytes, size_t n);

/* From here on, input from standard input is dropped, but for the hot keys; or no longer. */
void console_mute(Console *c, bool muted);

/* From here on the pty is not read, so that the payload waits when it is full; or no longer. */
void console_hold(Console *c, bool held);

/* Sets the size of the pty, as of a terminal elsewhere. */
void console_resize(Console *c, unsigned short rows, unsigned short columns);

/* The caller keeps the master, which becomes non-blocking, and output_fd (standard output, or a stream to the journal); both
 * must outlive the console. */
int console_new(sd_event *event, int pty_master, int output_fd, unsigned flags, ConsoleEnd end, void *userdata, Console **ret);

/* Writes out the rest of the output for up to one second (not after ^]^]^]), restores the terminal, frees. Accepts NULL. */
Console *console_free(Console *c);
DEFINE_CLEANUP(Console *, console_free);

/* Copies the size of the terminal at standard output to the pty. Without a terminal the pty keeps its size (0x0 if new). */
void console_set_size(int pty_master);
