/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The tree of control groups that `status` shows (see cgroup-tree.h). Reads /sys/fs/cgroup and /proc, which takes no
 * privilege. A payload chooses names of groups and processes: they are made printable, and depth and number are limited.
 * Those that vanish meanwhile are left out.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/cgroup-tree.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"

enum { DEPTH_MAX = 12, PROCESSES_MAX = 50, COMMAND_MAX = 4096 };

typedef struct Drawing {
        FILE *f;
        size_t width;
} Drawing;

/* One line. */
static void draw(const Drawing *d, const char *prefix, const char *branch, const char *text)
{
        _cleanup_free_ char *line = NULL;

        if (strf(&line, "%s%s%s", prefix, branch, text) < 0)
                return;
        text_make_printable(line);
        print_cut(d->f, line, d->width);
}

/* "123 /sbin/init --x", or with the name where there is no command line. The caller frees it. NULL: gone. */
static char *describe_process(const char *pid)
{
        _cleanup_free_ char *command = NULL;
        _cleanup_close_ int fd = -EBADF;
        char path[64], *s;
        ssize_t n;

        command = calloc(1, COMMAND_MAX + 1);
        (void) snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (!command || fd < 0)
                return NULL;
        n = read(fd, command, COMMAND_MAX);
        for (ssize_t i = 0; i < n; i++)
                if (command[i] == '\0' || command[i] == '\n')
                        command[i] = ' ';
        while (n > 0 && command[n - 1] == ' ')
                command[--n] = '\0';
        if (n <= 0) {
                fd_close(TAKE_FD(fd));
                (void) snprintf(path, sizeof(path), "/proc/%s/comm", pid);
                fd = open(path, O_RDONLY | O_CLOEXEC);
                n = fd < 0 ? 0 : read(fd, command, COMMAND_MAX);
                if (n <= 0)
                        return NULL;
                command[strcspn(command, "\n")] = '\0';
        }
        return strf(&s, "%s %s", pid, command) < 0 ? NULL : s;
}

static int compare_numbers(const void *a, const void *b)
{
        uint64_t x = 0, y = 0;

        (void) parse_u64(*(char *const *) a, &x);
        (void) parse_u64(*(char *const *) b, &y);
        return x < y ? -1 : x > y;
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Descriptions of the group's own processes. Those that our PID namespace does not have read "0" and are left out. */
static char **list_processes(int dir_fd)
{
        _cleanup_strv_ char **list = NULL, **pids = NULL;
        _cleanup_free_ char *text = NULL;

        if (fd_read_file_at(dir_fd, "cgroup.procs", 1024 * 1024, &text, NULL) < 0)
                return NULL;
        for (char *p = text; *p;) {
                size_t n = strcspn(p, "\n");
                bool more = p[n] == '\n';

                p[n] = '\0';
                if (strcmp(p, "0") != 0 && strv_extend(&pids, p) < 0)
                        return NULL;
                p += n + more;
        }
        if (pids)
                qsort(pids, strv_length(pids), sizeof(char *), compare_numbers);

        STRV_FOREACH(pid, pids) {
                char *s;

                if (strv_length(list) == PROCESSES_MAX) {
                        (void) strv_extend(&list, "…");
                        break;
                }
                s = describe_process(*pid);
                if (s && strv_consume(&list, s) < 0)
                        return NULL;
        }
        return TAKE_PTR(list);
}

/* Are there processes in it or below? If that cannot be read, it counts as populated. */
static bool is_populated(int dir_fd, const char *group)
{
        _cleanup_free_ char *path = NULL, *text = NULL;

        if (strf(&path, "%s/cgroup.events", group) < 0)
                return false;
        return fd_read_file_at(dir_fd, path, 4096, &text, NULL) < 0 || !strstr(text, "populated 0");
}

static char **list_groups(int dir_fd)
{
        _cleanup_strv_ char **list = NULL;
        _cleanup_closedir_ DIR *dir = NULL;
        struct dirent *e;
        int fd;

        fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                fd_close(fd);
                return NULL;
        }
        while ((e = readdir(dir)))
                if (e->d_type == DT_DIR && e->d_name[0] != '.' && is_populated(dir_fd, e->d_name) &&
                    strv_extend(&list, e->d_name) < 0)
                        return NULL;
        if (list)
                qsort(list, strv_length(list), sizeof(char *), compare_names);
        return TAKE_PTR(list);
}

static void draw_group(const Drawing *d, int dir_fd, const char *prefix, unsigned depth)
{
        _cleanup_strv_ char **processes = list_processes(dir_fd), **groups = NULL;
        size_t left;

        if (depth < DEPTH_MAX)
                groups = list_groups(dir_fd);
        left = strv_length(processes) + strv_length(groups);

        STRV_FOREACH(p, processes)
                draw(d, prefix, --left > 0 ? "├─" : "└─", *p);
        STRV_FOREACH(g, groups) {
                _cleanup_close_ int fd = openat(dir_fd, *g, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                _cleanup_free_ char *deeper = NULL;
                bool last = --left == 0;

                if (strf(&deeper, "%s%s", prefix, last ? "  " : "│ ") < 0)
                        return;
                draw(d, prefix, last ? "└─" : "├─", *g);
                if (fd >= 0)
                        draw_group(d, fd, deeper, depth + 1);
        }
}

void cgroup_tree_print(FILE *f, const char *root, const char *path, const char *prefix, size_t width)
{
        _cleanup_free_ char *full = NULL;
        _cleanup_close_ int fd = -EBADF;
        Drawing d = { f, width };

        if (strf(&full, "%s%s", root ?: "/sys/fs/cgroup", path) < 0)
                return;
        fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
                draw_group(&d, fd, prefix, 0);
}
