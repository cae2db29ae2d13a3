/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * From a command line to settings and facts: which machine, where its tree lies, what its files say, what the tree
 * is. The supervisor, before anything is changed; every problem of the settings is printed, not only the first.
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
#include "util/tree.h"

/* A step is done, with what it has found in m->request.problems. Where all that is wrong is to be told, its failure is one more
 * problem, and what can be done without it goes on; else something wrong ends the start here. */
static int go_on(Machine *m, int r, Failure *failure)
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

/* --read-instead=FILE:OTHER, which only asks what would be. */
static int read_instead(Machine *m, char **ret_of, char **ret_instead)
{
        const char *text = assignments_last(&m->request.switches, SETTING_READ_INSTEAD);

        if (!text || !*text)
                return 0;
        if (!m->request.collect_problems)
                return problem_error(&m->request.problems, (Source) {}, "--read-instead= goes with --check or --json only");
        if (value_next_field(&text, ret_of) < 0 || !text)
                return problem_error(&m->request.problems, (Source) {}, "--read-instead= is not FILE:OTHER");
        return value_replace(ret_instead, text);
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

/* The host's own tree is no machine's to write to. */
static int check_host_tree(Machine *m)
{
        const Settings *s = &m->settings;

        if (m->image.fd < 0 || strcmp(m->image.path, "/") != 0 || s->ephemeral == YES || s->volatile_mode != VOLATILE_NO)
                return 0;
        return problem_error(&m->request.problems, (Source) {}, "The host's own / can only be a machine's tree with "
                             "--ephemeral or --volatile");
}

/* --help and --version. 1: that was all; 0: there is a machine to start. */
static int early_action(CommandLineAction action)
{
        int r;

        if (action == COMMAND_LINE_RUN)
                return 0;
        if (action == COMMAND_LINE_HELP)
                r = command_line_help(stdout, "box-run");
        else
                r = printf("box %s\n", BOX_VERSION);
        return r < 0 ? -EIO : 1;
}

/* Before anything is looked for: others than root do not even see the trees. */
static int check_privilege(const Machine *m, Failure *failure)
{
        const char *what = assignments_last(&m->request.switches, SETTING_MACHINE);

        if (geteuid() == 0 || m->request.collect_problems || assignments_last(&m->request.switches, SETTING_DRY_RUN))
                return 0;
        if (!what)
                what = assignments_last(&m->request.switches, SETTING_DIRECTORY);
        if (!what)
                what = assignments_last(&m->request.switches, SETTING_IMAGE);
        if (!what)
                what = assignments_last(&m->request.switches, SETTING_OCI_BUNDLE);
        return failure_set(failure, -EPERM, "Machine '%s' can only be started by root", what ?: ".");
}

/* From a start's settings, credentials move to one place, which can be overwritten in time. */
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

/* A bundle's container shares the namespaces that it does not ask for, as with systemd-nspawn's variables for that. */
static void add_shared(const OciSettings *oci, EnvironmentOptions *e)
{
        if (!oci)
                return;
        e->share_ipc = e->share_ipc || oci->share_ipc;
        e->share_pid = e->share_pid || oci->share_pid;
        e->share_uts = e->share_uts || oci->share_uts;
        e->share_cgroup = e->share_cgroup || oci->share_cgroup;
}

/* What the plan depends on of the host, of our environment, and of the tree. What is in a disk image can only be seen later:
 * run/stage-image.c. */
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
                                      assignments_last(&m->request.switches, SETTING_JSON);
        r = go_on(m, r, failure);
        if (r < 0)
                return r;
        r = early_action(action);
        if (r != 0)
                return r;

        r = check_privilege(m, failure);
        if (r < 0)
                return r;
        r = go_on(m, machine_find_tree(m, failure), failure);
        if (r < 0)
                return r;
        if (!m->name)                   /* so nobody knows its files; but the switches can be right or wrong */
                return go_on(m, assignments_apply(&m->request.switches, NULL, &m->settings, &m->request.problems), failure);
        r = apply_settings(m);
        if (r >= 0)
                r = check_host_tree(m);
        r = go_on(m, r, failure);
        if (r < 0 || m->image.fd < 0)
                return r;
        return go_on(m, read_facts(m, failure), failure);
}
