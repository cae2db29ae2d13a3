/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Log output (see log.h): standard error, one write(2) a line. Every process of all programs. Keeps the program's name, the
 * level and the kind of standard error.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"
#include "util/text.h"

static struct {
        const char *program;
        int max_level;
        bool journal;           /* standard error is a stream to the journal */
} log_state = { "box", LOG_INFO, false };

/* systemd.exec(5), $JOURNAL_STREAM: "device:inode" of the stream that the service manager connected. */
static bool stderr_is_journal(void)
{
        const char *e = getenv("JOURNAL_STREAM");
        unsigned long long dev, ino;
        struct stat st;

        if (!e || sscanf(e, "%llu:%llu", &dev, &ino) != 2 || fstat(STDERR_FILENO, &st) < 0)
                return false;

        return st.st_dev == dev && st.st_ino == ino;
}

void log_setup(const char *program, int max_level)
{
        log_state.program = program;
        log_state.max_level = max_level;
        log_state.journal = stderr_is_journal();
}

int log_level_parse(const char *text)
{
        static const char *const names[] = {
                [LOG_EMERG] = "emerg", [LOG_ALERT] = "alert", [LOG_CRIT] = "crit", [LOG_ERR] = "err",
                [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(text, names[i]) == 0 || (text[0] == '0' + (int) i && !text[1]))
                        return (int) i;
        return -EINVAL;
}

int log_max_level(void)
{
        return log_state.max_level;
}

int log_full(int level, int error, const char *format, ...)
{
        char line[2048];
        va_list ap;
        int n, m;

        if (level > log_state.max_level)
                return error;

        if (log_state.journal)
                n = snprintf(line, sizeof(line), "<%d>", level);
        else
                n = snprintf(line, sizeof(line), "%s: ", log_state.program);
        if (n < 0 || n >= (int) sizeof(line) - 2)
                return error;

        errno = -error;
        va_start(ap, format);
        m = vsnprintf(line + n, sizeof(line) - (size_t) n - 1, format, ap);
        va_end(ap);
        if (m < 0)
                return error;

        text_make_printable(line + n);  /* what a payload has named is no command to a terminal, and no second line */
        n = (int) strlen(line);
        line[n++] = '\n';
        (void) !write(STDERR_FILENO, line, (size_t) n);
        return error;
}

int log_oom(void)
{
        return log_full(LOG_ERR, -ENOMEM, "Out of memory");
}
