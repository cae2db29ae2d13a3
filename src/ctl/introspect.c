/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Prints verbs and options as JSON from their tables (boxctl --introspect-cli), in the form of systemd 262's programs: the
 * numbers of arguments count the verb. Part of boxctl; no privilege.
 */

#include "ctl/help.h"
#include "util/json.h"
#include "util/terminal-stream.h"

static void put_option(Json *j, const Option *o)
{
        json_begin_object(j, NULL);
        json_begin_array(j, "names");
        if (o->letter)
                json_put_format(j, NULL, "-%c", o->letter);
        if (o->name)
                json_put_format(j, NULL, "--%s", o->name);
        json_end(j);
        json_put_string(j, "argument", !o->metavar ? "no_argument" :
                                       option_is_optional(o) ? "optional_argument" : "required_argument");
        if (o->metavar)
                json_put_string(j, "metavar", o->metavar);
        json_put_string(j, "help", o->help);
        json_end(j);
}

/* Those of a verb only, or without a verb, of all verbs. */
static void put_options(Json *j, const Verb *v)
{
        json_begin_array(j, "options");
        for (size_t i = 0; i < n_ctl_options; i++)
                if (v ? ctl_options[i].verbs && option_is_for(&ctl_options[i], v->name) : !ctl_options[i].verbs)
                        put_option(j, &ctl_options[i]);
        json_end(j);
}

static void put_verb(Json *j, const Verb *v, bool lite)
{
        const char *name = lite && v->lite_name ? v->lite_name : v->name;

        json_begin_object(j, NULL);
        json_begin_array(j, "names");
        json_put_string(j, NULL, name);
        if (v->alias)
                json_put_string(j, NULL, name == v->name ? v->alias : v->name);
        json_end(j);
        json_put_strings(j, "abstract", (char *const[]) { (char *) v->help, NULL });
        json_put_string(j, "argspec", v->synopsis);
        json_put_number(j, "minArguments", (int64_t) v->min + 1);
        if (v->max != VERB_ANY)
                json_put_number(j, "maxArguments", (int64_t) v->max + 1);
        if (v->flags & VERB_DEFAULT)
                json_put_bool(j, "isDefault", true);
        put_options(j, v);
        json_end(j);
}

static void put_command(Json *j, const char *name, bool lite)
{
        json_begin_object(j, NULL);
        json_put_strings(j, "names", (char *const[]) { (char *) name, NULL });
        json_put_string(j, "project", "box");
        json_put_string(j, "version", BOX_VERSION);
        json_put_strings(j, "abstract", (char *const[]) { (char *) "Start, stop, inspect and enter the machines of this host.",
                                                          NULL });
        put_options(j, NULL);
        json_begin_array(j, "verbs");
        for (const Verb *const *v = verbs; *v; v++)
                if (!(lite && (*v)->flags & VERB_OURS))
                        put_verb(j, *v, lite);
        json_end(j);
        json_end(j);
}

int help_introspect(FILE *f, Failure *failure)
{
        _cleanup_json_ Json *j = NULL;
        int r;

        r = json_new(&j, failure);
        if (r < 0)
                return r;
        json_begin_object(j, NULL);
        json_put_string(j, "mediaType", "application/vnd.io.systemd.cli-introspection-0");
        json_begin_array(j, "commands");
        put_command(j, "boxctl", /* lite= */ false);
        put_command(j, "machinectl-lite", /* lite= */ true);
        json_end(j);
        json_end(j);
        r = json_print(j, f, 2);
        return r < 0 && !terminal_stream_is_unread() ? failure_set(failure, r, "Failed to write the output: %m") : 0;
}
