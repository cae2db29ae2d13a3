/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ExecStart= and Environment= of a loaded unit, drop-ins and specifiers applied (see systemd1.h). Runs in boxctl with its
 * caller's rights. Silent.
 */

#include <string.h>

#include "bus/bus.h"
#include "bus/systemd1.h"
#include "util/strv.h"

#define SERVICE_INTERFACE "org.freedesktop.systemd1.Service"

/* Reads the first of ExecStart's a(sasbttttuii): path, argv, and the result of the last run. 1: read; 0: there is none. */
static int read_command(sd_bus_message *m, char **ret_path, char ***ret_argv)
{
        _cleanup_strv_ char **argv = NULL;
        const char *path;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "(sasbttttuii)");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'r', "sasbttttuii");
        if (r <= 0)
                return r;
        r = sd_bus_message_read(m, "s", &path);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &argv);
        if (r < 0)
                return r;
        *ret_path = strdup(path);
        if (!*ret_path)
                return -ENOMEM;

        *ret_argv = TAKE_PTR(argv);
        return 1;
}

static int get(sd_bus *bus, const char *object, const char *property, const char *type, sd_bus_message **ret,
               Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_get_property(bus, BUS_SYSTEMD1, object, SERVICE_INTERFACE, property, &error, ret, type);
        return r < 0 ? bus_failure(failure, r, &error, "get the unit's command") : 0;
}

int systemd1_unit_command(sd_bus *bus, const char *unit, UnitCommand *ret, Failure *failure)
{
        _cleanup_message_ sd_bus_message *command = NULL, *environment = NULL;
        _cleanup_(unit_command_done) UnitCommand c = { 0 };
        _cleanup_free_ char *object = NULL;
        int r;

        r = systemd1_unit_object(bus, unit, &object, failure);
        if (r >= 0)
                r = get(bus, object, "ExecStart", "a(sasbttttuii)", &command, failure);
        if (r >= 0)
                r = get(bus, object, "Environment", "as", &environment, failure);
        if (r < 0)
                return r;

        r = read_command(command, &c.path, &c.argv);
        if (r == 0)
                return failure_set(failure, -ENOENT, "There is no unit %s", unit);
        if (r >= 0)
                r = sd_bus_message_read_strv(environment, &c.environment);
        if (r < 0)
                return failure_set(failure, r, "Failed to get the command of %s: the reply cannot be read: %m", unit);

        *ret = c;
        c = (UnitCommand) { 0 };
        return 0;
}

void unit_command_done(UnitCommand *c)
{
        free(c->path);
        strv_free(c->argv);
        strv_free(c->environment);
        *c = (UnitCommand) { 0 };
}
