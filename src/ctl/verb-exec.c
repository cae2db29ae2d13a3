/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl exec: a command in a machine, as if it ran here: its exit status, its streams, each by itself and unchanged, the
 * signals. No init, no bus and no PAM is asked, so it works on any payload, and is quick. Part of boxctl, as root.
 */

#include <string.h>
#include <unistd.h>

#include "ctl/execute.h"

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        Failure f = { 0 };

        if (c->options.working_directory && c->options.working_directory[0] != '/')
                return log_error(-EINVAL, "The directory in the machine must be absolute: '%s'", c->options.working_directory);
        if (geteuid() != 0)
                return log_error(-EPERM, "%s: Only root can execute a program in a machine; where polkit allows it: %s shell %s",
                                 args[0], c->program, args[0]);
        if (strcmp(args[0], ".host") == 0)
                return log_error(-EINVAL, "%s: This is the host itself", args[0]);
        if (running_machine_find_quickly(c, args[0], &m, &f) < 0 || session_open(&m, &leader, &f) < 0)
                return complain(args[0], &f);
        return execute(c, &m, &leader, args + 1, NULL, NULL);
}

const Verb verb_exec = {
        .name = "exec",
        .min = 2,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_COMMAND_LATE | VERB_TAKES_RUNNING,
        .synopsis = "NAME [--] COMMAND [ARG…]",
        .help = "Execute a command in a machine, as if it ran here",
        .details = "Works with any payload, and needs root. Returns the command's exit status: 128 and the signal's number if "
                   "a signal ended it, 127 if it was not found, 126 if it could not be executed. It is looked for in the "
                   "machine's PATH. Standard input, output and error are passed on unchanged, each by itself; on a "
                   "terminal, or with --tty, the command has a terminal of the machine. Signals are passed on. The command "
                   "ends with the machine, and with boxctl, by SIGHUP.",
        .example = "boxctl exec -u www-data web -- tar -cC /srv . >srv.tar",
        .run = run,
};
