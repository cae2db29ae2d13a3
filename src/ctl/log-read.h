/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* From an sd_journal to records in a pipe, for the reading processes of `boxctl logs`. */

#include "ctl/log-reader.h"
#include "util/libsystemd.h"

typedef struct LogRead {
        sd_journal *journal;
        const LogQuery *query;
        int fd;                 /* the pipe */
        LogOrigin (*origin)(const LogRecord *r, const void *userdata);
        const void *userdata;
        struct re_pattern_buffer *pattern;      /* compiled; NULL: none */
        uint64_t said_usec;
} LogRead;

/* Adds "NAME=VALUE" to the matches. */
int log_read_match(sd_journal *j, const char *name, const char *value);

/* And only the priorities that are asked for. */
int log_read_match_priority(sd_journal *j, int priority);

/* Sends all that is there and asked for, from where the query says. */
int log_read_backlog(LogRead *r);

/* Sends what has come since; after log_read_backlog(). */
int log_read_more(LogRead *r);

int log_read_say(int fd, LogKind kind);
int log_read_note(int fd, const char *format, ...) _printf_(2, 3);
