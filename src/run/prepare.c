/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From a command line to settings and facts: finds the machine and its tree, reads settings files and facts. The supervisor,
 * as root (or any user, for a dry run), before anything is changed. Every problem of the settings is printed.
 */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/command-line.h"
#include "config/values.h"
#include "run/machine.h"
#include "run/report.h"
#include "util/fd.h"
#include "util/strv.h"
#include "util/tree.h"

/* Ends a step, whose result is r and whose problems are in m->request.problems. With collect_problems a failure becomes one
 * more problem, and the next steps follow; else the first problem becomes the failure. */
static int end_step(Machine *m, int r, Failure *failure)
{
        Failure own = {};

        if (m->request.collect_problems && r < 0 && failure->error < 0) {
                r = problem_error(&m->request.problems, (Source) {}, "%s", failure->text);
                *failure = (Failure) {};
        }
        if (r < 0)
                return failure_set(failure, r, "%m");
        if (m->request.collect_problems)
                return 0;

        r = report_problems(&m->request.problems, &own);
        problems_done(&m->request.problems);
        return r < 0 ? failure_set(failure, r, "%s", own.text) : 0;
}

/* --read-instead=FILE:OTHER, to check OTHER in the place of FILE. */
static int read_instead(Machine *m, char **ret_of, char **ret_instead)
{
        const char *text = assignments_last(&m->request.switches, SETTING_READ_INSTEAD);

        if (!text || !*text)
                return 0;
        if (!m->request.collect_problems)
                return problem_error(&m->request.problems, (Source) {}, "--read-instead= requires --check or --json");
        if (value_next_field(&text, ret_of) < 0 || !text)
                return problem_error(&m->request.problems, (Source) {}, "--read-instead= is not FILE:OTHER");
        return free_and_strdup(ret_instead, text);
}

static int apply_settings(Machine *m)
{
        _cleanup_free_ char *instead_of = NULL, *instead = NULL;
        SettingsPlace place = { .machine = m->request.file_name, .image_path = m->image.found };
        int r;

        r = read_instead(m, &instead_of, &instead);
        if (r < 0)
                return r;
        if (instead) {
                place.instead_of = instead_of;
                place.instead = instead;
        }
        if (m->request.bundle.path) {
                place.bundle = &m->request.bundle.assignments;
                place.bundle_path = m->request.bundle.config_path;
        }
        r = settings_sources_read(&place, &m->request.switches, &m->request.sources, &m->request.problems);
        if (r >= 0)
                r = settings_sources_apply(&m->request.sources, &m->settings, &m->request.problems);
        if (m->request.bundle.path)
                m->settings.oci = &m->request.bundle.extra;
        if (m->image.read_only)
                m->settings.read_only = YES;
        return r;
}

/* A machine must not write to the host's own tree. */
static int check_host_tree(Machine *m)
{
        const Settings *s = &m->settings;

        if (m->image.fd < 0 || strcmp(m->image.path, "/") != 0 || s->ephemeral == YES || s->volatile_mode != VOLATILE_NO)
                return 0;
        return problem_error(&m->request.problems, (Source) {}, "The host's own / can only be a machine's tree with "
                             "--ephemeral or --volatile");
}

/* Before trees are searched for, which only root can see. */
static int check_privilege(const Machine *m, Failure *failure)
{
        static const SettingId names[] = { SETTING_MACHINE, SETTING_DIRECTORY, SETTING_IMAGE, SETTING_OCI_BUNDLE };
        const char *what = NULL;

        if (geteuid() == 0 || m->request.collect_problems || assignments_last(&m->request.switches, SETTING_DRY_RUN))
                return 0;
        for (size_t i = 0; !what && i < ARRAY_SIZE(names); i++)
                what = assignments_last(&m->request.switches, names[i]);
        return failure_set(failure, -EPERM, "Machine '%s' can only be started by root", what ?: ".");
}

/* For a start, moves credentials out of the settings to one place, which is overwritten when they are no longer needed. */
static int read_credentials(Machine *m)
{
        bool dry = machine_is_dry(m);
        int r;

        r = credentials_load(&m->settings, /* fetch= */ !dry, &m->credentials, &m->request.problems);
        if (!dry) {
                settings_forget_credentials(&m->settings);
                for (size_t i = 0; i < m->request.sources.n; i++)
                        assignments_forget_secrets(&m->request.sources.items[i].assignments);
        }
        return r;
}

/* A bundle shares the namespaces that it does not list, like systemd-nspawn's $SYSTEMD_NSPAWN_SHARE_NS_*. */
static void add_shared(const OciSettings *oci, EnvironmentOptions *e)
{
        if (!oci)
                return;
        e->share_ipc = e->share_ipc || oci->share_ipc;
        e->share_pid = e->share_pid || oci->share_pid;
        e->share_uts = e->share_uts || oci->share_uts;
        e->share_cgroup = e->share_cgroup || oci->share_cgroup;
}

/* Facts of the host, the environment and the tree. A disk image's tree is read later: run/stage-image.c. */
static int read_facts(Machine *m, Failure *failure)
{
        if (host_facts_read(&m->settings, &m->facts.host) < 0 ||
            environment_read(&m->facts.host.environment, &m->request.problems) < 0 || read_credentials(m) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        add_shared(m->settings.oci, &m->facts.host.environment);
        return m->image.kind == IMAGE_DIRECTORY ? machine_read_tree(m, &m->request.problems, failure) : 0;
}

int machine_prepare(Machine *m, int argc, char *const argv[], Failure *failure)
{
        CommandLineAction action;
        int r;

        r = command_line_parse(argc, argv, &m->request.switches, &action, &m->request.problems);
        m->request.collect_problems = assignments_last(&m->request.switches, SETTING_CHECK) ||
                                      assignments_last(&m->request.switches, SETTING_JSON) ||
                                      assignments_last(&m->request.switches, SETTING_LIVE);
        r = end_step(m, r, failure);
        if (r < 0)
                return r;
        if (action == COMMAND_LINE_HELP)
                return command_line_help(stdout, "box-run") < 0 ? -EIO : 1;
        if (action == COMMAND_LINE_INTROSPECT)
                return command_line_introspect(stdout, "box-run", failure) < 0 ? failure->error : 1;
        if (action != COMMAND_LINE_RUN)
                return printf("box %s\n", BOX_VERSION) < 0 ? -EIO : 1;

        r = check_privilege(m, failure);
        if (r < 0)
                return r;
        if (assignments_last(&m->request.switches, SETTING_CLEANUP))
                return machine_cleanup(m, assignments_last(&m->request.switches, SETTING_MACHINE), failure);
        r = end_step(m, machine_find_tree(m, failure), failure);
        if (r < 0)
                return r;
        if (!m->name)                   /* hence no settings files; but the switches are checked */
                return end_step(m, assignments_apply(&m->request.switches, NULL, &m->settings, &m->request.problems), failure);
        r = apply_settings(m);
        if (r >= 0)
                r = check_host_tree(m);
        r = end_step(m, r, failure);
        if (r < 0 || m->image.fd < 0)
                return r;
        return end_step(m, read_facts(m, failure), failure);
}
