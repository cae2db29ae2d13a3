/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads entries of a journal and sends them (see log-read.h). The reading processes of boxctl: for the host's journal with the
 * caller's rights, for a machine's, whose bytes are hostile, with none.
 */

#include <regex.h>
#include <stdio.h>
#include <string.h>

#include "ctl/log-read.h"
#include "util/clock.h"
#include "util/print.h"

enum {
        ALIVE_USEC = 500 * 1000,        /* between two messages of a search that finds nothing */
        FIELDS_MAX = 512,               /* of an entry */
};

/* Fields that are printed for people; and __CURSOR. */
static const char *const shown_fields[] = { "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "_COMM", "_PID", "SYSLOG_PID" };

int log_read_match(sd_journal *j, const char *name, const char *value)
{
        _cleanup_free_ char *s = NULL;

        if (strf(&s, "%s=%s", name, value) < 0)
                return -ENOMEM;
        return sd_journal_add_match(j, s, 0);
}

int log_read_match_priority(sd_journal *j, int priority)
{
        int r = priority < 0 ? 0 : sd_journal_add_conjunction(j);

        for (int p = 0; r >= 0 && p <= priority; p++)
                r = log_read_match(j, "PRIORITY", (const char[]) { (char) ('0' + p), 0 });
        return r;
}

int log_read_say(int fd, LogKind kind)
{
        return log_record_write(fd, &(LogRecord) { .kind = kind });
}

int log_read_note(int fd, const char *format, ...)
{
        _cleanup_(log_record_done) LogRecord r = { .kind = LOG_KIND_NOTE };
        char text[1024];
        va_list ap;
        int k;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        k = log_record_add(&r, text, strlen(text));
        return k < 0 ? k : log_record_write(fd, &r);
}

/* ---- one entry ------------------------------------------------------------------------------------------------ */

static int add_format(LogRecord *record, const char *format, ...) _printf_(2, 3);
static int add_format(LogRecord *record, const char *format, ...)
{
        char text[1024];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        return log_record_add(record, text, strlen(text));
}

static int add_address(const LogRead *r, LogRecord *record)
{
        _cleanup_free_ char *cursor = NULL;
        uint64_t monotonic;
        int k;

        k = sd_journal_get_cursor(r->journal, &cursor);
        if (k >= 0)
                k = add_format(record, "__CURSOR=%s", cursor);
        if (k < 0 || !r->query->all_fields)
                return k;
        k = add_format(record, "__REALTIME_TIMESTAMP=%llu", (unsigned long long) record->usec);
        if (k >= 0 && sd_journal_get_monotonic_usec(r->journal, &monotonic, &(sd_id128_t) { }) >= 0)
                k = add_format(record, "__MONOTONIC_TIMESTAMP=%llu", (unsigned long long) monotonic);
        return k;
}

/* A field that cannot be read (damage, an unknown compression) is left out. */
static int add_fields(const LogRead *r, LogRecord *record)
{
        const void *data;
        size_t size, n = 0;
        int k = 0;

        if (!r->query->all_fields) {
                for (size_t i = 0; k >= 0 && i < ARRAY_SIZE(shown_fields); i++)
                        if (sd_journal_get_data(r->journal, shown_fields[i], &data, &size) >= 0)
                                k = log_record_add(record, data, size);
                return k;
        }
        sd_journal_restart_data(r->journal);
        while (k >= 0 && n++ < FIELDS_MAX && sd_journal_enumerate_available_data(r->journal, &data, &size) > 0)
                k = log_record_add(record, data, size);
        return k;
}

static bool matches_pattern(const LogRead *r)
{
        _cleanup_free_ char *text = NULL;
        const void *data;
        size_t size, skip = strlen("MESSAGE=");

        if (!r->pattern)
                return true;
        if (sd_journal_get_data(r->journal, "MESSAGE", &data, &size) < 0 || size < skip)
                return false;
        text = strndup((const char *) data + skip, size - skip);
        return text && regexec(r->pattern, text, 0, NULL, 0) == 0;
}

static int send_entry(LogRead *r, uint64_t usec)
{
        _cleanup_(log_record_done) LogRecord record = { .kind = LOG_KIND_ENTRY, .usec = usec };
        int k;

        k = add_address(r, &record);
        if (k >= 0)
                k = add_fields(r, &record);
        if (k < 0)
                return k;
        record.origin = r->origin(&record, r->userdata);
        r->said_usec = clock_usec(CLOCK_MONOTONIC);
        return log_record_write(r->fd, &record);
}

/* The current entry. */
static int take_entry(LogRead *r)
{
        uint64_t usec, now;

        if (sd_journal_get_realtime_usec(r->journal, &usec) < 0)
                return 0;
        if (usec >= r->query->since_usec && usec <= r->query->until_usec && matches_pattern(r))
                return send_entry(r, usec);
        now = clock_usec(CLOCK_MONOTONIC);
        if (now - r->said_usec < ALIVE_USEC)
                return 0;
        r->said_usec = now;
        return log_read_say(r->fd, LOG_KIND_ALIVE);
}

/* ---- all of them ---------------------------------------------------------------------------------------------- */

/* Before the first entry to read, or (1) on it. */
static int seek(LogRead *r)
{
        const LogQuery *q = r->query;
        int k;

        if (q->cursor) {
                k = sd_journal_seek_cursor(r->journal, q->cursor);
                if (k < 0 || (k = sd_journal_next(r->journal)) <= 0)
                        return k;
                return sd_journal_test_cursor(r->journal, q->cursor) > 0 ? 0 : 1;
        }
        if (q->lines == SIZE_MAX || q->pattern)
                return q->since_usec > 0 ? sd_journal_seek_realtime_usec(r->journal, q->since_usec) :
                                           sd_journal_seek_head(r->journal);
        k = q->until_usec < UINT64_MAX ? sd_journal_seek_realtime_usec(r->journal, q->until_usec + 1) :
                                         sd_journal_seek_tail(r->journal);
        if (k < 0)
                return k;
        /* One more than is asked for: what follows comes after it. */
        k = sd_journal_previous_skip(r->journal, q->lines + 1);
        if (k < 0)
                return k;
        return (size_t) k <= q->lines ? sd_journal_seek_head(r->journal) : 0;
}

int log_read_more(LogRead *r)
{
        int k;

        while ((k = sd_journal_next(r->journal)) > 0) {
                k = take_entry(r);
                if (k < 0)
                        return k;
        }
        return k;
}

static int compile(const char *pattern, regex_t *ret)
{
        bool lower = true;

        for (const char *p = pattern; *p; p++)
                if (*p >= 'A' && *p <= 'Z')
                        lower = false;
        /* As journalctl: in small letters, it is for capitals, too. */
        return regcomp(ret, pattern, REG_EXTENDED | REG_NOSUB | (lower ? REG_ICASE : 0)) == 0 ? 0 : -EINVAL;
}

int log_read_backlog(LogRead *r)
{
        static regex_t pattern;
        int k;

        if (r->query->pattern) {
                k = compile(r->query->pattern, &pattern);
                if (k < 0)
                        return k;
                r->pattern = &pattern;
        }
        (void) sd_journal_set_data_threshold(r->journal, LOG_FIELD_MAX);
        k = seek(r);
        if (k > 0)
                k = take_entry(r);
        if (k >= 0)
                k = log_read_more(r);
        return k;
}
