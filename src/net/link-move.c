/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Interfaces of the host that are moved into the machine while it runs. The supervisor, with CAP_NET_ADMIN on the host. Its
 * socket in the machine's namespace (Links.container_rtnl) keeps the namespace and its interfaces alive until they are back.
 *
 * A moved interface has the alias "box:MACHINE:NAME", unless it has another alias already. If the payload moved it to a
 * namespace of its own, or the supervisor was killed, the kernel returns it to the host under its current name (and destroys
 * virtual interfaces). By its alias it is found and renamed, at the end or at the next start of the machine.
 */

#include <stdio.h>
#include <string.h>

#include "net/link-kind.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/strv.h"

/* The time for the kernel to return the interfaces of a namespace that has ended. */
enum { RETURN_MSEC = 1000 };

typedef struct Change {
        int netns_fd;           /* -EBADF: the same namespace */
        const char *name;       /* NULL: the same name */
        const char *alias;      /* "": removed; NULL: unchanged */
} Change;

static int change(int rtnl, int ifindex, Change c, char *text)
{
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_SETLINK, 0, ifindex);

        if (c.netns_fd >= 0)
                mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t) c.netns_fd);
        if (c.name)
                mnl_attr_put_strz(m, IFLA_IFNAME, c.name);
        if (c.alias)
                mnl_attr_put_str(m, IFLA_IFALIAS, c.alias);
        return rtnl_call(rtnl, &q, NULL, text);
}

static void make_mark(const LinkOp *op, const char *machine, char ret[static sizeof((LinkDone) { 0 }.mark)])
{
        (void) snprintf(ret, sizeof((LinkDone) { 0 }.mark), "box:%s:%s", machine, op->host_name);
}

int link_find_moved(const LinkOp *op, const char *machine, int rtnl, RtnlLink *ret)
{
        char mark[sizeof((LinkDone) { 0 }.mark)];
        int r = rtnl_get_link(rtnl, op->host_name, ret);

        if ((r < 0 && r != -ENODEV) || strlen(op->host_name) >= IF_NAMESIZE)
                return r;

        make_mark(op, machine, mark);
        if (r == -ENODEV)
                r = rtnl_find_alias(rtnl, mark, ret);
        /* Its name must be restored: udev may have kept it as an alternative name only. */
        if (r >= 0 && strcmp(ret->alias, mark) == 0)
                (void) snprintf(ret->name, sizeof(ret->name), "%s", op->host_name);
        return r;
}

/* An interface cannot be renamed to one of its alternative names. udev, or a payload, may have added the old name as one. */
static void drop_altname(int rtnl, int ifindex, const char *name)
{
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_DELLINKPROP, 0, ifindex);
        struct nlattr *list = mnl_attr_nest_start(m, IFLA_PROP_LIST);

        mnl_attr_put_strz(m, IFLA_ALT_IFNAME, name);
        mnl_attr_nest_end(m, list);
        (void) rtnl_call(rtnl, &q, NULL, NULL);
}

static void collect_altnames(const struct nlmsghdr *m, void *userdata)
{
        const struct nlattr *a, *name;
        char ***names = userdata;

        if (m->nlmsg_type != RTM_NEWLINK)
                return;
        mnl_attr_for_each(a, m, sizeof(struct ifinfomsg)) {
                if (mnl_attr_get_type(a) != IFLA_PROP_LIST)
                        continue;
                mnl_attr_for_each_nested(name, a)
                        if (mnl_attr_get_type(name) == IFLA_ALT_IFNAME && mnl_attr_validate(name, MNL_TYPE_NUL_STRING) >= 0)
                                (void) strv_extend(names, mnl_attr_get_str(name));
        }
}

/* An alternative name that the payload added may be the name of another interface on the host, which prevents the move. udev
 * adds the proper ones again. */
static bool drop_altnames(int rtnl, int ifindex)
{
        _cleanup_strv_ char **names = NULL;
        RtnlRequest q = { 0 };

        mnl_attr_put_u32(rtnl_add(&q, RTM_GETLINK, 0, ifindex), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        (void) rtnl_call_each(rtnl, &q, collect_altnames, &names);
        STRV_FOREACH(name, names)
                drop_altname(rtnl, ifindex, *name);
        return names;
}

/* The names that it got from us, or that are in the way of its old one. */
static void drop_our_names(int rtnl, int ifindex, const LinkOp *op, const LinkDone *d)
{
        drop_altname(rtnl, ifindex, d->host_name);
        if (d->has_altname)
                drop_altname(rtnl, ifindex, op->container_altname);
}

/* Is the wanted name one of the interface's alternative names? Then the machine finds it by that, and its name is kept. */
static bool has_wanted_name(const LinkOp *op, int rtnl, const RtnlLink *link)
{
        RtnlLink other;

        return *op->container_name && strcmp(op->container_name, link->name) != 0 &&
               rtnl_get_link(rtnl, op->container_altname ?: op->container_name, &other) >= 0 && other.ifindex == link->ifindex;
}

static int move_up(const LinkOp *op, const LinkTarget *to, Links *l, Failure *failure)
{
        char text[RTNL_TEXT_MAX], mark[sizeof((LinkDone) { 0 }.mark)];
        bool is_marked, has_name;
        Change c = { .netns_fd = to->netns_fd };
        RtnlLink outside, inside;
        LinkDone *d;
        int r;

        r = link_find_moved(op, to->machine, l->host_rtnl, &outside);
        if (r < 0)
                return link_failed(op, r, "find", op->host_name, "", failure);

        make_mark(op, to->machine, mark);
        is_marked = strcmp(outside.alias, mark) == 0;
        has_name = !is_marked && has_wanted_name(op, l->host_rtnl, &outside);
        c.name = *op->container_name && !has_name ? op->container_name : outside.name;
        c.alias = !*outside.alias || is_marked ? mark : NULL;
        if (is_marked)
                drop_altname(l->host_rtnl, outside.ifindex, c.name);
        r = change(l->host_rtnl, outside.ifindex, c, text);

        /* The kernel moves first and renames then: it may be in the container although this failed. */
        if ((r == 0 || rtnl_get_link(l->container_rtnl, outside.name, &inside) < 0) &&
            rtnl_get_link(l->container_rtnl, c.name, &inside) < 0)
                inside.ifindex = outside.ifindex;       /* kept, unless it was in use */
        if (r == 0 || rtnl_get_link(l->host_rtnl, outside.name, &(RtnlLink) { 0 }) == -ENODEV) {
                d = link_record(l, inside.ifindex, outside.name);
                memcpy(d->kind, outside.kind, sizeof(d->kind));
                if (c.alias)
                        (void) snprintf(d->mark, sizeof(d->mark), "%s", mark);
                d->has_altname = op->container_altname && !has_name;
                if (d->has_altname)
                        link_set_altname(l->container_rtnl, c.name, op->container_altname);
        }

        return r < 0 ? link_failed(op, r, "move interface", op->host_name, text, failure) : 0;
}

/* Finds the interface on the host by its alias. wait: the kernel may be returning it. */
static int find_returned(const LinkDone *d, const Links *l, bool wait, RtnlLink *ret)
{
        _cleanup_close_ int events = wait && *d->mark ? rtnl_open_events(RTMGRP_LINK) : -EBADF;
        int r;

        if (!*d->mark)
                return -ENODEV;
        do
                r = rtnl_find_alias(l->host_rtnl, d->mark, ret);
        while (r == -ENODEV && events >= 0 && rtnl_wait_event(events, RETURN_MSEC) > 0);
        return r;
}

/* The payload may have moved the interface and created another one with its index; but it cannot create one without a kind,
 * as hardware is. */
static bool is_replaced(int rtnl, const LinkDone *d)
{
        RtnlLink there;

        return rtnl_get_index(rtnl, d->ifindex, &there) >= 0 && strcmp(there.kind, d->kind) != 0;
}

static int return_interface(const LinkOp *op, const LinkDone *d, const Links *l)
{
        Change c = { .netns_fd = l->host_netns, .name = d->host_name, .alias = *d->mark ? "" : NULL };
        int rtnl = l->container_rtnl, ifindex = d->ifindex, r;
        RtnlLink returned;

        if (is_replaced(rtnl, d))
                r = -ENODEV;
        else {
                drop_our_names(rtnl, ifindex, op, d);
                r = change(rtnl, ifindex, c, NULL);
        }
        if (r < 0 && r != -ENODEV && r != -EEXIST)      /* such as -ENOMEM: try once more, it may get lost */
                r = change(rtnl, ifindex, c, NULL);

        /* Returned by the kernel, or moved but not renamed. */
        if (r < 0 && find_returned(d, l, r == -ENODEV, &returned) >= 0) {
                c.netns_fd = -EBADF;
                rtnl = l->host_rtnl;
                ifindex = returned.ifindex;
                drop_our_names(rtnl, ifindex, op, d);
                r = change(rtnl, ifindex, c, NULL);
        }
        if (r == -EEXIST && drop_altnames(rtnl, ifindex))
                r = change(rtnl, ifindex, c, NULL);
        if (r == -EEXIST) {
                /* When the namespace ends, the kernel would destroy a virtual interface, and name others devN: use that name
                 * for all. */
                log_warning(0, "Returning interface %s to the host as devN: its name is in use", op->host_name);
                c.name = "dev%d";
                r = change(rtnl, ifindex, c, NULL);
        }
        return r;
}

static int move_down(const LinkOp *op, const LinkDone *d, const Links *l)
{
        int r = return_interface(op, d, l);

        if (r == -ENODEV)
                log_warning(0, "Failed to return interface %s to the host: the machine removed it, or moved it to a namespace "
                            "that removed it", op->host_name);
        else if (r < 0)
                return log_warning(r, "Failed to return interface %s to the host, ignoring: %m", op->host_name);
        return 0;
}

const LinkMethods link_move = { .needs_container_rtnl = true, .up = move_up, .down = move_down };
