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

const char *verb_nearest(const char *name)
{
        const char *best = NULL;
        unsigned best_distance = 3;     /* further away is another word */

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
