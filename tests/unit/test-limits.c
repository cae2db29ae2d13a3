/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plan-fixture.h"
#include "util/fd.h"

static void test_defaults(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan_fixture_init(&f, INIT_NONE);
        plan_fixture_plan(&f, "/bin/true");
        assert_int_equal(f.plan.limits.rlimits[RLIMIT_NPROC].value.rlim_max, 2000);
        assert_int_equal(f.plan.limits.rlimits[RLIMIT_NOFILE].value.rlim_max, 512 * 1024);
        assert_false(f.plan.limits.rlimits[RLIMIT_NOFILE].asked);
        assert_int_equal(f.plan.limits.oom_score_adjust, OOM_SCORE_UNSET);
        assert_true(cpu_set_is_empty(&f.plan.limits.cpus));
        assert_false(limits_plan_asks(&f.plan.limits));
}

static void test_settings(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;

        plan_fixture_init(&f, INIT_NONE);
        plan_fixture_plan(&f, "--rlimit=NOFILE=5:6 --oom-score-adjust=-7 --cpu-affinity=3,4 /bin/true");
        assert_int_equal(f.problems.n, 0);
        assert_int_equal(f.plan.limits.rlimits[RLIMIT_NOFILE].value.rlim_cur, 5);
        assert_true(f.plan.limits.rlimits[RLIMIT_NOFILE].asked);
        assert_string_equal(f.plan.limits.rlimits[RLIMIT_NOFILE].from.where, "--rlimit=");
        assert_int_equal(f.plan.limits.oom_score_adjust, -7);
        assert_true(cpu_set_has(&f.plan.limits.cpus, 4));
        assert_true(limits_plan_asks(&f.plan.limits));
}

/* ---- in force, on a process of ours --------------------------------------------------------------------------- */

typedef struct Victim {
        pid_t pid;
        int proc_fd;
} Victim;

static void victim_start(Victim *v)
{
        char path[64];

        v->pid = fork();
        assert_true(v->pid >= 0);
        if (v->pid == 0) {
                (void) pause();
                _exit(0);
        }
        (void) snprintf(path, sizeof(path), "/proc/%d", v->pid);
        v->proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(v->proc_fd >= 0);
}

static void victim_end(Victim *v)
{
        (void) kill(v->pid, SIGKILL);
        (void) waitpid(v->pid, NULL, 0);
        fd_close(v->proc_fd);
}

static void test_apply_resources(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture f;
        _cleanup_(victim_end) Victim v;
        struct rlimit have;
        Failure failure = {};

        victim_start(&v);
        plan_fixture_init(&f, INIT_NONE);
        plan_fixture_plan(&f, "--rlimit=CORE=0 --rlimit=FSIZE=5:6 /bin/true");
        assert_int_equal(limits_apply_resources(&f.plan.limits, v.pid, true, &failure), 0);
        assert_int_equal(prlimit(v.pid, RLIMIT_FSIZE, NULL, &have), 0);
        assert_int_equal(have.rlim_cur, 5);
        assert_int_equal(have.rlim_max, 6);
        assert_int_equal(prlimit(v.pid, RLIMIT_CORE, NULL, &have), 0);
        assert_int_equal(have.rlim_max, 0);
}

/* A default is cut to what can be had, what was asked for is not: above fs.nr_open it is nobody's to give. */
static void test_apply_resources_out_of_reach(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture cut, asked;
        _cleanup_(victim_end) Victim v;
        struct rlimit have;
        Failure failure = {};

        victim_start(&v);
        plan_fixture_init(&cut, INIT_NONE);
        plan_fixture_plan(&cut, "/bin/true");
        cut.plan.limits.rlimits[RLIMIT_NOFILE].value = (struct rlimit) { RLIM_INFINITY - 1, RLIM_INFINITY - 1 };
        assert_int_equal(limits_apply_resources(&cut.plan.limits, v.pid, false, &failure), 0);
        assert_int_equal(prlimit(v.pid, RLIMIT_NOFILE, NULL, &have), 0);
        assert_int_equal(have.rlim_cur, have.rlim_max);

        plan_fixture_init(&asked, INIT_NONE);
        plan_fixture_plan(&asked, "--rlimit=NOFILE=18446744073709551614 /bin/true");
        assert_int_equal(limits_apply_resources(&asked.plan.limits, v.pid, true, &failure), -EPERM);
        assert_non_null(strstr(failure.text, "--rlimit=: LimitNOFILE="));
}

static void test_apply_scheduling(void **state)
{
        _cleanup_(plan_fixture_done) PlanFixture good, bad;
        _cleanup_close_ int fd = -EBADF;
        _cleanup_(victim_end) Victim v;
        _cleanup_free_ char *text = NULL;
        Failure failure = {};

        victim_start(&v);
        plan_fixture_init(&good, INIT_NONE);
        plan_fixture_plan(&good, "--oom-score-adjust=900 /bin/true");
        assert_int_equal(limits_apply_scheduling(&good.plan.limits, v.pid, v.proc_fd, &failure), 0);
        fd = openat(v.proc_fd, "oom_score_adj", O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fd_read_all(fd, 64, &text, NULL), 0);
        assert_string_equal(text, "900\n");

        plan_fixture_init(&bad, INIT_NONE);
        plan_fixture_plan(&bad, "--cpu-affinity=8191 /bin/true");
        assert_int_equal(limits_apply_scheduling(&bad.plan.limits, v.pid, v.proc_fd, &failure), -EINVAL);
        assert_non_null(strstr(failure.text, "CPUAffinity=8191"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_settings),
                cmocka_unit_test(test_apply_resources),
                cmocka_unit_test(test_apply_resources_out_of_reach),
                cmocka_unit_test(test_apply_scheduling),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
