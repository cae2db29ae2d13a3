/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Between keeper.c and keeper-rounds.c: the messages of the keeper, and its other rounds (see keeper.h). */

#include "run/machine.h"

typedef enum KeeperRequest {
        KEEPER_READY = 1,
        KEEPER_ASK_HALT,        /* these three in the order of InitRequest */
        KEEPER_ASK_POWEROFF,
        KEEPER_ASK_REBOOT,
        KEEPER_UNDO_EXPORT,
        KEEPER_UNDO_SCRATCH,
        KEEPER_UNDO_ZONES,
        KEEPER_RESTART,         /* answered by KEEPER_ROUND for each supervisor that is created, then by itself */
        KEEPER_ROUND,
        KEEPER_CANCEL,          /* a stop is requested; no answer */
} KeeperRequest;

typedef struct KeeperAnswer {
        uint8_t request;        /* that it answers */
        Failure failure;
        pid_t supervisor;       /* KEEPER_ROUND */
        int status;             /* KEEPER_RESTART: the exit status, or negative */
        int stop_signal;        /* of the loop that was cancelled */
} KeeperAnswer;

/* In the keeper: undoes its copy of the round, and runs others until the payload does not reboot. */
void keeper_rounds(Machine *m, KeeperAnswer *a);

/* The socket for notify messages of supervisors of other rounds, and its name for $NOTIFY_SOCKET. Before the keeper is forked. */
int keeper_open_relay(Machine *m, Failure *failure);

int keeper_send(const Machine *m, KeeperRequest request);
int keeper_receive(const Machine *m, KeeperAnswer *ret);

/* The payload has rebooted: undoes the round, starts the machine again, and waits for its end. The exit status, or negative. All
 * handles of this process are closed: it can only end (keeper.took_over). */
int keeper_restart(Machine *m, Failure *failure);
