/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "mounts" of config.json (see oci-internal.h): bind mounts and temporary file systems. /proc, /sys, /dev and the like are part
 * of every plan and not read from here. The supervisor, before anything is changed; pure.
 */

#include <linux/mount.h>
#include <stdio.h>
#include <string.h>

#include "oci/oci-internal.h"
#include "util/print.h"
#include "util/strv.h"

/* Mounts that every machine has, where they are of this type. */
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
        OPTION_COPY_UP,         /* a tmpfs begins with the files of the directory it covers */
        OPTION_NOTHING,         /* a default */
        OPTION_IGNORED,         /* changes the source in runtimes that know it: a warning */
        OPTION_REFUSED,
} OptionKind;

/* The options of the specification, which are those of mount(8). */
typedef struct Option {
        const char *word;
        OptionKind kind;
        uint64_t attr;
} Option;

static const Option options[] = {
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
        /* Later mounts do not propagate in either direction. */
        { "slave", OPTION_NOTHING }, { "rslave", OPTION_NOTHING },
        { "shared", OPTION_REFUSED }, { "rshared", OPTION_REFUSED },
        { "unbindable", OPTION_REFUSED }, { "runbindable", OPTION_REFUSED },
        /* Words of podman and crun. */
        { "tmpcopyup", OPTION_COPY_UP }, { "notmpcopyup", OPTION_NOTHING },
        { "z", OPTION_IGNORED }, { "Z", OPTION_IGNORED }, { "U", OPTION_IGNORED },
};

static const Option *find_option(const char *word)
{
        for (size_t i = 0; i < ARRAY_SIZE(options); i++)
                if (strcmp(options[i].word, word) == 0)
                        return &options[i];
        return NULL;
}

static int refuse_option(Oci *o, const JsonNode *v)
{
        return oci_error(o, v, "mount option '%s' is not supported", v->string);
}

static int ignore_option(Oci *o, const JsonNode *v)
{
        return oci_warning(o, v, "mount option '%s' is ignored: owners and labels of the source are not changed", v->string);
}

static int read_option(Oci *o, const JsonNode *v, OciMount *m)
{
        const Option *option = find_option(v->string);

        if (!option)
                return oci_error(o, v, "mount option '%s' is unknown", v->string);
        if (option->kind == OPTION_REFUSED || option->kind == OPTION_COPY_UP)
                return refuse_option(o, v);
        if (option->kind == OPTION_IGNORED)
                return ignore_option(o, v);
        if (option->kind == OPTION_SET)
                m->attrs |= option->attr;
        if (option->kind == OPTION_CLEAR)
                m->attrs &= ~option->attr;
        m->recursive = m->recursive || option->kind == OPTION_RBIND;
        m->idmap = m->idmap || option->kind == OPTION_IDMAP;
        return 0;
}

static bool has_option(const JsonNode *list, const char *word)
{
        JSON_FOREACH(item, list)
                if (strcmp(item->string, word) == 0)
                        return true;
        return false;
}

/* Is it left for libmount? That rejects defaults, for a new file system, and does not know other runtimes' words. */
static bool is_for_libmount(const Option *option)
{
        return !option || (option->kind != OPTION_NOTHING && option->kind != OPTION_COPY_UP && option->kind != OPTION_IGNORED);
}

/* "nosuid,size=64k", to be parsed by libmount. */
static char *join_options(const JsonNode *list)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);
        const char *separator = "";

        if (!f)
                return NULL;
        JSON_FOREACH(item, list) {
                if (!is_for_libmount(find_option(item->string)))
                        continue;
                fprintf(f, "%s%s", separator, item->string);
                separator = ",";
        }
        return memory_stream_take(&m);
}

static int add(Oci *o, const JsonNode *at, OciMount *m)
{
        OciSettings *s = &o->bundle->extra;

        return oci_source(o, at, &m->from) < 0 ? -ENOMEM : array_move(&s->mounts, &s->n_mounts, m, sizeof(*m));
}

static void mount_done(OciMount *m)
{
        free(m->source);
        free(m->dest);
        free(m->options);
}

static int read_bind(Oci *o, const JsonNode *mount, OciMount *m, const JsonNode *list)
{
        const JsonNode *source = oci_member(mount, "source", JSON_NODE_STRING);
        int r;

        if (!source || !*source->string)
                return oci_error(o, mount, "a bind mount without a source");
        r = oci_path(o, source, o->bundle->path, &m->source);
        JSON_FOREACH(item, list)
                if (r >= 0)
                        r = read_option(o, item, m);
        return r < 0 || !m->source ? r : add(o, mount, m);
}

static int read_tmpfs(Oci *o, const JsonNode *mount, OciMount *m, const JsonNode *list)
{
        JSON_FOREACH(item, list) {
                const Option *option = find_option(item->string);

                if (option && option->kind == OPTION_REFUSED)
                        return refuse_option(o, item);
                if (option && option->kind == OPTION_IGNORED && ignore_option(o, item) < 0)
                        return -ENOMEM;
                m->copy_up = m->copy_up || (option && option->kind == OPTION_COPY_UP);
        }
        m->options = join_options(list);
        return m->options ? add(o, mount, m) : -ENOMEM;
}

/* Of the options of box's own mounts, only "ro" for the cgroups has an effect. */
static int read_own(Oci *o, const JsonNode *mount, const char *dest, const JsonNode *list)
{
        OciSettings *s = &o->bundle->extra;
        OciPath *item;

        if (strcmp(dest, "/sys/fs/cgroup") != 0 || !has_option(list, "ro"))
                return 0;
        item = array_append(&s->read_only, &s->n_read_only, sizeof(OciPath));
        if (!item || oci_source(o, mount, &item->from) < 0)
                return -ENOMEM;
        return free_and_strdup(&item->path, dest);
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
        const char *type = json_member_string(mount, "type");

        if (has_option(list, "bind") || has_option(list, "rbind") || (type && strcmp(type, "bind") == 0))
                return read_bind(o, mount, m, list);
        if (!type)
                return oci_error(o, mount, "a mount that is not a bind mount needs a type");
        if (is_own(m->dest, type))
                return read_own(o, mount, m->dest, list);
        if (strcmp(type, "tmpfs") == 0)
                return read_tmpfs(o, mount, m, list);
        return oci_error(o, mount, "a mount of type '%s' at '%s' is not supported", type, m->dest);
}

int oci_read_mount(Oci *o, const JsonNode *mount)
{
        static const OciMember members[] = {
                { "destination", JSON_NODE_STRING, OCI_READ, NULL, true },
                { "source", JSON_NODE_STRING, OCI_READ },
                { "type", JSON_NODE_STRING, OCI_READ },
                { "options", JSON_NODE_ARRAY, OCI_EACH, .items = JSON_NODE_STRING },
                { "uidMappings", JSON_NODE_ARRAY, OCI_REFUSE },
                { "gidMappings", JSON_NODE_ARRAY, OCI_REFUSE },
        };
        const JsonNode *dest = oci_member(mount, "destination", JSON_NODE_STRING);
        const JsonNode *list = oci_member(mount, "options", JSON_NODE_ARRAY);
        _cleanup_(mount_done) OciMount m = {};
        size_t wrong = o->problems->n_fatal;
        int r;

        r = OCI_MEMBERS(o, mount, members);
        if (r < 0 || o->problems->n_fatal > wrong || !dest)
                return r;

        r = oci_path(o, dest, NULL, &m.dest);
        if (r < 0 || !m.dest)
                return r;
        if (strcmp(m.dest, "/") == 0)
                return oci_error(o, dest, "a mount on the root directory is not supported");
        return read_by_type(o, mount, list, &m);
}
