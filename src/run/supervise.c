/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Supervises the payload: an sd-event loop that forwards the console, forwards the payload's notify messages to the service
 * manager, keeps its watchdog alive, asks the init to shut down on SIGTERM, and waits for the leader to end. The supervisor,
 * as root of the host with few capabilities left (run/stage-execute.c). Console bytes and notify messages are hostile.
 */

#include <inttypes.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bus/scope.h"
#include "payload/init-control.h"
#include "payload/notify.h"
#include "run/control.h"
#include "run/keeper.h"
#include "run/machine-console.h"
#include "run/machine.h"
#include "run/report.h"
#include "run/stage.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/libsystemd.h"
#include "util/log.h"
#include "util/memory.h"
#include "util/parse.h"
#include "util/quantity.h"

enum {
        RELEASE_CODE_USEC = 500 * 1000, /* from readiness until memory is released */
        STATUS_PAUSE_USEC = 250 * 1000, /* between two STATUS= messages: the service manager signals each to all its clients */
        ALONE_PAUSE_USEC = 5000 * 1000, /* between two looks at an init that was asked to shut down: see on_alone() */
        ALONE_LOOKS = 2,
};

/* By how much the unit's stop is extended in all while systemd in the payload reports its jobs: the host must go down, too. */
#define STOP_PROGRESS_USEC (10 * 60 * USEC_PER_SEC)

typedef struct Supervisor {
        Machine *machine;
        sd_event *event;                /* the machine's loop, which outlives the Supervisor and its sources */
        sd_event_source *leader, *notify, *release_code, *start_timeout, *stop_timeout, *ask_again, *status_pause;
        sd_event_source *boots, *asked, *alone;
        MachineConsole *console;
        MachineControl *control;        /* NULL: no socket */
        sd_bus_slot *request_stop;
        InitRequest request;            /* what the init is asked for */
        unsigned n_asked;       /* how often the init was asked */
        unsigned n_alone;       /* how often in a row it was found asleep and alone */
        uint64_t stop_usec;     /* when it was asked first */
        uint64_t progress_usec; /* see report_progress() */
        bool ready;             /* READY=1 was sent */
        bool stopping;          /* the payload was asked to shut down */
        bool paused;
        bool killed;            /* on request: the second, a client's, or the first of a payload that cannot be asked */
        bool start_timed_out;
        bool ended;
        bool reboots;           /* so it has ended */
        char *status;           /* the payload's STATUS= that is still to be forwarded; NULL: none */
        siginfo_t end;
} Supervisor;

static void supervisor_done(Supervisor *s)
{
        sd_event_source **sources[] = { &s->leader, &s->notify, &s->release_code, &s->start_timeout, &s->stop_timeout,
                                        &s->ask_again, &s->status_pause, &s->boots, &s->asked, &s->alone };

        s->machine->loop.on_stop = NULL;
        (void) sd_event_set_watchdog(s->event, false);
        s->control = machine_control_free(s->control);
        s->console = machine_console_free(s->console, s->reboots);
        if (s->machine->network.ports)
                port_forward_detach(s->machine->network.ports);
        s->request_stop = sd_bus_slot_unref(s->request_stop);
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
                *sources[i] = sd_event_source_disable_unref(*sources[i]);
        free(TAKE_PTR(s->status));
}

static void kill_leader(Supervisor *s)
{
        (void) kill(s->machine->child.leader.pid, SIGKILL);
}

_steady_ static int on_release_code(sd_event_source *source, uint64_t usec, void *userdata)
{
        memory_release_code();
        return 0;
}

/* Not at once: if the payload ends soon, as a command does, or another client comes, the code is needed again. */
static void release_code_later(Supervisor *s)
{
        int r;

        if (!s->release_code)
                r = sd_event_add_time_relative(s->event, &s->release_code, CLOCK_MONOTONIC, RELEASE_CODE_USEC, 0,
                                               on_release_code, NULL);
        else {
                r = sd_event_source_set_time_relative(s->release_code, RELEASE_CODE_USEC);
                if (r >= 0)
                        r = sd_event_source_set_enabled(s->release_code, SD_EVENT_ONESHOT);
        }
        if (r < 0)
                log_debug(r, "Failed to set a timer for machine '%s': %m", s->machine->name);
}

static int on_boots(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;

        report_progress(&s->progress_usec);
        (void) sd_event_source_set_time_relative(source, REPORT_PAUSE_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_start_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;

        s->start_timed_out = true;
        kill_leader(s);
        return 0;
}

/* While PID 1 boots, the unit's TimeoutStartSec= is extended: what it does may take any time. StartTimeoutSec= limits it. */
static int begin_boot(Supervisor *s)
{
        uint64_t usec = s->machine->plan.start_timeout_usec;
        int r;

        (void) sd_notifyf(/* unset_environment= */ 0, "STATUS=Container running: booting.\nX_NSPAWN_LEADER_PID=%d\n"
                          "EXTEND_TIMEOUT_USEC=%" PRIu64, s->machine->child.leader.pid, REPORT_EXTEND_USEC);
        r = sd_event_add_time_relative(s->event, &s->boots, CLOCK_MONOTONIC, REPORT_PAUSE_USEC, 0, on_boots, s);
        if (r >= 0 && usec > 0)
                r = sd_event_add_time_relative(s->event, &s->start_timeout, CLOCK_MONOTONIC, usec, 0, on_start_timeout, s);
        return r;
}

static void end_boot(Supervisor *s)
{
        s->boots = sd_event_source_disable_unref(s->boots);
        s->start_timeout = sd_event_source_disable_unref(s->start_timeout);
}

static void send_ready(Supervisor *s)
{
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        if (s->ready)
                return;
        s->ready = s->machine->was_ready = true;
        steps_add(&s->machine->steps, "ready", now, now);
        steps_write(&s->machine->steps, s->machine->name);
        end_boot(s);
        keeper_ready(s->machine);
        (void) sd_notifyf(/* unset_environment= */ 0, "READY=1\nSTATUS=Container running.\nX_NSPAWN_LEADER_PID=%d",
                          s->machine->child.leader.pid);
        machine_control_event(s->control, "ready");
        release_code_later(s);
}

static int on_stop_timeout(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;
        char span[TIME_SPAN_TEXT_MAX];

        log_warning(0, "Machine '%s' has not shut down within %s (StopTimeoutSec=), killing it", s->machine->name,
                    format_time_span(s->machine->plan.stop_timeout_usec, span));
        kill_leader(s);
        return 0;
}

/* The supervisor enforces StopTimeoutSec=; a unit with a shorter TimeoutStopSec= is extended to it. */
static void send_stopping(Supervisor *s)
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
                        log_warning(r, "Failed to set the stop timeout of machine '%s', ignoring: %m",
                                    s->machine->name);
        }
        (void) sd_notifyf(/* unset_environment= */ 0,
                          "STOPPING=1\nSTATUS=Asking the payload to shut down.\nEXTEND_TIMEOUT_USEC=%" PRIu64,
                          plan_unit_stop_usec(&s->machine->plan));
}

static void kill_after_failure(Supervisor *s, const Failure *failure)
{
        log_warning(0, "%s; killing machine '%s'", failure->text, s->machine->name);
        kill_leader(s);
}

/* A machine that is not to go on must not stay because its init does not listen. */
static void ask_failed(Supervisor *s, InitRequest request, const Failure *failure)
{
        if (request != INIT_REBOOT)
                kill_after_failure(s, failure);
        else
                log_warning(0, "%s", failure->text);
}

static int on_asked(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Supervisor *s = userdata;
        InitRequest request = INIT_HALT;
        Failure failure = {};

        if (keeper_take_asked(s->machine, &request, &failure) >= 0 || failure.error == 0)
                return 0;
        if (failure.error == -ECHILD)
                s->asked = sd_event_source_disable_unref(s->asked);
        ask_failed(s, request, &failure);
        return 0;
}

/* The program belongs to the payload and may hang: the keeper waits for it. */
static int ask_by_program(Supervisor *s, Failure *failure)
{
        int r = keeper_ask_init(s->machine, s->request, failure);

        return r < 0 || s->asked ? r : sd_event_add_io(s->event, &s->asked, s->machine->keeper.fd, EPOLLIN, on_asked, s);
}

/* SIGTERM to all processes of the unit makes systemd in the payload execute itself anew while its bus daemon ends. It then may
 * wait for that one's answer, for 90 seconds, deaf to all else. busybox's init may wait for a lock of its own for ever. Once
 * nothing else is left in the machine, it is killed. */
static int on_alone(sd_event_source *source, uint64_t usec, void *userdata)
{
        Supervisor *s = userdata;

        s->n_alone = init_control_sleeps_alone(s->machine->plan.init, s->machine->child.leader.pid) > 0 ? s->n_alone + 1 : 0;
        if (s->n_alone == ALONE_LOOKS) {
                log_warning(0, "All processes of machine '%s' have ended, but its init hangs, killing it", s->machine->name);
                kill_leader(s);
                return 0;
        }
        (void) sd_event_source_set_time_relative(source, ALONE_PAUSE_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void watch_alone(Supervisor *s)
{
        int r = sd_event_add_time_relative(s->event, &s->alone, CLOCK_MONOTONIC, ALONE_PAUSE_USEC, 0, on_alone, s);

        if (r < 0)
                log_debug(r, "Failed to set a timer for machine '%s': %m", s->machine->name);
}

static int on_ask_again(sd_event_source *source, uint64_t usec, void *userdata);

static void ask_init(Supervisor *s)
{
        const Plan *plan = &s->machine->plan;
        const Leader *leader = &s->machine->child.leader;
        bool insist = ++s->n_asked == INIT_CONTROL_TRIES;
        const char *const *program;
        Failure failure = {};
        int r;

        r = plan->kill_signal > 0 && s->request != INIT_REBOOT ?
                                    init_control_signal(leader, plan->kill_signal, insist, &failure) :
                                    init_control_ask(plan->init, s->request, leader, insist, &program, &failure);
        if (r == -EAGAIN) {
                s->ask_again = sd_event_source_disable_unref(s->ask_again);
                r = sd_event_add_time_relative(s->event, &s->ask_again, CLOCK_MONOTONIC, INIT_CONTROL_PAUSE_USEC, 0,
                                               on_ask_again, s);
        }
        if (r == INIT_CONTROL_PROGRAM)
                r = ask_by_program(s, &failure);
        if (r < 0) {
                (void) failure_set(&failure, r, "Failed to ask the machine's init to %s: %m",
                                   s->request == INIT_REBOOT ? "reboot" : "shut down");
                ask_failed(s, s->request, &failure);
        }
}

static int on_ask_again(sd_event_source *source, uint64_t usec, void *userdata)
{
        ask_init(userdata);
        return 0;
}

/* Frozen processes neither end nor hear that they should. boxctl freezes them without asking the supervisor. */
static int set_paused(Supervisor *s, bool on, Failure *failure)
{
        int r = on && s->paused ? 0 : cgroup_freeze(&s->machine->cgroup, on, failure);

        if (r >= 0 && s->paused != on) {
                s->paused = on;
                machine_control_event(s->control, on ? "paused" : "resumed");
        }
        return r;
}

static void ask(Supervisor *s, InitRequest request)
{
        s->request = request;
        s->n_asked = 0;
        ask_init(s);
}

/* Asks the payload to shut down. On the second call, or if it cannot be asked, kills it. */
static void stop_by(Supervisor *s, InitRequest request)
{
        Failure failure = {};

        if (s->machine->cgroup.payload_fd >= 0 && set_paused(s, false, &failure) < 0)
                log_warning(0, "%s, ignoring", failure.text);
        if (s->stopping || !plan_can_ask(&s->machine->plan)) {
                s->killed = true;
                kill_leader(s);
                return;
        }
        s->stopping = true;
        s->stop_usec = clock_usec(CLOCK_MONOTONIC);
        end_boot(s);
        send_stopping(s);
        machine_control_event(s->control, "stopping");
        watch_alone(s);
        ask(s, request);
}

static void stop(void *userdata)
{
        stop_by(userdata, INIT_HALT);
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
                log_warning(0, "Failed to watch for systemd's request to stop, ignoring; shut the machine down from inside");
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

/* ---- what clients of the control socket ask for ----------------------------------------------------------------- */

static const char *control_state(void *userdata)
{
        const Supervisor *s = userdata;

        return s->stopping || s->ended ? "stopping" : s->paused ? "paused" : s->ready ? "running" : "starting";
}

/* A second request, as of a user who is not sure, does not kill. */
static int control_power_off(void *userdata, Failure *failure)
{
        Supervisor *s = userdata;

        if (!s->stopping)
                stop_by(s, INIT_POWEROFF);
        return 0;
}

static int control_reboot(void *userdata, Failure *failure)
{
        Supervisor *s = userdata;
        int r;

        if (!plan_can_ask(&s->machine->plan))
                return failure_set(failure, -EOPNOTSUPP, "The machine runs no init that could reboot it");
        r = set_paused(s, false, failure);
        if (r < 0)
                return r;
        machine_control_event(s->control, "rebooting");
        ask(s, INIT_REBOOT);
        return 0;
}

static void control_terminate(void *userdata)
{
        Supervisor *s = userdata;

        s->killed = s->stopping = true;
        kill_leader(s);
}

static int control_pause(void *userdata, bool on, Failure *failure)
{
        return set_paused(userdata, on, failure);
}

static void control_idle(void *userdata)
{
        Supervisor *s = userdata;

        if (s->ready)
                release_code_later(s);
}

static MachineConsole *control_console(void *userdata)
{
        return ((Supervisor *) userdata)->console;
}

static int control_change_link(void *userdata, bool add, SettingId id, const char *value, int fds[static 2], Failure *failure)
{
        Supervisor *s = userdata;

        return machine_change_link(s->machine, add, id, value, fds, failure);
}

/* The sockets are taken with the first ports, which are followed from then on. */
static int control_set_ports(void *userdata, const PortSetting *ports, size_t n, PortSockets *sockets, Failure *failure)
{
        Supervisor *s = userdata;
        bool is_new = !s->machine->network.ports;
        int r = machine_set_ports(s->machine, ports, n, sockets, failure);

        if (r < 0 || !is_new || n == 0)
                return r;
        r = port_forward_attach(s->machine->network.ports, s->event);
        if (r < 0) {
                stage_ports_down(s->machine);
                return failure_set(failure, r, "Failed to watch the addresses of machine '%s': %m", s->machine->name);
        }
        return 0;
}

static const ControlActions control_actions = {
        control_state, control_power_off, control_reboot, control_terminate, control_pause, control_idle, control_console,
        control_change_link, control_set_ports,
};

/* ---- notify messages of the payload ----------------------------------------------------------------------------- */

static int on_status_pause(sd_event_source *source, uint64_t usec, void *userdata);

/* Forwards the latest status, and starts the next pause. */
_steady_ static void forward_status(Supervisor *s)
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

_steady_ static int on_status_pause(sd_event_source *source, uint64_t usec, void *userdata)
{
        forward_status(userdata);
        return 0;
}

/* systemd in the payload reports the jobs that it waits for, which have time-outs of their own. Another limit than the unit's:
 * StopTimeoutSec=. */
static void extend_stop(Supervisor *s)
{
        if (s->machine->plan.stop_timeout_usec == 0 && clock_usec(CLOCK_MONOTONIC) - s->stop_usec < STOP_PROGRESS_USEC)
                report_progress(&s->progress_usec);
}

_steady_ static void handle_message(Supervisor *s, NotifyMessage *m)
{
        if (s->stopping && m->status)
                extend_stop(s);
        if (m->ready && s->machine->plan.wait_ready)
                send_ready(s);
        /* After send_ready(), whose own status it replaces. */
        if (m->status) {
                free(s->status);
                s->status = TAKE_PTR(m->status);
                if (!s->status_pause || sd_event_source_get_enabled(s->status_pause, NULL) == 0)
                        forward_status(s);
        }
}

_steady_ static int on_notify(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Supervisor *s = userdata;
        _cleanup_(notify_message_done) NotifyMessage m = {};
        bool empty;
        int r;

        /* One message an iteration: a payload that floods the socket must not delay other events. */
        r = notify_receive(fd, s->machine->child.leader.pid, &m, &empty);
        if (r < 0) {
                log_warning(r, "Failed to read the notify socket of machine '%s', ignoring further messages: %m",
                            s->machine->name);
                return sd_event_source_set_enabled(source, SD_EVENT_OFF);
        }
        if (r > 0)
                handle_message(s, &m);
        return 0;
}

/* ^]^]p is a stop, as SIGTERM: a second one kills. */
static void on_key(HotKey key, void *userdata)
{
        Supervisor *s = userdata;
        Failure failure = {};

        if (key == HOT_KEY_LEAVE)
                kill_leader(s);
        else if (key == HOT_KEY_POWER_OFF)
                loop_request_stop(&s->machine->loop);
        else if (!s->stopping && control_reboot(s, &failure) < 0)
                log_warning(0, "Failed to reboot machine '%s': %s", s->machine->name, failure.text);
}

static int add_sources(Supervisor *s)
{
        Machine *m = s->machine;
        int r;

        (void) sd_event_set_watchdog(s->event, true);
        r = sd_event_add_child_pidfd(s->event, &s->leader, m->child.leader.pidfd, WEXITED, on_leader_end, s);
        if (r >= 0)
                r = sd_event_add_io(s->event, &s->notify, m->mounts.notify_fd, EPOLLIN, on_notify, s);
        if (r >= 0 && m->network.ports)
                r = port_forward_attach(m->network.ports, s->event);
        if (r >= 0 && m->registration.bus)
                r = scope_on_request_stop(m->registration.bus, on_request_stop, on_request_stop_installed, s, &s->request_stop);
        if (r >= 0)
                r = machine_console_new(m, s->event, on_key, s, &s->console);
        if (r >= 0)
                r = machine_control_new(m, s->event, &control_actions, s, &s->control);
        if (r < 0)
                return r;
        m->loop.on_stop = stop;
        m->loop.userdata = s;
        return 0;
}

/* reboot(2) in a PID namespace other than the first kills its init: by SIGHUP for a restart, by SIGINT for power-off and halt
 * (pid_namespaces(7)). */
static MachineEnd end_of_payload(const Plan *p, const siginfo_t *si)
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

/* An init that can call reboot(2) and exits instead has crashed or is no init; but systemd in a container exits on purpose
 * (`systemctl exit`). */
static bool init_may_exit(const Plan *p)
{
        return p->start_mode != START_BOOT || p->init == INIT_SYSTEMD || !(p->caps & (UINT64_C(1) << CAP_SYS_BOOT));
}

static MachineEnding judge(const Supervisor *s)
{
        const Plan *p = &s->machine->plan;
        MachineEnding e = { end_of_payload(p, &s->end), s->end.si_status, !s->ready && !s->stopping };

        /* A shutdown was requested, no reboot. */
        if (e.kind == MACHINE_REBOOT && s->stopping)
                e.kind = MACHINE_SHUT_DOWN;
        /* In a unit, a stop in haste is a stop. */
        if (e.kind == MACHINE_KILLED && s->killed && s->machine->settings.keep_unit) {
                log_notice(0, "Machine '%s' was ended by %s, as requested", s->machine->name, signal_name(e.status));
                e.kind = MACHINE_SHUT_DOWN;
        }
        if (e.kind == MACHINE_KILLED && s->n_alone == ALONE_LOOKS)
                e.kind = MACHINE_SHUT_DOWN;
        /* The stub init has the status of the command that it has asked to end. In a unit that is a clean stop. */
        if (e.kind == MACHINE_EXITED && s->stopping && p->start_mode == START_PID2 && s->machine->settings.keep_unit)
                e.kind = MACHINE_SHUT_DOWN;
        if (e.kind == MACHINE_EXITED && !s->stopping && !init_may_exit(p))
                e.kind = MACHINE_INIT_EXITED;
        return e;
}

int machine_supervise(Machine *m, MachineEnding *ret, Failure *failure)
{
        _cleanup_(supervisor_done) Supervisor s = { .machine = m };
        char span[TIME_SPAN_TEXT_MAX];
        int r;

        r = loop_event(&m->loop, &s.event);
        if (r >= 0)
                r = add_sources(&s);
        if (r < 0)
                return failure_set(failure, r, "Failed to supervise machine '%s': %m", m->name);
        if (!m->plan.wait_ready)
                send_ready(&s);
        else if ((r = begin_boot(&s)) < 0)
                return failure_set(failure, r, "Failed to set a timer for machine '%s': %m", m->name);

        /* Requested when it was too late to cancel the start. */
        if (m->loop.stop_requests > 0)
                stop(&s);
        r = loop_wait(&m->loop, has_ended, &s, UINT64_MAX);
        if (r < 0)
                return failure_set(failure, r, "Failed to supervise machine '%s': %m", m->name);

        *ret = judge(&s);
        s.reboots = ret->kind == MACHINE_REBOOT;
        machine_control_end(s.control, ret->kind == MACHINE_REBOOT ? "rebooted" : "stopped");
        if (s.start_timed_out)
                return failure_set_at(failure, m->settings.from[SETTING_START_TIMEOUT], -ETIMEDOUT,
                                      "StartTimeoutSec=: machine '%s' was not ready within %s", m->name,
                                      format_time_span(m->plan.start_timeout_usec, span));
        return 0;
}
