/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The machine's console while the payload runs: box-run's own terminal or log, its memory, and its viewers. */

#include "payload/console-viewers.h"
#include "run/machine.h"

typedef struct MachineConsole MachineConsole;

/* A key of the console itself, of box-run's terminal (^]^]^] kills the machine) or of a viewer that may type. */
typedef void (*MachineConsoleKey)(HotKey key, void *userdata);

/* *ret: NULL in pipe mode. 0 or negative errno. */
int machine_console_new(Machine *m, sd_event *event, MachineConsoleKey on_key, void *userdata, MachineConsole **ret);

/* Takes over a viewer's connection (console_viewers_add()). -ENOTTY: there is no console. */
int machine_console_attach(MachineConsole *c, int fd, ConsoleViewerMode mode, const char *bytes, size_t n);

/* Writes out what is left, tells the viewers of the end, restores the terminal. Accepts NULL. */
MachineConsole *machine_console_free(MachineConsole *c, bool reboots);
