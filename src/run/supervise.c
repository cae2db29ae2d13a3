/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The supervisor's life while the payload runs: one sd-event loop that forwards the console, tells the service manager
 * what the payload tells us, keeps its watchdog fed, turns SIGTERM into the init's own way down, and waits for the leader
 * to end. Runs as root of the host with few capabilities left (run/stage-execute.c). All that comes in here is hostile:
 * notify messages and console bytes are the payload's.
 */

#include <inttypes.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "bus/scope.h"
#include "payload/console.h"
#include "payload/init-control.h"
#include "payload/notify.h"
#include "run/machine.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/parse.h"
#include "util/quantity.h"

/* How long after it is ready a machine is taken for one that stays. */
enum { SETTLED_USEC = 500 * 1000 };

/* How often the payload's status is passed on at most: the host's service manager tells everybody who listens. */
enum { STATUS_PAUSE_USEC = 250 * 1000 };

typedef struct Supervisor {
        Machine *machine;
        sd_event *event;                /* the machine's loop, which outlives us: each source below is ours */
        sd_event_source *leader, *notify, *settled, *stop_timeout, *ask_again, *status_pause;
        sd_event_source *helper_end;
        Console *console;
        sd_bus_slot *request_stop;
        pid_t helper;           /* runs the program inside that asks the init to shut down; 0: none */
        int helper_report;
        unsigned asked;         /* how often the init was asked */
        bool ready;             /* READY=1 was sent */
        bool stopping;          /* the payload was asked to go down */
        bool ended;
        char *status;           /* what the payload has said of itself since it was last passed on; NULL: nothing */
        siginfo_t end;
} Supervisor;

static void supervisor_done(Supervisor *s)
{
        sd_event_source **sources[] = { &s->leader, &s->notify, &s->settled, &s->stop_timeout, &s->ask_again,
                                        &s->status_pause, &s->helper_end };

        s->machine->loop.on_stop = NULL;
        (void) sd_event_set_watchdog(s->event, false);
        s->console = console_free(s->console);
        if (s->machine->network.ports)
                port_forward_detach(s->machine->network.ports);
        s->request_stop = sd_bus_slot_unref(s->request_stop);
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
                *sources[i] = sd_event_source_disable_unref(*sources[i]);
        if (s->helper > 0) {
                (void) kill(s->helper, SIGKILL);
                (void) waitpid(s->helper, NULL, 0);
        }
        fd_close(s->helper_report);
        free(TAKE_PTR(s->status));
}

static void kill_leader(Supervisor *s)
{
        (void) kill(s->machine->child.leader.pid, SIGKILL);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
        memory_release_code();
        return 0;
}

/* Not at once: a payload that ends soon, as a command does, would only have the code brought back for it. */
static void release_code_later(Supervisor *s)
{
        int r = sd_event_add_time_relative(s->event, &s->settled, CLOCK_MONOTONIC, SETTLED_USEC, 0, on_settled, NULL);

        if (r < 0)
                log_debug(r, "Failed to wait until machine '%s' has settled: %m", s->machine->name);
}

static void tell_ready(Supervisor *s)
{
        Failure failure = {};

        if (s->ready)
                return;
        s->ready = s->machine->was_ready = true;
        if (s->machine->plan.wait_ready && machine_reduce_privileges(s->machine, &failure) < 0) {
                log_error(0, "%s; killing machine '%s'", failure.text, s->machine->name);
                kill_leader(s);
                return;
        }
        (void) sd_notifyf(/* unset_environment= */ 0, "READY=1\nSTATUS=Container running.\nX_NSPAWN_LEADER_PID=%d",
                          s->machine->child.leader.pid);
        release_code_later(s);
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;
        char span[TIME_SPAN_TEXT_MAX];

        log_warning(0, "Machine '%s' is not down %s after it was asked to (StopTimeoutSec=), killing it", s->machine->name,
                    format_time_span(s->machine->plan.stop_timeout_usec, span));
        kill_leader(s);
        return 0;
}

/* StopTimeoutSec= is ours to keep; a unit whose own TimeoutStopSec= is shorter is told to wait as long. */
static void tell_stopping(Supervisor *s)
{
        uint64_t usec = s->machine->plan.stop_timeout_usec;
        int r;

        if (usec == 0) {
                (void) sd_notify(/* unset_environment= */ 0, "STOPPING=1\nSTATUS=Asking the payload to shut down.");
                return;
        }
        if (usec != UINT64_MAX) {
                r = sd_event_add_time_relative(s->event, &s->stop_timeout, CLOCK_MONOTONIC, usec, 0, on_stop_timeout, s);
                if (r < 0)
                        log_warning(r, "Failed to watch over the time that machine '%s' takes to shut down, ignoring: %m",
                                    s->machine->name);
        }
        (void) sd_notifyf(/* unset_environment= */ 0,
                          "STOPPING=1\nSTATUS=Asking the payload to shut down.\nEXTEND_TIMEOUT_USEC=%" PRIu64,
                          plan_unit_stop_usec(&s->machine->plan));
}

static void cannot_ask(Supervisor *s, const Failure *failure)
{
        log_warning(0, "%s; killing machine '%s'", failure->text, s->machine->name);
        kill_leader(s);
}

static int on_helper_end(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        Supervisor *s = userdata;
        Failure failure = {};

        s->helper = 0;
        if (init_control_report(s->helper_report, &failure) < 0)
                cannot_ask(s, &failure);
        return 0;
}

/* The program inside is the payload's, and may hang: a process of its own waits for it. */
static int start_helper(Supervisor *s, const char *const *program, Failure *failure)
{
        int r;

        r = init_control_start(&s->machine->child.leader, program, &s->helper, &s->helper_report, failure);
        if (r >= 0)
                r = sd_event_add_child(s->event, &s->helper_end, s->helper, WEXITED, on_helper_end, s);
        return r;
}

static int on_ask_again(sd_event_source *source, uint64_t usec, void *userdata);

static void ask_init(Supervisor *s)
{
        const Plan *plan = &s->machine->plan;
        const Leader *leader = &s->machine->child.leader;
        bool insist = ++s->asked == INIT_CONTROL_TRIES;
        const char *const *program;
        Failure failure = {};
        int r;

        r = plan->kill_signal > 0 ? init_control_signal(leader, plan->kill_signal, insist, &failure) :
                                    init_control_ask(plan->init, INIT_HALT, leader, insist, &program, &failure);
        if (r == -EAGAIN) {
                s->ask_again = sd_event_source_disable_unref(s->ask_again);
                r = sd_event_add_time_relative(s->event, &s->ask_again, CLOCK_MONOTONIC, INIT_CONTROL_PAUSE_USEC, 0,
                                               on_ask_again, s);
        }
        if (r == INIT_CONTROL_PROGRAM)
                r = start_helper(s, program, &failure);
        if (r < 0) {
                (void) failure_set(&failure, r, "Failed to ask the machine's init to shut down: %m");
                cannot_ask(s, &failure);
        }
}

static int on_ask_again(sd_event_source *source, uint64_t usec, void *userdata)
{
        ask_init(userdata);
        return 0;
}

/* Asks the payload to shut down in its own way. On the second call, or if it cannot be asked, kills it. */
static void stop(void *userdata)
{
        Supervisor *s = userdata;

        if (s->stopping || !plan_can_ask(&s->machine->plan)) {
                kill_leader(s);
                return;
        }
        s->stopping = true;
        tell_stopping(s);
        ask_init(s);
}

static int on_request_stop(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        Supervisor *s = userdata;

        loop_request_stop(&s->machine->loop);
        return 0;
}

static int on_request_stop_installed(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        if (sd_bus_message_is_method_error(message, NULL))
                log_warning(0, "Failed to watch for systemd's request to stop, ignoring: stop the machine by its own means");
        return 0;
}

static int on_leader_end(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        Supervisor *s = userdata;

        s->end = *si;
        s->machine->child.running = false;
        s->ended = true;
        return 0;
}

static bool has_ended(void *userdata)
{
        const Supervisor *s = userdata;

        return s->ended;
}

static int on_status_pause(sd_event_source *source, uint64_t usec, void *userdata);

/* The last one of those that came meanwhile, and the next pause. */
static void pass_status_on(Supervisor *s)
{
        _cleanup_free_ char *status = TAKE_PTR(s->status);

        if (!status)
                return;
        (void) sd_notifyf(/* unset_environment= */ 0, "STATUS=Container running: %s", status);
        if (!s->status_pause)
                (void) sd_event_add_time_relative(s->event, &s->status_pause, CLOCK_MONOTONIC, STATUS_PAUSE_USEC, 0,
                                                  on_status_pause, s);
        else if (sd_event_source_set_time_relative(s->status_pause, STATUS_PAUSE_USEC) >= 0)
                (void) sd_event_source_set_enabled(s->status_pause, SD_EVENT_ONESHOT);
}

static int on_status_pause(sd_event_source *source, uint64_t usec, void *userdata)
{
        pass_status_on(userdata);
        return 0;
}

static void take_message(Supervisor *s, NotifyMessage *m)
{
        if (m->ready && s->machine->plan.wait_ready)
                tell_ready(s);
        /* After the status that comes with readiness: the payload knows more. */
        if (m->status) {
                free(s->status);
                s->status = TAKE_PTR(m->status);
                if (!s->status_pause || sd_event_source_get_enabled(s->status_pause, NULL) == 0)
                        pass_status_on(s);
        }
}

static int on_notify(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Supervisor *s = userdata;
        _cleanup_(notify_message_done) NotifyMessage m = {};
        bool empty;
        int r;

        /* One a turn: a payload that floods the socket does not keep the rest waiting. */
        r = notify_receive(fd, s->machine->child.leader.pid, &m, &empty);
        if (r < 0) {
                log_warning(r, "The notify socket of machine '%s' is broken, ignoring its messages from now on: %m",
                            s->machine->name);
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        }
        if (r > 0)
                take_message(s, &m);
        return 0;
}

static void on_console_end(Console *c, bool left_by_user, void *userdata)
{
        if (left_by_user)
                kill_leader(userdata);
}

static int add_console(Supervisor *s)
{
        const Machine *m = s->machine;
        unsigned flags = CONSOLE_FLAG_DRAIN;

        if (m->mounts.pty_master < 0)
                return 0;
        if (m->plan.console == CONSOLE_INTERACTIVE)
                flags |= CONSOLE_FLAG_READ | CONSOLE_FLAG_WRITE | CONSOLE_FLAG_ESCAPE;
        else if (m->plan.console == CONSOLE_READ_ONLY)
                flags |= CONSOLE_FLAG_WRITE;
        if (m->plan.console == CONSOLE_INTERACTIVE && !m->settings.quiet)
                log_info(0, "Machine '%s' runs; press ^] three times within a second to kill it", m->name);
        return console_new(s->event, m->mounts.pty_master, flags, on_console_end, s, &s->console);
}

/* systemd asks for the end of the scope that we are the Controller of. */
static int add_bus(Supervisor *s)
{
        sd_bus *bus = s->machine->registration.bus;

        return bus ? scope_on_request_stop(bus, on_request_stop, on_request_stop_installed, s, &s->request_stop) : 0;
}

static int set_up(Supervisor *s)
{
        Machine *m = s->machine;
        int r;

        (void) sd_event_set_watchdog(s->event, true);
        r = sd_event_add_child_pidfd(s->event, &s->leader, m->child.leader.pidfd, WEXITED, on_leader_end, s);
        if (r >= 0)
                r = sd_event_add_io(s->event, &s->notify, m->mounts.notify_fd, EPOLLIN, on_notify, s);
        if (r >= 0 && m->network.ports)
                r = port_forward_attach(m->network.ports, s->event);
        if (r >= 0)
                r = add_bus(s);
        if (r >= 0)
                r = add_console(s);
        if (r < 0)
                return r;
        m->loop.on_stop = stop;
        m->loop.userdata = s;
        return 0;
}

/* What a dead PID 1 means. reboot(2) in a PID namespace other than the first kills its init: by SIGHUP for a restart, by
 * SIGINT for power-off and halt (pid_namespaces(7)). */
static MachineEnd classify(const Plan *p, const siginfo_t *si)
{
        if (si->si_code == CLD_EXITED)
                return MACHINE_EXITED;
        if (!(p->namespaces & CLONE_NEWPID))
                return MACHINE_KILLED;
        if (si->si_code == CLD_KILLED && si->si_status == SIGHUP)
                return MACHINE_REBOOT;
        if (si->si_code == CLD_KILLED && si->si_status == SIGINT)
                return MACHINE_SHUT_DOWN;
        return MACHINE_KILLED;
}

/* An init that can call reboot(2) ends by it. One that exits has crashed or was never meant to be an init; but systemd
 * in a container exits on purpose (`systemctl exit`). */
static bool init_may_exit(const Plan *p)
{
        return p->start_mode != START_BOOT || p->init == INIT_SYSTEMD || !(p->caps & (UINT64_C(1) << CAP_SYS_BOOT));
}

int machine_supervise(Machine *m, MachineEnd *ret, int *ret_status, Failure *failure)
{
        _cleanup_(supervisor_done) Supervisor s = { .machine = m, .event = m->loop.event, .helper_report = -EBADF };
        int r;

        r = set_up(&s);
        if (r < 0)
                return failure_set(failure, r, "Failed to supervise machine '%s': %m", m->name);
        if (!m->plan.wait_ready)
                tell_ready(&s);
        else
                (void) sd_notifyf(/* unset_environment= */ 0, "STATUS=Container running: booting.\nX_NSPAWN_LEADER_PID=%d",
                                  m->child.leader.pid);

        /* Asked for after the last moment at which the start could be cancelled. */
        if (m->loop.stop_requests > 0)
                stop(&s);
        r = loop_wait(&m->loop, has_ended, &s, UINT64_MAX);
        if (r < 0)
                return failure_set(failure, r, "Failed to supervise machine '%s': %m", m->name);

        *ret = classify(&m->plan, &s.end);
        *ret_status = s.end.si_status;
        /* Asked to go down, it did; that it would come back is not what was asked. */
        if (*ret == MACHINE_REBOOT && s.stopping)
                *ret = MACHINE_SHUT_DOWN;
        if (*ret == MACHINE_EXITED && !s.stopping && !init_may_exit(&m->plan))
                *ret = MACHINE_INIT_EXITED;
        /* A payload that ends before it was ready never was up: the start has failed. */
        if (!s.ready && !s.stopping && *ret != MACHINE_REBOOT)
                return failure_set(failure, -ECHILD, "The init of machine '%s' (%s) %s %d before the machine was ready",
                                   m->name, m->plan.argv ? m->plan.argv[0] : "a shell",
                                   s.end.si_code == CLD_EXITED ? "exited with status" : "was ended by signal", *ret_status);
        return 0;
}
