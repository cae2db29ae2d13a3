/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Users of the host in a machine (see users/bind-user.h): their homes and records below /run/host. Records are the same
 * as systemd-nspawn's (https://systemd.io/USER_RECORD): name, ids and home, and in a file of mode 0600 the password's
 * hash. Pure.
 */

#include <string.h>

#include "mount/mount-plan-internal.h"
#include "users/bind-user.h"
#include "util/print.h"

/* The "service" of the records, as in those of systemd-nspawn. */
#define RECORD_SERVICE "io.systemd.NSpawn"

/* NAME.KIND with the record, and ID.KIND, a link to it: nss-systemd looks for both. */
static int add_record(MountOp *host, const BindUser *u, const char *kind, mode_t mode, const char *record)
{
        _cleanup_free_ char *path = NULL, *link = NULL;

        if (strf(&path, "userdb/%s.%s", u->host->name, kind) < 0 || strf(&link, "userdb/%u.%s", u->id, kind) < 0 ||
            mount_plan_add_node(host, NODE_FILE, path, mode, record) < 0)
                return -ENOMEM;
        host->nodes[host->n_nodes - 1].secret = mode == 0600;
        return mount_plan_add_node(host, NODE_LINK, link, 0, path + strlen("userdb/"));
}

/* Names and shells (values-files.c), shells and password hashes of the host (host-user.c) have no characters that JSON would need
 * escaped. */
static char *user_record(const BindUser *u)
{
        const StringList *groups = u->host->groups;
        const char *name = u->host->name, *shell = u->host->shell;
        _cleanup_memory_stream_ MemoryStream stream = {};
        FILE *f = memory_stream_open(&stream);

        if (!f)
                return NULL;
        fprintf(f, "{\"userName\":\"%s\",\"uid\":%u,\"gid\":%u,\"homeDirectory\":\"/run/host/home/%s\"", name, u->id,
                u->id, name);
        if (shell)
                fprintf(f, ",\"shell\":\"%s\"", shell);
        for (size_t i = 0; groups && i < groups->n; i++)
                fprintf(f, "%s\"%s\"%s", i == 0 ? ",\"memberOf\":[" : ",", groups->items[i].value,
                        i + 1 == groups->n ? "]" : "");
        fputs(",\"service\":\"" RECORD_SERVICE "\"}\n", f);
        return memory_stream_take(&stream);
}

/* nss-systemd finds the members of a group by the names of files. (Empty ones would not count.) */
static int add_memberships(MountOp *host, const BindUser *u)
{
        const StringList *groups = u->host->groups;

        for (size_t i = 0; groups && i < groups->n; i++) {
                _cleanup_free_ char *path = NULL;

                if (strf(&path, "userdb/%s:%s.membership", u->host->name, groups->items[i].value) < 0 ||
                    mount_plan_add_node(host, NODE_FILE, path, 0644, "{}\n") < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int add_records(MountOp *host, const BindUser *u)
{
        _cleanup_free_ char *user = user_record(u), *privileged = NULL, *group = NULL;
        const char *name = u->host->name;

        if (!user || add_memberships(host, u) < 0 ||
            strf(&group, "{\"groupName\":\"%s\",\"gid\":%u,\"service\":\"" RECORD_SERVICE "\"}\n", name, u->id) < 0 ||
            add_record(host, u, "user", 0644, user) < 0)
                return -ENOMEM;
        if (u->host->password &&
            (strf(&privileged, "{\"privileged\":{\"hashedPassword\":[\"%s\"]}}\n", u->host->password) < 0 ||
             add_record(host, u, "user-privileged", 0600, privileged) < 0))
                return -ENOMEM;
        return add_record(host, u, "group", 0644, group);
}

static int add_user(const BindUser *u, MountPlan *p)
{
        MountRow row = { MOUNT_CLONE, MOUNT_RECURSIVE, .source = u->host->home, .from = u->host->from };
        MountOp *host = mount_plan_find(p, "/run/host");
        _cleanup_free_ char *home = NULL;

        if (strf(&home, "/run/host/home/%s", u->host->name) < 0)
                return -ENOMEM;
        if (mount_plan_add_node(host, NODE_DIR, home + strlen("/run/host/"), 0755, NULL) < 0 ||
            add_records(host, u) < 0)
                return -ENOMEM;

        row.dest = home;
        return mount_plan_add(p, &row, NULL);
}

int mount_plan_users(const BindUser *users, size_t n, MountPlan *p)
{
        MountOp *host = mount_plan_find(p, "/run/host");

        if (n == 0)
                return 0;
        if (mount_plan_add_node(host, NODE_DIR, "home", 0755, NULL) < 0 ||
            mount_plan_add_node(host, NODE_DIR, "userdb", 0755, NULL) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                if (add_user(&users[i], p) < 0)
                        return -ENOMEM;
        return 0;
}
