/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Plans the network links of a machine. Pure: run by the supervisor before anything is changed, and by --dry-run and
 * boxctl without privilege.
 *
 * DHCP leases, .network files and firewall rules match names and addresses: both are the same as systemd-nspawn's since its
 * naming scheme v245, with the same hash, keys and order of input. tests/unit/test-link-plan.c compares them.
 */

#include <endian.h>
#include <stdarg.h>
#include <string.h>

#include "config/settings.h"
#include "config/values.h"
#include "net/link-plan.h"
#include "util/print.h"
#include "util/siphash.h"
#include "util/strv.h"

static const uint8_t host_side_key[16] = {
        0x1a, 0x37, 0x6f, 0xc7, 0x46, 0xec, 0x45, 0x0b, 0xad, 0xa3, 0xd5, 0x31, 0x06, 0x60, 0x5d, 0xb1,
};
static const uint8_t container_side_key[16] = {
        0xc3, 0xc4, 0xf9, 0x19, 0xb5, 0x57, 0xb2, 0x1c, 0xe6, 0xcf, 0x14, 0x27, 0x03, 0x9c, 0xee, 0xa2,
};
static const uint8_t extra_host_side_key[16] = {
        0x48, 0xc7, 0xf6, 0xb7, 0xea, 0x9d, 0x4c, 0x9e, 0xb7, 0x28, 0xd4, 0xde, 0x91, 0xd5, 0xbf, 0x66,
};
static const uint8_t extra_container_side_key[16] = {
        0xaf, 0x50, 0x17, 0x61, 0xce, 0xf9, 0x4d, 0x35, 0x84, 0x0d, 0x2b, 0x20, 0x54, 0xbe, 0xce, 0x59,
};
static const uint8_t macvlan_key[16] = {
        0x00, 0x13, 0x6d, 0xbc, 0x66, 0x83, 0x44, 0x81, 0xbb, 0x0c, 0xf9, 0x51, 0x1f, 0x24, 0xa6, 0x6f,
};
static const uint8_t short_name_key[16] = {
        0xe1, 0x90, 0xa4, 0x04, 0xa8, 0xef, 0x4b, 0x51, 0x8c, 0xcc, 0xc3, 0x3a, 0x9f, 0x11, 0xfc, 0xa2,
};

void link_op_done(LinkOp *op)
{
        free(op->host_name);
        free(op->host_altname);
        free(op->container_altname);
        free(op->bridge);
        free(op->bridge_altname);
        *op = (LinkOp) { 0 };
}

void link_plan_done(LinkPlan *p)
{
        for (size_t i = 0; i < p->n; i++)
                link_op_done(&p->ops[i]);
        free(p->ops);
        *p = (LinkPlan) { 0 };
}

void link_mac(const uint8_t host_id[static 16], const char *machine, const uint8_t key[static 16], uint64_t index,
              uint8_t ret[static 6])
{
        uint8_t input[16 + LINK_FULL_NAME_MAX + sizeof(uint64_t)];
        size_t length = strnlen(machine, LINK_FULL_NAME_MAX), n = 16 + length;
        uint64_t hash;

        memcpy(input, host_id, 16);
        memcpy(input + 16, machine, length);
        if (index > 0) {
                uint64_t le = htole64(index);

                memcpy(input + n, &le, sizeof(le));
                n += sizeof(le);
        }

        hash = htole64(siphash24(input, n, key));
        memcpy(ret, &hash, 6);
        ret[0] &= 0xfe;         /* no multicast address */
        ret[0] |= 0x02;         /* locally administered */
}

void link_name(const char *prefix, const char *machine, char ret[static IF_NAMESIZE], bool *ret_cut)
{
        static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        char full[LINK_FULL_NAME_MAX + 1];
        uint64_t hash;

        (void) snprintf(full, sizeof(full), "%s%s", prefix, machine);
        memset(ret, 0, IF_NAMESIZE);

        *ret_cut = strlen(full) >= IF_NAMESIZE;
        if (!*ret_cut) {
                memcpy(ret, full, strlen(full));
                return;
        }

        hash = siphash24(full, strlen(full), short_name_key);
        memcpy(ret, full, IF_NAMESIZE - 5);
        for (unsigned i = 0; i < 4; i++)
                ret[IF_NAMESIZE - 5 + i] = base64url[hash >> (18 - 6 * i) & 0x3f];
}

static const char *setting_of(LinkKind kind)
{
        static const char *const settings[] = {
                [LINK_VETH] = "VirtualEthernet=",
                [LINK_VETH_EXTRA] = "VirtualEthernetExtra=",
                [LINK_MACVLAN] = "MACVLAN=",
                [LINK_IPVLAN] = "IPVLAN=",
                [LINK_MOVE] = "Interface=",
        };

        return settings[kind];
}

const char *link_op_setting(const LinkOp *op)
{
        return op->zone ? "Zone=" : op->bridge ? "Bridge=" : setting_of(op->kind);
}

typedef struct LinkPlanner {
        const Settings *settings;
        const char *machine;
        const uint8_t *host_id;
        LinkPlan *plan;
        Problems *problems;
} LinkPlanner;

static LinkOp *add_op(LinkPlan *p, LinkKind kind, const char *host_name, Source from)
{
        LinkOp *op = array_append(&p->ops, &p->n, sizeof(LinkOp));

        if (!op)
                return NULL;

        op->kind = kind;
        op->from = from;
        op->host_name = strdup(host_name);
        return op->host_name ? op : NULL;
}

/* The name of an interface that is created, and its full name as an alternative one if it was shortened. */
static int plan_name(const char *prefix, const char *name, char ret[static IF_NAMESIZE], char **ret_altname)
{
        bool cut;

        link_name(prefix, name, ret, &cut);
        if (!cut || strlen(prefix) + strlen(name) > INTERFACE_NAME_MAX)
                return 0;
        return strf(ret_altname, "%s%s", prefix, name) < 0 ? -ENOMEM : 0;
}

static int plan_zone(const char *zone, LinkOp *op)
{
        char name[IF_NAMESIZE];

        op->zone = true;
        return plan_name("vz-", zone, name, &op->bridge_altname) < 0 ? -ENOMEM : free_and_strdup(&op->bridge, name);
}

static int plan_veth(LinkPlanner *p)
{
        const Settings *s = p->settings;
        const SettingId id = s->bridge ? SETTING_BRIDGE : s->zone ? SETTING_ZONE : SETTING_VIRTUAL_ETHERNET;
        const char *prefix = id == SETTING_VIRTUAL_ETHERNET ? "ve-" : "vb-";
        char name[IF_NAMESIZE];
        LinkOp *op;
        bool cut;
        int r;

        if (s->bridge && value_interface_problem(s->bridge))
                return problem_error(p->problems, s->from[SETTING_BRIDGE], "Bridge=%s: invalid interface name", s->bridge);

        link_name(prefix, p->machine, name, &cut);
        op = add_op(p->plan, LINK_VETH, name, s->from[id]);
        if (!op)
                return -ENOMEM;

        r = plan_name(prefix, p->machine, name, &op->host_altname);
        if (r >= 0 && id == SETTING_ZONE)
                r = plan_zone(s->zone, op);
        else if (r >= 0 && id == SETTING_BRIDGE)
                r = free_and_strdup(&op->bridge, s->bridge);
        if (r < 0)
                return r;
        (void) snprintf(op->container_name, sizeof(op->container_name), "host0");
        link_mac(p->host_id, p->machine, host_side_key, 0, op->host_mac);
        link_mac(p->host_id, p->machine, container_side_key, 0, op->container_mac);
        return 0;
}

static int name_interface(const InterfaceSetting *i, LinkKind kind, const char *prefix, LinkOp *op)
{
        const bool named = i->container_name;
        char name[IF_NAMESIZE];
        int r = 0;

        /* Of a moved interface whose name is an alternative one, the name is kept. */
        if (named || kind != LINK_MOVE || strlen(i->host_name) < IF_NAMESIZE)
                r = plan_name(named ? "" : prefix, named ? i->container_name : i->host_name, op->container_name,
                              &op->container_altname);
        if (r < 0 || kind != LINK_VETH_EXTRA)
                return r;
        r = plan_name("", i->host_name, name, &op->host_altname);
        return r < 0 ? r : free_and_strdup(&op->host_name, name);
}

/* One entry of a list of interfaces. */
static int plan_interface(LinkPlanner *p, const InterfaceSetting *i, LinkKind kind, const char *prefix)
{
        const char *setting = setting_of(kind);
        LinkOp *op;

        if (value_interface_problem(i->host_name))
                return problem_error(p->problems, i->from, "%s%s: invalid interface name", setting, i->host_name);
        if (i->container_name && value_interface_problem(i->container_name))
                return problem_error(p->problems, i->from, "%s%s:%s: invalid interface name in the machine", setting,
                                     i->host_name, i->container_name);

        op = add_op(p->plan, kind, i->host_name, i->from);
        return op ? name_interface(i, kind, prefix, op) : -ENOMEM;
}

/* Refuses the same name twice on one side, and an interface that is moved from the host while another link needs it. */
static int check_pair(const LinkOp *a, const LinkOp *b, Problems *problems)
{
        const LinkOp *moved = a->kind == LINK_MOVE ? a : b, *other = moved == a ? b : a;
        const char *needed = other->kind == LINK_VETH ? other->bridge : other->host_name;

        if (moved->kind == LINK_MOVE && needed && strcmp(moved->host_name, needed) == 0) {
                if (other->kind == LINK_MOVE)
                        return problem_error(problems, b->from, "Interface=%s: specified twice", b->host_name);

                return problem_error(problems, moved->from,
                                     "Interface=%s: %s%s needs it on the host", moved->host_name,
                                     link_op_setting(other), needed);
        }

        if (link_op_is_veth(a) && link_op_is_veth(b) && strcmp(a->host_name, b->host_name) == 0)
                return problem_error(problems, b->from, "%s%s: the machine has another link of that name on the host",
                                     link_op_setting(b), b->host_name);

        if (*a->container_name && strcmp(a->container_name, b->container_name) == 0)
                return problem_error(problems, b->from, "%s%s: the machine has another interface named %s",
                                     link_op_setting(b), b->kind == LINK_VETH ? "" : b->host_name, b->container_name);

        return 0;
}

static int check_names(const LinkPlan *p, Problems *problems)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < p->n; i++) {
                const LinkOp *op = &p->ops[i];

                if (strcmp(op->container_name, "lo") == 0 || strcmp(op->host_name, "lo") == 0)
                        r = problem_error(problems, op->from, "%s%s: the loopback interface cannot be used",
                                          link_op_setting(op), op->host_name);
                for (size_t k = 0; r >= 0 && k < i; k++)
                        r = check_pair(&p->ops[k], op, problems);
        }
        return r;
}

/* The addresses of the index-th link of its kind. */
static void plan_addresses(const char *machine, const uint8_t *host_id, uint64_t index, LinkOp *op)
{
        if (op->kind == LINK_VETH_EXTRA) {
                link_mac(host_id, machine, extra_host_side_key, index, op->host_mac);
                link_mac(host_id, machine, extra_container_side_key, index, op->container_mac);
        } else if (op->kind == LINK_MACVLAN)
                link_mac(host_id, machine, macvlan_key, index, op->container_mac);
}

static bool has_address_of(const LinkPlan *p, const LinkOp *op)
{
        for (size_t i = 0; i < p->n; i++)
                if (p->ops[i].kind == op->kind && memcmp(p->ops[i].container_mac, op->container_mac, 6) == 0)
                        return true;
        return false;
}

void link_plan_readdress(const LinkPlan *p, const char *machine, const uint8_t host_id[static 16], LinkOp *op)
{
        uint64_t index = 0;

        if (op->kind == LINK_VETH_EXTRA || op->kind == LINK_MACVLAN)
                do
                        plan_addresses(machine, host_id, index++, op);
                while (has_address_of(p, op));
}

/* prefix: of the default name in the machine. */
static int plan_list(LinkPlanner *p, const InterfaceList *l, LinkKind kind, const char *prefix)
{
        uint64_t index = 0;

        for (size_t i = 0; i < l->n; i++) {
                size_t before = p->plan->n;
                int r = plan_interface(p, &l->items[i], kind, prefix);

                if (r < 0)
                        return r;
                if (p->plan->n > before)
                        plan_addresses(p->machine, p->host_id, index++, &p->plan->ops[before]);
        }

        return 0;
}

int link_plan_make(const Settings *s, const char *machine, const uint8_t host_id[static 16], LinkPlan *ret,
                   Problems *problems)
{
        _cleanup_(link_plan_done) LinkPlan plan = { 0 };
        LinkPlanner p = { s, machine, host_id, &plan, problems };
        int r;

        if (!settings_private_network(s)) {
                *ret = (LinkPlan) { 0 };
                return 0;
        }

        /* In systemd-nspawn's order. */
        r = plan_list(&p, &s->interfaces, LINK_MOVE, "");
        if (r >= 0 && settings_veth(s))
                r = plan_veth(&p);
        if (r >= 0)
                r = plan_list(&p, &s->veth_extra, LINK_VETH_EXTRA, "");
        if (r >= 0)
                r = plan_list(&p, &s->macvlan, LINK_MACVLAN, "mv-");
        if (r >= 0)
                r = plan_list(&p, &s->ipvlan, LINK_IPVLAN, "iv-");
        if (r >= 0)
                r = check_names(&plan, problems);
        if (r < 0)
                return r;

        *ret = plan;
        plan = (LinkPlan) { 0 };
        return 0;
}

#define MAC_FORMAT "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC_ARGS(m) (m)[0], (m)[1], (m)[2], (m)[3], (m)[4], (m)[5]

static void print_veth(const LinkOp *op, FILE *f)
{
        fprintf(f, "  veth %s (" MAC_FORMAT ") <-> %s (" MAC_FORMAT ")", op->host_name, MAC_ARGS(op->host_mac),
                op->container_name, MAC_ARGS(op->container_mac));
        if (op->bridge)
                fprintf(f, ", bridge %s%s", op->bridge, op->zone ? " of the zone" : "");
}

static void print_altnames(const LinkOp *op, FILE *f)
{
        const char *const names[] = { op->host_altname, op->bridge_altname, op->container_altname };
        const char *before = ", also named ";

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (names[i]) {
                        fprintf(f, "%s%s", before, names[i]);
                        before = ", ";
                }
}

int link_plan_print(const LinkPlan *p, FILE *f)
{
        for (size_t i = 0; i < p->n; i++) {
                const LinkOp *op = &p->ops[i];

                switch (op->kind) {
                case LINK_VETH:
                case LINK_VETH_EXTRA:
                        print_veth(op, f);
                        break;
                case LINK_MACVLAN:
                        fprintf(f, "  macvlan %s (" MAC_FORMAT ") on %s", op->container_name, MAC_ARGS(op->container_mac),
                                op->host_name);
                        break;
                case LINK_IPVLAN:
                        fprintf(f, "  ipvlan %s on %s", op->container_name, op->host_name);
                        break;
                case LINK_MOVE:
                        fprintf(f, "  move %s%s%s", op->host_name, *op->container_name ? " -> " : "", op->container_name);
                        break;
                }
                print_altnames(op, f);
                fputc('\n', f);
        }

        return ferror(f) ? -EIO : 0;
}
