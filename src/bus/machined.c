/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls of systemd-machined (see machined.h), each with the parser of its reply. Runs in boxctl with its caller's rights
 * (machined and polkit decide what is allowed), and in the supervisor as root. Silent.
 *
 * Strings in replies may come from the payload (os-release): the caller escapes them before printing.
 */

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "bus/machined-call.h"
#include "bus/machined.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"

/* A stop does not wait longer for a machined that hangs. */
#define UNREGISTER_USEC (5 * USEC_PER_SEC)

int machined_failure(Failure *failure, int r, const sd_bus_error *error, const char *what)
{
        /* The bus asks systemd to start machined's unit, and forwards systemd's error. A masked dbus alias of the unit is
         * reported as FileExists. The bus gives up after 25 s: TimedOut, unlike Timeout and NoReply of a machined that hangs. */
        static const char *const not_activated[] = {
                "org.freedesktop.systemd1.NoSuchUnit", "org.freedesktop.systemd1.UnitMasked",
                "org.freedesktop.systemd1.LoadFailed", "org.freedesktop.systemd1.BadUnitSetting",
                "org.freedesktop.DBus.Error.FileExists", "org.freedesktop.DBus.Error.TimedOut",
        };
        static const char spawn[] = "org.freedesktop.DBus.Error.Spawn.";
        const char *name = error ? error->name : NULL;
        bool missing = name && strncmp(name, spawn, sizeof(spawn) - 1) == 0;

        for (size_t i = 0; name && i < ARRAY_SIZE(not_activated); i++)
                missing = missing || strcmp(name, not_activated[i]) == 0;
        return missing ? failure_set(failure, -ENOSYS, "Failed to %s: %s", what, error->message ?: name) :
                         bus_failure(failure, r, error, what);
}

/* Calls a method of the manager. ret may be NULL. */
static int call_manager(sd_bus *bus, const char *method, const char *what, sd_bus_message **ret, Failure *failure,
                        const char *types, ...)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        va_list ap;
        int r;

        va_start(ap, types);
        r = sd_bus_call_methodv(bus, BUS_MACHINE1, BUS_MACHINE1_PATH, BUS_MACHINE1_MANAGER, method, &error, ret, types, ap);
        va_end(ap);
        return r < 0 ? machined_failure(failure, r, &error, what) : 0;
}

/* A machined that does not run knows no machines, and must not be started for this: it may be on its way down with us. */
static int unregister_message(sd_bus *bus, const char *name, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_MACHINE1, BUS_MACHINE1_PATH, BUS_MACHINE1_MANAGER, "UnregisterMachine");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, false);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

int machined_unregister(sd_bus *bus, const char *name, Failure *failure)
{
        static const char what[] = "unregister the machine";
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *m = NULL;
        Failure f = { 0 };
        int r;

        r = unregister_message(bus, name, &m);
        if (r < 0)
                return failure_set(failure, r, "Failed to %s: %m", what);
        r = bus_call(bus, NULL, m, UNREGISTER_USEC, &error, NULL);
        if (r >= 0)
                return 0;
        r = machined_failure(&f, r, &error, what);
        return r == -ENXIO || r == -ENOSYS ? 0 : failure_set(failure, r, "%s", f.text);
}

int machined_unregister_send(sd_bus *bus, const char *name)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = unregister_message(bus, name, &m);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, false);
        if (r >= 0)
                r = sd_bus_send(bus, m, NULL);
        return r < 0 ? r : sd_bus_flush(bus);
}

static int append_row(sd_bus_message *m, MachineRow **rows, size_t *n)
{
        const char *name, *class, *service, *path;
        MachineRow *row;
        int r;

        r = sd_bus_message_read(m, "(ssso)", &name, &class, &service, &path);
        if (r <= 0)
                return r;
        row = array_append(rows, n, sizeof(MachineRow));
        if (!row)
                return -ENOMEM;

        row->name = strdup(name);
        row->class = strdup(class);
        row->service = strdup(service);
        row->path = strdup(path);
        return row->name && row->class && row->service && row->path ? 1 : -ENOMEM;
}

int machined_list(sd_bus *bus, MachineRow **ret, size_t *ret_n, Failure *failure)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        MachineRow *rows = NULL;
        size_t n = 0;
        int r;

        r = call_manager(bus, "ListMachines", "list machines", &reply, failure, NULL);
        if (r < 0)
                return r;

        r = sd_bus_message_enter_container(reply, 'a', "(ssso)");
        while (r > 0)
                r = append_row(reply, &rows, &n);
        if (r < 0) {
                machine_rows_free(rows, n);
                return failure_set(failure, r, "Failed to list machines: the reply cannot be read: %m");
        }

        *ret = rows;
        *ret_n = n;
        return 0;
}

void machine_rows_free(MachineRow *rows, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                free(rows[i].name);
                free(rows[i].class);
                free(rows[i].service);
                free(rows[i].path);
        }
        free(rows);
}

int machined_kill(sd_bus *bus, const char *name, const char *whom, int sig, Failure *failure)
{
        return call_manager(bus, "KillMachine", "signal the machine", NULL, failure, "ssi", name, whom, (int32_t) sig);
}

int machined_terminate(sd_bus *bus, const char *name, Failure *failure)
{
        return call_manager(bus, "TerminateMachine", "terminate the machine", NULL, failure, "s", name);
}

int machined_copy(sd_bus *bus, const char *name, const char *from, const char *to, bool to_machine, bool replace,
                  Failure *failure)
{
        int r;

        (void) sd_bus_set_method_call_timeout(bus, UINT64_MAX);
        r = call_manager(bus, to_machine ? "CopyToMachineWithFlags" : "CopyFromMachineWithFlags", "copy", NULL, failure, "ssst",
                         name, from, to, (uint64_t) replace);
        (void) sd_bus_set_method_call_timeout(bus, 0);
        return r;
}

/* Reply "hs": the pty's master belongs to the message; the caller gets a copy. */
static int take_pty(sd_bus_message *reply, int *ret_pty, Failure *failure)
{
        int r, fd;

        r = sd_bus_message_read(reply, "hs", &fd, NULL);
        if (r < 0)
                return failure_set(failure, r, "Failed to read machined's reply: %m");
        fd = RET_ERRNO(fcntl(fd, F_DUPFD_CLOEXEC, 3));
        if (fd < 0)
                return failure_set(failure, fd, "Failed to duplicate the terminal's descriptor: %m");

        *ret_pty = fd;
        return 0;
}

int machined_open_login(sd_bus *bus, const char *name, int *ret_pty, Failure *failure)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r = call_manager(bus, "OpenMachineLogin", "get a login terminal", &reply, failure, "s", name);

        return r < 0 ? r : take_pty(reply, ret_pty, failure);
}

int machined_open_pty(sd_bus *bus, const char *name, int *ret_pty, Failure *failure)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r = call_manager(bus, "OpenMachinePTY", "get a terminal", &reply, failure, "s", name);

        return r < 0 ? r : take_pty(reply, ret_pty, failure);
}

int machined_open_shell(sd_bus *bus, const char *name, const char *user, const char *path, char *const *argv,
                        char *const *env, int *ret_pty, Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_MACHINE1, BUS_MACHINE1_PATH, BUS_MACHINE1_MANAGER,
                                           "OpenMachineShell");
        if (r >= 0)
                r = sd_bus_message_append(m, "sss", name, user ?: "", path ?: "");
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) argv);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) env);
        if (r < 0)
                return failure_set(failure, r, "Failed to ask for a shell: %m");
        r = sd_bus_call(bus, m, 0, &error, &reply);
        if (r < 0)
                return machined_failure(failure, r, &error, "get a shell");
        return take_pty(reply, ret_pty, failure);
}

int machined_on_removed(sd_bus *bus, sd_bus_message_handler_t handler, void *userdata, sd_bus_slot **ret,
                        Failure *failure)
{
        int r;

        r = sd_bus_match_signal(bus, ret, BUS_MACHINE1, BUS_MACHINE1_PATH, BUS_MACHINE1_MANAGER, "MachineRemoved",
                                handler, userdata);
        return r < 0 ? failure_set(failure, r, "Failed to watch machined's signals: %m") : 0;
}

/* 1: an address was read; 0: end of the list. */
static int append_address(sd_bus_message *m, int ifindex, char ***list)
{
        char text[INET6_ADDRSTRLEN + 16];
        const void *bytes;
        size_t size;
        int family, r;

        r = sd_bus_message_enter_container(m, 'r', "iay");
        if (r <= 0)
                return r;
        r = sd_bus_message_read_basic(m, 'i', &family);
        if (r >= 0)
                r = sd_bus_message_read_array(m, 'y', &bytes, &size);
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        if ((family != AF_INET || size != 4) && (family != AF_INET6 || size != 16))
                return 1;
        if (!inet_ntop(family, bytes, text, sizeof(text)))
                return -errno;
        if (family == AF_INET6 && ifindex > 0)
                (void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "%%%d", ifindex);
        r = strv_extend(list, text);
        return r < 0 ? r : 1;
}

int machined_addresses(sd_bus *bus, const char *name, int ifindex, char ***ret, Failure *failure)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_strv_ char **list = NULL;
        Failure f = { 0 };
        int r;

        r = call_manager(bus, "GetMachineAddresses", "get the machine's addresses", &reply, &f, "s", name);
        if (r == -ENONET) {             /* NoPrivateNetworking */
                *ret = NULL;
                return 0;
        }
        if (r < 0)
                return failure_set(failure, r, "%s", f.text);

        r = sd_bus_message_enter_container(reply, 'a', "(iay)");
        while (r > 0)
                r = append_address(reply, ifindex, &list);
        if (r < 0)
                return failure_set(failure, r, "Failed to get the machine's addresses: %m");

        *ret = TAKE_PTR(list);
        return 0;
}

static int append_os_field(sd_bus_message *m, char ***list)
{
        const char *key, *value;
        char *entry;
        int r;

        r = sd_bus_message_read(m, "{ss}", &key, &value);
        if (r <= 0)
                return r;
        if (strf(&entry, "%s=%s", key, value) < 0)
                return -ENOMEM;
        r = strv_consume(list, entry);
        return r < 0 ? r : 1;
}

int machined_os_release(sd_bus *bus, const char *name, char ***ret, Failure *failure)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_strv_ char **list = NULL;
        int r;

        r = call_manager(bus, "GetMachineOSRelease", "get the machine's os-release", &reply, failure, "s", name);
        if (r < 0)
                return r;

        r = sd_bus_message_enter_container(reply, 'a', "{ss}");
        while (r > 0)
                r = append_os_field(reply, &list);
        if (r < 0)
                return failure_set(failure, r, "Failed to get the machine's os-release: %m");

        *ret = TAKE_PTR(list);
        return 0;
}

static int machine_path(sd_bus *bus, const char *name, char **ret, Failure *failure)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        const char *path;
        int r;

        r = call_manager(bus, "GetMachine", "get the machine's properties", &reply, failure, "s", name);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return failure_set(failure, r, "Failed to get the machine's properties: %m");

        *ret = strdup(path);
        return *ret ? 0 : failure_set(failure, -ENOMEM, "Failed to get the machine's properties: %m");
}

int machined_properties(sd_bus *bus, const char *name, MachineProperties *ret, Failure *failure)
{
        static const PropertyField fields[] = {
                { "Name",               PROPERTY_STRING, offsetof(MachineProperties, name) },
                { "Service",            PROPERTY_STRING, offsetof(MachineProperties, service) },
                { "Unit",               PROPERTY_STRING, offsetof(MachineProperties, unit) },
                { "Class",              PROPERTY_STRING, offsetof(MachineProperties, class) },
                { "RootDirectory",      PROPERTY_STRING, offsetof(MachineProperties, root) },
                { "State",              PROPERTY_STRING, offsetof(MachineProperties, state) },
                { "Id",                 PROPERTY_ID128,  offsetof(MachineProperties, id) },
                { "Timestamp",          PROPERTY_U64,    offsetof(MachineProperties, timestamp) },
                { "TimestampMonotonic", PROPERTY_U64,    offsetof(MachineProperties, timestamp_monotonic) },
                { "Leader",             PROPERTY_U32,    offsetof(MachineProperties, leader) },
                { "NetworkInterfaces",  PROPERTY_INTS,   offsetof(MachineProperties, ifindices) },
        };
        _cleanup_free_ char *path = NULL;
        MachineProperties p = { 0 };
        int r;

        r = machine_path(bus, name, &path, failure);
        if (r >= 0)
                r = bus_properties_get(bus, BUS_MACHINE1, path, fields, ARRAY_SIZE(fields), &p,
                                       "get the machine's properties", failure);
        if (r < 0) {
                machine_properties_done(&p);
                return r;
        }

        *ret = p;
        return 0;
}

void machine_properties_done(MachineProperties *p)
{
        free(p->name);
        free(p->service);
        free(p->unit);
        free(p->class);
        free(p->root);
        free(p->state);
        free(p->ifindices.values);
        *p = (MachineProperties) { 0 };
}

int machined_properties_text(sd_bus *bus, const char *name, bool all, char ***ret, Failure *failure)
{
        _cleanup_free_ char *path = NULL;
        int r = name ? machine_path(bus, name, &path, failure) : 0;

        return r < 0 ? r : bus_properties_text(bus, BUS_MACHINE1, path ?: BUS_MACHINE1_PATH, all, ret,
                                               name ? "get the machine's properties" : "get machined's properties", failure);
}
