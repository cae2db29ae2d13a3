/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The time line of a machine's start, for `boxctl blame`: the launcher's stages and the payload's units. Pure. */

#include <stdio.h>

#include "ctl/options.h"
#include "util/failure.h"

typedef struct BlameStep {
        char *name;
        bool of_unit;           /* a unit in the machine; else a stage of box-run */
        uint64_t begin_usec, end_usec;  /* from the begin of the start on */
} BlameStep;

typedef struct Blame {
        const char *machine;
        BlameStep *steps;
        size_t n;
        uint64_t zero_usec;     /* CLOCK_MONOTONIC: the begin of the first stage */
        uint64_t up_usec;       /* the payload began to run; from here on all times are from zero_usec on */
        uint64_t ready_usec;    /* 0: it is not ready so far */
        uint64_t total_usec;    /* the end of the last step */
        char *failure;          /* why it was no start, but failed after the last stage; NULL: it did not */
} Blame;
void blame_done(Blame *b);

/* The supervisor's file of a start, or of one that failed (run/steps.h). -EBADMSG: it is damaged; -ENOMEM. */
int blame_add_stages(Blame *b, const char *text);

/* Lines "BEGIN END NAME" about units, of the machine's CLOCK_MONOTONIC, which is offset_usec ahead of the host's. Made by a
 * payload: lines that cannot be are left out. 0 or -ENOMEM. */
int blame_add_units(Blame *b, const char *text, int64_t offset_usec);

/* By time taken, the longest first; or by begin. */
void blame_sort(Blame *b, bool by_begin);

/* width: names are cut to fit (0: never). */
void blame_print(const Blame *b, FILE *f, bool legend, size_t width);
int blame_print_json(const Blame *b, FILE *f, OutputMode mode, Failure *failure);

/* A picture as that of systemd-analyze plot. */
void blame_plot(const Blame *b, FILE *f);
