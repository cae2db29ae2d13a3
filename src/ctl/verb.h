/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a verb is, and what all of them share. */

#include <systemd/sd-bus.h>

#include "ctl/options.h"
#include "util/log.h"

typedef struct Ctl {
        const char *program;            /* the name that we were called by */
        bool lite;                      /* as machinectl-lite: its verbs, options and output, no more */
        Options options;
        sd_bus *bus;                    /* see ctl_bus() */
        Failure bus_failure;
} Ctl;

/* The system bus, opened at the first call. NULL and a failure where there is none: asked again it costs nothing. */
sd_bus *ctl_bus(Ctl *c, Failure *failure);

typedef enum VerbFlags {
        VERB_COMMAND = 1 << 0,          /* what follows the first argument is a command line */
        VERB_DEFAULT = 1 << 1,          /* this one where none is named */
        VERB_OURS = 1 << 2,             /* not under machinectl-lite: machinectl has no such verb */
        VERB_TAKES_RUNNING = 1 << 3,    /* completes names of running machines */
        VERB_TAKES_IMAGES = 1 << 4,     /* completes names of trees and disk images */
} VerbFlags;

#define VERB_ANY SIZE_MAX

typedef struct Verb {
        const char *name;
        const char *alias;              /* NULL: none */
        const char *lite_name;          /* the name under machinectl-lite, where the two are the other way round */
        size_t min, max;                /* arguments */
        unsigned flags;
        const char *synopsis;           /* "NAME…" */
        const char *help;               /* for the list */
        const char *details;            /* paragraphs of VERB --help; NULL */
        /* The exit status; or a negative errno when something failed and was said. */
        int (*run)(Ctl *c, char *const *args, size_t n);
} Verb;

extern const Verb verb_list, verb_status, verb_show, verb_start, verb_stop, verb_reboot, verb_terminate, verb_kill,
        verb_enable, verb_disable, verb_login, verb_shell, verb_cat, verb_edit, verb_check, verb_explain;

/* All of them in the order of --help, NULL-terminated (verbs.c). */
extern const Verb *const verbs[];
const Verb *verb_find(const char *name);
const Verb *verb_default(void);
bool verb_takes_command(const char *name);
/* The nearest name to a misspelt one, NULL where none is near. */
const char *verb_nearest(const char *name);

/* The arguments' count and the options, against what the verb takes. */
int verb_accepts(const Verb *v, const CommandLine *line, bool lite, Failure *failure);

/* Does one thing with every machine that is named, and goes on after a failure: one message each, the first one's error. */
int each_name(Ctl *c, char *const *names, size_t n, int (*one)(Ctl *c, const char *name, Failure *failure));

/* "boxctl: NAME: what failed", the one message of a failure; returns its error. */
int complain(const char *name, const Failure *f);
