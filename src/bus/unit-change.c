/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets properties of a unit and restores them (see unit-change.h): by one SetUnitProperties for all, since systemd applies the
 * cgroup's settings and its BPF programs anew for each call. If it is refused, nothing is set, and one call a property tells
 * which are refused. The supervisor, as root. Silent.
 */

#include <string.h>

#include "bus/bus.h"
#include "bus/systemd1.h"
#include "bus/unit-change.h"
#include "bus/unit-drop-ins.h"
#include "bus/unit-property.h"
#include "util/strv.h"

typedef struct Call {
        BusCall bus;
        const char *property;           /* that is read; borrowed of the caller's properties */
} Call;

struct UnitChange {
        sd_bus *bus;            /* until all calls are answered */
        char *unit;
        const UnitProperty *const *properties;  /* the caller's, n of them */
        size_t n;
        Call *reads;            /* one for each name */
        size_t n_reads;
        Call set;               /* all properties */
        Call *single_sets;      /* one for each property; NULL: not needed */
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

/* systemd's message; NULL: it did as it was told. */
static const char *call_refusal(const Call *call)
{
        const sd_bus_error *error = call->bus.reply ? bus_call_error(&call->bus) : NULL;

        return !error ? NULL : error->message ? error->message : error->name;
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

static int set(sd_bus *bus, const char *unit, const UnitProperty *const *properties, size_t n, Call *call)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = set_begin(bus, unit, &m);
        if (r >= 0)
                r = unit_property_append_all(m, properties, n);
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

/* Appends the value that `before` has read. A property that could not be read is unknown to this systemd. */
static int append_before(sd_bus_message *m, const Call *before)
{
        const char *type;
        int r;

        if (!before->bus.reply || call_refusal(before))
                return 0;
        r = sd_bus_message_rewind(before->bus.reply, true);
        if (r >= 0)
                r = sd_bus_message_peek_type(before->bus.reply, NULL, &type);
        if (r >= 0 && strcmp(type, "ay") != 0 && (type[0] == 'a' || type[0] == '('))
                r = append_empty(m, before->property, type);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', before->property);
        if (r >= 0)
                r = sd_bus_message_copy(m, before->bus.reply, /* all= */ false);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int restore(sd_bus *bus, const char *unit, const Call *reads, size_t n, Call *call)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = set_begin(bus, unit, &m);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_before(m, &reads[i]);
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
                        /* Counted once it is sent: counted calls are waited for. */
                        c->n_reads++;
                }
        }
        if (r >= 0)
                r = set(c->bus, c->unit, c->properties, c->n, &c->set);
        return r < 0 ? r : bus_flush(c->bus, wait);
}

static int set_singly(UnitChange *c, const BusWait *wait)
{
        int r = 0;

        c->single_sets = calloc(c->n, sizeof(Call));
        if (!c->single_sets)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < c->n; i++)
                r = set(c->bus, c->unit, &c->properties[i], 1, &c->single_sets[i]);
        return r < 0 ? r : calls_wait(c->bus, wait, c->single_sets, c->n);
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
        if (!c->unit || !c->reads || unit_drop_ins_list("", unit, properties, n, &c->files) < 0)
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

int unit_change_finish(UnitChange *c, const BusWait *wait, Failure *failure)
{
        int r;

        r = calls_wait(c->bus, wait, c->reads, c->n_reads);
        if (r >= 0)
                r = calls_wait(c->bus, wait, &c->set, 1);
        if (r >= 0 && call_refusal(&c->set))
                r = set_singly(c, wait);
        if (r < 0)
                return failure_set(failure, r, "Failed to change the properties of %s: %m", c->unit);
        c->bus = sd_bus_unref(c->bus);
        return 0;
}

const char *unit_change_refusal(const UnitChange *c, size_t i)
{
        return c->single_sets ? call_refusal(&c->single_sets[i]) : NULL;
}

static int restore_all(const UnitChange *c, sd_bus *bus, const BusWait *wait, Failure *failure)
{
        Call *calls = calloc(1 + c->n_reads, sizeof(Call));
        const char *refusal = NULL;
        size_t n = 1;
        int r;

        if (!calls)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = restore(bus, c->unit, c->reads, c->n_reads, &calls[0]);
        if (r >= 0)
                r = calls_wait(bus, wait, calls, 1);
        /* Singly, so that one value that is refused does not keep the others. */
        for (size_t i = 0; r >= 0 && call_refusal(&calls[0]) && i < c->n_reads; i++)
                r = restore(bus, c->unit, &c->reads[i], 1, &calls[n++]);
        if (r >= 0)
                r = calls_wait(bus, wait, calls, n);
        if (r < 0)
                (void) failure_set(failure, r, "Failed to restore the properties of %s: %m", c->unit);
        for (size_t i = 1; r >= 0 && i < n; i++)
                refusal = refusal ?: call_refusal(&calls[i]);
        if (refusal)
                r = failure_set(failure, -EINVAL, "Failed to restore the properties of %s: %s", c->unit, refusal);
        calls_free(calls, 1 + c->n_reads);
        return r;
}

int unit_change_undo(UnitChange *c, sd_bus *bus, const BusWait *wait, Failure *failure)
{
        int r = 0, q;

        /* A start that failed before unit_change_finish(). */
        if (c->bus) {
                (void) calls_wait(c->bus, wait, c->reads, c->n_reads);
                if (c->set.bus.slot)
                        (void) calls_wait(c->bus, wait, &c->set, 1);
                c->bus = sd_bus_unref(c->bus);
        }
        if (bus)
                r = restore_all(c, bus, wait, failure);
        /* Restoring has written the drop-ins again. */
        q = unit_drop_ins_remove("", c->unit, c->files, r < 0 ? NULL : failure);
        return r < 0 ? r : q;
}

UnitChange *unit_change_free(UnitChange *c)
{
        if (!c)
                return NULL;
        calls_free(c->reads, c->n_reads);
        bus_call_done(&c->set.bus);
        if (c->single_sets)
                calls_free(c->single_sets, c->n);
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
