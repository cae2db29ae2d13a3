/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Between the frames of a machine's console (payload/console-frame.h), on a connection to its supervisor, and plain bytes, on a
 * socket pair whose other end a Console forwards as if it were a pty.
 */

#include "payload/console-frame.h"
#include "util/libsystemd.h"

typedef struct ConsoleBridge ConsoleBridge;

/* A frame from the supervisor that is not bytes. It may set *ret_text to a text for the reader, to be seen at this place of the
 * stream. */
typedef void (*ConsoleBridgeFrame)(const ConsoleFrame *f, const char **ret_text, void *userdata);

/* The connection is over. Called once; may free the bridge. */
typedef void (*ConsoleBridgeEnd)(void *userdata);

/* Owns the connection and our end of the pair, after a failure, too. early: bytes that have come already, any number; the caller
 * keeps them until the bridge is freed. */
int console_bridge_new(sd_event *event, int remote, int local, const char *early, size_t n_early, ConsoleBridgeFrame on_frame,
                       ConsoleBridgeEnd on_end, void *userdata, ConsoleBridge **ret);
ConsoleBridge *console_bridge_free(ConsoleBridge *b);

/* Sends a frame with at most four bytes of data. */
void console_bridge_send(ConsoleBridge *b, ConsoleFrameType type, uint64_t value, size_t size);
