/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The plan as JSON (see plan-json.h), with the same facts as the text of plan-print.c. tests/style/plan-json compares its members
 * with the fields of the plan. Pure.
 */

#include <string.h>

#include "config/settings-table.h"
#include "payload/init-control.h"
#include "plan/plan-internal.h"
#include "plan/plan-json-internal.h"
#include "plan/source-json.h"
#include "security/capability.h"
#include "util/address-family.h"
#include "util/parse.h"
#include "util/rlimit.h"

static void put_namespaces(Json *w, const Plan *p)
{
        json_begin_array(w, "namespaces");
        for (size_t i = 0; i < NAMESPACE_KINDS; i++)
                if ((p->namespaces | p->late_namespaces) & namespace_names[i].bit)
                        json_put_string(w, NULL, namespace_names[i].name);
        json_end(w);
}

static void put_map(Json *w, const char *key, const IdMap *map)
{
        json_begin_array(w, key);
        for (unsigned i = 0; i < map->n; i++) {
                json_begin_object(w, NULL);
                json_put_number(w, "inside", map->lines[i].inside);
                json_put_number(w, "outside", map->lines[i].outside);
                json_put_number(w, "count", map->lines[i].count);
                json_end(w);
        }
        json_end(w);
}

static void put_ids(Json *w, const Plan *p)
{
        json_begin_object(w, "ids");
        put_map(w, "map", &p->uid_map);
        put_map(w, "group_map", &p->gid_map);
        json_begin_array(w, "users");
        for (size_t i = 0; i < p->n_bind_users; i++) {
                json_begin_object(w, NULL);
                json_put_string(w, "name", p->bind_users[i].host->name);
                json_put_number(w, "id", p->bind_users[i].id);
                json_end(w);
        }
        json_end(w);
        json_put_number(w, "first_id", p->first_id);
        json_put_number(w, "owner", p->owner);
        json_put_bool(w, "idmap_tree", p->idmap_tree);
        json_put_bool(w, "foreign_tree", p->foreign_tree);
        json_end(w);
}

static void put_edits(Json *w, const Plan *p)
{
        json_begin_array(w, "edits");
        for (size_t i = 0; i < p->edits.n; i++) {
                const TreeEdit *e = &p->edits.items[i];

                json_begin_object(w, NULL);
                json_put_string(w, "kind", tree_edit_kind_name(e->kind));
                json_put_string(w, "path", e->path);
                if (e->kind == TREE_EDIT_LINK)
                        json_put_string(w, "target", e->content);
                else if (e->content) {
                        json_put_string(w, "origin", e->origin);
                        json_put_number(w, "size", (int64_t) e->size);
                }
                source_to_json(w, "from", e->from);
                json_end(w);
        }
        json_end(w);
}

static void put_journal(Json *w, const JournalPlan *j)
{
        static const char *const ways[] = {
                [JOURNAL_OFF] = NULL, [JOURNAL_CREATE_LINK] = "link", [JOURNAL_CREATE_DIRECTORY] = "directory",
                [JOURNAL_TAKE] = "as-it-is", [JOURNAL_KEEP] = "as-it-is",
        };

        json_begin_object(w, "journal");
        json_put_string(w, "make", ways[j->action]);
        if (j->action != JOURNAL_OFF)
                json_put_string(w, "path", j->path);
        if (j->action == JOURNAL_CREATE_LINK)
                json_put_string(w, "target", j->target);
        if (j->moves) {
                json_put_number(w, "moved_from", j->moved_from);
                json_put_number(w, "moved_to", j->moved_to);
        }
        json_end(w);
}

/* Null: all. */
static void put_families(Json *w, uint64_t denied)
{
        if (!denied) {
                json_put_string(w, "address_families", NULL);
                return;
        }
        json_begin_array(w, "address_families");
        for (unsigned family = 0; family < 64; family++) {
                const char *name = denied >> family & 1 ? NULL : address_family_name(family);

                if (name)
                        json_put_string(w, NULL, name);
        }
        json_end(w);
}

static void put_confinement(Json *w, const Plan *p)
{
        _cleanup_free_ char *caps = capability_mask_to_text(p->caps), *ambient = capability_mask_to_text(p->ambient);

        json_put_string(w, "capabilities", caps);
        json_put_string(w, "ambient_capabilities", ambient && *ambient ? ambient : NULL);
        json_begin_object(w, "system_calls");
        json_put_strings(w, "allow", p->syscall_allow);
        json_put_strings(w, "deny", p->syscall_deny);
        json_put_bool(w, "suppress_sync", p->suppress_sync);
        put_families(w, p->denied_families);
        json_put_bool(w, "bundle", p->oci && p->oci->seccomp);
        json_end(w);
        json_put_bool(w, "no_new_privileges", p->no_new_privileges);
        json_put_string(w, "apparmor_profile", p->apparmor_profile);
        if (p->apparmor_profile)
                json_put_bool(w, "apparmor_optional", p->apparmor_optional);
        json_put_string(w, "selinux_context", p->selinux_context);
}

static void put_limit(Json *w, const char *key, rlim_t v)
{
        if (v == RLIM_INFINITY)
                json_put_string(w, key, "infinity");
        else
                json_put_number(w, key, (int64_t) v);
}

static void put_limits(Json *w, const Plan *p)
{
        _cleanup_free_ char *cpus = cpu_set_to_text(&p->limits.cpus);

        json_begin_array(w, "limits");
        for (int i = 0; i < RLIM_NLIMITS; i++) {
                json_begin_object(w, NULL);
                json_put_string(w, "name", rlimit_name(i));
                put_limit(w, "soft", p->limits.rlimits[i].value.rlim_cur);
                put_limit(w, "hard", p->limits.rlimits[i].value.rlim_max);
                source_to_json(w, "from", p->limits.rlimits[i].from);
                json_end(w);
        }
        json_end(w);

        if (p->limits.oom_score_adjust != OOM_SCORE_UNSET)
                json_put_number(w, "oom_score_adjust", p->limits.oom_score_adjust);
        else
                json_put_string(w, "oom_score_adjust", NULL);
        json_put_string(w, "cpus", cpus && *cpus ? cpus : NULL);
}

static void put_sysctls(Json *w, const OciSettings *oci)
{
        json_begin_object(w, "sysctls");
        for (size_t i = 0; oci && i < oci->n_sysctls; i++)
                json_put_string(w, oci->sysctls[i].path, oci->sysctls[i].value);
        json_end(w);
}

static void put_execution(Json *w, const Plan *p)
{
        json_begin_object(w, "execute");
        json_put_string(w, "mode", p->start_mode == START_BOOT ? "boot" : p->start_mode == START_PID2 ? "pid2" : "command");
        json_put_string(w, "path", p->exec_path);
        json_put_strings(w, "argv", p->argv);
        json_end(w);

        if (p->user) {
                json_begin_object(w, "user");
                json_put_string(w, "name", p->user->name);
                json_put_number(w, "uid", p->user->uid);
                json_put_number(w, "gid", p->user->gid);
                json_end(w);
        } else
                json_put_string(w, "user", NULL);
        json_put_string(w, "personality", p->personality);
        json_put_strings(w, "environment", p->env);
        json_put_number(w, "listen_fds", p->n_listen_fds);
        json_put_string(w, "working_directory", p->working_directory);
        json_put_format(w, "umask", "%04o", p->umask);
        json_put_string(w, "console", settings_table_row(SETTING_CONSOLE)->words[p->console]);
        json_put_string(w, "ready", p->wait_ready ? "payload" : "exec");
        json_put_format(w, "ready_timeout_usec", "%llu", (unsigned long long) p->start_timeout_usec);

        json_begin_object(w, "stop");
        json_put_string(w, "by", !plan_can_ask(p)   ? "SIGKILL" :
                                 p->kill_signal > 0 ? signal_name(p->kill_signal) :
                                                      init_control_describe(p->init, INIT_HALT));
        if (p->stop_timeout_usec > 0)
                json_put_format(w, "timeout_usec", "%llu", (unsigned long long) p->stop_timeout_usec);
        json_end(w);
}

/* The partitions of a disk image that are mounted. */
static void put_disk(Json *w, const DiskLayout *l)
{
        json_begin_array(w, "image");
        for (size_t i = 0; l && i < l->n; i++) {
                const DiskPart *p = &l->parts[i];

                json_begin_object(w, NULL);
                if (p->number > 0)
                        json_put_number(w, "partition", p->number);
                json_put_string(w, "type", p->fstype);
                json_put_string(w, "destination", p->dest);
                json_put_bool(w, "read_only", p->read_only);
                json_end(w);
        }
        json_end(w);
}

void plan_to_json(Json *w, const char *key, const Plan *p)
{
        json_begin_object(w, key);
        json_put_string(w, "machine", p->machine);
        json_put_string(w, "hostname", p->hostname);
        json_put_string(w, "root", p->root);
        json_put_string(w, "template", p->template);
        put_disk(w, p->disk);
        json_put_string(w, "uuid", p->uuid);
        json_put_string(w, "init", p->start_mode == START_BOOT ? init_flavour_name(p->init) : NULL);
        put_namespaces(w, p);
        put_ids(w, p);
        unit_plan_to_json(w, "unit", &p->unit);
        network_plan_to_json(w, &p->network);
        mount_plan_to_json(w, "mounts", &p->mounts);
        json_put_bool(w, "read_only_root", p->mounts.read_only_root);
        put_edits(w, p);
        put_journal(w, &p->journal);
        json_put_strings(w, "credentials", p->credentials);
        put_confinement(w, p);
        put_limits(w, p);
        put_sysctls(w, p->oci);
        put_execution(w, p);
        json_end(w);
}

/* ---- settings ------------------------------------------------------------------------------------------------- */

const char *plan_member_of_setting(SettingId id)
{
        static const char *const members[_SETTING_MAX] = {
                [SETTING_BOOT] = "execute",
                [SETTING_PROCESS_TWO] = "execute",
                [SETTING_PARAMETERS] = "execute",
                [SETTING_ENVIRONMENT] = "environment",
                [SETTING_USER] = "user",
                [SETTING_WORKING_DIRECTORY] = "working_directory",
                [SETTING_HOSTNAME] = "hostname",
                [SETTING_MACHINE_ID] = "uuid",
                [SETTING_PRIVATE_USERS] = "ids",
                [SETTING_NOTIFY_READY] = "ready",
                [SETTING_KILL_SIGNAL] = "stop",
                [SETTING_CAPABILITY] = "capabilities",
                [SETTING_DROP_CAPABILITY] = "capabilities",
                [SETTING_AMBIENT_CAPABILITY] = "ambient_capabilities",
                [SETTING_NO_NEW_PRIVILEGES] = "no_new_privileges",
                [SETTING_SYSTEM_CALL_FILTER] = "system_calls",
                [SETTING_PIVOT_ROOT] = "root",
                [SETTING_EPHEMERAL] = "mounts",
                [SETTING_RESOLV_CONF] = "edits",
                [SETTING_TIMEZONE] = "edits",
                [SETTING_LINK_JOURNAL] = "journal",
                [SETTING_SUPPRESS_SYNC] = "system_calls",
                [SETTING_RESTRICT_ADDRESS_FAMILIES] = "system_calls",
                [SETTING_PERSONALITY] = "personality",
                [SETTING_LIMIT_CPU ... SETTING_LIMIT_RTTIME] = "limits",
                [SETTING_OOM_SCORE_ADJUST] = "oom_score_adjust",
                [SETTING_CPU_AFFINITY] = "cpus",
                [SETTING_READ_ONLY] = "read_only_root",
                [SETTING_BIND_USER] = "ids",
                [SETTING_PRIVATE_USERS_OWNERSHIP] = "ids",
                [SETTING_PRIVATE] = "private_network",
                [SETTING_PORT] = "ports",
                [SETTING_NAMESPACE_PATH] = "network_namespace",
                [SETTING_INIT] = "init",
                [SETTING_START_TIMEOUT] = "ready_timeout_usec",
                [SETTING_STOP_TIMEOUT] = "stop",
                [SETTING_BOOT_TIME] = "namespaces",
                [SETTING_ID_MAP] = "ids",
                [SETTING_APPARMOR_PROFILE] = "apparmor_profile",
                [SETTING_HOST_VIEW] = "mounts",
                [SETTING_NESTING] = "system_calls",
                [SETTING_SHARE_SYSTEM] = "namespaces",
                [SETTING_DIRECTORY] = "root",
                [SETTING_TEMPLATE] = "template",
                [SETTING_IMAGE] = "root",
                [SETTING_IMAGE_POLICY] = "image",
                [SETTING_OCI_BUNDLE] = "root",
                [SETTING_MACHINE] = "machine",
                [SETTING_SET_CREDENTIAL] = "credentials",
                [SETTING_LOAD_CREDENTIAL] = "credentials",
                [SETTING_RLIMIT] = "limits",
                [SETTING_SELINUX_CONTEXT] = "selinux_context",
                [SETTING_SELINUX_APIFS_CONTEXT] = "mounts",
                [SETTING_CONSOLE] = "console",
        };
        const char *section = settings_table_row(id)->section;

        if (members[id])
                return members[id];
        if (section && strcmp(section, "Files") == 0)
                return "mounts";
        if (section && strcmp(section, "X-Resources") == 0)
                return "unit";
        return section && strcmp(section, "Network") == 0 ? "links" : NULL;
}
