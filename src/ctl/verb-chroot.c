/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl chroot: a command in the tree or disk image of a machine that does not run. boxctl becomes box-run, which runs the
 * command as a machine for this once: with the ids and the rights that the machine's settings give it, so that a hostile tree
 * gets no more than it has when it is started, but the host's network, and nothing else of its settings. Its mounts are in its
 * mount namespace, and end with it. As root.
 */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/systemd1.h"
#include "ctl/dry-run.h"
#include "ctl/running-machine.h"
#include "image/machine-name.h"
#include "util/print.h"
#include "util/strv.h"

/* Keys of settings about who the machine is on this host, and what it may do. */
static const char *const kept[] = {
        "PrivateUsers", "PrivateUsersOwnership", "IdMap", "PivotRoot", "Capability", "DropCapability", "NoNewPrivileges",
        "SystemCallFilter", "RestrictAddressFamilies", "SuppressSync", "Personality", "Hostname", "ImagePolicy",
};

static int add_setting(const JsonNode *setting, const char *key, char ***argv)
{
        const char *name = json_member_string(setting, "switch");
        int r = 0;

        JSON_FOREACH(value, json_member(setting, "values")) {
                const char *text = json_member_string(value, "value");
                char *word;

                if (!name)
                        return log_error(-EOPNOTSUPP, "%s= of the machine has no effect on a command without its start", key);
                if (r >= 0)
                        r = text && strf(&word, "--%s=%s", name, text) >= 0 ? strv_consume(argv, word) : -ENOMEM;
        }
        return r < 0 ? log_oom() : 0;
}

static int add_settings(const JsonNode *dry, char ***argv)
{
        int r = 0;

        JSON_FOREACH(setting, json_member(dry, "settings")) {
                const char *key = json_member_string(setting, "key");

                for (size_t i = 0; r >= 0 && key && i < ARRAY_SIZE(kept); i++)
                        if (strcmp(key, kept[i]) == 0)
                                r = add_setting(setting, key, argv);
        }
        return r;
}

static int add(char ***argv, const char *name, const char *value)
{
        char *word;

        return strf(&word, "%s%s", name, value) < 0 ? -ENOMEM : strv_consume(argv, word);
}

static int make_argv(const Ctl *c, const char *name, const char *tree, const JsonNode *dry, char *const *command,
                     char ***argv)
{
        static const char *const own[] = { "box-run", "--quiet", "--settings=no", "--register=no", "--as-pid2",
                                           "--console=autopipe", "--resolv-conf=bind-host", "--timezone=off",
                                           "--link-journal=no" };
        struct stat st;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(own); i++)
                r = strv_extend(argv, own[i]);
        if (r >= 0)
                r = add(argv, "--machine=", name);
        if (r >= 0)
                r = add(argv, stat(tree, &st) >= 0 && S_ISDIR(st.st_mode) ? "--directory=" : "--image=", tree);
        if (r >= 0 && c->options.uid)
                r = add(argv, "--user=", c->options.uid);
        if (r >= 0 && c->options.working_directory)
                r = add(argv, "--chdir=", c->options.working_directory);
        STRV_FOREACH(e, c->options.setenv)
                if (r >= 0)
                        r = add(argv, "--setenv=", *e);
        if (r < 0)
                return log_oom();

        r = add_settings(dry, argv);
        if (r < 0)
                return r;
        r = strv_extend(argv, "--");
        STRV_FOREACH(word, command)
                if (r >= 0)
                        r = strv_extend(argv, *word);
        return r < 0 ? log_oom() : 0;
}

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        _cleanup_(unit_command_done) UnitCommand command = { 0 };
        _cleanup_free_ char *unit = machine_unit_name(args[0]);
        _cleanup_strv_ char **argv = NULL;
        _cleanup_json_ Json *json = NULL;
        const JsonNode *dry;
        const char *tree;
        Failure f = { 0 };
        int r;

        if (geteuid() != 0)
                return log_error(-EPERM, "%s: Only root can execute a program in a machine's tree", args[0]);
        r = running_machine_find_quickly(c, args[0], &m, &f);
        if (r >= 0)
                return log_error(-EBUSY, "%s: This machine is running; use: %s exec %s -- %s", args[0], c->program, args[0],
                                 args[1]);
        if (r != -ENXIO)
                return complain(args[0], &f);
        f = (Failure) { 0 };
        if (!unit)
                return log_oom();
        if (dry_run(c, args[0], NULL, &json, &f) < 0 || systemd1_unit_command(ctl_bus(c, NULL), unit, &command, &f) < 0)
                return complain(args[0], &f);
        dry = json_root(json);
        tree = json_member_string(dry, "image");
        if (!tree || !*tree) {
                if (dry_run_report(args[0], dry) == 0)
                        log_error(-ENOENT, "%s: This machine has no tree", args[0]);
                return -ENOENT;
        }

        r = make_argv(c, args[0], tree, dry, args + 1, &argv);
        if (r < 0)
                return r;
        (void) execv(command.path, argv);
        return log_error(-errno, "%s: Failed to execute %s: %m", args[0], command.path);
}

const Verb verb_chroot = {
        .name = "chroot",
        .min = 2,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_COMMAND_LATE | VERB_TAKES_IMAGES,
        .synopsis = "NAME [--] COMMAND [ARG…]",
        .help = "Execute a command in the tree of a machine that does not run",
        .details = "With the machine's user namespace and rights, /proc, /sys, /dev and resolv.conf, on the host's network. "
                   "Nothing of the machine is started, and all mounts end with the command. Needs root. Returns the command's "
                   "exit status; standard input, output and error are passed on unchanged.",
        .example = "boxctl chroot deb -- apt-get install -y openssh-server",
        .run = run,
};
