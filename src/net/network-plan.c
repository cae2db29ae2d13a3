/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The plan of a machine's network (see network-plan.h), with the checks for conflicting [Network] settings. Pure: run by the
 * supervisor before anything is changed, and by --dry-run and boxctl without privilege.
 */

#include <string.h>

#include "config/settings-table.h"
#include "net/network-plan.h"

void network_plan_done(NetworkPlan *p)
{
        free(p->namespace_path);
        link_plan_done(&p->links);
        free(p->ports);
        *p = (NetworkPlan) { 0 };
}

bool network_plan_is_new(const NetworkPlan *p)
{
        return p->is_private && !p->namespace_path;
}

/* The namespace to join, unless a later source has Private=no. */
static const char *effective_namespace(const Settings *s)
{
        if (s->private_network == NO && !source_same_origin(s->from[SETTING_PRIVATE], s->from[SETTING_NAMESPACE_PATH]))
                return NULL;
        return s->namespace_path;
}

static int check_zone(const Settings *s, Problems *problems)
{
        char buf[SOURCE_TEXT_MAX];

        if (!s->bridge || !s->zone)
                return 0;
        return problem_error(problems, s->from[SETTING_ZONE], "Zone=%s: conflicts with Bridge=%s (%s)", s->zone, s->bridge,
                             source_text(s->from[SETTING_BRIDGE], buf));
}

static int check_namespace(const Settings *s, Problems *problems)
{
        char buf[SOURCE_TEXT_MAX];
        SettingId link;

        if (!effective_namespace(s) || !settings_has_link(s, &link))
                return 0;
        return problem_error(problems, s->from[SETTING_NAMESPACE_PATH],
                             "NamespacePath=%s: conflicts with links, as of %s= (%s)", s->namespace_path,
                             settings_table_row(link)->key, source_text(s->from[link], buf));
}

static int check_ports(const Settings *s, Problems *problems)
{
        char buf[SOURCE_TEXT_MAX], form[SETTING_FORM_MAX];

        if (s->n_ports == 0 || settings_private_network(s))
                return 0;
        if (s->private_network == NO)
                return problem_error(problems, s->ports[0].from,
                                     "Port=%u: needs a private network, conflicts with Private=no (%s)",
                                     s->ports[0].host_port, source_text(s->from[SETTING_PRIVATE], buf));
        return problem_error(problems, s->ports[0].from, "Port=%u: needs a private network, for example %s",
                             s->ports[0].host_port, setting_form(SETTING_VIRTUAL_ETHERNET, s->ports[0].from, "yes", form));
}

static int copy_ports(const Settings *s, NetworkPlan *p)
{
        if (s->n_ports == 0)
                return 0;
        p->ports = calloc(s->n_ports, sizeof(*p->ports));
        if (!p->ports)
                return -ENOMEM;
        memcpy(p->ports, s->ports, s->n_ports * sizeof(*p->ports));
        p->n_ports = s->n_ports;
        return 0;
}

int network_plan_make(const Settings *s, const char *machine, const uint8_t host_id[static 16], const uint8_t *mac,
                      NetworkPlan *ret, Problems *problems)
{
        _cleanup_(network_plan_done) NetworkPlan p = { .is_private = settings_private_network(s) };
        const char *path = effective_namespace(s);

        if (check_zone(s, problems) < 0 || check_namespace(s, problems) < 0 || check_ports(s, problems) < 0)
                return -ENOMEM;

        if (path) {
                p.namespace_from = s->from[SETTING_NAMESPACE_PATH];
                p.namespace_path = strdup(path);
                if (!p.namespace_path)
                        return -ENOMEM;
        }
        if (link_plan_make(s, machine, host_id, &p.links, problems) < 0 || copy_ports(s, &p) < 0)
                return -ENOMEM;
        /* Replaces the derived address of the veth pair's container side. */
        for (size_t i = 0; mac && i < p.links.n; i++)
                if (p.links.ops[i].kind == LINK_VETH)
                        memcpy(p.links.ops[i].container_mac, mac, 6);

        *ret = p;
        p = (NetworkPlan) { 0 };
        return 0;
}

int network_plan_print(const NetworkPlan *p, FILE *f)
{
        int r;

        if (p->namespace_path)
                fprintf(f, "  join %s\n", p->namespace_path);
        r = link_plan_print(&p->links, f);
        if (r < 0)
                return r;
        for (size_t i = 0; i < p->n_ports; i++)
                fprintf(f, "  %s port %u of the host -> %u\n", p->ports[i].udp ? "udp" : "tcp", p->ports[i].host_port,
                        p->ports[i].container_port);
        return ferror(f) ? -EIO : 0;
}
