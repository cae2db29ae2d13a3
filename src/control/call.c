/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls on a control socket (see call.h): what may be called, by whom, with which parameters, and how it is answered. The
 * supervisor, without privilege of its own. The text comes from any user of the host.
 */

#include <stdio.h>
#include <string.h>

#include "control/call.h"
#include "control/descriptions.h"
#include "util/fd.h"
#include "util/print.h"

#define SERVICE "org.varlink.service"

enum { DEPTH_MAX = 32 };

/* Where jansson cannot be loaded, the only answer. */
static const char no_json[] = "{\"error\":\"" CONTROL_SYSTEM_ERROR "\",\"parameters\":{\"origin\":\"linux\",\"errno\":38,"
                              "\"errnoName\":\"ENOSYS\",\"message\":\"JSON needs libjansson.so.4, which is not installed\"}}";

/* ---- of a call -------------------------------------------------------------------------------------------------- */

uid_t control_call_uid(const ControlCall *c)
{
        return c->uid;
}

pid_t control_call_pid(const ControlCall *c)
{
        return c->pid;
}

int control_call_take_fd(ControlCall *c, int64_t index)
{
        return index < 0 || (uint64_t) index >= c->n_fds || c->fds[index] < 0 ? -ENXIO : TAKE_FD(c->fds[index]);
}

void control_call_set_data(ControlCall *c, void *data, void (*free_data)(void *data))
{
        c->data = data;
        c->free_data = free_data;
}

void *control_call_data(const ControlCall *c)
{
        return c->data;
}

void control_call_done(ControlCall *c)
{
        if (c->free_data)
                c->free_data(c->data);
        for (size_t i = 0; i < c->n_fds; i++)
                c->fds[i] = fd_close(c->fds[i]);
        c->n_fds = 0;
        c->data = NULL;
        c->free_data = NULL;
        c->method = NULL;
        c->more = c->oneway = c->upgrade = false;
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static int begin_message(const char *error, Json **ret, Failure *failure)
{
        Json *j;
        int r = json_new(&j, failure);

        if (r < 0)
                return r;
        json_begin_object(j, NULL);
        if (error)
                json_put_string(j, "error", error);
        json_begin_object(j, "parameters");
        *ret = j;
        return 0;
}

int control_reply_begin(Json **ret, Failure *failure)
{
        return begin_message(NULL, ret, failure);
}

static void send_text(ControlCall *c, const char *text, size_t size)
{
        char *copy = malloc(size + 1);

        if (copy) {
                memcpy(copy, text, size);
                copy[size] = 0;
        }
        c->send(c, copy, size + 1);
}

/* Without memory the owner is given NULL, and closes the connection. */
static void send_message(ControlCall *c, Json *j, bool continues)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);
        char *text;
        int r;

        json_end(j);
        if (continues)
                json_put_bool(j, "continues", true);
        json_end(j);
        r = f ? json_print(j, f, 0) : -ENOMEM;
        (void) json_free(j);
        text = r < 0 ? NULL : memory_stream_take(&m);
        if (c->oneway) {
                free(text);
                return;
        }
        /* The line end gives way to the NUL. */
        if (text)
                text[strlen(text) - 1] = 0;
        c->send(c, text, text ? strlen(text) + 1 : 0);
}

void control_reply_send(ControlCall *c, Json *j)
{
        send_message(c, j, false);
        control_call_done(c);
}

void control_reply_send_more(ControlCall *c, Json *j)
{
        send_message(c, j, true);
}

void control_reply(ControlCall *c)
{
        if (!c->oneway)
                send_text(c, "{\"parameters\":{}}", sizeof("{\"parameters\":{}}") - 1);
        control_call_done(c);
}

static void send_error(ControlCall *c, const char *error, void (*put)(Json *j, const void *userdata), const void *userdata)
{
        Json *j;

        if (begin_message(error, &j, NULL) < 0) {
                if (!c->oneway)
                        send_text(c, no_json, sizeof(no_json) - 1);
                control_call_done(c);
                return;
        }
        put(j, userdata);
        control_reply_send(c, j);
}

typedef struct Pair {
        const char *name, *value;
} Pair;

static void put_pair(Json *j, const void *userdata)
{
        const Pair *p = userdata;

        if (p->name)
                json_put_string(j, p->name, p->value);
}

void control_reply_error(ControlCall *c, const char *error, const char *parameter, const char *value)
{
        const Pair p = { parameter, value };

        send_error(c, error, put_pair, &p);
}

static void put_failure(Json *j, const void *userdata)
{
        const Failure *f = userdata;

        json_put_string(j, "origin", "linux");
        json_put_number(j, "errno", -f->error);
        json_put_string(j, "errnoName", strerrorname_np(-f->error));
        json_put_string(j, "message", *f->text ? f->text : strerror(-f->error));
}

void control_reply_failure(ControlCall *c, const Failure *failure)
{
        send_error(c, CONTROL_SYSTEM_ERROR, put_failure, failure);
}

void control_reply_upgrade(ControlCall *c, ControlUpgraded upgraded, void *userdata)
{
        c->upgraded = upgraded;
        c->upgraded_userdata = userdata;
        control_reply(c);
}

/* ---- org.varlink.service ---------------------------------------------------------------------------------------- */

static int get_info(ControlCall *c, const JsonNode *parameters, void *userdata, Failure *failure)
{
        const ControlService *service = userdata;
        Json *j;
        int r = control_reply_begin(&j, failure);

        if (r < 0)
                return r;
        json_put_string(j, "vendor", "box");
        json_put_string(j, "product", "box-run");
        json_put_string(j, "version", BOX_VERSION);
        json_put_string(j, "url", "");
        json_begin_array(j, "interfaces");
        json_put_string(j, NULL, SERVICE);
        for (size_t i = 0; i < service->n_interfaces; i++)
                json_put_string(j, NULL, service->interfaces[i].name);
        json_end(j);
        control_reply_send(c, j);
        return 0;
}

static int get_description(ControlCall *c, const JsonNode *parameters, void *userdata, Failure *failure)
{
        const char *name = json_member_string(parameters, "interface"), *description = NULL;
        const ControlService *service = userdata;
        Json *j;
        int r;

        if (strcmp(name, SERVICE) == 0)
                description = description_org_varlink_service;
        for (size_t i = 0; i < service->n_interfaces; i++)
                if (strcmp(service->interfaces[i].name, name) == 0)
                        description = service->interfaces[i].description;
        if (!description) {
                control_reply_error(c, CONTROL_INTERFACE_NOT_FOUND, "interface", name);
                return 0;
        }
        r = control_reply_begin(&j, failure);
        if (r < 0)
                return r;
        json_put_string(j, "description", description);
        control_reply_send(c, j);
        return 0;
}

static const ControlMethod service_methods[] = {
        { SERVICE ".GetInfo", get_info, CONTROL_ANY_USER, {} },
        { SERVICE ".GetInterfaceDescription", get_description, CONTROL_ANY_USER, { { "interface", JSON_NODE_STRING, false } } },
};

/* ---- the check -------------------------------------------------------------------------------------------------- */

static const ControlMethod *find_in(const ControlMethod *methods, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(methods[i].name, name) == 0)
                        return &methods[i];
        return NULL;
}

bool control_field_fits(const ControlField *f, const JsonNode *value)
{
        if (value->kind != f->kind || (f->kind == JSON_NODE_NUMBER && !value->integral))
                return false;
        if (f->kind == JSON_NODE_ARRAY)
                JSON_FOREACH(item, value)
                        if (item->kind != JSON_NODE_STRING)
                                return false;
        return true;
}

static const ControlField *find_field(const ControlMethod *m, const char *name)
{
        for (size_t i = 0; i < CONTROL_FIELDS_MAX && m->fields[i].name; i++)
                if (strcmp(m->fields[i].name, name) == 0)
                        return &m->fields[i];
        return NULL;
}

/* The name of the first parameter that is wrong, missing or unknown; NULL: all fit. */
static const char *wrong_parameter(const ControlMethod *m, const JsonNode *parameters)
{
        JSON_FOREACH(value, parameters) {
                const ControlField *f = find_field(m, value->key);

                if (!f || !(control_field_fits(f, value) || (f->optional && value->kind == JSON_NODE_NULL)))
                        return value->key;
        }
        for (size_t i = 0; i < CONTROL_FIELDS_MAX && m->fields[i].name; i++)
                if (!m->fields[i].optional && !json_member(parameters, m->fields[i].name))
                        return m->fields[i].name;
        return NULL;
}

static void run_method(ControlCall *c, const ControlMethod *m, const JsonNode *parameters, void *userdata)
{
        const char *wrong = wrong_parameter(m, parameters);
        Failure failure = {};

        if (!(m->flags & CONTROL_ANY_USER) && c->uid != 0)
                control_reply_error(c, CONTROL_PERMISSION_DENIED, NULL, NULL);
        else if (wrong)
                control_reply_error(c, CONTROL_INVALID_PARAMETER, "parameter", wrong);
        else if (m->flags & CONTROL_MORE && !c->more)
                control_reply_error(c, CONTROL_EXPECTED_MORE, NULL, NULL);
        else if (m->flags & CONTROL_UPGRADE && (!c->upgrade || c->oneway))
                control_reply_error(c, CONTROL_EXPECTED_UPGRADE, NULL, NULL);
        else {
                int r = m->run(c, parameters, userdata, &failure);

                if (r < 0) {
                        (void) failure_set(&failure, r, "%s", strerror(-r));
                        control_reply_failure(c, &failure);
                }
        }
}

/* Before jansson reads it, which descends by recursion and makes an object of each value: memory that the stack and the heap once
 * had, the process keeps. */
static bool is_excessive(const char *text, size_t size)
{
        bool in_string = false;
        unsigned n = 0;
        int depth = 0;

        for (size_t i = 0; i < size && depth <= DEPTH_MAX && n <= CONTROL_VALUES_MAX; i++)
                if (in_string && text[i] == '\\')
                        i++;
                else if (text[i] == '"')
                        in_string = !in_string;
                else if (!in_string) {
                        depth += (text[i] == '[' || text[i] == '{') - (text[i] == ']' || text[i] == '}');
                        n += text[i] == ',' || text[i] == '[' || text[i] == '{';
                }
        return depth > DEPTH_MAX || n > CONTROL_VALUES_MAX;
}

int control_call_run(ControlCall *c, const ControlService *service, const char *text, size_t size)
{
        static const ControlMethod unknown = { .name = "" };
        const JsonNode *root, *parameters;
        _cleanup_json_ Json *j = NULL;
        const ControlMethod *m;
        const char *name;
        int r;

        if (is_excessive(text, size))
                return -EBADMSG;
        r = json_read(text, size, CONTROL_VALUES_MAX, &j, NULL);
        if (r == -ENOSYS || r == -ENOMEM) {
                send_text(c, no_json, sizeof(no_json) - 1);
                control_call_done(c);
                return 0;
        }
        if (r < 0)
                return -EBADMSG;
        root = json_root(j);
        name = json_member_string(root, "method");
        parameters = json_member(root, "parameters");
        if (parameters && parameters->kind == JSON_NODE_NULL)
                parameters = NULL;
        if (!name || (parameters && parameters->kind != JSON_NODE_OBJECT))
                return -EBADMSG;

        c->more = json_member_bool(root, "more");
        c->oneway = json_member_bool(root, "oneway");
        c->upgrade = json_member_bool(root, "upgrade");
        m = find_in(service_methods, ARRAY_SIZE(service_methods), name);
        if (m) {
                c->method = m;
                run_method(c, m, parameters, (void *) service);
                return 0;
        }
        m = find_in(service->methods, service->n_methods, name);
        c->method = m ?: &unknown;
        if (m)
                run_method(c, m, parameters, service->userdata);
        else
                control_reply_error(c, CONTROL_METHOD_NOT_FOUND, "method", name);
        return 0;
}
