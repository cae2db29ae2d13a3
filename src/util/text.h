/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Checks of untrusted text. */

/* Whether it is UTF-8 by RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is a character. */
bool text_is_utf8(const char *s, size_t size);

/* Whether it has a control character (below space, DEL, U+0080 to U+009F) other than a tab. */
bool text_has_control(const char *s, size_t size);

/* Replaces control characters and broken UTF-8, which could control a terminal or forge a log line, with '?'. */
void text_make_printable(char *s);

/* The same for several lines with tabs, of size bytes, NUL bytes among them. */
void text_make_lines_printable(char *s, size_t size);

/* The size of s without the beginning of a character at its end, of which more is to come. */
size_t text_whole_characters(const char *s, size_t size);

/* Copies a line for a log: control characters and broken UTF-8 as "\x1b", no colours, no carriage returns at its end; tabs are
 * kept. ret needs 4 * size bytes and gets no NUL. Returns the bytes written. */
size_t text_make_visible(const char *s, size_t size, char *ret);

/* Columns that n bytes of UTF-8 take on a terminal, one a character: wide and combining characters are not told apart. */
size_t text_columns(const char *s, size_t n);

/* Is word in text, and not as a part of a longer word of letters and digits? */
bool text_has_word(const char *text, const char *word);

/* Why s is not a host name by systemd's rules, which are machined's for machine names as well: 1 to 64 of A-Z a-z 0-9
 * and - in labels between dots, no label empty or with a dash at its end. NULL if it is one; static text. */
const char *hostname_problem(const char *s);
