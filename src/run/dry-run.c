/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Runs that start nothing: --dry-run prints the plan, --check only problems, --live compares
 * (run/live-changes.c). Decides as for a start, from the same settings and facts, but locks and creates
 * nothing. box-run, as root or as any user that may read the tree.
 */

#include <stdio.h>

#include "run/check-start.h"
#include "run/dry-run-json.h"
#include "run/live-changes.h"
#include "run/report.h"
#include "run/stage.h"
#include "util/terminal-stream.h"

/* Makes the plan and collects problems. 1: there is a plan; 0: there is none. */
static int make_plan(Machine *m, Failure *failure)
{
        Failure own = {};
        int r;

        r = stage_image_preview(m, failure);
        if (r < 0)
                return r;
        if (!m->facts.valid)
                return 0;
        stage_ids_preview(m);
        r = stage_plan_decide(m, &m->request.problems);
        if (r < 0)
                return failure_set(failure, r, "Failed to decide the plan: %m");

        /* Only this checks names of system calls. */
        if (stage_plan_filter(m, &own) >= 0) {
                r = m->settings.check ? check_start(m, &m->request.problems) : 0;
                return r < 0 ? failure_set(failure, r, "Out of memory") : 1;
        }
        r = problem_error(&m->request.problems, (Source) {}, "%s", own.text);
        return r < 0 ? failure_set(failure, r, "Failed to decide the plan: %m") : 0;
}

static int print(Machine *m, bool planned, Failure *failure)
{
        bool good = planned && m->request.problems.n_fatal == 0;
        int r = terminal_streams_open();

        if (r < 0)
                return failure_set(failure, r, "Failed to print the plan: %m");
        if (m->settings.live)
                return machine_live(m, failure);
        if (m->settings.json)
                return dry_run_print_json(m, good, stdout, failure);
        if (m->settings.check || !good)
                return 0;
        r = plan_print(&m->plan, stdout);
        return r < 0 ? failure_set(failure, r, "Failed to print the plan: %m") : 0;
}

int machine_dry_run(Machine *m, Failure *failure)
{
        int r;

        r = make_plan(m, failure);
        if (r >= 0)
                r = print(m, r > 0, failure);
        stage_plan_down(m);
        stage_image_down(m);
        stage_bus_down(m);
        m->range = (IdRange) ID_RANGE_NULL;
        if (r < 0)
                return r;
        if (!m->settings.json && !m->settings.live)     /* which have the problems */
                report_all_problems(&m->request.problems);
        return m->request.problems.n_fatal > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
