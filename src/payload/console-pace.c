/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Input line by line (see console-pace.h). In boxctl, on its event loop; no privilege. */

#include <string.h>
#include <time.h>

#include "payload/console-pace.h"

enum {
        PROMPT_USEC = 50 * 1000,
        SILENCE_USEC = 1500 * 1000,
};

/* The next line waits until nothing has happened for so long. */
_steady_ static void wait_for(ConsolePace *p, uint64_t usec)
{
        p->waiting = true;
        if (sd_event_source_set_time_relative(p->source, usec) < 0 ||
            sd_event_source_set_enabled(p->source, SD_EVENT_ONESHOT) < 0)
                p->waiting = false;
}

int console_pace_open(ConsolePace *p, sd_event *event, sd_event_time_handler_t handler, void *userdata)
{
        p->waiting = true;
        return sd_event_add_time_relative(event, &p->source, CLOCK_MONOTONIC, SILENCE_USEC, 0, handler, userdata);
}

void console_pace_close(ConsolePace *p)
{
        p->source = sd_event_source_disable_unref(p->source);
}

_steady_ void console_pace_due(ConsolePace *p)
{
        p->waiting = false;
}

_steady_ size_t console_pace_size(const ConsolePace *p, const char *in, size_t n)
{
        const char *end = p->source ? memchr(in, '\n', n) : NULL;

        return end ? (size_t) (end + 1 - in) : n;
}

_steady_ void console_pace_wrote(ConsolePace *p)
{
        if (p->source)
                wait_for(p, SILENCE_USEC);
}

_steady_ void console_pace_said(ConsolePace *p, char last)
{
        if (p->waiting)
                wait_for(p, last == '\n' ? SILENCE_USEC : PROMPT_USEC);
}
