/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The connection to the system bus, and the one place where D-Bus errors become negative errnos (see bus.h). Runs in
 * boxctl with the user's own rights (polkit decides on the other side) and in the supervisor as root. Silent.
 */

#include <string.h>

#include "bus/bus.h"

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
        { "org.freedesktop.systemd1.UnitExists",                        -EEXIST },
        { "org.freedesktop.systemd1.UnitMasked",                        -ERFKILL },
};

int bus_open_system(sd_bus **ret, Failure *failure)
{
        _cleanup_bus_ sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r == -ENOENT || r == -ECONNREFUSED)
                return failure_set(failure, r, "There is no system bus here: systemd and dbus have to run on this host");
        if (r < 0)
                return failure_set(failure, r, "Failed to connect to the system bus: %m");

        *ret = TAKE_PTR(bus);
        return 0;
}

int bus_failure(Failure *failure, int r, const sd_bus_error *error, const char *what)
{
        int known = 0;

        if (!error || !error->name)
                return failure_set(failure, r, "Failed to %s: %m", what);

        for (size_t i = 0; i < ARRAY_SIZE(error_map); i++)
                if (strcmp(error_map[i].name, error->name) == 0)
                        known = error_map[i].error;
        if (known == 0)
                known = r < 0 ? r : -EIO;

        return failure_set(failure, known, "Failed to %s: %s", what,
                           error->message && error->message[0] ? error->message : error->name);
}
