/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The plan of a start (see plan.h), from settings and facts. Pure. Every default that depends on more than one setting
 * is decided here, and only here.
 */

#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "plan/exec-plan.h"
#include "plan/host-files-plan.h"
#include "plan/plan-internal.h"
#include "security/capability.h"
#include "util/print.h"
#include "util/siphash.h"
#include "util/strv.h"

#define CAP_BIT(c) (UINT64_C(1) << (c))

void plan_done(Plan *p)
{
        free(p->machine);
        free(p->hostname);
        free(p->root);
        free(p->template);
        free(p->bind_users);
        mount_plan_done(&p->mounts);
        tree_edits_done(&p->edits);
        journal_plan_done(&p->journal);
        strv_free(p->credentials);
        network_plan_done(&p->network);
        unit_plan_done(&p->unit);
        strv_free(p->syscall_allow);
        strv_free(p->syscall_deny);
        free(p->apparmor_profile);
        free(p->exec_path);
        strv_free(p->argv);
        strv_free(p->env);
        free(p->working_directory);
        machine_user_free(p->user);
        free(p->personality);
        free(p->selinux_context);
        *p = (Plan) {};
}

bool plan_can_ask(const Plan *p)
{
        return p->kill_signal > 0 || (p->start_mode == START_BOOT && p->init != INIT_NONE);
}

uint64_t plan_unit_stop_usec(const Plan *p)
{
        /* Longer by the work after the payload's end. A hundred years for infinity, which systemd would ignore. */
        const uint64_t down = UINT64_C(10) * 1000000, most = UINT64_C(100) * 365 * 86400 * 1000000;

        if (p->stop_timeout_usec == 0)
                return 0;
        return p->stop_timeout_usec < most ? p->stop_timeout_usec + down : most;
}

SeccompSpec plan_seccomp(const Plan *p)
{
        return (SeccompSpec) {
                .caps = p->caps,
                .allow = (const char *const *) p->syscall_allow,
                .deny = (const char *const *) p->syscall_deny,
                .suppress_sync = p->suppress_sync,
                .host_keyrings = !p->userns,
                .denied_families = p->denied_families,
        };
}

/* ---- identity ---------------------------------------------------------------------------------------------- */

static void format_id(const uint8_t b[static 16], char ret[static 33])
{
        for (unsigned i = 0; i < 16; i++)
                (void) snprintf(ret + 2 * i, 3, "%02x", b[i]);
}

/* The tree's own id wins, then MachineID=, then one that depends on the machine's name and this host: a machine with a
 * read-only tree keeps its journal directory and DHCP lease. */
void plan_machine_id(const PlanInput *in, char ret[static 33])
{
        static const uint8_t keys[2][16] = {
                { 0x9d, 0x1b, 0x5c, 0x1f, 0x62, 0x0e, 0x4b, 0x3a, 0x8f, 0x57, 0x2c, 0x60, 0x31, 0xd9, 0xaa, 0x04 },
                { 0x41, 0xe7, 0x0c, 0x88, 0x5d, 0x93, 0x45, 0xb6, 0xa2, 0x1f, 0x70, 0xee, 0x8b, 0x06, 0x3c, 0x5a },
        };
        const Settings *s = in->settings;
        bool own_etc = s->volatile_mode != VOLATILE_YES && !settings_custom_root(s, NULL);
        const char *written = own_etc && *in->tree->machine_id ? in->tree->machine_id : s->machine_id;
        char text[16 + 64 + 1];
        uint8_t id[16];

        if (written) {
                (void) snprintf(ret, 33, "%s", written);
                return;
        }

        memcpy(text, in->host->machine_id, 16);
        (void) snprintf(text + 16, sizeof(text) - 16, "%s", in->machine);
        for (unsigned i = 0; i < 2; i++) {
                uint64_t h = siphash24(text, 16 + strlen(in->machine), keys[i]);

                memcpy(id + 8 * i, &h, 8);
        }
        id[6] = (uint8_t) ((id[6] & 0x0f) | 0x40);      /* RFC 9562: version 4, the variant */
        id[8] = (uint8_t) ((id[8] & 0x3f) | 0x80);
        format_id(id, ret);
}

static int plan_template(const PlanInput *in, Plan *p, Problems *problems)
{
        const Settings *s = in->settings;

        if (s->template && s->ephemeral == YES &&
            problem_error(problems, s->from[SETTING_EPHEMERAL], "--template= creates a permanent tree, Ephemeral= a "
                          "temporary one: use one of them") < 0)
                return -ENOMEM;
        return free_and_strdup(&p->template, in->template);
}

static int plan_names(const PlanInput *in, Plan *p)
{
        char id[33];

        p->machine = strdup(in->machine);
        if (strf(&p->root, "%s%s", in->image_root, in->settings->pivot_root_new ?: "") < 0)
                p->root = NULL;
        p->disk = in->disk;
        p->oci = in->settings->oci;
        p->hostname = strdup(in->settings->hostname ? in->settings->hostname : in->machine);
        plan_machine_id(in, id);
        (void) snprintf(p->uuid, sizeof(p->uuid), "%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8, id + 12, id + 16, id + 20);
        return p->machine && p->root && p->hostname ? 0 : -ENOMEM;
}

static int plan_network(const PlanInput *in, Plan *p, Problems *problems)
{
        const EnvironmentOptions *e = &in->host->environment;

        return network_plan_make(in->settings, in->machine, in->host->machine_id, e->has_network_mac ? e->network_mac : NULL,
                                 &p->network, problems);
}

/* ---- what it may do ---------------------------------------------------------------------------------------- */

static int copy_words(const StringList *words, char ***ret)
{
        for (size_t i = 0; i < words->n; i++)
                if (strv_extend(ret, words->items[i].value) < 0)
                        return -ENOMEM;
        return 0;
}

/* crun and runc create a keyring for each container, and (where the machine's root is the host's) load their device policies. */
static int plan_nesting(Plan *p)
{
        static const char *const calls[] = { "@keyring", "bpf" };

        for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
                if (strv_extend(&p->syscall_allow, calls[i]) < 0)
                        return -ENOMEM;
        return 0;
}

static int plan_ambient(const PlanInput *in, Plan *p, Problems *problems)
{
        const Settings *s = in->settings;
        uint64_t missing = s->ambient_capability & ~p->caps;
        _cleanup_free_ char *names = NULL;
        char source[SOURCE_TEXT_MAX];

        p->ambient = s->ambient_capability;
        if (p->ambient && p->start_mode == START_BOOT)
                return problem_error(problems, s->from[SETTING_AMBIENT_CAPABILITY],
                                     "AmbientCapability= cannot be combined with Boot= (%s): an init has all capabilities that "
                                     "the machine has", source_text(s->from[SETTING_BOOT], source));
        if (!missing)
                return 0;

        names = capability_mask_to_text(missing);
        if (!names)
                return -ENOMEM;
        return problem_error(problems, s->from[SETTING_AMBIENT_CAPABILITY],
                             "AmbientCapability=%s: the machine does not have it; add it to Capability=", names);
}

/* Without a setting: box's own profile, where it is loaded. It would take back what was given to a machine on purpose: the host's
 * processes, or settings of the kernel that it may write. */
static int plan_apparmor(const PlanInput *in, Plan *p)
{
        bool is_given = !(p->namespaces & CLONE_NEWPID) || in->host->environment.api_vfs == API_VFS_WRITABLE;
        const Settings *s = in->settings;
        const char *profile = s->apparmor_profile;

        p->apparmor_optional = s->apparmor_optional;
        if (!profile && !is_given && in->host->apparmor == APPARMOR_LOADED) {
                profile = s->nesting == YES ? APPARMOR_NESTING : APPARMOR_MACHINE;
                p->apparmor_optional = true;
        }
        if (profile && strcmp(profile, APPARMOR_UNCONFINED) == 0)
                profile = NULL;
        return free_and_strdup(&p->apparmor_profile, profile);
}

static int plan_confinement(const PlanInput *in, Plan *p, Problems *problems)
{
        const Settings *s = in->settings;
        SeccompSpec spec;
        const char *unknown;

        p->caps = capability_default() | s->capability;
        if (p->network.is_private)
                p->caps |= CAP_BIT(CAP_NET_ADMIN);
        else if (p->userns && !(s->capability & CAP_BIT(CAP_NET_BIND_SERVICE)))
                /* Ports belong to the host's network namespace: the capability would have no effect. */
                p->caps &= ~CAP_BIT(CAP_NET_BIND_SERVICE);
        /* reboot(2) is the PID namespace's, which is the host's then. */
        if (!(p->namespaces & CLONE_NEWPID) && !(s->capability & CAP_BIT(CAP_SYS_BOOT)))
                p->caps &= ~CAP_BIT(CAP_SYS_BOOT);
        p->caps &= ~s->drop_capability & capability_all();
        p->no_new_privileges = s->no_new_privileges == YES;
        p->suppress_sync = s->suppress_sync == UNSET ? in->host->environment.suppress_sync : s->suppress_sync == YES;
        if (plan_ambient(in, p, problems) < 0 || plan_apparmor(in, p) < 0 ||
            free_and_strdup(&p->selinux_context, s->selinux_context) < 0)
                return -ENOMEM;

        if (copy_words(&s->syscall_allow, &p->syscall_allow) < 0 || copy_words(&s->syscall_deny, &p->syscall_deny) < 0)
                return -ENOMEM;
        if (s->nesting == YES && plan_nesting(p) < 0)
                return -ENOMEM;
        p->denied_families = s->restrict_families ? ~s->allowed_families : 0;
        if (s->oci && s->oci->seccomp &&
            (s->syscall_allow.n > 0 || s->syscall_deny.n > 0 || p->suppress_sync || s->restrict_families))
                return problem_error(problems, s->oci->seccomp->from, "replaces box's system call filter, which "
                                     "SystemCallFilter=, RestrictAddressFamilies= and SuppressSync= extend");
        spec = plan_seccomp(p);
        unknown = seccomp_spec_problem(&spec);
        if (unknown)
                return problem_error(problems, s->from[SETTING_SYSTEM_CALL_FILTER],
                                     "SystemCallFilter=%s: no such system call or group", unknown);
        return 0;
}

/* ---- the rest -------------------------------------------------------------------------------------------- */

static int plan_credentials(const PlanInput *in, Plan *p)
{
        for (size_t i = 0; i < in->credentials->n; i++) {
                const Credential *c = &in->credentials->items[i];
                char *text;
                int r = c->data ? strf(&text, "%s, %zu bytes", c->id, c->size) : strf(&text, "%s, not fetched", c->id);

                if (r < 0 || strv_consume(&p->credentials, text) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static ConsoleMode plan_console_mode(const PlanInput *in)
{
        bool tty = in->host->stdio_is_tty;

        switch (in->settings->console) {
        case CONSOLE_AUTO:
                return tty ? CONSOLE_INTERACTIVE : CONSOLE_READ_ONLY;
        case CONSOLE_AUTOPIPE:
                return tty ? CONSOLE_INTERACTIVE : CONSOLE_PIPE;
        default:
                return in->settings->console;
        }
}

JournalMachine plan_journal_machine(const Plan *p)
{
        return (JournalMachine) {
                .name = p->machine, .owner = p->owner, .first_id = p->first_id, .uids = p->userns ? &p->uid_map : NULL,
                .gids = p->userns ? &p->gid_map : NULL,
        };
}

static int plan_journal(const PlanInput *in, Plan *p, Problems *problems)
{
        char id[33], host_id[33];
        JournalMachine m = plan_journal_machine(p);
        JournalInput j = {
                .settings = in->settings,
                .facts = in->journal,
                .machine = &m,
                .id = id,
                .host_id = host_id,
                .root = p->root,
                .boots_other = p->start_mode == START_BOOT && p->init != INIT_SYSTEMD,
        };

        plan_machine_id(in, id);
        format_id(in->host->machine_id, host_id);
        return journal_plan_make(&j, &p->journal, &p->mounts, &p->edits, problems);
}

static int plan_mounts(const PlanInput *in, Plan *p, Problems *problems)
{
        MountFacts f = {
                .machine = p->machine,
                .root = p->root,
                .image = in->image_root,
                .disk = p->disk,
                .usr_links = (const char *const *) in->tree->usr_links,
                .split_usr = in->tree->split_usr,
                .userns = p->userns,
                .idmap_tree = p->idmap_tree,
                .foreign_tree = p->foreign_tree,
                .base = p->owner,
                .tty_gid = p->tty_gid,
                .uid_map = p->userns ? &p->uid_map : NULL,
                .gid_map = p->userns ? &p->gid_map : NULL,
                .private_network = p->network.is_private,
                .nesting = in->settings->nesting == YES,
                .shared_pid = !(p->namespaces & CLONE_NEWPID),
                .shared_ipc = !(p->namespaces & CLONE_NEWIPC),
                .shared_cgroup = !(p->late_namespaces & CLONE_NEWCGROUP),
                .api_vfs = in->host->environment.api_vfs,
                .no_tmpfs_tmp = in->host->environment.no_tmpfs_tmp,
                .console = p->console != CONSOLE_PIPE,
                .uuid = p->uuid,
                .boot_id = in->host->boot_id,
                .manager = exec_plan_manager(in),
                .host_os_release = in->host->os_release,
                .credentials = in->credentials->n > 0,
                .bind_users = p->bind_users,
                .n_bind_users = p->n_bind_users,
                .devices = in->host->devices,
                .n_devices = in->host->n_devices,
                .bound_devices = in->host->bound_devices,
                .n_bound_devices = in->host->n_bound_devices,
        };

        if (mount_plan_make(in->settings, &f, &p->mounts, problems) < 0)
                return -ENOMEM;
        /* Last: they change the /etc that the machine sees. */
        if (host_files_plan_make(in->settings, in->host_files, f.private_network, &p->mounts, &p->edits, problems) < 0)
                return -ENOMEM;
        if (plan_journal(in, p, problems) < 0)
                return -ENOMEM;
        mount_plan_settle(&f, &p->mounts);
        return 0;
}

int plan_make(const PlanInput *in, Plan *ret, Problems *problems)
{
        _cleanup_(plan_done) Plan p = { .console = plan_console_mode(in) };

        limits_plan_make(in->settings, in->host, &p.limits);
        if (plan_names(in, &p) < 0 || plan_template(in, &p, problems) < 0 || plan_ids(in, &p, problems) < 0 ||
            plan_network(in, &p, problems) < 0 || plan_namespaces(in, &p, problems) < 0 ||
            exec_plan_make(in, &p, problems) < 0 || plan_confinement(in, &p, problems) < 0 || exec_plan_env(in, &p) < 0 ||
            plan_credentials(in, &p) < 0 || plan_mounts(in, &p, problems) < 0 ||
            unit_plan_make(in->settings, in->host->bound_devices, in->host->n_bound_devices, &p.unit) < 0)
                return -ENOMEM;

        *ret = p;
        p = (Plan) {};
        return 0;
}
