/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A command in a machine (see execute.h). Part of boxctl, as root. */

#include <string.h>

#include "ctl/execute.h"
#include "util/print.h"
#include "util/strv.h"

/* The places to look at, as of a shell. A program without a name, which is nowhere, is looked for by it. */
static int list_paths(const char *program, char *const *env, char ***ret)
{
        const char *dir = strv_env_get(env, "PATH") ?: "";

        if (strchr(program, '/'))
                return strv_extend(ret, program);
        while (*program) {
                const int n = (int) strcspn(dir, ":");
                char *path;

                /* An empty entry is the working directory. */
                if (strf(&path, "%.*s%s%s", n, dir, n > 0 ? "/" : "./", program) < 0 || strv_consume(ret, path) < 0)
                        return -ENOMEM;
                dir += n;
                if (!*dir++)
                        return 0;
        }
        return strv_extend(ret, program);
}

int execute(Ctl *c, const RunningMachine *m, const Leader *leader, char *const *command, EnterHook *hook, void *userdata)
{
        _cleanup_(machine_user_done) MachineUser user = { 0 };
        _cleanup_strv_ char **env = NULL, **paths = NULL;
        Failure f = { 0 };

        if (session_user(leader, c->options.uid ?: "root", &user, &f) < 0)
                return complain(m->name, &f);
        if (session_user_environment(c, &user, &env) < 0 || list_paths(command[0], env, &paths) < 0)
                return log_oom();

        EnterOptions o = {
                .path = command[0],
                .paths = paths,
                .argv = command,
                .envp = env,
                .working_directory = c->options.working_directory,
                .uid = user.uid,
                .gid = user.gid,
                .groups = user.groups,
                .n_groups = user.n_groups,
                .hook = hook,
                .hook_userdata = userdata,
        };
        return session_run(c, m, leader, &o, SESSION_FLAG_COMMAND | (c->options.tty ? SESSION_FLAG_PTY : 0));
}
