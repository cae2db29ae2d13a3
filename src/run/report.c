/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages about a start that failed (see report.h). The supervisor; no privilege. */

#include <inttypes.h>
#include <time.h>

#include "run/report.h"
#include "util/clock.h"
#include "util/libsystemd.h"
#include "util/log.h"

int report_problems(const Problems *p, Failure *failure)
{
        for (size_t i = 0; i < p->n; i++)
                if (p->items[i].fatal && failure->error == 0)
                        (void) failure_set(failure, -EINVAL, "%s", p->items[i].text);
                else
                        log_full(p->items[i].fatal ? LOG_ERR : LOG_WARNING, 0, "%s", p->items[i].text);
        return p->n_fatal > 0 ? failure->error : 0;
}

void report_all_problems(const Problems *p)
{
        for (size_t i = 0; i < p->n; i++)
                log_full(p->items[i].fatal ? LOG_ERR : LOG_WARNING, 0, "%s", p->items[i].text);
}

void report_failure(const Failure *failure)
{
        log_error(failure->error, "%s", failure->text);
        (void) sd_notifyf(/* unset_environment= */ 0, "STATUS=%s\nERRNO=%i", failure->text, -failure->error);
}

void report_progress(uint64_t *sent_usec)
{
        uint64_t now = clock_usec(CLOCK_MONOTONIC);

        if (*sent_usec > 0 && now - *sent_usec < REPORT_PAUSE_USEC)
                return;
        *sent_usec = now;
        (void) sd_notifyf(/* unset_environment= */ 0, "EXTEND_TIMEOUT_USEC=%" PRIu64, REPORT_EXTEND_USEC);
}
