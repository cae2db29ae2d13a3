/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The machine's console (see machine-console.h). The supervisor, on its event loop, with the privileges of run/confine.h, of
 * which it uses none. What the payload says is hostile: it is passed on to terminals as it is, as by any terminal program,
 * and made visible for a log.
 */

#include <unistd.h>

#include "run/machine-console.h"
#include "util/log.h"

struct MachineConsole {
        Console *console;
        ConsoleViewers *viewers;
        MachineConsoleKey on_key;
        void *userdata;
};

static void on_end(Console *console, bool left_by_user, void *userdata)
{
        MachineConsole *c = userdata;

        if (left_by_user)
                c->on_key(HOT_KEY_LEAVE, c->userdata);
}

static void on_key(HotKey key, void *userdata)
{
        MachineConsole *c = userdata;

        c->on_key(key, c->userdata);
}

_steady_ static void on_said(const char *bytes, size_t n, void *userdata)
{
        console_viewers_said(((MachineConsole *) userdata)->viewers, bytes, n);
}

static void on_room(void *userdata)
{
        console_viewers_room(((MachineConsole *) userdata)->viewers);
}

static unsigned flags_of(const Machine *m)
{
        unsigned flags = CONSOLE_FLAG_DRAIN;

        if (m->plan.console == CONSOLE_INTERACTIVE)
                flags |= CONSOLE_FLAG_READ | CONSOLE_FLAG_WRITE | CONSOLE_FLAG_ESCAPE;
        else if (m->plan.console == CONSOLE_READ_ONLY)
                flags |= CONSOLE_FLAG_WRITE;
        if (m->child.journal_fd >= 0)
                flags |= CONSOLE_FLAG_LINES;
        /* A system must not stop because its console is not read. A command's output is part of a pipeline, as any program's. */
        if (m->plan.start_mode == START_BOOT && !isatty(STDOUT_FILENO))
                flags |= CONSOLE_FLAG_DROP;
        return flags;
}

int machine_console_new(Machine *m, sd_event *event, MachineConsoleKey f, void *userdata, MachineConsole **ret)
{
        const bool types = m->plan.console == CONSOLE_INTERACTIVE;
        MachineConsole *c;
        int r;

        if (m->mounts.pty_master < 0) {
                *ret = NULL;
                return 0;
        }
        c = malloc(sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (MachineConsole) { .on_key = f, .userdata = userdata };
        if (types && !m->settings.quiet)
                log_info(0, "Machine '%s' runs; press ^] three times within a second to kill it; ^]^]r: reboot, ^]^]p: power off",
                         m->name);
        r = console_new(event, m->mounts.pty_master, m->child.journal_fd >= 0 ? m->child.journal_fd : STDOUT_FILENO,
                        flags_of(m), on_end, c, &c->console);
        if (r >= 0)
                r = console_viewers_new(event, c->console, &m->mounts.console_ring, types, on_key, c, &c->viewers);
        if (r >= 0)
                console_set_hooks(c->console, &(ConsoleHooks) {
                        .said = on_said, .room = on_room, .hot_key = on_key, .userdata = c,
                });
        if (r < 0) {
                machine_console_free(c, /* reboots= */ false);
                return r;
        }
        *ret = c;
        return 0;
}

int machine_console_attach(MachineConsole *c, int fd, ConsoleViewerMode mode, const char *bytes, size_t n)
{
        return c ? console_viewers_add(c->viewers, fd, mode, bytes, n) : -ENOTTY;
}

MachineConsole *machine_console_free(MachineConsole *c, bool reboots)
{
        if (!c)
                return NULL;
        c->console = console_free(c->console);
        c->viewers = console_viewers_free(c->viewers, reboots);
        free(c);
        return NULL;
}
