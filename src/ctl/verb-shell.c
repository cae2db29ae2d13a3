/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl shell: a shell or another program in a machine, as one of its users. If the machine's init is systemd, machined asks it
 * for a session on a terminal, whose exit status is not known; of box's own machines boxctl, as root, asks it itself for one, on
 * a terminal or on pipes. With other inits, or if that fails, boxctl, as root, starts the program in the machine: it reads the
 * user from the machine's files. The exit status is the program's.
 *
 * The shell of a named user is started by the machine's `su -l`, so that PAM opens a session. Without su, with variables to
 * pass, or for a command, the program is executed directly.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/session-terminal.h"
#include "ctl/session.h"
#include "image/passwd.h"
#include "payload/console.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/tree.h"

typedef struct Request {
        const char *machine;
        const char *user;               /* NULL: root */
        char *const *command;           /* NULL: the user's shell */
        char *owned;                    /* what machine and user point into */
} Request;

static int parse_request(Ctl *c, char *const *args, size_t n, Request *ret)
{
        Request q = { .machine = ".host", .user = c->options.uid, .command = n > 1 ? args + 1 : NULL };
        char *at;

        if (n > 0) {
                q.owned = strdup(args[0]);
                if (!q.owned)
                        return log_oom();
                q.machine = *q.owned ? q.owned : ".host";
                at = strchr(q.owned, '@');
                if (at == q.owned) {
                        free(q.owned);
                        return log_error(-EINVAL, "Before the @ of '%s' there is no user", args[0]);
                }
                if (at) {
                        *at = '\0';
                        q.machine = at[1] ? at + 1 : ".host";
                        /* As with machinectl, the option has priority. */
                        q.user = q.user ?: q.owned;
                }
        }
        if (q.command && q.command[0][0] != '/') {
                free(q.owned);
                return log_error(-EINVAL, "%s: The program's path must be absolute: '%s'", args[0], q.command[0]);
        }

        *ret = q;
        return 0;
}

static int open_machined(Ctl *c, const Request *q, int *ret_pty, Failure *failure)
{
        _cleanup_strv_ char **env = NULL;
        const char *term = getenv("TERM");
        int r = 0;

        if (term && *term)
                r = strv_env_set(&env, "TERM", term);
        STRV_FOREACH(e, c->options.setenv)
                if (r >= 0)
                        r = strv_extend(&env, *e);
        if (r < 0)
                return failure_set(failure, r, "Out of memory");
        return machined_open_shell(ctl_bus(c, NULL), q->machine, q->user, q->command ? q->command[0] : NULL, q->command,
                                   env, ret_pty, failure);
}

/* ---- inside --------------------------------------------------------------------------------------------------- */

/* argv[0] of a login shell, such as "-sh". The caller frees it. */
static char *login_name(const char *shell)
{
        const char *slash = strrchr(shell, '/');
        char *s;

        return strf(&s, "-%s", slash ? slash + 1 : shell) < 0 ? NULL : s;
}

static const char *find_su(const Leader *leader)
{
        static const char *const places[] = { "/bin/su", "/usr/bin/su" };

        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (tree_is_executable(leader->root_fd, places[i]) > 0)
                        return places[i];
        return NULL;
}

static int run_directly(Ctl *c, const RunningMachine *m, const Leader *leader, const Request *q, const MachineUser *u,
                        char **env)
{
        _cleanup_close_ int home = tree_open(leader->root_fd, u->home, O_PATH | O_DIRECTORY);
        _cleanup_free_ char *shell_name = login_name(u->shell);
        EnterOptions o = {
                .path = q->command ? q->command[0] : u->shell,
                .argv = q->command ?: (char *const[]) { shell_name, NULL },
                .envp = env,
                .working_directory = home >= 0 ? u->home : NULL,        /* as login(1): "/" without one */
                .uid = u->uid,
                .gid = u->gid,
                .groups = u->groups,
                .n_groups = u->n_groups,
        };

        return shell_name ? session_run(c, m, leader, &o, /* flags= */ 0) : log_oom();
}

/* A session of the user. -EAGAIN: the machine's systemd cannot be asked. */
static int shell_by_systemd(Ctl *c, const RunningMachine *m, const Request *q)
{
        _cleanup_(machine_user_done) MachineUser user = { 0 };
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        _cleanup_free_ char *shell_name = NULL;
        Failure f = { 0 };

        if (session_open(m, &leader, &f) < 0 || session_user(&leader, q->user ?: "root", &user, &f) < 0)
                return complain(m->name, &f);
        shell_name = login_name(user.shell);
        if (!shell_name)
                return log_oom();

        const SessionProgram p = {
                .user = &user,
                .path = q->command ? q->command[0] : user.shell,
                .argv = q->command ?: (char *const[]) { shell_name, NULL },
        };
        return session_run_by_systemd(c, m, &leader, &p);
}

static int shell_inside(Ctl *c, const RunningMachine *m, const Request *q)
{
        _cleanup_(machine_user_done) MachineUser user = { 0 };
        _cleanup_(leader_done) Leader leader = LEADER_NULL;
        _cleanup_strv_ char **env = NULL;
        const char *su = NULL;
        Failure f = { 0 };

        if (session_open(m, &leader, &f) < 0 || session_user(&leader, q->user ?: "root", &user, &f) < 0)
                return complain(m->name, &f);
        if (session_user_environment(c, &user, &env) < 0)
                return log_oom();

        if (q->user && !q->command && !c->options.setenv)
                su = find_su(&leader);
        if (su) {
                EnterOptions o = {
                        .path = su,
                        .argv = (char *const[]) { (char *) "su", (char *) "-l", user.name, NULL },
                        .envp = env,
                };

                return session_run(c, m, &leader, &o, /* flags= */ 0);
        }
        return run_directly(c, m, &leader, q, &user, env);
}

static int run_request(Ctl *c, const Request *q)
{
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        _cleanup_close_ int pty = -EBADF;
        bool systemd, terminal = session_has_terminal();
        Failure f = { 0 };

        if (running_machine_find(c, q->machine, &m, &f) < 0)
                return complain(q->machine, &f);
        systemd = running_machine_has_systemd(&m);

        /* With the exit status, and without a terminal with streams that are passed on unchanged, which machined cannot do.
         * machinectl-lite's exit status on a terminal is machinectl's, 0. */
        if (m.ours && geteuid() == 0 && (!terminal || (systemd && m.registered && !c->lite))) {
                int r = systemd ? shell_by_systemd(c, &m, q) : -EAGAIN;

                return r == -EAGAIN ? shell_inside(c, &m, q) : r;
        }
        if (m.registered && systemd) {
                if (open_machined(c, q, &pty, &f) >= 0)
                        return session_forward(c, q->machine, pty, CONSOLE_FLAG_LATE);
                if (!session_may_enter(&m, &f))
                        return complain(q->machine, &f);
        }
        return shell_inside(c, &m, q);
}

static int run(Ctl *c, char *const *args, size_t n)
{
        Request q = { 0 };
        int r;

        r = parse_request(c, args, n, &q);
        if (r < 0)
                return r;
        r = run_request(c, &q);
        free(q.owned);
        return r;
}

const Verb verb_shell = {
        .name = "shell",
        .max = VERB_ANY,
        .flags = VERB_AUTHORIZED | VERB_COMMAND | VERB_TAKES_RUNNING,
        .synopsis = "[[USER@]NAME [PATH [ARG…]]]",
        .help = "Run a shell or a command in a machine",
        .details = "As root, or as USER. Options go before NAME. If the machine's init is systemd, this is a session of it, "
                   "with PAM, as with machinectl; otherwise boxctl starts the program inside, which needs root. Root gets the "
                   "program's exit status. If standard input or output is no terminal, both are passed on unchanged. To leave: "
                   "end the program, or press ^] three times within a second.",
        .example = "boxctl shell joe@web /bin/ls -l",
        .run = run,
};
