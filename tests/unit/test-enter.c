/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The machine is a process in its own namespaces, with the host's tree, a devpts, fewer capabilities and lower limits than the
 * test. Programs are run in it and print what they see. Skipped without root.
 */

#include "test.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload/enter.h"
#include "security/capability.h"
#include "security/seccomp.h"
#include "util/fd.h"

enum { UID_BASE = 700000 };

typedef struct Machine {
        pid_t pid;
        Leader leader;
} Machine;

static int make_places(void)
{
        struct stat st;

        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return 2;
        if (mount("devpts", "/dev/pts", "devpts", 0, "newinstance,ptmxmode=0666,mode=620") < 0)
                return 3;
        if (lstat("/dev/ptmx", &st) < 0 || (!S_ISLNK(st.st_mode) &&
                                            mount("/dev/pts/ptmx", "/dev/ptmx", NULL, MS_BIND, NULL) < 0))
                return 4;
        return sethostname("inside", 6) < 0 ? 5 : 0;
}

/* The machine's PID 1. */
static int machine_main(int go, int ready)
{
        const struct rlimit files = { 123, 456 };
        char byte;
        int r;

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (read(go, &byte, 1) != 1 || setresuid(0, 0, 0) < 0 || setresgid(0, 0, 0) < 0)
                return 1;
        r = make_places();
        if (r != 0)
                return r;
        if (setrlimit(RLIMIT_NOFILE, &files) < 0 || capability_drop_bounding(capability_default(), NULL) < 0)
                return 6;
        if (write(ready, "x", 1) != 1)
                return 7;
        for (;;)
                pause();
}

static bool write_map(pid_t pid, const char *file)
{
        char path[64], map[64];
        int n = snprintf(map, sizeof(map), "0 %d 65536\n", UID_BASE), fd;
        bool ok;

        (void) snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        ok = fd >= 0 && write(fd, map, (size_t) n) == n;
        fd_close(fd);
        return ok;
}

static int setup(void **state)
{
        static Machine m;
        int go[2], ready[2];
        Failure f = {};
        char byte = 0;

        *state = NULL;
        if (geteuid() != 0)
                return 0;

        assert_int_equal(pipe2(go, O_CLOEXEC), 0);
        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        m.pid = (pid_t) syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC |
                                SIGCHLD, NULL, NULL, NULL, NULL);
        assert_true(m.pid >= 0);
        if (m.pid == 0)
                _exit(machine_main(go[0], ready[1]));
        close(ready[1]);

        assert_true(write_map(m.pid, "uid_map") && write_map(m.pid, "gid_map"));
        assert_int_equal(write(go[1], "x", 1), 1);
        if (read(ready[0], &byte, 1) != 1) {
                int status = 0;

                waitpid(m.pid, &status, 0);
                fail_msg("the machine did not start: %d", WEXITSTATUS(status));
        }
        close(go[0]);
        close(go[1]);
        close(ready[0]);

        assert_int_equal(leader_open(m.pid, &m.leader, &f), 0);
        *state = &m;
        return 0;
}

static int teardown(void **state)
{
        Machine *m = *state;

        if (m) {
                leader_done(&m->leader);
                kill(m->pid, SIGKILL);
                waitpid(m->pid, NULL, 0);
        }
        return 0;
}

static Machine *machine(void **state)
{
        if (!*state)
                skip();
        return *state;
}

static char *const environment[] = { (char *) "PATH=/usr/bin:/bin", (char *) "ONLY=this", NULL };

/* Runs a shell command inside; what it wrote (to be freed), and its wait status. */
static char *run(Machine *m, EnterOptions o, const char *command, int *ret_status)
{
        char *const argv[] = { (char *) "sh", (char *) "-c", (char *) command, NULL };
        int output[2], null;
        char *text = NULL;
        Failure f = {};
        pid_t pid = 0;

        assert_int_equal(pipe2(output, O_CLOEXEC), 0);
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        o.path = "/bin/sh";
        o.argv = argv;
        o.envp = environment;
        o.stub = getenv("ENTER_STUB");
        o.stdio[0] = -EBADF;
        o.stdio[1] = o.stdio[2] = output[1];
        if (enter_spawn(&m->leader, &o, &pid, NULL, &f) < 0)
                fail_msg("%s", f.text);
        close(output[1]);
        close(null);
        assert_int_equal(fd_read_all(output[0], 65536, &text, NULL), 0);
        close(output[0]);
        assert_int_equal(waitpid(pid, ret_status, 0), pid);     /* a child of the caller */
        return text;
}

static void assert_run(Machine *m, EnterOptions o, const char *command, const char *expected)
{
        int status = -1;
        _cleanup_free_ char *text = run(m, o, command, &status);

        assert_string_equal(text, expected);
        assert_int_equal(status, 0);
}

static void test_leader_open(void **state)
{
        Leader l = LEADER_NULL;
        Failure f = {};
        pid_t pid;

        assert_int_equal(leader_open(getpid(), &l, &f), 0);
        assert_true(l.pidfd >= 0 && l.root_fd >= 0);
        leader_done(&l);
        assert_int_equal(l.pidfd, -EBADF);

        pid = fork();
        if (pid == 0)
                _exit(0);
        waitpid(pid, NULL, 0);
        assert_int_equal(leader_open(pid, &l, &f), -ESRCH);
        assert_non_null(strstr(f.text, "leader"));

        /* A process that has ended, but that its parent does not know of yet, has no root directory. */
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(0);
        assert_int_equal(waitid(P_PID, (id_t) pid, &(siginfo_t) {}, WEXITED | WNOWAIT), 0);
        f = (Failure) {};
        assert_int_equal(leader_open(pid, &l, &f), -ESRCH);
        assert_non_null(strstr(f.text, "is gone"));
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_enter_namespaces_and_ids(void **state)
{
        Machine *m = machine(state);
        const gid_t groups[] = { 7, 8 };
        EnterOptions o = {};

        assert_run(m, o, "uname -n; id -u; id -g; id -G; pwd; echo $ONLY; umask; ulimit -Sn; ulimit -Hn",
                   "inside\n0\n0\n0\n/\nthis\n0022\n123\n456\n");

        o.uid = 33;
        o.gid = 34;
        o.groups = groups;
        o.n_groups = ARRAY_SIZE(groups);
        o.working_directory = "/usr";
        assert_run(m, o, "id -u; id -g; id -G; pwd", "33\n34\n34 7 8\n/usr\n");
        /* Its ids on the host. */
        assert_run(m, o, "sed -n 's/^NSpid:.*\\t\\([0-9]*\\)$/\\1/p' /proc/self/status | "
                   "{ read n; test $n -lt 100 && echo low; }; stat -c %u /proc/self/", "low\n33\n");
}

static void test_enter_privileges(void **state)
{
        Machine *m = machine(state);
        EnterOptions o = {};
        char expected[256];

        (void) snprintf(expected, sizeof(expected),
                        "CapInh: 0000000000000000\nCapPrm: %016llx\nCapEff: %016llx\nCapBnd: %016llx\n"
                        "CapAmb: 0000000000000000\nNoNewPrivs: 0\nSeccomp: 2\n",
                        (unsigned long long) capability_default(), (unsigned long long) capability_default(),
                        (unsigned long long) capability_default());
#define STATUS "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr '\\t' ' '"
        assert_run(m, o, STATUS, expected);

        (void) snprintf(expected, sizeof(expected),
                        "CapInh: 0000000000000000\nCapPrm: 0000000000000000\nCapEff: 0000000000000000\n"
                        "CapBnd: %016llx\nCapAmb: 0000000000000000\nNoNewPrivs: 0\nSeccomp: 0\n",
                        (unsigned long long) capability_default());
        o.uid = 33;
        o.no_seccomp = true;
        assert_run(m, o, STATUS, expected);
}

/* Descriptors of the caller, and its ignored and blocked signals, are not inherited. */
static void test_enter_leaks_nothing(void **state)
{
        Machine *m = machine(state);
        int leak = open("/", O_RDONLY | O_DIRECTORY);
        sigset_t set, before;

        assert_true(leak >= 0);
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigprocmask(SIG_BLOCK, &set, &before);
        signal(SIGPIPE, SIG_IGN);
        /* 3 is the directory that ls reads. */
        assert_run(m, (EnterOptions) {}, "ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/fd/0; "
                   "grep -E '^Sig(Blk|Ign)' /proc/self/status | tr '\\t' ' '",
                   "0 1 2 3 /dev/null\nSigBlk: 0000000000000000\nSigIgn: 0000000000000000\n");
        signal(SIGPIPE, SIG_DFL);
        sigprocmask(SIG_SETMASK, &before, NULL);
        close(leak);
}

static void test_enter_other_filter(void **state)
{
        Machine *m = machine(state);
        const char *const deny[] = { "sethostname", NULL };
        const SeccompSpec spec = { .caps = capability_default(), .deny = deny };
        char path[] = "/tmp/test-enter-XXXXXX";
        SeccompProgram p;
        Failure f = {};
        int fd = mkostemp(path, O_CLOEXEC), status;
        EnterOptions o = {};
        _cleanup_free_ char *text = NULL, *text2 = NULL;

        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(seccomp_program_make(&spec, &p, &f), 0);
        assert_int_equal(seccomp_program_save(&p, path, &f), 0);
        seccomp_program_done(&p);

        m->leader.filter = path;
        text = run(m, o, "hostname other 2>/dev/null || echo no; uname -n", &status);
        assert_string_equal(text, "no\ninside\n");
        m->leader.filter = NULL;
        text2 = run(m, o, "hostname other; uname -n; hostname inside", &status);
        assert_string_equal(text2, "other\n");
        unlink(path);
}

static bool read_until(int fd, const char *text)
{
        char buf[1024] = "";
        size_t n = 0;

        while (n + 1 < sizeof(buf)) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                ssize_t k;

                if (poll(&p, 1, 5000) <= 0)
                        return false;
                k = read(fd, buf + n, sizeof(buf) - 1 - n);
                if (k <= 0)
                        return false;
                n += (size_t) k;
                buf[n] = 0;
                if (strstr(buf, text))
                        return true;
        }

        return false;
}

static void test_enter_pty(void **state)
{
        char *const argv[] = { (char *) "sh", (char *) "-c", (char *) "tty; echo t >/dev/tty; read x; echo =$x=; "
                               "stat -c %u:%t $(tty); exit 5", NULL };
        Machine *m = machine(state);
        const EnterOptions o = { .path = "/bin/sh", .argv = argv, .envp = environment, .new_pty = true, .uid = 33,
                                 .stub = getenv("ENTER_STUB") };
        int pty = -EBADF, status = -1;
        Failure f = {};
        pid_t pid = 0;

        if (enter_spawn(&m->leader, &o, &pid, &pty, &f) < 0)
                fail_msg("%s", f.text);
        assert_true(pty >= 0);
        assert_int_equal(fcntl(pty, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        assert_true(read_until(pty, "/dev/pts/0\r\nt\r\n"));
        assert_int_equal(write(pty, "word\n", 5), 5);
        assert_true(read_until(pty, "=word=\r\n33:88\r\n"));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 5);
        close(pty);
}

static bool no_children_but(pid_t pid)
{
        siginfo_t info = {};

        return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && (info.si_pid == 0 || info.si_pid == pid);
}

static void test_enter_failures_are_returned(void **state)
{
        char *const argv[] = { (char *) "x", NULL };
        Machine *m = machine(state);
        EnterOptions o = { .path = "/no/such/program", .argv = argv, .envp = environment,
                           .stdio = { -EBADF, -EBADF, -EBADF }, .stub = getenv("ENTER_STUB") };
        int pty = -EBADF;
        Failure f = {};
        pid_t pid = 0;

        /* Many times: the reports of the child's start and end may come in any order. */
        for (unsigned i = 0; i < 20; i++) {
                f = (Failure) {};
                assert_int_equal(enter_spawn(&m->leader, &o, &pid, NULL, &f), -ENOENT);
                assert_string_equal(f.text, "Failed to execute '/no/such/program' in the machine: "
                                    "No such file or directory");
                assert_true(no_children_but(m->pid));
        }

        f = (Failure) {};
        o.path = "/bin/sh";
        o.working_directory = "/no/such/directory";
        o.new_pty = true;
        assert_int_equal(enter_spawn(&m->leader, &o, &pid, &pty, &f), -ENOENT);
        assert_non_null(strstr(f.text, "'/no/such/directory'"));
        assert_int_equal(pty, -EBADF);

        f = (Failure) {};
        o.working_directory = NULL;
        o.uid = 70000;                  /* not in the map */
        assert_int_equal(enter_spawn(&m->leader, &o, &pid, &pty, &f), -EINVAL);
        assert_non_null(strstr(f.text, "user 70000"));

        f = (Failure) {};
        o.uid = 0;
        m->leader.filter = (char *) "/no/such/filter";
        assert_int_equal(enter_spawn(&m->leader, &o, &pid, &pty, &f), -ENOENT);
        m->leader.filter = NULL;
        assert_int_equal(pid, 0);
}

static void test_enter_first_path_that_can_be_executed(void **state)
{
        char *const argv[] = { (char *) "sh", (char *) "-c", (char *) "exit 5", NULL };
        char *paths[] = { (char *) "/no/such/sh", (char *) "/etc", (char *) "/bin/sh", (char *) "/bin/false", NULL };
        bool refused = false;
        const EnterOptions o = { .path = "sh", .paths = paths, .argv = argv, .envp = environment, .ret_refused = &refused,
                                 .stdio = { -EBADF, -EBADF, -EBADF }, .stub = getenv("ENTER_STUB") };
        Machine *m = machine(state);
        int status = -1;
        Failure f = {};
        pid_t pid = 0;

        assert_int_equal(enter_spawn(&m->leader, &o, &pid, NULL, &f), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 5);
        assert_false(refused);

        /* One that is there, but cannot be executed, is the reason. */
        paths[2] = NULL;
        assert_int_equal(enter_spawn(&m->leader, &o, &pid, NULL, &f), -EACCES);
        assert_string_equal(f.text, "Failed to execute 'sh' in the machine: Permission denied");
        assert_true(refused);
}

static void test_enter_guard_hangs_up(void **state)
{
        char *const argv[] = { (char *) "sleep", (char *) "1000", NULL };
        int guard = -EBADF;
        const EnterOptions o = { .path = "/bin/sleep", .argv = argv, .envp = environment, .ret_guard = &guard,
                                 .stdio = { -EBADF, -EBADF, -EBADF }, .stub = getenv("ENTER_STUB") };
        Machine *m = machine(state);
        siginfo_t info = {};
        int status = -1;
        Failure f = {};
        pid_t pid = 0;

        assert_int_equal(enter_spawn(&m->leader, &o, &pid, NULL, &f), 0);
        close(guard);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);

        /* A byte: all is well. The guard ends, the program goes on. */
        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED), 0);
        assert_int_equal(enter_spawn(&m->leader, &o, &pid, NULL, &f), 0);
        assert_int_equal(write(guard, "", 1), 1);
        close(guard);
        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED), 0);
        assert_int_not_equal(info.si_pid, pid);
        assert_int_equal(info.si_status, EXIT_SUCCESS);
        assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* A machine with other files in place of the devices in /dev. */
static void test_enter_hostile_devices(void **state)
{
        char *const argv[] = { (char *) "true", NULL };
        Machine *m = machine(state);
        EnterOptions o = { .path = "/bin/true", .argv = argv, .envp = environment,
                           .stdio = { -EBADF, -EBADF, -EBADF }, .stub = getenv("ENTER_STUB") };
        int status, pty = -EBADF;
        _cleanup_free_ char *text = NULL;
        Failure f = {};
        pid_t pid;

        /* A FIFO would block open(); a file would be written to. */
        text = run(m, (EnterOptions) {}, "set -e; d=$(mktemp -d); mkfifo $d/f; echo >$d/r; "
                   "mount --bind $d/f /dev/ptmx; mount --bind $d/r /dev/null; rm -r $d", &status);
        assert_string_equal(text, "");
        assert_int_equal(status, 0);

        assert_int_equal(enter_spawn(&m->leader, &o, &pid, NULL, &f), -ENXIO);
        assert_non_null(strstr(f.text, "'/dev/null'"));
        f = (Failure) {};
        o.new_pty = true;
        assert_int_equal(enter_spawn(&m->leader, &o, &pid, &pty, &f), -ENXIO);
        assert_non_null(strstr(f.text, "'/dev/ptmx'"));
}

static void test_enter_leader_gone(void **state)
{
        char *const argv[] = { (char *) "true", NULL };
        Machine *m = machine(state);
        const EnterOptions o = { .path = "/bin/true", .argv = argv, .envp = environment,
                                 .stdio = { -EBADF, -EBADF, -EBADF }, .stub = getenv("ENTER_STUB") };
        Failure f = {};
        pid_t pid;

        kill(m->pid, SIGKILL);
        waitpid(m->pid, NULL, 0);
        assert_true(enter_spawn(&m->leader, &o, &pid, NULL, &f) < 0);
        assert_true(f.error < 0 && f.text[0]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_leader_open),
                cmocka_unit_test_setup_teardown(test_enter_namespaces_and_ids, setup, teardown),
                cmocka_unit_test_setup_teardown(test_enter_privileges, setup, teardown),
                cmocka_unit_test_setup_teardown(test_enter_leaks_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_enter_other_filter, setup, teardown),
                cmocka_unit_test_setup_teardown(test_enter_pty, setup, teardown),
                cmocka_unit_test_setup_teardown(test_enter_failures_are_returned, setup, teardown),
                cmocka_unit_test_setup_teardown(test_enter_first_path_that_can_be_executed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_enter_guard_hangs_up, setup, teardown),
                cmocka_unit_test_setup_teardown(test_enter_hostile_devices, setup, teardown),
                cmocka_unit_test_setup_teardown(test_enter_leader_gone, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
