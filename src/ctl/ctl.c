/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions of all verbs (see verb.h): the connection to the bus, and messages about a machine. Part of boxctl, which has its
 * caller's rights. */

#include "bus/bus.h"
#include "ctl/verb.h"

sd_bus *ctl_bus(Ctl *c, Failure *failure)
{
        if (!c->bus && c->bus_failure.error == 0)
                (void) bus_open_system(&c->bus, &c->bus_failure);
        if (!c->bus)
                failure_set(failure, c->bus_failure.error, "%s", c->bus_failure.text);
        else
                (void) sd_bus_set_allow_interactive_authorization(c->bus, !c->options.no_ask_password);
        return c->bus;
}

int complain(const char *name, const Failure *f)
{
        return log_error(f->error, "%s: %s", name, f->text);
}

int each_name(Ctl *c, char *const *names, size_t n, int (*one)(Ctl *c, const char *name, Failure *failure))
{
        int r, first = 0;

        for (size_t i = 0; i < n; i++) {
                Failure f = { 0 };

                r = one(c, names[i], &f);
                if (r < 0) {
                        (void) complain(names[i], &f);
                        first = first < 0 ? first : r;
                }
        }
        return first;
}
