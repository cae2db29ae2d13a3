/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From errors to exit statuses (see exit-status.h). Part of boxctl; no privilege. */

#include "ctl/exit-status.h"
#include "util/macro.h"

static const struct {
        int error;
        ExitStatus status;
} classes[] = {
        { EINVAL,       EXIT_USAGE },
        { ENXIO,        EXIT_NOT_THERE },
        { ENOENT,       EXIT_NOT_THERE },
        { ESRCH,        EXIT_NOT_THERE },
        { EACCES,       EXIT_REFUSED },
        { EPERM,        EXIT_REFUSED },
        { ETIMEDOUT,    EXIT_TIMEOUT },
        { EBUSY,        EXIT_IN_USE },
        { EEXIST,       EXIT_IN_USE },
        { EADDRINUSE,   EXIT_IN_USE },
        { ERFKILL,      EXIT_IN_USE },          /* masked */
        { ECONNREFUSED, EXIT_UNREACHABLE },
        { ECONNRESET,   EXIT_UNREACHABLE },
        { ENOTCONN,     EXIT_UNREACHABLE },
        { EHOSTUNREACH, EXIT_UNREACHABLE },
        { EOPNOTSUPP,   EXIT_UNSUPPORTED },
        { ENOSYS,       EXIT_UNSUPPORTED },
        { ENOSPC,       EXIT_NO_ROOM },
        { EDQUOT,       EXIT_NO_ROOM },
        { ENOMEM,       EXIT_NO_ROOM },
        { EMFILE,       EXIT_NO_ROOM },
        { ENFILE,       EXIT_NO_ROOM },
};

int exit_status(int r)
{
        if (r >= 0)
                return r;
        for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
                if (classes[i].error == -r)
                        return (int) classes[i].status;
        return EXIT_FAILED;
}

int exit_worse(int a, int b)
{
        return exit_status(b) > exit_status(a) ? b : a;
}
