/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The service manager over D-Bus: one function a method. */

#include <systemd/sd-bus.h>
#include <sys/types.h>

#include "util/failure.h"

/* Starts, stops, restarts … a unit ("StartUnit", "StopUnit", "RestartUnit") and waits for the job. 0 when it was "done";
 * -EIO with *ret_result ("failed", "timeout", "dependency", …; to be freed) otherwise. The subscription to JobRemoved
 * is made before the call, so no job is missed. Several units at once: all jobs are sent first, then awaited. */
typedef struct UnitJob {
        const char *unit;
        char *result;           /* "done", "failed", …; NULL while unknown or where the call itself failed */
        Failure failure;        /* of the call */
} UnitJob;
int systemd1_unit_jobs(sd_bus *bus, const char *method, UnitJob *jobs, size_t n, Failure *failure);
void unit_jobs_done(UnitJob *jobs, size_t n);

int systemd1_unit_object(sd_bus *bus, const char *unit, char **ret, Failure *failure);

/* What a status page shows, and why a unit failed. Unit states as systemctl words them. */
typedef struct UnitInfo {
        char *id, *description, *load_state, *active_state, *sub_state, *result, *status_text, *unit_file_state;
        char *control_group;
        uint32_t main_pid;
        int32_t exec_main_code, exec_main_status, status_errno;
        uint64_t active_enter_usec;
        uint64_t memory_current, cpu_usage_nsec, tasks_current, tasks_max;  /* UINT64_MAX: not known */
} UnitInfo;
int systemd1_unit_info(sd_bus *bus, const char *unit, UnitInfo *ret, Failure *failure);
void unit_info_done(UnitInfo *u);

/* Enables or disables unit files and reloads; *ret_changes are lines like systemctl's ("Created symlink A → B."). */
int systemd1_enable(sd_bus *bus, char *const *units, bool enable, char ***ret_changes, Failure *failure);

int systemd1_kill_unit(sd_bus *bus, const char *unit, const char *whom, int sig, Failure *failure);

/* Starts a transient scope that holds pid (Delegate=yes), where there is no machined to do it. *ret_unit its name. */
int systemd1_start_scope(sd_bus *bus, const char *machine, pid_t pid, const char *slice, int kill_signal,
                         char **ret_unit, Failure *failure);
