/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The init is a child of the test that waits for a signal, or a reader of a FIFO in a directory that stands for the
 * tree. Programs in the machine are tested by test-enter and tests/system.
 */

#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload/init-control.h"
#include "util/fd.h"

static const InitRequest requests[] = { INIT_HALT, INIT_POWEROFF, INIT_REBOOT };

static void test_init_control_describe(void **state)
{
        assert_string_equal(init_control_describe(INIT_SYSTEMD, INIT_HALT), "SIGRTMIN+3");
        assert_string_equal(init_control_describe(INIT_SYSVINIT, INIT_REBOOT), "runlevel 6 by /run/initctl");
        assert_string_equal(init_control_describe(INIT_SYSVINIT_OPENRC, INIT_REBOOT), "runlevel 6 by /run/initctl");
        assert_string_equal(init_control_describe(INIT_RUNIT, INIT_POWEROFF), "runit-init 0");
        assert_string_equal(init_control_describe(INIT_NONE, INIT_HALT), "none");
        assert_string_equal(init_control_describe((InitFlavour) 99, INIT_HALT), "none");

        /* Every init accepts every request. */
        for (int f = INIT_NONE + 1; f < _INIT_FLAVOUR_MAX; f++)
                for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
                        assert_string_not_equal(init_control_describe((InitFlavour) f, requests[i]), "none");
}

static void test_init_control_facts(void **state)
{
        assert_true(init_notifies(INIT_SYSTEMD));
        assert_false(init_notifies(INIT_SYSVINIT));
        assert_true(init_control_enters(INIT_RUNIT, INIT_HALT));
        assert_true(init_control_enters(INIT_OTHER, INIT_REBOOT));
        assert_false(init_control_enters(INIT_SYSTEMD, INIT_HALT));
        assert_false(init_control_enters(INIT_SYSVINIT, INIT_HALT));
        assert_false(init_control_enters(INIT_NONE, INIT_HALT));
}

/* A process that ends with the number of the first signal it gets. */
static pid_t start_init(void)
{
        struct signalfd_siginfo info = {};
        sigset_t all, before;
        pid_t pid;

        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, &before);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(read(signalfd(-1, &all, 0), &info, sizeof(info)) == sizeof(info) ? (int) info.ssi_signo : 255);
        sigprocmask(SIG_SETMASK, &before, NULL);
        return pid;
}

static int signal_of(InitFlavour flavour, InitRequest request, int root_fd)
{
        pid_t pid = start_init();
        Leader l = LEADER_NULL;
        Failure f = {};
        int status = -1;

        assert_int_equal(leader_open(pid, &l, &f), 0);
        if (root_fd >= 0) {
                fd_close(l.root_fd);
                l.root_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 3);
        }
        assert_int_equal(init_control_request(flavour, request, &l, &f), 0);
        leader_done(&l);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_init_control_signals(void **state)
{
        const struct {
                InitFlavour flavour;
                int signals[ARRAY_SIZE(requests)];
        } expected[] = {
                { INIT_SYSTEMD, { SIGRTMIN + 3, SIGRTMIN + 4, SIGRTMIN + 5 } },
                { INIT_BUSYBOX, { SIGUSR1, SIGUSR2, SIGTERM } },
                { INIT_BUSYBOX_OPENRC, { SIGUSR1, SIGUSR2, SIGTERM } },
                { INIT_OPENRC, { SIGTERM, SIGTERM, SIGINT } },
                { INIT_FINIT, { SIGUSR2, SIGUSR2, SIGTERM } },
                { INIT_DINIT, { SIGTERM, SIGTERM, SIGINT } },
        };

        for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
                for (size_t j = 0; j < ARRAY_SIZE(requests); j++)
                        assert_int_equal(signal_of(expected[i].flavour, requests[j], -EBADF), expected[i].signals[j]);
}

/* A process with a child, which ends when the pipe is closed. It sleeps, or with `busy` computes; and waits for the child with
 * `takes`. */
static pid_t start_parent(const int fds[2], bool busy, bool takes)
{
        pid_t pid = fork(), child;
        char c;

        assert_true(pid >= 0);
        if (pid > 0)
                return pid;
        close(fds[1]);
        child = fork();
        if (child == 0)
                _exit(read(fds[0], &c, 1) == 0 ? 0 : 1);
        if (takes)
                (void) waitpid(child, NULL, 0);
        for (;;)
                if (!busy)
                        pause();
}

static bool sleeps_alone_soon(InitFlavour flavour, pid_t pid)
{
        for (unsigned i = 0; i < 50; i++, usleep(10000))
                if (init_control_sleeps_alone(flavour, pid) == 1)
                        return true;
        return false;
}

static void test_init_control_sleeps_alone(void **state)
{
        static const struct {
                InitFlavour flavour;
                bool busy, takes, expected;
        } cases[] = {
                { INIT_SYSTEMD, false, false, true },
                { INIT_SYSTEMD, true, false, false },
                { INIT_SYSTEMD, false, true, false },   /* it may wait for a time */
                { INIT_BUSYBOX, false, true, true },
                { INIT_BUSYBOX, true, true, false },
                { INIT_SYSVINIT_OPENRC, false, false, true },
                { INIT_OTHER, false, false, false },    /* it may do work itself */
                { INIT_RUNIT, false, true, false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                int fds[2];
                pid_t pid;

                assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
                pid = start_parent(fds, cases[i].busy, cases[i].takes);
                close(fds[0]);
                usleep(50000);
                assert_int_equal(init_control_sleeps_alone(cases[i].flavour, pid), 0);
                close(fds[1]);
                assert_int_equal(sleeps_alone_soon(cases[i].flavour, pid), cases[i].expected);
                kill(pid, SIGKILL);
                assert_int_equal(waitpid(pid, NULL, 0), pid);
                assert_true(init_control_sleeps_alone(cases[i].flavour, pid) < 0);
        }
}

static void ignore(int sig)
{
}

/* A process that waits for any signal by sigtimedwait(2), and handles SIGTSTP if it is busybox's init. */
static pid_t start_waiting(bool busybox)
{
        pid_t pid = fork();
        char path[64];
        sigset_t all;

        assert_true(pid >= 0);
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (busybox)
                        (void) signal(SIGTSTP, ignore);
                sigfillset(&all);
                sigprocmask(SIG_SETMASK, &all, NULL);
                _exit(sigwaitinfo(&all, NULL));
        }
        (void) snprintf(path, sizeof(path), "/proc/%d/status", pid);
        for (;;) {
                _cleanup_free_ char *text = NULL;
                const char *caught;

                assert_true(fd_read_file_at(AT_FDCWD, path, 1024 * 1024, &text, NULL) >= 0);
                caught = strstr(text, "\nSigCgt:");
                assert_non_null(caught);
                /* The kernel's doing: it has blocked them, and is shown with none. A sanitizer handles some. */
                if (strstr(text, "State:\tS") && strstr(text, "\nSigBlk:\t0000000000000000\n") &&
                    (!busybox || strtoull(caught + strlen("\nSigCgt:"), NULL, 16) >> (SIGTSTP - 1) & 1))
                        return pid;
                usleep(1000);
        }
}

/* 0: busybox's, 1: another, 2: the same, which is asked all the same. */
static void test_init_control_sigtimedwait(void **state)
{
        const char *const *program;

        for (int i = 0; i < 3; i++) {
                pid_t pid = start_waiting(/* busybox= */ i == 0);
                Leader l = LEADER_NULL;
                Failure f = {};
                int status = -1;

                assert_int_equal(leader_open(pid, &l, &f), 0);
                assert_int_equal(init_control_ask(INIT_BUSYBOX, INIT_HALT, &l, /* insist= */ i == 2, &program, &f),
                                 i == 1 ? -EAGAIN : 0);
                if (i == 1)
                        assert_return_code(kill(pid, SIGUSR1), errno);
                leader_done(&l);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFEXITED(status) && WEXITSTATUS(status) == SIGUSR1);
        }
}

typedef struct Tree {
        char path[64];
        int fd;
} Tree;

static int setup(void **state)
{
        static Tree t;

        (void) snprintf(t.path, sizeof(t.path), "/tmp/test-init-control-XXXXXX");
        assert_non_null(mkdtemp(t.path));
        t.fd = open(t.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(t.fd >= 0);
        assert_int_equal(mkdirat(t.fd, "run", 0755), 0);
        assert_int_equal(mkdirat(t.fd, "dev", 0755), 0);
        *state = &t;
        return 0;
}

static int teardown(void **state)
{
        Tree *t = *state;

        unlinkat(t->fd, "run/initctl", 0);
        unlinkat(t->fd, "dev/initctl", 0);
        unlinkat(t->fd, "run", AT_REMOVEDIR);
        unlinkat(t->fd, "dev", AT_REMOVEDIR);
        close(t->fd);
        return rmdir(t->path);
}

/* Without its program in the tree, an init gets the signal, if there is one. */
static void test_init_control_no_program(void **state)
{
        Tree *t = *state;
        Leader l = LEADER_NULL;
        Failure f = {};

        assert_int_equal(signal_of(INIT_OTHER, INIT_HALT, t->fd), SIGTERM);
        assert_int_equal(signal_of(INIT_OTHER, INIT_REBOOT, t->fd), SIGINT);

        assert_int_equal(leader_open(getpid(), &l, &f), 0);
        fd_close(l.root_fd);
        l.root_fd = fcntl(t->fd, F_DUPFD_CLOEXEC, 3);
        assert_int_equal(init_control_request(INIT_RUNIT, INIT_HALT, &l, &f), -ENOENT);
        assert_non_null(strstr(f.text, "runit-init"));
        f = (Failure) {};
        assert_int_equal(init_control_request(INIT_NONE, INIT_HALT, &l, &f), -EOPNOTSUPP);
        leader_done(&l);
}

static void ask_sysvinit(Tree *t, InitRequest request, int expected, Failure *f)
{
        const Leader l = { .pid = getpid(), .pidfd = -EBADF, .root_fd = t->fd };

        assert_int_equal(init_control_request(INIT_SYSVINIT, request, &l, f), expected);
}

static void assert_request(const unsigned char *record, char runlevel)
{
        int words[4];

        memcpy(words, record, sizeof(words));
        assert_int_equal(words[0], 0x03091969);
        assert_int_equal(words[1], 1);
        assert_int_equal(words[2], runlevel);
        for (size_t i = 16; i < 384; i++)
                assert_int_equal(record[i], 0);
}

static void test_init_control_sysvinit(void **state)
{
        static const char *const places[] = { "dev/initctl", "run/initctl" };
        unsigned char record[1000];
        Tree *t = *state;
        Failure f = {};

        /* The older path is used if the newer one is missing. */
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                int reader;

                assert_int_equal(mkfifoat(t->fd, places[i], 0600), 0);
                reader = openat(t->fd, places[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
                assert_true(reader >= 0);

                ask_sysvinit(t, INIT_HALT, 0, &f);
                assert_int_equal(read(reader, record, sizeof(record)), 384);
                assert_request(record, '0');
                ask_sysvinit(t, INIT_REBOOT, 0, &f);
                assert_int_equal(read(reader, record, sizeof(record)), 384);
                assert_request(record, '6');
                close(reader);
        }
}

static void test_init_control_sysvinit_starts_late(void **state)
{
        unsigned char record[1000];
        Tree *t = *state;
        int status = -1;
        Failure f = {};
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                int fd;

                usleep(300000);
                if (mkfifoat(t->fd, "run/initctl", 0600) < 0)
                        _exit(1);
                usleep(200000);
                fd = openat(t->fd, "run/initctl", O_RDWR | O_CLOEXEC);
                _exit(fd >= 0 && read(fd, record, sizeof(record)) == 384 ? 0 : 2);
        }
        ask_sysvinit(t, INIT_POWEROFF, 0, &f);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

/* Other files in place of the FIFO are not written to, and do not block. */
static void test_init_control_sysvinit_hostile(void **state)
{
        Tree *t = *state;
        Failure f = {};
        char target[80];
        struct stat st;
        int fd;

        (void) snprintf(target, sizeof(target), "%s/target", t->path);
        fd = openat(t->fd, "target", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(linkat(t->fd, "target", t->fd, "run/initctl", 0), 0);
        assert_int_equal(symlinkat(target, t->fd, "dev/initctl"), 0);
        ask_sysvinit(t, INIT_HALT, -ENOENT, &f);
        assert_int_equal(fstatat(t->fd, "target", &st, 0), 0);
        assert_int_equal(st.st_size, 0);
        unlinkat(t->fd, "target", 0);
        unlinkat(t->fd, "run/initctl", 0);

        /* A FIFO without a reader. */
        f = (Failure) {};
        assert_int_equal(mkfifoat(t->fd, "run/initctl", 0600), 0);
        ask_sysvinit(t, INIT_HALT, -ENXIO, &f);
        assert_non_null(strstr(f.text, "FIFO"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_init_control_describe),
                cmocka_unit_test(test_init_control_facts),
                cmocka_unit_test(test_init_control_signals),
                cmocka_unit_test(test_init_control_sleeps_alone),
                cmocka_unit_test(test_init_control_sigtimedwait),
                cmocka_unit_test_setup_teardown(test_init_control_no_program, setup, teardown),
                cmocka_unit_test_setup_teardown(test_init_control_sysvinit, setup, teardown),
                cmocka_unit_test_setup_teardown(test_init_control_sysvinit_starts_late, setup, teardown),
                cmocka_unit_test_setup_teardown(test_init_control_sysvinit_hostile, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
