/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The registration with systemd-machined (see machined.h). The supervisor's, as root. It is sent early and awaited
 * late: machined reads /proc and asks systemd for the unit, which takes as long as all of our mounts.
 *
 * A machine started by hand gets a scope of its own. Its Controller is us, so that stopping the scope is a RequestStop
 * signal to the supervisor (systemd1_on_request_stop()), which takes the payload down in its init's own way.
 */

#include <string.h>
#include <time.h>

#include "bus/machined-call.h"
#include "bus/machined.h"
#include "bus/unit-property.h"
#include "util/print.h"

struct PendingRegistration {
        sd_bus *bus;
        sd_bus_slot *slot;
        char *what;             /* "register machine 'x' with systemd-machined", for messages */
        bool done;
        int result;
        Failure failure;
};

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *reterr_error)
{
        PendingRegistration *p = userdata;
        const sd_bus_error *error = sd_bus_message_get_error(m);

        p->done = true;
        if (error)
                p->result = machined_failure(&p->failure, -sd_bus_message_get_errno(m), error, p->what);
        return 0;
}

static int append_scope_properties(sd_bus_message *m, sd_bus *bus, const MachineRegistration *reg)
{
        const char *unique;
        int r;

        r = sd_bus_get_unique_name(bus, &unique);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)",
                                  "Controller", "s", unique,
                                  "KillMode", "s", "mixed",
                                  "DevicePolicy", "s", "closed",
                                  "DeviceAllow", "a(ss)", 3, "/dev/net/tun", "rwm", "/dev/fuse", "rwm",
                                  "char-pts", "rw");
        if (r < 0)
                return r;
        if (reg->slice) {
                r = sd_bus_message_append(m, "(sv)", "Slice", "s", reg->slice);
                if (r < 0)
                        return r;
        }
        if (reg->kill_signal > 0) {
                r = sd_bus_message_append(m, "(sv)", "KillSignal", "i", (int32_t) reg->kill_signal);
                if (r < 0)
                        return r;
        }
        if (reg->stop_timeout_usec > 0) {
                r = sd_bus_message_append(m, "(sv)", "TimeoutStopUSec", "t", reg->stop_timeout_usec);
                if (r < 0)
                        return r;
        }
        r = unit_property_append_all(m, reg->properties, reg->n_properties);
        if (r < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int registration_message(sd_bus *bus, const MachineRegistration *reg, sd_bus_message **ret)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, BUS_MACHINE1, BUS_MACHINE1_PATH, BUS_MACHINE1_MANAGER,
                                           reg->create_scope ? "CreateMachineWithNetwork" :
                                                               "RegisterMachineWithNetwork");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", reg->name);
        if (r < 0)
                return r;
        r = sd_bus_message_append_array(m, 'y', reg->id, sizeof(reg->id));
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ssus", reg->service, reg->class, (uint32_t) reg->leader, reg->root ?: "");
        if (r < 0)
                return r;
        r = sd_bus_message_append_array(m, 'i', reg->ifindices, reg->n_ifindices * sizeof(int));
        if (r < 0)
                return r;
        if (reg->create_scope) {
                r = append_scope_properties(m, bus, reg);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(m);
        return 0;
}

int machined_register_start(sd_bus *bus, const MachineRegistration *reg, PendingRegistration **ret, Failure *failure)
{
        _cleanup_(pending_registration_freep) PendingRegistration *p = NULL;
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        p = calloc(1, sizeof(PendingRegistration));
        if (!p)
                return failure_set(failure, -ENOMEM, "Out of memory");
        if (strf(&p->what, "register machine '%s' with systemd-machined", reg->name) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        p->bus = sd_bus_ref(bus);

        r = registration_message(bus, reg, &m);
        if (r >= 0)
                r = sd_bus_call_async(bus, &p->slot, m, on_reply, p, 0);
        /* On a connection this young the message may only be queued. */
        if (r >= 0)
                r = sd_bus_flush(bus);
        if (r < 0)
                return failure_set(failure, r, "Failed to %s: %m", p->what);

        *ret = TAKE_PTR(p);
        return 0;
}

static uint64_t now_usec(void)
{
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

/* The reply, or sd-bus's own time-out error, or -ETIMEDOUT. */
static int await_reply(PendingRegistration *p, uint64_t timeout_usec)
{
        uint64_t start = now_usec();
        int r;

        while (!p->done) {
                uint64_t left = UINT64_MAX;

                r = sd_bus_process(p->bus, NULL);
                if (r < 0)
                        return r;
                /* A time-out is told to on_reply() without being counted as something done. */
                if (r > 0 || p->done)
                        continue;

                if (timeout_usec != UINT64_MAX) {
                        uint64_t passed = now_usec() - start;

                        if (passed >= timeout_usec)
                                return -ETIMEDOUT;
                        left = timeout_usec - passed;
                }
                r = sd_bus_wait(p->bus, left);
                if (r < 0 && r != -EINTR)
                        return r;
        }

        return 0;
}

int machined_register_finish(PendingRegistration *pending, uint64_t timeout_usec, Failure *failure)
{
        _cleanup_(pending_registration_freep) PendingRegistration *p = pending;
        int r;

        r = await_reply(p, timeout_usec);
        if (r < 0)
                return failure_set(failure, r, "Failed to %s: %m", p->what);
        if (p->result < 0)
                return failure_set(failure, p->result, "%s", p->failure.text);
        return 0;
}

PendingRegistration *pending_registration_free(PendingRegistration *p)
{
        if (!p)
                return NULL;

        sd_bus_slot_unref(p->slot);
        sd_bus_unref(p->bus);
        free(p->what);
        free(p);
        return NULL;
}
