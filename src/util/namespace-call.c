/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See namespace-call.h. The supervisor, as root of the host. */

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "util/namespace-call.h"

/* What the callers' work takes, lookups in trees included. */
enum { STACK_SIZE = 128 * 1024 };

typedef struct Call {
        int fd, flags;
        int (*work)(void *argument);
        void *argument;
        int result;
} Call;

static int in_namespace(void *argument)
{
        Call *c = argument;

        if (c->fd >= 0)
                c->result = RET_ERRNO(setns(c->fd, c->flags));
        else
                c->result = RET_ERRNO(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
        if (c->result >= 0)
                c->result = c->work(c->argument);
        return 0;
}

int namespace_call(int fd, int flags, int (*work)(void *argument), void *argument)
{
        _cleanup_free_ char *stack = aligned_alloc(16, STACK_SIZE);
        Call call = { .fd = fd, .flags = flags, .work = work, .argument = argument, .result = -ECHILD };
        pid_t pid;

        if (!stack)
                return -ENOMEM;
        pid = clone(in_namespace, stack + STACK_SIZE,
                    CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD | (fd < 0 ? flags : 0), &call);
        if (pid < 0)
                return -errno;
        while (waitpid(pid, NULL, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return call.result;
}
