/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Terminal sessions (see session.h). With machined, boxctl only forwards bytes and needs no privilege. When boxctl enters a
 * machine, it is root on the host, and the program is its child, in the machine's namespaces and cgroup from enter_spawn()
 * on. The child never gets our terminal as a descriptor, as it could push input into it (TIOCSTI) or read what is typed for
 * others: it gets a pty of the machine, or pipes.
 */

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/bus.h"
#include "bus/payload-session.h"
#include "ctl/relay.h"
#include "ctl/session.h"
#include "image/passwd.h"
#include "payload/console.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/tree.h"

typedef struct Session {
        const char *name;
        pid_t pid;              /* of the program that signals are passed on to; 0: they end the session */
        unsigned flags;         /* SESSION_FLAG_… */
        bool left;              /* by the user */
        sd_event *event;
        Console *console;
        sd_event_source *child_source;
        int status;
} Session;

static void session_done(Session *s)
{
        console_free(s->console);
        sd_event_source_unref(s->child_source);
        sd_event_unref(s->event);
}

static void on_console_end(Console *console, bool left_by_user, void *userdata)
{
        Session *s = userdata;

        s->left = left_by_user;
        /* The program's terminal hangs up. */
        if (left_by_user && s->flags & SESSION_FLAG_COMMAND)
                s->status = 128 + SIGHUP;
        (void) sd_event_exit(s->event, 0);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        Session *s = userdata;

        if (s->pid > 0)
                (void) kill(-s->pid, (int) info->ssi_signo);
        /* Our own terminal is gone. */
        if (s->pid > 0 && info->ssi_signo != SIGHUP)
                return 0;
        s->status = 128 + (int) info->ssi_signo;
        return sd_event_exit(s->event, 0);
}

static int on_machine_removed(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        Session *s = userdata;
        const char *name;

        if (sd_bus_message_read(m, "s", &name) >= 0 && strcmp(name, s->name) == 0)
                (void) sd_event_exit(s->event, 0);
        return 0;
}

static int on_child(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Session *s = userdata;
        siginfo_t info = { 0 };

        /* A pidfd, because SIGCHLD would have to be blocked, and the program would inherit that. */
        if (waitid(P_PIDFD, (id_t) fd, &info, WEXITED) < 0)
                s->status = EXIT_FAILURE;
        else
                s->status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        return sd_event_exit(s->event, 0);
}

/* These end the loop, not the process: the terminal has to be restored. */
static int watch_signals(Session *s)
{
        sigset_t set;
        int r;

        (void) signal(SIGPIPE, SIG_IGN);        /* as console.h requires */
        sigemptyset(&set);
        for (const int *n = relay_signals; *n > 0; n++)
                sigaddset(&set, *n);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        for (const int *n = relay_signals; *n > 0; n++) {
                r = sd_event_add_signal(s->event, NULL, *n, on_signal, s);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Print machinectl's two messages? */
static bool prints_messages(const Ctl *c, const Session *s)
{
        return !c->options.quiet && !(s->flags & SESSION_FLAG_COMMAND) && (c->lite || isatty(STDIN_FILENO));
}

/* A program on a terminal, while our streams are other files. */
typedef struct Translators {
        pid_t pids[2];          /* 0: none */
        int output;
} Translators;

static int translators_start(Translators *t)
{
        int in = STDIN_FILENO, r = 0;

        *t = (Translators) { .output = STDOUT_FILENO };
        if (!isatty(STDIN_FILENO)) {
                r = relay_translate(RELAY_TO_TERMINAL, &in, &t->pids[0], NULL);
                if (r >= 0)
                        r = RET_ERRNO(dup2(in, STDIN_FILENO));
                if (in != STDIN_FILENO)
                        fd_close(in);
        }
        if (r >= 0 && !isatty(STDOUT_FILENO))
                r = relay_translate(RELAY_FROM_TERMINAL, &t->output, &t->pids[1], NULL);
        return r < 0 ? r : 0;
}

/* The last output is written. Input that is not read any more is lost. */
static void translators_stop(Translators *t)
{
        if (t->pids[0] > 0)
                (void) kill(t->pids[0], SIGKILL);
        if (t->output != STDOUT_FILENO)
                fd_close(t->output);
        for (size_t i = 0; i < ARRAY_SIZE(t->pids); i++)
                if (t->pids[i] > 0)
                        (void) TEMP_FAILURE_RETRY(waitpid(t->pids[i], NULL, 0));
}

static int forward(Ctl *c, Session *s, int pty, unsigned flags)
{
        const bool terminal = isatty(STDIN_FILENO);
        Translators translators;
        int r;

        r = translators_start(&translators);
        if (r >= 0)
                r = watch_signals(s);
        if (r >= 0 && prints_messages(c, s))
                fprintf(stderr, "Connected to machine %s. Press ^] three times within 1s to exit session.\n", s->name);

        if (r >= 0) {
                flags |= CONSOLE_FLAG_READ | CONSOLE_FLAG_WRITE | CONSOLE_FLAG_EOF;
                flags |= terminal ? CONSOLE_FLAG_ESCAPE : CONSOLE_FLAG_NO_ECHO;
                /* CONSOLE_FLAG_DRAIN: it is a login. */
                flags |= !terminal && flags & CONSOLE_FLAG_DRAIN ? CONSOLE_FLAG_PACED : 0;
                console_set_size(pty);
                r = console_new(s->event, pty, translators.output, flags, on_console_end, s, &s->console);
        }
        if (r >= 0)
                r = sd_event_loop(s->event);
        s->console = console_free(s->console);
        translators_stop(&translators);
        if (r >= 0 && prints_messages(c, s))
                fprintf(stderr, "Connection to machine %s terminated.\n", s->name);
        return r;
}

int session_forward(Ctl *c, const char *name, int pty, unsigned flags)
{
        _cleanup_(session_done) Session s = { .name = name };
        _cleanup_slot_ sd_bus_slot *slot = NULL;
        sd_bus *bus = ctl_bus(c, NULL);
        Failure f = { 0 };
        int r;

        r = sd_event_new(&s.event);
        if (r >= 0)
                r = sd_bus_attach_event(bus, s.event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return log_error(r, "%s: Failed to forward the terminal: %m", name);
        r = machined_on_removed(bus, on_machine_removed, &s, &slot, &f);
        if (r >= 0)
                r = forward(c, &s, pty, flags);
        (void) sd_bus_detach_event(bus);
        if (r < 0)
                return log_error(r, "%s: Failed to forward the terminal: %m", name);
        return s.status;
}

/* ---- inside --------------------------------------------------------------------------------------------------- */

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

/* Are there other mounts in the machine than of file systems that the kernel answers by itself? */
static bool has_foreign_mounts(pid_t pid)
{
        static const char *const own[] = { "ext4", "xfs", "btrfs", "tmpfs", "devtmpfs", "proc", "sysfs", "cgroup2", "ramfs",
                                           "devpts", "mqueue" };
        _cleanup_free_ char *mounts = NULL;
        char path[40];

        (void) snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
        if (fd_read_file_at(AT_FDCWD, path, 1024 * 1024, &mounts, NULL) < 0)
                return true;
        for (const char *at = mounts; (at = strstr(at, " - "));) {
                size_t n, i;

                at += strlen(" - ");
                n = strcspn(at, " ");
                for (i = 0; i < ARRAY_SIZE(own); i++)
                        if (strlen(own[i]) == n && memcmp(own[i], at, n) == 0)
                                break;
                if (i == ARRAY_SIZE(own))
                        return true;
        }
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
        _cleanup_(session_done) Session s = { .name = name, .status = EXIT_SUCCESS, .flags = flags };
        _cleanup_close_ int pty = -EBADF, pidfd = -EBADF;
        bool refused = false;
        Failure f = { 0 };
        pid_t pid;
        int r;

        options->new_pty = true;
        options->ret_refused = &refused;
        r = enter_spawn(leader, options, &pid, &pty, &f);
        if (r < 0)
                return not_started(name, flags, refused, &f);
        s.pid = flags & SESSION_FLAG_COMMAND ? pid : 0;
        pidfd = RET_ERRNO(pidfd_open(pid, 0));
        r = pidfd < 0 ? pidfd : sd_event_new(&s.event);
        if (r >= 0)
                r = sd_event_add_io(s.event, &s.child_source, pidfd, EPOLLIN, on_child, &s);
        /* Output is forwarded before the end is handled. */
        if (r >= 0)
                r = sd_event_source_set_priority(s.child_source, SD_EVENT_PRIORITY_IDLE);
        if (r >= 0)
                /* CONSOLE_FLAG_DRAIN: login(1) hangs the terminal up before it asks for the password. */
                r = forward(c, &s, pty, CONSOLE_FLAG_DRAIN);
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

bool session_has_terminal(void)
{
        return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

int session_run(Ctl *c, const RunningMachine *m, const Leader *leader, EnterOptions *options, unsigned flags)
{
        if (flags & SESSION_FLAG_PTY || session_has_terminal())
                return run_on_pty(c, m->name, leader, options, flags);
        return run_on_pipes(m->name, leader, options, flags);
}

/* ---- by the machine's systemd --------------------------------------------------------------------------------- */

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
        _cleanup_(session_done) Session s = { .name = m->name };
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
                r = forward(c, &s, pty, 0);
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
