/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The command and the environment of a loaded unit, drop-ins and specifiers applied (see systemd1.h). Runs in boxctl with its
 * caller's rights. Silent.
 */

#include <string.h>

#include "bus/bus.h"
#include "bus/systemd1.h"
#include "util/print.h"
#include "util/strv.h"

#define SERVICE_INTERFACE "org.freedesktop.systemd1.Service"

static int get(sd_bus *bus, const char *object, const char *interface, const char *property, const char *type,
               sd_bus_message **ret, Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_get_property(bus, BUS_SYSTEMD1, object, interface, property, &error, ret, type);
        return r < 0 ? bus_failure(failure, r, &error, "get the unit's command") : 0;
}

/* Reads the first of ExecStartEx's a(sasasttttuii): path, argv, flags, and the result of the last run. -ENOENT: there is none. */
static int read_command(sd_bus *bus, const char *object, UnitCommand *c, Failure *failure)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        _cleanup_strv_ char **flags = NULL;
        const char *path;
        int r;

        r = get(bus, object, SERVICE_INTERFACE, "ExecStartEx", "a(sasasttttuii)", &m, failure);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(sasasttttuii)");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'r', "sasasttttuii");
        if (r <= 0)
                return r < 0 ? r : -ENOENT;
        r = sd_bus_message_read(m, "s", &path);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &c->argv);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &flags);
        if (r < 0)
                return r;
        c->has_variables = !strv_contains(flags, "no-env-expand");
        return free_and_strdup(&c->path, path);
}

/* Adds the entries of an array, or those of an environment, which replace others of the same name. */
static int read_words(sd_bus *bus, const char *object, const char *interface, const char *property, bool is_environment,
                      char ***ret, Failure *failure)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        _cleanup_strv_ char **words = NULL;
        int r;

        r = get(bus, object, interface, property, "as", &m, failure);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &words);
        STRV_FOREACH(w, words) {
                const char *equals = is_environment ? strchr(*w, '=') : NULL;
                _cleanup_free_ char *name = equals ? strndup(*w, (size_t) (equals - *w)) : NULL;

                if (r >= 0)
                        r = !equals ? strv_extend(ret, *w) : name ? strv_env_set(ret, name, equals + 1) : -ENOMEM;
        }
        return r;
}

/* a(sb): a pattern, and whether nothing need match it. */
static int read_files(sd_bus *bus, const char *object, char ***ret, Failure *failure)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const char *path;
        int optional, r;

        r = get(bus, object, SERVICE_INTERFACE, "EnvironmentFiles", "a(sb)", &m, failure);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(sb)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(sb)", &path, &optional)) > 0) {
                char *text = NULL;

                r = strf(&text, "%s%s", optional ? "-" : "", path);
                if (r >= 0)
                        r = strv_consume(ret, text);
        }
        return r;
}

/* Records the reason of a unit without a command. */
static int no_command(sd_bus *bus, const char *unit, const char *object, Failure *failure)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        _cleanup_(unit_info_done) UnitInfo info = { 0 };
        const char *error = NULL;

        if (systemd1_unit_info(bus, unit, &info, NULL) < 0 || strcmp(info.load_state, "not-found") == 0)
                return failure_set(failure, -ENOENT, "There is no unit %s", unit);
        if (strcmp(info.load_state, "masked") == 0)
                return failure_set(failure, -ERFKILL, "The unit %s is masked; to undo that: systemctl unmask %s", unit, unit);
        if (sd_bus_get_property(bus, BUS_SYSTEMD1, object, "org.freedesktop.systemd1.Unit", "LoadError", NULL, &m,
                                "(ss)") >= 0)
                (void) sd_bus_message_read(m, "(ss)", NULL, &error);
        return failure_set(failure, -ENOEXEC, "The unit %s cannot be started: %s", unit,
                           error && *error ? error : info.load_state);
}

int systemd1_unit_command(sd_bus *bus, const char *unit, UnitCommand *ret, Failure *failure)
{
        _cleanup_(unit_command_done) UnitCommand c = { 0 };
        _cleanup_free_ char *object = NULL;
        Failure why = { 0 };
        int r;

        r = systemd1_unit_object(bus, unit, &object, failure);
        if (r < 0)
                return r;
        r = read_command(bus, object, &c, &why);
        if (r == -ENOENT)
                return no_command(bus, unit, object, failure);
        if (r >= 0)
                r = read_words(bus, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "Environment", true, &c.environment, &why);
        if (r >= 0)
                r = read_words(bus, object, SERVICE_INTERFACE, "Environment", true, &c.environment, &why);
        if (r >= 0)
                r = read_files(bus, object, &c.environment_files, &why);
        if (r >= 0)
                r = read_words(bus, object, SERVICE_INTERFACE, "UnsetEnvironment", false, &c.unset, &why);
        if (r < 0)
                return why.error < 0 ? failure_set(failure, why.error, "%s", why.text) :
                       failure_set(failure, r, "Failed to get the command of %s: the reply cannot be read: %m", unit);

        *ret = c;
        c = (UnitCommand) { 0 };
        return 0;
}

void unit_command_done(UnitCommand *c)
{
        free(c->path);
        strv_free(c->argv);
        strv_free(c->environment);
        strv_free(c->environment_files);
        strv_free(c->unset);
        *c = (UnitCommand) { 0 };
}
