/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Viewers of a machine's console, each on a connection of its own (console-frame.h): they see what was said since boot, then
 * what is being said. One of them types: the first that wants to, or the one that takes that over; without one, the terminal
 * of box-run, if it has one. Each reads from the console's memory at its own pace: one that is too slow for it misses bytes, and
 * is told. The payload waits for a viewer for at most a second, and then no more until that one has caught up.
 */

#include "payload/console-ring.h"
#include "payload/console.h"

typedef struct ConsoleViewers ConsoleViewers;

/* hot_key: a viewer that may type has pressed ^]^]r or ^]^]p. terminal: box-run's own terminal types, too. Console and
 * ring must outlive it. 0 or negative errno. */
int console_viewers_new(sd_event *event, Console *console, ConsoleRing *ring, bool terminal,
                        void (*hot_key)(HotKey key, void *userdata), void *userdata, ConsoleViewers **ret);

/* For the console's hooks. */
void console_viewers_said(ConsoleViewers *v, const char *bytes, size_t n);
void console_viewers_room(ConsoleViewers *v);

typedef enum ConsoleViewerMode {
        CONSOLE_VIEWER_READS,           /* does not want to type */
        CONSOLE_VIEWER_TYPES,           /* if no other does, now or later */
        CONSOLE_VIEWER_TAKES,           /* takes it over */
} ConsoleViewerMode;

/* Takes a connected socket over, with n bytes that were read from it already. 0; or negative errno (-EMFILE: there are enough)
 * and the socket stays the caller's. */
int console_viewers_add(ConsoleViewers *v, int fd, ConsoleViewerMode mode, const char *bytes, size_t n);

/* Sends what fits of what is left, and the end. Accepts NULL. */
ConsoleViewers *console_viewers_free(ConsoleViewers *v, bool reboots);
