/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each test runs in a process of its own: signals and their mask are the process's. */

#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/loop.h"
#include "util/fd.h"

static bool never(void *userdata)
{
        return false;
}

static bool always(void *userdata)
{
        return true;
}

/* Returns how the child has ended. */
static int status_of(void (*test)(Loop *l))
{
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                Loop l = {};

                if (loop_open(&l) < 0)
                        _exit(100);
                test(&l);
                loop_close(&l);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}

static void in_child(void (*test)(Loop *l))
{
        int status = status_of(test);

        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

/* In the child, where cmocka's assertions cannot be told. */
#define CHECK(condition)                                                                                               \
        do {                                                                                                           \
                if (!(condition))                                                                                      \
                        _exit(__LINE__ % 90 + 1);                                                                      \
        } while (0)

static void cancel(Loop *l)
{
        static const int signals[] = { SIGHUP, SIGINT, SIGTERM };

        l->cancellable = true;
        CHECK(!loop_is_cancelled(l));
        CHECK(loop_wait(l, never, NULL, 1000) == -ETIMEDOUT);
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
                (void) raise(signals[i]);
                CHECK(loop_is_cancelled(l));
                CHECK(loop_wait(l, never, NULL, UINT64_MAX) == -ECANCELED);
                CHECK(l->stop_signal == signals[i] && l->stop_requests == 1);
                l->stop_requests = 0;
                l->stop_signal = 0;
        }
        loop_request_stop(l);
        CHECK(loop_run(l, UINT64_MAX) == -ECANCELED);
        /* A condition that is already true needs no waiting. */
        CHECK(loop_wait(l, always, NULL, UINT64_MAX) == 0);
}

/* The relay is our parent; each signal arrives from it and from others. */
static void relay(Loop *l)
{
        static const struct {
                bool relayed;
                unsigned expected;
        } signals[] = { { false, 1 }, { true, 1 }, { true, 2 }, { false, 2 }, { false, 3 }, { true, 3 } };

        l->relay = getpid();
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
                pid_t pid = signals[i].relayed ? 0 : fork();

                if (pid == 0)
                        (void) kill(l->relay, SIGTERM);
                if (pid == 0 && !signals[i].relayed)
                        _exit(0);
                CHECK(pid == 0 || waitpid(pid, NULL, 0) == pid);
                CHECK(loop_wait(l, never, NULL, 50000) == -ETIMEDOUT);
                CHECK(l->stop_requests == signals[i].expected);
        }
}

static void test_signals_of_a_relay_are_counted_once(void **state)
{
        in_child(relay);
}

static void test_request_cancels(void **state)
{
        in_child(cancel);
}

static unsigned calls;

static void count_call(void *userdata)
{
        calls++;
}

static bool was_called(void *userdata)
{
        return calls == 2;
}

static void call(Loop *l)
{
        l->on_stop = count_call;
        (void) raise(SIGTERM);
        (void) raise(SIGHUP);
        CHECK(!loop_is_cancelled(l));
        CHECK(loop_wait(l, was_called, NULL, UINT64_MAX) == 0);
        CHECK(l->stop_requests == 2);
}

static void test_request_calls_back(void **state)
{
        in_child(call);
}

/* The mask is inherited: loop_open() has taken nothing that its caller ignores. */
static void ignore(Loop *l)
{
        l->cancellable = true;
        (void) raise(SIGHUP);
        CHECK(!loop_is_cancelled(l));
        CHECK(loop_wait(l, never, NULL, 1000) == -ETIMEDOUT);
}

static void test_ignored_hangup_stays_ignored(void **state)
{
        (void) signal(SIGHUP, SIG_IGN);
        in_child(ignore);
        (void) signal(SIGHUP, SIG_DFL);
}

static void read_it(Loop *l)
{
        int pair[2];

        CHECK(pipe(pair) == 0);
        CHECK(write(pair[1], "x", 1) == 1);
        CHECK(loop_wait_readable(l, pair[0]) == 0);
        fd_close(pair[1]);
        CHECK(loop_wait_readable(l, pair[0]) == 0);
        /* Nothing of it stays in the loop. */
        CHECK(loop_wait(l, never, NULL, 1000) == -ETIMEDOUT);
        l->cancellable = true;
        CHECK(pipe(pair) == 0);
        (void) raise(SIGINT);
        CHECK(loop_wait_readable(l, pair[0]) == -ECANCELED);
}

static void test_wait_readable(void **state)
{
        in_child(read_it);
}

static void end_taken(Loop *l)
{
        l->cancellable = true;
        (void) raise(SIGHUP);
        CHECK(loop_wait(l, never, NULL, UINT64_MAX) == -ECANCELED);
        loop_close(l);
        loop_end_by_signal(l);
}

static void end_pending(Loop *l)
{
        (void) raise(SIGINT);
        loop_close(l);
        loop_end_by_signal(l);
}

static void end_by_systemd(Loop *l)
{
        loop_request_stop(l);
        loop_close(l);
        loop_end_by_signal(l);
}

static void test_end_by_signal(void **state)
{
        assert_int_equal(WTERMSIG(status_of(end_taken)), SIGHUP);
        assert_int_equal(WTERMSIG(status_of(end_pending)), SIGINT);
        assert_int_equal(WTERMSIG(status_of(end_by_systemd)), SIGTERM);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_request_cancels),
                cmocka_unit_test(test_signals_of_a_relay_are_counted_once),
                cmocka_unit_test(test_request_calls_back),
                cmocka_unit_test(test_ignored_hangup_stays_ignored),
                cmocka_unit_test(test_wait_readable),
                cmocka_unit_test(test_end_by_signal),
        };

        /* nohup(1) has it ignored, and children inherit that. */
        (void) signal(SIGHUP, SIG_DFL);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
