/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The messages between a viewer and a supervisor on a connection that was upgraded by io.box.Machine.AttachConsole: frames
 * of a type, a zero byte, the size (16 bits, big-endian), and so many bytes. Pure. An unknown type is skipped: there may be
 * more some day.
 */

#include <sys/types.h>

#include "util/macro.h"

typedef enum ConsoleFrameType {
        CONSOLE_FRAME_BYTES = 1,        /* of the console, or typed by the viewer */
        /* From the viewer. */
        CONSOLE_FRAME_SIZE,             /* its terminal's: rows and columns, 16 bits each, big-endian */
        CONSOLE_FRAME_INPUT_END,        /* it types no more */
        CONSOLE_FRAME_REBOOT,           /* ^]^]r */
        CONSOLE_FRAME_POWER_OFF,        /* ^]^]p */
        /* To the viewer. */
        CONSOLE_FRAME_LOST,             /* so many bytes of the console are not shown (64 bits, big-endian) */
        CONSOLE_FRAME_TYPING,           /* a byte: 1 if what this viewer types reaches the machine from here on, else 0 */
        CONSOLE_FRAME_LIVE,             /* all that was said before the connection has been sent */
        CONSOLE_FRAME_END,              /* of the machine; a byte: 1 if it is being rebooted, else 0 */
} ConsoleFrameType;

enum {
        CONSOLE_FRAME_HEADER = 4,
        CONSOLE_FRAME_MAX = 4096,       /* with the header; a longer one is an error */
        CONSOLE_FRAME_DATA_MAX = CONSOLE_FRAME_MAX - CONSOLE_FRAME_HEADER,
};

typedef struct ConsoleFrame {
        ConsoleFrameType type;
        const char *data;               /* in the buffer that was read from */
        size_t size;                    /* of the data */
} ConsoleFrame;

/* The first frame of n bytes. Its whole size; 0: not all of it is there yet; -EBADMSG: not a frame. */
ssize_t console_frame_read(const char *bytes, size_t n, ConsoleFrame *ret);

/* Writes the header in front of data of this size. The whole size. */
size_t console_frame_header(char *ret, ConsoleFrameType type, size_t size);

/* Numbers of a frame's data, big-endian. */
void console_frame_put(char *ret, uint64_t value, size_t size);
uint64_t console_frame_number(const char *bytes, size_t size);
