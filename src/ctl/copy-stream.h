/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Archives of tar on standard input and output, for `boxctl cp`. */

#include "ctl/copy.h"

/* As copy_run(), where the destination or the only source is "-". */
int copy_stream_run(Ctl *c, const CopyRequest *request);
