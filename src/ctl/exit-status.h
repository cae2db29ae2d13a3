/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Exit statuses of boxctl: a class for each kind of failure, so that a script need not read the message. boxctl(1) has them. */

typedef enum ExitStatus {
        EXIT_DONE,
        EXIT_FAILED,            /* none of the below */
        EXIT_USAGE,             /* a verb, option, name or value that cannot be */
        EXIT_NOT_THERE,         /* not running, or there is none; as systemctl's and LSB's 3 */
        EXIT_REFUSED,           /* for want of privilege */
        EXIT_TIMEOUT,
        EXIT_IN_USE,            /* something else has it, or its state forbids that */
        EXIT_UNREACHABLE,       /* no bus, no connection */
        EXIT_UNSUPPORTED,       /* by this host, machine or init */
        EXIT_NO_ROOM,           /* memory, disk, descriptors */
        _EXIT_STATUS_MAX,
} ExitStatus;

/* The status for what a verb has returned: a negative errno, or a status. */
int exit_status(int r);

/* Of two such values the one with the higher status. */
int exit_worse(int a, int b);
