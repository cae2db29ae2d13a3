/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Waiting for a machine name to become free (see name-watch.h). The supervisor; no privilege. Silent. */

#include <stdio.h>

#include "bus/name-watch.h"
#include "util/clock.h"

struct NameWatch {
        sd_bus *bus;
        sd_bus_slot *machine, *unit;
        uint64_t end;
        bool removed;
};

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        NameWatch *w = userdata;

        w->removed = true;
        return 0;
}

/* A failure to install the match is ignored: the wait times out. */
static int on_installed(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        return 0;
}

int name_watch_new(sd_bus *bus, const char *machine, uint64_t usec, NameWatch **ret)
{
        _cleanup_(name_watch_freep) NameWatch *w = calloc(1, sizeof(NameWatch));
        char match[512];
        int r;

        if (!w)
                return -ENOMEM;
        w->bus = sd_bus_ref(bus);
        w->end = clock_usec(CLOCK_MONOTONIC) + usec;
        (void) snprintf(match, sizeof(match), "type='signal',sender='" BUS_MACHINE1 "',path='" BUS_MACHINE1_PATH "',interface='"
                        BUS_MACHINE1_MANAGER "',member='MachineRemoved',arg0='%s'", machine);
        r = sd_bus_add_match_async(bus, &w->machine, match, on_removed, on_installed, w);
        if (r >= 0)
                r = sd_bus_match_signal_async(bus, &w->unit, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER,
                                              "UnitRemoved", on_removed, on_installed, w);
        /* systemd sends this signal to subscribers only. */
        if (r >= 0)
                r = sd_bus_call_method_async(bus, NULL, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "Subscribe",
                                             NULL, NULL, NULL);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(w);
        return 0;
}

NameWatch *name_watch_free(NameWatch *w)
{
        if (!w)
                return NULL;

        sd_bus_slot_unref(w->machine);
        sd_bus_slot_unref(w->unit);
        sd_bus_unref(w->bus);
        free(w);
        return NULL;
}

int name_watch_wait(NameWatch *w, const BusWait *wait)
{
        uint64_t now = clock_usec(CLOCK_MONOTONIC);
        int r = bus_wait(w->bus, wait, &w->removed, now < w->end ? w->end - now : 0);

        w->removed = false;
        return r;
}
