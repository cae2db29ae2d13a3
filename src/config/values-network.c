/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * [Network]: the links of a machine (see values.h). Only names are judged here; whether an interface exists is known
 * when links are checked. Runs wherever settings are read; no privilege.
 */

#include <net/if.h>
#include <string.h>

#include "config/values.h"
#include "util/strv.h"

const char *value_interface_problem(const char *name)
{
        bool digits = true;

        if (!*name)
                return "an interface's name is empty";
        if (strlen(name) >= IF_NAMESIZE)
                return "an interface's name has more than 15 characters";
        /* "all" and "default" are taken: directories of these names lie beside the interfaces' in /proc/sys/net. */
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "all") == 0 ||
            strcmp(name, "default") == 0)
                return "no interface can have that name";

        for (const char *p = name; *p; p++) {
                if ((unsigned char) *p <= ' ' || (unsigned char) *p >= 0x7f || strchr(":/%", *p))
                        return "a character that no interface's name may have";
                digits = digits && *p >= '0' && *p <= '9';
        }

        return digits ? "an interface's name can't be a number" : NULL;
}

/* A link that is asked for after another writer's Private=no takes that back: the last writer wins. */
static void link_asked_for(Settings *s, Source from)
{
        if (s->private_network == NO && !source_same_writer(s->from[SETTING_PRIVATE], from))
                s->private_network = UNSET;
}

int value_virtual_ethernet(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        int r = value_tristate(row, text, from, s, reterr_reason);

        if (r >= 0 && s->virtual_ethernet == YES)
                link_asked_for(s, from);
        return r;
}

int value_bridge(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        const char *problem = *text ? value_interface_problem(text) : NULL;

        if (problem)
                return value_refuse(reterr_reason, "%s", problem);
        if (*text)
                link_asked_for(s, from);

        return value_replace(&s->bridge, *text ? text : NULL);
}

static void interface_done(InterfaceSetting *i)
{
        free(i->host);
        free(i->inner);
}

static void interfaces_done(InterfaceSetting *items, size_t *n)
{
        for (size_t i = 0; i < *n; i++)
                interface_done(&items[i]);
        *n = 0;
}

/* HOST[:INNER] */
static int interface_parse(const char *text, InterfaceSetting *i, char *reterr_reason)
{
        const char *colon = strchr(text, ':'), *problem;

        i->host = strndup(text, strcspn(text, ":"));
        if (!i->host)
                return -ENOMEM;
        if (colon) {
                i->inner = strdup(colon + 1);
                if (!i->inner)
                        return -ENOMEM;
        }

        problem = value_interface_problem(i->host);
        if (!problem && i->inner)
                problem = value_interface_problem(i->inner);
        return problem ? value_refuse(reterr_reason, "%s: '%s'", problem, text) : 0;
}

int value_interfaces(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        bool macvlan = row->id == SETTING_MACVLAN;
        InterfaceSetting **items = macvlan ? &s->macvlan : &s->interfaces;
        size_t *n = macvlan ? &s->n_macvlan : &s->n_interfaces, before = *n;
        int r;

        if (!*text) {
                interfaces_done(*items, n);
                return 0;
        }

        for (;;) {
                _cleanup_(interface_done) InterfaceSetting i = { .from = from };
                _cleanup_free_ char *word = NULL;
                InterfaceSetting *item;

                r = value_next_item(&text, &word);
                if (r == 0)
                        break;
                if (r > 0)
                        r = interface_parse(word, &i, reterr_reason);
                if (r >= 0) {
                        item = array_append(items, n, sizeof(InterfaceSetting));
                        r = item ? 0 : -ENOMEM;
                }
                if (r < 0) {
                        while (*n > before)
                                interface_done(&(*items)[--*n]);
                        return r;
                }
                *item = i;
                i = (InterfaceSetting) { 0 };
        }

        if (*n == before)
                return value_refuse(reterr_reason, "no interface is named");
        link_asked_for(s, from);
        return 0;
}
