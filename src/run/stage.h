/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The steps of a start. Each up either does all of its work or says in *failure why not; what it made by then is undone by
 * its own down, which is called for every stage whose up was called and copes with any part of it missing.
 */

#include "run/machine.h"
#include "run/sync.h"

typedef struct Stage {
        const char *name;
        int (*up)(Machine *m, Failure *failure);
        void (*down)(Machine *m);
} Stage;

/* run/stage-plan.c: nothing is changed but locks are taken. */
int stage_lock_up(Machine *m, Failure *failure);
void stage_lock_down(Machine *m);
int stage_name_up(Machine *m, Failure *failure);        /* what is called after the machine is this one's from here on */
void stage_name_down(Machine *m);
int stage_image_up(Machine *m, Failure *failure);       /* run/stage-image.c */
void stage_image_down(Machine *m);
int stage_image_preview(Machine *m, Failure *failure);  /* for a dry run: read-only, what is wrong to m->problems */
int stage_ids_up(Machine *m, Failure *failure);
void stage_ids_down(Machine *m);
void stage_ids_preview(Machine *m);     /* for a dry run: the range that would be asked for first */
int stage_plan_decide(Machine *m, Problems *problems);  /* the plan, checked against the host; -ENOMEM */
int stage_plan_filter(Machine *m, Failure *failure);    /* the system call filter that it asks for */
int stage_plan_up(Machine *m, Failure *failure);
void stage_plan_down(Machine *m);

/* run/stage-populate.c: the tree as a copy of its template. */
int stage_populate_up(Machine *m, Failure *failure);
void stage_populate_down(Machine *m);

/* run/stage-scratch.c: directories for the machine's life. */
int stage_scratch_up(Machine *m, Failure *failure);
void stage_scratch_down(Machine *m);

/* run/stage-clone.c: cgroup, child. */
int stage_cgroup_up(Machine *m, Failure *failure);
void stage_cgroup_down(Machine *m);
int stage_clone_up(Machine *m, Failure *failure);
void stage_clone_down(Machine *m);

/* run/stage-network.c */
int stage_network_up(Machine *m, Failure *failure);
void stage_network_down(Machine *m);
int stage_ports_up(Machine *m, Failure *failure);
void stage_ports_down(Machine *m);

/* run/stage-register.c: machined, or a scope of our own. */
int stage_bus_up(Machine *m, Failure *failure);
void stage_bus_down(Machine *m);
int stage_announce_up(Machine *m, Failure *failure);
void stage_announce_down(Machine *m);
int stage_register_up(Machine *m, Failure *failure);

/* run/stage-resources.c: what systemd is told of the unit. */
int stage_resources_up(Machine *m, Failure *failure);
void stage_resources_down(Machine *m);
int stage_resources_settle_up(Machine *m, Failure *failure);
int resources_refused(const Machine *m, const Failure *why, Failure *failure);

/* run/stage-mounts.c */
int stage_mounts_up(Machine *m, Failure *failure);
void stage_mounts_down(Machine *m);

/* run/stage-export.c */
int stage_export_up(Machine *m, Failure *failure);
void stage_export_down(Machine *m);


/* run/stage-clone.c: waits for the child's message of this kind, in the loop. An end of the channel is the child's own:
 * stage_child_gone() words it. */
int stage_child_wait(Machine *m, SyncKind kind, Failure *failure);
int stage_child_gone(const Machine *m, int r, Failure *failure);

/* run/stage-execute.c */
int stage_execute_up(Machine *m, Failure *failure);
void stage_execute_down(Machine *m);
