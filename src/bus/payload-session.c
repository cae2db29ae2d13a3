/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sessions by the service manager in a machine (see payload-session.h). In boxctl, as root: libsystemd connects in a process that
 * has joined the machine, as its root. The machine answers what it likes; each call has its time.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "bus/bus.h"
#include "bus/payload-session.h"
#include "bus/unit-run.h"
#include "util/clock.h"

#define SERVICE "org.freedesktop.systemd1.Service"
#define CONNECT_USEC (2 * USEC_PER_SEC)
#define START_USEC (90 * USEC_PER_SEC)  /* PAM may start the user's manager first */
#define END_USEC (10 * USEC_PER_SEC)

struct PayloadSession {
        sd_bus *bus;
        sd_bus_slot *jobs, *changes;
        char unit[64];
        char *object;
        char result[16];                /* of the start job; "": it has not ended */
        bool started, changed;
};

PayloadSession *payload_session_free(PayloadSession *s)
{
        if (!s)
                return NULL;
        sd_bus_slot_unref(s->jobs);
        sd_bus_slot_unref(s->changes);
        bus_closep(&s->bus);
        free(s->object);
        free(s);
        return NULL;
}

static int on_job(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        PayloadSession *s = userdata;
        const char *job, *unit, *result;
        uint32_t id;

        if (sd_bus_message_read(m, "uoss", &id, &job, &unit, &result) < 0 || strcmp(unit, s->unit) != 0)
                return 0;
        (void) snprintf(s->result, sizeof(s->result), "%s", result);
        s->started = true;
        return 0;
}

static int on_change(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        PayloadSession *s = userdata;

        s->changed = true;
        return 0;
}

static int connect_to(pid_t leader, PayloadSession *s, Failure *failure)
{
        char address[48];
        uint32_t number = 0;
        int r;

        if (getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0)
                return failure_set(failure, -errno, "Failed to draw a unit's name: %m");
        (void) snprintf(s->unit, sizeof(s->unit), "box-shell-%08x.service", number);
        (void) snprintf(address, sizeof(address), "x-machine-unix:pid=%d", leader);
        r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", s->unit, &s->object);
        if (r >= 0)
                r = sd_bus_new(&s->bus);
        if (r >= 0)
                r = sd_bus_set_address(s->bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(s->bus, true);
        if (r >= 0)
                r = sd_bus_start(s->bus);
        if (r >= 0)
                r = bus_connect(s->bus, CONNECT_USEC);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(s->bus, END_USEC);
        return r < 0 ? failure_set(failure, r, "Failed to connect to the machine's bus: %m") : 0;
}

static int subscribe(PayloadSession *s, Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_match_signal(s->bus, &s->jobs, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "JobRemoved", on_job, s);
        if (r >= 0)
                r = sd_bus_match_signal(s->bus, &s->changes, BUS_SYSTEMD1, s->object, "org.freedesktop.DBus.Properties",
                                        "PropertiesChanged", on_change, s);
        if (r >= 0)
                r = sd_bus_call_method(s->bus, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "Subscribe", &error, NULL,
                                       "");
        return r < 0 ? bus_failure(failure, r, &error, "ask the machine's service manager") : 0;
}

static int append_environment(sd_bus_message *m, char *const *env)
{
        int r;

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "Environment");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) env);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_properties(sd_bus_message *m, const PayloadSessionOptions *o)
{
        static const char *const streams[][2] = { { "StandardInputFileDescriptor", "StandardInput" },
                                                  { "StandardOutputFileDescriptor", "StandardOutput" },
                                                  { "StandardErrorFileDescriptor", "StandardError" } };
        int r;

        /* AddRef keeps the unit, and with it the exit status, until we disconnect. Not Type=exec: the process that keeps
         * the session of PAM has systemd's descriptor for that, too, so the start would last as long as the program. */
        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)",
                                  "Description", "s", "Shell by boxctl", "Type", "s", "simple", "AddRef", "b", true,
                                  "CollectMode", "s", "inactive-or-failed", "User", "s", o->user, "PAMName", "s", "login",
                                  "WorkingDirectory", "s", "-~", "SendSIGHUP", "b", true, "IgnoreSIGPIPE", "b", false,
                                  "KillMode", "s", "mixed");
        for (int i = 0; r >= 0 && i < 3; i++)
                r = o->stdio[i] >= 0 ? sd_bus_message_append(m, "(sv)", streams[i][0], "h", o->stdio[i]) :
                                       sd_bus_message_append(m, "(sv)", streams[i][1], "s", "null");
        if (r >= 0 && o->terminal)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "TTYPath", "s", o->terminal, "TTYReset", "b", true,
                                          "UtmpIdentifier", "s", strrchr(o->terminal, '/') + 1, "UtmpMode", "s", "user");
        if (r >= 0)
                r = append_environment(m, o->env);
        if (r >= 0)
                r = unit_command_append(m, o->path, (const char *const *) o->argv);
        return r;
}

static int ask(PayloadSession *s, const PayloadSessionOptions *o, Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(s->bus, &m, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER,
                                           "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", s->unit, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = append_properties(m, o);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_append(m, "a(sa(sv))", 0);
        if (r >= 0)
                r = sd_bus_call(s->bus, m, 0, &error, NULL);
        return r < 0 ? bus_failure(failure, r, &error, "start a session in the machine") : 0;
}

static int get(PayloadSession *s, const char *property, char type, void *ret, Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_get_property_trivial(s->bus, BUS_SYSTEMD1, s->object, SERVICE, property, &error, type, ret);
        return r < 0 ? bus_failure(failure, r, &error, "ask for the session's state") : 0;
}

/* The unit may still start later. */
static void take_back(PayloadSession *s)
{
        (void) sd_bus_call_method(s->bus, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "StopUnit", NULL, NULL,
                                  "ss", s->unit, "replace");
}

static int wait_for_start(PayloadSession *s, pid_t *ret_pid, Failure *failure)
{
        uint32_t pid = 0;
        int r;

        r = bus_wait(s->bus, NULL, &s->started, START_USEC);
        if (r < 0)
                return failure_set(failure, r, "Failed to wait for the session's start: %m");
        if (strcmp(s->result, "done") != 0)
                return failure_set(failure, -EIO, "The machine's systemd could not start a session, with the result '%s'; more: "
                                   "journalctl in the machine", s->result);
        r = get(s, "MainPID", 'u', &pid, failure);
        if (r < 0)
                return r;
        *ret_pid = pid <= INT32_MAX ? (pid_t) pid : 0;
        return 0;
}

int payload_session_start(pid_t leader, const PayloadSessionOptions *o, PayloadSession **ret, pid_t *ret_pid, bool *ret_asked,
                          Failure *failure)
{
        _cleanup_(payload_session_freep) PayloadSession *s = calloc(1, sizeof(*s));
        int r;

        *ret_asked = false;
        if (!s)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = connect_to(leader, s, failure);
        if (r >= 0)
                r = subscribe(s, failure);
        if (r < 0)
                return r;

        r = ask(s, o, failure);
        *ret_asked = r >= 0 || r == -ETIMEDOUT;
        if (r >= 0)
                r = wait_for_start(s, ret_pid, failure);
        if (r >= 0)
                *ret = TAKE_PTR(s);
        else if (*ret_asked)
                take_back(s);
        return r;
}

int payload_session_status(PayloadSession *s, int *ret, Failure *failure)
{
        const uint64_t end = clock_usec(CLOCK_MONOTONIC) + END_USEC;
        int32_t code = 0, status = 0;
        int r;

        for (;;) {
                uint64_t now = clock_usec(CLOCK_MONOTONIC);

                s->changed = false;
                r = get(s, "ExecMainCode", 'i', &code, failure);
                if (r < 0 || code != 0)
                        break;
                r = now >= end ? -ETIMEDOUT : bus_wait(s->bus, NULL, &s->changed, end - now);
                if (r < 0)
                        return failure_set(failure, r, "Failed to wait for the session's end: %m");
        }
        if (r >= 0)
                r = get(s, "ExecMainStatus", 'i', &status, failure);
        if (r < 0)
                return r;
        *ret = code == CLD_EXITED ? status & 0xff : 128 + (status & 0x7f);
        return 0;
}
