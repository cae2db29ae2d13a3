/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Pipes between boxctl's standard streams and a program in a machine. The program never gets the streams themselves: by a
 * descriptor of a file, directory, socket or device of the host it could do more than read or write a stream. Bytes are
 * passed on unchanged.
 */

#include <sys/types.h>

#include "util/failure.h"

typedef struct Relay {
        int ours[3];            /* our ends of the pipes; -EBADF: none */
        int theirs[3];          /* standard descriptors of the program; -EBADF: /dev/null */
        bool second_kills;      /* the second signal becomes SIGKILL */
} Relay;
#define RELAY_NULL { { -EBADF, -EBADF, -EBADF }, { -EBADF, -EBADF, -EBADF }, false }

/* The signals that are passed on to a program, by relay_run() and on a terminal. 0-terminated. */
extern const int relay_signals[];

/* Creates the pipes: none for a stream that is /dev/null, one for output and errors that go to the same place. */
int relay_open(Relay *ret, Failure *failure);
void relay_done(Relay *r);

/* Passes on until the program, which leads a process group, has ended and its output is written. Signals are passed on to its
 * group. Returns the exit status: 128 and the signal's number if a signal ended it. Closes `theirs` first. */
int relay_run(Relay *r, pid_t pid, Failure *failure);

/* The same for a program that is not our child: status() knows its exit status, once it has ended. pid 0: it has. */
int relay_run_other(Relay *r, pid_t pid, int (*status)(void *userdata, Failure *failure), void *userdata, Failure *failure);

/* Translators between a stream and a terminal in canonical mode, for a program on a terminal while our streams are other files.
 * Each is a process, which ends with its input; *fd becomes the descriptor to use instead. */
typedef enum RelayTranslation {
        RELAY_TO_TERMINAL,      /* quotes what the terminal would interpret, cuts lines that are too long for it */
        RELAY_FROM_TERMINAL,    /* "\r\n" becomes "\n" again */
} RelayTranslation;
int relay_translate(RelayTranslation translation, int *fd, pid_t *ret_pid, Failure *failure);
