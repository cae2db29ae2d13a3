/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What all readers of config.json's sections are built with (see oci-parts.h): walking through objects by tables, and telling
 * what is wrong with its place. The supervisor, before anything is changed; pure. A bundle is made by some other program, out
 * of an image that anybody may have made.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/values.h"
#include "oci/oci-parts.h"
#include "util/strv.h"

void oci_bundle_done(OciBundle *b)
{
        free(b->path);
        free(b->config_path);
        free(b->root);
        assignments_done(&b->said);
        oci_settings_done(&b->extra);
        *b = (OciBundle) OCI_BUNDLE_NULL;
}

/* ---- saying things ---------------------------------------------------------------------------------------------- */

int oci_source(Oci *o, const JsonNode *at, Source *ret)
{
        _cleanup_free_ char *path = json_node_path(at), *text = NULL;
        const char *where;

        if (!path)
                return -ENOMEM;
        if (asprintf(&text, "%s%s%s", o->bundle->config_path, *path ? ": " : "", path) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        where = assignments_name(&o->bundle->said, text);
        if (!where)
                return -ENOMEM;
        *ret = (Source) { where, SOURCE_IN_DOCUMENT };
        return 0;
}

static int _printf_(4, 0) complain(Oci *o, const JsonNode *at, bool fatal, const char *format, va_list ap)
{
        _cleanup_free_ char *text = NULL;
        Source from;

        if (vasprintf(&text, format, ap) < 0) {
                text = NULL;
                return -ENOMEM;
        }
        if (oci_source(o, at, &from) < 0)
                return -ENOMEM;
        return fatal ? problem_error(o->problems, from, "%s", text) : problem_warning(o->problems, from, "%s", text);
}

int oci_error(Oci *o, const JsonNode *at, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = complain(o, at, /* fatal= */ true, format, ap);
        va_end(ap);
        return r;
}

int oci_warning(Oci *o, const JsonNode *at, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = complain(o, at, /* fatal= */ false, format, ap);
        va_end(ap);
        return r;
}

int oci_say(Oci *o, const JsonNode *at, const char *section, const char *name, const char *text)
{
        const SettingRow *row = section ? settings_table_find_key(section, name) : settings_table_find_option(name);
        Source from;

        /* An empty text would be the default again: nothing that a document says. */
        if (!*text)
                return oci_error(o, at, "is empty");
        if (oci_source(o, at, &from) < 0)
                return -ENOMEM;
        return assignments_add(&o->bundle->said, row, text, from);
}

int oci_say_format(Oci *o, const JsonNode *at, const char *section, const char *name, const char *format, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return oci_say(o, at, section, name, text);
}

char *oci_quote_words(const JsonNode *array)
{
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        for (size_t i = 0; i < array->n; i++) {
                if (i > 0)
                        fputc(' ', f);
                value_quote_word(f, array->items[i].string);
        }
        if (fclose(f) == 0)
                return text;
        free(text);
        return NULL;
}

/* ---- walking ------------------------------------------------------------------------------------------------------- */

bool oci_is_empty(const JsonNode *v)
{
        switch (v->kind) {
        case JSON_NODE_NULL:
                return true;
        case JSON_NODE_BOOL:
                return !v->boolean;
        case JSON_NODE_NUMBER:
                return v->real == 0;
        case JSON_NODE_STRING:
                return !*v->string;
        default:
                return v->n == 0;
        }
}

static const OciMember *find_member(const OciMember *members, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(members[i].name, name) == 0)
                        return &members[i];
        return NULL;
}

static int take_member(Oci *o, const JsonNode *value, const OciMember *m)
{
        if (value->kind == JSON_NODE_NULL)
                return 0;
        if (!m)
                return oci_warning(o, value, "is not known, ignored");
        if (value->kind != m->kind)
                return oci_error(o, value, "is not %s", json_kind_words(m->kind));

        switch (m->treat) {
        case OCI_READ:
                return m->read ? m->read(o, value) : 0;
        case OCI_WARN:
                return oci_is_empty(value) ? 0 : oci_warning(o, value, "is not supported, ignored");
        case OCI_REFUSE:
                return oci_is_empty(value) ? 0 : oci_error(o, value, "is not supported");
        default:
                return 0;
        }
}

int oci_members(Oci *o, const JsonNode *object, const OciMember *members, size_t n)
{
        int r;

        for (size_t i = 0; i < object->n; i++) {
                r = take_member(o, &object->items[i], find_member(members, n, object->items[i].key));
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < n; i++) {
                const JsonNode *value = members[i].required ? json_member(object, members[i].name) : object;

                if (!value || value->kind == JSON_NODE_NULL) {
                        r = oci_error(o, object, "has no \"%s\"", members[i].name);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

const JsonNode *oci_member(const JsonNode *object, const char *name, JsonKind kind)
{
        const JsonNode *value = json_member(object, name);

        return value && value->kind == kind ? value : NULL;
}

const char *oci_member_string(const JsonNode *object, const char *name)
{
        const JsonNode *value = oci_member(object, name, JSON_NODE_STRING);

        return value ? value->string : NULL;
}

int oci_each(Oci *o, const JsonNode *array, JsonKind kind, int (*read)(Oci *o, const JsonNode *item))
{
        for (size_t i = 0; i < array->n; i++) {
                const JsonNode *item = &array->items[i];
                int r = item->kind == kind ? read(o, item) : oci_error(o, item, "is not %s", json_kind_words(kind));

                if (r < 0)
                        return r;
        }
        return 0;
}

int oci_u64(Oci *o, const JsonNode *node, uint64_t *ret, bool *ret_good)
{
        *ret_good = json_node_u64(node, ret) >= 0;
        return *ret_good ? 0 : oci_error(o, node, "is not a whole number from 0 on, or too large");
}

int oci_u32(Oci *o, const JsonNode *node, uint32_t *ret, bool *ret_good)
{
        *ret_good = json_node_u32(node, ret) >= 0;
        return *ret_good ? 0 : oci_error(o, node, "is not a whole number from 0 to 4294967295");
}
