/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Processes that read journals for `boxctl logs`, one for each set of files, and send their entries as records through a pipe.
 * A machine's own journal is files that a payload can write: it may be damaged on purpose, change under its reader (SIGBUS), or
 * not answer (FUSE). So a process without privileges and without descriptors of ours reads it, and may fail alone.
 */

#include <sys/types.h>

#include "ctl/log-record.h"
#include "ctl/look.h"

/* The entries that are asked for. */
typedef struct LogQuery {
        const char *unit;       /* of the machine's own: entries of this unit only; NULL: all */
        int priority;           /* the least important one to show; -1: all */
        const char *pattern;    /* an extended regular expression for the message; NULL: all */
        uint64_t since_usec, until_usec;        /* CLOCK_REALTIME; 0 and UINT64_MAX: all */
        size_t lines;           /* the last ones, before what follows; SIZE_MAX: all */
        const char *cursor;     /* instead: from the entry after this one on; NULL: there is none */
        bool follow;
        bool all_fields;        /* else those that are shown to people */
} LogQuery;

/* The host's journal: the units of a machine. */
typedef struct LogHost {
        LogQuery query;
        const char *machine;    /* lines of its console have this identifier */
        const char *unit, *other_unit;  /* "box@NAME.service", and NULL or another that it runs in */
} LogHost;

/* A machine's own journal. */
typedef struct LogMachine {
        LogQuery query;
        const char *machine;
        pid_t leader;           /* it runs: the files below its root; 0: it does not */
        int tree_fd;            /* a stopped one's tree; -EBADF: none */
} LogMachine;

/* The processes, for look_start(): ctl/log-read-host.c and ctl/log-read-machine.c. */
int log_read_host(const void *log_host, int fd);
int log_read_machine(const void *log_machine, int fd);

typedef struct LogReader {
        LogStream stream;
        Look process;           /* fd -EBADF: it has ended */
        char *buf;
        size_t size;
        uint64_t heard_usec;    /* when it said something last (CLOCK_MONOTONIC) */
        char *cursor;           /* of its last entry; NULL: none yet */
} LogReader;
#define LOG_READER_NULL { .process = LOOK_NULL }

/* keep: the one descriptor that the process keeps, or -EBADF. */
int log_reader_start(LogReader *r, int (*read)(const void *job, int fd), const void *job, int keep);
void log_reader_done(LogReader *r);

/* Reads what the pipe has, once. 0, also at the end; negative errno: the process has failed, and is given up. */
int log_reader_fill(LogReader *r);

typedef enum LogReaderEvent {
        LOG_READER_QUIET,       /* the stream has a head, or nothing more has come */
        LOG_READER_NOTE,        /* *ret_note is a text for the user, which the caller frees */
        LOG_READER_AGAIN,       /* the files have changed, and the process has ended: to be started again, from r->cursor on */
} LogReaderEvent;

/* Makes the next record the stream's head. A LogReaderEvent; negative errno: what came is no record; the process is given up. */
int log_reader_advance(LogReader *r, char **ret_note);

/* Takes the head. */
LogRecord log_reader_take(LogReader *r);
