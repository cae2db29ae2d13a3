/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Parsing of words (see parse.h). Any process, no privilege; the input may be anything at all. */

#include <ctype.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/parse.h"

int parse_bool(const char *s, bool *ret)
{
        static const char *const yes[] = { "1", "y", "yes", "t", "true", "on" };
        static const char *const no[] = { "0", "n", "no", "f", "false", "off" };

        for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
                if (strcasecmp(s, yes[i]) == 0) {
                        *ret = true;
                        return 0;
                }
                if (strcasecmp(s, no[i]) == 0) {
                        *ret = false;
                        return 0;
                }
        }

        return -EINVAL;
}

int parse_u64(const char *s, uint64_t *ret)
{
        uint64_t v = 0;

        if (!*s)
                return -EINVAL;
        for (; *s; s++) {
                if (!isdigit((unsigned char) *s))
                        return -EINVAL;
                if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t) (*s - '0'), &v))
                        return -ERANGE;
        }

        *ret = v;
        return 0;
}

int parse_u32(const char *s, uint32_t *ret)
{
        uint64_t v;
        int r;

        r = parse_u64(s, &v);
        if (r < 0)
                return r;
        if (v > UINT32_MAX)
                return -ERANGE;

        *ret = (uint32_t) v;
        return 0;
}

int parse_range(const char *s, uint32_t *ret_first, uint32_t *ret_last)
{
        const char *dash = strchrnul(s, '-');
        _cleanup_free_ char *text = strndup(s, (size_t) (dash - s));
        uint32_t first, last;
        int r;

        if (!text)
                return -ENOMEM;
        r = parse_u32(text, &first);
        if (r >= 0)
                r = parse_u32(*dash ? dash + 1 : text, &last);
        if (r < 0)
                return r;
        if (first > last)
                return -EILSEQ;

        *ret_first = first;
        *ret_last = last;
        return 0;
}

/* Up to n hexadecimal digits; *s moves on. */
static int parse_hex(const char **s, unsigned n, unsigned *ret)
{
        const char *p = *s;
        unsigned v = 0;

        for (; n > 0 && isxdigit((unsigned char) *p); n--, p++)
                v = v << 4 | (unsigned) (isdigit((unsigned char) *p) ? *p - '0' : (*p | 0x20) - 'a' + 10);
        if (p == *s)
                return -EINVAL;

        *s = p;
        *ret = v;
        return 0;
}

int parse_mac(const char *s, uint8_t ret[static 6])
{
        const char separator = s[strcspn(s, ":-.")];
        const unsigned step = separator == '.' ? 2 : 1;         /* bytes between two separators */
        uint8_t mac[6];

        if (!separator)
                return -EINVAL;
        for (unsigned i = 0; i < sizeof(mac); i += step) {
                unsigned v;

                if ((i > 0 && *s++ != separator) || parse_hex(&s, step * 2, &v) < 0)
                        return -EINVAL;
                if (step == 2)
                        mac[i] = (uint8_t) (v >> 8);
                mac[i + step - 1] = (uint8_t) v;
        }
        if (*s)
                return -EINVAL;

        memcpy(ret, mac, sizeof(mac));
        return 0;
}

static int parse_signal_number(const char *s, int *ret)
{
        uint32_t v;
        int r;

        r = parse_u32(s, &v);
        if (r < 0)
                return r;
        if (v < 1 || v > (uint32_t) SIGRTMAX)
                return -ERANGE;

        *ret = (int) v;
        return 0;
}

int parse_signal(const char *s, int *ret)
{
        uint32_t offset = 0;
        int r;

        if (isdigit((unsigned char) *s))
                return parse_signal_number(s, ret);
        if (strncmp(s, "SIG", 3) == 0)
                s += 3;

        if (strncmp(s, "RTMIN", 5) == 0 || strncmp(s, "RTMAX", 5) == 0) {
                bool min = s[3] == 'I';

                if (s[5]) {
                        if (s[5] != (min ? '+' : '-'))
                                return -EINVAL;
                        r = parse_u32(s + 6, &offset);
                        if (r < 0)
                                return r;
                }
                if (offset > (uint32_t) (SIGRTMAX - SIGRTMIN))
                        return -ERANGE;
                *ret = min ? SIGRTMIN + (int) offset : SIGRTMAX - (int) offset;
                return 0;
        }

        for (int sig = 1; sig < SIGRTMIN; sig++) {
                const char *name = sigabbrev_np(sig);

                if (name && strcmp(name, s) == 0) {
                        *ret = sig;
                        return 0;
                }
        }

        return -EINVAL;
}

const char *signal_name(int sig)
{
        static char buf[32];
        const char *name = sigabbrev_np(sig);

        if (name)
                (void) snprintf(buf, sizeof(buf), "SIG%s", name);
        else if (sig == SIGRTMIN)
                (void) snprintf(buf, sizeof(buf), "SIGRTMIN");
        else if (sig > SIGRTMIN && sig <= SIGRTMAX)
                (void) snprintf(buf, sizeof(buf), "SIGRTMIN+%d", sig - SIGRTMIN);
        else
                (void) snprintf(buf, sizeof(buf), "%d", sig);
        return buf;
}

/* n digits of base 8 or 16 at p, or -1. */
static int64_t escape_number(const char *p, unsigned n, unsigned base)
{
        int64_t v = 0;

        for (unsigned i = 0; i < n; i++, p++) {
                bool ok = base == 8 ? *p >= '0' && *p <= '7' : isxdigit((unsigned char) *p);

                if (!ok)
                        return -1;
                v = v * base + (isdigit((unsigned char) *p) ? *p - '0' : (*p | 0x20) - 'a' + 10);
        }
        return v;
}

/* Encodes a character as UTF-8. Returns the number of bytes, or -1 for an invalid number. */
static int encode_utf8(uint32_t c, char buf[static 4])
{
        static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
        unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return -1;

        buf[0] = (char) (lead[more] | c >> (6 * more));
        for (unsigned i = 1; i <= more; i++)
                buf[i] = (char) (0x80 | (c >> (6 * (more - i)) & 0x3f));
        return (int) more + 1;
}

/* Decodes one C escape; *s is at the character after the backslash. Returns the number of bytes, or -1. */
static int unescape(const char **s, char buf[static 4])
{
        static const char from[] = "abfnrtvse\\\"'", to[] = "\a\b\f\n\r\t\v \033\\\"'";
        static const struct { char letter; unsigned digits, base; } numbers[] = {
                { 'x', 2, 16 }, { 'u', 4, 16 }, { 'U', 8, 16 }, { 0, 3, 8 },
        };
        const char *p = *s, *hit = *p ? strchr(from, *p) : NULL;
        int64_t v = -1;

        if (hit) {
                buf[0] = to[hit - from];
                *s = p + 1;
                return 1;
        }

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                if (numbers[i].letter && *p != numbers[i].letter)
                        continue;
                p += numbers[i].letter != 0;
                v = escape_number(p, numbers[i].digits, numbers[i].base);
                if (v < 0 || (numbers[i].digits <= 3 && v > UINT8_MAX))
                        return -1;
                *s = p + numbers[i].digits;
                if (numbers[i].digits > 3)
                        return v > UINT32_MAX ? -1 : encode_utf8((uint32_t) v, buf);
                buf[0] = (char) v;
                return 1;
        }

        return -1;
}

int parse_escaped(const char *s, char **ret, size_t *ret_size)
{
        /* No escape is shorter than its value. */
        _cleanup_free_ char *out = malloc(strlen(s) + 1);
        size_t n = 0;

        if (!out)
                return -ENOMEM;

        while (*s) {
                char buf[4];
                int k = 1;

                buf[0] = *s++;
                if (buf[0] == '\\')
                        k = unescape(&s, buf);
                if (k < 0) {
                        explicit_bzero(out, n);
                        return -EINVAL;
                }
                memcpy(out + n, buf, (size_t) k);
                n += (size_t) k;
        }
        out[n] = 0;

        *ret_size = n;
        *ret = TAKE_PTR(out);
        return 0;
}

int parse_word(const char **s, char **ret)
{
        const char *p = *s + strspn(*s, " \t\r\n");
        _cleanup_free_ char *word = NULL;
        char quote = 0;
        size_t n = 0;

        if (!*p) {
                *s = p;
                return 0;
        }

        word = malloc(strlen(p) + 1);
        if (!word)
                return -ENOMEM;

        while (*p && (quote || !strchr(" \t\r\n", *p))) {
                if (quote ? *p == quote : (*p == '"' || *p == '\'')) {
                        quote = quote ? 0 : *p;
                        p++;
                } else if (*p == '\\') {
                        char buf[4];
                        int k;

                        p++;
                        k = unescape(&p, buf);
                        if (k < 0 || !buf[0])
                                return -EINVAL;
                        memcpy(word + n, buf, (size_t) k);
                        n += (size_t) k;
                } else
                        word[n++] = *p++;
        }
        if (quote)
                return -EINVAL;

        word[n] = 0;
        *s = p;
        *ret = TAKE_PTR(word);
        return 1;
}

static bool same_letter(char a, char b)
{
        return tolower((unsigned char) a) == tolower((unsigned char) b);
}

static unsigned least(unsigned a, unsigned b)
{
        return a < b ? a : b;
}

unsigned text_distance(const char *a, const char *b)
{
        enum { MAX = 64 };
        unsigned rows[3][MAX + 1];      /* of the letter of a, of the one before, and of the one before that */
        size_t na = strlen(a), nb = strlen(b);

        if (na > MAX || nb > MAX)
                return UINT_MAX;

        for (size_t j = 0; j <= nb; j++)
                rows[0][j] = (unsigned) j;
        for (size_t i = 1; i <= na; i++) {
                unsigned *row = rows[i % 3], *before = rows[(i + 2) % 3], *first = rows[(i + 1) % 3];

                row[0] = (unsigned) i;
                for (size_t j = 1; j <= nb; j++) {
                        row[j] = least(before[j - 1] + !same_letter(a[i - 1], b[j - 1]), least(before[j], row[j - 1]) + 1);
                        if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                                row[j] = least(row[j], first[j - 2] + 1);
                }
        }

        return rows[na % 3][nb];
}

void text_nearer(const char *word, const char *name, const char **nearest, unsigned *distance)
{
        unsigned d, letters;

        if (!name)
                return;
        d = text_distance(word, name);
        letters = least((unsigned) strlen(word), (unsigned) strlen(name));
        if (d < *distance && d <= 1 + letters / 6) {
                *distance = d;
                *nearest = name;
        }
}
