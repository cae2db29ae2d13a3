/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records of logs, on the wire and in their order (see log-record.h). Part of boxctl and of its reading processes; silent; no
 * privilege. */

#include <limits.h>
#include <string.h>

#include "ctl/log-record.h"
#include "util/fd.h"
#include "util/strv.h"

typedef struct Header {
        uint32_t size;          /* of what follows */
        uint16_t kind, origin;
        uint64_t usec;
} Header;

const char *log_origin_name(LogOrigin o)
{
        static const char *const names[_LOG_ORIGIN_MAX] = {
                [LOG_ORIGIN_UNIT] = "unit",
                [LOG_ORIGIN_CONSOLE] = "console",
                [LOG_ORIGIN_JOURNAL] = "journal",
        };

        return names[o];
}

int log_record_add(LogRecord *r, const void *field, size_t size)
{
        uint32_t n = size < LOG_FIELD_MAX ? (uint32_t) size : LOG_FIELD_MAX;
        char *data;

        if (r->size + sizeof(n) + n > LOG_RECORD_MAX)
                return 0;
        data = realloc(r->data, r->size + sizeof(n) + n);
        if (!data)
                return -ENOMEM;
        memcpy(data + r->size, &n, sizeof(n));
        memcpy(data + r->size + sizeof(n), field, n);
        r->data = data;
        r->size += sizeof(n) + n;
        return 0;
}

bool log_record_next(const LogRecord *r, size_t *at, const char **ret, size_t *ret_size)
{
        uint32_t n;

        if (*at > r->size || r->size - *at < sizeof(n))
                return false;
        memcpy(&n, r->data + *at, sizeof(n));
        if (n > r->size - *at - sizeof(n))
                return false;
        *ret = r->data + *at + sizeof(n);
        *ret_size = n;
        *at += sizeof(n) + n;
        return true;
}

const char *log_record_field(const LogRecord *r, const char *name, size_t *ret_size)
{
        size_t at = 0, size, skip = strlen(name) + 1;
        const char *field;

        while (log_record_next(r, &at, &field, &size))
                if (size >= skip && field[skip - 1] == '=' && memcmp(field, name, skip - 1) == 0) {
                        *ret_size = size - skip;
                        return field + skip;
                }
        return NULL;
}

bool log_field_name_is_valid(const char *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!((s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_' || (i > 0 && s[i] >= '0' && s[i] <= '9')))
                        return false;
        return n > 0 && n <= 64 && strncmp(s, "BOX_", 4) != 0;
}

int log_record_write(int fd, const LogRecord *r)
{
        Header h = { .size = (uint32_t) r->size, .kind = (uint16_t) r->kind, .origin = (uint16_t) r->origin, .usec = r->usec };
        _cleanup_free_ char *both = malloc(sizeof(h) + r->size);

        if (!both)
                return -ENOMEM;
        memcpy(both, &h, sizeof(h));
        if (r->size > 0)
                memcpy(both + sizeof(h), r->data, r->size);
        return fd_write_all(fd, both, sizeof(h) + r->size);
}

ssize_t log_record_read(const char *bytes, size_t size, LogRecord *ret)
{
        LogRecord r = { 0 };
        Header h;

        if (size < sizeof(h))
                return 0;
        memcpy(&h, bytes, sizeof(h));
        if (h.size > LOG_RECORD_MAX || h.kind >= _LOG_KIND_MAX || h.origin >= _LOG_ORIGIN_MAX)
                return -EBADMSG;
        if (size - sizeof(h) < h.size)
                return 0;
        r = (LogRecord) { .kind = (LogKind) h.kind, .origin = (LogOrigin) h.origin, .usec = h.usec, .size = h.size };
        r.data = malloc((size_t) h.size + 1);
        if (!r.data)
                return -ENOMEM;
        memcpy(r.data, bytes + sizeof(h), h.size);
        *ret = r;
        return (ssize_t) (sizeof(h) + h.size);
}

int log_streams_next(const LogStream *const *streams, size_t n)
{
        int best = -ENOENT;

        for (size_t i = 0; i < n && i < INT_MAX; i++) {
                const LogStream *s = streams[i];

                if (!s->has_head && !s->ended && !s->live)
                        return -EAGAIN;
                if (s->has_head && (best < 0 || s->head.usec < streams[best]->head.usec))
                        best = (int) i;
        }
        return best;
}

int log_tail_add(LogTail *t, LogRecord *r, size_t stream)
{
        struct LogTailEntry entry = { *r, stream };

        *r = (LogRecord) { 0 };
        if (t->n < t->max && array_move(&t->entries, &t->n, &entry, sizeof(entry)) >= 0)
                return 0;
        if (t->n < t->max || t->max == 0) {
                log_record_done(&entry.record);
                return t->max == 0 ? 0 : -ENOMEM;
        }
        log_record_done(&t->entries[t->first].record);
        t->entries[t->first] = entry;
        t->first = (t->first + 1) % t->max;
        return 0;
}

bool log_tail_take(LogTail *t, LogRecord *ret, size_t *ret_stream)
{
        struct LogTailEntry *e;

        if (t->n == 0)
                return false;
        e = &t->entries[t->first];
        *ret = e->record;
        *ret_stream = e->stream;
        e->record = (LogRecord) { 0 };
        t->first = (t->first + 1) % t->max;
        t->n--;
        return true;
}

void log_tail_done(LogTail *t)
{
        size_t stream;
        LogRecord r;

        while (log_tail_take(t, &r, &stream))
                log_record_done(&r);
        free(t->entries);
        *t = (LogTail) { 0 };
}
