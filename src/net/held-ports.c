/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Locks of the host's ports (see held-ports.h). The supervisor, as root. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "net/held-ports.h"
#include "util/fd.h"
#include "util/text.h"

const char *held_ports_protocol(const PortSetting *p)
{
        return p->udp ? "udp" : "tcp";
}

static int port_failed(const PortSetting *p, int error, const char *why, Failure *failure)
{
        return failure_set_at(failure, p->from, error, "Port=%s:%u: %s", held_ports_protocol(p), p->host_port, why);
}

static int refuse_port(const PortSetting *p, const char *path, Failure *failure)
{
        _cleanup_free_ char *holder = NULL;
        char why[160];

        if (fd_read_file_at(AT_FDCWD, path, 128, &holder, NULL) < 0 || !*holder)
                return port_failed(p, -EBUSY, "the host's port belongs to another machine", failure);
        text_make_printable(holder);
        (void) snprintf(why, sizeof(why), "the host's port belongs to machine %s", holder);
        return port_failed(p, -EBUSY, why, failure);
}

static int take_port(const char *lock_dir, const char *machine, HeldPort *held, Failure *failure)
{
        const PortSetting *p = &held->port;
        char path[256], why[128];
        int r;

        (void) snprintf(path, sizeof(path), "%s/%s-%u", lock_dir, held_ports_protocol(p), p->host_port);
        r = lock_file_take(path, 0, &held->lock);
        if (r == -EBUSY)
                return refuse_port(p, path, failure);
        if (r >= 0)
                r = lock_file_write_holder(&held->lock, machine);
        if (r < 0) {
                (void) snprintf(why, sizeof(why), "Failed to lock the port: %s", strerror(-r));
                return port_failed(p, r, why, failure);
        }
        return 0;
}

static HeldPort *find_held(const HeldPorts *l, const PortSetting *p)
{
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].port.udp == p->udp && l->items[i].port.host_port == p->host_port)
                        return &l->items[i];
        return NULL;
}

int held_ports_take(const char *lock_dir, const char *machine, const PortSetting *ports, size_t n, const HeldPorts *old,
                    HeldPorts *ret, Failure *failure)
{
        int r = 0;

        ret->items = calloc(n + 1, sizeof(*ret->items));
        if (!ret->items)
                return failure_set(failure, -ENOMEM, "Failed to lock ports: %m");
        for (; r >= 0 && ret->n < n; ret->n++) {
                const HeldPort *own = find_held(old, &ports[ret->n]);
                HeldPort *held = &ret->items[ret->n];

                *held = (HeldPort) { .port = ports[ret->n], .lock = LOCK_FILE_NULL };
                if (own)
                        held->lock = own->lock;
                else
                        r = take_port(lock_dir, machine, held, failure);
        }
        return r;
}

void held_ports_release(HeldPorts *l, const HeldPorts *others)
{
        for (size_t i = 0; i < l->n; i++)
                if (!others || !find_held(others, &l->items[i].port))
                        lock_file_release(&l->items[i].lock);
        free(TAKE_PTR(l->items));
        l->n = 0;
}
