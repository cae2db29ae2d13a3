/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Programs in a machine that boxctl enters itself (see session.h), as root on the host. The program is its child, in the
 * machine's namespaces and cgroup from enter_spawn() on, with a pty of the machine or pipes.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ctl/look.h"
#include "ctl/relay.h"
#include "ctl/session-terminal.h"
#include "ctl/session.h"
#include "image/passwd.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/tree.h"

/* In a process of its own: reads what login and shell will read. */
static int answer_files(const void *question, int fd)
{
        static const char *const programs[] = { "/bin/sh", "/bin/su", "/usr/bin/su", "/sbin/agetty", "/bin/login" };
        _cleanup_(machine_user_done) MachineUser root = { 0 };
        const Leader *leader = question;

        (void) machine_user_read(leader->root_fd, "root", &root);
        for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
                (void) tree_is_executable(leader->root_fd, programs[i]);
        if (root.home)
                fd_close(tree_open(leader->root_fd, root.home, O_PATH | O_DIRECTORY));
        return 0;
}

/* "ID PARENT MAJOR:MINOR ROOT … - TYPE …" */
static bool is_foreign_mount(const char *line, size_t length, dev_t root)
{
        static const char *const own[] = { "ext4", "xfs", "btrfs", "tmpfs", "devtmpfs", "proc", "sysfs", "cgroup2", "ramfs",
                                           "devpts", "mqueue" };
        const char *type = memmem(line, length, " - ", 3);
        unsigned device_major, device_minor;
        size_t n;

        if (!type || sscanf(line, "%*d %*d %u:%u", &device_major, &device_minor) != 2)
                return true;
        type += 3;
        n = strcspn(type, " ");
        for (size_t i = 0; i < ARRAY_SIZE(own); i++)
                if (strlen(own[i]) == n && memcmp(own[i], type, n) == 0)
                        return false;
        /* On an overlay, the host's root has files that are bound into machines. Without it nothing here would run. */
        return makedev(device_major, device_minor) != root;
}

/* Are there other mounts in the machine than of file systems that the kernel answers by itself? */
static bool has_foreign_mounts(pid_t pid)
{
        _cleanup_free_ char *mounts = NULL;
        char path[40], *end;
        struct stat root;

        (void) snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
        if (stat("/", &root) < 0 || fd_read_file_at(AT_FDCWD, path, 1024 * 1024, &mounts, NULL) < 0)
                return true;
        for (const char *line = mounts; (end = strchr(line, '\n')); line = end + 1)
                if (is_foreign_mount(line, (size_t) (end - line), root.st_dev))
                        return true;
        return false;
}

/* A file system in the machine, as of FUSE, can block its readers for ever. */
static int check_answers(const Leader *leader, Failure *failure)
{
        _cleanup_free_ char *nothing = NULL;
        size_t size;
        int r;

        if (!has_foreign_mounts(leader->pid))
                return 0;
        r = look(answer_files, leader, leader->root_fd, 1, &nothing, &size);
        return r == -ETIMEDOUT ? failure_set(failure, r, "A file system in the machine does not answer") : 0;
}

int session_open(const RunningMachine *m, Leader *ret, Failure *failure)
{
        int r;

        if (running_machine_leader(m) <= 0)
                return failure_set(failure, -EOPNOTSUPP, "The machine has no process on this host that could be entered");
        r = leader_open(running_machine_leader(m), ret, failure);
        if (r >= 0)
                r = check_answers(ret, failure);
        if (r < 0 || !m->ours || m->state.seccomp_default)
                return r;
        r = machine_state_path(NULL, m->name, "filter", &ret->filter);
        return r < 0 ? failure_set(failure, r, "Failed to find the machine's system call filter: %m") : 0;
}

static int read_user_and_group(int root_fd, const char *name, const char *group, MachineUser *ret)
{
        _cleanup_free_ char *user = strndup(name, (size_t) (group - 1 - name));
        MachineUser u;
        gid_t gid;
        int r;

        r = user ? machine_group_read(root_fd, group, &gid) : -ENOMEM;
        if (r >= 0)
                r = machine_user_read(root_fd, user, &u);
        if (r < 0)
                return r;
        /* There is always one, its own. */
        u.gid = u.groups[0] = gid;
        u.n_groups = 1;
        *ret = u;
        return 0;
}

int session_user(const Leader *leader, const char *name, MachineUser *ret, Failure *failure)
{
        const char *colon = strchr(name, ':');
        int r;

        r = machine_user_read(leader->root_fd, name, ret);
        if (r == -ESRCH && colon)
                r = read_user_and_group(leader->root_fd, name, colon + 1, ret);
        if (r == -ESRCH)
                return failure_set(failure, r, colon ? "No such user and group in the machine: '%s'" :
                                                       "No user '%s' in the machine", name);
        return r < 0 ? failure_set(failure, r, "Failed to read the machine's users: %m") : 0;
}

bool session_may_enter(const RunningMachine *m, const Failure *f)
{
        return f->error != -EACCES && f->error != -EPERM && running_machine_leader(m) > 0 && geteuid() == 0;
}

int session_environment(char ***env)
{
        const char *term = getenv("TERM");
        int r;

        r = strv_env_set(env, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        if (r < 0)
                return r;
        return strv_env_set(env, "TERM", term && *term ? term : "vt220");
}

int session_user_environment(const Ctl *c, const MachineUser *u, char ***env)
{
        const struct {
                const char *name, *value;
        } own[] = { { "HOME", u->home }, { "SHELL", u->shell }, { "USER", u->name }, { "LOGNAME", u->name } };
        int r;

        r = session_environment(env);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(own); i++)
                r = strv_env_set(env, own[i].name, own[i].value);
        STRV_FOREACH(e, c->options.setenv) {
                size_t n = strcspn(*e, "=");
                char *variable = strndup(*e, n);

                if (r >= 0)
                        r = variable ? strv_env_set(env, variable, *e + n + 1) : -ENOMEM;
                free(variable);
        }
        return r;
}

/* refused: it is the program that could not be executed. */
static int not_started(const char *name, unsigned flags, bool refused, const Failure *f)
{
        (void) complain(name, f);
        if (!(flags & SESSION_FLAG_COMMAND) || !(refused || f->error == -E2BIG))
                return f->error;
        return f->error == -ENOENT || f->error == -ENOTDIR ? 127 : 126;
}

static int run_on_pty(Ctl *c, const char *name, const Leader *leader, EnterOptions *options, unsigned flags)
{
        _cleanup_(terminal_session_done) TerminalSession s = { .name = name, .pidfd = -EBADF };
        _cleanup_close_ int pty = -EBADF;
        bool refused = false;
        Failure f = { 0 };
        pid_t pid;
        int r;

        options->new_pty = true;
        options->ret_refused = &refused;
        r = enter_spawn(leader, options, &pid, &pty, &f);
        if (r < 0)
                return not_started(name, flags, refused, &f);
        s.command = flags & SESSION_FLAG_COMMAND;
        s.pid = s.command ? pid : 0;
        r = terminal_session_watch(&s, pid);
        if (r >= 0)
                /* CONSOLE_FLAG_DRAIN: login(1) hangs the terminal up before it asks for the password. */
                r = terminal_session_run(c, &s, pty, CONSOLE_FLAG_DRAIN);
        if (r < 0)
                return log_error(r, "%s: Failed to forward the terminal: %m", name);
        return s.status;
}

static int run_on_pipes(const char *name, const Leader *leader, EnterOptions *options, unsigned flags)
{
        _cleanup_(relay_done) Relay relay = RELAY_NULL;
        _cleanup_close_ int guard = -EBADF;
        bool refused = false;
        Failure f = { 0 };
        pid_t pid;
        int r;

        r = relay_open(&relay, &f);
        if (r < 0)
                return complain(name, &f);
        relay.second_kills = !(flags & SESSION_FLAG_COMMAND);
        memcpy(options->stdio, relay.theirs, sizeof(options->stdio));
        options->ret_refused = &refused;
        options->ret_guard = &guard;
        r = enter_spawn(leader, options, &pid, NULL, &f);
        if (r < 0)
                return not_started(name, flags, refused, &f);
        r = relay_run(&relay, pid, &f);
        /* Processes that the program has left behind may stay. */
        (void) fd_write_all(guard, "", 1);
        return r < 0 ? complain(name, &f) : r;
}

int session_run(Ctl *c, const RunningMachine *m, const Leader *leader, EnterOptions *options, unsigned flags)
{
        if (flags & SESSION_FLAG_PTY || session_has_terminal())
                return run_on_pty(c, m->name, leader, options, flags);
        return run_on_pipes(m->name, leader, options, flags);
}
