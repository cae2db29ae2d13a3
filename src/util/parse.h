/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/macro.h"

/* Parsing of words. All return 0, -EINVAL (malformed) or -ERANGE, and write nothing on failure. */

/* 1 y yes t true on / 0 n no f false off, in any case, as everywhere in systemd. */
int parse_bool(const char *s, bool *ret);

/* Decimal digits only: no sign, no space, no octal. */
int parse_u64(const char *s, uint64_t *ret);
int parse_u32(const char *s, uint32_t *ret);

/* "3" (a range of one) or "0-3". -EILSEQ: backwards; -ENOMEM. */
int parse_range(const char *s, uint32_t *ret_first, uint32_t *ret_last);

/* "02:00:5e:10:00:01", with "-" in place of ":", or "0200.5e10.0001". */
int parse_mac(const char *s, uint8_t ret[static 6]);

/* "SIGTERM", "TERM", "SIGRTMIN+3", "RTMIN+3", "15"; and the name back ("SIGRTMIN+3"), from a static buffer. */
int parse_signal(const char *s, int *ret);
const char *signal_name(int sig);

/* The next word of *s, split at white space, with shell-like quotes and (systemd.syntax(7)) C escapes; *s moves on.
 * 1 with a word (to be freed), 0 at the end, -EINVAL for an unclosed quote, -ENOMEM. */
int parse_word(const char **s, char **ret);

/* Decodes the C escapes of systemd.syntax(7) in s. A NUL is added after the *ret_size bytes, which may have NULs
 * themselves. -EINVAL for an unknown escape, -ENOMEM. */
int parse_escaped(const char *s, char **ret, size_t *ret_size);

/* The number of typing mistakes: letters that are missing, too many, wrong, or exchanged with the next. Case does not count. */
unsigned text_distance(const char *a, const char *b);

/* For "did you mean": makes name (NULL: none) the *nearest to word, if it is nearer than *distance (at first UINT_MAX) and may be
 * the word that was meant: with one mistake, and one more in six letters. */
void text_nearer(const char *word, const char *name, const char **nearest, unsigned *distance);
