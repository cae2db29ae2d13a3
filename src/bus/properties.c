/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses the reply of Properties.GetAll (see properties.h). Any process that has the bus; no privilege; silent. systemd and
 * machined are trusted, but strings in their values (a unit's StatusText) may come from a payload: the caller escapes them
 * before printing.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus.h"
#include "bus/properties.h"
#include "util/print.h"
#include "util/strv.h"

static const char *const kind_types[] = {
        [PROPERTY_STRING] = "s",
        [PROPERTY_U32]    = "u",
        [PROPERTY_I32]    = "i",
        [PROPERTY_U64]    = "t",
        [PROPERTY_ID128]  = "ay",
        [PROPERTY_INTS]   = "ai",
        [PROPERTY_JOB]    = "(uo)",
};

static int read_string(sd_bus_message *m, const char *type, char **field)
{
        const char *s;
        int r;

        r = sd_bus_message_read_basic(m, type[0], &s);
        if (r < 0)
                return r;
        free(*field);
        *field = strdup(s);
        return *field ? 0 : -ENOMEM;
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

/* Reads the variant that is next in the message. */
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
        else if (f->kind == PROPERTY_JOB)
                r = sd_bus_message_read(m, "(uo)", (uint32_t *) field, NULL);
        else
                r = sd_bus_message_read_basic(m, want[0], field);
        return r < 0 ? r : sd_bus_message_exit_container(m);
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
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }

        return r;
}

static int get_all(sd_bus *bus, const char *destination, const char *path, const char *what, sd_bus_message **ret,
                   Failure *failure)
{
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(bus, destination, path, "org.freedesktop.DBus.Properties", "GetAll", &error, ret, "s",
                               /* all interfaces: */ "");
        return r < 0 ? bus_failure(failure, r, &error, what) : 0;
}

int bus_properties_get(sd_bus *bus, const char *destination, const char *path, const PropertyField *fields,
                       size_t n_fields, void *base, const char *what, Failure *failure)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = get_all(bus, destination, path, what, &reply, failure);
        if (r < 0)
                return r;
        r = read_all(reply, fields, n_fields, base);
        return r < 0 ? failure_set(failure, r, "Failed to %s: the reply cannot be read: %m", what) : 0;
}

/* ---- as text -------------------------------------------------------------------------------------------------- */

/* Bytes in hexadecimal, or integers in decimal. */
static int array_text(sd_bus_message *m, char type, char **ret)
{
        _cleanup_memory_stream_ MemoryStream stream = { 0 };
        FILE *f = memory_stream_open(&stream);
        const void *data;
        size_t size;
        int r;

        if (!f)
                return -ENOMEM;
        r = sd_bus_message_read_array(m, type, &data, &size);
        if (r < 0)
                return r;
        for (size_t i = 0; type == 'y' && i < size; i++)
                fprintf(f, "%02x", ((const uint8_t *) data)[i]);
        for (size_t i = 0; type == 'i' && i < size / sizeof(int32_t); i++)
                fprintf(f, "%s%" PRIi32, i > 0 ? " " : "", ((const int32_t *) data)[i]);
        *ret = memory_stream_take(&stream);
        return *ret ? 0 : -ENOMEM;
}

static int basic_text(sd_bus_message *m, char type, char **ret)
{
        union {
                const char *s;
                uint32_t u;
                int32_t i;
                uint64_t t;
                int b;
        } v;
        int r;

        r = sd_bus_message_read_basic(m, type, &v);
        if (r < 0)
                return r;
        switch (type) {
        case 's':
        case 'o':
                return strf(ret, "%s", v.s);
        case 'u':
                return strf(ret, "%" PRIu32, v.u);
        case 'i':
                return strf(ret, "%" PRIi32, v.i);
        case 't':
                return strf(ret, "%" PRIu64, v.t);
        default:
                return strf(ret, "%s", v.b ? "yes" : "no");
        }
}

/* Reads the variant that is next in the message. *ret stays as it is if the type has no text. */
static int variant_text(sd_bus_message *m, bool all, char **ret)
{
        const char *type;
        int r;

        r = sd_bus_message_peek_type(m, NULL, &type);
        if (r < 0)
                return r;
        if (strcmp(type, "ay") != 0 && !(all && strcmp(type, "ai") == 0) && !(strchr("soitub", type[0]) && !type[1]))
                return sd_bus_message_skip(m, "v");

        r = sd_bus_message_enter_container(m, 'v', type);
        if (r >= 0)
                r = type[0] == 'a' ? array_text(m, type[1], ret) : basic_text(m, type[0], ret);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* 1: a property was read; 0: end of the list. */
static int append_property(sd_bus_message *m, bool all, char ***list)
{
        _cleanup_free_ char *value = NULL;
        const char *name;
        char *entry;
        int r;

        r = sd_bus_message_enter_container(m, 'e', "sv");
        if (r <= 0)
                return r;
        r = sd_bus_message_read_basic(m, 's', &name);
        if (r >= 0)
                r = variant_text(m, all, &value);
        if (r >= 0 && value) {
                r = strf(&entry, "%s=%s", name, value);
                if (r >= 0)
                        r = strv_consume(list, entry);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : 1;
}

int bus_properties_text(sd_bus *bus, const char *destination, const char *path, bool all, char ***ret,
                        const char *what, Failure *failure)
{
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_strv_ char **list = NULL;
        int r;

        r = get_all(bus, destination, path, what, &reply, failure);
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "{sv}");
        while (r > 0)
                r = append_property(reply, all, &list);
        if (r < 0)
                return failure_set(failure, r, "Failed to %s: the reply cannot be read: %m", what);

        *ret = TAKE_PTR(list);
        return 0;
}
