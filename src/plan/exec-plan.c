/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The machine's first process (see exec-plan.h): program, user, arguments, environment. Pure. */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "payload/init-control.h"
#include "payload/stub-init.h"
#include "plan/exec-plan.h"
#include "util/env-file.h"
#include "util/print.h"
#include "util/strv.h"

/* The value of $container, as from systemd-nspawn: OpenRC, cloud-init and others know it.
 * $SYSTEMD_NSPAWN_CONTAINER_SERVICE changes it, as there. */
#define CONTAINER_MANAGER "systemd-nspawn"

#define PAYLOAD_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Words for an init are split as by the kernel: NAME=VALUE without a dot in the name is a variable of its environment, all
 * others are arguments. Returns the place of its "=", or NULL. */
static const char *boot_variable(const Plan *p, const char *word)
{
        size_t n = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

        return p->start_mode == START_BOOT && n > 0 && !isdigit((unsigned char) *word) && word[n] == '=' ? word + n : NULL;
}

static int no_init(const PlanInput *in, Problems *problems)
{
        const char *init = in->settings->init, *problem = in->tree->init_problem;

        if (init && *init == '/' && problem)
                return problem_error(problems, in->settings->from[SETTING_INIT], "Init=%s: in the tree '%s', this %s", init,
                                     in->image_root, problem);
        if (problem)
                return problem_error(problems, in->settings->from[SETTING_BOOT],
                                     "The tree '%s' has no init to boot: its /sbin/init %s", in->image_root, problem);
        if (init && *init == '/')
                return problem_error(problems, in->settings->from[SETTING_INIT], "Init=%s: the tree '%s' has no such program",
                                     init, in->image_root);
        return problem_error(problems, in->settings->from[SETTING_BOOT],
                             "The tree '%s' has no init to boot (looked for /usr/lib/systemd/systemd, "
                             "/lib/systemd/systemd and /sbin/init); to run a command, omit --boot", in->image_root);
}

static int plan_boot(const PlanInput *in, Plan *p, Problems *problems)
{
        const char *init = in->settings->init;

        if (!in->tree->has_os_release && !in->host->environment.no_os_release_check)
                return problem_error(problems, in->settings->from[SETTING_BOOT],
                                     "The tree '%s' has no /etc/os-release or /usr/lib/os-release: it is not the root of an "
                                     "operating system", in->image_root);
        if (!in->tree->init_path)
                return no_init(in, problems);

        p->init = init && *init != '/' ? (InitFlavour) init_flavour_from_name(init) : in->tree->init;
        p->exec_path = strdup(in->tree->init_path);
        return p->exec_path ? strv_extend(&p->argv, p->exec_path) : -ENOMEM;
}

static int plan_command(const PlanInput *in, Plan *p, Problems *problems)
{
        char *const *words = in->settings->parameters;

        /* A bundle's tree may be a single program. */
        if (!in->tree->has_usr && !in->settings->oci)
                return problem_error(problems, (Source) {}, "The tree '%s' has no /usr: it is not the root of an operating "
                                     "system", in->image_root);

        if (words && *words)
                return free_and_strdup(&p->exec_path, *words);
        /* A login shell: the child finds one. */
        return p->working_directory ? 0 : free_and_strdup(&p->working_directory, p->user ? p->user->home : "/root");
}

/* The user's ids must be mapped. */
static int check_ids(const PlanInput *in, const Plan *p, Problems *problems)
{
        uint32_t host;
        bool uid = !p->userns || id_map_to_host(&p->uid_map, p->user->uid, &host);
        bool gid = !p->userns || id_map_to_host(&p->gid_map, p->user->gid, &host);

        if (uid && gid)
                return 0;
        return problem_error(problems, in->settings->from[SETTING_USER], "User=%s: the machine's user namespace has no id %u",
                             in->settings->user, uid ? p->user->gid : p->user->uid);
}

/* A user of BindUser=, whom the tree's own files do not have. */
static MachineUser *bound_user(const Plan *p, const char *name)
{
        for (size_t i = 0; i < p->n_bind_users; i++) {
                const BindUser *b = &p->bind_users[i];
                _cleanup_free_ char *home = NULL;
                gid_t gid = b->id;
                MachineUser u = { .uid = b->id, .gid = gid, .groups = &gid, .n_groups = 1 };

                if (strcmp(b->host->name, name) != 0)
                        continue;
                if (strf(&home, "/run/host/home/%s", name) < 0)
                        return NULL;
                u.name = b->host->name;
                u.home = home;
                u.shell = b->host->shell ?: (char *) "/bin/sh";
                return machine_user_copy(&u);
        }

        return NULL;
}

/* A bundle lists the supplementary groups itself. */
static int add_groups(const OciSettings *oci, MachineUser *u)
{
        for (size_t i = 0; oci && i < oci->n_groups; i++) {
                gid_t gid = oci->groups[i];

                if (array_move(&u->groups, &u->n_groups, &gid, sizeof(gid)) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int plan_user(const PlanInput *in, Plan *p, Problems *problems)
{
        const Settings *s = in->settings;
        Source from = s->from[SETTING_USER];

        /* Without id 0, PID 1 runs as another user. */
        if (!s->user && (p->first_id == 0 || !in->user))
                return 0;
        p->user = in->user ? machine_user_copy(in->user) : bound_user(p, s->user);
        if (p->user)
                return add_groups(s->oci, p->user) < 0 ? -ENOMEM : check_ids(in, p, problems);
        if (in->user)
                return -ENOMEM;
        if (in->user_error == -ESRCH)
                return problem_error(problems, from, "User=%s: /etc/passwd of the tree '%s' has no such user", s->user,
                                     in->image_root);
        return problem_error(problems, from, "User=%s: /etc/passwd or /etc/group of the tree '%s' cannot be read: %s",
                             s->user, in->image_root, strerror(-in->user_error));
}

int exec_plan_make(const PlanInput *in, Plan *p, Problems *problems)
{
        const Settings *s = in->settings;
        int r;

        p->start_mode = settings_start_mode(s);
        p->umask = s->oci && s->oci->umask >= 0 ? (mode_t) s->oci->umask : 0022;
        p->working_directory_from = s->from[SETTING_WORKING_DIRECTORY];
        if (plan_user(in, p, problems) < 0 ||
            free_and_strdup(&p->working_directory, s->working_directory) < 0 ||
            free_and_strdup(&p->personality, s->personality) < 0)
                return -ENOMEM;
        r = p->start_mode == START_BOOT ? plan_boot(in, p, problems) : plan_command(in, p, problems);
        if (r < 0)
                return r;
        STRV_FOREACH(word, s->parameters)
                if (!boot_variable(p, *word) && strv_extend(&p->argv, *word) < 0)
                        return -ENOMEM;

        p->kill_signal = s->kill_signal;
        if (p->kill_signal == 0 && p->start_mode == START_PID2)
                p->kill_signal = STUB_INIT_POWER_OFF;
        p->stop_timeout_usec = s->stop_timeout_usec;
        p->wait_ready = s->notify_ready == UNSET ? init_notifies(p->init) : s->notify_ready == YES;
        if (p->wait_ready && s->start_timeout_usec != UINT64_MAX)
                p->start_timeout_usec = s->start_timeout_usec;
        return 0;
}

/* ID=debian of the host's os-release becomes container_host_id=debian. */
static int plan_host_env(const char *os_release, char ***env)
{
        static const char *const fields[] = { "ID", "VERSION_ID", "BUILD_ID", "VARIANT_ID" };
        _cleanup_free_ char *text = strdup(os_release);
        char *rest = text, *entry;

        if (!text)
                return -ENOMEM;
        while ((entry = env_file_next(&rest)))
                for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                        char name[64] = "container_host_", *out = name + strlen(name);
                        size_t n = strlen(fields[i]);

                        if (strncmp(entry, fields[i], n) != 0 || entry[n] != '=')
                                continue;
                        for (size_t j = 0; j < n; j++)
                                *out++ = (char) tolower((unsigned char) fields[i][j]);
                        if (strv_env_set(env, name, entry + n + 1) < 0)
                                return -ENOMEM;
                }
        return 0;
}

const char *exec_plan_manager(const PlanInput *in)
{
        return in->host->environment.container_service ?: CONTAINER_MANAGER;
}

/* Socket activation. The child adds $LISTEN_PID, which it knows. */
static int plan_listen_env(const PlanInput *in, Plan *p)
{
        char number[16];

        p->n_listen_fds = in->host->n_listen_fds;
        if (p->n_listen_fds == 0)
                return 0;
        (void) snprintf(number, sizeof(number), "%u", p->n_listen_fds);
        if (strv_env_set(&p->env, "LISTEN_FDS", number) < 0 ||
            (in->host->listen_names && strv_env_set(&p->env, "LISTEN_FDNAMES", in->host->listen_names) < 0))
                return -ENOMEM;
        return 0;
}

static int set_variable(Plan *p, const char *assignment)
{
        const char *equals = strchr(assignment, '=');
        _cleanup_free_ char *name = strndup(assignment, (size_t) (equals - assignment));

        return name ? strv_env_set(&p->env, name, equals + 1) : -ENOMEM;
}

/* Of the terminal that box-run runs on. */
static int plan_terminal_env(const HostFacts *f, Plan *p)
{
        if ((f->term && strv_env_set(&p->env, "TERM", f->term) < 0) ||
            (f->colorterm && strv_env_set(&p->env, "COLORTERM", f->colorterm) < 0) ||
            (f->no_color && strv_env_set(&p->env, "NO_COLOR", f->no_color) < 0))
                return -ENOMEM;
        return 0;
}

/* systemd's container interface: the environment of PID 1. Environment= overrides all of it, and an init's words that. */
int exec_plan_env(const PlanInput *in, Plan *p)
{
        const char *name = p->user ? p->user->name : "root";

        if (strv_env_set(&p->env, "PATH", PAYLOAD_PATH) < 0 || strv_env_set(&p->env, "container", exec_plan_manager(in)) < 0 ||
            plan_terminal_env(in->host, p) < 0 ||
            strv_env_set(&p->env, "HOME", p->user ? p->user->home : "/root") < 0 ||
            strv_env_set(&p->env, "USER", name) < 0 || strv_env_set(&p->env, "LOGNAME", name) < 0 ||
            strv_env_set(&p->env, "container_uuid", p->uuid) < 0 ||
            strv_env_set(&p->env, "NOTIFY_SOCKET", "/run/host/notify") < 0 ||
            (in->credentials->n > 0 && strv_env_set(&p->env, "CREDENTIALS_DIRECTORY", "/run/host/credentials") < 0) ||
            (p->start_mode != START_BOOT && strv_env_set(&p->env, "LANG", "C.UTF-8") < 0) ||
            plan_host_env(in->host->os_release, &p->env) < 0 || plan_listen_env(in, p) < 0)
                return -ENOMEM;

        STRV_FOREACH(e, in->settings->environment)
                if (set_variable(p, *e) < 0)
                        return -ENOMEM;
        STRV_FOREACH(word, in->settings->parameters)
                if (boot_variable(p, *word) && set_variable(p, *word) < 0)
                        return -ENOMEM;
        return 0;
}
