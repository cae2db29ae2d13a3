/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sessions on terminals of machines (see session-terminal.h). Part of boxctl, with its caller's rights: it only forwards
 * bytes. The program never gets our terminal as a descriptor, as it could push input into it (TIOCSTI) or read what is typed
 * for others.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/machined.h"
#include "ctl/relay.h"
#include "ctl/session-terminal.h"
#include "util/fd.h"

bool session_has_terminal(void)
{
        return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

void terminal_session_done(TerminalSession *s)
{
        console_free(s->console);
        sd_event_source_unref(s->child_source);
        sd_event_unref(s->event);
        fd_close(s->pidfd);
}

static void on_console_end(Console *console, bool left_by_user, void *userdata)
{
        TerminalSession *s = userdata;

        s->left = left_by_user;
        /* The program's terminal hangs up. */
        if (left_by_user && s->command)
                s->status = 128 + SIGHUP;
        (void) sd_event_exit(s->event, 0);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        TerminalSession *s = userdata;

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
        TerminalSession *s = userdata;
        const char *name;

        if (sd_bus_message_read(m, "s", &name) >= 0 && strcmp(name, s->name) == 0)
                (void) sd_event_exit(s->event, 0);
        return 0;
}

/* These end the loop, not the process: the terminal has to be restored. */
static int watch_signals(TerminalSession *s)
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
static bool prints_messages(const Ctl *c, const TerminalSession *s)
{
        return !c->options.quiet && !s->command && (c->lite || isatty(STDIN_FILENO));
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

int terminal_session_run(Ctl *c, TerminalSession *s, int pty, unsigned flags)
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

static int on_child(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        TerminalSession *s = userdata;
        siginfo_t info = { 0 };

        /* A pidfd, because SIGCHLD would have to be blocked, and the program would inherit that. */
        if (waitid(P_PIDFD, (id_t) fd, &info, WEXITED) < 0)
                s->status = EXIT_FAILURE;
        else
                s->status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        return sd_event_exit(s->event, 0);
}

int terminal_session_watch(TerminalSession *s, pid_t pid)
{
        int r;

        s->pidfd = RET_ERRNO(pidfd_open(pid, 0));
        r = s->pidfd < 0 ? s->pidfd : sd_event_new(&s->event);
        if (r >= 0)
                r = sd_event_add_io(s->event, &s->child_source, s->pidfd, EPOLLIN, on_child, s);
        /* Output is forwarded before the end is handled. */
        return r < 0 ? r : sd_event_source_set_priority(s->child_source, SD_EVENT_PRIORITY_IDLE);
}

int session_forward(Ctl *c, const char *name, int pty, unsigned flags)
{
        _cleanup_(terminal_session_done) TerminalSession s = { .name = name, .pidfd = -EBADF };
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
                r = terminal_session_run(c, &s, pty, flags);
        (void) sd_bus_detach_event(bus);
        if (r < 0)
                return log_error(r, "%s: Failed to forward the terminal: %m", name);
        return s.status;
}
