/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See own-links.h. The payload may create any interfaces, but none that has its other end or its parent in the host's namespace:
 * the kernel asks for CAP_NET_ADMIN there. The supervisor; needs no privilege.
 */

#include <string.h>
#include <unistd.h>

#include "net/own-links.h"
#include "net/rtnl.h"

/* Interfaces are stacked a few levels high: a veth in a bond in a bridge. */
enum { LEVELS_MAX = 4 };

/* How an interface of this kind and its IFLA_LINK belong together. */
typedef enum Relation {
        UNRELATED,              /* or in a way that no packet takes */
        PAIR,                   /* the other end, which nothing else is behind */
        ON_TOP,                 /* the interface that carries its packets */
        ON_TOP_HERE,            /* the same, but not from a machine: its packets are tagged or encrypted there */
} Relation;

static Relation relation_of(const char *kind)
{
        static const struct {
                const char *kind;
                Relation relation;
        } relations[] = {
                { "veth", PAIR }, { "netkit", PAIR }, { "macvlan", ON_TOP }, { "ipvlan", ON_TOP }, { "vlan", ON_TOP_HERE },
                { "macsec", ON_TOP_HERE },
        };

        for (size_t i = 0; i < ARRAY_SIZE(relations); i++)
                if (strcmp(relations[i].kind, kind) == 0)
                        return relations[i].relation;
        return UNRELATED;
}

typedef struct Search {
        int host_id;            /* of the host's namespace, as seen from the machine's */
        OwnLinks *found;
} Search;

static void add(OwnLinks *l, int ifindex, bool is_shared)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].ifindex == ifindex)
                        return;
        if (l->n < OWN_LINKS_MAX)
                l->items[l->n++] = (OwnLink) { ifindex, is_shared };
}

static void find_outside(const struct nlmsghdr *m, void *userdata)
{
        Search *s = userdata;
        Relation relation;
        RtnlLink link;

        if (!rtnl_read_link(m, &link) || link.lower <= 0 || link.lower_netns != s->host_id)
                return;
        relation = relation_of(link.kind);
        if (relation == PAIR || relation == ON_TOP)
                add(s->found, link.lower, relation == ON_TOP);
}

static void add_masters(OwnLinks *l, int host_rtnl)
{
        /* The list grows meanwhile. */
        for (size_t i = 0; i < l->n; i++) {
                RtnlLink link;

                if (rtnl_get_index(host_rtnl, l->items[i].ifindex, &link) >= 0 && link.master > 0)
                        add(l, link.master, /* is_shared= */ true);
        }
}

int own_links_read(int container_rtnl, int host_rtnl, OwnLinks *ret)
{
        OwnLinks found = { 0 };
        Search s = { .found = &found };
        RtnlRequest q = { 0 };
        int r;

        s.host_id = rtnl_netns_id(container_rtnl, getpid());
        if (s.host_id >= 0) {
                mnl_attr_put_u32(rtnl_add(&q, RTM_GETLINK, 0, 0), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
                r = rtnl_dump(container_rtnl, &q, find_outside, &s);
                if (r < 0)
                        return r;
                add_masters(&found, host_rtnl);
        } else if (s.host_id != -ENOENT)
                return s.host_id;

        *ret = found;
        return 0;
}

const OwnLink *own_links_find(const OwnLinks *own, int host_rtnl, int ifindex)
{
        for (unsigned level = 0; level < LEVELS_MAX; level++) {
                RtnlLink link;

                for (size_t i = 0; i < own->n; i++)
                        if (own->items[i].ifindex == ifindex)
                                return &own->items[i];
                if (rtnl_get_index(host_rtnl, ifindex, &link) < 0 || link.lower_netns >= 0 || relation_of(link.kind) < ON_TOP)
                        return NULL;
                ifindex = link.lower;
        }
        return NULL;
}
