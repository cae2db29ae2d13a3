/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Records of `boxctl logs`: what a reading process (ctl/log-reader.h) sends through its pipe, and the order in which the records
 * of several are printed. A reader parses files that a payload wrote: what it sends is checked like these.
 */

#include <stdio.h>

#include "util/macro.h"

/* Where a line is from. */
typedef enum LogOrigin {
        LOG_ORIGIN_UNIT,        /* the host's unit: systemd and box-run about the machine */
        LOG_ORIGIN_CONSOLE,     /* what the machine printed there */
        LOG_ORIGIN_JOURNAL,     /* its own journal */
        _LOG_ORIGIN_MAX,
} LogOrigin;
const char *log_origin_name(LogOrigin o);

typedef enum LogKind {
        LOG_KIND_ENTRY,
        LOG_KIND_NOTE,          /* a message for the user: one field, the text */
        LOG_KIND_ALIVE,         /* still searching */
        LOG_KIND_LIVE,          /* all that there was has been sent; now what comes */
        LOG_KIND_AGAIN,         /* the files have changed: to be opened anew */
        _LOG_KIND_MAX,
} LogKind;

enum {
        LOG_FIELD_MAX = 64 * 1024,      /* bytes of a field; longer ones are cut */
        LOG_RECORD_MAX = 1024 * 1024,   /* of a record; fields beyond are left out */
};

/* One entry. The fields are "NAME=VALUE", each with its size; values may be any bytes. */
typedef struct LogRecord {
        LogKind kind;
        LogOrigin origin;
        uint64_t usec;          /* CLOCK_REALTIME */
        char *data;             /* u32 size, bytes, u32 size, bytes… */
        size_t size;
} LogRecord;

static inline void log_record_done(LogRecord *r)
{
        free(r->data);
        *r = (LogRecord) { 0 };
}

/* Appends a field, or as much of it as is allowed. 0, also where it was left out, or -ENOMEM. */
int log_record_add(LogRecord *r, const void *field, size_t size);

/* The next field from *at on, which is 0 at first. False: there is none. */
bool log_record_next(const LogRecord *r, size_t *at, const char **ret, size_t *ret_size);

/* The value of a field, without its name. NULL: the entry has none. */
const char *log_record_field(const LogRecord *r, const char *name, size_t *ret_size);

/* Fields are named as journald allows it, not to be taken for ours (BOX_MACHINE). */
bool log_field_name_is_valid(const char *s, size_t n);

/* Writes it to a pipe. */
int log_record_write(int fd, const LogRecord *r);

/* Takes a record from the beginning of size bytes. Returns its bytes there, 0: it is not whole yet; -EBADMSG: it is damaged;
 * -ENOMEM. */
ssize_t log_record_read(const char *bytes, size_t size, LogRecord *ret);

/* ---- the order ------------------------------------------------------------------------------------------------ */

/* One of several streams, each in order of time. */
typedef struct LogStream {
        bool ended;             /* no more records */
        bool live;              /* they come when they happen: the others do not wait for it */
        bool has_head;
        LogRecord head;         /* its next record */
} LogStream;

/* The stream whose head is to be printed next: the earliest, of equals the first. -EAGAIN: a stream has to send its next
 * first; -ENOENT: nothing is there. */
int log_streams_next(const LogStream *const *streams, size_t n);

/* ---- the last lines ------------------------------------------------------------------------------------------- */

/* Keeps the last max records. Records are added first, and then taken. */
typedef struct LogTail {
        struct LogTailEntry {
                LogRecord record;
                size_t stream;
        } *entries;             /* a ring, once there are max of them */
        size_t max, n, first;
} LogTail;
void log_tail_done(LogTail *t);
/* Takes the record; drops the oldest if need be. 0 or -ENOMEM. */
int log_tail_add(LogTail *t, LogRecord *r, size_t stream);
/* Gives the oldest back. False: it is empty. */
bool log_tail_take(LogTail *t, LogRecord *ret, size_t *ret_stream);
