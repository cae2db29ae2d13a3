/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl login: a login prompt in a machine. If its init is systemd, machined asks it for a getty. With other inits, or if that
 * fails (no D-Bus in the machine, no machined), boxctl, as root, runs the machine's getty in it on a pty of the machine. The
 * machine needs no getty configured.
 */

#include <string.h>
#include <unistd.h>

#include "ctl/session-terminal.h"
#include "ctl/session.h"
#include "payload/console.h"
#include "util/fd.h"
#include "util/strv.h"
#include "util/tree.h"

/* Programs that ask for a login, best first. "-" is their standard input; "@" stands for $TERM. Options keep getty from
 * probing the line, which is a pty. */
static const struct {
        const char *path;
        const char *argv[10];
} gettys[] = {
        { "/sbin/agetty",      { "agetty", "-o", "-p -- \\u", "--noclear", "--keep-baud", "-", "115200", "@" } },
        { "/usr/sbin/agetty",  { "agetty", "-o", "-p -- \\u", "--noclear", "--keep-baud", "-", "115200", "@" } },
        { "/usr/bin/agetty",   { "agetty", "-o", "-p -- \\u", "--noclear", "--keep-baud", "-", "115200", "@" } },
        { "/sbin/getty",       { "getty", "115200", "-", "@" } },
        { "/usr/sbin/getty",   { "getty", "115200", "-", "@" } },
        { "/bin/login",        { "login" } },
        { "/usr/bin/login",    { "login" } },
        { "/bin/busybox",      { "busybox", "login" } },
};

static int login_inside(Ctl *c, const RunningMachine *m)
{
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        _cleanup_strv_ char **env = NULL, **argv = NULL;
        EnterOptions options = { 0 };
        Failure f = { 0 };
        size_t i;

        if (session_open(m, &leader, &f) < 0)
                return complain(m->name, &f);
        for (i = 0; i < ARRAY_SIZE(gettys); i++)
                if (tree_is_executable(leader.root_fd, gettys[i].path) > 0)
                        break;
        if (i == ARRAY_SIZE(gettys))
                return log_error(-ENOENT, "%s: No getty or login program found in the machine; try 'shell'", m->name);

        if (session_environment(&env) < 0)
                return log_oom();
        for (const char *const *a = gettys[i].argv; *a; a++)
                if (strv_extend(&argv, strcmp(*a, "@") == 0 ? strv_env_get(env, "TERM") : *a) < 0)
                        return log_oom();
        options.path = gettys[i].path;
        options.argv = argv;
        options.envp = env;
        return session_run(c, m, &leader, &options, SESSION_FLAG_PTY);
}

static int run(Ctl *c, char *const *args, size_t n)
{
        const char *name = n > 0 && *args[0] ? args[0] : ".host";
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        _cleanup_close_ int pty = -EBADF;
        Failure f = { 0 };

        if (running_machine_find(c, name, &m, &f) < 0)
                return complain(name, &f);

        if (m.registered && running_machine_has_systemd(&m)) {
                if (machined_open_login(ctl_bus(c, NULL), name, &pty, &f) >= 0)
                        return session_forward(c, name, pty, CONSOLE_FLAG_DRAIN);
                if (!session_may_enter(&m, &f))
                        return complain(name, &f);
        }
        return login_inside(c, &m);
}

const Verb verb_login = {
        .name = "login",
        .max = 1,
        .flags = VERB_AUTHORIZED | VERB_TAKES_RUNNING,
        .synopsis = "[NAME]",
        .help = "Get a login prompt in a machine",
        .details = "Works with any init; if it is not systemd, boxctl starts a getty inside, which needs root. "
                   "Without a name: on the host itself. To leave: log out, or press ^] three times within a second.",
        .example = "boxctl login web",
        .run = run,
};
