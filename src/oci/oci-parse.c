/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * config.json as a whole (see oci.h): its members, in their order, by the readers of its sections. The supervisor, before
 * anything is changed; pure. A bundle is made by some other program, out of an image that anybody may have made.
 */

#include <stdio.h>
#include <string.h>

#include "config/values.h"
#include "oci/oci-parts.h"

/* Real documents have some thousands. */
enum { VALUES_MAX = 20000 };

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
                if (!oci_is_empty(&v->items[i]))
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
        _cleanup_json_ Json *document = NULL;
        Oci o = { .bundle = b, .problems = problems };
        Failure failure = {};
        int r;

        b->said.trusted = true;
        r = json_read(text, size, VALUES_MAX, &document, &failure);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return problem_error(problems, (Source) {}, "%s: %s", b->config_path, failure.text);
        o.root = json_root(document);
        if (o.root->kind != JSON_NODE_OBJECT)
                return problem_error(problems, (Source) {}, "%s is not an object", b->config_path);

        r = say_defaults(&o);
        if (r >= 0)
                r = OCI_MEMBERS(&o, o.root, top_members);
        return r < 0 ? r : read_names(&o);
}
