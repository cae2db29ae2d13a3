/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets properties of a unit and restores them (see unit-change.h): one SetUnitProperties a property, so that the refused one
 * is known, all sent at once. The supervisor, as root. Silent.
 */

#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/systemd1.h"
#include "bus/unit-change.h"
#include "bus/unit-drop-ins.h"
#include "bus/unit-property.h"
#include "util/strv.h"

typedef struct Call {
        BusCall bus;
        const char *property;           /* its name; static */
} Call;

struct UnitChange {
        sd_bus *bus;            /* until all calls are answered */
        char *unit;
        const UnitProperty *const *properties;  /* the caller's, n of them */
        size_t n;
        Call *reads;            /* one for each name */
        size_t n_reads;
        Call *sets;             /* one for each property */
        size_t n_sets;
        char **files;           /* drop-ins that this change creates */
};

static void calls_free(Call *calls, size_t n)
{
        for (size_t i = 0; i < n; i++)
                bus_call_done(&calls[i].bus);
        free(calls);
}

static int calls_wait(sd_bus *bus, const BusWait *wait, const Call *calls, size_t n)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = bus_wait(bus, wait, &calls[i].bus.done, UINT64_MAX);
        return r;
}

/* Records systemd's error message, after prefix. */
static int call_failure(const Call *call, const char *prefix, Failure *failure)
{
        const sd_bus_error *error = bus_call_error(&call->bus);
        int r = bus_failure(NULL, -sd_bus_message_get_errno(call->bus.reply), error, call->property);

        return failure_set(failure, r, "%s%s", prefix, error->message ? error->message : error->name);
}

/* ---- messages --------------------------------------------------------------------------------------------------- */

/* A SetUnitProperties message with its array open. */
static int set_begin(sd_bus *bus, const char *unit, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER,
                                           "SetUnitProperties");
        if (r >= 0)
                r = sd_bus_message_append(m, "sb", unit, /* runtime= */ true);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

static int set_send(sd_bus *bus, sd_bus_message *m, Call *call)
{
        int r = sd_bus_message_close_container(m);

        return r < 0 ? r : bus_call_send(bus, m, 0, &call->bus);
}

static int set(sd_bus *bus, const char *unit, const UnitProperty *p, Call *call)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        call->property = p->name;
        r = set_begin(bus, unit, &m);
        if (r >= 0)
                r = unit_property_append(m, p);
        return r < 0 ? r : set_send(bus, m, call);
}

/* Assigning a list adds to it, but an empty list clears it. */
static int append_empty(sd_bus_message *m, const char *property, const char *type)
{
        int r;

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', property);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', type);
        if (r >= 0)
                r = type[0] == 'a' ? sd_bus_message_open_container(m, 'a', type + 1) :
                                     sd_bus_message_append(m, type, /* an allow list: */ true, 0);
        if (r >= 0 && type[0] == 'a')
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Sets the value that `before` has read. */
static int restore_one(sd_bus *bus, const char *unit, const Call *before, Call *call)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        const char *type;
        int r;

        call->property = before->property;
        r = sd_bus_message_rewind(before->bus.reply, true);
        if (r >= 0)
                r = sd_bus_message_peek_type(before->bus.reply, NULL, &type);
        if (r >= 0)
                r = set_begin(bus, unit, &m);
        if (r >= 0 && strcmp(type, "ay") != 0 && (type[0] == 'a' || type[0] == '('))
                r = append_empty(m, before->property, type);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', before->property);
        if (r >= 0)
                r = sd_bus_message_copy(m, before->bus.reply, /* all= */ false);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : set_send(bus, m, call);
}

/* ---- change and undo --------------------------------------------------------------------------------------------- */

static bool is_read(const UnitChange *c, const char *property)
{
        for (size_t i = 0; i < c->n_reads; i++)
                if (strcmp(c->reads[i].property, property) == 0)
                        return true;
        return false;
}

/* systemd handles calls in order: each property is read before it is set. */
static int send_all(UnitChange *c, const BusWait *wait)
{
        int r = bus_flush(c->bus, wait);

        for (size_t i = 0; r >= 0 && i < c->n; i++) {
                if (!is_read(c, c->properties[i]->read_name)) {
                        c->reads[c->n_reads].property = c->properties[i]->read_name;
                        r = systemd1_get_send(c->bus, c->unit, c->properties[i]->read_name, &c->reads[c->n_reads].bus);
                        if (r < 0)
                                return r;
                        c->n_reads++;
                }
                /* Counted once it is sent: counted calls are waited for. */
                r = set(c->bus, c->unit, c->properties[i], &c->sets[c->n_sets]);
                if (r < 0)
                        return r;
                c->n_sets++;
        }
        return r < 0 ? r : bus_flush(c->bus, wait);
}

int unit_change_new(sd_bus *bus, const char *unit, const UnitProperty *const *properties, size_t n, UnitChange **ret,
                    Failure *failure)
{
        _cleanup_(unit_change_freep) UnitChange *c = calloc(1, sizeof(UnitChange));
        int r;

        if (!c)
                return failure_set(failure, -ENOMEM, "Out of memory");
        c->bus = sd_bus_ref(bus);
        c->properties = properties;
        c->n = n;
        c->unit = strdup(unit);
        c->reads = calloc(n, sizeof(Call));
        c->sets = calloc(n, sizeof(Call));
        if (!c->unit || !c->reads || !c->sets || unit_drop_ins_list("", unit, properties, n, &c->files) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");

        r = unit_drop_ins_note("", unit, c->files, failure);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

int unit_change_send(UnitChange *c, const BusWait *wait, Failure *failure)
{
        int r = send_all(c, wait);

        return r < 0 ? failure_set(failure, r, "Failed to change the properties of %s: %m", c->unit) : 0;
}

int unit_change_finish(UnitChange *c, const BusWait *wait, size_t *ret_refused, Failure *failure)
{
        int r;

        r = calls_wait(c->bus, wait, c->reads, c->n_reads);
        if (r >= 0)
                r = calls_wait(c->bus, wait, c->sets, c->n_sets);
        if (r < 0)
                return failure_set(failure, r, "Failed to change the properties of %s: %m", c->unit);
        c->bus = sd_bus_unref(c->bus);

        for (size_t i = 0; i < c->n_sets; i++)
                if (bus_call_error(&c->sets[i].bus)) {
                        *ret_refused = i;
                        return call_failure(&c->sets[i], "", failure);
                }
        *ret_refused = c->n_sets;
        return 0;
}

static int restore(const UnitChange *c, sd_bus *bus, const BusWait *wait, Failure *failure)
{
        Call *calls = calloc(c->n_reads, sizeof(Call));
        char prefix[512];
        size_t n = 0;
        int r = 0;

        if (!calls)
                return failure_set(failure, -ENOMEM, "Out of memory");
        /* A property that could not be read is unknown to this systemd. */
        for (size_t i = 0; r >= 0 && i < c->n_reads; i++)
                if (c->reads[i].bus.reply && !bus_call_error(&c->reads[i].bus))
                        r = restore_one(bus, c->unit, &c->reads[i], &calls[n++]);
        if (r >= 0)
                r = calls_wait(bus, wait, calls, n);
        if (r < 0)
                (void) failure_set(failure, r, "Failed to restore the properties of %s: %m", c->unit);
        (void) snprintf(prefix, sizeof(prefix), "Failed to restore the properties of %s: ", c->unit);
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (bus_call_error(&calls[i].bus))
                        r = call_failure(&calls[i], prefix, failure);
        calls_free(calls, n);
        return r;
}

int unit_change_undo(UnitChange *c, sd_bus *bus, const BusWait *wait, Failure *failure)
{
        int r = 0, q;

        /* A start that failed before unit_change_finish(). */
        if (c->bus) {
                (void) calls_wait(c->bus, wait, c->reads, c->n_reads);
                (void) calls_wait(c->bus, wait, c->sets, c->n_sets);
                c->bus = sd_bus_unref(c->bus);
        }
        if (bus)
                r = restore(c, bus, wait, failure);
        /* Restoring has written the drop-ins again. */
        q = unit_drop_ins_remove("", c->unit, c->files, r < 0 ? NULL : failure);
        return r < 0 ? r : q;
}

UnitChange *unit_change_free(UnitChange *c)
{
        if (!c)
                return NULL;
        calls_free(c->reads, c->n_reads);
        calls_free(c->sets, c->n_sets);
        sd_bus_unref(c->bus);
        strv_free(c->files);
        free(c->unit);
        free(c);
        return NULL;
}

int unit_change_undo_left(const char *unit, Failure *failure)
{
        _cleanup_strv_ char **files = NULL;
        int r;

        r = unit_drop_ins_noted("", unit, &files, failure);
        if (r <= 0)
                return r;
        r = unit_drop_ins_remove("", unit, files, failure);
        return r < 0 ? r : 1;
}
