/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The connection to the system bus, and the one place where D-Bus errors become negative errnos (see bus.h). Runs in
 * boxctl with the user's own rights (polkit decides on the other side) and in the supervisor as root. Silent.
 */

#include <string.h>

#include "bus/bus.h"
#include "util/clock.h"

enum {
        DEFAULT_USEC = 25 * 1000 * 1000,        /* libsystemd's, for each call */
        START_USEC = 60 * 1000 * 1000,
        MACHINE_USEC = 10 * 1000 * 1000,
};

static const struct {
        const char *name;
        int error;
} error_map[] = {
        { "org.freedesktop.DBus.Error.ServiceUnknown",                  -ENOSYS },
        { "org.freedesktop.DBus.Error.NameHasNoOwner",                  -ENOSYS },
        { "org.freedesktop.DBus.Error.UnknownMethod",                   -EOPNOTSUPP },
        { "org.freedesktop.DBus.Error.PropertyReadOnly",                -EOPNOTSUPP },
        { "org.freedesktop.DBus.Error.UnknownObject",                   -ENXIO },
        { "org.freedesktop.DBus.Error.AccessDenied",                    -EACCES },
        { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", -EACCES },
        { "org.freedesktop.DBus.Error.NoReply",                         -ETIMEDOUT },
        { "org.freedesktop.DBus.Error.Timeout",                         -ETIMEDOUT },
        { "org.freedesktop.DBus.Error.Disconnected",                    -ECONNRESET },
        { "org.freedesktop.machine1.NoSuchMachine",                     -ENXIO },
        { "org.freedesktop.machine1.NoSuchImage",                       -ENOENT },
        { "org.freedesktop.machine1.NoMachineForPID",                   -ENXIO },
        { "org.freedesktop.machine1.MachineExists",                     -EEXIST },
        { "org.freedesktop.machine1.NoPrivateNetworking",               -ENONET },
        { "org.freedesktop.systemd1.NoSuchUnit",                        -ENOENT },
        { "org.freedesktop.systemd1.NoSuchProcess",                     -ESRCH },
        { "org.freedesktop.systemd1.UnitExists",                        -EEXIST },
        { "org.freedesktop.systemd1.UnitMasked",                        -ERFKILL },
};

int bus_open_system(sd_bus **ret, Failure *failure)
{
        _cleanup_bus_ sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r == -ENOENT || r == -ECONNREFUSED)
                return failure_set(failure, -ECONNREFUSED,
                                   "There is no system bus here: systemd and dbus have to run on this host");
        if (r < 0)
                return failure_set(failure, r, "Failed to connect to the system bus: %m");

        *ret = TAKE_PTR(bus);
        return 0;
}

int bus_open_machine(const char *machine, sd_bus **ret, Failure *failure)
{
        _cleanup_bus_ sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system_machine(&bus, machine);
        if (r >= 0)
                r = bus_connect(bus, MACHINE_USEC);
        if (r == -EPERM || r == -EACCES)
                return failure_set(failure, -EPERM, "Only root may connect to the bus in the machine '%s'", machine);
        if (r == -ENXIO || r == -EHOSTDOWN)
                return failure_set(failure, -ENXIO, "There is no machine '%s' that runs and is known to systemd-machined",
                                   machine);
        if (r < 0)
                return failure_set(failure, r == -ETIMEDOUT ? r : -ECONNREFUSED, "Failed to connect to the bus in the machine "
                                   "'%s', which has to run systemd and dbus: %s", machine, strerror(-r));

        *ret = TAKE_PTR(bus);
        return 0;
}

/* Handles one event, or returns after usec. */
static int run_once(sd_bus *bus, const BusWait *wait, const bool *done, uint64_t usec)
{
        int r;

        if (wait)
                return wait->run(wait->userdata, usec);
        r = sd_bus_process(bus, NULL);
        /* sd-bus returns 0 after the callback of a call that timed out. */
        if (r != 0 || *done)
                return r;
        r = sd_bus_wait(bus, usec);
        return r == -EINTR ? 0 : r;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        return 0;
}

/* Waits for the end of the handshake, and attaches the bus to the event loop. Not before: sd-bus does not return the cause of a
 * failure there. */
static int handshake(sd_bus *bus, const BusWait *wait)
{
        sd_event_source *source = NULL;
        sd_event *event;
        int r;

        if (sd_bus_get_event(bus))
                return 0;
        r = wait->event(wait->userdata, &event);
        if (r >= 0 && sd_bus_is_ready(bus) == 0)
                r = sd_event_add_io(event, &source, sd_bus_get_fd(bus), 0, on_io, NULL);
        while (r >= 0 && sd_bus_is_ready(bus) == 0) {
                r = sd_bus_process(bus, NULL);
                /* Broken off: its descriptor is closed. */
                if (r >= 0 && sd_bus_is_open(bus) <= 0)
                        r = -ECONNRESET;
                if (r != 0)
                        continue;
                r = sd_event_source_set_io_events(source, (uint32_t) sd_bus_get_events(bus));
                if (r >= 0)
                        r = wait->run(wait->userdata, UINT64_MAX);
        }
        sd_event_source_disable_unref(source);
        if (r >= 0)
                r = sd_bus_attach_event(bus, event, SD_EVENT_PRIORITY_NORMAL);
        return r == -EBADF ? -ECONNRESET : r;
}

int bus_wait(sd_bus *bus, const BusWait *wait, const bool *done, uint64_t usec)
{
        const uint64_t start = clock_usec(CLOCK_MONOTONIC);
        int r = wait ? handshake(bus, wait) : 0;

        while (r >= 0 && !*done) {
                uint64_t passed = clock_usec(CLOCK_MONOTONIC) - start;

                r = passed >= usec ? -ETIMEDOUT :
                        run_once(bus, wait, done, usec == UINT64_MAX ? UINT64_MAX : usec - passed);

                /* A broken connection answers each pending call with an error, one at a time, and then returns no more events. */
                if (r >= 0 && !*done && sd_bus_is_open(bus) <= 0 && sd_bus_process(bus, NULL) <= 0 && !*done)
                        r = -ECONNRESET;
        }
        return r < 0 ? r : 0;
}

int bus_connect(sd_bus *bus, uint64_t usec)
{
        const uint64_t start = clock_usec(CLOCK_MONOTONIC);
        int r = 0;

        while (r >= 0 && sd_bus_is_ready(bus) == 0) {
                uint64_t passed = clock_usec(CLOCK_MONOTONIC) - start;

                r = passed >= usec ? -ETIMEDOUT : run_once(bus, NULL, &(bool) { false }, usec - passed);
        }
        return r < 0 ? r : 0;
}

int bus_flush(sd_bus *bus, const BusWait *wait)
{
        int r = wait ? handshake(bus, wait) : 0;

        return r < 0 ? r : sd_bus_flush(bus);
}

uint64_t bus_start_usec(sd_bus *bus)
{
        uint64_t usec;

        return sd_bus_get_method_call_timeout(bus, &usec) >= 0 && usec != DEFAULT_USEC ? 0 : START_USEC;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        BusCall *call = userdata;

        call->reply = sd_bus_message_ref(m);
        call->done = true;
        return 0;
}

int bus_call_send(sd_bus *bus, sd_bus_message *m, uint64_t usec, BusCall *call)
{
        return sd_bus_call_async(bus, &call->slot, m, on_reply, call, usec);
}

void bus_call_done(BusCall *call)
{
        sd_bus_slot_unref(call->slot);
        sd_bus_message_unref(call->reply);
        *call = (BusCall) {};
}

const sd_bus_error *bus_call_error(const BusCall *call)
{
        return sd_bus_message_get_error(call->reply);
}

int bus_call(sd_bus *bus, const BusWait *wait, sd_bus_message *m, uint64_t usec, sd_bus_error *error, sd_bus_message **ret)
{
        _cleanup_(bus_call_done) BusCall call = {};
        int r;

        r = bus_call_send(bus, m, usec, &call);
        if (r >= 0)
                r = bus_wait(bus, wait, &call.done, UINT64_MAX);
        if (r < 0)
                return r;
        if (bus_call_error(&call))
                return sd_bus_error_copy(error, bus_call_error(&call));
        if (ret)
                *ret = TAKE_PTR(call.reply);
        return 0;
}

/* The polkit actions that calls need, by what they are for. */
static const struct {
        const char *what, *action;
} polkit_actions[] = {
        { "signal the machine",    "org.freedesktop.machine1.manage-machines" },
        { "terminate the machine", "org.freedesktop.machine1.manage-machines" },
        { "get a login terminal",  "org.freedesktop.machine1.login" },
        { "get a shell",           "org.freedesktop.machine1.shell" },
        { "start the unit",        "org.freedesktop.systemd1.manage-units" },
        { "stop the unit",         "org.freedesktop.systemd1.manage-units" },
        { "signal the unit",       "org.freedesktop.systemd1.manage-units" },
        { "enable the unit",       "org.freedesktop.systemd1.manage-unit-files" },
        { "disable the unit",      "org.freedesktop.systemd1.manage-unit-files" },
};

/* Names the action, which an administrator may allow, to who was refused. Some services end a message with a full stop. */
static int refused(Failure *failure, const char *what, const char *message)
{
        const size_t stop = strlen(message) > 0 && message[strlen(message) - 1] == '.';

        for (size_t i = 0; i < ARRAY_SIZE(polkit_actions); i++)
                if (strcmp(polkit_actions[i].what, what) == 0)
                        return failure_set(failure, -EACCES, "Failed to %s: %.*s (polkit action %s): run this as root, or "
                                                             "allow the action by a rule, see polkit(8)", what,
                                           (int) (strlen(message) - stop), message,
                                           polkit_actions[i].action);
        return failure_set(failure, -EACCES, "Failed to %s: %s", what, message);
}

int bus_failure(Failure *failure, int r, const sd_bus_error *error, const char *what)
{
        const char *message;
        int known = 0;

        if (!error || !error->name)
                return failure_set(failure, r, "Failed to %s: %m", what);

        for (size_t i = 0; i < ARRAY_SIZE(error_map); i++)
                if (strcmp(error_map[i].name, error->name) == 0)
                        known = error_map[i].error;
        if (known == 0)
                known = r < 0 ? r : -EIO;

        message = error->message && error->message[0] ? error->message : error->name;
        return known == -EACCES ? refused(failure, what, message) :
                                  failure_set(failure, known, "Failed to %s: %s", what, message);
}
