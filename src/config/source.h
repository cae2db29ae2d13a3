/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/failure.h"

/* Where a value was written. Files are named by path with a line; switches by their name ("--bind=") with line 0; places in
 * a JSON document by its name and a JSON Pointer ("/bundle/config.json: /process/args") with SOURCE_IN_DOCUMENT; a default
 * has no name. */
typedef struct Source {
        const char *where;      /* not owned: lives as long as the Assignments do */
        unsigned line;
} Source;

#define SOURCE_IN_DOCUMENT ((unsigned) -1)

/* "FILE:LINE", "--switch", "DOCUMENT: /pointer" or "default", in buf. */
#define SOURCE_TEXT_MAX 512
const char *source_text(Source s, char buf[static SOURCE_TEXT_MAX]);

static inline bool source_is_switch(Source s)
{
        return s.where && s.line == 0;
}

static inline bool source_is_document(Source s)
{
        return s.where && s.line == SOURCE_IN_DOCUMENT;
}

/* Were both written by one writer: the same file, or both on the command line? Two settings of one writer that
 * contradict each other are a mistake; where writers differ, the later one has simply changed its mind. */
bool source_same_writer(Source a, Source b);

/* failure_set() (util/failure.h) with "SOURCE: " before the text; without it where the source is a default. */
int failure_set_at(Failure *f, Source from, int error, const char *format, ...) _printf_(4, 5);
