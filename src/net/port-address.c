/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See port-address.h. The payload chooses its addresses freely. With an address of the host, of another machine or of a network
 * behind another link, a forwarded port would lead there, past what the host's firewall allows the machine: only addresses are
 * used that the host itself reaches by a link of the machine. Behind a link that is shared (a bridge, the parent of a macvlan)
 * this also holds for the addresses of neighbours, which the machine can take over there anyway; what is behind a gateway does
 * not count. The supervisor; needs no privilege.
 */

#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "net/port-address.h"
#include "net/rtnl.h"

/* A limit, as a payload may have any number of addresses. */
enum { CANDIDATES_MAX = 64 };

typedef struct Candidate {
        uint32_t rank;          /* lower is better */
        unsigned ifindex;
        uint8_t bytes[16];
} Candidate;

typedef struct Candidates {
        int family;
        size_t n;
        Candidate items[CANDIDATES_MAX];
} Candidates;

static size_t address_size(int family)
{
        return family == AF_INET ? 4 : 16;
}

/* Addresses that no interface can use on a network, whatever their scope. */
static bool is_invalid(int family, const uint8_t *a)
{
        static const uint8_t zero[16], mapped[12] = { [10] = 0xff, [11] = 0xff };

        if (family == AF_INET)
                return a[0] == 0 || a[0] == 127 || a[0] >= 224;
        return memcmp(a, zero, 15) == 0 || a[0] == 0xff || memcmp(a, mapped, sizeof(mapped)) == 0;
}

static void add_candidate(const struct nlmsghdr *m, void *userdata)
{
        const uint32_t unusable = IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED;
        const struct ifaddrmsg *header = mnl_nlmsg_get_payload(m);
        const struct nlattr *a, *local = NULL, *address = NULL;
        Candidates *c = userdata;
        Candidate *item = &c->items[c->n];
        uint32_t flags;

        if (m->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(m) < sizeof(*header) ||
            header->ifa_family != c->family || header->ifa_scope >= RT_SCOPE_LINK || c->n == CANDIDATES_MAX)
                return;

        flags = header->ifa_flags;
        mnl_attr_for_each(a, m, sizeof(*header)) {
                if (mnl_attr_get_type(a) == IFA_LOCAL)
                        local = a;
                else if (mnl_attr_get_type(a) == IFA_ADDRESS)
                        address = a;
                else if (mnl_attr_get_type(a) == IFA_FLAGS)
                        flags = mnl_attr_get_u32(a);
        }
        if (!local)
                local = address;        /* they differ only on a point-to-point link, where it is the peer's */
        if (!local || mnl_attr_get_payload_len(local) != address_size(c->family) || flags & unusable)
                return;

        memcpy(item->bytes, mnl_attr_get_payload(local), address_size(c->family));
        if (is_invalid(c->family, item->bytes))
                return;
        /* Secondary (in IPv6: temporary) addresses come last. */
        item->rank = (uint32_t) header->ifa_scope << 1 | !!(flags & IFA_F_SECONDARY);
        item->ifindex = header->ifa_index;
        c->n++;
}

static bool is_better(const Candidate *a, const Candidate *b)
{
        return a->rank != b->rank ? a->rank < b->rank : a->ifindex < b->ifindex;
}

/* Removes and returns the best one, the first among equals. */
static bool take_best(Candidates *c, Candidate *ret)
{
        size_t best = 0;

        if (c->n == 0)
                return false;
        for (size_t i = 1; i < c->n; i++)
                if (is_better(&c->items[i], &c->items[best]))
                        best = i;

        *ret = c->items[best];
        memmove(&c->items[best], &c->items[best + 1], (--c->n - best) * sizeof(*ret));
        return true;
}

typedef struct Route {
        uint8_t type;           /* RTN_*; RTN_UNSPEC: none */
        int ifindex;
        bool has_gateway;
} Route;

static void read_route(const struct nlmsghdr *m, void *userdata)
{
        const struct rtmsg *header = mnl_nlmsg_get_payload(m);
        const struct nlattr *a;
        Route *ret = userdata;

        if (m->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(m) < sizeof(*header))
                return;
        *ret = (Route) { .type = header->rtm_type };
        mnl_attr_for_each(a, m, sizeof(*header)) {
                if (mnl_attr_get_type(a) == RTA_OIF)
                        ret->ifindex = (int) mnl_attr_get_u32(a);
                else if (mnl_attr_get_type(a) == RTA_GATEWAY || mnl_attr_get_type(a) == RTA_VIA)
                        ret->has_gateway = true;
        }
}

/* Would the host send a packet for this address to the machine? */
static bool is_routed_to_machine(int host_rtnl, const OwnLinks *own, int family, const uint8_t *address)
{
        const struct rtmsg header = {
                .rtm_family = (unsigned char) family,
                .rtm_dst_len = (unsigned char) (address_size(family) * 8),
        };
        Route route = { 0 };
        const OwnLink *link;
        RtnlRequest q = { 0 };

        mnl_attr_put(rtnl_add_with(&q, RTM_GETROUTE, 0, &header, sizeof(header)), RTA_DST, address_size(family), address);
        if (rtnl_call_each(host_rtnl, &q, read_route, &route) < 0 || route.type != RTN_UNICAST)
                return false;
        link = own_links_find(own, host_rtnl, route.ifindex);
        return link && !(link->is_shared && route.has_gateway);
}

int port_address_find(int container_rtnl, int host_rtnl, const OwnLinks *own, int family, PortAddress *ret)
{
        const struct ifaddrmsg header = { .ifa_family = (uint8_t) family };
        Candidates candidates = { .family = family };
        RtnlRequest q = { 0 };
        Candidate best;
        int r;

        (void) rtnl_add_with(&q, RTM_GETADDR, 0, &header, sizeof(header));
        r = rtnl_dump(container_rtnl, &q, add_candidate, &candidates);
        if (r < 0)
                return r;

        *ret = (PortAddress) { 0 };
        while (!ret->any && take_best(&candidates, &best))
                if (is_routed_to_machine(host_rtnl, own, family, best.bytes)) {
                        ret->any = true;
                        memcpy(ret->bytes, best.bytes, sizeof(ret->bytes));
                }

        return 0;
}
