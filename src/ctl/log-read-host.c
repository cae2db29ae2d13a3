/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads the host's journal for `boxctl logs`: the entries of a machine's unit, its console among them. A process of boxctl's,
 * with the caller's rights (see log-reader.h). */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ctl/log-read.h"
#include "util/fd.h"
#include "util/print.h"

/* Messages of the unit's processes, or of PID 1 about the unit. */
static int match_unit(sd_journal *j, const char *unit)
{
        int r;

        r = log_read_match(j, "_SYSTEMD_UNIT", unit);
        if (r >= 0)
                r = sd_journal_add_disjunction(j);
        if (r >= 0)
                r = log_read_match(j, "_PID", "1");
        if (r >= 0)
                r = log_read_match(j, "UNIT", unit);
        return r;
}

/* A line of the console comes from the supervisor, too, with the machine's name for an identifier (payload/console-journal.h). */
static LogOrigin origin(const LogRecord *r, const void *userdata)
{
        const LogHost *h = userdata;
        size_t size;
        const char *identifier = log_record_field(r, "SYSLOG_IDENTIFIER", &size);
        size_t pid_size;
        const char *pid = log_record_field(r, "_PID", &pid_size);

        if (!identifier || size != strlen(h->machine) || memcmp(identifier, h->machine, size) != 0 ||
            (pid && pid_size == 1 && *pid == '1'))
                return LOG_ORIGIN_UNIT;
        return LOG_ORIGIN_CONSOLE;
}

/* libsystemd says nothing of files that the caller may not read. */
static int say_if_denied(int fd)
{
        static const char *const places[] = { "/var/log/journal", "/run/log/journal" };
        _cleanup_free_ char *id = NULL;
        bool denied = false;

        if (fd_read_file_at(AT_FDCWD, "/etc/machine-id", 64, &id, NULL) < 0)
                return 0;
        id[strcspn(id, "\n")] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                _cleanup_free_ char *path = NULL;

                if (strf(&path, "%s/%s/system.journal", places[i], id) < 0)
                        return -ENOMEM;
                if (access(path, R_OK) < 0)
                        denied = denied || errno == EACCES;
        }
        return !denied ? 0 : log_read_note(fd, "No permission to read the host's journal, with the unit's messages and the "
                                               "console; root may, and members of the groups systemd-journal and adm");
}

static int follow(LogRead *r)
{
        int k = log_read_say(r->fd, LOG_KIND_LIVE);

        while (k >= 0) {
                k = sd_journal_wait(r->journal, UINT64_MAX);
                if (k >= 0)
                        k = log_read_more(r);
        }
        return k;
}

int log_read_host(const void *log_host, int fd)
{
        const LogHost *h = log_host;
        LogRead r = { .query = &h->query, .fd = fd, .origin = origin, .userdata = h };
        int k;

        k = RET_ERRNO(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
        if (k >= 0)
                k = say_if_denied(fd);
        if (k >= 0)
                k = sd_journal_open(&r.journal, SD_JOURNAL_LOCAL_ONLY);
        if (k >= 0)
                k = match_unit(r.journal, h->unit);
        if (k >= 0 && h->other_unit)
                k = sd_journal_add_disjunction(r.journal);
        if (k >= 0 && h->other_unit)
                k = match_unit(r.journal, h->other_unit);
        if (k >= 0)
                k = log_read_match_priority(r.journal, h->query.priority);
        if (k >= 0)
                k = log_read_backlog(&r);
        if (k >= 0 && h->query.follow)
                k = follow(&r);
        return k;
}
