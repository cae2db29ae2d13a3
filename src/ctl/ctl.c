/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions of all verbs (see verb.h): the connection to the bus, and messages about a machine. Part of boxctl, which has its
 * caller's rights. */

#include <string.h>

#include "bus/bus.h"
#include "ctl/exit-status.h"
#include "ctl/listing.h"
#include "ctl/terminal.h"
#include "ctl/verb.h"

sd_bus *ctl_bus(Ctl *c, Failure *failure)
{
        if (!c->bus && c->bus_failure.error == 0)
                (void) (c->options.machine ? bus_open_machine(c->options.machine, &c->bus, &c->bus_failure) :
                                             bus_open_system(&c->bus, &c->bus_failure));
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

int print_each(Ctl *c, char *const *names, size_t n, int (*one)(Ctl *c, const char *name, Json *j, bool first))
{
        _cleanup_json_ Json *j = NULL;
        Failure f = { 0 };
        int r = 0, result = 0;

        /* machinectl has JSON for lists only, and ends with the first failure. */
        if (objects_wanted(c))
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
        return j ? exit_worse(result, objects_print(c, j)) : result;
}
