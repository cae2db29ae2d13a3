/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * config.json as a whole (see oci.h): calls the readers of its sections. The supervisor, before anything is changed; pure.
 */

#include <string.h>

#include "oci/oci-internal.h"

/* Real documents have some thousands. */
enum { VALUES_MAX = 20000 };

/* Any 1.x: later versions may only add members. */
static int read_version(Oci *o, const JsonNode *v)
{
        if (strncmp(v->string, "1.", 2) != 0)
                return oci_error(o, v, "version '%s' of the specification is not supported; 1.x is", v->string);
        return 0;
}

static int read_root_path(Oci *o, const JsonNode *v)
{
        return *v->string ? oci_path(o, v, o->bundle->path, &o->bundle->root) : oci_error(o, v, "is empty");
}

static int read_root(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "path", JSON_NODE_STRING, OCI_READ, read_root_path, true },
                { "readonly", JSON_NODE_BOOL, OCI_ASSIGN, .section = "Files", .key = "ReadOnly" },
        };

        return OCI_MEMBERS(o, v, members);
}

/* They are programs that would run as root of the host, at times that a machine does not have in the same way. */
static int read_hooks(Oci *o, const JsonNode *v)
{
        JSON_FOREACH(hook, v)
                if (!oci_is_empty(hook))
                        return oci_warning(o, v, "hooks are never run");
        return 0;
}

static const OciMember top_members[] = {
        { "ociVersion", JSON_NODE_STRING, OCI_READ, read_version, true },
        { "root", JSON_NODE_OBJECT, OCI_READ, read_root, true },
        { "process", JSON_NODE_OBJECT, OCI_READ, oci_read_process },
        { "hostname", JSON_NODE_STRING, OCI_ASSIGN, .section = "Exec", .key = "Hostname" },
        { "domainname", JSON_NODE_STRING, OCI_READ },
        { "mounts", JSON_NODE_ARRAY, OCI_EACH, oci_read_mount, .items = JSON_NODE_OBJECT },
        { "hooks", JSON_NODE_OBJECT, OCI_READ, read_hooks },
        { "annotations", JSON_NODE_OBJECT, OCI_SKIP },
        { "linux", JSON_NODE_OBJECT, OCI_READ, oci_read_linux },
        { "solaris", JSON_NODE_OBJECT, OCI_REFUSE },
        { "windows", JSON_NODE_OBJECT, OCI_REFUSE },
        { "vm", JSON_NODE_OBJECT, OCI_REFUSE },
        { "zos", JSON_NODE_OBJECT, OCI_REFUSE },
};

/* Names that need a UTS namespace. */
static int read_names(Oci *o)
{
        const JsonNode *hostname = oci_member(o->root, "hostname", JSON_NODE_STRING);
        const JsonNode *domain = oci_member(o->root, "domainname", JSON_NODE_STRING);

        if (hostname && *hostname->string && !o->namespaces[OCI_NAMESPACE_UTS])
                return oci_error(o, hostname, "needs a namespace of type \"uts\": it would apply to the host");
        return domain && *domain->string ? oci_add_sysctl(o, domain, "kernel.domainname", domain->string) : 0;
}

/* A bundle is an application, not an operating system: as under systemd-nspawn, its tree is not changed. */
static int assign_defaults(Oci *o)
{
        static const struct { const char *key, *value; } defaults[] = {
                { "ResolvConf", "off" }, { "Timezone", "off" }, { "LinkJournal", "no" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
                if (oci_assign(o, o->root, "Exec", defaults[i].key, defaults[i].value) < 0)
                        return -ENOMEM;
        return 0;
}

int oci_parse(OciBundle *b, const char *text, size_t size, Problems *problems)
{
        _cleanup_json_ Json *document = NULL;
        Oci o = { .bundle = b, .problems = problems };
        Failure failure = {};
        int r;

        b->assignments.trusted = true;
        r = json_read(text, size, VALUES_MAX, &document, &failure);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return problem_error(problems, (Source) {}, "%s: %s", b->config_path, failure.text);
        o.root = json_root(document);
        if (o.root->kind != JSON_NODE_OBJECT)
                return problem_error(problems, (Source) {}, "%s is not an object", b->config_path);

        /* Without "process" and "linux" the command, its rights and the namespaces are those of a machine without a bundle. */
        for (size_t i = 0; !oci_member(o.root, "linux", JSON_NODE_OBJECT) && i < ARRAY_SIZE(o.namespaces); i++)
                o.namespaces[i] = o.root;

        r = assign_defaults(&o);
        if (r >= 0)
                r = OCI_MEMBERS(&o, o.root, top_members);
        return r < 0 ? r : read_names(&o);
}
