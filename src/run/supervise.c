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

#include "bus/systemd1.h"
#include "payload/console.h"
#include "payload/init-control.h"
#include "payload/notify.h"
#include "run/machine.h"
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
        sd_event *event;
        Console *console;
        sd_bus_slot *request_stop;
        bool ready;             /* READY=1 was sent */
        bool stopping;          /* the payload was asked to go down */
        char *status;           /* what the payload has said of itself since it was last passed on; NULL: nothing */
        sd_event_source *status_pause;  /* enabled: it is too early for the next */
        siginfo_t end;
} Supervisor;

static void supervisor_done(Supervisor *s)
{
        s->console = console_free(s->console);
        if (s->machine->ports)
                port_forward_detach(s->machine->ports);
        s->request_stop = sd_bus_slot_unref(s->request_stop);
        s->status_pause = sd_event_source_unref(s->status_pause);
        free(TAKE_PTR(s->status));
        /* A bus that is attached to a loop is closed when the loop exits: a new one unregisters the machine. */
        s->machine->bus = sd_bus_flush_close_unref(s->machine->bus);
        s->event = sd_event_unref(s->event);
}

static void kill_leader(Supervisor *s)
{
        (void) kill(s->machine->leader.pid, SIGKILL);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata)
{
        memory_release_code();
        return 0;
}

/* Not at once: a payload that ends soon, as a command does, would only have the code brought back for it. */
static void release_code_later(Supervisor *s)
{
        int r = sd_event_add_time_relative(s->event, NULL, CLOCK_MONOTONIC, SETTLED_USEC, 0, on_settled, NULL);

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
                          s->machine->leader.pid);
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
                r = sd_event_add_time_relative(s->event, NULL, CLOCK_MONOTONIC, usec, 0, on_stop_timeout, s);
                if (r < 0)
                        log_warning(r, "Failed to watch over the time that machine '%s' takes to shut down, ignoring: %m",
                                    s->machine->name);
        }
        (void) sd_notifyf(/* unset_environment= */ 0,
                          "STOPPING=1\nSTATUS=Asking the payload to shut down.\nEXTEND_TIMEOUT_USEC=%" PRIu64,
                          plan_unit_stop_usec(&s->machine->plan));
}

/* The payload's own clean way down; a second call, or nothing to ask, is the hard way. */
static void stop(Supervisor *s)
{
        const Plan *plan = &s->machine->plan;
        Failure failure = {};
        int r;

        if (s->stopping || !plan_can_ask(plan)) {
                kill_leader(s);
                return;
        }
        s->stopping = true;
        tell_stopping(s);

        if (plan->kill_signal > 0)
                r = init_control_signal(&s->machine->leader, plan->kill_signal, &failure);
        else
                r = init_control_request(plan->init, INIT_HALT, &s->machine->leader, &failure);
        if (r < 0) {
                log_warning(0, "%s; killing machine '%s'", failure.text, s->machine->name);
                kill_leader(s);
        }
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        stop(userdata);
        return 0;
}

static int on_request_stop(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
        stop(userdata);
        return 0;
}

static int on_leader_end(sd_event_source *source, const siginfo_t *si, void *userdata)
{
        Supervisor *s = userdata;

        s->end = *si;
        s->machine->running = false;
        return sd_event_exit(s->event, 0);
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
        r = notify_receive(fd, s->machine->leader.pid, &m, &empty);
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

        if (m->pty_master < 0)
                return 0;
        if (m->plan.console == CONSOLE_INTERACTIVE)
                flags |= CONSOLE_FLAG_READ | CONSOLE_FLAG_WRITE | CONSOLE_FLAG_ESCAPE;
        else if (m->plan.console == CONSOLE_READ_ONLY)
                flags |= CONSOLE_FLAG_WRITE;
        if (m->plan.console == CONSOLE_INTERACTIVE && !m->settings.quiet)
                log_info(0, "Machine '%s' runs; press ^] three times within a second to kill it", m->name);
        return console_new(s->event, m->pty_master, flags, on_console_end, s, &s->console);
}

static int add_bus(Supervisor *s)
{
        Failure failure = {};
        int r;

        if (!s->machine->bus)
                return 0;
        /* The end of the loop is not the connection's: the machine has to be unregistered still. */
        r = sd_bus_set_close_on_exit(s->machine->bus, false);
        if (r >= 0)
                r = sd_bus_attach_event(s->machine->bus, s->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;
        r = systemd1_on_request_stop(s->machine->bus, on_request_stop, s, &s->request_stop, &failure);
        if (r < 0)
                log_warning(0, "%s, ignoring: stop the machine by its own means", failure.text);
        return 0;
}

static int set_up(Supervisor *s)
{
        int pidfd = s->machine->leader.pidfd, r;

        r = sd_event_new(&s->event);
        if (r < 0)
                return r;
        (void) sd_event_set_watchdog(s->event, true);
        r = sd_event_add_signal(s->event, NULL, SIGTERM, on_signal, s);
        if (r >= 0)
                r = sd_event_add_signal(s->event, NULL, SIGINT, on_signal, s);
        if (r >= 0)
                r = sd_event_add_child_pidfd(s->event, NULL, pidfd, WEXITED, on_leader_end, s);
        if (r >= 0)
                r = sd_event_add_io(s->event, NULL, s->machine->notify_fd, EPOLLIN, on_notify, s);
        if (r >= 0 && s->machine->ports)
                r = port_forward_attach(s->machine->ports, s->event);
        if (r >= 0)
                r = add_bus(s);
        if (r >= 0)
                r = add_console(s);
        return r;
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
        _cleanup_(supervisor_done) Supervisor s = { .machine = m };
        int r;

        r = set_up(&s);
        if (r < 0)
                return failure_set(failure, r, "Failed to supervise machine '%s': %m", m->name);
        if (!m->plan.wait_ready)
                tell_ready(&s);
        else
                (void) sd_notifyf(/* unset_environment= */ 0, "STATUS=Container running: booting.\nX_NSPAWN_LEADER_PID=%d",
                                  m->leader.pid);

        r = sd_event_loop(s.event);
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
