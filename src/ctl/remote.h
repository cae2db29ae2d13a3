/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* boxctl on another host (--host=), by ssh: all verbs work there, since boxctl itself runs there. */

#include "ctl/verb.h"

/* Set for the boxctl on the other host, if there is a terminal: our --host=, which its next steps name. */
#define REMOTE_VARIABLE "BOXCTL_HOST"

/* The command line of ssh. host: [USER@]HOST[:PORT], as machinectl takes it. The other boxctl is called by `program` with
 * the options and words of line. -EINVAL: this is no host. The caller frees *ret by strv_free(). */
int remote_command(const char *host, const char *program, const CommandLine *line, bool terminal, char ***ret,
                   Failure *failure);

/* Becomes ssh. Returns only a failure, after its message. */
int remote_run(const Ctl *c, const CommandLine *line);
