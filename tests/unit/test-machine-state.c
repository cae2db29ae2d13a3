/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload/machine-state.h"
#include "util/fd.h"
#include "util/strv.h"

typedef struct Place {
        char base[64], dir[80];
} Place;

static int setup(void **state)
{
        static Place p;

        (void) snprintf(p.base, sizeof(p.base), "/tmp/test-machine-state-XXXXXX");
        assert_non_null(mkdtemp(p.base));
        (void) snprintf(p.dir, sizeof(p.dir), "%s/box", p.base);
        *state = &p;
        return 0;
}

static int teardown(void **state)
{
        Place *p = *state;
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/.lock", p->dir);
        unlink(path);
        rmdir(p->dir);
        return rmdir(p->base);          /* nothing but the lock may be left */
}

static MachineState example(const char *name)
{
        return (MachineState) {
                .name = (char *) name,
                .leader = 4711,
                .supervisor = getpid(),
                .init = INIT_OPENRC,
                .booted = true,
                .root = (char *) "/var/lib/machines/x y",
                .unit = (char *) "box@x.service",
                .console = (char *) "read-only",
                .uid_base = 524288,
                .os = (char *) "Example Linux",
                .started_usec = 1700000000000000,
        };
}

static int write_new(Place *p, const MachineState *m, Failure *f)
{
        int r = machine_state_make_dir(p->dir, m->name, f);

        return r < 0 ? r : machine_state_write(p->dir, m, f);
}

static void put(Place *p, const char *name, const char *text, size_t size)
{
        char path[160];
        int fd;

        (void) snprintf(path, sizeof(path), "%s/%s", p->dir, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, text, size), 0);
        close(fd);
}

static bool exists(Place *p, const char *name)
{
        char path[160];

        (void) snprintf(path, sizeof(path), "%s/%s", p->dir, name);
        return access(path, F_OK) == 0;
}

static void test_machine_state_round_trip(void **state)
{
        Place *p = *state;
        _cleanup_strv_ char **links = NULL;
        MachineState m = example("x"), back;
        Failure f = {};

        assert_int_equal(strv_extend(&links, "ve-x host0"), 0);
        assert_int_equal(strv_extend(&links, "mv-eth0"), 0);
        m.links = links;
        assert_int_equal(write_new(p, &m, &f), 0);
        assert_int_equal(machine_state_read(p->dir, "x", &back), 0);

        assert_string_equal(back.name, "x");
        assert_int_equal(back.leader, 4711);
        assert_int_equal(back.supervisor, getpid());
        assert_true(back.supervisor_start > 0);
        assert_int_equal(back.init, INIT_OPENRC);
        assert_true(back.booted);
        assert_false(back.seccomp_default);
        assert_string_equal(back.root, "/var/lib/machines/x y");
        assert_string_equal(back.unit, "box@x.service");
        assert_string_equal(back.console, "read-only");
        assert_int_equal(back.uid_base, 524288);
        assert_string_equal(back.os, "Example Linux");
        assert_int_equal(back.started_usec, 1700000000000000);
        assert_int_equal(strv_length(back.links), 2);
        assert_string_equal(back.links[0], "ve-x host0");
        machine_state_done(&back);

        machine_state_remove(p->dir, "x");
        assert_int_equal(machine_state_read(p->dir, "x", &back), -ENOENT);
}

/* The OS name of a payload cannot forge another line. */
static void test_machine_state_values_stay_in_their_line(void **state)
{
        static const char *const hostile[] = {
                "Evil\nSUPERVISOR=1\nROOT=/", "\n", "\r\x1b[2J\x7f", "back\\slash \\x0a", "", "=", "\\", "\\x0",
        };
        Place *p = *state;

        for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
                MachineState m = example("x"), back;
                Failure f = {};

                m.os = (char *) hostile[i];
                m.links = (char *[]) { (char *) hostile[i], NULL };
                assert_int_equal(write_new(p, &m, &f), 0);
                assert_int_equal(machine_state_read(p->dir, "x", &back), 0);
                assert_string_equal(back.os, hostile[i]);
                assert_string_equal(back.links[0], hostile[i]);
                assert_int_equal(back.supervisor, getpid());
                assert_string_equal(back.root, "/var/lib/machines/x y");
                machine_state_done(&back);
        }
        machine_state_remove(p->dir, "x");
}

static pid_t dead_pid(void)
{
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        return pid;
}

static void test_machine_state_stale_is_removed(void **state)
{
        Place *p = *state;
        MachineState m = example("x"), back;
        Failure f = {};

        /* The supervisor is gone; then its PID is reused by another process, this one. */
        for (unsigned i = 0; i < 2; i++) {
                m.supervisor = i == 0 ? dead_pid() : getpid();
                m.supervisor_start = 1;
                assert_int_equal(write_new(p, &m, &f), 0);
                put(p, "x/filter", "", 0);
                assert_true(exists(p, "x/filter"));

                assert_int_equal(machine_state_read(p->dir, "x", &back), -ENOENT);
                assert_false(exists(p, "x"));
        }
}

/* Until it has written its state, a machine does not run, and nobody takes its directory for a stale one. */
static void test_machine_state_new_directory(void **state)
{
        MachineState m = example("x"), back, *list = NULL;
        Place *p = *state;
        Failure f = {};
        size_t n = 77;

        m.supervisor_start = 1;
        assert_int_equal(write_new(p, &m, &f), 0);
        put(p, "x/filter", "", 0);
        assert_int_equal(machine_state_make_dir(p->dir, "x", &f), 0);
        assert_true(exists(p, "x"));
        assert_false(exists(p, "x/filter"));

        assert_int_equal(machine_state_set_note(p->dir, "x", "a note"), 0);
        assert_int_equal(machine_state_read(p->dir, "x", &back), -ENOENT);
        assert_int_equal(machine_state_list(p->dir, &list, &n), 0);
        assert_int_equal(n, 0);
        assert_true(exists(p, "x/note"));
        machine_state_remove(p->dir, "x");
        assert_false(exists(p, "x"));
}

static void test_machine_state_write_needs_a_supervisor(void **state)
{
        Place *p = *state;
        MachineState m = example("x");
        Failure f = {};

        m.supervisor = dead_pid();
        assert_int_equal(write_new(p, &m, &f), -ENOENT);
        assert_non_null(strstr(f.text, "'x'"));
        machine_state_remove(p->dir, "x");
}

static void test_machine_state_names(void **state)
{
        static const char *const bad[] = { "", ".", "..", "../x", "a/b", ".x", "a b", "x\n" };
        Place *p = *state;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                MachineState m = example(bad[i]), back;
                char *path = NULL;

                assert_int_equal(machine_state_make_dir(p->dir, bad[i], NULL), -EINVAL);
                assert_int_equal(machine_state_write(p->dir, &m, NULL), -EINVAL);
                assert_int_equal(machine_state_lock_path(p->dir, bad[i], &path), -EINVAL);
                assert_int_equal(machine_state_read(p->dir, bad[i], &back), -ENOENT);
                assert_int_equal(machine_state_path(p->dir, bad[i], "filter", &path), -EINVAL);
                machine_state_remove(p->dir, bad[i]);
        }
}

static void test_machine_state_broken_files(void **state)
{
        static const struct {
                const char *text;
                size_t size;
        } broken[] = {
#define TEXT(t) { t, sizeof(t) - 1 }
                TEXT(""), TEXT("LEADER=1\n"), TEXT("no equals sign\n"), TEXT("LEADER=-1\nSUPERVISOR=1\n"),
                TEXT("LEADER=1\nSUPERVISOR=99999999999\n"), TEXT("LEADER=1\nSUPERVISOR=1\nINIT=wizardry\n"),
                TEXT("LEADER=1\nSUPERVISOR=1\nBOOTED=perhaps\n"), TEXT("LEADER=1\0\nSUPERVISOR=1\n"),
        };
        Place *p = *state;
        MachineState back, *list = NULL;
        size_t n = 0;

        assert_int_equal(machine_state_make_dir(p->dir, "x", NULL), 0);
        for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
                put(p, "x/state", broken[i].text, broken[i].size);
                assert_int_equal(machine_state_read(p->dir, "x", &back), -EBADMSG);
                assert_int_equal(machine_state_list(p->dir, &list, &n), 0);
                assert_int_equal(n, 0);
        }
        machine_state_remove(p->dir, "x");
}

static void test_machine_state_list(void **state)
{
        static const char *const names[] = { "web", "db", "machines", "journal", "ports", "locks", "a-1" };
        static const char *const sorted[] = { "a-1", "db", "journal", "locks", "machines", "ports", "web" };
        Place *p = *state;
        MachineState *list = NULL, stale = example("gone");
        Failure f = {};
        size_t n = 77;

        assert_int_equal(machine_state_list(p->dir, &list, &n), 0);
        assert_int_equal(n, 0);

        stale.supervisor_start = 1;
        assert_int_equal(write_new(p, &stale, &f), 0);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                MachineState m = example(names[i]);

                assert_int_equal(write_new(p, &m, &f), 0);
        }
        put(p, "web/filter", "", 0);
        put(p, "README~", "", 0);

        assert_int_equal(machine_state_list(p->dir, &list, &n), 0);
        assert_int_equal(n, ARRAY_SIZE(sorted));
        for (size_t i = 0; i < n; i++)
                assert_string_equal(list[i].name, sorted[i]);
        machine_state_free_list(list, n);

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                machine_state_remove(p->dir, names[i]);
        {
                char path[160];

                (void) snprintf(path, sizeof(path), "%s/README~", p->dir);
                assert_int_equal(unlink(path), 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_machine_state_round_trip, setup, teardown),
                cmocka_unit_test_setup_teardown(test_machine_state_values_stay_in_their_line, setup, teardown),
                cmocka_unit_test_setup_teardown(test_machine_state_stale_is_removed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_machine_state_new_directory, setup, teardown),
                cmocka_unit_test_setup_teardown(test_machine_state_write_needs_a_supervisor, setup, teardown),
                cmocka_unit_test_setup_teardown(test_machine_state_names, setup, teardown),
                cmocka_unit_test_setup_teardown(test_machine_state_broken_files, setup, teardown),
                cmocka_unit_test_setup_teardown(test_machine_state_list, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
