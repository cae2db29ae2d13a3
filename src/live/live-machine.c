/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The handles of a running machine (see live-machine.h). box-run --live, as root. Silent. */

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bus/unit-change.h"
#include "control/client.h"
#include "live/live-machine.h"
#include "payload/cgroup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/print.h"

#define ANSWER_USEC (30 * USEC_PER_SEC)

static int find_payload(LiveMachine *m, Failure *failure)
{
        _cleanup_free_ char *own = NULL, *unit = NULL;
        int r;

        r = cgroup_of_pid(m->state.supervisor, &own, failure);
        if (r >= 0)
                r = cgroup_unit_path(own, &unit);
        if (r >= 0)
                r = strf(&m->payload, "%s/payload", unit);
        return r < 0 ? failure_set(failure, r, "Failed to find the control group of machine '%s': %m", m->name) : 0;
}

int live_machine_open(const char *name, LiveMachine *m, Failure *failure)
{
        int r;

        m->name = name;
        r = machine_state_read(NULL, name, &m->state);
        if (r < 0)
                return failure_set(failure, r, r == -ENOENT ? "Machine '%s' does not run" :
                                                              "Failed to read the state of machine '%s': %m", name);
        r = leader_open(m->state.leader, &m->leader, failure);
        return r < 0 ? r : find_payload(m, failure);
}

void live_machine_done(LiveMachine *m)
{
        m->bus = sd_bus_flush_close_unref(m->bus);
        leader_done(&m->leader);
        machine_state_done(&m->state);
        free(m->payload);
}

int live_machine_bus(LiveMachine *m, Failure *failure)
{
        return m->bus ? 0 : bus_open_system(&m->bus, failure);
}

int live_machine_set_unit(LiveMachine *m, const char *key, const UnitProperty *const *properties, size_t n, Failure *failure)
{
        UnitChange *change = NULL;
        Failure undo = { 0 };
        int r;

        r = unit_change_new(m->bus, m->state.unit, properties, n, &change, failure);
        if (r < 0)
                return r;
        r = unit_change_send(change, NULL, failure);
        if (r >= 0)
                r = unit_change_finish(change, NULL, failure);
        for (size_t i = 0; r >= 0 && i < n; i++)
                if (unit_change_refusal(change, i))
                        r = failure_set(failure, -EINVAL, "%s=: systemd refuses it for %s: %s", key, m->state.unit,
                                        unit_change_refusal(change, i));
        if (r < 0)
                (void) unit_change_undo(change, m->bus, NULL, &undo);
        unit_change_free(change);
        return r;
}

int live_machine_open_namespace(const LiveMachine *m, const char *kind)
{
        struct stat its, ours;
        char path[64], own[64];

        (void) snprintf(path, sizeof(path), "/proc/%d/ns/%s", m->leader.pid, kind);
        (void) snprintf(own, sizeof(own), "/proc/self/ns/%s", kind);
        if (stat(path, &its) < 0 || stat(own, &ours) < 0)
                return -errno;
        return its.st_ino == ours.st_ino ? -EBADF : RET_ERRNO(open(path, O_RDONLY | O_CLOEXEC));
}

bool live_machine_may_network(const LiveMachine *m)
{
        static const char key[] = "\nCapEff:\t";
        _cleanup_free_ char *status = NULL;
        char path[64];
        const char *found;

        (void) snprintf(path, sizeof(path), "/proc/%d/status", m->state.supervisor);
        if (fd_read_file_at(AT_FDCWD, path, 16 * 1024, &status, NULL) < 0)
                return false;
        found = strstr(status, key);
        return found && strtoull(found + strlen(key), NULL, 16) >> CAP_NET_ADMIN & 1;
}

int live_machine_call(const LiveMachine *m, const char *method, Json *call, const int *fds, size_t n_fds, Failure *failure)
{
        _cleanup_client_ ControlClient *client = NULL;
        _cleanup_reply_ ControlReply reply = { 0 };
        _cleanup_free_ char *path = NULL;
        int r;

        r = machine_state_path(NULL, m->name, "control", &path);
        if (r >= 0)
                r = control_client_open(path, &client);
        if (r < 0) {
                (void) json_free(call);
                return failure_set(failure, r, "Failed to connect to the control socket of machine '%s': %m", m->name);
        }
        r = control_client_send(client, call, fds, n_fds, ANSWER_USEC);
        if (r >= 0)
                r = control_client_receive(client, ANSWER_USEC, &reply);
        if (r < 0) {
                (void) failure_set(failure, r, "The control socket of machine '%s' does not answer: %m", m->name);
                return -ENOTCONN;
        }
        return reply.error ? control_reply_failed(&reply, method, failure) : 0;
}
