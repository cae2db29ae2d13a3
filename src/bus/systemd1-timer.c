/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transient timers (see systemd1-timer.h). boxctl, as root. Silent. */

#include "bus/systemd1-timer.h"
#include "bus/unit-run.h"
#include "util/print.h"

/* The unit that the timer starts. */
static int append_service(sd_bus_message *m, const char *service, const char *const *argv)
{
        int r;

        r = sd_bus_message_open_container(m, 'a', "(sa(sv))");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'r', "sa(sv)");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", service);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)", "Type", "s", "oneshot", "CollectMode", "s", "inactive-or-failed");
        if (r >= 0)
                r = unit_command_append(m, argv[0], argv);
        for (unsigned i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int make_call(sd_bus *bus, const char *name, uint64_t usec, const char *const *argv, sd_bus_message **ret)
{
        _cleanup_free_ char *timer = NULL, *service = NULL;
        _cleanup_message_ sd_bus_message *m = NULL;
        int r;

        if (strf(&timer, "%s.timer", name) < 0 || strf(&service, "%s.service", name) < 0)
                return -ENOMEM;
        r = sd_bus_message_new_method_call(bus, &m, BUS_SYSTEMD1, BUS_SYSTEMD1_PATH, BUS_SYSTEMD1_MANAGER, "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "ssa(sv)", timer, "fail", 4,
                                          "TimersMonotonic", "a(st)", 1, "OnActiveSec", usec,
                                          "AccuracyUSec", "t", UINT64_C(1000000),
                                          "RemainAfterElapse", "b", false,
                                          "CollectMode", "s", "inactive-or-failed");
        if (r >= 0)
                r = append_service(m, service, argv);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

int systemd1_start_timer(sd_bus *bus, const char *name, uint64_t usec, const char *const *argv, Failure *failure)
{
        _cleanup_message_ sd_bus_message *m = NULL;
        _cleanup_bus_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = make_call(bus, name, usec, argv, &m);

        if (r >= 0)
                r = sd_bus_call(bus, m, 0, &error, NULL);
        return r < 0 ? bus_failure(failure, r, &error, "start a timer") : 0;
}
