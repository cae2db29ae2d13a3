/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The links of a machine, made after its namespaces are there and before its init runs, removed when it has ended. The
 * supervisor, as root of the host, in the host's network namespace; links_loopback_up() alone is the child's.
 *
 * Everything that is made is made in one message, at its place, under its last name: nothing appears on the host
 * under a temporary name or address for udev or networkd to see.
 */

#include <linux/veth.h>
#include <string.h>

#include "container/link.h"
#include "container/rtnl.h"
#include "util/fd.h"
#include "util/log.h"

#define ALIAS_MAX 256

/* "FILE:LINE: Failed to VERB NAME: why (the kernel's words)" */
static int op_failed(const LinkOp *op, int error, const char *verb, const char *name, const char *kernel_text,
                     Failure *failure)
{
        char buf[SOURCE_TEXT_MAX];
        const char *source = op->from.where ? source_text(op->from, buf) : "";

        return failure_set(failure, error, "%s%sFailed to %s %s: %m%s%s%s", source, *source ? ": " : "", verb, name,
                           *kernel_text ? " (" : "", kernel_text, *kernel_text ? ")" : "");
}

/* The host's interface that an op needs to be there, or NULL. */
static const char *op_needs(const LinkOp *op)
{
        return op->kind == LINK_VETH ? op->bridge : op->host_name;
}

int links_check(const LinkPlan *p, Problems *problems)
{
        _cleanup_close_ int fd = -EBADF;

        for (size_t i = 0; i < p->n; i++) {
                const LinkOp *op = &p->ops[i];
                RtnlLink link;
                int r;

                if (!op_needs(op))
                        continue;

                if (fd < 0) {
                        fd = rtnl_open();
                        if (fd < 0)
                                return fd;
                }

                r = rtnl_get_link(fd, op_needs(op), &link);
                if (r == -ENODEV)
                        r = problem_error(problems, op->from, "%s%s: no such interface", link_op_setting(op),
                                          op_needs(op));
                if (r < 0)
                        return r;
        }

        return 0;
}

/* The interface that the op needs, looked up again: it may have gone since links_check(). */
static int find_needed(const LinkOp *op, const Links *l, RtnlLink *ret, Failure *failure)
{
        int r = rtnl_get_link(l->host_rtnl, op_needs(op), ret);

        return r < 0 ? op_failed(op, r, "find", op_needs(op), "", failure) : 0;
}

static void record(Links *l, int ifindex, const char *host_name)
{
        LinkDone *d = &l->done[l->n_done++];

        d->ifindex = ifindex;
        (void) snprintf(d->host_name, sizeof(d->host_name), "%s", host_name);
}

static struct nlattr *begin_kind(struct nlmsghdr *m, const char *kind)
{
        struct nlattr *info = mnl_attr_nest_start(m, IFLA_LINKINFO);

        mnl_attr_put_str(m, IFLA_INFO_KIND, kind);
        return info;
}

static int veth_create(const LinkOp *op, const Links *l, int bridge, int netns_fd, char text[static RTNL_TEXT_MAX])
{
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
        struct nlattr *info, *data, *peer;

        mnl_attr_put_strz(m, IFLA_IFNAME, op->host_name);
        mnl_attr_put(m, IFLA_ADDRESS, sizeof(op->host_mac), op->host_mac);
        if (bridge > 0) {
                struct ifinfomsg *header = mnl_nlmsg_get_payload(m);

                /* Else it is left down: bringing it up tells that it has been configured, which is networkd's part. */
                header->ifi_flags = header->ifi_change = IFF_UP;
                mnl_attr_put_u32(m, IFLA_MASTER, (uint32_t) bridge);
        }

        info = begin_kind(m, "veth");
        data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
        peer = mnl_attr_nest_start(m, VETH_INFO_PEER);
        mnl_nlmsg_put_extra_header(m, sizeof(struct ifinfomsg));
        mnl_attr_put_strz(m, IFLA_IFNAME, op->inner_name);
        mnl_attr_put(m, IFLA_ADDRESS, sizeof(op->inner_mac), op->inner_mac);
        mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t) netns_fd);
        mnl_attr_nest_end(m, peer);
        mnl_attr_nest_end(m, data);
        mnl_attr_nest_end(m, info);

        return rtnl_call(l->host_rtnl, &q, NULL, text);
}

static int link_delete(int rtnl, int ifindex, const char *name)
{
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_DELLINK, 0, ifindex);

        if (ifindex == 0)
                mnl_attr_put_strz(m, IFLA_IFNAME, name);

        return rtnl_call(rtnl, &q, NULL, text);
}

/* Makes room for our side of the veth where its name is in use: 0 when a stale one of ours was removed. */
static int veth_remove_stale(const LinkOp *op, const char *machine, const char *alias, const Links *l,
                             Failure *failure)
{
        RtnlLink there;
        int r = rtnl_get_link(l->host_rtnl, op->host_name, &there);

        if (r == -ENODEV)
                return 0;
        if (r < 0)
                return op_failed(op, r, "find", op->host_name, "", failure);

        if (strcmp(there.alias, alias) != 0)
                return failure_set(failure, -EEXIST,
                                   "Network interface %s already exists and is not of machine %s: remove it, or "
                                   "rename it", op->host_name, machine);

        log_debug(0, "Removing the stale interface %s of machine %s", op->host_name, machine);
        r = link_delete(l->host_rtnl, there.ifindex, NULL);
        return r < 0 && r != -ENODEV ? op_failed(op, r, "remove the stale interface", op->host_name, "", failure) : 0;
}

/* The full name of a link whose own had to be cut. Nice to have: without it the link works as well. */
static void veth_set_altname(const LinkOp *op, const Links *l, int ifindex)
{
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, ifindex);
        struct nlattr *list = mnl_attr_nest_start(m, IFLA_PROP_LIST);
        int r;

        mnl_attr_put_strz(m, IFLA_ALT_IFNAME, op->host_altname);
        mnl_attr_nest_end(m, list);
        r = rtnl_call(l->host_rtnl, &q, NULL, text);
        if (r < 0)
                log_warning(r, "Failed to give %s its full name %s, ignoring: %m", op->host_name, op->host_altname);
}

static int veth_up(const LinkOp *op, const char *machine, int netns_fd, Links *l, Failure *failure)
{
        char text[RTNL_TEXT_MAX], alias[ALIAS_MAX];
        RtnlLink bridge = { 0 }, ours = { 0 };
        RtnlRequest q = { 0 };
        struct nlmsghdr *m;
        int r;

        (void) snprintf(alias, sizeof(alias), "box:%s", machine);
        if (op->bridge) {
                r = find_needed(op, l, &bridge, failure);
                if (r < 0)
                        return r;
        }

        r = veth_create(op, l, bridge.ifindex, netns_fd, text);
        if (r == -EEXIST) {
                r = veth_remove_stale(op, machine, alias, l, failure);
                if (r < 0)
                        return r;
                r = veth_create(op, l, bridge.ifindex, netns_fd, text);
        }
        if (r < 0)
                return op_failed(op, r, op->bridge ? "make the veth, on its bridge," : "make the veth", op->host_name,
                                 text, failure);

        /* The kernel takes no alias when it makes a link. By name: it was made under it just now, and not by another. */
        m = rtnl_add(&q, RTM_SETLINK, 0, 0);
        mnl_attr_put_strz(m, IFLA_IFNAME, op->host_name);
        mnl_attr_put_strz(m, IFLA_IFALIAS, alias);
        m = rtnl_add(&q, RTM_GETLINK, 0, 0);
        mnl_attr_put_strz(m, IFLA_IFNAME, op->host_name);
        mnl_attr_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
        r = rtnl_call(l->host_rtnl, &q, &ours, text);
        if (r < 0) {
                (void) link_delete(l->host_rtnl, 0, op->host_name);
                return op_failed(op, r, "mark as ours the veth", op->host_name, text, failure);
        }

        record(l, ours.ifindex, op->host_name);
        l->ifindices[l->n_ifindices++] = op->bridge ? bridge.ifindex : ours.ifindex;
        if (op->host_altname)
                veth_set_altname(op, l, ours.ifindex);
        return 0;
}

static int macvlan_up(const LinkOp *op, int netns_fd, Links *l, Failure *failure)
{
        char text[RTNL_TEXT_MAX];
        RtnlLink parent, inside;
        RtnlRequest q = { 0 };
        struct nlmsghdr *m;
        struct nlattr *info, *data;
        int r;

        r = find_needed(op, l, &parent, failure);
        if (r < 0)
                return r;

        m = rtnl_add(&q, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
        mnl_attr_put_u32(m, IFLA_LINK, (uint32_t) parent.ifindex);
        mnl_attr_put_strz(m, IFLA_IFNAME, op->inner_name);
        mnl_attr_put(m, IFLA_ADDRESS, sizeof(op->inner_mac), op->inner_mac);
        mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t) netns_fd);
        info = begin_kind(m, "macvlan");
        data = mnl_attr_nest_start(m, IFLA_INFO_DATA);
        mnl_attr_put_u32(m, IFLA_MACVLAN_MODE, MACVLAN_MODE_BRIDGE);
        mnl_attr_nest_end(m, data);
        mnl_attr_nest_end(m, info);

        r = rtnl_call(l->host_rtnl, &q, NULL, text);
        if (r < 0)
                return op_failed(op, r, "make a macvlan on", op->host_name, text, failure);

        r = rtnl_get_link(l->inner_rtnl, op->inner_name, &inside);
        if (r < 0) {
                (void) link_delete(l->inner_rtnl, 0, op->inner_name);
                return op_failed(op, r, "find in the machine the macvlan", op->inner_name, "", failure);
        }

        record(l, inside.ifindex, op->host_name);
        return 0;
}

/* Moves an interface to the namespace and gives it the name there; NULL keeps its own. */
static int link_move(int rtnl, int ifindex, int netns_fd, const char *name, char text[static RTNL_TEXT_MAX])
{
        RtnlRequest q = { 0 };
        struct nlmsghdr *m = rtnl_add(&q, RTM_SETLINK, 0, ifindex);

        mnl_attr_put_u32(m, IFLA_NET_NS_FD, (uint32_t) netns_fd);
        if (name)
                mnl_attr_put_strz(m, IFLA_IFNAME, name);

        return rtnl_call(rtnl, &q, NULL, text);
}

static int move_up(const LinkOp *op, int netns_fd, Links *l, Failure *failure)
{
        bool rename = *op->inner_name && strcmp(op->inner_name, op->host_name) != 0;
        char text[RTNL_TEXT_MAX];
        RtnlLink outside, inside;
        int r;

        r = find_needed(op, l, &outside, failure);
        if (r < 0)
                return r;

        r = link_move(l->host_rtnl, outside.ifindex, netns_fd, rename ? op->inner_name : NULL, text);

        /* An interface is moved first and renamed then: it may be there although this failed. Its index is the same
         * there unless another had it. */
        if (rtnl_get_link(l->inner_rtnl, r == 0 && rename ? op->inner_name : outside.name, &inside) < 0)
                inside.ifindex = outside.ifindex;
        if (r == 0 || rtnl_get_link(l->host_rtnl, outside.name, &(RtnlLink) { 0 }) == -ENODEV)
                record(l, inside.ifindex, outside.name);

        return r < 0 ? op_failed(op, r, "move into the machine", op->host_name, text, failure) : 0;
}

static int move_down(const LinkOp *op, const LinkDone *d, const Links *l)
{
        char text[RTNL_TEXT_MAX];
        int r = link_move(l->inner_rtnl, d->ifindex, l->host_netns, d->host_name, text);

        if (r != -EEXIST)
                return r;

        /* Another has taken its name meanwhile. What the kernel would do with a namespace that ends is to destroy a
         * virtual interface and to call others devN: better that name for all. */
        log_warning(0, "Giving interface %s back as another one: its name is in use", op->host_name);
        return link_move(l->inner_rtnl, d->ifindex, l->host_netns, "dev%d", text);
}

int links_up(const LinkPlan *p, const char *machine, int netns_fd, Links *l, Failure *failure)
{
        bool needs_inner = false;
        int r = 0;

        if (p->n == 0)
                return 0;

        for (size_t i = 0; i < p->n; i++)
                needs_inner = needs_inner || p->ops[i].kind != LINK_VETH;

        l->done = calloc(p->n, sizeof(LinkDone));
        l->ifindices = calloc(p->n, sizeof(int));
        if (!l->done || !l->ifindices)
                return failure_set(failure, -ENOMEM, "Failed to make the network links: %m");

        l->host_rtnl = rtnl_open();
        if (l->host_rtnl < 0)
                return failure_set(failure, l->host_rtnl, "Failed to open a netlink socket: %m");

        if (needs_inner) {
                l->host_netns = RET_ERRNO(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
                if (l->host_netns < 0)
                        return failure_set(failure, l->host_netns, "Failed to open /proc/self/ns/net: %m");
                l->inner_rtnl = rtnl_open_in(netns_fd, l->host_netns);
                if (l->inner_rtnl < 0)
                        return failure_set(failure, l->inner_rtnl,
                                           "Failed to open a netlink socket in the machine's network namespace: %m");
        }

        for (size_t i = 0; i < p->n && r >= 0; i++) {
                const LinkOp *op = &p->ops[i];

                switch (op->kind) {
                case LINK_VETH:
                        r = veth_up(op, machine, netns_fd, l, failure);
                        break;
                case LINK_MACVLAN:
                        r = macvlan_up(op, netns_fd, l, failure);
                        break;
                case LINK_MOVE:
                        r = move_up(op, netns_fd, l, failure);
                        break;
                }
        }

        return r;
}

void links_down(const LinkPlan *p, Links *l)
{
        while (l->n_done > 0) {
                const LinkOp *op = &p->ops[--l->n_done];
                const LinkDone *d = &l->done[l->n_done];
                int r = 0;

                switch (op->kind) {
                case LINK_VETH:
                        r = link_delete(l->host_rtnl, d->ifindex, NULL);
                        break;
                case LINK_MACVLAN:
                        /* Its namespace would take it along, but at its leisure: until then the address is in use on
                         * the parent, and a restarted machine could not bring its own up. */
                        r = link_delete(l->inner_rtnl, d->ifindex, NULL);
                        break;
                case LINK_MOVE:
                        r = move_down(op, d, l);
                        break;
                }

                /* -ENODEV: the machine removed it itself, and for a veth, both ends with its own. */
                if (r < 0 && r != -ENODEV)
                        log_warning(r, op->kind == LINK_MOVE ? "Failed to give interface %s back to the host, ignoring: %m"
                                                             : "Failed to remove interface %s, ignoring: %m",
                                    op->kind == LINK_MACVLAN ? op->inner_name : op->host_name);
        }

        free(l->done);
        free(l->ifindices);
        fd_close(l->host_rtnl);
        fd_close(l->inner_rtnl);
        fd_close(l->host_netns);
        *l = (Links) LINKS_NULL;
}

int links_loopback_up(Failure *failure)
{
        _cleanup_close_ int fd = rtnl_open();
        char text[RTNL_TEXT_MAX];
        RtnlRequest q = { 0 };
        struct ifinfomsg *info;
        int r;

        if (fd < 0)
                return failure_set(failure, fd, "Failed to open a netlink socket: %m");

        /* The first interface of every namespace: its index is 1 always. */
        info = mnl_nlmsg_get_payload(rtnl_add(&q, RTM_SETLINK, 0, 1));
        info->ifi_flags = info->ifi_change = IFF_UP;
        r = rtnl_call(fd, &q, NULL, text);
        return r < 0 ? failure_set(failure, r, "Failed to bring up the loopback interface: %m") : 0;
}
