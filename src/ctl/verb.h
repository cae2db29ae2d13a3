/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Verbs, and what they share. */

#include "ctl/options.h"
#include "ctl/table.h"
#include "util/json.h"
#include "util/libsystemd.h"
#include "util/log.h"

typedef struct Verb Verb;

typedef struct Ctl {
        const char *program;            /* the name that boxctl was called by */
        bool lite;                      /* called machinectl-lite: only verbs, options and output of machinectl */
        Options options;
        const Verb *verb;               /* that runs */
        bool many;                      /* and has several machines: a line of result for each */
        sd_bus *bus;                    /* see ctl_bus() */
        Failure bus_failure;
        bool machined_is_silent;        /* it did not answer in time */
} Ctl;

/* The system bus, opened at the first call. NULL and a failure if there is none; later calls do not try again. */
sd_bus *ctl_bus(Ctl *c, Failure *failure);

typedef enum VerbFlags {
        VERB_COMMAND = 1 << 0,          /* what follows the first argument is a command line, not options */
        VERB_DEFAULT = 1 << 1,          /* used if no verb is given */
        VERB_OURS = 1 << 2,             /* not in machinectl-lite: machinectl has no such verb */
        VERB_TAKES_RUNNING = 1 << 3,    /* completes names of running machines */
        VERB_TAKES_IMAGES = 1 << 4,     /* completes names of trees and disk images */
        VERB_AUTHORIZED = 1 << 5,       /* polkit may want a password */
        VERB_STARTS = 1 << 6,           /* and the unit, too */
        VERB_MANY = 1 << 7,             /* all its arguments are machines: globs, too */
        VERB_ALL = 1 << 8,              /* and --all is all that it takes */
        VERB_COMMAND_LATE = 1 << 9,     /* what follows the first argument is options, then a command line */
        VERB_TAKES_SAMPLES = 1 << 10,   /* completes names of samples */
} VerbFlags;

#define VERB_ANY SIZE_MAX

struct Verb {
        const char *name;
        const char *alias;              /* NULL: none */
        const char *lite_name;          /* the alias, where it is the main name in machinectl-lite; else NULL */
        size_t min, max;                /* number of arguments */
        size_t lite_min;                /* where machinectl wants more */
        unsigned flags;
        const char *synopsis;           /* "NAME…" */
        const char *help;               /* for the list of verbs */
        const char *details;            /* paragraphs of VERB --help, or NULL */
        const char *example;            /* a command line that begins with boxctl */
        const Column *columns;          /* of a listing: what --columns= and --json= can name; NULL */
        size_t n_columns;
        const char *rows;               /* the member of its JSON that has the rows; NULL: that is an array, or a row */
        const char *done;               /* of one machine of several: "started"; NULL: "done" */
        /* Returns the exit status, or a negative errno after its message. NULL: run_one is called for each name. */
        int (*run)(Ctl *c, char *const *args, size_t n);
        int (*run_one)(Ctl *c, const char *name, Failure *failure);
};

extern const Verb verb_overview;
extern const Verb verb_list, verb_status, verb_show, verb_start, verb_stop, verb_reboot, verb_terminate, verb_kill, verb_new,
        verb_cp, verb_copy_to, verb_copy_from,
        verb_freeze, verb_thaw, verb_enable, verb_disable, verb_login, verb_shell, verb_logs, verb_cat, verb_edit, verb_check,
        verb_explain, verb_call, verb_exec, verb_chroot, verb_blame, verb_why, verb_doctor,
        verb_console, verb_wait, verb_events, verb_top, verb_reclaim,
        verb_get, verb_set, verb_unset, verb_pending, verb_apply, verb_bind, verb_unbind, verb_port, verb_device;

/* A row for each value of a setting: get, and listings of one setting. */
enum { GET_COLUMNS = 3 };
extern const Column get_columns[GET_COLUMNS];

/* All verbs in the order of --help, NULL-terminated (verbs.c). */
extern const Verb *const verbs[];
const Verb *verb_find(const char *name);
const Verb *verb_default(void);
/* For options_parse(). */
size_t verb_options_end(const char *name);
/* The verb, or another program's command line, for a word that other programs have: "logs"; NULL: there is none. */
const char *verb_known_elsewhere(const char *name, bool lite);
/* The verb with the most similar name; NULL: none is similar. */
const char *verb_nearest(const char *name);

/* Does the verb take this number of arguments and these options? 0, or -EINVAL and a failure. */
int verb_accepts(const Verb *v, const CommandLine *line, bool lite, Failure *failure);

/* Calls one() for each name, also after a failure; of several at a time, in processes of their own. Logs every failure and
 * returns the worst (exit_worse()). */
int each_name(Ctl *c, char *const *names, size_t n, int (*one)(Ctl *c, const char *name, Failure *failure));

/* Calls one() for each name, also after a failure, which one() logs. With j, it adds a JSON object, otherwise it prints text.
 * Returns the worst that one() has returned. */
int print_each(Ctl *c, char *const *names, size_t n, int (*one)(Ctl *c, const char *name, Json *j, bool first));

/* Logs "boxctl: NAME: FAILURE" and returns the error. */
int complain(const char *name, const Failure *f);
