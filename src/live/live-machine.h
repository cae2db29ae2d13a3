/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A running machine that is changed, and how each setting is changed. Runs in box-run --live, as root of the host, outside of the
 * machine: nothing of the payload runs with our privileges.
 */

#include "bus/bus.h"
#include "live/live-compare.h"
#include "payload/enter.h"
#include "payload/machine-state.h"
#include "plan/plan.h"
#include "util/json.h"

typedef struct LiveMachine {
        const char *name;
        MachineState state;
        Leader leader;
        char *payload;          /* its cgroup below the mount point: "/machine.slice/box@x.service/payload" */
        Settings *before, *after;       /* in force now, and once all changes that can be made are made */
        const Plan *plan;       /* of a start with the files' settings */
        const HostFacts *host;
        sd_bus *bus;            /* see live_machine_bus() */
} LiveMachine;
#define LIVE_MACHINE_NULL { .leader = LEADER_NULL }

/* Finds the machine's processes. -ENOENT: it does not run. */
int live_machine_open(const char *name, LiveMachine *ret, Failure *failure);
void live_machine_done(LiveMachine *m);

/* The system bus, opened at the first call. 0 or negative. */
int live_machine_bus(LiveMachine *m, Failure *failure);

/* Sets properties of the machine's unit, all or none; key is for the message. The bus is open. */
int live_machine_set_unit(LiveMachine *m, const char *key, const UnitProperty *const *properties, size_t n, Failure *failure);

/* The machine's namespace of this kind ("net"), if it is not ours. -EBADF: it is. */
int live_machine_open_namespace(const LiveMachine *m, const char *kind);

/* Has its supervisor kept the right to change the host's network? One that has started without links and ports has not. */
bool live_machine_may_network(const LiveMachine *m);

/* Calls a method of its supervisor on the control socket: call is of control_call_begin(), and is freed. -ENOTCONN: the answer is
 * lost, and it may have been done. */
int live_machine_call(const LiveMachine *m, const char *method, Json *call, const int *fds, size_t n_fds, Failure *failure);

/* What one call of an applier makes. */
typedef enum LiveExtent {
        LIVE_ONE,               /* one change */
        LIVE_SETTING,           /* all changes of the setting: `to` has its values */
        LIVE_ALL,               /* all changes of all settings that have the applier */
} LiveExtent;

/* How a setting is changed in a running machine. */
typedef struct LiveApplier {
        /* Why the change needs a restart; NULL: it can be made now. May look, and changes nothing. */
        const char *(*why_not)(LiveMachine *m, const LiveChange *c);
        /* Makes the change: the machine then is as with the settings `to`. Undone by the same call with before and after
         * exchanged. After a failure nothing has changed. */
        int (*apply)(LiveMachine *m, const LiveChange *c, Settings *to, Failure *failure);
        LiveExtent extent;
} LiveApplier;

/* live-tasks.c: CPUAffinity=, OOMScoreAdjust=. */
extern const LiveApplier live_cpu_affinity, live_oom_score;
/* live-mounts.c: Bind=, BindReadOnly=. */
extern const LiveApplier live_mounts;
/* live-links.c: VirtualEthernetExtra=, MACVLAN=, IPVLAN=, Interface=; VirtualEthernet=, Bridge=, Zone=. */
extern const LiveApplier live_links, live_veth;
/* live-ports.c: Port=. */
extern const LiveApplier live_ports;
/* live-resources.c: [X-Resources]. */
extern const LiveApplier live_resources;
