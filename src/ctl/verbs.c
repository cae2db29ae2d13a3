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
        &verb_cat, &verb_edit,
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
        { "add", NULL, "/usr/libexec/box/bootstrap/debian" },
        { "attach", "console", NULL },
        { "bash", "shell", NULL },
        { "build", NULL, "/usr/libexec/box/bootstrap/debian" },
        { "cancel-transfer", NULL, "machinectl cancel-transfer" },
        { "clean", NULL, "machinectl clean" },
        { "clone", NULL, "machinectl clone" },
        { "config", "explain", NULL },
        { "connect", "login", NULL },
        { "copy", "cp", NULL },
        { "create", NULL, "/usr/libexec/box/bootstrap/debian" },
        { "delete", NULL, "machinectl remove" },
        { "destroy", NULL, "machinectl remove" },
        { "down", "stop", NULL },
        { "enter", "shell", NULL },
        { "export", NULL, "machinectl export-tar" },
        { "export-raw", NULL, "machinectl export-raw" },
        { "export-tar", NULL, "machinectl export-tar" },
        { "halt", "stop", NULL },
        { "history", "logs", NULL },
        { "image-status", NULL, "machinectl image-status" },
        { "images", NULL, "machinectl list-images" },
        { "import", NULL, "machinectl import-tar" },
        { "import-fs", NULL, "machinectl import-fs" },
        { "import-raw", NULL, "machinectl import-raw" },
        { "import-tar", NULL, "machinectl import-tar" },
        { "info", "status", NULL },
        { "init", NULL, "/usr/libexec/box/bootstrap/debian" },
        { "inspect", "show", NULL },
        { "install", NULL, "/usr/libexec/box/bootstrap/debian" },
        { "journal", "logs", NULL },
        { "journalctl", "logs", NULL },
        { "launch", "start", NULL },
        { "list-images", NULL, "machinectl list-images" },
        { "list-transfers", NULL, "machinectl list-transfers" },
        { "log", "logs", NULL },
        { "ls", "list", NULL },
        { "machines", "list", NULL },
        { "mount", "bind", NULL },
        { "new", NULL, "/usr/libexec/box/bootstrap/debian" },
        { "ports", "port", NULL },
        { "ps", "list", NULL },
        { "pull", NULL, "machinectl pull-tar" },
        { "pull-raw", NULL, "machinectl pull-raw" },
        { "pull-tar", NULL, "machinectl pull-tar" },
        { "read-only", NULL, "machinectl read-only" },
        { "remove", NULL, "machinectl remove" },
        { "rename", NULL, "machinectl rename" },
        { "restart", "reboot", NULL },
        { "rm", NULL, "machinectl remove" },
        { "run", "shell", NULL },
        { "set-limit", "set", NULL },
        { "sh", "shell", NULL },
        { "show-image", NULL, "machinectl show-image" },
        { "shutdown", "stop", NULL },
        { "snapshot", NULL, "machinectl clone" },
        { "ssh", "login", NULL },
        { "stats", "top", NULL },
        { "suspend", "freeze", NULL },
        { "unfreeze", "thaw", NULL },
        { "unpause", "thaw", NULL },
        { "up", "start", NULL },
        { "validate", "check", NULL },
        { "verify", "check", NULL },
        { "version", NULL, "boxctl --version" },
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
        } else if (n < v->min || (lite && n < v->lite_min))
                return refuse_count(v, "few", failure);
        if (n > v->max)
                return refuse_count(v, "many", failure);

        /* machinectl takes any option with any verb, and scripts do that. */
        for (size_t i = 0; !lite && i < line->n_given; i++) {
                const Option *o = line->given[i];

                if (option_is_for(o, v->name))
                        continue;
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
