/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions that the kinds of links share (see link-kind.h). The supervisor, with CAP_NET_ADMIN on the host. */

#include <stdio.h>
#include <string.h>

#include "net/link-kind.h"
#include "util/log.h"

const char *link_place(const LinkOp *op, char buf[static SOURCE_TEXT_MAX])
{
        char source[SOURCE_TEXT_MAX];

        buf[0] = 0;
        if (op->from.where)
                (void) snprintf(buf, SOURCE_TEXT_MAX, "%.*s: ", SOURCE_TEXT_MAX - 3, source_text(op->from, source));
        return buf;
}

int link_failed(const LinkOp *op, int error, const char *verb, const char *name, const char *kernel_text,
                Failure *failure)
{
        char buf[SOURCE_TEXT_MAX];

        return failure_set(failure, error, "%sFailed to %s %s: %m%s%s%s", link_place(op, buf), verb, name,
                           *kernel_text ? " (" : "", kernel_text, *kernel_text ? ")" : "");
}

const char *link_needs(const LinkOp *op)
{
        switch (op->kind) {
        case LINK_VETH:
                return op->zone ? NULL : op->bridge;
        case LINK_VETH_EXTRA:
                return NULL;
        default:
                return op->host_name;
        }
}

int link_find_needed(const LinkOp *op, const Links *l, RtnlLink *ret, Failure *failure)
{
        int r = rtnl_get_link(l->host_rtnl, link_needs(op), ret);

        return r < 0 ? link_failed(op, r, "find", link_needs(op), "", failure) : 0;
}

LinkDone *link_record(Links *l, int ifindex, const char *host_name)
{
        LinkDone *d = &l->done[l->n_done++];

        d->ifindex = ifindex;
        (void) snprintf(d->host_name, sizeof(d->host_name), "%s", host_name);
        return d;
}

struct nlattr *link_begin_kind(struct nlmsghdr *m, const char *kind)
{
        struct nlattr *info = mnl_attr_nest_start(m, IFLA_LINKINFO);

        mnl_attr_put_str(m, IFLA_INFO_KIND, kind);
        return info;
}

void link_set_altname(int rtnl, const char *name, const char *altname)
{
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, 0);
        struct nlattr *list;
        int r;

        mnl_attr_put_strz(m, IFLA_IFNAME, name);
        list = mnl_attr_nest_start(m, IFLA_PROP_LIST);
        mnl_attr_put_strz(m, IFLA_ALT_IFNAME, altname);
        mnl_attr_nest_end(m, list);
        r = rtnl_call(rtnl, &q, NULL, NULL);
        if (r < 0)
                log_warning(r, "Failed to add the alternative name %s to interface %s, ignoring: %m", altname, name);
}

int link_delete(int rtnl, int ifindex, const char *name)
{
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_DELLINK, 0, ifindex);

        if (ifindex == 0)
                mnl_attr_put_strz(m, IFLA_IFNAME, name);
        return rtnl_call(rtnl, &q, NULL, NULL);
}

int link_remove(int rtnl, int ifindex, const char *name)
{
        int r = link_delete(rtnl, ifindex, name);

        return r < 0 && r != -ENODEV ? log_warning(r, "Failed to remove interface %s, ignoring: %m", name) : 0;
}
