/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs box-run --json (see dry-run.h), with the rights of boxctl's caller. */

#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus/systemd1.h"
#include "ctl/dry-run.h"
#include "ctl/unit-command.h"
#include "image/machine-name.h"
#include "payload/machine-state.h"
#include "util/fd.h"
#include "util/strv.h"

enum { OUTPUT_MAX_BYTES = 64 * 1024 * 1024, VALUES_MAX = 1000 * 1000 };

extern char **environ;

/* The unit's command, with our switches first: it may end with the command line of a payload. */
static int make_argv(const UnitCommand *command, const char *const *switches, char ***ret)
{
        _cleanup_strv_ char **argv = NULL;
        int r;

        r = strv_extend(&argv, "box-run");
        for (; r >= 0 && *switches; switches++)
                r = strv_extend(&argv, *switches);
        for (char **word = command->argv ? command->argv + 1 : NULL; r >= 0 && word && *word; word++)
                r = strv_extend(&argv, *word);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(argv);
        return 0;
}

static int make_environment(const UnitCommand *command, char ***ret)
{
        _cleanup_strv_ char **env = NULL;
        int r = 0;

        for (char **e = environ; r >= 0 && e && *e; e++)
                r = strv_extend(&env, *e);
        STRV_FOREACH(e, command->environment) {
                const char *equals = strchr(*e, '=');
                _cleanup_free_ char *name = strndup(*e, strcspn(*e, "="));

                if (r >= 0)
                        r = name && equals ? strv_env_set(&env, name, equals + 1) : -ENOMEM;
        }
        if (r < 0)
                return r;

        *ret = TAKE_PTR(env);
        return 0;
}

/* *ret: its standard output; *ret_status: of waitpid(). */
static int spawn(const char *path, const char *directory, char **argv, char **env, char **ret, int *ret_status)
{
        _cleanup_close_ int in = -EBADF, out = -EBADF;
        posix_spawn_file_actions_t actions;
        int fds[2], status, r;
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        in = fds[0];
        out = fds[1];
        r = posix_spawn_file_actions_init(&actions);
        if (r == 0)
                r = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        if (r == 0 && directory)
                r = posix_spawn_file_actions_addchdir_np(&actions, directory);
        if (r == 0)
                r = posix_spawn(&pid, path, &actions, NULL, argv, env);
        (void) posix_spawn_file_actions_destroy(&actions);
        if (r != 0)
                return -r;

        out = fd_close(out);
        r = fd_read_all(in, OUTPUT_MAX_BYTES, ret, NULL);
        in = fd_close(in);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;

        *ret_status = status;
        return r;
}

static bool is_box_run(const char *path)
{
        const char *slash = strrchr(path, '/');

        return strcmp(slash ? slash + 1 : path, "box-run") == 0;
}

static int run(const UnitCommand *command, const char *directory, const char *const *switches, Json **ret, Failure *failure)
{
        _cleanup_strv_ char **argv = NULL, **env = NULL;
        _cleanup_free_ char *text = NULL;
        Failure unread = { 0 };
        int status, r;

        r = make_argv(command, switches, &argv);
        if (r >= 0)
                r = make_environment(command, &env);
        if (r < 0)
                return failure_set(failure, r, "Out of memory");
        r = spawn(command->path, directory, argv, env, &text, &status);
        if (r < 0)
                return failure_set(failure, r, "Failed to run %s: %m", command->path);

        if (!*text)
                return failure_set(failure, -EIO, "%s %s failed%s", command->path, *switches, is_box_run(command->path) ? "" :
                                   "; the unit does not run box-run, whose settings could be checked");
        r = json_read(text, strlen(text), VALUES_MAX, ret, &unread);
        return r < 0 ? failure_set(failure, r, "Failed to read the output of %s: %s", command->path, unread.text) : 0;
}

static int run_unit(Ctl *c, const char *unit, const char *const *switches, Json **ret, Failure *failure)
{
        _cleanup_(unit_command_done) UnitCommand command = { 0 };
        sd_bus *bus = ctl_bus(c, failure);
        int r;

        if (!bus)
                return failure->error;
        r = systemd1_unit_command(bus, unit, &command, failure);
        if (r >= 0)
                r = unit_command_complete(&command, unit, failure);
        return r < 0 ? r : run(&command, NULL, switches, ret, failure);
}

/* Words that end with a NUL each. */
static int read_words(pid_t pid, const char *file, char ***ret)
{
        _cleanup_free_ char *text = NULL;
        char path[64];
        size_t size;
        int r;

        (void) snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
        r = fd_read_file_at(AT_FDCWD, path, OUTPUT_MAX_BYTES, &text, &size);
        for (const char *word = text; r >= 0 && word < text + size; word += strlen(word) + 1)
                r = strv_extend(ret, word);
        return r;
}

/* Of a machine that was started by hand, its supervisor's command line says how. */
static int run_by_hand(pid_t supervisor, const char *const *switches, Json **ret, Failure *failure)
{
        static const char gone[] = " (deleted)";        /* there may be a newer one */
        _cleanup_(unit_command_done) UnitCommand command = { 0 };
        char link[64], directory[64], path[PATH_MAX];
        ssize_t n;
        int r;

        (void) snprintf(link, sizeof(link), "/proc/%d/exe", supervisor);
        (void) snprintf(directory, sizeof(directory), "/proc/%d/cwd", supervisor);
        n = readlink(link, path, sizeof(path) - 1);
        r = n < 0 ? -errno : read_words(supervisor, "cmdline", &command.argv);
        if (r >= 0)
                r = read_words(supervisor, "environ", &command.environment);
        if (r < 0)
                return failure_set(failure, r, "Failed to read the command line of box-run (process %d): %m", supervisor);
        path[n] = 0;
        if ((size_t) n > strlen(gone) && strcmp(path + n - strlen(gone), gone) == 0)
                path[(size_t) n - strlen(gone)] = 0;
        command.path = strdup(path);
        return command.path ? run(&command, directory, switches, ret, failure) : failure_set(failure, -ENOMEM, "Out of memory");
}

int dry_run_with(Ctl *c, const char *name, const char *const *switches, Json **ret, Failure *failure)
{
        _cleanup_(machine_state_done) MachineState state = { 0 };
        _cleanup_free_ char *unit = machine_unit_name(name);

        if (!unit)
                return failure_set(failure, -ENOMEM, "Out of memory");
        if (geteuid() == 0 && machine_state_read(NULL, name, &state) >= 0 && (!state.unit || strcmp(state.unit, unit) != 0))
                return run_by_hand(state.supervisor, switches, ret, failure);
        return run_unit(c, unit, switches, ret, failure);
}

int dry_run(Ctl *c, const char *name, const char *instead, Json **ret, Failure *failure)
{
        const char *const switches[] = { "--json", instead, NULL };

        return dry_run_with(c, name, switches, ret, failure);
}

size_t dry_run_report(const char *name, const JsonNode *dry)
{
        size_t n_fatal = 0;

        JSON_FOREACH(problem, json_member(dry, "problems")) {
                const char *text = json_member_string(problem, "text");
                bool fatal = json_member_bool(problem, "fatal");

                n_fatal += fatal;
                if (fatal)
                        (void) log_error(0, "%s: %s", name, text ? text : "?");
                else
                        log_warning(0, "%s: %s", name, text ? text : "?");
        }
        return n_fatal;
}
