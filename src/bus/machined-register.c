/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Registration with systemd-machined (see machined.h). The supervisor, as root. Sent early and awaited late: machined
 * takes as long to read /proc and to ask systemd for the unit as all mounts of a start take. RegisterMachineEx (systemd 259) has
 * the pidfd and the address of sshd, too, but where machined has it, it takes the registration by Varlink (since 257), which has
 * more: run/register-varlink.h. What comes here is for an older machined, or one whose Varlink socket has failed.
 */

#include <string.h>

#include "bus/machined-call.h"
#include "bus/machined.h"
#include "util/print.h"

struct PendingRegistration {
        sd_bus *bus;
        BusCall call;
        char *what;             /* "register machine 'x' with systemd-machined", for messages */
};

static int registration_message(sd_bus *bus, const MachineRegistration *reg, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_MACHINE1, BUS_MACHINE1_PATH, BUS_MACHINE1_MANAGER,
                                           reg->scope ? "CreateMachineWithNetwork" : "RegisterMachineWithNetwork");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", reg->name);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', reg->id, sizeof(reg->id));
        if (r >= 0)
                r = sd_bus_message_append(m, "ssus", reg->service, reg->class, (uint32_t) reg->leader, reg->root ?: "");
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'i', reg->ifindices, reg->n_ifindices * sizeof(int));
        if (r >= 0 && reg->scope)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0 && reg->scope)
                r = scope_append_properties(m, bus, reg->scope);
        if (r >= 0 && reg->scope)
                r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

int machined_register_start(sd_bus *bus, const BusWait *wait, const MachineRegistration *reg, PendingRegistration **ret,
                            Failure *failure)
{
        _cleanup_(pending_registration_freep) PendingRegistration *p = calloc(1, sizeof(PendingRegistration));
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        if (!p || strf(&p->what, "register machine '%s' with systemd-machined", reg->name) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        p->bus = sd_bus_ref(bus);

        /* Nothing is queued before the connection stands: it could still be sent at the end of a start that failed. */
        r = bus_flush(bus, wait);
        if (r >= 0)
                r = registration_message(bus, reg, &m);
        if (r >= 0)
                r = bus_call_send(bus, m, bus_start_usec(bus), &p->call);
        if (r >= 0)
                r = bus_flush(bus, wait);
        if (r < 0)
                return failure_set(failure, r, "Failed to %s: %m", p->what);

        *ret = TAKE_PTR(p);
        return 0;
}

int machined_register_finish(PendingRegistration *p, const BusWait *wait, uint64_t usec, Failure *failure)
{
        const sd_bus_error *error;
        int r;

        r = bus_wait(p->bus, wait, &p->call.done, usec);
        if (r < 0)
                return failure_set(failure, r, "Failed to %s: %m", p->what);
        error = bus_call_error(&p->call);
        return error ? machined_failure(failure, -sd_bus_message_get_errno(p->call.reply), error, p->what) : 0;
}

PendingRegistration *pending_registration_free(PendingRegistration *p)
{
        if (!p)
                return NULL;

        bus_call_done(&p->call);
        sd_bus_unref(p->bus);
        free(p->what);
        free(p);
        return NULL;
}
