/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Why systemd did not start a unit, or why it has failed, other than by its main process (see systemd1.h): from the results that
 * systemd keeps of conditions, commands and dependencies. Runs in boxctl with its caller's rights. Silent.
 */

#include <signal.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/systemd1.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"

#define UNIT_INTERFACE "org.freedesktop.systemd1.Unit"
#define SERVICE_INTERFACE "org.freedesktop.systemd1.Service"

static int get(sd_bus *bus, const char *unit, const char *interface, const char *property, const char *type,
               sd_bus_message **ret)
{
        _cleanup_free_ char *path = systemd1_unit_path(unit);

        return path ? sd_bus_get_property(bus, BUS_SYSTEMD1, path, interface, property, NULL, ret, type) : -ENOMEM;
}

/* a(sbbsi): the setting, whether it is one of several alternatives, whether it is negated, its value, and the result. */
static int failed_check(sd_bus *bus, const char *unit, const char *property, char **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const char *name, *value;
        int32_t result;
        int either, negated, r;

        r = get(bus, unit, UNIT_INTERFACE, property, "a(sbbsi)", &m);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(sbbsi)");
        while (r >= 0 && (r = sd_bus_message_read(m, "(sbbsi)", &name, &either, &negated, &value, &result)) > 0)
                if (result < 0)
                        return strf(ret, "%s=%s%s%s is not met", name, either ? "|" : "", negated ? "!" : "", value) < 0 ?
                                       -ENOMEM : 1;
        return r;
}

/* One of a(sasbttttuii): path, argv, whether its failure is ignored, four times, PID, CLD_… and status of its last run. 1: it has
 * failed; 0: not, or the end of the list (*ret_end). */
static int read_run(sd_bus_message *m, const char *property, bool *ret_end, char **ret)
{
        _cleanup_strv_ char **argv = NULL;
        _cleanup_free_ char *line = NULL;
        const char *path;
        uint32_t pid;
        int32_t code, status;
        int ignored, r;

        r = sd_bus_message_enter_container(m, 'r', "sasbttttuii");
        *ret_end = r <= 0;
        if (r <= 0)
                return r;
        r = sd_bus_message_read(m, "s", &path);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &argv);
        if (r >= 0)
                r = sd_bus_message_read(m, "bttttuii", &ignored, NULL, NULL, NULL, NULL, &pid, &code, &status);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        if (ignored || pid == 0 || code == 0 || (code == CLD_EXITED && status == 0))
                return 0;

        STRV_FOREACH(word, argv) {
                char *longer;

                if (strf(&longer, "%s%s%s", line ?: "", line ? " " : "", *word) < 0)
                        return -ENOMEM;
                free(line);
                line = longer;
        }
        r = code == CLD_EXITED ? strf(ret, "%s=%s ended with exit status %d", property, line ?: path, status) :
                                 strf(ret, "%s=%s was ended by %s", property, line ?: path, signal_name(status));
        return r < 0 ? -ENOMEM : 1;
}

static int failed_command(sd_bus *bus, const char *unit, const char *property, char **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        bool end = false;
        int r;

        r = get(bus, unit, SERVICE_INTERFACE, property, "a(sasbttttuii)", &m);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "(sasbttttuii)");
        while (r >= 0 && !end) {
                r = read_run(m, property, &end, ret);
                if (r > 0)
                        return r;
        }
        return r < 0 ? r : 0;
}

static int failed_dependency(sd_bus *bus, const char *unit, const char *property, char **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        _cleanup_strv_ char **units = NULL;
        int r;

        r = get(bus, unit, UNIT_INTERFACE, property, "as", &m);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &units);
        if (r < 0)
                return r;
        STRV_FOREACH(u, units) {
                _cleanup_(unit_info_done) UnitInfo info = { 0 };

                if (systemd1_unit_info(bus, *u, &info, NULL) < 0 || strcmp(info.active_state, "active") == 0)
                        continue;
                if (strcmp(info.active_state, "failed") == 0)
                        return strf(ret, "%s, which it requires, has failed: %s", *u, info.result) < 0 ? -ENOMEM : 1;
                if (strcmp(info.load_state, "loaded") != 0)
                        return strf(ret, "%s, which it requires, cannot be loaded: %s", *u, info.load_state) < 0 ? -ENOMEM : 1;
        }
        return 0;
}

int systemd1_unit_reason(sd_bus *bus, const char *unit, UnitReason kind, char **ret)
{
        static const struct {
                int (*find)(sd_bus *bus, const char *unit, const char *property, char **ret);
                const char *properties[4];
        } places[] = {
                [UNIT_REASON_CONDITION] = { failed_check, { "Conditions" } },
                [UNIT_REASON_ASSERT] = { failed_check, { "Asserts" } },
                [UNIT_REASON_COMMAND] = { failed_command, { "ExecCondition", "ExecStartPre", "ExecStartPost" } },
                [UNIT_REASON_DEPENDENCY] = { failed_dependency, { "Requires", "BindsTo", "Requisite" } },
        };
        int r = 0;

        for (const char *const *p = places[kind].properties; r == 0 && *p; p++)
                r = places[kind].find(bus, unit, *p, ret);
        return r;
}
