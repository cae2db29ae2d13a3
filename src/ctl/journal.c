/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reading the journal (see journal.h). Part of boxctl, which has its caller's rights: without access to the journal its
 * lines are left out without a message. Payloads may have written them: they are made printable.
 */

#include <stdio.h>
#include <string.h>
#include <systemd/sd-messages.h>
#include <time.h>

#include "ctl/journal.h"
#include "util/libsystemd.h"
#include "util/print.h"
#include "util/text.h"

static void journal_closep(sd_journal **j)
{
        if (*j)
                sd_journal_close(*j);
}

/* A field's value, printable. The caller frees it. NULL: the entry has none. */
static char *field(sd_journal *j, const char *name)
{
        size_t size, skip = strlen(name) + 1;
        const void *data;
        char *s;

        if (sd_journal_get_data(j, name, &data, &size) < 0 || size < skip)
                return NULL;
        s = strndup((const char *) data + skip, size - skip);
        if (s)
                text_make_printable(s);
        return s;
}

static int match(sd_journal *j, const char *name, const char *value)
{
        _cleanup_free_ char *s = NULL;

        if (strf(&s, "%s=%s", name, value) < 0)
                return -ENOMEM;
        return sd_journal_add_match(j, s, 0);
}

/* Messages of the unit's processes, or of PID 1 about the unit. */
static int match_unit(sd_journal *j, const char *unit)
{
        int r;

        r = match(j, "_SYSTEMD_UNIT", unit);
        if (r >= 0)
                r = sd_journal_add_disjunction(j);
        if (r >= 0)
                r = match(j, "_PID", "1");
        if (r >= 0)
                r = match(j, "UNIT", unit);
        return r;
}

/* Without a priority at its start ("<3>", sd-daemon(3)), which a console's line may have, and without carriage returns at its
 * end. The caller frees it. */
static char *message_of(sd_journal *j)
{
        const void *data;
        const char *text;
        size_t size;
        char *s;

        if (sd_journal_get_data(j, "MESSAGE", &data, &size) < 0 || size < strlen("MESSAGE="))
                return NULL;
        text = (const char *) data + strlen("MESSAGE=");
        size -= strlen("MESSAGE=");
        if (size >= 3 && text[0] == '<' && text[1] >= '0' && text[1] <= '7' && text[2] == '>') {
                text += 3;
                size -= 3;
        }
        while (size > 0 && text[size - 1] == '\r')
                size--;
        s = strndup(text, size);
        if (s)
                text_make_printable(s);
        return s;
}

static void print_entry(FILE *f, sd_journal *j, OutputMode mode)
{
        _cleanup_free_ char *message = message_of(j), *host = field(j, "_HOSTNAME"), *pid = field(j, "_PID");
        _cleanup_free_ char *ident = field(j, "SYSLOG_IDENTIFIER") ?: field(j, "_COMM");
        char when[64] = "";
        uint64_t usec;
        struct tm tm;
        time_t t;

        if (mode == OUTPUT_CAT) {
                fprintf(f, "%s\n", message ?: "");
                return;
        }
        if (sd_journal_get_realtime_usec(j, &usec) >= 0) {
                t = (time_t) (usec / 1000000);
                if (localtime_r(&t, &tm))
                        (void) strftime(when, sizeof(when),
                                        mode == OUTPUT_SHORT_ISO ? "%Y-%m-%dT%H:%M:%S%z" : "%b %d %H:%M:%S", &tm);
        }
        fprintf(f, "%s %s %s", when, host ?: "-", ident ?: "unknown");
        if (pid)
                fprintf(f, "[%s]", pid);
        fprintf(f, ": %s\n", message ?: "");
}

void journal_tail(FILE *f, const char *unit, unsigned lines, OutputMode mode)
{
        _cleanup_(journal_closep) sd_journal *j = NULL;

        if (lines == 0 || sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY) < 0 || match_unit(j, unit) < 0)
                return;
        if (sd_journal_seek_tail(j) < 0 || sd_journal_previous_skip(j, lines) <= 0)
                return;
        do
                print_entry(f, j, mode);
        while (sd_journal_next(j) > 0);
}

/* Is it systemd's "Failed to start X", which gives no cause? */
static bool is_unit_failed_message(sd_journal *j)
{
        _cleanup_free_ char *id = field(j, "MESSAGE_ID");

        return id && strcmp(id, SD_MESSAGE_UNIT_FAILED_STR) == 0;
}

static void format_id(const uint8_t id[static 16], char ret[static 33])
{
        for (size_t i = 0; i < 16; i++)
                (void) snprintf(ret + 2 * i, 3, "%02x", id[i]);
}

/* (the first field and any priority) or (the second and any priority). */
static int match_errors(sd_journal *j, const char *const fields[static 2], const char *value)
{
        static const char *const priorities[] = { "0", "1", "2", "3" };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < 2; i++) {
                if (i > 0)
                        r = sd_journal_add_disjunction(j);
                if (r >= 0)
                        r = match(j, fields[i], value);
                for (size_t p = 0; r >= 0 && p < ARRAY_SIZE(priorities); p++)
                        r = match(j, "PRIORITY", priorities[p]);
        }
        return r;
}

static char *last_error(const char *const fields[static 2], const char *value)
{
        _cleanup_(journal_closep) sd_journal *j = NULL;

        if (sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY) < 0 || match_errors(j, fields, value) < 0 || sd_journal_seek_tail(j) < 0)
                return NULL;
        while (sd_journal_previous(j) > 0)
                if (!is_unit_failed_message(j))
                        return field(j, "MESSAGE");
        return NULL;
}

char *journal_last_error(const uint8_t invocation_id[static 16])
{
        char id[33];

        format_id(invocation_id, id);
        return last_error((const char *const[]) { "_SYSTEMD_INVOCATION_ID", "INVOCATION_ID" }, id);
}

char *journal_last_unit_error(const char *unit)
{
        return last_error((const char *const[]) { "_SYSTEMD_UNIT", "UNIT" }, unit);
}

/* The supervisor's own messages have its program's name (payload/console-journal.h). */
char *journal_last_console_line(const uint8_t invocation_id[static 16])
{
        enum { LINES = 200 };
        _cleanup_(journal_closep) sd_journal *j = NULL;
        char id[33];

        format_id(invocation_id, id);
        if (sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY) < 0 || match(j, "_SYSTEMD_INVOCATION_ID", id) < 0 ||
            sd_journal_seek_tail(j) < 0)
                return NULL;
        for (unsigned i = 0; i < LINES && sd_journal_previous(j) > 0; i++) {
                _cleanup_free_ char *ident = field(j, "SYSLOG_IDENTIFIER"), *line = message_of(j);

                if (ident && line && strcmp(ident, "box-run") != 0 && line[strspn(line, " \t\n")])
                        return TAKE_PTR(line);
        }
        return NULL;
}

char *journal_refused_start(const char *unit)
{
        _cleanup_(journal_closep) sd_journal *j = NULL;
        _cleanup_free_ char *result = NULL, *message = NULL;

        if (sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY) < 0 || match(j, "_PID", "1") < 0 || match(j, "JOB_TYPE", "start") < 0 ||
            match(j, "UNIT", unit) < 0 || sd_journal_seek_tail(j) < 0 || sd_journal_previous(j) <= 0)
                return NULL;
        result = field(j, "JOB_RESULT");
        message = field(j, "MESSAGE");
        if (!result || !message ||
            (strcmp(result, "dependency") != 0 && strcmp(result, "assert") != 0 && !strstr(message, "skipped")))
                return NULL;
        return TAKE_PTR(message);
}

/* systemd's "Starting X" has one for each start. */
static int open_starts(const char *unit, sd_journal **ret)
{
        _cleanup_(journal_closep) sd_journal *j = NULL;
        int r;

        r = sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY);
        if (r >= 0)
                r = match(j, "_PID", "1");
        if (r >= 0)
                r = match(j, "MESSAGE_ID", SD_MESSAGE_UNIT_STARTING_STR);
        if (r >= 0)
                r = match(j, "UNIT", unit);
        if (r >= 0)
                *ret = TAKE_PTR(j);
        return r;
}

int journal_start_window(const char *unit, int n, uint64_t *ret_since_usec, uint64_t *ret_until_usec)
{
        _cleanup_(journal_closep) sd_journal *j = NULL;
        uint64_t since, until = UINT64_MAX;
        int r, steps = n > 0 ? n : 1 - n;

        r = open_starts(unit, &j);
        if (r >= 0)
                r = n > 0 ? sd_journal_seek_head(j) : sd_journal_seek_tail(j);
        if (r >= 0)
                r = n > 0 ? sd_journal_next_skip(j, (uint64_t) steps) : sd_journal_previous_skip(j, (uint64_t) steps);
        if (r < 0)
                return r;
        if (r < steps)
                return -ENOENT;
        r = sd_journal_get_realtime_usec(j, &since);
        if (r >= 0)
                r = sd_journal_next(j);
        if (r > 0) {
                r = sd_journal_get_realtime_usec(j, &until);
                until--;
        }
        if (r < 0)
                return r;
        *ret_since_usec = since;
        *ret_until_usec = until;
        return 0;
}

bool journal_has_unit(const char *unit)
{
        _cleanup_(journal_closep) sd_journal *j = NULL;

        return sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY) >= 0 && match_unit(j, unit) >= 0 && sd_journal_seek_head(j) >= 0 &&
               sd_journal_next(j) > 0;
}
