/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Programs that ask on our terminal for a password which polkit, or a unit that starts, wants. */

#include "ctl/verb.h"

typedef enum AgentFlags {
        AGENT_POLKIT = 1 << 0,          /* pkttyagent: for users without privilege */
        AGENT_PASSWORDS = 1 << 1,       /* systemd-tty-ask-password-agent: for passwords of units */
} AgentFlags;

/* Starts them, where there is a terminal and no --no-ask-password. Without such a program, what needs a password fails. */
void agents_open(const Ctl *c, unsigned flags);
void agents_close(void);

/* Can polkit ask for a password? It knows this process, and none that it forks. */
bool agents_may_ask(void);
