/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The service manager over D-Bus: one function a method. */

#include <sys/types.h>

#include "bus/bus.h"
#include "util/failure.h"
#include "util/libsystemd.h"

typedef enum UnitJobFlags {
        UNIT_JOBS_NO_WAIT = 1 << 0,     /* the jobs are only queued; results stay NULL */
} UnitJobFlags;

typedef struct UnitJob {
        const char *unit;
        char *path;             /* of the job; internal */
        char *result;           /* "done", "failed", "timeout", "dependency", …; NULL: unknown, or the call failed */
        Failure failure;        /* of the call */
} UnitJob;

/* Calls "StartUnit", "StopUnit", "RestartUnit" … for all units, then waits for all jobs. 0 also if jobs or calls fail: see the
 * rows. Negative: an error of the connection. */
int systemd1_unit_jobs(sd_bus *bus, const char *method, unsigned flags, UnitJob *jobs, size_t n, Failure *failure);
void unit_jobs_done(UnitJob *jobs, size_t n);

/* Loads the unit if needed. A unit without a file has an object, too. */
int systemd1_unit_object(sd_bus *bus, const char *unit, char **ret, Failure *failure);

/* The state of a unit, and why it failed, by systemd's names. Strings are never NULL. */
typedef struct UnitInfo {
        char *id, *description, *load_state, *active_state, *sub_state, *result, *status_text, *unit_file_state;
        char *control_group;
        uint8_t invocation_id[16];
        uint32_t main_pid;
        uint32_t job;                   /* queued or running; 0: none */
        int32_t exec_main_code, exec_main_status, status_errno;
        uint64_t active_enter_usec;
        uint64_t memory_current, cpu_usage_nsec, tasks_current, tasks_max;  /* UINT64_MAX: not known */
} UnitInfo;
int systemd1_unit_info(sd_bus *bus, const char *unit, UnitInfo *ret, Failure *failure);
void unit_info_done(UnitInfo *u);

/* Loaded units that match the pattern ("box@*.service"), all or those in this state ("failed"). */
typedef struct UnitRow {
        char *name;
        char *active_state;
} UnitRow;
int systemd1_list_units(sd_bus *bus, const char *state, const char *pattern, UnitRow **ret, size_t *ret_n, Failure *failure);
void unit_rows_free(UnitRow *rows, size_t n);

/* The first command of a service's ExecStart=, as systemd has it: specifiers are replaced, variables not. -ENOENT: there is no
 * such unit. */
typedef struct UnitCommand {
        char *path;
        char **argv;                    /* argv[0] too */
        bool has_variables;             /* false: no variables are replaced ("ExecStart=:/…") */
        char **environment;             /* the service manager's, and over it Environment= */
        char **environment_files;       /* EnvironmentFile=, over these: patterns, "-/path" where files may be missing */
        char **unset;                   /* UnsetEnvironment=, of all these */
} UnitCommand;
int systemd1_unit_command(sd_bus *bus, const char *unit, UnitCommand *ret, Failure *failure);
void unit_command_done(UnitCommand *c);

/* Why a unit was not started or has failed, other than by its main process: "ConditionPathExists=/x is not met". 1: *ret is
 * such a text, which the caller frees; 0: there is none. */
typedef enum UnitReason {
        UNIT_REASON_CONDITION,
        UNIT_REASON_ASSERT,
        UNIT_REASON_COMMAND,            /* of ExecCondition=, ExecStartPre=, ExecStartPost= */
        UNIT_REASON_DEPENDENCY,
} UnitReason;
int systemd1_unit_reason(sd_bus *bus, const char *unit, UnitReason kind, char **ret);

/* Finds names in the unit's settings that would prevent a start: "LoadCredential=x:/y: No such file or directory". *ret is a list
 * that the caller frees; NULL: nothing. -ENOMEM. */
int systemd1_unit_check(sd_bus *bus, const char *unit, char ***ret);

/* Freezes the unit's processes, or lets them run again. */
int systemd1_freeze_unit(sd_bus *bus, const char *unit, bool freeze, Failure *failure);

/* Lets systemd forget that the unit has failed, and how often it was started (StartLimitBurst=). */
int systemd1_reset_failed(sd_bus *bus, const char *unit, Failure *failure);

/* Enables or disables unit files and reloads; *ret_changes are lines like systemctl's ("Created symlink A → B."). */
int systemd1_enable(sd_bus *bus, char *const *units, bool enable, char ***ret_changes, Failure *failure);

/* Reloads all unit files, like `systemctl daemon-reload`, and waits for it. */
int systemd1_reload(sd_bus *bus, const BusWait *wait, Failure *failure);

/* Do DevicePolicy= and DeviceAllow= restrict the unit's processes to some devices? */
int systemd1_unit_restricts_devices(sd_bus *bus, const BusWait *wait, const char *unit, bool *ret, Failure *failure);

/* Sends Properties.Get for one property of a loaded unit; the reply is a variant. */
int systemd1_get_send(sd_bus *bus, const char *unit, const char *property, BusCall *call);

/* The same of a property that units of all types have. */
int systemd1_get_unit_send(sd_bus *bus, const char *unit, const char *property, BusCall *call);

/* The D-Bus type of a property that scopes have (services have their resources, too); any: or that all units have. 1; 0: there is
 * no such property. */
int systemd1_property_type(sd_bus *bus, const BusWait *wait, const char *property, bool any, char **ret, Failure *failure);

/* The object path of a loaded unit, and the interface of its properties ("org.freedesktop.systemd1.Service"). NULL: no memory. */
char *systemd1_unit_path(const char *unit);
char *systemd1_unit_interface(const char *unit);

/* whom: "main", "control", "all". */
int systemd1_kill_unit(sd_bus *bus, const char *unit, const char *whom, int sig, Failure *failure);
