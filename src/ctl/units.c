/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Jobs on machines' units, and the causes of their failures (see units.h). Part of boxctl, which needs no privilege: systemd
 * does the work and polkit decides.
 *
 * The cause is the unit's StatusText: the supervisor sends its failure there (sd_notify STATUS=), and systemd keeps it until
 * the next start. It is empty if the supervisor could not be executed or was killed; then the journal and the unit's result
 * tell the cause.
 */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/journal.h"
#include "ctl/units.h"
#include "image/image.h"
#include "image/machine-name.h"
#include "payload/machine-state.h"
#include "util/clock.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/terminal-stream.h"
#include "util/text.h"

int name_check(const char *name, bool image, Failure *failure)
{
        const char *problem = machine_name_problem(name);
        Image i = { .fd = -EBADF };
        Failure why = { 0 };
        int r;

        if (problem)
                return failure_set(failure, -EINVAL, "Invalid machine name: %s", problem);
        if (!image)
                return 0;

        r = image_find(NULL, name, &i, &why);
        if (r >= 0)
                image_done(&i);
        /* A user who may not look into /var/lib/machines may still start what is in it. */
        if (r == -EACCES)
                return 0;
        return r < 0 ? failure_set(failure, r, "%s", why.text) : 0;
}

/* A machine of box that is not its unit's: the unit could not start it. Of others only the lock of the tree knows. */
static int check_by_hand(const char *name, const char *unit, Failure *failure)
{
        MachineState state;
        int r = 0;

        if (machine_state_read(NULL, name, &state) < 0)
                return 0;
        if (!state.unit || strcmp(state.unit, unit) != 0)
                r = failure_set(failure, -EEXIST, "It runs already, started by hand (process %d%s%s); to stop it: boxctl stop %s",
                                state.supervisor, state.unit && *state.unit ? ", unit " : "", state.unit ?: "", name);
        machine_state_done(&state);
        return r;
}

const char *unit_result_words(const UnitInfo *u, char *buf, size_t size)
{
        if (strcmp(u->result, "exit-code") == 0)
                (void) snprintf(buf, size, "its supervisor ended with exit status %" PRIi32, u->exec_main_status);
        else if (strcmp(u->result, "signal") == 0 || strcmp(u->result, "core-dump") == 0)
                (void) snprintf(buf, size, "its supervisor was killed by %s", signal_name(u->exec_main_status));
        else if (strcmp(u->result, "timeout") == 0)
                (void) snprintf(buf, size, "it was not ready in time");
        else if (strcmp(u->result, "start-limit-hit") == 0)
                (void) snprintf(buf, size, "it was started too often in a short time; systemctl reset-failed allows it "
                                           "again");
        else if (strcmp(u->result, "watchdog") == 0)
                (void) snprintf(buf, size, "its supervisor hung");
        else if (strcmp(u->result, "protocol") == 0)
                (void) snprintf(buf, size, "its supervisor ended before it was ready");
        else if (strcmp(u->result, "oom-kill") == 0)
                (void) snprintf(buf, size, "it needed more memory than it may use (MemoryMax=), or than there is");
        else if (strcmp(u->result, "resources") == 0)
                (void) snprintf(buf, size, "systemd could not set its processes up");
        else if (strcmp(u->result, "exec-condition") == 0)
                (void) snprintf(buf, size, "a command of ExecCondition= has refused it");
        else
                (void) snprintf(buf, size, "%s", u->result[0] ? u->result : "unknown");
        return buf;
}

/* Results that are systemd's own decisions: what the supervisor says of its end is not the cause. */
static bool is_of_systemd(const char *result)
{
        static const char *const results[] = { "start-limit-hit", "timeout", "watchdog", "oom-kill", "signal", "core-dump",
                                               "resources", "exec-condition" };

        for (size_t i = 0; i < ARRAY_SIZE(results); i++)
                if (strcmp(results[i], result) == 0)
                        return true;
        return false;
}

/* systemd ended the commands of the unit because of it: how they ended is no reason. */
static bool ends_commands(const char *result)
{
        return strcmp(result, "watchdog") == 0 || strcmp(result, "oom-kill") == 0;
}

static bool job_failed(const char *job_result)
{
        return strcmp(job_result, "failed") == 0 || strcmp(job_result, "timeout") == 0;
}

/* If `applies`, and systemd has such a reason. */
static bool tell_reason(sd_bus *bus, const char *unit, UnitReason kind, bool applies, Failure *ret)
{
        _cleanup_free_ char *text = NULL;

        if (!applies || systemd1_unit_reason(bus, unit, kind, &text) <= 0)
                return false;
        failure_set(ret, -EIO, "Failed to start %s: %s", unit, text);
        return true;
}

/* The supervisor's own words; after a crash of the payload (run/round.c), with the last line of its console. */
static void set_status_failure(const UnitInfo *u, Failure *ret)
{
        _cleanup_free_ char *line = u->status_errno == ECHILD ? journal_last_console_line(u->invocation_id) : NULL;

        failure_set(ret, -EIO, "%s%s%s%s", u->status_text, line ? "; its console ended with '" : "", line ?: "", line ? "'" : "");
}

void unit_failure_cause(sd_bus *bus, const char *unit, const char *job_result, Failure *ret)
{
        _cleanup_(unit_info_done) UnitInfo u = { 0 };
        _cleanup_free_ char *message = NULL;
        char words[128];

        if (systemd1_unit_info(bus, unit, &u, ret) < 0)
                return;

        /* These come from systemd: a status of the supervisor is not the cause. */
        if (tell_reason(bus, unit, UNIT_REASON_ASSERT, strcmp(job_result, "assert") == 0, ret) ||
            tell_reason(bus, unit, UNIT_REASON_DEPENDENCY, strcmp(job_result, "dependency") == 0, ret) ||
            tell_reason(bus, unit, UNIT_REASON_COMMAND, job_failed(job_result) && !ends_commands(u.result), ret))
                return;
        if (strcmp(job_result, "dependency") == 0) {
                failure_set(ret, -EIO, "A unit that %s depends on could not be started; see: systemctl list-dependencies "
                                       "%s", unit, unit);
                return;
        }
        if (strcmp(job_result, "canceled") == 0) {
                failure_set(ret, -ECANCELED, "It was stopped while it started");
                return;
        }

        if (!is_of_systemd(u.result)) {
                if (u.status_text[0] && strcmp(u.active_state, "failed") == 0) {
                        set_status_failure(&u, ret);
                        return;
                }
                message = journal_last_error(u.invocation_id);
                if (message) {
                        failure_set(ret, -EIO, "%s", message);
                        return;
                }
        }
        if (strcmp(u.result, "start-limit-hit") == 0)
                message = u.status_text[0] ? strdup(u.status_text) : journal_last_unit_error(unit);
        failure_set(ret, -EIO, "Failed to start %s: %s%s%s", unit, unit_result_words(&u, words, sizeof(words)),
                    message ? "; at the last time: " : "", message ?: "");
}

/* systemd forgets a unit's conditions soon; the journal does not. */
static char *refused_start(sd_bus *bus, const char *unit)
{
        static const UnitReason kinds[] = { UNIT_REASON_CONDITION, UNIT_REASON_ASSERT, UNIT_REASON_DEPENDENCY };
        char *message = journal_refused_start(unit);

        for (size_t i = 0; message && i < ARRAY_SIZE(kinds); i++) {
                char *text = NULL;

                if (systemd1_unit_reason(bus, unit, kinds[i], &text) > 0) {
                        free(message);
                        return text;
                }
        }
        return message;
}

char *unit_reason(sd_bus *bus, const UnitInfo *u)
{
        Failure f = { 0 };

        if (strcmp(u->active_state, "inactive") == 0)
                return refused_start(bus, u->id);
        if (strcmp(u->active_state, "failed") != 0)
                return NULL;
        unit_failure_cause(bus, u->id, "failed", &f);
        return f.error < 0 ? strdup(f.text) : NULL;
}

static int on_change(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        *(bool *) userdata = true;
        return 0;
}

/* Reads the state of a unit that is being deactivated, until that is done or nothing changes for a second. */
static int read_result(sd_bus *bus, const char *unit, UnitInfo *u)
{
        _cleanup_free_ char *path = systemd1_unit_path(unit);
        _cleanup_slot_ sd_bus_slot *slot = NULL;
        bool changed = false;
        int r;

        /* Before the state is read, so that no change is missed. */
        (void) sd_bus_call_method(bus, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "Subscribe", NULL, NULL, NULL);
        r = sd_bus_match_signal(bus, &slot, BUS_SYSTEMD1, path, "org.freedesktop.DBus.Properties", "PropertiesChanged", on_change,
                                &changed);
        if (r < 0)
                return r;
        do {
                changed = false;
                unit_info_done(u);
                r = systemd1_unit_info(bus, unit, u, NULL);
        } while (r >= 0 && strcmp(u->active_state, "deactivating") == 0 && bus_wait(bus, NULL, &changed, USEC_PER_SEC) >= 0);
        return r;
}

/* An init that does not report readiness counts as ready when it runs, even if it then ends at once. */
static void check_still_there(sd_bus *bus, const char *unit, Failure *ret)
{
        _cleanup_(unit_info_done) UnitInfo u = { 0 };
        char words[128];

        if (systemd1_unit_info(bus, unit, &u, NULL) < 0 ||
            (strcmp(u.active_state, "deactivating") == 0 && read_result(bus, unit, &u) < 0))
                return;
        if (strcmp(u.active_state, "failed") == 0)
                failure_set(ret, -EIO, "It started, but ended at once: %s",
                            unit_result_words(&u, words, sizeof(words)));
        else if (strcmp(u.active_state, "inactive") == 0 && strcmp(u.result, "exec-condition") == 0)
                unit_failure_cause(bus, unit, "failed", ret);
        else if (tell_reason(bus, unit, UNIT_REASON_CONDITION, strcmp(u.active_state, "inactive") == 0, ret))
                return;
        else if (strcmp(u.active_state, "inactive") == 0)
                failure_set(ret, -EIO, "It started, but its init or command ended at once, without an error");
}

static void find_failure(sd_bus *bus, const UnitJob *j, bool start, Failure *f)
{
        if (j->failure.error < 0)
                *f = j->failure;
        else if (j->result && strcmp(j->result, "done") != 0) {
                if (start)
                        unit_failure_cause(bus, j->unit, j->result, f);
                else
                        failure_set(f, -EIO, "Failed to stop %s: %s", j->unit, j->result);
        } else if (j->result && start)
                check_still_there(bus, j->unit, f);
}

/* ---- what they do meanwhile ------------------------------------------------------------------------------------ */

/* The status of a unit that is being started, which its supervisor and its payload send, as one line of the terminal. */
typedef struct StatusLine {
        const char *name;
        sd_bus_slot *slot;
        bool *shown;            /* of all lines: there is one on the terminal */
} StatusLine;

static void erase_line(bool *shown)
{
        if (*shown)
                terminal_style(stderr, "\033[A\033[K");
        *shown = false;
}

/* The texts are the payload's. */
static void show_status(const StatusLine *l, const char *text)
{
        _cleanup_free_ char *line = NULL;
        struct winsize size;

        erase_line(l->shown);
        if (!*text || ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || strf(&line, "%s: %s", l->name, text) < 0)
                return;
        text_make_printable(line);
        print_cut(stderr, line, size.ws_col);
        *l->shown = true;
}

/* PropertiesChanged (sa{sv}as). */
static int on_status(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        const StatusLine *l = userdata;
        const char *property, *text;
        int r;

        r = sd_bus_message_skip(m, "s");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &property);
                if (r < 0)
                        break;
                if (strcmp(property, "StatusText") != 0)
                        r = sd_bus_message_skip(m, "v");
                else if ((r = sd_bus_message_read(m, "v", "s", &text)) >= 0)
                        show_status(l, text);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return 0;
}

/* Without it, the start is only less talkative. */
static void watch_status(sd_bus *bus, const char *unit, StatusLine *l)
{
        _cleanup_free_ char *path = systemd1_unit_path(unit);

        if (path)
                (void) sd_bus_match_signal_async(bus, &l->slot, BUS_SYSTEMD1, path, "org.freedesktop.DBus.Properties",
                                                 "PropertiesChanged", on_status, NULL, l);
}

/* systemd keeps what it knows of a unit that did not start as long as a client refers to it. Who needs a password for that goes
 * without: the user is asked once, for the start, and polkit does not ask for both at a time. */
static int refer_to(sd_bus *bus, const char *unit)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "RefUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", unit);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(m, false);
        return r < 0 ? r : sd_bus_call_async(bus, NULL, m, NULL, NULL, 0);
}

/* Runs the jobs; on a terminal, shows what the units say until they are done. */
static int run_jobs(Ctl *c, sd_bus *bus, bool start, UnitJob *jobs, const char *const *names, size_t n,
                    Failure *failure)
{
        _cleanup_free_ StatusLine *lines = calloc(n, sizeof(StatusLine));
        bool shown = false, watch = lines && !c->options.no_block && !c->options.quiet && isatty(STDERR_FILENO) == 1;
        int r;

        /* systemd sends changes to subscribers only. */
        if (watch)
                (void) sd_bus_call_method_async(bus, NULL, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "Subscribe",
                                                NULL, NULL, NULL);
        for (size_t i = 0; watch && i < n; i++) {
                lines[i] = (StatusLine) { .name = names[i], .shown = &shown };
                watch_status(bus, jobs[i].unit, &lines[i]);
        }
        for (size_t i = 0; start && !c->options.no_block && i < n; i++)
                (void) refer_to(bus, jobs[i].unit);
        r = systemd1_unit_jobs(bus, start ? "StartUnit" : "StopUnit", c->options.no_block ? UNIT_JOBS_NO_WAIT : 0, jobs, n,
                               failure);
        erase_line(&shown);
        for (size_t i = 0; watch && i < n; i++)
                sd_bus_slot_unref(lines[i].slot);
        return r;
}

/* Of the machines without a failure. The arrays are of n, and *ret of them are used. */
static int choose_units(Ctl *c, char *const *names, size_t n, bool start, Failure *failures, char **units, size_t *index,
                        size_t *ret)
{
        const bool here = start && !c->options.machine;
        size_t chosen = 0;

        for (size_t i = 0; i < n; i++) {
                _cleanup_free_ char *unit = machine_unit_name(names[i]);

                if (!unit)
                        return log_oom();
                /* With --machine=, images and machines are not this host's. */
                if (failures[i].error < 0 || name_check(names[i], /* image= */ here, &failures[i]) < 0 ||
                    (here && check_by_hand(names[i], unit, &failures[i]) < 0))
                        continue;
                units[chosen] = TAKE_PTR(unit);
                index[chosen++] = i;
        }
        *ret = chosen;
        return 0;
}

static int run_chosen(Ctl *c, char *const *names, char *const *units, const size_t *index, size_t n, bool start,
                      Failure *failures)
{
        _cleanup_free_ UnitJob *jobs = calloc(n, sizeof(UnitJob));
        _cleanup_free_ const char **chosen = calloc(n, sizeof(char *));
        Failure f = { 0 };
        sd_bus *bus;
        int r;

        if (!jobs || !chosen)
                return log_oom();
        bus = ctl_bus(c, &f);
        if (!bus)
                return log_error(f.error, "%s", f.text);
        for (size_t i = 0; i < n; i++) {
                jobs[i].unit = units[i];
                chosen[i] = names[index[i]];
        }
        r = run_jobs(c, bus, start, jobs, chosen, n, &f);
        if (r < 0)
                (void) log_error(r, "%s", f.text);
        for (size_t i = 0; r >= 0 && i < n; i++)
                find_failure(bus, &jobs[i], start, &failures[index[i]]);
        unit_jobs_done(jobs, n);
        return r;
}

static int run_units(Ctl *c, char *const *names, size_t n, bool start, Failure *failures)
{
        _cleanup_strv_ char **units = calloc(n + 1, sizeof(char *));
        _cleanup_free_ size_t *index = calloc(n, sizeof(size_t));
        size_t chosen = 0;
        int r;

        if (!units || !index)
                return log_oom();
        r = choose_units(c, names, n, start, failures, units, index, &chosen);
        return r < 0 || chosen == 0 ? r : run_chosen(c, names, units, index, chosen, start, failures);
}

int units_start(Ctl *c, char *const *names, size_t n, Failure *failures)
{
        return run_units(c, names, n, /* start= */ true, failures);
}

int units_stop(Ctl *c, char *const *names, size_t n, Failure *failures)
{
        return run_units(c, names, n, /* start= */ false, failures);
}
