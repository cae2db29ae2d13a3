/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The stub init as a program, below this test and not as PID 1: so it never calls reboot(2), and its
 * exit status shows the request. Its payload is a shell, a child of the stub as in a machine.
 */

#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Has the process a handler for this signal? */
static bool catches(pid_t pid, int sig)
{
        unsigned long long mask = 0;
        char path[64], line[256];
        FILE *f;

        (void) snprintf(path, sizeof(path), "/proc/%d/status", pid);
        f = fopen(path, "re");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f))
                (void) sscanf(line, "SigCgt: %llx", &mask);
        fclose(f);
        return mask >> (sig - 1) & 1;
}

/* Runs the stub with a shell script as payload and sends it the signals. Returns its exit status. The script writes a byte to
 * descriptor 3 when it is ready. */
static int run(const char *script, const int *signals)
{
        int ready[2], status = -1;
        pid_t pid;
        char byte;

        assert_int_equal(pipe(ready), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                char number[16];
                sigset_t all;
                pid_t payload;

                (void) sigfillset(&all);
                (void) sigprocmask(SIG_BLOCK, &all, NULL);
                payload = fork();
                if (payload == 0) {
                        (void) sigemptyset(&all);
                        (void) sigprocmask(SIG_SETMASK, &all, NULL);
                        (void) dup2(ready[1], 3);
                        (void) execl("/bin/sh", "sh", "-c", script, (char *) NULL);
                        _exit(127);
                }
                (void) snprintf(number, sizeof(number), "%d", payload);
                (void) execl(getenv("STUB_INIT"), "box-init", number, (char *) NULL);
                _exit(127);
        }

        (void) close(ready[1]);
        if (signals) {
                assert_int_equal(read(ready[0], &byte, 1), 1);
                while (!catches(pid, SIGINT) || !catches(pid, SIGRTMIN + 4))
                        (void) usleep(1000);
                assert_true(catches(pid, SIGTERM));
                for (; *signals; signals++)
                        assert_int_equal(kill(pid, *signals), 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        (void) close(ready[0]);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_returns_the_payload_s_status(void **state)
{
        assert_int_equal(run("exit 0", NULL), 0);
        assert_int_equal(run("exit 7", NULL), 7);
        assert_int_equal(run("kill -9 $$", NULL), 128 + 9);
}

/* An orphan that ends first is not the payload. */
static void test_reaps_others(void **state)
{
        assert_int_equal(run("(sh -c 'exit 3' & ) ; sleep 0.2; exit 4", NULL), 4);
}

static void test_sends_both_signals(void **state)
{
        const int asks[] = { SIGRTMIN + 3, SIGRTMIN + 4, SIGRTMIN + 13, SIGRTMIN + 14 };

        for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
                const int signals[] = { asks[i], 0 };

                /* The exit status is that of a requested power-off, not the payload's. */
                assert_int_equal(run("trap 'exit 5' TERM; echo >&3; while :; do sleep 0.05; done", signals), 0);
                assert_int_equal(run("trap : TERM; trap 'exit 5' HUP; echo >&3; while :; do sleep 0.05; done", signals), 0);
        }
}

/* Without the privilege to reboot, a reboot fails. */
static void test_reboot_without_privilege(void **state)
{
        const int asks[] = { SIGINT, SIGRTMIN + 5, SIGRTMIN + 6, SIGRTMIN + 15, SIGRTMIN + 16 };

        for (size_t i = 0; i < ARRAY_SIZE(asks); i++) {
                const int signals[] = { asks[i], 0 };

                assert_int_equal(run("echo >&3; exec sleep 100", signals), 1);
        }
}

static void test_ignores_others(void **state)
{
        const int signals[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGRTMIN + 1, 0 };

        assert_int_equal(run("echo >&3; sleep 0.3; exit 6", signals), 6);
}

static void test_needs_a_payload(void **state)
{
        static const char *const bad[] = { NULL, "", "x", "1", "0", "-5", "4294967296" };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                int status = -1;
                pid_t pid = fork();

                if (pid == 0) {
                        (void) execl(getenv("STUB_INIT"), "box-init", bad[i], (char *) NULL);
                        _exit(127);
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFEXITED(status));
                assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_returns_the_payload_s_status),
                cmocka_unit_test(test_reaps_others),
                cmocka_unit_test(test_sends_both_signals),
                cmocka_unit_test(test_reboot_without_privilege),
                cmocka_unit_test(test_ignores_others),
                cmocka_unit_test(test_needs_a_payload),
        };

        /* nohup(1) has it ignored, and children inherit that. */
        (void) signal(SIGHUP, SIG_DFL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
