/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Users of the host in a machine (see users/bind-user.h): their homes and records below /run/host. Records are what
 * systemd-nspawn writes (https://systemd.io/USER_RECORD): a name, the ids, a home, and, where only root of the machine can read
 * it, the password's hash. Pure.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "mount/mount-plan-internal.h"
#include "users/bind-user.h"

/* The owner named in the records, as in those of systemd-nspawn. */
#define RECORD_SERVICE "io.systemd.NSpawn"

/* NAME.KIND with the record (taken over; NULL: no memory), and ID.KIND, a link to it: as nss-systemd looks for either. */
static int add_record(MountOp *host, const BindUser *u, const char *kind, mode_t mode, char *record)
{
        _cleanup_free_ char *text = record, *path = NULL, *link = NULL;

        if (!text)
                return -ENOMEM;
        if (asprintf(&path, "userdb/%s.%s", u->host->name, kind) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (asprintf(&link, "userdb/%u.%s", u->id, kind) < 0) {
                link = NULL;
                return -ENOMEM;
        }
        if (mount_plan_add_node(host, NODE_FILE, path, mode, text) < 0)
                return -ENOMEM;
        host->nodes[host->n_nodes - 1].secret = mode == 0600;
        return mount_plan_add_node(host, NODE_LINK, link, 0, path + strlen("userdb/"));
}

static char *_printf_(1, 2) format_record(const char *format, ...)
{
        char *text;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        return n < 0 ? NULL : text;
}

/* Written as they are: names (value_bind_user()) and passwords (host-user.c) have nothing that JSON would take for more than
 * text. */
static int add_records(MountOp *host, const BindUser *u)
{
        const char *name = u->host->name;
        int r;

        r = add_record(host, u, "user", 0644,
                       format_record("{\"userName\":\"%s\",\"uid\":%u,\"gid\":%u,\"homeDirectory\":\"/run/host/home/%s\","
                                     "\"service\":\"" RECORD_SERVICE "\"}\n", name, u->id, u->id, name));
        if (r >= 0 && u->host->password)
                r = add_record(host, u, "user-privileged", 0600,
                               format_record("{\"privileged\":{\"hashedPassword\":[\"%s\"]}}\n", u->host->password));
        return r < 0 ? r : add_record(host, u, "group", 0644,
                                      format_record("{\"groupName\":\"%s\",\"gid\":%u,\"service\":\"" RECORD_SERVICE "\"}\n",
                                                    name, u->id));
}

static int add_user(const BindUser *u, MountPlan *p)
{
        MountRow row = { MOUNT_CLONE, MOUNT_RECURSIVE, .source = u->host->home, .from = u->host->from };
        MountOp *host = mount_plan_find(p, "/run/host");
        _cleanup_free_ char *home = NULL;

        if (asprintf(&home, "/run/host/home/%s", u->host->name) < 0) {
                home = NULL;
                return -ENOMEM;
        }
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
