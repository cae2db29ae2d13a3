/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The times of a start (see steps.h). The supervisor; no privilege but to write below /run/box. */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "payload/machine-state.h"
#include "run/steps.h"
#include "util/fd.h"
#include "util/log.h"

void steps_add(MachineSteps *s, const char *step, uint64_t begin_usec, uint64_t end_usec)
{
        size_t room = sizeof(s->text) - s->size;
        int n = snprintf(s->text + s->size, room, "%s %" PRIu64 " %" PRIu64 "\n", step, begin_usec, end_usec);

        if (n > 0 && (size_t) n < room)
                s->size += (size_t) n;
}

void steps_write(MachineSteps *s, const char *machine)
{
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *path = NULL;
        int r = machine_state_path(NULL, machine, "steps", &path);

        if (r >= 0) {
                fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0644);
                r = fd < 0 ? -errno : fd_write_all(fd, s->text, s->size);
        }
        if (r < 0)
                log_debug(r, "Failed to write the times of the start of machine '%s': %m", machine);
        s->size = 0;
}
