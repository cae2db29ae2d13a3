/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The system call filter of a machine. The default one is compiled while box is built (seccomp-build.c) and is part of the
 * program's read-only data; one with additions or exceptions is compiled at start.
 */

#include <linux/filter.h>
#include <stdio.h>

#include "util/failure.h"

/* The source of a filter. The default one has caps = capability_default(), with or without CAP_NET_ADMIN, and no lists. */
typedef struct SeccompSpec {
        uint64_t caps;                  /* of the machine: some allow more system calls */
        const char *const *allow;       /* NULL-terminated names and @groups; NULL */
        const char *const *deny;        /* takes precedence over allow */
        bool suppress_sync;             /* fsync() and the like do nothing and succeed, open() refuses O_SYNC and O_DSYNC */
        bool host_keyrings;             /* @keyring is left out: without a user namespace, users share keyrings with the host's */
        uint64_t denied_families;       /* mask of 1 << AF_x that socket() refuses; all ones: every family */
} SeccompSpec;

typedef struct SeccompProgram {
        const struct sock_filter *code;
        size_t n;
        void *owned;            /* freed with it; NULL for the built-in one */
        bool builtin;
} SeccompProgram;
#define SECCOMP_PROGRAM_NULL { NULL, 0, NULL, false }

void seccomp_program_done(SeccompProgram *p);

void seccomp_program_builtin(SeccompProgram *ret);

/* Installs the filter of the supervisor itself for this process, which has no_new_privs. The kernel logs what it refuses. */
int seccomp_apply_supervisor(Failure *failure);

/* The program for a spec: the built-in one if the spec is the default, else compiled now. */
int seccomp_program_make(const SeccompSpec *spec, SeccompProgram *ret, Failure *failure);

/* A program as a file, for processes that enter the machine later. It is written to PATH.new and renamed. */
int seccomp_program_save(const SeccompProgram *p, const char *path, Failure *failure);
int seccomp_program_load(const char *path, SeccompProgram *ret, Failure *failure);

/* Installs it for the calling process. Needs CAP_SYS_ADMIN in its user namespace, or no_new_privs. */
int seccomp_apply(const SeccompProgram *p, Failure *failure);

/* The first name that is neither a system call nor a group, or NULL. A call without a known number is fine and has no effect. */
const char *seccomp_spec_problem(const SeccompSpec *spec);

/* "built-in default" or "compiled: default + … - …", for the dry run. */
void seccomp_spec_print(const SeccompSpec *spec, FILE *f);
