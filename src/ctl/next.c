/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The next step after each verb (see next.h): a table. Part of boxctl; no privilege. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/exit-status.h"
#include "ctl/next.h"
#include "ctl/remote.h"
#include "ctl/terminal.h"
#include "image/machine-name.h"
#include "payload/machine-state.h"
#include "util/strv.h"

typedef enum When {
        DONE = 1 << 0,
        RUNS = 1 << 1,                  /* done, and the machine runs */
        STOPPED = 1 << 2,               /* done, and it does not */
        FAILED = 1 << 3,
        NOT_THERE = 1 << 4,             /* no such machine, or it does not run */
} When;

static const struct {
        const char *verb;
        unsigned when;
        const char *steps;
} rows[] = {
        { "start",     DONE,      "shell NAME, console NAME, logs -f NAME" },
        { "start",     FAILED,    "logs NAME, check NAME, doctor" },
        { "start",     NOT_THERE, "list --all, new" },
        { "stop",      DONE,      "start NAME" },
        { "stop",      FAILED,    "status NAME, terminate NAME" },
        { "reboot",    DONE,      "wait NAME ready" },
        { "terminate", DONE,      "start NAME" },
        { "kill",      DONE,      "status NAME" },
        { "freeze",    DONE,      "thaw NAME" },
        { "thaw",      DONE,      "status NAME" },
        { "enable",    STOPPED,   "start NAME" },
        { "disable",   RUNS,      "stop NAME" },
        { "status",    NOT_THERE, "start NAME, logs NAME" },
        { "edit",      RUNS,      "pending NAME, apply NAME" },
        { "edit",      STOPPED,   "check NAME, start NAME" },
        { "check",     STOPPED,   "start NAME" },
        { "check",     RUNS,      "pending NAME" },
        { "check",     FAILED,    "edit NAME" },
        { "set",       RUNS,      "get NAME, pending NAME" },
        { "set",       STOPPED,   "start NAME" },
        { "unset",     RUNS,      "get NAME, pending NAME" },
        { "bind",      DONE,      "get NAME Bind" },
        { "device",    DONE,      "get NAME Bind" },
        { "wait",      FAILED,    "status NAME, logs NAME" },
        { "reclaim",   DONE,      "top NAME" },
        { "copy-to",   DONE,      "shell NAME" },
        { "why",       FAILED,    "explain NAME" },
};

static bool applies(unsigned when, int status, bool running)
{
        switch (status) {
        case EXIT_DONE:
                return when & (DONE | (running ? RUNS : STOPPED));
        case EXIT_FAILED:
        case EXIT_TIMEOUT:
                return when & FAILED;
        case EXIT_NOT_THERE:
                return when & NOT_THERE;
        default:
                return false;           /* the message says it */
        }
}

const char *next_steps(const char *verb, int status, bool running)
{
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (strcmp(rows[i].verb, verb) == 0 && applies(rows[i].when, status, running))
                        return rows[i].steps;
        return NULL;
}

static bool is_running(const char *name)
{
        MachineState state;
        bool running = machine_state_read(NULL, name, &state) >= 0;

        if (running)
                machine_state_done(&state);
        return running;
}

static void put_steps(const char *program, const char *steps, const char *name)
{
        const char *host = getenv(REMOTE_VARIABLE);

        fprintf(stderr, "Next:");
        while (*steps) {
                size_t n = strcspn(steps, ",");
                const char *at = memmem(steps, n, "NAME", 4);

                fprintf(stderr, " %s%s%s %.*s", program, host ? " -H " : "", host ?: "",
                        (int) (at ? at - steps : (ptrdiff_t) n), steps);
                if (at)
                        fprintf(stderr, "%s%.*s", name, (int) (steps + n - at - 4), at + 4);
                steps += n;
                steps += strspn(steps, ", ");
                if (*steps)
                        fputs(" |", stderr);
        }
        fputc('\n', stderr);
}

/* Of several machines, the steps are for any. */
void next_print(const Ctl *c, const Verb *v, char *const *names, int result)
{
        const char *name = strv_length(names) > 0 ? names[0] : NULL, *steps;

        if (c->lite || c->options.quiet || c->options.no_block || c->options.machine || output_is_json(c->options.output) ||
            isatty(STDERR_FILENO) != 1 || !name || !machine_name_is_valid(name))
                return;
        steps = next_steps(v->name, exit_status(result), is_running(name));
        if (!steps)
                return;
        (void) fflush(stdout);
        pager_close();          /* they come last */
        put_steps(c->program, steps, v->flags & VERB_MANY && strv_length(names) > 1 ? "NAME" : name);
}
