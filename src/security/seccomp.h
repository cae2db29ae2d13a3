/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The system call filter of a machine. The default set's program is compiled when box is built (seccomp-build.c writes
 * it into the program's read-only data); one with additions or exceptions is compiled at start.
 */

#include <linux/filter.h>
#include <stdio.h>

#include "util/failure.h"

/* What a filter is made of; the default one has caps = capability_default() with or without CAP_NET_ADMIN and no
 * lists. */
typedef struct SeccompSpec {
        uint64_t caps;                  /* the capabilities kept: some bring system calls with them */
        const char *const *allow;       /* NULL-terminated names and @groups; NULL */
        const char *const *deny;        /* wins over allow */
        bool suppress_sync;             /* fsync() and its kind succeed and do nothing, open() refuses O_SYNC and O_DSYNC */
} SeccompSpec;

typedef struct SeccompProgram {
        const struct sock_filter *code;
        size_t n;
        void *owned;            /* freed with it; NULL for the built-in one */
        bool builtin;
} SeccompProgram;
#define SECCOMP_PROGRAM_NULL { NULL, 0, NULL, false }

void seccomp_program_done(SeccompProgram *p);

/* The default set's. */
void seccomp_program_builtin(SeccompProgram *ret);

/* The program for a spec: the built-in one where the spec asks for no more and no less, else compiled now. */
int seccomp_program_make(const SeccompSpec *spec, SeccompProgram *ret, Failure *failure);

/* A program as a file: how the supervisor leaves a machine's own filter to those who enter the machine later. Written
 * beside it first and renamed; read back whole. */
int seccomp_program_save(const SeccompProgram *p, const char *path, Failure *failure);
int seccomp_program_load(const char *path, SeccompProgram *ret, Failure *failure);

/* The child: installs it. Needs CAP_SYS_ADMIN in the caller's user namespace, or no_new_privs. */
int seccomp_apply(const SeccompProgram *p, Failure *failure);

/* NULL when every name is a system call or a group; else the first that is neither. A call that some kernel or
 * architecture has, and this build does not know by number, is fine and does nothing. */
const char *seccomp_spec_problem(const SeccompSpec *spec);

/* "built-in default" or "compiled: default + … - …", for the dry run. */
void seccomp_spec_print(const SeccompSpec *spec, FILE *f);
