/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Functions for all readers of config.json's sections (see oci-internal.h). The supervisor, before anything is changed; pure.
 * Bundles are hostile: other programs make them from images of unknown origin.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/values.h"
#include "oci/oci-internal.h"
#include "util/print.h"

void oci_bundle_done(OciBundle *b)
{
        free(b->path);
        free(b->config_path);
        free(b->root);
        assignments_done(&b->assignments);
        oci_settings_done(&b->extra);
        *b = (OciBundle) OCI_BUNDLE_NULL;
}

/* ---- assignments and problems ---------------------------------------------------------------------------------------------- */

int oci_source(Oci *o, const JsonNode *at, Source *ret)
{
        _cleanup_free_ char *path = json_node_path(at), *text = NULL;
        const char *where;

        if (!path)
                return -ENOMEM;
        if (strf(&text, "%s%s%s", o->bundle->config_path, *path ? ": " : "", path) < 0)
                return -ENOMEM;
        where = assignments_name(&o->bundle->assignments, text);
        if (!where)
                return -ENOMEM;
        *ret = (Source) { where, SOURCE_IN_DOCUMENT };
        return 0;
}

static int _printf_(4, 0) add_problem(Oci *o, const JsonNode *at, bool fatal, const char *format, va_list ap)
{
        _cleanup_free_ char *text = NULL;
        Source from;

        if (strfv(&text, format, ap) < 0 || oci_source(o, at, &from) < 0)
                return -ENOMEM;
        return fatal ? problem_error(o->problems, from, "%s", text) : problem_warning(o->problems, from, "%s", text);
}

int oci_error(Oci *o, const JsonNode *at, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = add_problem(o, at, /* fatal= */ true, format, ap);
        va_end(ap);
        return r;
}

int oci_warning(Oci *o, const JsonNode *at, const char *format, ...)
{
        va_list ap;
        int r;

        va_start(ap, format);
        r = add_problem(o, at, /* fatal= */ false, format, ap);
        va_end(ap);
        return r;
}

int oci_assign(Oci *o, const JsonNode *at, const char *section, const char *name, const char *text)
{
        const SettingRow *row = section ? settings_table_find_key(section, name) : settings_table_find_option(name);
        Source from;

        /* To a key an empty text would mean its default. */
        if (!*text)
                return oci_error(o, at, "is empty");
        if (oci_source(o, at, &from) < 0)
                return -ENOMEM;
        return assignments_add(&o->bundle->assignments, row, text, from);
}

int oci_assign_format(Oci *o, const JsonNode *at, const char *section, const char *name, const char *format, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = strfv(&text, format, ap);
        va_end(ap);
        return r < 0 ? r : oci_assign(o, at, section, name, text);
}

int oci_path(Oci *o, const JsonNode *node, const char *base, char **ret)
{
        _cleanup_free_ char *joined = NULL;
        char reason[SETTING_REASON_MAX];
        int r;

        *ret = NULL;
        if (base && *node->string != '/' && strf(&joined, "%s/%s", base, node->string) < 0)
                return -ENOMEM;
        r = value_path(joined ?: node->string, ret, reason);
        return r == -EINVAL ? oci_error(o, node, "%s", reason) : r;
}

char *oci_quote_words(const JsonNode *nodes, size_t n)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);

        if (!f)
                return NULL;
        for (size_t i = 0; i < n; i++) {
                if (i > 0)
                        fputc(' ', f);
                value_quote_word(f, nodes[i].string);
        }
        return memory_stream_take(&m);
}

/* ---- members ------------------------------------------------------------------------------------------------------- */

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
                return oci_warning(o, value, "is unknown, ignored");
        if (value->kind != m->kind)
                return oci_error(o, value, "is not %s", json_kind_words(m->kind));

        switch (m->treat) {
        case OCI_READ:
                return m->read ? m->read(o, value) : 0;
        case OCI_EACH:
                return oci_each(o, value, m->items, m->read);
        case OCI_ASSIGN:
                if (value->kind == JSON_NODE_BOOL)
                        return oci_assign(o, value, m->section, m->key, value->boolean ? "yes" : "no");
                return *value->string || m->required ? oci_assign(o, value, m->section, m->key, value->string) : 0;
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

        JSON_FOREACH(value, object) {
                r = take_member(o, value, find_member(members, n, value->key));
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

int oci_each(Oci *o, const JsonNode *list, JsonKind kind, int (*read)(Oci *o, const JsonNode *item))
{
        JSON_FOREACH(item, list) {
                int r = item->kind != kind ? oci_error(o, item, "is not %s", json_kind_words(kind)) : read ? read(o, item) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

int oci_u32(Oci *o, const JsonNode *node, uint32_t *ret, bool *ret_good)
{
        *ret_good = json_node_u32(node, ret) >= 0;
        return *ret_good ? 0 : oci_error(o, node, "is not a whole number from 0 to 4294967295");
}
