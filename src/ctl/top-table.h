/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The rows of `boxctl top`, made from two samples. Pure. */

#include <stdio.h>

#include "ctl/top-sample.h"

typedef enum TopSort {
        TOP_SORT_CPU,
        TOP_SORT_MEMORY,
        TOP_SORT_SWAP,
        TOP_SORT_IO,
        TOP_SORT_TASKS,
        TOP_SORT_PRESSURE,
        TOP_SORT_NETWORK,
        TOP_SORT_NAME,
        _TOP_SORT_MAX,
} TopSort;

/* By a name ("cpu"), or by a key; -EINVAL: there is none. */
int top_sort_by_name(const char *name);
int top_sort_by_key(char key);

/* Rates are a second; of CPU time in hundredths of a percent of one CPU. Other values are the newer sample's. */
typedef struct TopRow {
        const char *name;               /* the sample's */
        uint64_t values[_TOP_VALUE_MAX];
} TopRow;

/* Rows for the samples of now, sorted. before: those of a former time; rates of machines that are not among them are unknown. The
 * caller frees *ret. 0 or -ENOMEM. */
int top_rows(const TopSample *before, size_t n_before, const TopSample *now, size_t n_now, TopSort sort, TopRow **ret);

typedef struct TopLook {
        size_t width;                   /* 0: as wide as it must be */
        size_t height;                  /* lines; 0: any number */
        bool colour;
        bool keys;                      /* a line that tells the keys */
        TopSort sort;
        unsigned n_cpus;                /* the host's, and its memory: what bars are parts of */
        uint64_t memory;
} TopLook;

/* Columns that do not fit are left out, the most important ones last. */
void top_print(FILE *f, const TopRow *rows, size_t n, const TopLook *look);

/* An object with the time (CLOCK_REALTIME) and the machines. */
int top_print_json(FILE *f, const TopRow *rows, size_t n, uint64_t now_usec, OutputMode mode, Failure *failure);
