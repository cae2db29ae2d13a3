/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Interfaces of the host that the machine has while it runs. The supervisor, with CAP_NET_ADMIN on the host; what it holds
 * in the machine's namespace (Links.inner_rtnl) keeps that alive, and with it the interfaces, until they are back.
 */

#include <string.h>

#include "container/link-kind.h"
#include "util/log.h"

/* Moves an interface to the namespace and gives it the name there; NULL keeps its own. */
static int link_set_netns(int rtnl, int ifindex, int netns_fd, const char *name, char text[static RTNL_TEXT_MAX])
{
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_SETLINK, 0, ifindex);

        mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t) netns_fd);
        if (name)
                mnl_attr_put_strz(m, IFLA_IFNAME, name);

        return rtnl_call(rtnl, &q, NULL, text);
}

static int move_up(const LinkOp *op, const LinkTarget *to, Links *l, Failure *failure)
{
        bool rename = *op->inner_name && strcmp(op->inner_name, op->host_name) != 0;
        char text[RTNL_TEXT_MAX];
        RtnlLink outside, inside;
        int r;

        r = link_find_needed(op, l, &outside, failure);
        if (r < 0)
                return r;

        r = link_set_netns(l->host_rtnl, outside.ifindex, to->netns_fd, rename ? op->inner_name : NULL, text);

        /* An interface is moved first and renamed then: it may be there although this failed. Its index is the same
         * there unless another had it. */
        if (rtnl_get_link(l->inner_rtnl, r == 0 && rename ? op->inner_name : outside.name, &inside) < 0)
                inside.ifindex = outside.ifindex;
        if (r == 0 || rtnl_get_link(l->host_rtnl, outside.name, &(RtnlLink) { 0 }) == -ENODEV)
                link_record(l, inside.ifindex, outside.name);

        return r < 0 ? link_failed(op, r, "move into the machine", op->host_name, text, failure) : 0;
}

static void move_down(const LinkOp *op, const LinkDone *d, const Links *l)
{
        char text[RTNL_TEXT_MAX];
        int r = link_set_netns(l->inner_rtnl, d->ifindex, l->host_netns, d->host_name, text);

        if (r == -EEXIST) {
                /* Another has taken its name meanwhile. What the kernel would do with a namespace that ends is to destroy
                 * a virtual interface and to call others devN: better that name for all. */
                log_warning(0, "Giving interface %s back as another one: its name is in use", op->host_name);
                r = link_set_netns(l->inner_rtnl, d->ifindex, l->host_netns, "dev%d", text);
        }
        if (r < 0 && r != -ENODEV)
                log_warning(r, "Failed to give interface %s back to the host, ignoring: %m", op->host_name);
}

const LinkMethods link_move = { .inner = true, .up = move_up, .down = move_down };
