/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The kind of a tree's /sbin/init: by the name of the file that it leads to, where distributions make it a link
 * (systemd, busybox, runit, finit, dinit, openrc-init), else by paths in the program's contents (control files,
 * configuration). Other files of the tree (/etc/inittab, a leftover package) prove nothing of PID 1; /etc/inittab says which
 * programs sysvinit and busybox start services with. The supervisor and boxctl, as root, on a hostile tree: a wrong answer costs
 * a clean shutdown of that machine, no more.
 */

#include <string.h>

#include "image/init-flavour.h"
#include "util/tree.h"

/* A real init is far smaller, and so are inittab and its scripts. Larger files are not read. */
enum { INIT_SIZE_MAX = 4 * 1024 * 1024, SCRIPT_SIZE_MAX = 64 * 1024 };

static const char *const names[_INIT_FLAVOUR_MAX] = {
        [INIT_NONE] = "none",
        [INIT_SYSTEMD] = "systemd",
        [INIT_SYSVINIT] = "sysvinit",
        [INIT_SYSVINIT_OPENRC] = "sysvinit+openrc",
        [INIT_OPENRC] = "openrc",
        [INIT_BUSYBOX] = "busybox",
        [INIT_BUSYBOX_OPENRC] = "busybox+openrc",
        [INIT_RUNIT] = "runit",
        [INIT_FINIT] = "finit",
        [INIT_S6] = "s6",
        [INIT_DINIT] = "dinit",
        [INIT_OTHER] = "other",
};

const char *init_flavour_name(InitFlavour f)
{
        return f < _INIT_FLAVOUR_MAX ? names[f] : NULL;
}

int init_flavour_from_name(const char *name)
{
        for (int i = 0; i < _INIT_FLAVOUR_MAX; i++)
                if (strcmp(names[i], name) == 0)
                        return i;
        return -EINVAL;
}

/* By the last component of the resolved path. */
static InitFlavour by_name(const char *path)
{
        static const struct {
                const char *name;
                InitFlavour flavour;
        } known[] = {
                { "systemd", INIT_SYSTEMD },
                { "openrc-init", INIT_OPENRC },
                { "busybox", INIT_BUSYBOX },
                { "busybox.static", INIT_BUSYBOX },
                { "busybox-static", INIT_BUSYBOX },
                { "busybox.nosuid", INIT_BUSYBOX },
                { "runit-init", INIT_RUNIT },
                { "runit", INIT_RUNIT },
                { "finit", INIT_FINIT },
                { "s6-linux-init", INIT_S6 },
                { "dinit", INIT_DINIT },
        };
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (strcmp(name, known[i].name) == 0)
                        return known[i].flavour;
        return INIT_OTHER;
}

/* By text that only this init's program (or script, for s6) has. The order matters: finit and openrc-init can mention
 * sysvinit's files, for compatibility. */
static InitFlavour by_content(const char *text, size_t size)
{
        static const struct {
                const char *mark, *and_mark;
                InitFlavour flavour;
        } marks[] = {
                { "BusyBox v", NULL, INIT_BUSYBOX },
                { "/run/openrc/init.ctl", NULL, INIT_OPENRC },
                { "/etc/finit.conf", NULL, INIT_FINIT },
                { "stopit", "runit", INIT_RUNIT },
                { "s6-linux-init", NULL, INIT_S6 },
                { "/etc/dinit.d", NULL, INIT_DINIT },
                { "/run/initctl", "/etc/inittab", INIT_SYSVINIT },      /* since sysvinit 2.89 */
                { "/dev/initctl", "/etc/inittab", INIT_SYSVINIT },      /* before */
        };

        for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
                const char *and_mark = marks[i].and_mark;

                if (memmem(text, size, marks[i].mark, strlen(marks[i].mark)) &&
                    (!and_mark || memmem(text, size, and_mark, strlen(and_mark))))
                        return marks[i].flavour;
        }
        return INIT_OTHER;
}

/* Is it openrc, or (Debian) a script that executes it? */
static bool is_openrc(int root_fd, const char *program)
{
        const char *slash = strrchr(program, '/');
        _cleanup_free_ char *text = NULL;

        if (strcmp(slash ? slash + 1 : program, "openrc") == 0)
                return true;
        return tree_read(root_fd, program, SCRIPT_SIZE_MAX, &text, NULL) >= 0 && strncmp(text, "#!", 2) == 0 &&
               strstr(text, "/openrc ");
}

/* "ID:RUNLEVELS:sysinit:PROGRAM …" in inittab is what PID 1 starts first. */
static bool starts_openrc(int root_fd)
{
        _cleanup_free_ char *text = NULL;
        char *rest, *line;

        if (tree_read(root_fd, "/etc/inittab", SCRIPT_SIZE_MAX, &text, NULL) < 0)
                return false;
        rest = text;
        while ((line = strsep(&rest, "\n"))) {
                char *action = *line == '#' ? NULL : strstr(line, ":sysinit:");
                char *program = action ? action + strlen(":sysinit:") : NULL;

                if (!program)
                        continue;
                program += strspn(program, "+-");
                program[strcspn(program, " \t")] = '\0';
                if (is_openrc(root_fd, program))
                        return true;
        }
        return false;
}

static InitFlavour with_services(int root_fd, InitFlavour pid1)
{
        InitFlavour with = pid1 == INIT_SYSVINIT ? INIT_SYSVINIT_OPENRC : INIT_BUSYBOX_OPENRC;

        return (pid1 == INIT_SYSVINIT || pid1 == INIT_BUSYBOX) && starts_openrc(root_fd) ? with : pid1;
}

static int flavour_of_program(int root_fd, const char *path, InitFlavour *ret)
{
        _cleanup_free_ char *real = NULL, *text = NULL;
        size_t size;
        int r;

        *ret = INIT_NONE;
        if (tree_is_executable(root_fd, path) <= 0)
                return 0;

        r = tree_canonicalize(root_fd, path, &real);
        if (r == -ENOMEM)
                return r;
        *ret = r < 0 ? INIT_OTHER : by_name(real);
        if (*ret != INIT_OTHER)
                return 0;

        r = tree_read(root_fd, path, INIT_SIZE_MAX, &text, &size);
        if (r == -ENOMEM)
                return r;
        if (r >= 0)
                *ret = by_content(text, size);
        return 0;
}

int init_flavour_of(int root_fd, const char *path, InitFlavour *ret)
{
        int r = flavour_of_program(root_fd, path, ret);

        if (r >= 0)
                *ret = with_services(root_fd, *ret);
        return r;
}
