/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/failure.h"

/* The place that set a value: a path and line of a file; the name of a switch ("--bind=") and line 0; a document and
 * JSON Pointer ("/bundle/config.json: /process/args") with SOURCE_IN_DOCUMENT; NULL for a default. */
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

/* Are both from the same file, or both from the command line? Contradictions within one source are errors; between
 * sources, the later one wins. */
bool source_same_origin(Source a, Source b);

/* failure_set() (util/failure.h) with "SOURCE: " before the text; without it if the source is a default. */
int failure_set_at(Failure *f, Source from, int error, const char *format, ...) _printf_(4, 5);
