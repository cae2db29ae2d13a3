/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* See namespace-call.h. The supervisor, as root of the host; namespace_hold() and joining one's own user namespace need
 * no privilege. */

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/namespace-call.h"

/* The stack is enough for lookups in trees. Below it, at least one page (of any architecture) that cannot be accessed:
 * an overflow kills the helper instead of writing to our memory. */
enum { GUARD_SIZE = 64 * 1024, STACK_SIZE = 128 * 1024 };

typedef struct Helper {
        pid_t pid;
        char *stack;
} Helper;

/* No exit signal: an event loop that watches SIGCHLD does not see the helper. All signals blocked: no handler of ours
 * runs in it. */
static int helper_start(int (*function)(void *), void *argument, int flags, Helper *ret)
{
        sigset_t all, before;
        Helper h;
        int r;

        h.stack = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (h.stack == MAP_FAILED)
                return -errno;
        r = RET_ERRNO(mprotect(h.stack, GUARD_SIZE, PROT_NONE));
        if (r >= 0) {
                (void) sigfillset(&all);
                (void) sigprocmask(SIG_SETMASK, &all, &before);
                r = h.pid = RET_ERRNO(clone(function, h.stack + GUARD_SIZE + STACK_SIZE, CLONE_VM | CLONE_FILES | flags,
                                            argument));
                (void) sigprocmask(SIG_SETMASK, &before, NULL);
        }
        if (r < 0) {
                (void) munmap(h.stack, GUARD_SIZE + STACK_SIZE);
                return r;
        }
        *ret = h;
        return 0;
}

static void helper_end(Helper *h)
{
        while (waitpid(h->pid, NULL, __WALL) < 0 && errno == EINTR)
                ;
        (void) munmap(h->stack, GUARD_SIZE + STACK_SIZE);
}

typedef struct Call {
        int fd, flags;
        int (*work)(void *argument);
        void *argument;
        int result;
} Call;

static int in_namespace(void *argument)
{
        Call *c = argument;
        int r = 0;

        if (c->fd >= 0)
                r = RET_ERRNO(setns(c->fd, c->flags));
        else if (c->flags & CLONE_NEWNS)
                r = RET_ERRNO(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
        c->result = r < 0 ? r : c->work(c->argument);
        return 0;
}

int namespace_call(int fd, int flags, int (*work)(void *argument), void *argument)
{
        Call call = { .fd = fd, .flags = flags, .work = work, .argument = argument, .result = -ECHILD };
        Helper h;
        int r = helper_start(in_namespace, &call, CLONE_VFORK | (fd < 0 ? flags : 0), &h);

        if (r < 0)
                return r;
        helper_end(&h);
        return call.result;
}

/* Runs at the same time as we do: raw system calls that do not fail, since errno is ours, too. */
_Noreturn static int wait_to_be_killed(void *userdata)
{
        (void) syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;)
                (void) syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

int namespace_hold(int flags, int (*work)(pid_t pid, void *argument), void *argument)
{
        Helper h;
        int r = helper_start(wait_to_be_killed, NULL, flags, &h);

        if (r < 0)
                return r;
        r = work(h.pid, argument);
        (void) kill(h.pid, SIGKILL);
        helper_end(&h);
        return r;
}
