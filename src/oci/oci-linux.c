/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "linux" of config.json, except its larger parts (see oci-internal.h): namespaces, id maps, masked and read-only paths, the
 * slice. The supervisor, before anything is changed; pure.
 */

#include <stdio.h>
#include <string.h>

#include "oci/oci-internal.h"
#include "util/strv.h"

/* ---- namespaces ------------------------------------------------------------------------------------------------------ */

static const char *const namespace_names[_OCI_NAMESPACE_MAX] = {
        [OCI_NAMESPACE_MOUNT] = "mount", [OCI_NAMESPACE_PID] = "pid", [OCI_NAMESPACE_NETWORK] = "network",
        [OCI_NAMESPACE_IPC] = "ipc", [OCI_NAMESPACE_UTS] = "uts", [OCI_NAMESPACE_USER] = "user",
        [OCI_NAMESPACE_CGROUP] = "cgroup", [OCI_NAMESPACE_TIME] = "time",
};

static int read_namespace(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "type", JSON_NODE_STRING, OCI_READ, NULL, true },
                { "path", JSON_NODE_STRING, OCI_READ },
        };
        const char *type = json_member_string(v, "type"), *path = json_member_string(v, "path");
        OciNamespace kind = 0;
        int r;

        r = OCI_MEMBERS(o, v, members);
        if (r < 0 || !type)
                return r;
        while (kind < _OCI_NAMESPACE_MAX && strcmp(namespace_names[kind], type) != 0)
                kind++;
        if (kind == _OCI_NAMESPACE_MAX)
                return oci_error(o, v, "unknown type of namespace '%s'", type);
        if (o->namespaces[kind])
                return oci_error(o, v, "a second namespace of type \"%s\"", type);
        o->namespaces[kind] = v;
        if (kind == OCI_NAMESPACE_NETWORK)
                return path && *path ? oci_assign(o, v, NULL, "network-namespace-path", path) :
                                       oci_assign(o, v, "Network", "Private", "yes");
        return path && *path ? oci_error(o, v, "joining a namespace of type \"%s\" is not supported, only of type \"network\"",
                                         type) : 0;
}

/* Read first, wherever they stand: the other members depend on them. */
static int read_namespaces(Oci *o, const JsonNode *value)
{
        const JsonNode *list = oci_member(value, "namespaces", JSON_NODE_ARRAY);
        OciSettings *s = &o->bundle->extra;
        int r = 0;

        if (list)
                r = oci_each(o, list, JSON_NODE_OBJECT, read_namespace);
        if (r >= 0 && !o->namespaces[OCI_NAMESPACE_MOUNT])
                r = oci_error(o, list ?: value, "asks for no namespace of type \"mount\": a machine always has one");
        if (r >= 0 && !o->namespaces[OCI_NAMESPACE_NETWORK])
                r = oci_assign(o, list ?: value, "Network", "Private", "no");
        s->share_pid = !o->namespaces[OCI_NAMESPACE_PID];
        s->share_ipc = !o->namespaces[OCI_NAMESPACE_IPC];
        s->share_uts = !o->namespaces[OCI_NAMESPACE_UTS];
        s->share_cgroup = !o->namespaces[OCI_NAMESPACE_CGROUP];
        return r;
}

/* ---- ids ------------------------------------------------------------------------------------------------------------- */

static int read_mapping(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "containerID", JSON_NODE_NUMBER, OCI_READ, NULL, true },
                { "hostID", JSON_NODE_NUMBER, OCI_READ, NULL, true },
                { "size", JSON_NODE_NUMBER, OCI_READ, NULL, true },
        };
        const JsonNode *inside = oci_member(v, "containerID", JSON_NODE_NUMBER);
        const JsonNode *outside = oci_member(v, "hostID", JSON_NODE_NUMBER);
        const JsonNode *size = oci_member(v, "size", JSON_NODE_NUMBER);
        uint32_t i, h, n;
        int r;

        r = OCI_MEMBERS(o, v, members);
        if (r < 0 || !inside || !outside || !size)
                return r;
        if (json_node_u32(inside, &i) < 0 || json_node_u32(outside, &h) < 0 || json_node_u32(size, &n) < 0)
                return oci_error(o, v, "is not a range of ids");
        return oci_assign_format(o, v, "X-Box", "IdMap", "%u:%u:%u", i, h, n);
}

static bool same_number(const JsonNode *a, const JsonNode *b, const char *name)
{
        const JsonNode *x = oci_member(a, name, JSON_NODE_NUMBER), *y = oci_member(b, name, JSON_NODE_NUMBER);

        return x && y && x->integral && y->integral && x->integer == y->integer;
}

/* A machine has one id map for users and groups. */
static bool same_mappings(const JsonNode *a, const JsonNode *b)
{
        if (!a || !b || a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!same_number(&a->items[i], &b->items[i], "containerID") ||
                    !same_number(&a->items[i], &b->items[i], "hostID") || !same_number(&a->items[i], &b->items[i], "size"))
                        return false;
        return true;
}

static int read_mappings(Oci *o, const JsonNode *value)
{
        const JsonNode *uids = oci_member(value, "uidMappings", JSON_NODE_ARRAY);
        const JsonNode *gids = oci_member(value, "gidMappings", JSON_NODE_ARRAY);
        bool any = (uids && uids->n > 0) || (gids && gids->n > 0);

        if (!o->namespaces[OCI_NAMESPACE_USER])
                return any ? oci_error(o, uids ?: gids, "needs a namespace of type \"user\"") :
                             oci_assign(o, value, "Exec", "PrivateUsers", "no");
        if (!any)
                return oci_error(o, o->namespaces[OCI_NAMESPACE_USER], "a user namespace without uidMappings and gidMappings");
        if (!same_mappings(uids, gids))
                return oci_error(o, gids ?: uids, "uidMappings and gidMappings have to be equal");
        return oci_each(o, uids, JSON_NODE_OBJECT, read_mapping);
}

/* ---- paths ----------------------------------------------------------------------------------------------------------- */

static int add_path(Oci *o, const JsonNode *v, OciPath **items, size_t *n)
{
        _cleanup_free_ char *path = NULL;
        OciPath *item;
        int r;

        r = oci_path(o, v, NULL, &path);
        if (r < 0 || !path)
                return r;
        item = array_append(items, n, sizeof(OciPath));
        if (!item)
                return -ENOMEM;
        item->path = TAKE_PTR(path);
        return oci_source(o, v, &item->from);
}

static int read_masked_path(Oci *o, const JsonNode *v)
{
        return add_path(o, v, &o->bundle->extra.masked, &o->bundle->extra.n_masked);
}

static int read_readonly_path(Oci *o, const JsonNode *v)
{
        return add_path(o, v, &o->bundle->extra.read_only, &o->bundle->extra.n_read_only);
}

/* ---- the rest -------------------------------------------------------------------------------------------------------- */

/* Of systemd's form, "SLICE:PREFIX:NAME", only the slice is used: the unit is named after the machine. */
static int read_cgroups_path(Oci *o, const JsonNode *v)
{
        size_t n = strcspn(v->string, ":");
        _cleanup_free_ char *slice = strndup(v->string, n);

        if (!slice)
                return -ENOMEM;
        if (v->string[n] == ':' && *slice)
                return oci_assign(o, v, NULL, "slice", slice);
        return *v->string ? oci_warning(o, v, "the machine uses the cgroup of its unit, ignored") : 0;
}

static int read_propagation(Oci *o, const JsonNode *v)
{
        const char *p = v->string;

        if (!*p || strcmp(p, "private") == 0 || strcmp(p, "rprivate") == 0)
                return 0;
        if (strcmp(p, "slave") == 0 || strcmp(p, "rslave") == 0)
                return oci_warning(o, v, "mounts that are made on the host later do not appear in the machine");
        return oci_error(o, v, "propagation '%s' is not supported: the machine's mounts stay in it", p);
}

static int read_domain(Oci *o, const JsonNode *v)
{
        if (strcmp(v->string, "LINUX") == 0)
                return 0;
        if (strcmp(v->string, "LINUX32") != 0)
                return oci_error(o, v, "unknown execution domain '%s'", v->string);
#if defined(__x86_64__)
        return oci_assign(o, v, "Exec", "Personality", "x86");
#else
        return oci_error(o, v, "is not supported on this architecture");
#endif
}

static int read_personality(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "domain", JSON_NODE_STRING, OCI_READ, read_domain, true },
                { "flags", JSON_NODE_ARRAY, OCI_REFUSE },
        };

        return OCI_MEMBERS(o, v, members);
}

int oci_read_linux(Oci *o, const JsonNode *value)
{
        static const OciMember members[] = {
                { "namespaces", JSON_NODE_ARRAY, OCI_READ },
                { "uidMappings", JSON_NODE_ARRAY, OCI_READ },
                { "gidMappings", JSON_NODE_ARRAY, OCI_READ },
                { "devices", JSON_NODE_ARRAY, OCI_EACH, oci_read_device, .items = JSON_NODE_OBJECT },
                { "cgroupsPath", JSON_NODE_STRING, OCI_READ, read_cgroups_path },
                { "resources", JSON_NODE_OBJECT, OCI_READ, oci_read_resources },
                { "rootfsPropagation", JSON_NODE_STRING, OCI_READ, read_propagation },
                { "seccomp", JSON_NODE_OBJECT, OCI_READ, oci_read_seccomp },
                { "sysctl", JSON_NODE_OBJECT, OCI_EACH, oci_read_sysctl, .items = JSON_NODE_STRING },
                { "maskedPaths", JSON_NODE_ARRAY, OCI_EACH, read_masked_path, .items = JSON_NODE_STRING },
                { "readonlyPaths", JSON_NODE_ARRAY, OCI_EACH, read_readonly_path, .items = JSON_NODE_STRING },
                { "mountLabel", JSON_NODE_STRING, OCI_ASSIGN, .key = "selinux-apifs-context" },
                { "personality", JSON_NODE_OBJECT, OCI_READ, read_personality },
                { "timeOffsets", JSON_NODE_OBJECT, OCI_REFUSE },
                { "intelRdt", JSON_NODE_OBJECT, OCI_REFUSE },
                { "memoryPolicy", JSON_NODE_OBJECT, OCI_WARN },
                { "netDevices", JSON_NODE_OBJECT, OCI_REFUSE },
        };
        int r;

        r = read_namespaces(o, value);
        if (r >= 0)
                r = read_mappings(o, value);
        return r < 0 ? r : OCI_MEMBERS(o, value, members);
}
