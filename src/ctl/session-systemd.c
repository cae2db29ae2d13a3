/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sessions that the machine's systemd opens, with PAM (see session.h). Part of boxctl, as root on the host. The program is a
 * child of that systemd; it gets pipes, or a terminal of the machine by machined.
 */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/machined.h"
#include "bus/payload-session.h"
#include "ctl/relay.h"
#include "ctl/session-terminal.h"
#include "ctl/session.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/tree.h"

static bool is_inner_pid(pid_t pid, pid_t inner, const struct stat *namespace)
{
        _cleanup_free_ char *status = NULL;
        char path[40], *line;
        struct stat st;
        int n = 0, last = 0;

        (void) snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
        if (stat(path, &st) < 0 || st.st_dev != namespace->st_dev || st.st_ino != namespace->st_ino)
                return false;
        (void) snprintf(path, sizeof(path), "/proc/%d/status", pid);
        if (fd_read_file_at(AT_FDCWD, path, 64 * 1024, &status, NULL) < 0 || !(line = strstr(status, "\nNSpid:\t")))
                return false;
        for (line += strlen("\nNSpid:\t"); sscanf(line, "%d%n", &last, &n) == 1; line += n)
                if (line[n] == '\n')
                        break;
        return last == inner;
}

/* The PID on the host of a process in the leader's PID namespace; 0: it has ended. */
static pid_t host_pid(const Leader *leader, pid_t inner)
{
        DIR *proc = opendir("/proc");
        struct stat namespace;
        pid_t found = 0;
        char path[40];

        (void) snprintf(path, sizeof(path), "/proc/%d/ns/pid", leader->pid);
        if (inner > 0 && proc && stat(path, &namespace) >= 0)
                for (struct dirent *d; found == 0 && (d = readdir(proc));) {
                        uint32_t pid;

                        if (parse_u32(d->d_name, &pid) >= 0 && is_inner_pid((pid_t) pid, inner, &namespace))
                                found = (pid_t) pid;
                }
        if (proc)
                closedir(proc);
        return found;
}

static int ask_status(void *userdata, Failure *failure)
{
        int status = 0, r;

        r = payload_session_status(userdata, &status, failure);
        return r < 0 ? r : status;
}

static int by_systemd_on_pipes(const Leader *leader, const MachineUser *user, PayloadSessionOptions *o, bool *ret_asked,
                               Failure *failure)
{
        _cleanup_(payload_session_freep) PayloadSession *session = NULL;
        _cleanup_(relay_done) Relay relay = RELAY_NULL;
        pid_t inner = 0;
        int r;

        r = relay_open(&relay, failure);
        if (r < 0)
                return r;
        relay.second_kills = true;
        enter_give_pipes(leader, relay.theirs, user->uid, user->gid);
        o->stdio = relay.theirs;
        r = payload_session_start(leader->pid, o, &session, &inner, ret_asked, failure);
        return r < 0 ? r : relay_run_other(&relay, host_pid(leader, inner), ask_status, session, failure);
}

static int by_systemd_on_pty(Ctl *c, const RunningMachine *m, PayloadSessionOptions *o, bool *ret_asked, Failure *failure)
{
        _cleanup_(payload_session_freep) PayloadSession *session = NULL;
        _cleanup_(terminal_session_done) TerminalSession s = { .name = m->name, .pidfd = -EBADF };
        _cleanup_close_ int pty = -EBADF, terminal = -EBADF;
        unsigned number = 0;
        char path[32];
        pid_t inner;
        int r;

        r = machined_open_pty(ctl_bus(c, NULL), m->name, &pty, failure);
        if (r < 0)
                return r;
        terminal = RET_ERRNO(ioctl(pty, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
        if (terminal < 0 || ioctl(pty, TIOCGPTN, &number) < 0)
                return failure_set(failure, -errno, "Failed to open a terminal of the machine: %m");
        (void) snprintf(path, sizeof(path), "/dev/pts/%u", number);
        o->stdio = (const int[]) { terminal, terminal, terminal };
        o->terminal = path;
        console_set_size(pty);
        r = payload_session_start(running_machine_leader(m), o, &session, &inner, ret_asked, failure);
        if (r < 0)
                return r;

        /* Its last user's end is ours. */
        fd_close(TAKE_FD(terminal));
        r = sd_event_new(&s.event);
        if (r >= 0)
                r = terminal_session_run(c, &s, pty, 0);
        if (r < 0)
                return failure_set(failure, r, "Failed to forward the terminal: %m");
        return s.status != 0 || s.left ? s.status : ask_status(session, failure);
}

int session_run_by_systemd(Ctl *c, const RunningMachine *m, const Leader *leader, const SessionProgram *p)
{
        _cleanup_strv_ char **env = NULL;
        PayloadSessionOptions o = { .user = p->user->name, .path = p->path, .argv = p->argv, .env = env };
        const char *term = getenv("TERM");
        bool asked = false;
        Failure f = { 0 };
        int r = 0;

        if (session_has_terminal() && term && *term)
                r = strv_env_set(&env, "TERM", term);
        STRV_FOREACH(e, c->options.setenv)
                if (r >= 0)
                        r = strv_extend(&env, *e);
        if (r < 0)
                return log_oom();
        o.env = env;
        if (tree_is_executable(leader->root_fd, p->path) <= 0)
                r = failure_set(&f, -ENOENT, "There is no program '%s' to execute in the machine", p->path);
        else
                r = session_has_terminal() ? by_systemd_on_pty(c, m, &o, &asked, &f) :
                                             by_systemd_on_pipes(leader, p->user, &o, &asked, &f);
        if (r < 0 && r != -ENOENT && !asked)
                return -EAGAIN;
        return r < 0 ? complain(m->name, &f) : r;
}
