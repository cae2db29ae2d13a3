/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Holds each line of a console's input back until it is asked for: login(1) discards what was typed before its prompt. */

#include "util/libsystemd.h"
#include "util/macro.h"

typedef struct ConsolePace {
        sd_event_source *source;        /* NULL: nothing is held back */
        bool waiting;                   /* the next line is not asked for yet */
} ConsolePace;

/* handler is called when the next line may have become due; it calls console_pace_due(). 0 or negative errno. */
int console_pace_open(ConsolePace *p, sd_event *event, sd_event_time_handler_t handler, void *userdata);
void console_pace_close(ConsolePace *p);
void console_pace_due(ConsolePace *p);

/* How much of the input may be written at once: a line. */
size_t console_pace_size(const ConsolePace *p, const char *in, size_t n);

/* A whole line was written: from here on the next waits. */
void console_pace_wrote(ConsolePace *p);

/* Output came that ended in this byte: a prompt ends within a line. */
void console_pace_said(ConsolePace *p, char last);
