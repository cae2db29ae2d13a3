/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * "process" of config.json (see oci-internal.h): program, user, capabilities and limits. The supervisor, before anything is
 * changed; pure.
 */

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "oci/oci-internal.h"
#include "util/capability-names.h"
#include "util/print.h"
#include "util/strv.h"

/* Capabilities are bits of a mask. */
enum { CAPABILITIES_MAX = 64 };

static int read_console_size(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "height", JSON_NODE_NUMBER, OCI_READ, NULL, true },
                { "width", JSON_NODE_NUMBER, OCI_READ, NULL, true },
        };
        const JsonNode *height = oci_member(v, "height", JSON_NODE_NUMBER);
        const JsonNode *width = oci_member(v, "width", JSON_NODE_NUMBER);
        uint32_t rows, columns;
        int r;

        r = OCI_MEMBERS(o, v, members);
        if (r < 0 || !height || !width)
                return r;
        if (json_node_u32(height, &rows) < 0 || json_node_u32(width, &columns) < 0 || rows > UINT16_MAX || columns > UINT16_MAX)
                return oci_error(o, v, "is not the size of a terminal");
        o->bundle->extra.rows = rows;
        o->bundle->extra.columns = columns;
        return 0;
}

static int read_variable(Oci *o, const JsonNode *v)
{
        _cleanup_free_ char *text = oci_quote_words(v, 1);

        return text ? oci_assign(o, v, "Exec", "Environment", text) : -ENOMEM;
}

static int read_args(Oci *o, const JsonNode *v)
{
        _cleanup_free_ char *text = NULL;
        size_t wrong = o->problems->n_fatal;
        int r;

        if (v->n == 0 || (v->items[0].kind == JSON_NODE_STRING && !*v->items[0].string))
                return oci_error(o, v, "has no program");
        r = oci_each(o, v, JSON_NODE_STRING, NULL);
        if (r < 0 || o->problems->n_fatal > wrong)
                return r;
        text = oci_quote_words(v->items, v->n);
        return text ? oci_assign(o, v, "Exec", "Parameters", text) : -ENOMEM;
}

/* ---- rights -------------------------------------------------------------------------------------------------------- */

static int read_oom_score(Oci *o, const JsonNode *v)
{
        if (!v->integral)
                return oci_error(o, v, "is not a whole number");
        return oci_assign_format(o, v, "Exec", "OOMScoreAdjust", "%lld", (long long) v->integer);
}

/* The set of that name. The kernel has no capability whose name is unknown here. */
static int read_set(Oci *o, const JsonNode *capabilities, const char *name, uint64_t *ret)
{
        const JsonNode *v = oci_member(capabilities, name, JSON_NODE_ARRAY);
        uint64_t set = 0;

        for (size_t i = 0; v && i < v->n; i++) {
                const JsonNode *item = &v->items[i];
                int cap, r = 0;

                if (item->kind != JSON_NODE_STRING)
                        r = oci_error(o, item, "is not a string");
                else if (capability_names_find(item->string, &cap) < 0 || cap >= CAPABILITIES_MAX)
                        r = oci_warning(o, item, "capability '%s' is unknown, ignored", item->string);
                else
                        set |= UINT64_C(1) << cap;
                if (r < 0)
                        return r;
        }
        *ret = set;
        return 0;
}

static int assign_set(Oci *o, const JsonNode *at, const char *key, uint64_t mask)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        FILE *f = memory_stream_open(&m);

        if (!f)
                return -ENOMEM;
        for (int cap = 0; cap < CAPABILITIES_MAX; cap++)
                if (mask & UINT64_C(1) << cap && capability_names_get(cap))
                        fprintf(f, "%s ", capability_names_get(cap));
        text = memory_stream_take(&m);
        if (!text)
                return -ENOMEM;
        return *text ? oci_assign(o, at, "Exec", key, text) : 0;
}

/*
 * The bounding set counts: it is what root has after execve(), and the limit for all others. The permitted and effective sets
 * are those of the runtime's process and end with it, but for one case: with no_new_privs, execve() gives root no more than that
 * process had. An ambient capability has to be in the inheritable and the permitted set (capabilities(7)).
 */
static int read_capabilities(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "bounding", JSON_NODE_ARRAY, OCI_READ }, { "effective", JSON_NODE_ARRAY, OCI_READ },
                { "permitted", JSON_NODE_ARRAY, OCI_READ }, { "inheritable", JSON_NODE_ARRAY, OCI_READ },
                { "ambient", JSON_NODE_ARRAY, OCI_READ },
        };
        uint64_t bounding, permitted, inheritable, ambient;
        int r;

        r = OCI_MEMBERS(o, v, members);
        if (r >= 0)
                r = read_set(o, v, "bounding", &bounding);
        if (r >= 0)
                r = read_set(o, v, "permitted", &permitted);
        if (r >= 0)
                r = read_set(o, v, "inheritable", &inheritable);
        if (r >= 0)
                r = read_set(o, v, "ambient", &ambient);
        if (r < 0)
                return r;
        if (json_member_bool(json_member(o->root, "process"), "noNewPrivileges"))
                bounding &= permitted;

        o->bundle->extra.inheritable = inheritable;
        r = assign_set(o, v, "DropCapability", ~bounding);
        if (r >= 0)
                r = assign_set(o, v, "Capability", bounding);
        return r < 0 ? r : assign_set(o, v, "AmbientCapability", ambient & inheritable & permitted);
}

/* ---- user ------------------------------------------------------------------------------------------------------------ */

static int read_group(Oci *o, const JsonNode *v)
{
        OciSettings *s = &o->bundle->extra;
        gid_t gid;
        bool good;
        int r;

        r = oci_u32(o, v, &gid, &good);
        return r < 0 || !good ? r : array_move(&s->groups, &s->n_groups, &gid, sizeof(gid));
}

static int read_umask(Oci *o, const JsonNode *v)
{
        uint32_t mask;

        if (json_node_u32(v, &mask) < 0 || mask > 0777)
                return oci_error(o, v, "is not a file mode mask");
        o->bundle->extra.umask = (int) mask;
        return 0;
}

static int read_user(Oci *o, const JsonNode *v)
{
        static const OciMember members[] = {
                { "uid", JSON_NODE_NUMBER, OCI_READ },
                { "gid", JSON_NODE_NUMBER, OCI_READ },
                { "additionalGids", JSON_NODE_ARRAY, OCI_EACH, read_group, .items = JSON_NODE_NUMBER },
                { "umask", JSON_NODE_NUMBER, OCI_READ, read_umask },
                { "username", JSON_NODE_STRING, OCI_SKIP },             /* for Windows */
        };
        const JsonNode *uid_node = oci_member(v, "uid", JSON_NODE_NUMBER);
        const JsonNode *gid_node = oci_member(v, "gid", JSON_NODE_NUMBER);
        bool good_uid = true, good_gid = true;
        uint32_t uid = 0, gid = 0;
        int r;

        r = OCI_MEMBERS(o, v, members);
        if (r >= 0 && uid_node)
                r = oci_u32(o, uid_node, &uid, &good_uid);
        if (r >= 0 && gid_node)
                r = oci_u32(o, gid_node, &gid, &good_gid);
        if (r < 0 || !good_uid || !good_gid || (uid == 0 && gid == 0 && o->bundle->extra.n_groups == 0))
                return r;
        return oci_assign_format(o, v, "Exec", "User", "%u:%u", uid, gid);
}

/* ---- limits --------------------------------------------------------------------------------------------------------- */

static void print_limit(char *buf, size_t size, uint64_t v)
{
        if (v == UINT64_MAX)
                (void) snprintf(buf, size, "infinity");
        else
                (void) snprintf(buf, size, "%llu", (unsigned long long) v);
}

/* RLIMIT_NOFILE becomes LimitNOFILE=SOFT:HARD. */
static int read_rlimit(Oci *o, const JsonNode *v)
{
        static const char prefix[] = "RLIMIT_";
        static const OciMember members[] = {
                { "type", JSON_NODE_STRING, OCI_READ, NULL, true },
                { "soft", JSON_NODE_NUMBER, OCI_READ, NULL, true },
                { "hard", JSON_NODE_NUMBER, OCI_READ, NULL, true },
        };
        const char *type = json_member_string(v, "type");
        const JsonNode *soft_node = oci_member(v, "soft", JSON_NODE_NUMBER);
        const JsonNode *hard_node = oci_member(v, "hard", JSON_NODE_NUMBER);
        char key[32], soft_text[32], hard_text[32];
        uint64_t soft, hard;
        int r;

        r = OCI_MEMBERS(o, v, members);
        if (r < 0 || !type || !soft_node || !hard_node)
                return r;
        if (strncmp(type, prefix, strlen(prefix)) == 0)
                (void) snprintf(key, sizeof(key), "Limit%s", type + strlen(prefix));
        if (strncmp(type, prefix, strlen(prefix)) != 0 || !settings_table_find_key("Exec", key))
                return oci_error(o, v, "unknown limit '%s'", type);
        if (json_node_u64(soft_node, &soft) < 0 || json_node_u64(hard_node, &hard) < 0)
                return oci_error(o, v, "\"soft\" and \"hard\" have to be whole numbers");

        print_limit(soft_text, sizeof(soft_text), soft);
        print_limit(hard_text, sizeof(hard_text), hard);
        return oci_assign_format(o, v, "Exec", key, "%s:%s", soft_text, hard_text);
}

int oci_read_process(Oci *o, const JsonNode *process)
{
        static const OciMember members[] = {
                { "terminal", JSON_NODE_BOOL, OCI_SKIP },
                { "consoleSize", JSON_NODE_OBJECT, OCI_READ, read_console_size },
                { "cwd", JSON_NODE_STRING, OCI_ASSIGN, .section = "Exec", .key = "WorkingDirectory", .required = true },
                { "env", JSON_NODE_ARRAY, OCI_EACH, read_variable, .items = JSON_NODE_STRING },
                { "args", JSON_NODE_ARRAY, OCI_READ, read_args, true },
                { "user", JSON_NODE_OBJECT, OCI_READ, read_user },
                { "capabilities", JSON_NODE_OBJECT, OCI_READ, read_capabilities },
                { "rlimits", JSON_NODE_ARRAY, OCI_EACH, read_rlimit, .items = JSON_NODE_OBJECT },
                { "noNewPrivileges", JSON_NODE_BOOL, OCI_ASSIGN, .section = "Exec", .key = "NoNewPrivileges" },
                { "apparmorProfile", JSON_NODE_STRING, OCI_ASSIGN, .section = "X-Box", .key = "AppArmorProfile" },
                { "selinuxLabel", JSON_NODE_STRING, OCI_ASSIGN, .key = "selinux-context" },
                { "oomScoreAdj", JSON_NODE_NUMBER, OCI_READ, read_oom_score },
                { "commandLine", JSON_NODE_STRING, OCI_REFUSE },
                { "ioPriority", JSON_NODE_OBJECT, OCI_WARN },
                { "scheduler", JSON_NODE_OBJECT, OCI_WARN },
                { "execCPUAffinity", JSON_NODE_OBJECT, OCI_WARN },
        };
        const JsonNode *terminal = oci_member(process, "terminal", JSON_NODE_BOOL);
        const JsonNode no = { .kind = JSON_NODE_BOOL, .key = "terminal", .parent = process };
        const JsonNode none = { .kind = JSON_NODE_OBJECT, .key = "capabilities", .parent = process };
        int r;

        r = OCI_MEMBERS(o, process, members);
        /* Without them there is no terminal, and there are no capabilities. */
        if (r >= 0)
                r = oci_assign(o, terminal ?: &no, NULL, "console", terminal && terminal->boolean ? "auto" : "pipe");
        if (r >= 0 && !oci_member(process, "capabilities", JSON_NODE_OBJECT))
                r = read_capabilities(o, &none);
        return r;
}
