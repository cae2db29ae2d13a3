/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of verbs, and looking them up (see verb.h). Part of boxctl; silent; no privilege. */

#include <limits.h>
#include <string.h>

#include "ctl/verb.h"
#include "util/parse.h"
#include "util/strv.h"

const Verb *const verbs[] = {
        &verb_overview,
        &verb_list, &verb_status, &verb_show, &verb_start, &verb_stop, &verb_reboot, &verb_terminate, &verb_kill,
        &verb_freeze, &verb_thaw, &verb_top, &verb_reclaim,
        &verb_enable, &verb_disable, &verb_login, &verb_shell, &verb_exec, &verb_chroot,
        &verb_cp, &verb_copy_to, &verb_copy_from, &verb_logs, &verb_blame,
        &verb_new, &verb_cat, &verb_edit,
        &verb_check, &verb_explain, &verb_why, &verb_doctor, &verb_call,
        &verb_console, &verb_wait, &verb_events,
        &verb_get, &verb_set, &verb_unset, &verb_pending, &verb_apply, &verb_bind, &verb_unbind, &verb_port, &verb_device,
        NULL,
};

const Verb *verb_find(const char *name)
{
        for (const Verb *const *v = verbs; *v; v++)
                if (strcmp((*v)->name, name) == 0 || ((*v)->alias && strcmp((*v)->alias, name) == 0))
                        return *v;
        return NULL;
}

size_t verb_options_end(const char *name)
{
        const Verb *v = verb_find(name);

        return !v ? 0 : v->flags & VERB_COMMAND ? 2 : v->flags & VERB_COMMAND_LATE ? 3 : 0;
}

const Verb *verb_default(void)
{
        for (const Verb *const *v = verbs; *v; v++)
                if ((*v)->flags & VERB_DEFAULT)
                        return *v;
        return NULL;
}

/* Words of other programs for machines, sorted. verb: ours. instead: a command line, where no verb does it. */
static const struct {
        const char *word, *verb, *instead;
} known_words[] = {
        { "add", NULL, "/usr/libexec/box/bootstrap/debian NAME" },
        { "analyze", "blame", NULL },
        { "api", "call", NULL },
        { "arch-chroot", "chroot", NULL },
        { "attach", "console", NULL },
        { "attach-device", "device", NULL },
        { "attach-disk", "bind", NULL },
        { "autostart", "enable", NULL },
        { "await", "wait", NULL },
        { "backup", NULL, "machinectl export-tar NAME FILE" },
        { "balloon", "reclaim", NULL },
        { "bash", "shell", NULL },
        { "bind-volume", "bind", NULL },
        { "boot", "start", NULL },
        { "bootstrap", NULL, "/usr/libexec/box/bootstrap/debian NAME" },
        { "bridge", NULL, "networkctl" },
        { "build", NULL, "/usr/libexec/box/bootstrap/debian NAME" },
        { "cancel-transfer", NULL, "machinectl cancel-transfer" },
        { "capabilities", "doctor", NULL },
        { "cgroup", "set", NULL },
        { "cgtop", "top", NULL },
        { "changes", "pending", NULL },
        { "checkconfig", "check", NULL },
        { "checkhost", "doctor", NULL },
        { "checkpoint", NULL, "machinectl clone FROM NAME" },
        { "clean", NULL, "machinectl clean" },
        { "cleanup", NULL, "machinectl remove NAME" },
        { "clone", NULL, "machinectl clone FROM NAME" },
        { "cmd", "exec", NULL },
        { "commit", NULL, "machinectl clone FROM NAME" },
        { "conf", "cat", NULL },
        { "config", "explain", NULL },
        { "configure", "edit", NULL },
        { "connect", "login", NULL },
        { "container", "list", NULL },
        { "containers", "list", NULL },
        { "context", NULL, "boxctl -H USER@HOST VERB" },
        { "copy", "cp", NULL },
        { "create", "new", NULL },
        { "critical-chain", "blame", NULL },
        { "debug", "why", NULL },
        { "define", "new", NULL },
        { "delete", NULL, "machinectl remove NAME" },
        { "destroy", NULL, "machinectl remove NAME" },
        { "detach-device", "device", NULL },
        { "detach-disk", "unbind", NULL },
        { "diagnose", "doctor", NULL },
        { "diff", "pending", NULL },
        { "dmesg", "logs", NULL },
        { "dominfo", "status", NULL },
        { "domstate", "status", NULL },
        { "down", "stop", NULL },
        { "download", NULL, "machinectl pull-tar URL NAME" },
        { "dumpxml", "show", NULL },
        { "enter", "shell", NULL },
        { "execute", "exec", NULL },
        { "export", NULL, "machinectl export-tar NAME FILE" },
        { "export-raw", NULL, "machinectl export-raw" },
        { "export-tar", NULL, "machinectl export-tar" },
        { "expose", "port", NULL },
        { "fetch", NULL, "machinectl pull-tar URL NAME" },
        { "file", "cp", NULL },
        { "force-stop", "terminate", NULL },
        { "forward", "port", NULL },
        { "get-property", "get", NULL },
        { "getconfig", "get", NULL },
        { "halt", "stop", NULL },
        { "health", "status", NULL },
        { "healthcheck", "status", NULL },
        { "history", "logs", NULL },
        { "htop", "top", NULL },
        { "image", NULL, "machinectl list-images" },
        { "image-status", NULL, "machinectl image-status" },
        { "images", NULL, "machinectl list-images" },
        { "import", NULL, "machinectl import-tar FILE NAME" },
        { "import-fs", NULL, "machinectl import-fs" },
        { "import-raw", NULL, "machinectl import-raw" },
        { "import-tar", NULL, "machinectl import-tar" },
        { "info", "status", NULL },
        { "init", "new", NULL },
        { "inspect", "show", NULL },
        { "install", NULL, "/usr/libexec/box/bootstrap/debian NAME" },
        { "jail", "new", NULL },
        { "jcp", "cp", NULL },
        { "jexec", "exec", NULL },
        { "jls", "list", NULL },
        { "journal", "logs", NULL },
        { "journalctl", "logs", NULL },
        { "launch", "start", NULL },
        { "limit", "set", NULL },
        { "limits", "set", NULL },
        { "list-images", NULL, "machinectl list-images" },
        { "list-transfers", NULL, "machinectl list-transfers" },
        { "load", NULL, "machinectl import-tar FILE NAME" },
        { "log", "logs", NULL },
        { "ls", "list", NULL },
        { "lxc-attach", "shell", NULL },
        { "lxc-cgroup", "set", NULL },
        { "lxc-checkconfig", "doctor", NULL },
        { "lxc-console", "console", NULL },
        { "lxc-copy", NULL, "machinectl clone FROM NAME" },
        { "lxc-execute", "exec", NULL },
        { "lxc-freeze", "freeze", NULL },
        { "lxc-info", "status", NULL },
        { "lxc-ls", "list", NULL },
        { "lxc-stop", "stop", NULL },
        { "lxc-unfreeze", "thaw", NULL },
        { "lxc-wait", "wait", NULL },
        { "machine", "list", NULL },
        { "machines", "list", NULL },
        { "memory", "reclaim", NULL },
        { "modify", "edit", NULL },
        { "monitor", "events", NULL },
        { "mount", "bind", NULL },
        { "move", NULL, "machinectl rename NAME NEW" },
        { "mv", NULL, "machinectl rename NAME NEW" },
        { "network", NULL, "networkctl" },
        { "networks", NULL, "networkctl" },
        { "nsenter", "exec", NULL },
        { "operation", "events", NULL },
        { "pkill", "kill", NULL },
        { "plot", "blame", NULL },
        { "ports", "port", NULL },
        { "profile", "explain", NULL },
        { "properties", "show", NULL },
        { "proxy", "port", NULL },
        { "prune", NULL, "machinectl remove NAME" },
        { "ps", "list", NULL },
        { "ptrace", "why", NULL },
        { "publish", NULL, "machinectl export-tar NAME FILE" },
        { "pull", NULL, "machinectl pull-tar URL NAME" },
        { "pull-raw", NULL, "machinectl pull-raw" },
        { "pull-tar", NULL, "machinectl pull-tar" },
        { "push", "cp", NULL },
        { "query", "get", NULL },
        { "rcp", "cp", NULL },
        { "rdr", "port", NULL },
        { "read-only", NULL, "machinectl read-only" },
        { "ready", "status", NULL },
        { "rebuild", "new", NULL },
        { "reconfigure", "apply", NULL },
        { "reload", "apply", NULL },
        { "remote", NULL, "boxctl -H USER@HOST VERB" },
        { "remove", NULL, "machinectl remove NAME" },
        { "rename", NULL, "machinectl rename NAME NEW" },
        { "reset", "reboot", NULL },
        { "restore", NULL, "machinectl import-tar FILE NAME" },
        { "rm", NULL, "machinectl remove NAME" },
        { "rmi", NULL, "machinectl remove NAME" },
        { "rsync", "cp", NULL },
        { "run", "exec", NULL },
        { "save", NULL, "machinectl export-tar NAME FILE" },
        { "scp", "cp", NULL },
        { "service", "shell", NULL },
        { "set-limit", "set", NULL },
        { "set-property", "set", NULL },
        { "setmem", "set", NULL },
        { "setup", "new", NULL },
        { "setvcpus", "set", NULL },
        { "sh", "shell", NULL },
        { "show-config", "cat", NULL },
        { "show-image", NULL, "machinectl show-image" },
        { "shrink", "reclaim", NULL },
        { "shutdown", "stop", NULL },
        { "signal", "kill", NULL },
        { "snapshot", NULL, "machinectl clone FROM NAME" },
        { "ssh", "login", NULL },
        { "state", "status", NULL },
        { "stats", "top", NULL },
        { "storage", NULL, "machinectl list-images" },
        { "strace", "why", NULL },
        { "suspend", "freeze", NULL },
        { "sysrc", "exec", NULL },
        { "system", "doctor", NULL },
        { "template", NULL, "/usr/libexec/box/bootstrap/debian NAME" },
        { "trace", "why", NULL },
        { "tty", "console", NULL },
        { "tune", "set", NULL },
        { "umount", "unbind", NULL },
        { "unbind-volume", "unbind", NULL },
        { "undefine", NULL, "machinectl remove NAME" },
        { "unfreeze", "thaw", NULL },
        { "uninstall", NULL, "machinectl remove NAME" },
        { "unmount", "unbind", NULL },
        { "unpause", "thaw", NULL },
        { "unshare", "exec", NULL },
        { "up", "start", NULL },
        { "update", "set", NULL },
        { "usage", "top", NULL },
        { "validate", "check", NULL },
        { "varlink", "call", NULL },
        { "varlinkctl", "call", NULL },
        { "verify", "check", NULL },
        { "version", NULL, "boxctl --version" },
        { "volume", "bind", NULL },
        { "vzlist", "list", NULL },
        { "wait-for", "wait", NULL },
        { "watch", "events", NULL },
        { "zlogin", "shell", NULL },
        { "zoneadm", "list", NULL },
        { "zonecfg", "new", NULL },
        { "zones", "list", NULL },
};

const char *verb_known_elsewhere(const char *name, bool lite)
{
        for (size_t i = 0; i < ARRAY_SIZE(known_words); i++) {
                const Verb *v = known_words[i].verb ? verb_find(known_words[i].verb) : NULL;

                if (strcmp(known_words[i].word, name) == 0 && !(lite && v && v->flags & VERB_OURS))
                        return known_words[i].verb ?: known_words[i].instead;
        }
        return NULL;
}

const char *verb_nearest(const char *name)
{
        unsigned distance = UINT_MAX;
        const char *best = NULL;

        for (const Verb *const *v = verbs; *v; v++) {
                text_nearer(name, (*v)->name, &best, &distance);
                text_nearer(name, (*v)->alias, &best, &distance);
        }
        return best;
}

static int refuse_count(const Verb *v, const char *what, Failure *failure)
{
        return failure_set(failure, -EINVAL, "%s: too %s arguments; usage: %s%s%s", v->name, what, v->name,
                           *v->synopsis ? " " : "", v->synopsis);
}

int verb_accepts(const Verb *v, const CommandLine *line, bool lite, Failure *failure)
{
        size_t n = strv_length(line->words);

        n = n > 0 ? n - 1 : 0;
        if (!lite && v->flags & VERB_ALL && line->options.all) {
                if (n > 0)
                        return failure_set(failure, -EINVAL, "%s: give names or --all, not both", v->name);
        } else if (!line->options.list_fields && (n < v->min || (lite && n < v->lite_min)))
                return refuse_count(v, "few", failure);
        if (n > v->max)
                return refuse_count(v, "many", failure);
        if (!lite && line->options.list_fields && !v->columns)
                return failure_set(failure, -EINVAL, "--json does not apply to '%s', which lists nothing", v->name);

        /* machinectl takes any option with any verb, and scripts do that. */
        for (size_t i = 0; i < line->n_given; i++) {
                const Option *o = line->given[i];

                if (option_is_for(o, v->name) || (lite && o->kind != OPTION_MACHINE))
                        continue;
                if (o->kind == OPTION_MACHINE)
                        return failure_set(failure, -EINVAL, "--machine= does not apply to '%s', which does not go by D-Bus "
                                           "alone (only to: %s); use: boxctl exec %s -- boxctl %s", v->name, o->verbs,
                                           line->options.machine, v->name);
                if (o->verbs && !*o->verbs)
                        return failure_set(failure, -EINVAL, "--%s is an option of machinectl's, for what box does not do",
                                           o->name);
                if (o->name)
                        return failure_set(failure, -EINVAL, "--%s does not apply to '%s' (only to: %s)", o->name,
                                           v->name, o->verbs);
                return failure_set(failure, -EINVAL, "-%c does not apply to '%s' (only to: %s)", o->letter, v->name,
                                   o->verbs);
        }
        return 0;
}
