/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The last steps of entering a machine (payload/enter.c). The intermediate process has joined the machine's namespaces, and
 * has the user, capabilities and filter of the program to be run, when it executes this from a sealed copy in memory. It is
 * not in the machine's PID namespace; its child is. So each process that the machine's processes see executes this copy,
 * not a file of the host that they could overwrite (CVE-2019-5736), and "#!/proc/self/exe" in a script of the machine's
 * means this copy. The first process of a machine becomes it for the same reason, to execute the payload.
 *
 * System calls only, mostly those that any filter allows. The stack is the kernel's: argument count, arguments, environment.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "payload/enter-report.h"

#include CALL_H

_Noreturn void enter(long *stack);

static _Noreturn void end(int status)
{
        for (;;)
                (void) call(SYS_exit_group, status, 0, 0, 0);
}

static void report(int socket, EnterStubStep step, long value)
{
        const EnterStubReport r = { .step = (int) step, .value = (int) value };

        if (call(SYS_write, socket, (long) &r, sizeof(r), 0) != sizeof(r))
                end(EXIT_FAILURE);
}

static _Noreturn void fail(int socket, EnterStubStep step, long error)
{
        report(socket, step, -error);
        end(EXIT_FAILURE);
}

static int to_number(const char *s)
{
        int n = 0;

        for (; *s >= '0' && *s <= '9' && n < 100000; s++)
                n = n * 10 + (*s - '0');
        return n;
}

/* As execvp(3): a text without "#!" is a script of the shell. There is room before the arguments. */
static long execute(char *path, char **argv, char **env)
{
        char *before = argv[-1], *name = argv[0];
        long r = call(SYS_execve, (long) path, (long) argv, (long) env, 0);

        if (r != -ENOEXEC)
                return r;
        argv[-1] = (char *) "/bin/sh";
        argv[0] = path;
        r = call(SYS_execve, (long) argv[-1], (long) (argv - 1), (long) env, 0);
        argv[-1] = before;
        argv[0] = name;
        return r;
}

/* The first one that can be executed. Where none can, a file that is there is the reason. */
static long execute_first(char **argv, char **env)
{
        char **paths = argv + ENTER_STUB_PATHS;
        const int n = to_number(argv[ENTER_STUB_N_PATHS]);
        bool refused = false;
        long r = -ENOENT;

        for (int i = 0; i < n && (r == -ENOENT || r == -ENOTDIR || r == -EACCES); i++) {
                r = execute(paths[i], paths + n, env);
                refused = refused || r == -EACCES;
        }
        return refused ? -EACCES : r;
}

/* Hangs up, as a terminal does, on a program whose starter is gone. Its PID is of our own PID namespace. The program's streams
 * are not held open. */
static _Noreturn void stay(int guard, int socket, const int *gate, long pid)
{
        char byte;
        long r;

        for (int i = 0; i <= 2; i++)
                (void) call(SYS_close, i, 0, 0, 0);
        (void) call(SYS_close, gate[0], 0, 0, 0);
        (void) call(SYS_close, gate[1], 0, 0, 0);
        (void) call(SYS_close, socket, 0, 0, 0);
        do
                r = call(SYS_read, guard, (long) &byte, 1, 0);
        while (r == -EINTR);
        if (r == 0) {
                (void) call(SYS_kill, -pid, SIGHUP, 0, 0);
                (void) call(SYS_kill, -pid, SIGCONT, 0, 0);
        }
        end(EXIT_SUCCESS);
}

/* In the machine's PID namespace. */
static _Noreturn void become_program(int socket, const int *gate, char **argv, char **env)
{
        const unsigned long no_signals = 0;
        char byte;
        long r;

        /* Until our PID was reported: the first report of one counts. */
        (void) call(SYS_close, gate[1], 0, 0, 0);
        do
                r = call(SYS_read, gate[0], (long) &byte, 1, 0);
        while (r == -EINTR);

        r = call(SYS_setsid, 0, 0, 0, 0);
        if (r >= 0 && argv[ENTER_STUB_TERMINAL][0] == '1')
                r = call(SYS_ioctl, 0, TIOCSCTTY, 0, 0);
        if (r < 0)
                fail(socket, ENTER_STUB_SESSION, r);
        r = call(SYS_chdir, (long) argv[ENTER_STUB_CHDIR], 0, 0, 0);
        if (r < 0)
                fail(socket, ENTER_STUB_DIRECTORY, r);
        (void) call(SYS_rt_sigprocmask, SIG_SETMASK, (long) &no_signals, 0, sizeof(no_signals));
        fail(socket, ENTER_STUB_EXECUTE, execute_first(argv, env));
}

/* This process becomes it, as it is. */
static _Noreturn void become_payload(int socket, char **argv, char **env)
{
        long r = call(SYS_fcntl, socket, F_SETFD, FD_CLOEXEC, 0);
        char byte;

        if (r < 0)
                fail(socket, ENTER_STUB_EXECUTE, r);
        report(socket, ENTER_STUB_EXECUTE, -execute_first(argv, env));
        /* Until the supervisor has read it: the leader of a machine may not end as it likes (run/child.c). */
        (void) call(SYS_read, socket, (long) &byte, 1, 0);
        end(EXIT_FAILURE);
}

_Noreturn void enter(long *stack)
{
        char **argv = (char **) (void *) (stack + 1);
        int socket, guard, gate[2];
        long pid;

        if (*stack <= ENTER_STUB_PATHS + 1)
                end(EXIT_FAILURE);
        socket = to_number(argv[ENTER_STUB_SOCKET]);
        if (argv[ENTER_STUB_TERMINAL][0] == ENTER_STUB_PAYLOAD[0])
                become_payload(socket, argv, argv + *stack + 1);
        guard = argv[ENTER_STUB_GUARD][0] ? to_number(argv[ENTER_STUB_GUARD]) : -EBADF;
        /* The working directory is the host's /proc, by which this was executed: the child must not have it. */
        if (call(SYS_fcntl, socket, F_SETFD, FD_CLOEXEC, 0) < 0 || call(SYS_chdir, (long) "/", 0, 0, 0) < 0 ||
            call(SYS_pipe2, (long) gate, O_CLOEXEC, 0, 0) < 0 ||
            (guard >= 0 && call(SYS_fcntl, guard, F_SETFD, FD_CLOEXEC, 0) < 0))
                end(EXIT_FAILURE);

        /* As fork(2); a filter may refuse clone3(2). With CLONE_PARENT the child has our exit signal. */
        pid = call(SYS_clone, CLONE_PARENT, 0, 0, 0);
        if (pid == 0)
                become_program(socket, gate, argv, argv + *stack + 1);
        if (pid < 0)
                fail(socket, ENTER_STUB_CLONE, pid);
        /* Keys of the terminal that our starter has are not for us. */
        if (guard >= 0)
                (void) call(SYS_setsid, 0, 0, 0, 0);
        report(socket, ENTER_STUB_STARTED, pid);
        if (guard >= 0)
                stay(guard, socket, gate, pid);
        end(EXIT_SUCCESS);
}
