/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * config.json as a whole, and what all of its sections are read with (see oci.h and oci-parts.h). The supervisor, before
 * anything is changed; pure. A bundle is made by some other program, out of an image that anybody may have made.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/values.h"
#include "oci/oci-parts.h"
#include "util/strv.h"

/* Real documents have some thousands. */
enum { VALUES_MAX = 20000 };

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

static bool is_empty(const JsonNode *v)
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
                return is_empty(value) ? 0 : oci_warning(o, value, "is not supported, ignored");
        case OCI_REFUSE:
                return is_empty(value) ? 0 : oci_error(o, value, "is not supported");
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
                const JsonNode *value = members[i].required ? json_node_member(object, members[i].name) : object;

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
        const JsonNode *value = json_node_member(object, name);

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

/* ---- the whole ----------------------------------------------------------------------------------------------------- */

/* Any 1.x: later ones add members, and may not change what there is. */
static int read_version(Oci *o, const JsonNode *v)
{
        if (strncmp(v->string, "1.", 2) != 0)
                return oci_error(o, v, "version '%s' of the specification is not supported; 1.x is", v->string);
        return 0;
}

static int read_root_path(Oci *o, const JsonNode *v)
{
        _cleanup_free_ char *joined = NULL, *path = NULL;
        char reason[SETTING_REASON_MAX];
        int r;

        if (!*v->string)
                return oci_error(o, v, "is empty");
        if (*v->string != '/' && asprintf(&joined, "%s/%s", o->bundle->path, v->string) < 0) {
                joined = NULL;
                return -ENOMEM;
        }
        r = value_path(joined ?: v->string, &path, reason);
        if (r == -EINVAL)
                return oci_error(o, v, "%s", reason);
        if (r < 0)
                return r;
        o->bundle->root = TAKE_PTR(path);
        return 0;
}

static int read_root_readonly(Oci *o, const JsonNode *v)
{
        return oci_say(o, v, "Files", "ReadOnly", v->boolean ? "yes" : "no");
}

static int read_root(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "path", JSON_NODE_STRING, OCI_READ, read_root_path, true },
                { "readonly", JSON_NODE_BOOL, OCI_READ, read_root_readonly },
        };

        return OCI_MEMBERS(o, v, members);
}

static int read_hostname(Oci *o, const JsonNode *v)
{
        return *v->string ? oci_say(o, v, "Exec", "Hostname", v->string) : 0;
}

/* They would be programs of the host's, run by its root, at times that a machine does not have in the same way. */
static int read_hooks(Oci *o, const JsonNode *v)
{
        for (size_t i = 0; i < v->n; i++)
                if (!is_empty(&v->items[i]))
                        return oci_warning(o, v, "hooks are never run");
        return 0;
}

static const OciMember top_members[] = {
        { "ociVersion", JSON_NODE_STRING, OCI_READ, read_version, true },
        { "root", JSON_NODE_OBJECT, OCI_READ, read_root, true },
        { "process", JSON_NODE_OBJECT, OCI_READ, oci_read_process, true },
        { "hostname", JSON_NODE_STRING, OCI_READ, read_hostname },
        { "domainname", JSON_NODE_STRING, OCI_READ, NULL },
        { "mounts", JSON_NODE_ARRAY, OCI_READ, oci_read_mounts },
        { "hooks", JSON_NODE_OBJECT, OCI_READ, read_hooks },
        { "annotations", JSON_NODE_OBJECT, OCI_SKIP },
        { "linux", JSON_NODE_OBJECT, OCI_READ, oci_read_linux, true },
        { "solaris", JSON_NODE_OBJECT, OCI_REFUSE },
        { "windows", JSON_NODE_OBJECT, OCI_REFUSE },
        { "vm", JSON_NODE_OBJECT, OCI_REFUSE },
        { "zos", JSON_NODE_OBJECT, OCI_REFUSE },
};

/* What depends on the namespaces that the machine has of its own. */
static int read_names(Oci *o)
{
        const JsonNode *hostname = oci_member(o->root, "hostname", JSON_NODE_STRING);
        const JsonNode *domain = oci_member(o->root, "domainname", JSON_NODE_STRING);

        if (hostname && *hostname->string && !o->namespaces[OCI_NAMESPACE_UTS])
                return oci_error(o, hostname, "takes a namespace of type \"uts\": it would be the host's name");
        return domain && *domain->string ? oci_add_sysctl(o, domain, "kernel.domainname", domain->string) : 0;
}

/* What runs in a bundle is an application, not an operating system of this host: as under systemd-nspawn, nothing is put
 * into its tree. */
static int say_defaults(Oci *o)
{
        static const struct { const char *key, *value; } defaults[] = {
                { "ResolvConf", "off" }, { "Timezone", "off" }, { "LinkJournal", "no" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
                if (oci_say(o, o->root, "Exec", defaults[i].key, defaults[i].value) < 0)
                        return -ENOMEM;
        return 0;
}

int oci_parse(OciBundle *b, const char *text, size_t size, Problems *problems)
{
        _cleanup_(json_node_freep) JsonNode *root = NULL;
        Oci o = { .bundle = b, .problems = problems };
        Failure failure = {};
        int r;

        b->said.trusted = true;
        r = json_read(text, size, VALUES_MAX, &root, &failure);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return problem_error(problems, (Source) {}, "%s: %s", b->config_path, failure.text);
        if (root->kind != JSON_NODE_OBJECT)
                return problem_error(problems, (Source) {}, "%s is not an object", b->config_path);

        o.root = root;
        r = say_defaults(&o);
        if (r >= 0)
                r = OCI_MEMBERS(&o, root, top_members);
        return r < 0 ? r : read_names(&o);
}
