/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One GetAll, one loop, a table of fields (see properties.h). Any process that has the bus; no privilege; silent. The
 * values come from systemd and machined, which are trusted; texts in them (a unit's StatusText) may be a payload's and
 * are made fit for a terminal where they are printed.
 */

#include <string.h>

#include "bus/bus.h"
#include "bus/properties.h"

static const char *const kind_types[] = {
        [PROPERTY_STRING] = "s",
        [PROPERTY_U32]    = "u",
        [PROPERTY_I32]    = "i",
        [PROPERTY_U64]    = "t",
        [PROPERTY_ID128]  = "ay",
        [PROPERTY_INTS]   = "ai",
};

static int read_string(sd_bus_message *m, const char *type, char **field)
{
        const char *s;
        char *copy;
        int r;

        r = sd_bus_message_read_basic(m, type[0], &s);
        if (r < 0)
                return r;
        copy = strdup(s);
        if (!copy)
                return -ENOMEM;

        free(*field);
        *field = copy;
        return 0;
}

static int read_array(sd_bus_message *m, PropertyKind kind, void *field)
{
        const void *data;
        size_t size;
        int r;

        r = sd_bus_message_read_array(m, kind == PROPERTY_ID128 ? 'y' : 'i', &data, &size);
        if (r < 0)
                return r;

        if (kind == PROPERTY_ID128) {
                if (size == 16)
                        memcpy(field, data, size);
                return 0;
        }

        IntArray *a = field;
        int *copy = NULL;

        if (size > 0) {
                copy = malloc(size);
                if (!copy)
                        return -ENOMEM;
                memcpy(copy, data, size);
        }
        free(a->values);
        *a = (IntArray) { copy, size / sizeof(int) };
        return 0;
}

/* The message stands before a variant. */
static int read_field(sd_bus_message *m, const PropertyField *f, void *base)
{
        const char *want = kind_types[f->kind], *contents;
        void *field = (char *) base + f->offset;
        int r;

        r = sd_bus_message_peek_type(m, NULL, &contents);
        if (r < 0)
                return r;
        if (f->kind == PROPERTY_STRING && strcmp(contents, "o") == 0)
                want = "o";
        if (strcmp(contents, want) != 0)
                return sd_bus_message_skip(m, "v");

        r = sd_bus_message_enter_container(m, 'v', want);
        if (r < 0)
                return r;
        if (f->kind == PROPERTY_STRING)
                r = read_string(m, want, field);
        else if (f->kind == PROPERTY_ID128 || f->kind == PROPERTY_INTS)
                r = read_array(m, f->kind, field);
        else
                r = sd_bus_message_read_basic(m, want[0], field);
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(m);
}

static int read_all(sd_bus_message *m, const PropertyField *fields, size_t n_fields, void *base)
{
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const PropertyField *field = NULL;
                const char *name;

                r = sd_bus_message_read_basic(m, 's', &name);
                if (r < 0)
                        return r;
                for (size_t i = 0; i < n_fields; i++)
                        if (strcmp(fields[i].name, name) == 0)
                                field = fields + i;

                r = field ? read_field(m, field, base) : sd_bus_message_skip(m, "v");
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }

        return r;
}

int bus_properties_get(sd_bus *bus, const char *destination, const char *path, const PropertyField *fields,
                       size_t n_fields, void *base, const char *what, Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_call_method(bus, destination, path, "org.freedesktop.DBus.Properties", "GetAll", &error, &reply,
                               "s", /* every interface: */ "");
        if (r < 0)
                return bus_failure(failure, r, &error, what);

        r = read_all(reply, fields, n_fields, base);
        if (r < 0)
                return failure_set(failure, r, "Failed to %s: the reply cannot be read: %m", what);
        return 0;
}
