/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Initializes, frees and evaluates Settings (see settings.h). boxctl and the supervisor; pure, no privilege.
 */

#include <string.h>

#include "config/settings.h"
#include "util/strv.h"

void settings_init(Settings *s)
{
        *s = (Settings) {
                .boot = UNSET,
                .process_two = UNSET,
                .ephemeral = UNSET,
                .notify_ready = UNSET,
                .no_new_privileges = UNSET,
                .suppress_sync = UNSET,
                .nesting = UNSET,
                .specifiers = UNSET,
                .oom_score_adjust = OOM_SCORE_UNSET,
                .read_only = UNSET,
                .private_network = UNSET,
                .virtual_ethernet = UNSET,
        };
        image_policy_default(&s->image_policy);
}

void interface_setting_done(InterfaceSetting *i)
{
        free(i->host_name);
        free(i->container_name);
}

void interface_list_truncate(InterfaceList *l, size_t n)
{
        while (l->n > n)
                interface_setting_done(&l->items[--l->n]);
        if (n == 0) {
                free(l->items);
                l->items = NULL;
        }
}

void string_list_done(StringList *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->items[i].value);
        free(l->items);
        *l = (StringList) { 0 };
}

void bind_setting_done(BindSetting *b)
{
        free(b->source);
        free(b->dest);
}

void tmpfs_setting_done(TmpfsSetting *t)
{
        free(t->dest);
        free(t->options);
}

void overlay_setting_done(OverlaySetting *o)
{
        for (size_t i = 0; i < o->n_layers; i++)
                free(o->layers[i].path);
        free(o->layers);
        free(o->dest);
        *o = (OverlaySetting) { 0 };
}

void credential_setting_done(CredentialSetting *c)
{
        if (c->data)
                explicit_bzero(c->data, c->size);
        free(c->data);
        free(c->id);
        free(c->path);
}

void settings_forget_credentials(Settings *s)
{
        for (size_t i = 0; i < s->n_credentials; i++)
                credential_setting_done(&s->credentials[i]);
        free(s->credentials);
        s->credentials = NULL;
        s->n_credentials = 0;
}

void unit_property_setting_done(UnitPropertySetting *p)
{
        unit_property_done(&p->property);
        free(p->text);
}

static void unit_properties_free(UnitPropertySetting *items, size_t n)
{
        for (size_t i = 0; i < n; i++)
                unit_property_setting_done(&items[i]);
        free(items);
}

void settings_done(Settings *s)
{
        strv_free(s->parameters);
        strv_free(s->environment);
        free(s->user);
        free(s->working_directory);
        free(s->pivot_root_new);
        free(s->pivot_root_old);
        free(s->hostname);
        free(s->machine_id);
        string_list_done(&s->syscall_allow);
        string_list_done(&s->syscall_deny);
        free(s->personality);

        for (size_t i = 0; i < s->n_binds; i++)
                bind_setting_done(&s->binds[i]);
        free(s->binds);
        for (size_t i = 0; i < s->n_tmpfs; i++)
                tmpfs_setting_done(&s->tmpfs[i]);
        free(s->tmpfs);
        string_list_done(&s->inaccessible);
        for (size_t i = 0; i < s->n_overlays; i++)
                overlay_setting_done(&s->overlays[i]);
        free(s->overlays);
        string_list_done(&s->bind_users);
        free(s->bind_user_shell);
        string_list_done(&s->bind_user_groups);

        free(s->bridge);
        free(s->zone);
        interface_list_truncate(&s->veth_extra, 0);
        interface_list_truncate(&s->macvlan, 0);
        interface_list_truncate(&s->ipvlan, 0);
        interface_list_truncate(&s->interfaces, 0);
        free(s->ports);
        free(s->namespace_path);

        string_list_done(&s->profiles);
        free(s->init);
        free(s->id_map);
        free(s->apparmor_profile);
        string_list_done(&s->after);
        string_list_done(&s->requires);
        unit_properties_free(s->resources, s->n_resources);

        free(s->directory);
        free(s->template);
        free(s->image);
        free(s->oci_bundle);
        free(s->machine);
        settings_forget_credentials(s);
        free(s->slice);
        free(s->read_instead);
        unit_properties_free(s->scope_properties, s->n_scope_properties);
        free(s->selinux_context);
        free(s->selinux_apifs_context);

        settings_init(s);
}

SettingId settings_limit_id(int resource)
{
        static const SettingId ids[RLIM_NLIMITS] = {
                [RLIMIT_CPU] = SETTING_LIMIT_CPU, [RLIMIT_FSIZE] = SETTING_LIMIT_FSIZE, [RLIMIT_DATA] = SETTING_LIMIT_DATA,
                [RLIMIT_STACK] = SETTING_LIMIT_STACK, [RLIMIT_CORE] = SETTING_LIMIT_CORE, [RLIMIT_RSS] = SETTING_LIMIT_RSS,
                [RLIMIT_NOFILE] = SETTING_LIMIT_NOFILE, [RLIMIT_AS] = SETTING_LIMIT_AS, [RLIMIT_NPROC] = SETTING_LIMIT_NPROC,
                [RLIMIT_MEMLOCK] = SETTING_LIMIT_MEMLOCK, [RLIMIT_LOCKS] = SETTING_LIMIT_LOCKS,
                [RLIMIT_SIGPENDING] = SETTING_LIMIT_SIGPENDING, [RLIMIT_MSGQUEUE] = SETTING_LIMIT_MSGQUEUE,
                [RLIMIT_NICE] = SETTING_LIMIT_NICE, [RLIMIT_RTPRIO] = SETTING_LIMIT_RTPRIO,
                [RLIMIT_RTTIME] = SETTING_LIMIT_RTTIME,
        };

        return ids[resource];
}

StartMode settings_start_mode(const Settings *s)
{
        if (s->boot == YES)
                return START_BOOT;
        return s->process_two == YES ? START_PID2 : START_COMMAND;
}

PrivateUsers settings_private_users(const Settings *s)
{
        return s->n_id_map > 0 ? PRIVATE_USERS_MAP : s->private_users;
}

/* Link settings, in the order of the manual. */
enum { N_LINK_SETTINGS = 7 };

typedef struct LinkSetting {
        bool wanted;
        SettingId id;
} LinkSetting;

static void link_settings(const Settings *s, LinkSetting ret[static N_LINK_SETTINGS])
{
        const LinkSetting all[N_LINK_SETTINGS] = {
                { s->virtual_ethernet == YES, SETTING_VIRTUAL_ETHERNET },
                { s->veth_extra.n > 0, SETTING_VIRTUAL_ETHERNET_EXTRA },
                { s->bridge != NULL, SETTING_BRIDGE },
                { s->zone != NULL, SETTING_ZONE },
                { s->macvlan.n > 0, SETTING_MACVLAN },
                { s->ipvlan.n > 0, SETTING_IPVLAN },
                { s->interfaces.n > 0, SETTING_INTERFACE },
        };

        memcpy(ret, all, sizeof(all));
}

bool settings_private_network(const Settings *s)
{
        LinkSetting links[N_LINK_SETTINGS];

        if (s->private_network == YES)
                return true;

        /* A link set after Private=no of another source has reset it (values-network.c). A Private=no that remains is
         * either from the link's source, which is an error, or set later by another source, which wins. */
        link_settings(s, links);
        for (size_t i = 0; i < N_LINK_SETTINGS; i++)
                if (links[i].wanted && (s->private_network == UNSET ||
                                        source_same_origin(s->from[links[i].id], s->from[SETTING_PRIVATE])))
                        return true;

        return false;
}

bool settings_has_link(const Settings *s, SettingId *ret)
{
        LinkSetting links[N_LINK_SETTINGS];

        link_settings(s, links);
        for (size_t i = 0; i < N_LINK_SETTINGS; i++)
                if (links[i].wanted) {
                        *ret = links[i].id;
                        return true;
                }

        return false;
}

bool settings_custom_root(const Settings *s, Source *ret)
{
        Source from = { 0 };
        bool found = false;

        for (size_t i = 0; i < s->n_binds; i++)
                if (strcmp(s->binds[i].dest, "/") == 0) {
                        from = s->binds[i].from;
                        found = true;
                }
        for (size_t i = 0; i < s->n_tmpfs; i++)
                if (strcmp(s->tmpfs[i].dest, "/") == 0) {
                        from = s->tmpfs[i].from;
                        found = true;
                }
        for (size_t i = 0; i < s->n_overlays; i++)
                if (strcmp(s->overlays[i].dest, "/") == 0) {
                        from = s->overlays[i].from;
                        found = true;
                }

        if (ret)
                *ret = from;
        return found;
}

bool settings_shares_tree(const Settings *s)
{
        return s->read_only == YES || s->ephemeral == YES || s->volatile_mode != VOLATILE_NO ||
               settings_custom_root(s, NULL);
}

bool settings_veth(const Settings *s)
{
        return settings_private_network(s) && (s->virtual_ethernet == YES || s->bridge || s->zone);
}

bool settings_etc_writable(const Settings *s)
{
        /* "/" is not the tree, and writable. */
        if (s->volatile_mode == VOLATILE_YES || s->volatile_mode == VOLATILE_OVERLAY)
                return true;
        return s->volatile_mode == VOLATILE_NO && s->read_only != YES;
}
