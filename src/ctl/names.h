/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* `boxctl _names VERB`, which shell completion calls and --help does not list. */

#include "ctl/verb.h"

/* Prints the names of machines that a verb takes, one a line. What cannot be read is left out without a message. */
void names_print(const Verb *verb);
