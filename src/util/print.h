/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include "util/macro.h"

/* Allocated text from printf formats; lines that fit the terminal. */

/* asprintf(3), but returns 0 or -ENOMEM, and *ret is NULL on failure. The caller frees *ret. */
int strf(char **ret, const char *format, ...) _printf_(2, 3) _must_check_;
int strfv(char **ret, const char *format, va_list ap) _printf_(2, 0) _must_check_;

/* A stream that collects text in memory:
 *
 *         _cleanup_memory_stream_ MemoryStream m = { 0 };
 *         FILE *f = memory_stream_open(&m);
 *
 *         if (!f)
 *                 return NULL;
 *         fputs("text", f);
 *         return memory_stream_take(&m);
 */
typedef struct MemoryStream {
        FILE *file;             /* NULL: not open */
        char *text;             /* valid once the stream is closed */
        size_t size;
} MemoryStream;

/* NULL: no memory. The stream belongs to m. */
FILE *memory_stream_open(MemoryStream *m) _must_check_;

/* Closes the stream and returns its text, which the caller frees. NULL: no memory. */
char *memory_stream_take(MemoryStream *m) _must_check_;

void memory_stream_done(MemoryStream *m);

#define _cleanup_memory_stream_ _cleanup_(memory_stream_done)

/* Prints a line and a line end. A line of more than width columns is cut there and ends with "…" (0: never). */
void print_cut(FILE *f, const char *line, size_t width);

/* Prints words of text and a line end, in lines of at most 79 columns, so that a terminal of 80 breaks none. The first line
 * begins at column at, where the cursor is, those after it, or after a line end in text, at column indent. */
void print_filled(FILE *f, const char *text, size_t at, size_t indent);

/* A row of --help: left, and from column on text, in a line of its own where left is too long. */
void print_help_row(FILE *f, const char *left, const char *text, size_t column);
