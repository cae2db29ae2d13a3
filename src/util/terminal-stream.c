/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Standard output and error that cannot control the terminal (see terminal-stream.h). boxctl and the dry runs of box-run, with
 * their caller's rights.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/terminal-stream.h"
#include "util/text.h"

/* The beginning of a character, or a carriage return that may be followed by a line end. */
typedef struct Tail {
        int fd;
        char bytes[3];
        size_t n;
} Tail;

static bool unread;

bool terminal_stream_is_unread(void)
{
        return unread;
}

/* CR LF ends a line as LF does. */
static size_t drop_carriage_returns(char *s, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < size; i++)
                if (!(s[i] == '\r' && i + 1 < size && s[i + 1] == '\n'))
                        s[n++] = s[i];
        return n;
}

static ssize_t write_printable(void *cookie, const char *data, size_t size)
{
        Tail *tail = cookie;
        _cleanup_free_ char *text = malloc(tail->n + size);
        size_t n = tail->n + size, whole;
        int r;

        if (!text) {
                errno = ENOMEM;
                return 0;
        }
        memcpy(text, tail->bytes, tail->n);
        memcpy(text + tail->n, data, size);
        whole = text_whole_characters(text, n);
        if (whole == n && n > 0 && text[n - 1] == '\r')
                whole--;
        tail->n = n - whole;
        memcpy(tail->bytes, text + whole, tail->n);

        n = drop_carriage_returns(text, whole);
        text_make_lines_printable(text, n);
        r = fd_write_all(tail->fd, text, n);
        if (r < 0) {
                unread = unread || (tail->fd == STDOUT_FILENO && r == -EPIPE);
                errno = -r;
                return 0;               /* an error, to stdio */
        }
        return (ssize_t) size;
}

static int replace(FILE **stream, Tail *tail, int mode)
{
        FILE *f = fopencookie(tail, "w", (cookie_io_functions_t) { .write = write_printable });

        if (!f)
                return -errno;
        if (setvbuf(f, NULL, mode, BUFSIZ) != 0) {
                (void) fclose(f);
                return -ENOMEM;
        }
        (void) fflush(*stream);
        *stream = f;
        return 0;
}

int terminal_streams_open(void)
{
        static Tail tails[] = { { .fd = STDOUT_FILENO }, { .fd = STDERR_FILENO } };
        int r;

        r = replace(&stdout, &tails[0], isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF);
        return r < 0 ? r : replace(&stderr, &tails[1], _IOLBF);
}

void terminal_style(FILE *f, const char *sequence)
{
        (void) fflush(f);
        if (f == stdout)
                (void) !write(STDOUT_FILENO, sequence, strlen(sequence));
        else if (f == stderr)
                (void) !write(STDERR_FILENO, sequence, strlen(sequence));
        else
                fputs(sequence, f);
}
