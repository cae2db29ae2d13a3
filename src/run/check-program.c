/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The program of a start, its working directory and its SELinux context (see check-start.h). box-run --check, as root of the host
 * or as any user; nothing is executed. The payload's user may lack permissions that we have.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/check-place.h"
#include "run/check-start.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"

/* 0: it can be executed, or it cannot be known. -ENOENT, -ENOTDIR, -EACCES. */
static int look_at_file(const Machine *m, int tree_fd, const char *path, int *ret_fd)
{
        _cleanup_close_ int fd = check_place_open(&m->plan.mounts, m->plan.mounts.n, tree_fd, path);
        struct stat st;

        if (fd < 0)
                return fd == -EAGAIN ? 0 : fd;
        if (fstat(fd, &st) >= 0 && !(S_ISREG(st.st_mode) && st.st_mode & 0111))
                return -EACCES;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* "#!/bin/sh -e": the kernel executes that program. */
static int look_at_interpreter(const Machine *m, int tree_fd, int fd)
{
        _cleanup_close_ int script = fd_reopen(fd, O_RDONLY | O_NOCTTY | O_NONBLOCK), found = -EBADF;
        char line[256], *path = line + 2;
        ssize_t n = script < 0 ? -1 : read(script, line, sizeof(line) - 1);

        if (n < 3 || strncmp(line, "#!", 2) != 0)
                return 0;
        line[n] = '\0';
        path += strspn(path, " \t");
        if (*path != '/' || !path[strcspn(path, " \t\n")])
                return 0;
        path[strcspn(path, " \t\n")] = '\0';
        return look_at_file(m, tree_fd, path, &found);
}

static int look_at(const Machine *m, int tree_fd, const char *path)
{
        _cleanup_close_ int fd = -EBADF;
        int r = look_at_file(m, tree_fd, path, &fd);

        return r < 0 || fd < 0 ? r : look_at_interpreter(m, tree_fd, fd);
}

/* As execvp(3) searches: -EACCES if some directory has it, and none has one that can be executed. */
static int look_in_path(const Machine *m, int tree_fd, const char *program)
{
        const char *path = strv_env_get(m->plan.env, "PATH") ?: "/bin:/usr/bin";
        int r = -ENOENT;

        for (const char *p = path; p; p = strchr(p, ':') ? strchr(p, ':') + 1 : NULL) {
                _cleanup_free_ char *file = NULL;
                int found;

                if (*p != '/')
                        return 0;
                if (strf(&file, "%.*s/%s", (int) strcspn(p, ":"), p, program) < 0)
                        return 0;
                found = look_at(m, tree_fd, file);
                if (found >= 0)
                        return 0;
                r = found == -EACCES ? found : r;
        }
        return r;
}

static int check_executable(const Machine *m, int tree_fd, Problems *problems)
{
        const char *program = m->plan.exec_path;
        const Source from = m->settings.from[m->plan.start_mode == START_BOOT ? SETTING_BOOT : SETTING_PARAMETERS];
        int r = 0;

        if (program && *program == '/')
                r = look_at(m, tree_fd, program);
        else if (program && !strchr(program, '/'))
                r = look_in_path(m, tree_fd, program);
        return r < 0 ? problem_error(problems, from, "Failed to execute '%s': %s", program, strerror(-r)) : 0;
}

static int check_directory(const Machine *m, int tree_fd, Problems *problems)
{
        const Plan *p = &m->plan;
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r = 0;

        if (!p->working_directory || !p->working_directory_from.where)
                return 0;
        fd = check_place_open(&p->mounts, p->mounts.n, tree_fd, p->working_directory);
        if (fd >= 0)
                r = fstat(fd, &st) < 0 || S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
        else
                r = fd == -EAGAIN ? 0 : fd;
        return r < 0 ? problem_error(problems, p->working_directory_from, "Failed to change to WorkingDirectory=%s: %s",
                                     p->working_directory, strerror(-r)) : 0;
}

/* For a program that is never executed: we execute none. */
static int check_context(const Machine *m, Problems *problems)
{
        _cleanup_close_ int fd = m->plan.selinux_context && geteuid() == 0 ?
                open("/proc/thread-self/attr/exec", O_WRONLY | O_CLOEXEC) : -EBADF;
        int r;

        if (fd < 0)
                return 0;
        r = fd_write_all(fd, m->plan.selinux_context, strlen(m->plan.selinux_context));
        (void) fd_write_all(fd, "\n", 1);
        return r < 0 ? problem_error(problems, m->settings.from[SETTING_SELINUX_CONTEXT],
                                     "Failed to set the SELinux context '%s': %s", m->plan.selinux_context, strerror(-r)) : 0;
}

int check_program(const Machine *m, int tree_fd, Problems *problems)
{
        int r = check_executable(m, tree_fd, problems);

        if (r >= 0)
                r = check_directory(m, tree_fd, problems);
        return r < 0 ? r : check_context(m, problems);
}
