/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames of a console (see console-frame.h). In the supervisor and in boxctl; no privilege. What the other side sends is not
 * trusted. */

#include "payload/console-frame.h"

_steady_ void console_frame_put(char *ret, uint64_t value, size_t size)
{
        for (size_t i = 0; i < size; i++)
                ret[i] = (char) (value >> (8 * (size - 1 - i)));
}

_steady_ uint64_t console_frame_number(const char *bytes, size_t size)
{
        uint64_t value = 0;

        for (size_t i = 0; i < size; i++)
                value = value << 8 | (uint8_t) bytes[i];
        return value;
}

_steady_ ssize_t console_frame_read(const char *bytes, size_t n, ConsoleFrame *ret)
{
        size_t size;

        if (n < CONSOLE_FRAME_HEADER)
                return 0;
        size = (size_t) console_frame_number(bytes + 2, 2);
        if (bytes[1] != 0 || size > CONSOLE_FRAME_DATA_MAX)
                return -EBADMSG;
        if (n < CONSOLE_FRAME_HEADER + size)
                return 0;
        *ret = (ConsoleFrame) { (ConsoleFrameType) (uint8_t) bytes[0], bytes + CONSOLE_FRAME_HEADER, size };
        return (ssize_t) (CONSOLE_FRAME_HEADER + size);
}

_steady_ size_t console_frame_header(char *ret, ConsoleFrameType type, size_t size)
{
        ret[0] = (char) type;
        ret[1] = 0;
        console_frame_put(ret + 2, size, 2);
        return CONSOLE_FRAME_HEADER + size;
}
