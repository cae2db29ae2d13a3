/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plan as text, for box-run --dry-run and the golden tests. Pure but for the stream it writes to. */

#include <stdio.h>
#include <string.h>

#include "payload/init-control.h"
#include "plan/plan-internal.h"
#include "security/capability.h"
#include "util/parse.h"
#include "util/quantity.h"
#include "util/strv.h"

static void print_namespaces(const Plan *p, FILE *f)
{
        fputs("namespaces:", f);
        for (size_t i = 0; i < NAMESPACE_KINDS; i++)
                if ((p->namespaces | p->late_namespaces) & namespace_names[i].bit)
                        fprintf(f, " %s", namespace_names[i].name);
        fputc('\n', f);
}

static void print_map(const IdMap *map, FILE *f)
{
        for (unsigned i = 0; i < map->n; i++) {
                const IdMapLine *l = &map->lines[i];

                fprintf(f, "  %u-%u are %u-%u on the host\n", l->inside, l->inside + l->count - 1, l->outside,
                        l->outside + l->count - 1);
        }
}

static void print_ids(const Plan *p, FILE *f)
{
        fputs("ids:\n", f);
        if (!p->userns)
                fputs("  the host's\n", f);
        print_map(&p->uid_map, f);
        if (p->first_id != 0)
                fprintf(f, "  PID 1 starts as %u\n", p->first_id);
        if (p->userns)
                fprintf(f, "  tree: %s\n", p->foreign_tree ? "idmapped from the foreign range" : p->idmap_tree ? "idmapped" :
                        "owners as on disk");
        for (size_t i = 0; i < p->n_bind_users; i++)
                fprintf(f, "  user %s is %u, its group %u on the host\n", p->bind_users[i].host->name, p->bind_users[i].id,
                        p->bind_users[i].host->gid);
}

static int print_confinement(const Plan *p, FILE *f)
{
        _cleanup_free_ char *caps = capability_mask_to_text(p->caps), *ambient = capability_mask_to_text(p->ambient);
        SeccompSpec spec = plan_seccomp(p);

        if (!caps || !ambient)
                return -ENOMEM;
        fprintf(f, "capabilities: %s\n", caps);
        if (p->ambient)
                fprintf(f, "ambient capabilities: %s\n", ambient);
        fputs("system calls: ", f);
        if (p->oci && p->oci->seccomp)
                fprintf(f, "the bundle's, %zu rules", p->oci->seccomp->n_rules);
        else
                (void) seccomp_spec_print(&spec, f);
        fprintf(f, "\nno new privileges: %s\n", p->no_new_privileges ? "yes" : "no");
        if (p->apparmor_profile)
                fprintf(f, "AppArmor profile: %s%s\n", p->apparmor_profile, p->apparmor_optional ? ", if possible" : "");
        if (p->selinux_context)
                fprintf(f, "SELinux context: %s\n", p->selinux_context);
        return 0;
}

static void print_sysctls(const Plan *p, FILE *f)
{
        if (!p->oci || p->oci->n_sysctls == 0)
                return;
        fputs("sysctls:\n", f);
        for (size_t i = 0; i < p->oci->n_sysctls; i++)
                fprintf(f, "  %s = %s\n", p->oci->sysctls[i].path, p->oci->sysctls[i].value);
}

static void print_exec(const Plan *p, FILE *f)
{
        static const char *const consoles[] = {
                [CONSOLE_INTERACTIVE] = "interactive", [CONSOLE_READ_ONLY] = "read-only", [CONSOLE_PASSIVE] = "passive",
                [CONSOLE_PIPE] = "pipe",
        };
        char span[TIME_SPAN_TEXT_MAX];

        if (p->user)
                fprintf(f, "user: %s (%u:%u)\n", p->user->name, p->user->uid, p->user->gid);
        if (p->personality)
                fprintf(f, "personality: %s\n", p->personality);
        if (p->working_directory)
                fprintf(f, "directory: %s\n", p->working_directory);
        fputs(p->start_mode == START_PID2 ? "execute, below an init:" : "execute:", f);
        if (!p->exec_path)
                fputs(" (login shell)", f);
        STRV_FOREACH(a, p->argv)
                fprintf(f, " %s", *a);
        fputs("\nenvironment:\n", f);
        STRV_FOREACH(e, p->env)
                fprintf(f, "  %s\n", *e);
        fprintf(f, "console: %s\n", consoles[p->console]);
        fprintf(f, "ready: %s", p->wait_ready ? "when the payload says so" : "at exec");
        if (p->start_timeout_usec > 0)
                fprintf(f, "; SIGKILL after %s", format_time_span(p->start_timeout_usec, span));
        fputc('\n', f);
        fprintf(f, "stop: %s", !plan_can_ask(p)       ? "SIGKILL" :
                               p->kill_signal > 0     ? signal_name(p->kill_signal) :
                                                        init_control_describe(p->init, INIT_HALT));
        if (p->stop_timeout_usec > 0 && plan_can_ask(p))
                fprintf(f, "; SIGKILL after %s", format_time_span(p->stop_timeout_usec, span));
        fputc('\n', f);
}

int plan_print(const Plan *p, FILE *f)
{
        int r;

        fprintf(f, "machine: %s\nhostname: %s\ntree: %s\n", p->machine, p->hostname, p->root);
        if (p->template)
                fprintf(f, "tree copied from: %s\n", p->template);
        if (p->disk) {
                fputs("image:\n", f);
                (void) disk_layout_print(p->disk, f);
        }
        fprintf(f, "id: %s\n", p->uuid);
        if (p->start_mode == START_BOOT)
                fprintf(f, "init: %s\n", init_flavour_name(p->init));
        print_namespaces(p, f);
        print_ids(p, f);
        fprintf(f, "cgroup:\n  supervisor -> UNIT/supervisor\n"
                   "  create UNIT/payload, owned by %u, with all available controllers\n", p->owner);
        r = unit_plan_print(&p->unit, f);
        if (r < 0)
                return r;
        fputs("network:\n", f);
        r = network_plan_print(&p->network, f);
        if (r < 0)
                return r;
        fputs("mounts:\n", f);
        r = mount_plan_print(&p->mounts, f);
        if (r < 0)
                return r;
        if (p->edits.n > 0)
                fputs("changes in the tree:\n", f);
        r = tree_edits_print(&p->edits, f);
        if (r >= 0)
                r = journal_plan_print(&p->journal, f);
        if (r < 0)
                return r;
        if (p->credentials)
                fputs("credentials:\n", f);
        STRV_FOREACH(c, p->credentials)
                fprintf(f, "  %s\n", *c);
        r = print_confinement(p, f);
        if (r >= 0)
                r = limits_plan_print(&p->limits, f);
        if (r < 0)
                return r;
        print_sysctls(p, f);
        print_exec(p, f);
        return ferror(f) ? -EIO : 0;
}
