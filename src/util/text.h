/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* What may stand in text that others wrote. */

/* Is it UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF? NUL is a character. */
bool text_is_utf8(const char *s, size_t size);

/* Has it a control character (below space, DEL, U+0080 to U+009F) other than a tab? */
bool text_has_control(const char *s, size_t size);

/* Replaces what a terminal or a line of a log must not get (control characters, broken UTF-8) with '?'. */
void text_make_printable(char *s);

/* Columns that n bytes of UTF-8 take on a terminal, one a character: wide and combining characters are not told apart. */
size_t text_columns(const char *s, size_t n);

/* Is word in text, and not as a part of a longer word of letters and digits? */
bool text_has_word(const char *text, const char *word);

/* Why s is no host name in systemd's sense, which is also what machined takes for a machine: 1 to 64 of A-Z a-z 0-9 and
 * - in labels between dots, no label empty or with a dash at its end. NULL when it is one; static text. */
const char *hostname_problem(const char *s);
