/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The methods of a machine's control socket (see control.h). The supervisor, as root of the host with few capabilities. Each
 * method is a row in the table at the end; its parameters were checked before it runs.
 */

#include <string.h>
#include <unistd.h>

#include "config/settings-table.h"
#include "config/values.h"
#include "control/descriptions.h"
#include "run/control.h"
#include "run/machine-storage.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/strv.h"

#define NOT_CONNECTED "io.systemd.MachineInstance.NotConnected"
#define NOT_SUPPORTED "io.systemd.MachineInstance.NotSupported"

struct MachineControl {
        Machine *machine;
        const ControlActions *actions;
        void *userdata;                 /* of the actions */
        ControlService service;
        ControlServer *server;
        MachineStorage *storage;
};

static const char *state_of(const MachineControl *c)
{
        return c->actions->state(c->userdata);
}

/* ---- what is done to the machine -------------------------------------------------------------------------------- */

static int power_off(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        MachineControl *c = userdata;
        int r = c->actions->power_off(c->userdata, failure);

        if (r >= 0)
                control_reply(call);
        return r;
}

static int reboot(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        MachineControl *c = userdata;
        int r;

        if (strcmp(state_of(c), "stopping") == 0) {
                control_reply_error(call, NOT_CONNECTED, NULL, NULL);
                return 0;
        }
        r = c->actions->reboot(c->userdata, failure);
        if (r == -EOPNOTSUPP) {
                control_reply_error(call, NOT_SUPPORTED, NULL, NULL);
                return 0;
        }
        if (r >= 0)
                control_reply(call);
        return r;
}

static int terminate(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        MachineControl *c = userdata;

        c->actions->terminate(c->userdata);
        control_reply(call);
        return 0;
}

static int set_paused(ControlCall *call, MachineControl *c, bool on, Failure *failure)
{
        int r;

        if (strcmp(state_of(c), "stopping") == 0) {
                control_reply_error(call, NOT_CONNECTED, NULL, NULL);
                return 0;
        }
        r = c->actions->pause(c->userdata, on, failure);
        if (r >= 0)
                control_reply(call);
        return r;
}

static int pause_machine(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        return set_paused(call, userdata, true, failure);
}

static int resume(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        return set_paused(call, userdata, false, failure);
}

static int not_supported(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        control_reply_error(call, NOT_SUPPORTED, NULL, NULL);
        return 0;
}

static int storage(ControlCall *call, MachineControl *c, const JsonNode *parameters, Failure *failure,
                   int (*method)(MachineStorage *, ControlCall *, const JsonNode *, Failure *))
{
        if (strcmp(state_of(c), "stopping") == 0) {
                control_reply_error(call, NOT_CONNECTED, NULL, NULL);
                return 0;
        }
        return method(c->storage, call, parameters, failure);
}

static int add_storage(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        return storage(call, userdata, parameters, failure, machine_storage_add);
}

static int remove_storage(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        return storage(call, userdata, parameters, failure, machine_storage_remove);
}

/* ---- its ports --------------------------------------------------------------------------------------------------- */

/* "tcp:80:8080", as in Port=. */
static int parse_ports(const JsonNode *list, Settings *s, Failure *failure)
{
        const SettingRow *row = settings_table_row(SETTING_PORT);
        char reason[SETTING_REASON_MAX] = "";
        int r = 0;

        JSON_FOREACH(port, list) {
                r = row->parse(row, port->string, (Source) {}, s, reason);
                if (r < 0)
                        return failure_set(failure, r, "%s: %s", port->string, *reason ? reason : strerror(-r));
        }
        return 0;
}

static int set_ports(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        MachineControl *c = userdata;
        PortSockets sockets = { control_call_take_fd(call, 0), control_call_take_fd(call, 1) };
        _cleanup_(settings_done) Settings s;
        int r;

        settings_init(&s);
        if (sockets.rtnl < 0 || sockets.events < 0)
                r = failure_set(failure, -EINVAL, "The descriptors of two netlink sockets are missing");
        else
                r = parse_ports(json_member(parameters, "ports"), &s, failure);
        if (r >= 0)
                r = c->actions->set_ports(c->userdata, s.ports, s.n_ports, &sockets, failure);
        port_sockets_close(&sockets);
        if (r >= 0)
                control_reply(call);
        return r;
}

/* ---- its links --------------------------------------------------------------------------------------------------- */

static int change_link(ControlCall *call, const JsonNode *parameters, MachineControl *c, bool add, Failure *failure)
{
        const char *key = json_member_string(parameters, "setting");
        const SettingRow *row = settings_table_find_key("Network", key);
        int fds[2] = { control_call_take_fd(call, 0), control_call_take_fd(call, 1) };
        int r;

        if (!row || (row->parse != value_interfaces && row->id != SETTING_VIRTUAL_ETHERNET && row->id != SETTING_BRIDGE))
                r = failure_set(failure, -EINVAL, "%s=: not a setting of links", key);
        else if (fds[0] < 0 || fds[1] < 0)
                r = failure_set(failure, -EINVAL, "The descriptors of a netlink socket and a network namespace are missing");
        else
                r = c->actions->change_link(c->userdata, add, row->id, json_member_string(parameters, "value"), fds, failure);
        fd_close(fds[0]);
        fd_close(fds[1]);
        if (r >= 0)
                control_reply(call);
        return r;
}

static int add_link(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        return change_link(call, parameters, userdata, /* add= */ true, failure);
}

static int remove_link(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        return change_link(call, parameters, userdata, /* add= */ false, failure);
}

/* ---- its console ------------------------------------------------------------------------------------------------ */

static void attach(MachineControl *c, int fd, ConsoleViewerMode mode, const char *early, size_t n)
{
        if (machine_console_attach(c->actions->console(c->userdata), fd, mode, early, n) < 0)
                fd_close(fd);
}

static void attach_reading(int fd, const char *early, size_t n, void *userdata)
{
        attach(userdata, fd, CONSOLE_VIEWER_READS, early, n);
}

static void attach_typing(int fd, const char *early, size_t n, void *userdata)
{
        attach(userdata, fd, CONSOLE_VIEWER_TYPES, early, n);
}

static void attach_taking(int fd, const char *early, size_t n, void *userdata)
{
        attach(userdata, fd, CONSOLE_VIEWER_TAKES, early, n);
}

static int attach_console(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        MachineControl *c = userdata;

        if (!c->actions->console(c->userdata))
                return failure_set(failure, -ENOTTY, "The machine has no console (--console=pipe)");
        control_reply_upgrade(call, json_member_bool(parameters, "readOnly") ? attach_reading :
                                    json_member_bool(parameters, "take")    ? attach_taking :
                                                                               attach_typing, c);
        return 0;
}

/* ---- what it is ------------------------------------------------------------------------------------------------- */

static int describe_instance(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        const MachineControl *c = userdata;
        const char *state = state_of(c);
        Json *j;
        int r = control_reply_begin(&j, failure);

        if (r < 0)
                return r;
        json_put_bool(j, "running", strcmp(state, "paused") != 0 && strcmp(state, "stopping") != 0);
        json_put_string(j, "status", state);
        control_reply_send(call, j);
        return 0;
}

static int describe(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        const MachineControl *c = userdata;
        const Machine *m = c->machine;
        Json *j;
        int r = control_reply_begin(&j, failure);

        if (r < 0)
                return r;
        json_put_string(j, "name", m->name);
        json_put_string(j, "state", state_of(c));
        json_put_number(j, "leader", m->child.leader.pid);
        json_put_number(j, "supervisor", getpid());
        json_put_string(j, "init", init_flavour_name(m->plan.init));
        json_put_bool(j, "booted", m->plan.start_mode == START_BOOT);
        json_put_string(j, "unit", m->cgroup.unit_path ? strrchr(m->cgroup.unit_path, '/') + 1 : NULL);
        json_put_string(j, "root", m->image.path);
        json_put_number(j, "startedUSec", (int64_t) m->started_usec);
        control_reply_send(call, j);
        return 0;
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

/* The last event ends the call. */
static void send_answer(ControlCall *call, Json *j, bool last)
{
        if (last)
                control_reply_send(call, j);
        else
                control_reply_send_more(call, j);
}

static int send_event(ControlCall *call, const MachineControl *c, const char *event, bool last, Failure *failure)
{
        Json *j;
        int r = control_reply_begin(&j, failure);

        if (r < 0)
                return r;
        json_put_string(j, "event", event);
        json_put_string(j, "state", state_of(c));
        json_put_number(j, "usec", (int64_t) clock_usec(CLOCK_REALTIME));
        send_answer(call, j, last);
        return 0;
}

static int send_instance_event(ControlCall *call, const char *event, bool last, Failure *failure)
{
        char **filter = control_call_data(call);
        Json *j;
        int r;

        if (filter && !strv_contains(filter, event) && !last)
                return 0;
        r = control_reply_begin(&j, failure);
        if (r < 0)
                return r;
        json_put_string(j, "event", event);
        send_answer(call, j, last);
        return 0;
}

static int subscribe(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        return send_event(call, userdata, "subscribed", /* last= */ false, failure);
}

static void free_strings(void *data)
{
        strv_free(data);
}

/* READY comes whatever is in the filter: it tells that no later event is missed. */
static int subscribe_instance(ControlCall *call, const JsonNode *parameters, void *userdata, Failure *failure)
{
        const JsonNode *names = json_member(parameters, "filter");
        _cleanup_strv_ char **filter = NULL;
        int r = send_instance_event(call, "READY", /* last= */ false, failure);

        if (names && names->kind == JSON_NODE_ARRAY) {
                filter = calloc(1, sizeof(char *));
                if (!filter)
                        return -ENOMEM;
                JSON_FOREACH(name, names)
                        if (strv_extend(&filter, name->string) < 0)
                                return -ENOMEM;
                control_call_set_data(call, TAKE_PTR(filter), free_strings);
        }
        return r;
}

typedef struct Event {
        const MachineControl *control;
        const char *name;
        bool last;
} Event;

static void tell(ControlCall *call, void *userdata)
{
        const Event *e = userdata;

        (void) send_event(call, e->control, e->name, e->last, NULL);
}

static void tell_instance(ControlCall *call, void *userdata)
{
        const Event *e = userdata;

        (void) send_instance_event(call, e->name, e->last, NULL);
}

static void tell_all(MachineControl *c, const char *event, bool last)
{
        Event e = { c, event, last };

        if (!c)
                return;
        control_server_each_call(c->server, subscribe, tell, &e);
        control_server_each_call(c->server, subscribe_instance, tell_instance, &e);
}

void machine_control_event(MachineControl *c, const char *event)
{
        tell_all(c, event, /* last= */ false);
}

void machine_control_end(MachineControl *c, const char *event)
{
        tell_all(c, event, /* last= */ true);
}

/* ---- the tables ------------------------------------------------------------------------------------------------- */

#define INSTANCE "io.systemd.MachineInstance"
#define MACHINE "io.box.Machine"

static const ControlMethod methods[] = {
        { INSTANCE ".Terminate", terminate, 0, {} },
        { INSTANCE ".PowerOff", power_off, 0, {} },
        { INSTANCE ".Reboot", reboot, 0, {} },
        { INSTANCE ".Pause", pause_machine, 0, {} },
        { INSTANCE ".Resume", resume, 0, {} },
        { INSTANCE ".Describe", describe_instance, CONTROL_ANY_USER, {} },
        { INSTANCE ".SubscribeEvents", subscribe_instance, CONTROL_ANY_USER | CONTROL_MORE, {
                { "filter", JSON_NODE_ARRAY, true },
        } },
        { INSTANCE ".AddStorage", add_storage, 0, {
                { "fileDescriptorIndex", JSON_NODE_NUMBER, false },
                { "name", JSON_NODE_STRING, false },
                { "config", JSON_NODE_STRING, true },
        } },
        { INSTANCE ".RemoveStorage", remove_storage, 0, { { "name", JSON_NODE_STRING, false } } },
        { INSTANCE ".ReplaceStorage", not_supported, 0, {
                { "fileDescriptorIndex", JSON_NODE_NUMBER, false },
                { "name", JSON_NODE_STRING, false },
        } },
        { MACHINE ".Describe", describe, CONTROL_ANY_USER, {} },
        { MACHINE ".AttachConsole", attach_console, CONTROL_UPGRADE, {
                { "readOnly", JSON_NODE_BOOL, true },
                { "take", JSON_NODE_BOOL, true },
        } },
        { MACHINE ".AddLink", add_link, 0, {
                { "setting", JSON_NODE_STRING, false },
                { "value", JSON_NODE_STRING, false },
        } },
        { MACHINE ".RemoveLink", remove_link, 0, {
                { "setting", JSON_NODE_STRING, false },
                { "value", JSON_NODE_STRING, false },
        } },
        { MACHINE ".SetPorts", set_ports, 0, { { "ports", JSON_NODE_ARRAY, false } } },
        { MACHINE ".Subscribe", subscribe, CONTROL_ANY_USER | CONTROL_MORE, {} },
};

static const ControlInterface interfaces[] = {
        { INSTANCE, description_io_systemd_MachineInstance },
        { MACHINE, description_io_box_Machine },
};

const ControlService machine_control_service = {
        .methods = methods, .n_methods = ARRAY_SIZE(methods),
        .interfaces = interfaces, .n_interfaces = ARRAY_SIZE(interfaces),
};

static void idle(void *userdata)
{
        const MachineControl *c = userdata;

        c->actions->idle(c->userdata);
}

int machine_control_new(Machine *m, sd_event *event, const ControlActions *actions, void *userdata, MachineControl **ret)
{
        MachineControl *c;
        int r;

        *ret = NULL;
        if (m->control_fd < 0)
                return 0;
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (MachineControl) { .machine = m, .actions = actions, .userdata = userdata, .service = machine_control_service };
        c->service.userdata = c;
        c->service.idle = idle;
        r = machine_storage_new(m, event, &c->storage);
        if (r >= 0)
                r = control_server_new(event, m->control_fd, &c->service, &c->server);
        if (r < 0) {
                (void) machine_storage_free(c->storage);
                free(c);
                return r;
        }
        *ret = c;
        return 0;
}

MachineControl *machine_control_free(MachineControl *c)
{
        if (c) {
                (void) machine_storage_free(c->storage);
                (void) control_server_free(c->server);
        }
        free(c);
        return NULL;
}
