/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions of all verbs (see verb.h): the connection to the bus, and messages about a machine. Part of boxctl, which has its
 * caller's rights. */

#include <string.h>

#include "bus/bus.h"
#include "ctl/columns.h"
#include "ctl/exit-status.h"
#include "ctl/terminal.h"
#include "ctl/verb.h"
#include "util/print.h"
#include "util/terminal-stream.h"

sd_bus *ctl_bus(Ctl *c, Failure *failure)
{
        if (!c->bus && c->bus_failure.error == 0)
                (void) bus_open_system(&c->bus, &c->bus_failure);
        if (!c->bus)
                failure_set(failure, c->bus_failure.error, "%s", c->bus_failure.text);
        else
                /* Verbs that only read ask nobody for a password. */
                (void) sd_bus_set_allow_interactive_authorization(c->bus, !c->options.no_ask_password && c->verb &&
                                                                          c->verb->flags & VERB_AUTHORIZED);
        return c->bus;
}

int complain(const char *name, const Failure *f)
{
        return log_error(f->error, "%s: %s", name, f->text);
}

enum { FIELDS_MAX = 1000 * 1000 };

/* Only the chosen members of each object. What was written has to be read for that. */
static int choose_fields(Ctl *c, const Json *j, Json **ret, Failure *failure)
{
        _cleanup_(columns_done) Columns wanted = { 0 };
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_json_ Json *all = NULL, *some = NULL;
        _cleanup_free_ char *text = NULL;
        FILE *f = memory_stream_open(&m);
        int r;

        r = columns_choose(c->verb->columns, c->verb->n_columns, c->options.columns, /* settings= */ false, &wanted, failure);
        if (r < 0)
                return r;
        r = f ? json_print(j, f, 0) : -ENOMEM;
        text = r >= 0 ? memory_stream_take(&m) : NULL;
        if (!text)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = json_read(text, strlen(text), FIELDS_MAX, &all, failure);
        if (r >= 0)
                r = json_new(&some, failure);
        if (r < 0)
                return r;

        json_begin_array(some, NULL);
        JSON_FOREACH(object, json_root(all)) {
                json_begin_object(some, NULL);
                for (size_t i = 0; i < wanted.n_chosen; i++) {
                        const char *name = wanted.all[wanted.chosen[i]].name;
                        const JsonNode *member = json_member(object, name);

                        if (member)
                                json_put_node(some, name, member);
                        else
                                json_put_string(some, name, NULL);
                }
                json_end(some);
        }
        json_end(some);
        *ret = TAKE_PTR(some);
        return 0;
}

static int print_json(Ctl *c, const Json *j)
{
        _cleanup_json_ Json *some = NULL;
        Failure f = { 0 };

        if (c->options.columns && choose_fields(c, j, &some, &f) < 0)
                return log_error(f.error, "%s", f.text);
        if (json_print(some ?: j, stdout, output_json_indent(c->options.output)) < 0 && !terminal_stream_is_unread())
                return log_error(-EIO, "Failed to write the output: %m");
        return 0;
}

int print_each(Ctl *c, char *const *names, size_t n, int (*one)(Ctl *c, const char *name, Json *j, bool first))
{
        _cleanup_json_ Json *j = NULL;
        Failure f = { 0 };
        int r = 0, result = 0;

        /* machinectl has JSON for lists only, and ends with the first failure. */
        if (output_is_json(c->options.output) && !c->lite)
                r = json_new(&j, &f);
        else
                pager_open(c);
        if (r < 0)
                return log_error(r, "%s", f.text);
        if (j)
                json_begin_array(j, NULL);
        for (size_t i = 0; i < n; i++) {
                r = one(c, names[i], j, i == 0);
                result = exit_worse(result, r);
                if (c->lite && r < 0)
                        break;
        }
        return j ? exit_worse(result, print_json(c, j)) : result;
}
