/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of verbs, and looking them up (see verb.h). Part of boxctl; silent; no privilege. */

#include <string.h>

#include "ctl/verb.h"
#include "util/parse.h"
#include "util/strv.h"

const Verb *const verbs[] = {
        &verb_list, &verb_status, &verb_show, &verb_start, &verb_stop, &verb_reboot, &verb_terminate, &verb_kill,
        &verb_enable, &verb_disable, &verb_login, &verb_shell, &verb_cat, &verb_edit, &verb_check, &verb_explain,
        NULL,
};

const Verb *verb_find(const char *name)
{
        for (const Verb *const *v = verbs; *v; v++)
                if (strcmp((*v)->name, name) == 0 || ((*v)->alias && strcmp((*v)->alias, name) == 0))
                        return *v;
        return NULL;
}

bool verb_takes_command(const char *name)
{
        const Verb *v = verb_find(name);

        return v && (v->flags & VERB_COMMAND);
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
        { "attach", "login", NULL },
        { "bash", "shell", NULL },
        { "bind", NULL, "machinectl bind" },
        { "clone", NULL, "machinectl clone" },
        { "config", "explain", NULL },
        { "connect", "login", NULL },
        { "console", "login", NULL },
        { "copy", NULL, "machinectl copy-to, copy-from" },
        { "copy-from", NULL, "machinectl copy-from" },
        { "copy-to", NULL, "machinectl copy-to" },
        { "cp", NULL, "machinectl copy-to, copy-from" },
        { "create", NULL, "/usr/libexec/box/bootstrap/debian" },
        { "delete", NULL, "machinectl remove" },
        { "destroy", NULL, "machinectl remove" },
        { "down", "stop", NULL },
        { "enter", "shell", NULL },
        { "exec", "shell", NULL },
        { "export", NULL, "machinectl export-tar" },
        { "export-tar", NULL, "machinectl export-tar" },
        { "freeze", NULL, "systemctl freeze box@NAME" },
        { "halt", "stop", NULL },
        { "image-status", NULL, "machinectl image-status" },
        { "images", NULL, "machinectl list-images" },
        { "import", NULL, "machinectl import-tar" },
        { "import-tar", NULL, "machinectl import-tar" },
        { "info", "status", NULL },
        { "inspect", "show", NULL },
        { "list-images", NULL, "machinectl list-images" },
        { "log", NULL, "journalctl --unit=box@NAME" },
        { "logs", NULL, "journalctl --unit=box@NAME" },
        { "ls", "list", NULL },
        { "machines", "list", NULL },
        { "pause", NULL, "systemctl freeze box@NAME" },
        { "ps", "list", NULL },
        { "pull", NULL, "machinectl pull-tar" },
        { "pull-tar", NULL, "machinectl pull-tar" },
        { "remove", NULL, "machinectl remove" },
        { "rename", NULL, "machinectl rename" },
        { "restart", "reboot", NULL },
        { "resume", NULL, "systemctl thaw box@NAME" },
        { "rm", NULL, "machinectl remove" },
        { "run", "shell", NULL },
        { "set", "edit", NULL },
        { "shutdown", "stop", NULL },
        { "ssh", "login", NULL },
        { "stats", "status", NULL },
        { "thaw", NULL, "systemctl thaw box@NAME" },
        { "top", "status", NULL },
        { "unfreeze", NULL, "systemctl thaw box@NAME" },
        { "unpause", NULL, "systemctl thaw box@NAME" },
        { "up", "start", NULL },
        { "validate", "check", NULL },
        { "verify", "check", NULL },
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
        const char *best = NULL;
        /* Further away is another word, and in a short one each letter counts. */
        unsigned best_distance = strlen(name) < 4 ? 2 : 3;

        for (const Verb *const *v = verbs; *v; v++) {
                const char *names[] = { (*v)->name, (*v)->alias };

                for (size_t i = 0; i < ARRAY_SIZE(names) && names[i]; i++) {
                        unsigned d = text_distance(name, names[i]);

                        if (d < best_distance) {
                                best_distance = d;
                                best = names[i];
                        }
                }
        }
        return best;
}

int verb_accepts(const Verb *v, const CommandLine *line, bool lite, Failure *failure)
{
        size_t n = strv_length(line->words);

        n = n > 0 ? n - 1 : 0;
        if (n < v->min)
                return failure_set(failure, -EINVAL, "%s: too few arguments; usage: %s %s", v->name, v->name,
                                   v->synopsis);
        if (n > v->max)
                return failure_set(failure, -EINVAL, "%s: too many arguments; usage: %s %s", v->name, v->name,
                                   v->synopsis);

        /* machinectl takes any option with any verb, and scripts do that. */
        for (size_t i = 0; !lite && i < line->n_given; i++) {
                const Option *o = line->given[i];

                if (option_is_for(o, v->name))
                        continue;
                if (o->name)
                        return failure_set(failure, -EINVAL, "--%s does not apply to '%s' (only to: %s)", o->name,
                                           v->name, o->verbs);
                return failure_set(failure, -EINVAL, "-%c does not apply to '%s' (only to: %s)", o->letter, v->name,
                                   o->verbs);
        }
        return 0;
}
