/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl, the client: parses the command line and runs the verb. Called machinectl-lite it is compatible with machinectl:
 * the same verbs, any option with any verb, and no waiting where machinectl does not wait.
 *
 * Runs with its caller's rights. systemd and systemd-machined do what needs privilege, and polkit decides; entering a
 * machine that they cannot enter, and signalling one that they do not know, needs root.
 *
 * Exit status: 0 done; a class for each kind of failure (exit-status.h), of several machines the worst, with one message for
 * each on standard error; `shell` returns its command's where that is known. As machinectl-lite 0 or 1.
 */

#include <locale.h>
#include <string.h>

#include "bus/bus.h"
#include "ctl/agent.h"
#include "ctl/columns.h"
#include "ctl/exit-status.h"
#include "ctl/help.h"
#include "ctl/many.h"
#include "ctl/names.h"
#include "ctl/next.h"
#include "ctl/remote.h"
#include "ctl/terminal.h"
#include "ctl/verb.h"
#include "util/fd.h"
#include "util/strv.h"
#include "util/terminal-stream.h"

static const Verb *choose_verb(const char *name, bool lite, Failure *failure)
{
        const Verb *v = name ? verb_find(name) : verb_default();
        const char *near, *other;

        if (v && !(lite && v->flags & VERB_OURS))
                return v;
        other = v ? NULL : verb_known_elsewhere(name, lite);
        near = v || other ? NULL : verb_nearest(name);
        if (other && verb_find(other))
                failure_set(failure, -EINVAL, "Unknown verb '%s'; did you mean '%s'?", name, other);
        else if (other)
                failure_set(failure, -EINVAL, "Unknown verb '%s'; use: %s", name, other);
        else if (near)
                failure_set(failure, -EINVAL, "Unknown verb '%s'; did you mean '%s'?", name, near);
        else
                failure_set(failure, -EINVAL, "Unknown verb '%s'; see --help", name);
        return NULL;
}

/* Globs and --all become names, which machinectl has not. */
static int run_verb(Ctl *c, const Verb *v, char *const *args)
{
        const bool all = v->flags & VERB_ALL && c->options.all;
        _cleanup_strv_ char **names = NULL;
        Failure f = { 0 };
        int r;

        c->verb = v;
        if (v->flags & VERB_MANY && !c->lite && !c->options.machine && (all || (args && *args))) {
                if (names_expand(v, args, all, &names, &f) < 0)
                        return log_error(f.error, "%s", f.text);
                if (!names) {
                        log_info(0, "There are no machines to %s", v->name);
                        return 0;
                }
                c->many = v->flags & VERB_ALL && (strv_length(names) > 1 || all || names_have_glob(args));
                args = names;
        }
        r = v->run ? v->run(c, args, strv_length(args)) : each_name(c, args, strv_length(args), v->run_one);
        next_print(c, v, args, r);
        return r;
}

static int run(Ctl *c, const CommandLine *line)
{
        const char *name = line->words ? line->words[0] : NULL;
        Failure f = { 0 };
        const Verb *v;

        if (c->options.version) {
                puts("box " BOX_VERSION);
                return 0;
        }
        if (c->options.introspect)
                return help_introspect(stdout, &f) < 0 ? log_error(f.error, "%s", f.text) : 0;
        if (name && strcmp(name, "help") == 0) {
                name = line->words[1];
                c->options.help = true;
        }
        if (c->options.help && !name) {
                help_print(stdout, c);
                return 0;
        }
        if (name && strcmp(name, "_names") == 0) {
                v = line->words[1] ? verb_find(line->words[1]) : NULL;
                if (v)
                        names_print(v);
                return 0;
        }

        if (name && strcmp(name, "_columns") == 0) {
                v = line->words[1] ? verb_find(line->words[1]) : NULL;
                for (size_t i = 0; v && i < v->n_columns; i++)
                        puts(v->columns[i].name);
                return 0;
        }

        v = !name && !c->lite && line->n_given == 0 ? &verb_overview : choose_verb(name, c->lite, &f);
        if (v && c->options.help) {
                help_print_verb(stdout, c, v);
                return 0;
        }
        if (!v || verb_accepts(v, line, c->lite, &f) < 0) {
                log_error(f.error, "%s", f.text);
                return -EINVAL;
        }

        /* A help does without: the files of a language would take a fifth of its time. */
        (void) setlocale(LC_CTYPE, "");
        if (c->options.list_fields) {
                columns_print(stdout, v->columns, v->n_columns);
                return 0;
        }
        if (c->options.host)
                return remote_run(c, line);
        if (v->flags & (VERB_AUTHORIZED | VERB_STARTS))
                agents_open(c, (v->flags & VERB_AUTHORIZED ? AGENT_POLKIT : 0) | (v->flags & VERB_STARTS ? AGENT_PASSWORDS : 0));
        return run_verb(c, v, name ? line->words + 1 : NULL);
}

int main(int argc, char **argv)
{
        Ctl c = { .program = program_invocation_short_name };
        CommandLine line = { 0 };
        Failure f = { 0 };
        int r;

        if (fd_secure_standard_streams(O_RDONLY) < 0 || terminal_streams_open() < 0)
                return EXIT_FAILURE;
        c.lite = strstr(c.program, "machinectl") != NULL;
        log_setup(c.program, LOG_INFO);

        r = options_parse(argc, argv, verb_options_end, &line, &f);
        if (r < 0) {
                log_error(r, "%s", f.text);
                return c.lite ? EXIT_FAILED : EXIT_USAGE;
        }

        c.options = line.options;       /* the command line still owns the strings */
        if (line.values_of)
                option_print_values(stdout, line.values_of, line.values_asked);
        else
                r = run(&c, &line);
        /* A reader that has read enough, such as head(1), is no failure. */
        if ((fflush(stdout) != 0 || ferror(stdout)) && !terminal_stream_is_unread())
                r = log_error(-EIO, "Failed to write the output");
        pager_close();
        agents_close();
        bus_closep(&c.bus);
        command_line_done(&line);
        return c.lite && r < 0 ? EXIT_FAILED : exit_status(r);
}
