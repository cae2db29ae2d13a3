/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The use that running machines make of the host at one time: the kernel's counters of their cgroups and networks. */

#include "ctl/running-machine.h"

/* Names of values, in a TopSample. */
typedef enum TopValue {
        TOP_CPU_USEC,                   /* these grow */
        TOP_READ,                       /* bytes */
        TOP_WRITTEN,
        TOP_RECEIVED,                   /* by the machine */
        TOP_SENT,
        TOP_MEMORY,                     /* bytes */
        TOP_MEMORY_LIMIT,               /* of the payload or its unit */
        TOP_SWAP,
        TOP_TASKS,
        TOP_PRESSURE_CPU,               /* some avg10, in hundredths of a percent */
        TOP_PRESSURE_MEMORY,
        TOP_PRESSURE_IO,
        _TOP_VALUE_MAX,
} TopValue;
#define TOP_UNKNOWN UINT64_MAX

typedef struct TopSample {
        char *name;
        pid_t leader;
        uint64_t at_usec;               /* CLOCK_MONOTONIC */
        uint64_t values[_TOP_VALUE_MAX];
} TopSample;

/* The values in texts of files; TOP_UNKNOWN: there is none. Pure. */
uint64_t top_parse_number(const char *text);                            /* "123\n"; not "max" */
uint64_t top_parse_keyed(const char *text, const char *key);            /* "usage_usec 123" in a line */
uint64_t top_parse_io(const char *text, const char *key);               /* "8:0 rbytes=1 …", the sum of all devices */
uint64_t top_parse_pressure(const char *text);
bool top_parse_network(const char *text, uint64_t *ret_received, uint64_t *ret_sent);   /* /proc/PID/net/dev, without lo */

/* Fills in what the files of a cgroup have. */
void top_read_group(int group_fd, uint64_t values[static _TOP_VALUE_MAX]);

/* A sample of each machine, in their order. Values that this host or the caller cannot have are TOP_UNKNOWN. 0 or -ENOMEM. */
int top_sample(const RunningMachine *list, size_t n, TopSample **ret);
void top_samples_free(TopSample *samples, size_t n);
