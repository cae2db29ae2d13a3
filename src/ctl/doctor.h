/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Is this host fit for machines? Facts, which are read (doctor-facts.c), and a table of checks, which judge them (doctor.c). The
 * abilities of the kernel are tried, not concluded from its version.
 */

#include "security/apparmor.h"
#include "util/failure.h"

/* Instead of 0 or a negative errno of what was tried: only root can try it. */
enum { DOCTOR_NEEDS_ROOT = 1 };

/* Limits that all machines share; their names and needs are in doctor.c. */
enum {
        DOCTOR_INOTIFY_INSTANCES,
        DOCTOR_INOTIFY_WATCHES,
        DOCTOR_KEYS,
        DOCTOR_PTYS,
        DOCTOR_FILES,
        DOCTOR_PROCESS_FILES,
        DOCTOR_AIO,
        DOCTOR_USER_NAMESPACES,
        _DOCTOR_LIMIT_MAX,
};

typedef struct DoctorFacts {
        bool root;
        uint64_t machines;              /* that run */
        const char *missing_call;       /* a system call that the kernel does not have; NULL: none */
        bool cgroup2;
        char *controllers;              /* of the host: "cpu memory"; NULL: unknown */
        char *delegated;                /* of a running box@ unit; NULL: none runs */
        int bus;                        /* systemd on the bus: 0, or a negative errno */
        char *systemd_version, *networkd_state, *target_state;
        int machined;
        uint64_t units_loaded_usec;     /* CLOCK_REALTIME; 0: unknown */
        int user_namespace, id_map, overlay, nftables, seccomp;
        int landlock;                   /* version, or a negative errno */
        uint64_t limits[_DOCTOR_LIMIT_MAX], used[_DOCTOR_LIMIT_MAX];    /* UINT64_MAX: unknown */
        int ip_forward;                 /* 0, 1, or a negative errno */
        bool apparmor_enabled;
        ApparmorState apparmor;
        int machines_dir;               /* of stat() of /var/lib/machines */
        unsigned machines_mode;
        uint64_t machines_uid, free_bytes, free_files;  /* UINT64_MAX: unknown */
        const char *not_installed;      /* a file of box's; NULL: all are there */
        char *unit_shadow;              /* another box@.service in the place of box's own; NULL: none */
        uint64_t unit_changed_usec;     /* when box@.service was written; 0: unknown */
} DoctorFacts;

void doctor_facts_read(DoctorFacts *ret);
void doctor_facts_done(DoctorFacts *f);

typedef enum DoctorResult {
        DOCTOR_OK,
        DOCTOR_UNKNOWN,                 /* needs root */
        DOCTOR_WARNING,
        DOCTOR_PROBLEM,
        _DOCTOR_RESULT_MAX,
} DoctorResult;

typedef struct DoctorFinding {
        DoctorResult result;
        char what[240];
        char fix[240];                  /* a command to type; "": none */
} DoctorFinding;

typedef struct DoctorCheck {
        const char *name;
        const char *about;              /* what it is for */
        void (*judge)(const DoctorFacts *f, size_t limit, DoctorFinding *ret);
        size_t limit;                   /* of a check of a limit */
} DoctorCheck;
extern const DoctorCheck doctor_checks[];
extern const size_t n_doctor_checks;

/* The file of a limit below /proc/sys, and what says how much of it is in use (NULL: nothing does). Of a file with several
 * numbers the first is meant. */
const char *doctor_limit_file(size_t limit);
const char *doctor_limit_used_file(size_t limit);

/* Judges by the i-th check. */
DoctorFinding doctor_judge(size_t i, const DoctorFacts *f);

/* "ok", "needs-root", "warning", "problem" */
const char *doctor_result_name(DoctorResult r);
