/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The times of a start (see steps.h). The supervisor; no privilege but to write below /run/box. */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "payload/machine-state.h"
#include "run/steps.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/print.h"

void steps_begin(MachineSteps *s, const char *machine)
{
        _cleanup_free_ char *path = NULL;

        *s = (MachineSteps) { 0 };
        if (machine_state_failed_path(NULL, machine, &path) >= 0 && unlink(path) < 0 && errno != ENOENT)
                log_debug(-errno, "Failed to remove '%s': %m", path);
}

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
                r = fd < 0 ? -errno : fd_write_all(fd, s->text + s->written, s->size - s->written);
        }
        if (r < 0)
                log_debug(r, "Failed to write the times of the start of machine '%s': %m", machine);
        s->written = s->size;
}

void steps_write_failed(const MachineSteps *s, const char *machine, const Failure *why)
{
        _cleanup_free_ char *path = NULL, *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r = machine_state_failed_path(NULL, machine, &path);

        if (r >= 0)
                r = strf(&text, "%.*s! %s\n", (int) s->size, s->text, why->text);
        for (char *p = text ? text + s->size : NULL; p && (p = strchr(p, '\n')) && p[1]; p++)
                *p = ' ';       /* a message is one line */
        if (r >= 0) {
                fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
                r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
        }
        if (r < 0)
                log_debug(r, "Failed to write why the start of machine '%s' failed: %m", machine);
}
