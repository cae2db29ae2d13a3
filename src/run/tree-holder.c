/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Names who has a tree that is in use: a machine of box or of systemd-nspawn, or any program that takes its locks (machined and
 * importd while they copy it). The supervisor, as root of the host, for messages: what cannot be found out is left out.
 */

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "payload/machine-state.h"
#include "run/machined-file.h"
#include "run/tree-holder.h"
#include "util/fd.h"
#include "util/libsystemd.h"
#include "util/print.h"

typedef struct Holder {
        pid_t pid;              /* 0: unknown */
        char *machine;          /* NULL: none, or unknown */
        bool ours;              /* box runs it */
} Holder;

static bool has_root(const char *machine, const char *path)
{
        MachinedFile f;
        bool same;

        if (machined_file_read(machine, &f) < 0)
                return false;
        same = f.root && strcmp(f.root, path) == 0;
        machined_file_done(&f);
        return same;
}

static void find_machine_of_box(const char *path, Holder *h)
{
        MachineState *states = NULL;
        size_t n = 0;

        (void) machine_state_list(NULL, &states, &n);
        for (size_t i = 0; i < n && !h->machine; i++)
                if (h->pid == states[i].supervisor || (states[i].root && strcmp(states[i].root, path) == 0)) {
                        h->machine = strdup(states[i].name);
                        h->ours = h->machine;
                }
        machine_state_free_list(states, n);
}

static void find_machine_of_machined(const char *path, Holder *h)
{
        _cleanup_closedir_ DIR *d = opendir(MACHINED_DIR);
        struct dirent *e;

        while (d && !h->machine && (e = readdir(d)))
                if (e->d_type == DT_REG && has_root(e->d_name, path))
                        h->machine = strdup(e->d_name);
}

/* The tree is locked. */
static void find_holder(const Image *i, pid_t pid, Holder *ret)
{
        *ret = (Holder) { .pid = pid };
        find_machine_of_box(i->path, ret);
        if (!ret->machine)
                find_machine_of_machined(i->path, ret);
}

const char *process_text(pid_t pid, char ret[static PROCESS_TEXT_MAX])
{
        _cleanup_free_ char *name = NULL, *unit = NULL;
        char path[40];

        *ret = '\0';
        if (pid <= 0)
                return ret;
        (void) snprintf(path, sizeof(path), "/proc/%d/comm", pid);
        if (fd_read_file_at(AT_FDCWD, path, 64, &name, NULL) >= 0)
                name[strcspn(name, "\n")] = '\0';
        (void) sd_pid_get_unit(pid, &unit);
        (void) snprintf(ret, PROCESS_TEXT_MAX, " (%s%sprocess %d%s%s)", name ?: "", name ? ", " : "", pid, unit ? ", unit " : "",
                        unit ?: "");
        return ret;
}

static int refuse(const Image *i, const Holder *h, Failure *failure)
{
        char process[PROCESS_TEXT_MAX];

        if (h->machine)
                return failure_set(failure, -EBUSY, "The tree %s is in use by machine '%s'%s", i->path, h->machine,
                                   process_text(h->pid, process));
        return failure_set(failure, -EBUSY, "The tree %s is in use by another program%s", i->path,
                           process_text(h->pid, process));
}

int tree_lock(const Image *i, bool read_only, ImageLock *ret, Failure *failure)
{
        Failure own = {};
        Holder h = {};
        pid_t pid = 0;
        int r;

        r = image_lock(i, read_only, NULL, ret, &own);
        if (r >= 0)
                return r;
        if (r != -EBUSY)
                return failure_set(failure, r, "%s", own.text);
        (void) image_is_locked(i, read_only, NULL, &pid);
        find_holder(i, pid, &h);
        r = refuse(i, &h, failure);
        free(h.machine);
        return r;
}

/* A start of the unit stops the unit of systemd-nspawn of the same name: Conflicts= of box@.service. */
static bool gives_way(const Machine *m, pid_t pid)
{
        _cleanup_free_ char *unit = NULL, *other = NULL;

        return m->settings.keep_unit && pid > 0 && sd_pid_get_unit(pid, &unit) >= 0 &&
               strf(&other, "systemd-nspawn@%s.service", m->name) >= 0 && strcmp(unit, other) == 0;
}

int tree_lock_check(const Machine *m, bool read_only, Problems *problems)
{
        Failure f = {};
        Holder h = {};
        pid_t pid = 0;
        int r = 0;

        if (!image_is_locked(&m->image, read_only, NULL, &pid))
                return 0;
        find_holder(&m->image, pid, &h);
        if (!(h.ours && strcmp(h.machine, m->name) == 0) && !gives_way(m, pid)) {
                (void) refuse(&m->image, &h, &f);
                r = problem_error(problems, (Source) {}, "%s", f.text);
        }
        free(h.machine);
        return r;
}
