/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "linux.devices" and "linux.sysctl" of config.json (see oci-internal.h). The supervisor, before anything is changed; pure. */

#include <string.h>
#include <sys/stat.h>

#include "oci/oci-internal.h"
#include "util/strv.h"

/* ---- devices --------------------------------------------------------------------------------------------------------- */

static bool device_type(const char *type, mode_t *ret)
{
        static const struct { const char *name; mode_t mode; } types[] = {
                { "c", S_IFCHR }, { "u", S_IFCHR }, { "b", S_IFBLK }, { "p", S_IFIFO },
        };

        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (strcmp(types[i].name, type) == 0) {
                        *ret = types[i].mode;
                        return true;
                }
        return false;
}

/* The path below /dev. A node elsewhere would change the tree. */
static int device_path(Oci *o, const JsonNode *v, char **ret)
{
        _cleanup_free_ char *path = NULL;
        int r;

        r = oci_path(o, v, NULL, &path);
        if (r < 0 || !path)
                return r;
        if (strncmp(path, "/dev/", 5) != 0)
                return oci_error(o, v, "a device outside of /dev is not supported");
        return free_and_strdup(ret, path + 5);
}

/* An optional member. */
static int device_number(Oci *o, const JsonNode *device, const char *name, uint32_t *ret)
{
        const JsonNode *v = oci_member(device, name, JSON_NODE_NUMBER);
        bool good;

        return v ? oci_u32(o, v, ret, &good) : 0;
}

static int fill_device(Oci *o, const JsonNode *v, OciDevice *d)
{
        uint32_t mode = 0666, major = 0, minor = 0;
        int r;

        r = device_number(o, v, "fileMode", &mode);
        if (r >= 0)
                r = device_number(o, v, "major", &major);
        if (r >= 0)
                r = device_number(o, v, "minor", &minor);
        if (r >= 0)
                r = device_number(o, v, "uid", &d->uid);
        if (r >= 0)
                r = device_number(o, v, "gid", &d->gid);
        if (r < 0)
                return r;
        /* 12 and 20 bits in the kernel. */
        if (major >= 1 << 12 || minor >= 1 << 20)
                return oci_error(o, v, "device numbers %u:%u are too large", major, minor);
        d->mode |= mode & 0777;
        d->major = major;
        d->minor = minor;
        return 0;
}

int oci_read_device(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "type", JSON_NODE_STRING, OCI_READ, NULL, true },
                { "path", JSON_NODE_STRING, OCI_READ, NULL, true },
                { "major", JSON_NODE_NUMBER, OCI_READ },
                { "minor", JSON_NODE_NUMBER, OCI_READ },
                { "fileMode", JSON_NODE_NUMBER, OCI_READ },
                { "uid", JSON_NODE_NUMBER, OCI_READ },
                { "gid", JSON_NODE_NUMBER, OCI_READ },
        };
        const JsonNode *type = oci_member(v, "type", JSON_NODE_STRING), *path = oci_member(v, "path", JSON_NODE_STRING);
        OciSettings *s = &o->bundle->extra;
        OciDevice d = {};
        int r;

        r = OCI_MEMBERS(o, v, members);
        if (r < 0 || !type || !path)
                return r;
        if (!device_type(type->string, &d.mode))
                return oci_error(o, type, "unknown type of device '%s'", type->string);
        r = device_path(o, path, &d.path);
        if (r < 0 || !d.path)
                return r;
        r = fill_device(o, v, &d);
        if (r >= 0)
                r = oci_source(o, v, &d.from);
        if (r >= 0)
                r = array_move(&s->devices, &s->n_devices, &d, sizeof(d));
        free(d.path);
        return r;
}

/* ---- sysctl ---------------------------------------------------------------------------------------------------------- */

/* Sysctls that belong to a namespace (slash at the end: all below it); all others apply to the host. */
static const struct { const char *path; OciNamespace kind; } namespaced[] = {
        { "net/", OCI_NAMESPACE_NETWORK },
        { "fs/mqueue/", OCI_NAMESPACE_IPC },
        { "kernel/auto_msgmni", OCI_NAMESPACE_IPC }, { "kernel/msgmax", OCI_NAMESPACE_IPC },
        { "kernel/msgmnb", OCI_NAMESPACE_IPC }, { "kernel/msgmni", OCI_NAMESPACE_IPC }, { "kernel/sem", OCI_NAMESPACE_IPC },
        { "kernel/shm_rmid_forced", OCI_NAMESPACE_IPC }, { "kernel/shmall", OCI_NAMESPACE_IPC },
        { "kernel/shmmax", OCI_NAMESPACE_IPC }, { "kernel/shmmni", OCI_NAMESPACE_IPC },
        { "kernel/domainname", OCI_NAMESPACE_UTS },
};

static const char *const namespace_words[_OCI_NAMESPACE_MAX] = {
        [OCI_NAMESPACE_NETWORK] = "network", [OCI_NAMESPACE_IPC] = "ipc", [OCI_NAMESPACE_UTS] = "uts",
};

/* As in sysctl(8): dots or slashes separate. If the first separator is a dot, a slash stands for a dot within a name. */
static char *sysctl_path(const char *name)
{
        char *path = strdup(name);
        bool dots = name[strcspn(name, "./")] == '.';

        for (char *p = path; p && dots && *p; p++)
                if (*p == '.' || *p == '/')
                        *p = *p == '.' ? '/' : '.';
        return path;
}

static bool is_sysctl_path(const char *path)
{
        for (const char *p = path;; p++) {
                size_t n = strcspn(p, "/");

                if (n == 0 || (n == 1 && *p == '.') || (n == 2 && strncmp(p, "..", 2) == 0))
                        return false;
                p += n;
                if (!*p)
                        return true;
        }
}

/* The namespace that it belongs to, or _OCI_NAMESPACE_MAX. */
static OciNamespace namespace_of(const char *path)
{
        for (size_t i = 0; i < ARRAY_SIZE(namespaced); i++) {
                size_t n = strlen(namespaced[i].path);

                if (namespaced[i].path[n - 1] == '/' ? strncmp(path, namespaced[i].path, n) == 0 :
                                                       strcmp(path, namespaced[i].path) == 0)
                        return namespaced[i].kind;
        }
        return _OCI_NAMESPACE_MAX;
}

int oci_add_sysctl(Oci *o, const JsonNode *at, const char *name, const char *value)
{
        _cleanup_free_ char *path = sysctl_path(name), *copy = strdup(value);
        OciSettings *s = &o->bundle->extra;
        OciNamespace kind;
        OciSysctl *item;

        if (!path || !copy)
                return -ENOMEM;
        if (!is_sysctl_path(path))
                return oci_error(o, at, "'%s' is not the name of a sysctl", name);
        kind = namespace_of(path);
        if (kind == _OCI_NAMESPACE_MAX)
                return oci_error(o, at, "sysctl '%s' applies to the whole host", name);
        if (!o->namespaces[kind])
                return oci_error(o, at, "sysctl '%s' needs a namespace of type \"%s\": it would apply to the host", name,
                                 namespace_words[kind]);

        item = array_append(&s->sysctls, &s->n_sysctls, sizeof(OciSysctl));
        if (!item)
                return -ENOMEM;
        item->path = TAKE_PTR(path);
        item->value = TAKE_PTR(copy);
        return oci_source(o, at, &item->from);
}

int oci_read_sysctl(Oci *o, const JsonNode *sysctl)
{
        return oci_add_sysctl(o, sysctl, sysctl->key, sysctl->string);
}
