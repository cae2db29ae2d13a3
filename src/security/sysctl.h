/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Kernel parameters of a machine's own namespaces. */

#include "config/oci-settings.h"
#include "util/failure.h"

/* Writes them in their order to proc_fd, a writable mount of proc, in the leader's namespaces. Before the payload runs. */
int sysctls_write(const OciSysctl *sysctls, size_t n, int proc_fd, int leader_pidfd, Failure *failure);
