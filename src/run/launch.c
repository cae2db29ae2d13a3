/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The start of a machine as a list of stages (run/stage.h), and its end as the same list backwards. The supervisor, as root
 * of the host. The messages between supervisor and child: run/sync.h.
 */

#include <stdlib.h>
#include <string.h>

#include "run/stage.h"
#include "run/steps.h"
#include "util/clock.h"
#include "util/log.h"

static const Stage stages[] = {
        { "lock", stage_lock_up, stage_lock_down },
        { "name", stage_name_up, stage_name_down },
        { "directory", stage_directory_up, stage_directory_down },
        { "bus", stage_bus_up, stage_bus_down },
        { "image", stage_image_up, stage_image_down },
        { "ids", stage_ids_up, stage_ids_down },
        { "plan", stage_plan_up, stage_plan_down },
        { "populate", stage_populate_up, stage_populate_down },
        { "scratch", stage_scratch_up, stage_scratch_down },
        { "cgroup", stage_cgroup_up, stage_cgroup_down },
        { "resources", stage_resources_up, stage_resources_down },      /* sent … */
        { "clone", stage_clone_up, stage_clone_down },
        { "mounts-begin", stage_mounts_begin_up, stage_mounts_down },   /* while the child creates namespaces */
        { "network", stage_network_up, stage_network_down },
        { "ports", stage_ports_up, stage_ports_down },
        { "register-begin", stage_register_begin_up, stage_register_begin_down },       /* sent … */
        { "mounts", stage_mounts_up, NULL },
        { "resources-wait", stage_resources_wait_up, NULL },            /* … and answered */
        { "register-wait", stage_register_wait_up, NULL },              /* … and answered */
        { "finish", stage_finish_up, NULL },                            /* the child; meanwhile … */
        { "export", stage_export_up, stage_export_down },
        { "execute", stage_execute_up, stage_execute_down },
};

static void down_from(Machine *m, size_t n)
{
        while (n-- > 0)
                if (stages[n].down) {
                        log_debug(0, "Undoing stage '%s'", stages[n].name);
                        stages[n].down(m);
                }
}

static bool never(void *userdata)
{
        return false;
}

/* For tests, in a build with test-pause: waits in the stage that $BOX_TEST_PAUSE names until a stop is requested. */
static int pause_in(Machine *m, const char *stage)
{
        const char *wanted = BOX_TEST_PAUSE ? getenv("BOX_TEST_PAUSE") : NULL;

        if (!wanted || strcmp(wanted, stage) != 0)
                return 0;
        log_notice(0, "Paused in stage '%s'", stage);
        return loop_wait(&m->loop, never, NULL, UINT64_MAX);
}

int machine_up(Machine *m, Failure *failure)
{
        int r = 0;

        m->loop.cancellable = true;
        steps_begin(&m->steps, m->name);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(stages); i++) {
                uint64_t begin = clock_usec(CLOCK_MONOTONIC);

                log_debug(0, "Running stage '%s'", stages[i].name);
                r = loop_is_cancelled(&m->loop) ? -ECANCELED : stages[i].up(m, failure);
                steps_add(&m->steps, stages[i].name, begin, clock_usec(CLOCK_MONOTONIC));
                if (r >= 0)
                        r = pause_in(m, stages[i].name);
                if (r >= 0)
                        continue;

                if (loop_is_cancelled(&m->loop)) {
                        *failure = (Failure) {};
                        r = failure_set(failure, -ECANCELED, "The start of machine '%s' was cancelled", m->name);
                }
                (void) failure_set(failure, r, "Failed to start machine '%s', at its stage '%s': %m", m->name, stages[i].name);
                m->loop.cancellable = false;
                steps_write_failed(&m->steps, m->name, failure);
                down_from(m, i + 1);
        }

        m->loop.cancellable = false;
        if (r >= 0)
                steps_write(&m->steps, m->name);
        return r;
}

void machine_down(Machine *m)
{
        down_from(m, ARRAY_SIZE(stages));
}
