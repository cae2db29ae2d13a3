/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls of the service manager (see systemd1.h; jobs: systemd1-job.c). Runs in boxctl with its caller's rights (systemd and
 * polkit decide what is allowed), and in the supervisor as root. Silent.
 */

#include <string.h>

#include "bus/bus.h"
#include "bus/properties.h"
#include "bus/systemd1.h"
#include "util/print.h"
#include "util/strv.h"

static int call_manager(sd_bus *bus, sd_bus_message *m, const char *what, sd_bus_message **ret, Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call(bus, m, 0, &error, ret);
        return r < 0 ? bus_failure(failure, r, &error, what) : 0;
}

static int new_call(sd_bus *bus, const char *method, sd_bus_message **ret, Failure *failure)
{
        int r;

        r = sd_bus_message_new_method_call(bus, ret, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, method);
        return r < 0 ? failure_set(failure, r, "Failed to call systemd's %s: %m", method) : 0;
}

int systemd1_unit_object(sd_bus *bus, const char *unit, char **ret, Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *path;
        int r;

        r = sd_bus_call_method(bus, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "LoadUnit", &error,
                               &reply, "s", unit);
        if (r < 0)
                return bus_failure(failure, r, &error, "look the unit up");
        r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return failure_set(failure, r, "Failed to look the unit up: %m");

        *ret = strdup(path);
        return *ret ? 0 : failure_set(failure, -ENOMEM, "Failed to look the unit up: %m");
}

/* The i-th string field; NULL: no more. */
static char **unit_info_string(UnitInfo *u, size_t i)
{
        char **strings[] = { &u->id, &u->description, &u->load_state, &u->active_state, &u->sub_state, &u->result,
                             &u->status_text, &u->unit_file_state, &u->control_group };

        return i < ARRAY_SIZE(strings) ? strings[i] : NULL;
}

int systemd1_unit_info(sd_bus *bus, const char *unit, UnitInfo *ret, Failure *failure)
{
        static const PropertyField fields[] = {
                { "Id",                   PROPERTY_STRING, offsetof(UnitInfo, id) },
                { "Description",          PROPERTY_STRING, offsetof(UnitInfo, description) },
                { "LoadState",            PROPERTY_STRING, offsetof(UnitInfo, load_state) },
                { "ActiveState",          PROPERTY_STRING, offsetof(UnitInfo, active_state) },
                { "SubState",             PROPERTY_STRING, offsetof(UnitInfo, sub_state) },
                { "Result",               PROPERTY_STRING, offsetof(UnitInfo, result) },
                { "StatusText",           PROPERTY_STRING, offsetof(UnitInfo, status_text) },
                { "UnitFileState",        PROPERTY_STRING, offsetof(UnitInfo, unit_file_state) },
                { "ControlGroup",         PROPERTY_STRING, offsetof(UnitInfo, control_group) },
                { "InvocationID",         PROPERTY_ID128,  offsetof(UnitInfo, invocation_id) },
                { "MainPID",              PROPERTY_U32,    offsetof(UnitInfo, main_pid) },
                { "Job",                  PROPERTY_JOB,    offsetof(UnitInfo, job) },
                { "ExecMainCode",         PROPERTY_I32,    offsetof(UnitInfo, exec_main_code) },
                { "ExecMainStatus",       PROPERTY_I32,    offsetof(UnitInfo, exec_main_status) },
                { "StatusErrno",          PROPERTY_I32,    offsetof(UnitInfo, status_errno) },
                { "ActiveEnterTimestamp", PROPERTY_U64,    offsetof(UnitInfo, active_enter_usec) },
                { "MemoryCurrent",        PROPERTY_U64,    offsetof(UnitInfo, memory_current) },
                { "CPUUsageNSec",         PROPERTY_U64,    offsetof(UnitInfo, cpu_usage_nsec) },
                { "TasksCurrent",         PROPERTY_U64,    offsetof(UnitInfo, tasks_current) },
                { "TasksMax",             PROPERTY_U64,    offsetof(UnitInfo, tasks_max) },
        };
        UnitInfo u = { .memory_current = UINT64_MAX, .cpu_usage_nsec = UINT64_MAX, .tasks_current = UINT64_MAX,
                       .tasks_max = UINT64_MAX };
        _cleanup_free_ char *path = NULL;
        char **s;
        int r;

        r = systemd1_unit_object(bus, unit, &path, failure);
        if (r >= 0)
                r = bus_properties_get(bus, BUS_SYSTEMD1, path, fields, ARRAY_SIZE(fields), &u, "get the unit's properties",
                                       failure);
        for (size_t i = 0; r >= 0 && (s = unit_info_string(&u, i)); i++)
                if (!*s && !(*s = strdup("")))
                        r = failure_set(failure, -ENOMEM, "Failed to get the unit's properties: %m");
        if (r < 0) {
                unit_info_done(&u);
                return r;
        }

        *ret = u;
        return 0;
}

void unit_info_done(UnitInfo *u)
{
        char **s;

        for (size_t i = 0; (s = unit_info_string(u, i)); i++)
                free(*s);
        *u = (UnitInfo) { 0 };
}

/* 1: a change was read; 0: end of the list. */
static int append_change(sd_bus_message *m, char ***list)
{
        const char *type, *path, *source;
        char *line;
        int r;

        r = sd_bus_message_read(m, "(sss)", &type, &path, &source);
        if (r <= 0)
                return r;

        if (strcmp(type, "symlink") == 0)
                r = strf(&line, "Created symlink %s → %s.", path, source);
        else if (strcmp(type, "unlink") == 0)
                r = strf(&line, "Removed \"%s\".", path);
        else
                return 1;       /* "masked", "dangling" …: no change */
        if (r >= 0)
                r = strv_consume(list, line);
        return r < 0 ? r : 1;
}

/* systemd reads all unit files before it replies, which takes minutes on a large host. The same limit as systemctl's. */
#define RELOAD_USEC (UINT64_C(180) * 1000 * 1000)

int systemd1_reload(sd_bus *bus, const BusWait *wait, Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "Reload", &m, failure);
        if (r < 0)
                return r;
        r = bus_call(bus, wait, m, RELOAD_USEC, &error, NULL);
        return r < 0 ? bus_failure(failure, r, &error, "make systemd reload its units") : 0;
}

char *systemd1_unit_path(const char *unit)
{
        char *path;

        return sd_bus_path_encode(BUS_SYSTEMD1_PATH "/unit", unit, &path) < 0 ? NULL : path;
}

char *systemd1_unit_interface(const char *unit)
{
        const char *suffix = strrchr(unit, '.');
        char *interface;

        if (strf(&interface, "org.freedesktop.systemd1.%s", suffix ? suffix + 1 : unit) < 0)
                return NULL;
        if (suffix)
                interface[strlen(interface) - strlen(suffix + 1)] ^= 'a' ^ 'A';
        return interface;
}

static int get_send(sd_bus *bus, const char *path, const char *interface, const char *property, BusCall *call)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_SYSTEMD1, path, "org.freedesktop.DBus.Properties", "Get");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", interface, property);
        return r < 0 ? r : bus_call_send(bus, m, 0, call);
}

int systemd1_get_send(sd_bus *bus, const char *unit, const char *property, BusCall *call)
{
        _cleanup_free_ char *path = systemd1_unit_path(unit), *interface = systemd1_unit_interface(unit);

        return path && interface ? get_send(bus, path, interface, property, call) : -ENOMEM;
}

int systemd1_get_unit_send(sd_bus *bus, const char *unit, const char *property, BusCall *call)
{
        _cleanup_free_ char *path = systemd1_unit_path(unit);

        return path ? get_send(bus, path, "org.freedesktop.systemd1.Unit", property, call) : -ENOMEM;
}

int systemd1_property_type(sd_bus *bus, const BusWait *wait, const char *property, bool any, char **ret, Failure *failure)
{
        static const char *const interfaces[] = { "org.freedesktop.systemd1.Scope", "org.freedesktop.systemd1.Unit" };
        _cleanup_free_ char *path = systemd1_unit_path("init.scope");   /* which every host has */
        int r = path ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < (any ? 2 : 1); i++) {
                _cleanup_(bus_call_done) BusCall call = {};
                const char *type;

                r = get_send(bus, path, interfaces[i], property, &call);
                if (r >= 0)
                        r = bus_wait(bus, wait, &call.done, UINT64_MAX);
                if (r < 0)
                        break;
                if (!bus_call_error(&call)) {
                        r = sd_bus_message_peek_type(call.reply, NULL, &type);
                        return r >= 0 && (*ret = strdup(type)) ? 1 :
                               failure_set(failure, r < 0 ? r : -ENOMEM, "Failed to ask for the type of %s: %m", property);
                }
                if (!sd_bus_error_has_name(bus_call_error(&call), SD_BUS_ERROR_UNKNOWN_PROPERTY))
                        return bus_failure(failure, -sd_bus_message_get_errno(call.reply), bus_call_error(&call),
                                           "ask for the type of a property");
        }
        return r < 0 ? failure_set(failure, r, "Failed to ask for the type of %s: %m", property) : 0;
}

int systemd1_unit_restricts_devices(sd_bus *bus, const BusWait *wait, const char *unit, bool *ret, Failure *failure)
{
        static const char what[] = "ask for the unit's device policy";
        _cleanup_(bus_call_done) BusCall policy = {}, allowed = {};
        const char *text;
        int r;

        r = systemd1_get_send(bus, unit, "DevicePolicy", &policy);
        if (r >= 0)
                r = systemd1_get_send(bus, unit, "DeviceAllow", &allowed);
        if (r >= 0)
                r = bus_wait(bus, wait, &policy.done, UINT64_MAX);
        if (r >= 0)
                r = bus_wait(bus, wait, &allowed.done, UINT64_MAX);
        for (BusCall *c = &policy; r >= 0 && c; c = c == &policy ? &allowed : NULL)
                if (bus_call_error(c))
                        return bus_failure(failure, -sd_bus_message_get_errno(c->reply), bus_call_error(c), what);
        if (r >= 0)
                r = sd_bus_message_read(policy.reply, "v", "s", &text);
        if (r >= 0)
                r = sd_bus_message_enter_container(allowed.reply, 'v', "a(ss)");
        if (r >= 0)
                r = sd_bus_message_enter_container(allowed.reply, 'a', "(ss)");
        if (r >= 0)
                r = sd_bus_message_at_end(allowed.reply, /* complete= */ false);
        if (r < 0)
                return failure_set(failure, r, "Failed to %s: %m", what);

        /* "auto" without any DeviceAllow= allows all devices. */
        *ret = strcmp(text, "auto") != 0 || r == 0;
        return 0;
}

int systemd1_enable(sd_bus *bus, char *const *units, bool enable, char ***ret_changes, Failure *failure)
{
        const char *what = enable ? "enable the unit" : "disable the unit";
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_strv_ char **changes = NULL;
        int r;

        r = new_call(bus, enable ? "EnableUnitFiles" : "DisableUnitFiles", &m, failure);
        if (r < 0)
                return r;
        r = sd_bus_message_append_strv(m, (char **) units);
        if (r >= 0)
                r = enable ? sd_bus_message_append(m, "bb", /* runtime= */ false, /* force= */ false) :
                             sd_bus_message_append(m, "b", /* runtime= */ false);
        if (r < 0)
                return failure_set(failure, r, "Failed to %s: %m", what);
        r = call_manager(bus, m, what, &reply, failure);
        if (r < 0)
                return r;
        if (enable)
                r = sd_bus_message_skip(reply, "b");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(sss)");
        while (r > 0)
                r = append_change(reply, &changes);
        if (r < 0)
                return failure_set(failure, r, "Failed to %s: the reply cannot be read: %m", what);

        r = systemd1_reload(bus, NULL, failure);
        if (r < 0)
                return r;

        *ret_changes = TAKE_PTR(changes);
        return 0;
}

int systemd1_freeze_unit(sd_bus *bus, const char *unit, bool freeze, Failure *failure)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, freeze ? "FreezeUnit" : "ThawUnit", &m, failure);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", unit);
        if (r < 0)
                return failure_set(failure, r, "Failed to freeze or thaw the unit: %m");
        return call_manager(bus, m, freeze ? "freeze the unit" : "thaw the unit", NULL, failure);
}

int systemd1_kill_unit(sd_bus *bus, const char *unit, const char *whom, int sig, Failure *failure)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "KillUnit", &m, failure);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ssi", unit, whom, (int32_t) sig);
        if (r < 0)
                return failure_set(failure, r, "Failed to signal the unit: %m");
        return call_manager(bus, m, "signal the unit", NULL, failure);
}

int systemd1_reset_failed(sd_bus *bus, const char *unit, Failure *failure)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "ResetFailedUnit", &m, failure);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", unit);
        return r < 0 ? r : call_manager(bus, m, "reset the unit", NULL, failure);
}

void unit_rows_free(UnitRow *rows, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(rows[i].name);
                free(rows[i].active_state);
        }
        free(rows);
}

static int read_rows(sd_bus_message *m, UnitRow **rows, size_t *n)
{
        const char *name, *active;
        int r = sd_bus_message_enter_container(m, 'a', "(ssssssouso)");

        while (r >= 0 && (r = sd_bus_message_read(m, "(ssssssouso)", &name, NULL, NULL, &active, NULL, NULL, NULL, NULL, NULL,
                                                  NULL)) > 0) {
                UnitRow row = { .name = strdup(name), .active_state = strdup(active) };

                r = row.name && row.active_state ? array_move(rows, n, &row, sizeof(row)) : -ENOMEM;
                if (r < 0) {
                        free(row.name);
                        free(row.active_state);
                }
        }
        return r;
}

int systemd1_list_units(sd_bus *bus, const char *state, const char *pattern, UnitRow **ret, size_t *ret_n, Failure *failure)
{
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        UnitRow *rows = NULL;
        size_t n = 0;
        int r;

        r = new_call(bus, "ListUnitsByPatterns", &m, failure);
        if (r < 0)
                return r;
        r = state ? sd_bus_message_append(m, "as", 1, state) : sd_bus_message_append(m, "as", 0);
        if (r >= 0)
                r = sd_bus_message_append(m, "as", 1, pattern);
        if (r < 0)
                return failure_set(failure, r, "Failed to list units: %m");
        r = call_manager(bus, m, "list units", &reply, failure);
        if (r < 0)
                return r;
        r = read_rows(reply, &rows, &n);
        if (r < 0) {
                unit_rows_free(rows, n);
                return failure_set(failure, r, "Failed to list units: %m");
        }
        *ret = rows;
        *ret_n = n;
        return 0;
}
