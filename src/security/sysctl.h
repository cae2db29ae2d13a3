/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernel parameters of a machine's own namespaces. */

#include "config/oci-settings.h"
#include "util/failure.h"

/* Writes them, in their order. proc_fd is a mount of proc that nobody has made read-only; the leader's namespaces are those
 * meant. Before the payload runs. */
int sysctls_write(const OciSysctl *sysctls, size_t n, int proc_fd, int leader_pidfd, Failure *failure);
