/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Streams to the journal for what a machine prints, apart from that of our own messages: a line from a machine has no
 * priority but the stream's ("<0>" in front of it is text), carries the machine's name, and begins where the machine began it.
 */

#include "util/failure.h"

/* Is fd a stream to the journal, as the service manager connects standard output to it? */
bool journal_is_stream(int fd);

/* Opens another stream to the same journal (of the host, or a LogNamespace=) as fd's, with an identifier. A descriptor, or
 * negative errno. */
int journal_stream_open(int fd, const char *identifier, Failure *failure);
