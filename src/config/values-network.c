/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * [Network]: the links of a machine (see values.h). Only the syntax of names is checked; net/link.c checks whether
 * interfaces exist. Runs wherever settings are read; no privilege.
 */

#include <stdio.h>
#include <string.h>

#include "config/values.h"
#include "util/parse.h"
#include "util/strv.h"

const char *value_interface_problem(const char *name)
{
        bool digits = true;

        if (!*name)
                return "interface name is empty";
        if (strlen(name) > INTERFACE_NAME_MAX)
                return "interface name has more than 127 characters";
        /* /proc/sys/net has directories "all" and "default" beside those of the interfaces. */
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "all") == 0 ||
            strcmp(name, "default") == 0)
                return "interface name is reserved";

        /* Digits only are an index, "%" makes a pattern, ":" an old-style alias. */
        for (const char *p = name; *p; p++) {
                if ((unsigned char) *p <= ' ' || (unsigned char) *p >= 0x7f || strchr(":/%\"'\\", *p))
                        return "invalid character in interface name";
                digits = digits && *p >= '0' && *p <= '9';
        }

        return digits ? "interface name is a number" : NULL;
}

static bool set_by_other_source(const Settings *s, SettingId id, Source from)
{
        return !source_same_origin(s->from[id], from);
}

/* If settings of two sources exclude each other, the last one wins. Contradictions within one source are kept; the
 * planner reports them. */

/* A link is set: removes Private=no and NamespacePath= of other sources. */
static void override_by_link(Settings *s, Source from)
{
        if (s->private_network == NO && set_by_other_source(s, SETTING_PRIVATE, from))
                s->private_network = UNSET;
        if (set_by_other_source(s, SETTING_NAMESPACE_PATH, from))
                (void) free_and_strdup(&s->namespace_path, NULL);
}

static void interfaces_keep_own(InterfaceList *l, Source from)
{
        size_t kept = 0;

        for (size_t i = 0; i < l->n; i++) {
                if (source_same_origin(l->items[i].from, from))
                        l->items[kept++] = l->items[i];
                else
                        interface_setting_done(&l->items[i]);
        }
        l->n = kept;
}

/* NamespacePath= is set: removes links of other sources. */
static void override_by_namespace(Settings *s, Source from)
{
        if (s->private_network == NO && set_by_other_source(s, SETTING_PRIVATE, from))
                s->private_network = UNSET;
        if (set_by_other_source(s, SETTING_VIRTUAL_ETHERNET, from))
                s->virtual_ethernet = UNSET;
        if (set_by_other_source(s, SETTING_BRIDGE, from))
                (void) free_and_strdup(&s->bridge, NULL);
        if (set_by_other_source(s, SETTING_ZONE, from))
                (void) free_and_strdup(&s->zone, NULL);
        interfaces_keep_own(&s->veth_extra, from);
        interfaces_keep_own(&s->macvlan, from);
        interfaces_keep_own(&s->ipvlan, from);
        interfaces_keep_own(&s->interfaces, from);
}

int value_virtual_ethernet(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        int r = value_tristate(row, text, from, s, reterr_reason);

        if (r >= 0 && s->virtual_ethernet == YES)
                override_by_link(s, from);
        return r;
}

int value_bridge(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        const char *problem = *text ? value_interface_problem(text) : NULL;
        int r;

        if (problem)
                return value_refuse(reterr_reason, "%s", problem);
        r = free_and_strdup(&s->bridge, *text ? text : NULL);
        if (r < 0 || !*text)
                return r;

        if (set_by_other_source(s, SETTING_ZONE, from))
                (void) free_and_strdup(&s->zone, NULL);
        override_by_link(s, from);
        return 0;
}

int value_zone(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        char bridge[INTERFACE_NAME_MAX + 1];
        const char *problem;
        int r;

        if (snprintf(bridge, sizeof(bridge), "vz-%s", text) >= (int) sizeof(bridge))
                return value_refuse(reterr_reason, "zone name has more than 124 characters");
        problem = value_interface_problem(bridge);
        if (problem)
                return value_refuse(reterr_reason, "%s", problem);
        r = free_and_strdup(&s->zone, *text ? text : NULL);
        if (r < 0 || !*text)
                return r;

        if (set_by_other_source(s, SETTING_BRIDGE, from))
                (void) free_and_strdup(&s->bridge, NULL);
        override_by_link(s, from);
        return 0;
}

/* HOST[:INNER] */
static int interface_parse(const char *text, InterfaceSetting *i, char *reterr_reason)
{
        const char *colon = strchr(text, ':'), *problem;

        i->host_name = strndup(text, strcspn(text, ":"));
        if (!i->host_name)
                return -ENOMEM;
        if (colon && free_and_strdup(&i->container_name, colon + 1) < 0)
                return -ENOMEM;

        problem = value_interface_problem(i->host_name);
        if (!problem && i->container_name)
                problem = value_interface_problem(i->container_name);
        return problem ? value_refuse(reterr_reason, "%s: '%s'", problem, text) : 0;
}

static int interfaces_add(InterfaceList *l, const char *word, Source from, char *reterr_reason)
{
        _cleanup_(interface_setting_done) InterfaceSetting i = { .from = from };
        int r = interface_parse(word, &i, reterr_reason);

        return r < 0 ? r : array_move(&l->items, &l->n, &i, sizeof(i));
}

int value_interfaces(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        InterfaceList *l = value_field(row, s);
        size_t before = l->n;
        int r;

        if (!*text) {
                interface_list_truncate(l, 0);
                return 0;
        }

        for (;;) {
                _cleanup_free_ char *word = NULL;

                r = value_next_item(&text, &word);
                if (r > 0)
                        r = interfaces_add(l, word, from, reterr_reason);
                else if (r == 0)
                        break;
                if (r < 0) {
                        interface_list_truncate(l, before);
                        return r;
                }
        }

        if (l->n == before)
                return value_refuse(reterr_reason, "no interface given");
        override_by_link(s, from);
        return 0;
}

static int port_number(const char *text, uint16_t *ret)
{
        uint32_t n;

        if (parse_u32(text, &n) < 0 || n < 1 || n > UINT16_MAX)
                return -EINVAL;
        *ret = (uint16_t) n;
        return 0;
}

/* [tcp:|udp:]HOST[:INNER] */
static int port_parse(const char *text, PortSetting *p, char *reterr_reason)
{
        const char *rest = text, *colon;
        char host[6];           /* up to five digits */

        if (strncmp(rest, "tcp:", 4) == 0 || strncmp(rest, "udp:", 4) == 0) {
                p->udp = *rest == 'u';
                rest += 4;
        }
        colon = strchrnul(rest, ':');
        if ((size_t) (colon - rest) >= sizeof(host))
                return value_refuse(reterr_reason, "not a port number from 1 to 65535: '%s'", text);
        memcpy(host, rest, (size_t) (colon - rest));
        host[colon - rest] = 0;

        if (port_number(host, &p->host_port) < 0 || (*colon && port_number(colon + 1, &p->container_port) < 0))
                return value_refuse(reterr_reason, "not a port number from 1 to 65535: '%s'", text);
        if (!*colon)
                p->container_port = p->host_port;
        return 0;
}

static PortSetting *port_find(PortSetting *ports, size_t n, const PortSetting *p)
{
        for (size_t i = 0; i < n; i++)
                if (ports[i].host_port == p->host_port && ports[i].udp == p->udp)
                        return &ports[i];
        return NULL;
}

int value_ports(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_free_ PortSetting *added = NULL;
        size_t n_added = 0;

        if (!*text) {
                s->n_ports = 0;
                return 0;
        }

        for (;;) {
                _cleanup_free_ char *word = NULL;
                PortSetting p = { .from = from }, *other;
                int r;

                r = value_next_item(&text, &word);
                if (r == 0)
                        break;
                if (r > 0)
                        r = port_parse(word, &p, reterr_reason);
                if (r < 0)
                        return r;

                other = port_find(s->ports, s->n_ports, &p);
                if (port_find(added, n_added, &p) || (other && source_same_origin(other->from, from)))
                        return value_refuse(reterr_reason, "host port %u is used twice", p.host_port);
                if (array_move(&added, &n_added, &p, sizeof(p)) < 0)
                        return -ENOMEM;
        }

        for (size_t i = 0; i < n_added; i++) {
                PortSetting *other = port_find(s->ports, s->n_ports, &added[i]);        /* of another source: replaced */

                if (!other)
                        other = array_append(&s->ports, &s->n_ports, sizeof(*other));
                if (!other)
                        return -ENOMEM;
                *other = added[i];
        }
        return n_added > 0 ? 0 : value_refuse(reterr_reason, "no port given");
}

/* On the command line, the path may be relative, as in systemd-nspawn. */
int value_namespace_path(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        int r;

        if (*text && *text != '/' && !source_is_switch(from))
                return value_refuse(reterr_reason, "not an absolute path");
        r = free_and_strdup(&s->namespace_path, *text ? text : NULL);
        if (r >= 0 && *text)
                override_by_namespace(s, from);
        return r;
}
