/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Tries the parts of a start (see check-start.h): mounts (check-mounts.c), the program (check-program.c), limits, which a
 * process made for this gets by the start's own functions, and other machines that the unit depends on. box-run --check, as
 * root of the host or, with less to see, as any user.
 */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image/image.h"
#include "run/check-start.h"
#include "run/stage.h"
#include "util/fd.h"
#include "util/parse.h"

/* ---- limits ----------------------------------------------------------------------------------------------------- */

/* The one limit of the host that no privilege passes. */
static int check_files_limit(const Machine *m, Problems *problems)
{
        const struct rlimit *files = &m->plan.limits.rlimits[RLIMIT_NOFILE].value;
        _cleanup_free_ char *text = NULL;
        uint64_t most;

        if (!m->plan.limits.rlimits[RLIMIT_NOFILE].asked ||
            fd_read_file_at(AT_FDCWD, "/proc/sys/fs/nr_open", 64, &text, NULL) < 0)
                return 0;
        text[strcspn(text, "\n")] = '\0';
        if (parse_u64(text, &most) < 0 || files->rlim_max <= most)
                return 0;
        return problem_error(problems, m->plan.limits.rlimits[RLIMIT_NOFILE].from,
                             "LimitNOFILE= is above fs.nr_open of this host, %s", text);
}

/* Of a process that does nothing. */
static int apply_limits(const Machine *m, pid_t pid, Failure *failure)
{
        _cleanup_close_ int proc_fd = -EBADF;
        char path[40];
        int r;

        (void) snprintf(path, sizeof(path), "/proc/%d", pid);
        proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc_fd < 0)
                return 0;
        r = limits_apply_scheduling(&m->plan.limits, pid, proc_fd, failure);
        return r < 0 ? r : limits_apply_resources(&m->plan.limits, pid, /* asked= */ true, failure);
}

static int try_limits(const Machine *m, Problems *problems)
{
        Failure f = {};
        pid_t pid = fork();

        if (pid < 0)
                return 0;
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        (void) pause();
        }
        (void) apply_limits(m, pid, &f);
        (void) kill(pid, SIGKILL);
        (void) TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
        return f.error < 0 ? problem_error(problems, (Source) {}, "%s", f.text) : 0;
}

/* ---- other machines ---------------------------------------------------------------------------------------------- */

/* A start does not fail of it: systemd takes a machine that is not there for one that need not be started. */
static int check_machines(const Machine *m, const char *key, const StringList *names, Problems *problems)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < names->n; i++) {
                const char *name = names->items[i].value;
                Image image = { .fd = -EBADF };
                Failure why = {};
                int found = image_find(NULL, name, &image, &why);

                if (found >= 0)
                        image_done(&image);
                if (strcmp(name, m->name) == 0)
                        r = problem_warning(problems, names->items[i].from, "%s=%s: this is the machine itself", key, name);
                else if (found < 0 && found != -EACCES)
                        r = problem_warning(problems, names->items[i].from, "%s=%s: %s", key, name, why.text);
        }
        return r;
}

/* ---- together --------------------------------------------------------------------------------------------------- */

/* A disk image is not mounted for this: what a setting names in it is not there to be looked at. */
static int open_tree_root(const Machine *m)
{
        return m->image.kind == IMAGE_DIRECTORY || m->disk.tree.namespace_fd >= 0 ? machine_open_root(m, NULL) : -EBADF;
}

int check_start(Machine *m, Problems *problems)
{
        _cleanup_close_ int tree_fd = open_tree_root(m);
        int r;

        r = stage_lock_check(m, problems);
        if (r >= 0)
                r = check_mounts(m, tree_fd, problems);
        if (r >= 0)
                r = check_program(m, tree_fd, problems);
        if (r >= 0)
                r = geteuid() == 0 ? try_limits(m, problems) : check_files_limit(m, problems);
        if (r >= 0)
                r = stage_resources_check(m, problems);
        if (r >= 0)
                r = check_machines(m, "After", &m->settings.after, problems);
        return r < 0 ? r : check_machines(m, "Requires", &m->settings.requires, problems);
}
