/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The side of `boxctl logs` of the processes that read journals (see log-reader.h). Part of boxctl, with its caller's rights;
 * records of a process that has read a payload's files are checked as these would be. */

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/log-reader.h"
#include "util/clock.h"
#include "util/fd.h"

int log_reader_start(LogReader *r, int (*read)(const void *job, int fd), const void *job, int keep)
{
        Look process;
        int k;

        k = look_start(read, job, keep, &process);
        if (k < 0)
                return k;
        *r = (LogReader) { .process = process, .heard_usec = clock_usec(CLOCK_MONOTONIC), .cursor = TAKE_PTR(r->cursor) };
        return 0;
}

static void end(LogReader *r)
{
        look_done(&r->process);
        free(TAKE_PTR(r->buf));
        r->size = 0;
        r->stream.ended = true;
}

void log_reader_done(LogReader *r)
{
        end(r);
        log_record_done(&r->stream.head);
        r->stream.has_head = false;
        free(TAKE_PTR(r->cursor));
}

/* How it ended: by the status that look_start() gives it. */
static int wait_for_end(LogReader *r)
{
        int status = 0;

        if (TEMP_FAILURE_RETRY(waitpid(r->process.pid, &status, 0)) < 0)
                return -errno;
        r->process.pid = 0;
        if (!WIFEXITED(status))
                return -EBADMSG;        /* the files made it crash */
        return -WEXITSTATUS(status);
}

int log_reader_fill(LogReader *r)
{
        enum { CHUNK = 64 * 1024 };
        char *more = realloc(r->buf, r->size + CHUNK);
        ssize_t n;
        int k;

        if (!more)
                return -ENOMEM;
        r->buf = more;
        n = TEMP_FAILURE_RETRY(read(r->process.fd, r->buf + r->size, CHUNK));
        r->heard_usec = clock_usec(CLOCK_MONOTONIC);
        if (n > 0) {
                r->size += (size_t) n;
                return 0;
        }
        k = n < 0 ? -errno : wait_for_end(r);
        r->process.fd = fd_close(r->process.fd);
        return k;
}

static void take_bytes(LogReader *r, size_t n)
{
        memmove(r->buf, r->buf + n, r->size - n);
        r->size -= n;
}

static int take_head(LogReader *r, LogRecord *record)
{
        const char *cursor;
        size_t size;

        cursor = log_record_field(record, "__CURSOR", &size);
        if (cursor) {
                free(r->cursor);
                r->cursor = strndup(cursor, size);
        }
        r->stream.head = *record;
        r->stream.has_head = true;
        return LOG_READER_QUIET;
}

static int take_note(LogRecord *record, char **ret)
{
        const char *text;
        size_t at = 0, size;

        *ret = log_record_next(record, &at, &text, &size) ? strndup(text, size) : NULL;
        log_record_done(record);
        return *ret ? LOG_READER_NOTE : LOG_READER_QUIET;
}

int log_reader_advance(LogReader *r, char **ret_note)
{
        while (!r->stream.has_head) {
                LogRecord record;
                ssize_t n = r->size > 0 ? log_record_read(r->buf, r->size, &record) : 0;

                if (n < 0) {
                        end(r);
                        return (int) n;
                }
                if (n == 0) {
                        if (r->process.fd < 0)
                                end(r);
                        return LOG_READER_QUIET;
                }
                take_bytes(r, (size_t) n);
                switch (record.kind) {
                case LOG_KIND_ENTRY:
                        return take_head(r, &record);
                case LOG_KIND_NOTE:
                        return take_note(&record, ret_note);
                case LOG_KIND_LIVE:
                        r->stream.live = true;
                        break;
                case LOG_KIND_AGAIN:
                        log_record_done(&record);
                        end(r);
                        return LOG_READER_AGAIN;
                default:
                        break;
                }
                log_record_done(&record);
        }
        return LOG_READER_QUIET;
}

LogRecord log_reader_take(LogReader *r)
{
        LogRecord record = r->stream.head;

        r->stream.head = (LogRecord) { 0 };
        r->stream.has_head = false;
        return record;
}
