/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "mounts" of config.json (see oci-parts.h): what is bound from the host, and temporary file systems. The file systems of the
 * kernel that every machine has (/proc, /sys, /dev …) box mounts itself, in its own way. The supervisor, before anything is
 * changed; pure.
 */

#include <linux/mount.h>
#include <stdio.h>
#include <string.h>

#include "config/values.h"
#include "oci/oci-parts.h"
#include "util/strv.h"

/* Where box's own mounts are what the document asks for. Another type at such a place is another wish. */
static const struct { const char *dest, *type; } own_mounts[] = {
        { "/proc", "proc" }, { "/dev", "tmpfs" }, { "/dev/pts", "devpts" }, { "/dev/mqueue", "mqueue" }, { "/sys", "sysfs" },
        { "/sys/fs/cgroup", "cgroup" }, { "/sys/fs/cgroup", "cgroup2" },
};

typedef enum OptionKind {
        OPTION_SET,             /* an attribute of the mount */
        OPTION_CLEAR,
        OPTION_BIND,
        OPTION_RBIND,
        OPTION_IDMAP,
        OPTION_NOTHING,         /* how it is anyway */
        OPTION_REFUSED,
} OptionKind;

/* The specification's, which are mount(8)'s. */
static const struct { const char *word; OptionKind kind; uint64_t attr; } options[] = {
        { "bind", OPTION_BIND }, { "rbind", OPTION_RBIND },
        { "ro", OPTION_SET, MOUNT_ATTR_RDONLY }, { "rro", OPTION_SET, MOUNT_ATTR_RDONLY },
        { "nosuid", OPTION_SET, MOUNT_ATTR_NOSUID }, { "rnosuid", OPTION_SET, MOUNT_ATTR_NOSUID },
        { "nodev", OPTION_SET, MOUNT_ATTR_NODEV }, { "rnodev", OPTION_SET, MOUNT_ATTR_NODEV },
        { "noexec", OPTION_SET, MOUNT_ATTR_NOEXEC }, { "rnoexec", OPTION_SET, MOUNT_ATTR_NOEXEC },
        { "noatime", OPTION_SET, MOUNT_ATTR_NOATIME }, { "nodiratime", OPTION_SET, MOUNT_ATTR_NODIRATIME },
        { "strictatime", OPTION_SET, MOUNT_ATTR_STRICTATIME }, { "nosymfollow", OPTION_SET, MOUNT_ATTR_NOSYMFOLLOW },
        { "rw", OPTION_CLEAR, MOUNT_ATTR_RDONLY }, { "suid", OPTION_CLEAR, MOUNT_ATTR_NOSUID },
        { "dev", OPTION_CLEAR, MOUNT_ATTR_NODEV }, { "exec", OPTION_CLEAR, MOUNT_ATTR_NOEXEC },
        { "symfollow", OPTION_CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
        { "relatime", OPTION_NOTHING }, { "atime", OPTION_NOTHING }, { "diratime", OPTION_NOTHING }, { "async", OPTION_NOTHING },
        { "norelatime", OPTION_NOTHING }, { "nostrictatime", OPTION_NOTHING }, { "defaults", OPTION_NOTHING },
        { "loud", OPTION_NOTHING }, { "nolazytime", OPTION_NOTHING }, { "nomand", OPTION_NOTHING },
        { "private", OPTION_NOTHING }, { "rprivate", OPTION_NOTHING },
        { "idmap", OPTION_IDMAP }, { "ridmap", OPTION_IDMAP },
        /* What is mounted on either side later on does not appear on the other. */
        { "slave", OPTION_NOTHING }, { "rslave", OPTION_NOTHING },
        { "shared", OPTION_REFUSED }, { "rshared", OPTION_REFUSED },
        { "unbindable", OPTION_REFUSED }, { "runbindable", OPTION_REFUSED },
        { "tmpcopyup", OPTION_REFUSED },
};

static int check_option(Oci *o, const JsonNode *v)
{
        return 0;
}

static int take_option(Oci *o, const JsonNode *v, OciMount *m)
{
        for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
                if (strcmp(options[i].word, v->string) != 0)
                        continue;
                if (options[i].kind == OPTION_REFUSED)
                        return oci_error(o, v, "mount option '%s' is not supported", v->string);
                if (options[i].kind == OPTION_SET)
                        m->attrs |= options[i].attr;
                if (options[i].kind == OPTION_CLEAR)
                        m->attrs &= ~options[i].attr;
                m->recursive = m->recursive || options[i].kind == OPTION_RBIND;
                m->idmap = m->idmap || options[i].kind == OPTION_IDMAP;
                return 0;
        }
        return oci_error(o, v, "mount option '%s' is not known", v->string);
}

static bool has_option(const JsonNode *list, const char *word)
{
        for (size_t i = 0; list && i < list->n; i++)
                if (list->items[i].kind == JSON_NODE_STRING && strcmp(list->items[i].string, word) == 0)
                        return true;
        return false;
}

static OptionKind option_kind(const char *word)
{
        for (size_t i = 0; i < ARRAY_SIZE(options); i++)
                if (strcmp(options[i].word, word) == 0)
                        return options[i].kind;
        return OPTION_SET;
}

/* "nosuid,size=64k": for libmount, which knows them. Those that say what is so anyway are words that it would not take for
 * a new file system. */
static char *join_options(const JsonNode *list)
{
        const char *separator = "";
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return NULL;
        for (size_t i = 0; list && i < list->n; i++)
                if (option_kind(list->items[i].string) != OPTION_NOTHING) {
                        fprintf(f, "%s%s", separator, list->items[i].string);
                        separator = ",";
                }
        if (fclose(f) == 0)
                return text;
        free(text);
        return NULL;
}

static int add(Oci *o, const JsonNode *at, OciMount *m)
{
        OciSettings *s = &o->bundle->extra;
        OciMount *item = array_append(&s->mounts, &s->n_mounts, sizeof(OciMount));

        if (!item || oci_source(o, at, &m->from) < 0)
                return -ENOMEM;
        *item = *m;
        *m = (OciMount) {};
        return 0;
}

static void mount_done(OciMount *m)
{
        free(m->source);
        free(m->dest);
        free(m->options);
}

/* An absolute path of the host; what is relative is so to the bundle. */
static int read_source(Oci *o, const JsonNode *mount, char **ret)
{
        const JsonNode *v = oci_member(mount, "source", JSON_NODE_STRING);
        char reason[SETTING_REASON_MAX];
        _cleanup_free_ char *joined = NULL;
        int r;

        if (!v || !*v->string)
                return oci_error(o, mount, "a bind mount without a source");
        if (*v->string != '/' && asprintf(&joined, "%s/%s", o->bundle->path, v->string) < 0) {
                joined = NULL;
                return -ENOMEM;
        }
        r = value_path(joined ?: v->string, ret, reason);
        return r == -EINVAL ? oci_error(o, v, "%s", reason) : r;
}

static int read_bind(Oci *o, const JsonNode *mount, OciMount *m, const JsonNode *list)
{
        int r;

        r = read_source(o, mount, &m->source);
        for (size_t i = 0; r >= 0 && list && i < list->n; i++)
                r = take_option(o, &list->items[i], m);
        return r < 0 || !m->source ? r : add(o, mount, m);
}

static int read_tmpfs(Oci *o, const JsonNode *mount, OciMount *m, const JsonNode *list)
{
        for (size_t i = 0; list && i < list->n; i++)
                if (option_kind(list->items[i].string) == OPTION_REFUSED)
                        return oci_error(o, &list->items[i], "mount option '%s' is not supported", list->items[i].string);
        m->options = join_options(list);
        return m->options ? add(o, mount, m) : -ENOMEM;
}

/* What a read-only mount of the kernel's own asks for beyond box's. */
static int read_own(Oci *o, const JsonNode *mount, const char *dest, const JsonNode *list)
{
        OciSettings *s = &o->bundle->extra;
        OciPath *item;

        if (strcmp(dest, "/sys/fs/cgroup") != 0 || !has_option(list, "ro"))
                return 0;
        item = array_append(&s->read_only, &s->n_read_only, sizeof(OciPath));
        if (!item || oci_source(o, mount, &item->from) < 0)
                return -ENOMEM;
        item->late = true;
        item->path = strdup(dest);
        return item->path ? 0 : -ENOMEM;
}

static bool is_own(const char *dest, const char *type)
{
        for (size_t i = 0; i < ARRAY_SIZE(own_mounts); i++)
                if (strcmp(own_mounts[i].dest, dest) == 0 && strcmp(own_mounts[i].type, type) == 0)
                        return true;
        return false;
}

static int read_by_type(Oci *o, const JsonNode *mount, const JsonNode *list, OciMount *m)
{
        const char *type = oci_member_string(mount, "type");

        if (has_option(list, "bind") || has_option(list, "rbind") || (type && strcmp(type, "bind") == 0))
                return read_bind(o, mount, m, list);
        if (!type)
                return oci_error(o, mount, "a mount that is no bind mount and has no type");
        if (is_own(m->dest, type))
                return read_own(o, mount, m->dest, list);
        if (strcmp(type, "tmpfs") == 0)
                return read_tmpfs(o, mount, m, list);
        return oci_error(o, mount, "a mount of type '%s' at '%s' is not supported", type, m->dest);
}

static int read_mount(Oci *o, const JsonNode *mount)
{
        static const OciMember members[] = {
                { "destination", JSON_NODE_STRING, OCI_READ, NULL, true },
                { "source", JSON_NODE_STRING, OCI_READ },
                { "type", JSON_NODE_STRING, OCI_READ },
                { "options", JSON_NODE_ARRAY, OCI_READ },
                { "uidMappings", JSON_NODE_ARRAY, OCI_REFUSE },
                { "gidMappings", JSON_NODE_ARRAY, OCI_REFUSE },
        };
        const JsonNode *dest = oci_member(mount, "destination", JSON_NODE_STRING);
        const JsonNode *list = oci_member(mount, "options", JSON_NODE_ARRAY);
        _cleanup_(mount_done) OciMount m = {};
        size_t wrong = o->problems->n_fatal;
        char reason[SETTING_REASON_MAX];
        int r;

        r = OCI_MEMBERS(o, mount, members);
        if (r >= 0 && list)
                r = oci_each(o, list, JSON_NODE_STRING, check_option);
        if (r < 0 || o->problems->n_fatal > wrong || !dest)
                return r;

        r = value_path(dest->string, &m.dest, reason);
        if (r == -EINVAL)
                return oci_error(o, dest, "%s", reason);
        if (r < 0)
                return r;
        if (strcmp(m.dest, "/") == 0)
                return oci_error(o, dest, "a mount on the root directory is not supported");
        return read_by_type(o, mount, list, &m);
}

int oci_read_mounts(Oci *o, const JsonNode *mounts)
{
        return oci_each(o, mounts, JSON_NODE_OBJECT, read_mount);
}
