/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The stages of a start. After a failed start, down is called for each stage whose up was called, the failed one included: it
 * undoes as much as was done.
 */

#include "run/machine.h"
#include "run/sync.h"

/* A directory for each machine: /run/host/incoming. */
#define MACHINE_INCOMING_DIR "/run/systemd/nspawn/propagate"

typedef struct Stage {
        const char *name;
        int (*up)(Machine *m, Failure *failure);
        void (*down)(Machine *m);
} Stage;

/* run/stage-plan.c: locks and decisions; changes nothing else. stage_image_*: run/stage-image.c. The previews are for a dry run:
 * read-only, problems go to m->request.problems, and the ids are those that would be tried first. */
int stage_lock_up(Machine *m, Failure *failure);
void stage_lock_down(Machine *m);
int stage_name_up(Machine *m, Failure *failure);
void stage_name_down(Machine *m);
int stage_directory_up(Machine *m, Failure *failure);
void stage_directory_down(Machine *m);
int stage_image_up(Machine *m, Failure *failure);
void stage_image_down(Machine *m);
int stage_image_preview(Machine *m, Failure *failure);
int stage_ids_up(Machine *m, Failure *failure);
void stage_ids_down(Machine *m);
/* For --check: does another program have the tree? */
int stage_lock_check(const Machine *m, Problems *problems);
void stage_ids_preview(Machine *m);
int stage_plan_decide(Machine *m, Problems *problems);  /* makes m->plan and checks it against the host; -ENOMEM */
int stage_plan_filter(Machine *m, Failure *failure);    /* makes m->seccomp */
int stage_plan_up(Machine *m, Failure *failure);
void stage_plan_down(Machine *m);

/* run/stage-populate.c: copies the template. */
int stage_populate_up(Machine *m, Failure *failure);
void stage_populate_down(Machine *m);

/* run/stage-scratch.c: the host's directories of the machine's mounts. */
int stage_scratch_up(Machine *m, Failure *failure);
void stage_scratch_down(Machine *m);

/* run/stage-clone.c: cgroup and child. stage_child_wait() runs the loop until the child has sent this kind of message.
 * stage_child_failure() returns r; if it is -EPIPE (the child has closed the channel), with a text. */
int stage_cgroup_up(Machine *m, Failure *failure);
void stage_cgroup_down(Machine *m);
int stage_clone_up(Machine *m, Failure *failure);
void stage_clone_down(Machine *m);
int stage_child_wait(Machine *m, SyncKind kind, Failure *failure);
int stage_child_failure(const Machine *m, int r, Failure *failure);

/* run/stage-network.c. Waits for the child's namespaces. */
int stage_network_up(Machine *m, Failure *failure);
void stage_network_down(Machine *m);
int stage_ports_up(Machine *m, Failure *failure);
void stage_ports_down(Machine *m);

/* run/stage-register.c: registration with machined, or a scope of systemd's. */
int stage_bus_up(Machine *m, Failure *failure);
void stage_bus_down(Machine *m);
int stage_register_begin_up(Machine *m, Failure *failure);
void stage_register_begin_down(Machine *m);
int stage_register_wait_up(Machine *m, Failure *failure);

/* run/stage-resources.c: properties of the machine's unit. stage_resources_ask() asks systemd for the types of those that are not
 * in the table, before the plan is made. resources_failure() records why a scope was refused. */
int stage_resources_ask(Machine *m, Problems *problems);
int stage_resources_check(Machine *m, Problems *problems);      /* for --check: those that systemd would refuse */
int stage_resources_up(Machine *m, Failure *failure);
void stage_resources_down(Machine *m);
int stage_resources_wait_up(Machine *m, Failure *failure);
int stage_resources_restrict_devices(Machine *m, Failure *failure);    /* once the payload's cgroup is there */
int resources_failure(const Machine *m, const Failure *why, Failure *failure);

/* run/stage-mounts.c: the mounts that need no namespace of the child's but its user namespace; then all others. */
int stage_mounts_begin_up(Machine *m, Failure *failure);
int stage_mounts_up(Machine *m, Failure *failure);
void stage_mounts_down(Machine *m);

/* The context in which a start and a check make mounts. No namespace is open in it; tree_fd stays the caller's. */
MountMakeContext stage_mounts_context(const Machine *m, int tree_fd);

/* run/stage-export.c */
int stage_export_up(Machine *m, Failure *failure);
void stage_export_down(Machine *m);

/* run/stage-execute.c. stage_finish_up() has the child do its last steps, but for those that confine it, meanwhile. */
int stage_finish_up(Machine *m, Failure *failure);
int stage_execute_up(Machine *m, Failure *failure);
void stage_execute_down(Machine *m);
