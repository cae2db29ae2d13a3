/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints log entries (see log-print.h). Part of boxctl; no privilege. Their texts are made by payloads: made printable here, for
 * JSON escaped by its writer. */

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ctl/log-print.h"
#include "util/clock.h"
#include "util/strv.h"
#include "util/terminal-stream.h"
#include "util/text.h"

/* ---- text ----------------------------------------------------------------------------------------------------- */

/* A field's value, printable, in one line or with its line ends. The caller frees it. NULL: there is none. */
static char *text_of(const LogRecord *r, const char *name, bool lines)
{
        size_t size;
        const char *value = log_record_field(r, name, &size);
        char *s;

        if (!value)
                return NULL;
        /* A priority at the start ("<3>", sd-daemon(3)), which a console's line may have, and carriage returns at the end. */
        if (lines && size >= 3 && value[0] == '<' && value[1] >= '0' && value[1] <= '7' && value[2] == '>') {
                value += 3;
                size -= 3;
        }
        while (lines && size > 0 && (value[size - 1] == '\r' || value[size - 1] == '\n'))
                size--;
        s = malloc(size + 1);
        if (!s)
                return NULL;
        memcpy(s, value, size);
        s[size] = '\0';
        text_make_lines_printable(s, size);
        if (!lines)
                text_make_printable(s);
        return s;
}

static int priority_of(const LogRecord *r)
{
        size_t size;
        const char *value = log_record_field(r, "PRIORITY", &size);

        return value && size == 1 && *value >= '0' && *value <= '7' ? *value - '0' : 6;
}

static void print_time(const LogPrint *p, uint64_t usec)
{
        time_t t = (time_t) (usec / USEC_PER_SEC);
        char when[64];
        struct tm tm;

        if (localtime_r(&t, &tm) &&
            strftime(when, sizeof(when), p->mode == OUTPUT_SHORT_ISO ? "%Y-%m-%dT%H:%M:%S%z" : "%b %d %H:%M:%S", &tm) > 0)
                fprintf(p->file, "%s ", when);
}

/* Errors red, warnings yellow, as journalctl has them. */
static void print_message(const LogPrint *p, int priority, const char *message)
{
        bool first = true;

        do {
                size_t n = strcspn(message, "\n");

                if (!first)
                        fputs("                ", p->file);
                if (p->colour && priority <= 4)
                        terminal_style(p->file, priority <= 3 ? "\x1b[1;31m" : "\x1b[33m");
                fprintf(p->file, "%.*s", (int) n, message);
                if (p->colour && priority <= 4)
                        terminal_style(p->file, "\x1b[0m");
                fputc('\n', p->file);
                first = false;
                message += n;
        } while (*message++);
}

static int print_short(const LogPrint *p, const char *machine, const LogRecord *r)
{
        _cleanup_free_ char *message = text_of(r, "MESSAGE", /* lines= */ true);
        _cleanup_free_ char *ident = text_of(r, "SYSLOG_IDENTIFIER", false) ?: text_of(r, "_COMM", false);
        _cleanup_free_ char *pid = text_of(r, "_PID", false) ?: text_of(r, "SYSLOG_PID", false);

        print_time(p, r->usec);
        if (p->name_width > 0)
                fprintf(p->file, "%-*s ", (int) p->name_width, machine);
        if (p->colour)
                terminal_style(p->file, "\x1b[2m");
        fprintf(p->file, "%-7s ", log_origin_name(r->origin));
        if (p->colour)
                terminal_style(p->file, "\x1b[0m");
        /* A line of the console has the machine's name for an identifier, and the supervisor's PID. */
        if (r->origin != LOG_ORIGIN_CONSOLE)
                fprintf(p->file, "%s%s%s%s: ", ident ?: "unknown", pid ? "[" : "", pid ?: "", pid ? "]" : "");
        print_message(p, priority_of(r), message ?: "");
        return 0;
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

typedef struct Field {
        char *name, *value;     /* one allocation */
        bool done;
} Field;

static int split(const LogRecord *r, Field **ret, size_t *ret_n)
{
        const char *text;
        size_t at = 0, size;

        while (log_record_next(r, &at, &text, &size)) {
                const char *eq = memchr(text, '=', size);
                Field *f;
                char *copy;

                if (!eq || !log_field_name_is_valid(text, (size_t) (eq - text)))
                        continue;
                copy = malloc(size + 1);
                f = copy ? array_append(ret, ret_n, sizeof(*f)) : NULL;
                if (!f) {
                        free(copy);
                        return -ENOMEM;
                }
                memcpy(copy, text, size);
                copy[size] = '\0';
                /* JSON's strings have no NUL. */
                for (size_t i = 0; i < size; i++)
                        if (!copy[i])
                                copy[i] = '?';
                copy[eq - text] = '\0';
                *f = (Field) { .name = copy, .value = copy + (eq - text) + 1 };
        }
        return 0;
}

/* A field that is there several times becomes an array, as of journalctl. */
static void put_field(Json *j, Field *fields, size_t n, size_t i)
{
        bool several = false;

        for (size_t k = i + 1; k < n; k++)
                if (strcmp(fields[k].name, fields[i].name) == 0)
                        several = true;
        if (!several) {
                json_put_string(j, fields[i].name, fields[i].value);
                return;
        }
        json_begin_array(j, fields[i].name);
        for (size_t k = i; k < n; k++)
                if (strcmp(fields[k].name, fields[i].name) == 0) {
                        json_put_string(j, NULL, fields[k].value);
                        fields[k].done = true;
                }
        json_end(j);
}

/* One of the fields that were asked for. */
static void put_named(Json *j, const char *name, const char *machine, LogOrigin origin, Field *fields, size_t n)
{
        size_t i = 0;

        while (i < n && strcmp(fields[i].name, name) != 0)
                i++;
        if (i < n)
                put_field(j, fields, n, i);
        else
                json_put_string(j, name, strcmp(name, LOG_FIELD_MACHINE) == 0 ? machine :
                                         strcmp(name, LOG_FIELD_ORIGIN) == 0 ? log_origin_name(origin) : NULL);
}

static int print_json(const LogPrint *p, const char *machine, const LogRecord *r)
{
        _cleanup_json_ Json *j = NULL;
        Field *fields = NULL;
        size_t n = 0;
        int k;

        k = split(r, &fields, &n);
        if (k >= 0)
                k = json_new(&j, NULL);
        if (k >= 0) {
                json_begin_object(j, NULL);
                for (size_t i = 0; p->wanted && i < p->wanted->n_chosen; i++)
                        put_named(j, p->wanted->all[p->wanted->chosen[i]].name, machine, r->origin, fields, n);
                if (!p->wanted) {
                        json_put_string(j, LOG_FIELD_MACHINE, machine);
                        json_put_string(j, LOG_FIELD_ORIGIN, log_origin_name(r->origin));
                }
                for (size_t i = 0; !p->wanted && i < n; i++)
                        if (!fields[i].done)
                                put_field(j, fields, n, i);
                json_end(j);
                k = json_print(j, p->file, output_json_indent(p->mode));
        }
        for (size_t i = 0; i < n; i++)
                free(fields[i].name);
        free(fields);
        return k == -EIO ? 0 : k;
}

int log_print(const LogPrint *p, const char *machine, const LogRecord *r)
{
        _cleanup_free_ char *message = NULL;

        if (output_is_json(p->mode))
                return print_json(p, machine, r);
        if (p->mode != OUTPUT_CAT)
                return print_short(p, machine, r);
        message = text_of(r, "MESSAGE", /* lines= */ true);
        fprintf(p->file, "%s\n", message ?: "");
        return 0;
}
