/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks of untrusted text (see text.h). Works on bytes, whatever the locale, so that results do not depend on the
 * caller. Any process, no privilege.
 */

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "util/text.h"

/* Length of the UTF-8 character at p with n bytes left; 0 if it is malformed. */
_steady_ static size_t utf8_length(const unsigned char *p, size_t n)
{
        uint32_t min, c;
        size_t len;

        if (p[0] < 0x80)
                return 1;
        if ((p[0] & 0xe0) == 0xc0)
                len = 2, min = 0x80, c = p[0] & 0x1f;
        else if ((p[0] & 0xf0) == 0xe0)
                len = 3, min = 0x800, c = p[0] & 0x0f;
        else if ((p[0] & 0xf8) == 0xf0)
                len = 4, min = 0x10000, c = p[0] & 0x07;
        else
                return 0;
        if (len > n)
                return 0;

        for (size_t i = 1; i < len; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3f);
        }

        return c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : len;
}

_steady_ bool text_is_utf8(const char *s, size_t size)
{
        for (size_t i = 0; i < size;) {
                size_t n = utf8_length((const unsigned char *) s + i, size - i);

                if (n == 0)
                        return false;
                i += n;
        }

        return true;
}

_steady_ static bool is_control(char c)
{
        return (unsigned char) c < ' ' || c == 0x7f;
}

bool text_has_control(const char *s, size_t size)
{
        for (size_t i = 0; i < size; i++) {
                if (is_control(s[i]) && s[i] != '\t')
                        return true;
                /* U+0080 to U+009F */
                if (s[i] == '\xc2' && i + 1 < size && (unsigned char) s[i + 1] >= 0x80 && (unsigned char) s[i + 1] < 0xa0)
                        return true;
        }
        return false;
}

/* Is the character of n bytes at s (0: malformed) not to be shown? U+0080 to U+009F are control characters: terminals
 * interpret them as escape sequences. */
_steady_ static bool is_unprintable(const char *s, size_t n)
{
        return n == 0 || is_control(*s) || (n == 2 && *s == '\xc2' && (unsigned char) s[1] < 0xa0);
}

void text_make_printable(char *s)
{
        size_t size = strlen(s);

        for (size_t i = 0; i < size;) {
                size_t n = utf8_length((const unsigned char *) s + i, size - i);

                if (is_unprintable(s + i, n))
                        memset(s + i, '?', n ? n : 1);
                i += n ? n : 1;
        }
}

size_t text_whole_characters(const char *s, size_t size)
{
        /* A character of two to four bytes may begin in the last three. */
        for (size_t i = size; i > 0 && size - i < 3; i--) {
                unsigned char c = (unsigned char) s[i - 1];
                size_t wanted = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

                if ((c & 0xc0) != 0x80)
                        return wanted > size - i + 1 ? i - 1 : size;
        }
        return size;
}

void text_make_lines_printable(char *s, size_t size)
{
        for (size_t i = 0; i < size;) {
                size_t n = utf8_length((const unsigned char *) s + i, size - i);

                if (s[i] != '\n' && s[i] != '\t' && is_unprintable(s + i, n))
                        memset(s + i, '?', n ? n : 1);
                i += n ? n : 1;
        }
}

/* The length of a sequence that sets colours (ESC [ numbers m), or 0. */
_steady_ static size_t colour_length(const char *s, size_t size)
{
        size_t n = 2;

        if (size < 3 || s[0] != '\x1b' || s[1] != '[')
                return 0;
        while (n < size && ((s[n] >= '0' && s[n] <= '9') || s[n] == ';' || s[n] == ':'))
                n++;
        return n < size && s[n] == 'm' ? n + 1 : 0;
}

_steady_ size_t text_make_visible(const char *s, size_t size, char *ret)
{
        static const char digits[] = "0123456789abcdef";
        char *to = ret;

        while (size > 0 && s[size - 1] == '\r')
                size--;
        for (size_t i = 0; i < size;) {
                size_t n = utf8_length((const unsigned char *) s + i, size - i), skip = colour_length(s + i, size - i);

                if (skip > 0) {
                        i += skip;
                        continue;
                }
                if (s[i] != '\t' && is_unprintable(s + i, n)) {
                        n = n ? n : 1;
                        for (size_t k = 0; k < n; k++) {
                                unsigned char c = (unsigned char) s[i + k];

                                *to++ = '\\';
                                *to++ = 'x';
                                *to++ = digits[c >> 4];
                                *to++ = digits[c & 0xf];
                        }
                } else {
                        memcpy(to, s + i, n);
                        to += n;
                }
                i += n;
        }
        return (size_t) (to - ret);
}

size_t text_columns(const char *s, size_t n)
{
        size_t columns = 0;

        for (size_t i = 0; i < n; i++)
                columns += ((unsigned char) s[i] & 0xc0) != 0x80;
        return columns;
}

bool text_has_word(const char *text, const char *word)
{
        size_t n = strlen(word);

        for (const char *at = text; (at = strstr(at, word)); at += n)
                if ((at == text || !isalnum((unsigned char) at[-1])) && !isalnum((unsigned char) at[n]))
                        return true;
        return false;
}

static bool is_ldh(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
}

const char *hostname_problem(const char *s)
{
        if (!*s)
                return "it is empty";
        if (strlen(s) > HOST_NAME_MAX)
                return "it is longer than 64 characters";

        for (const char *p = s; *p; p++) {
                bool first = p == s || p[-1] == '.', last = !p[1] || p[1] == '.';

                if (*p == '.' && p == s)
                        return "it begins with a dot";
                if (*p == '.' && first)
                        return "it has two dots in a row";
                if (*p == '.' && !p[1])
                        return "it ends with a dot";
                if (*p != '.' && !is_ldh(*p))
                        return "only letters A-Z a-z, digits, dashes and dots may be in it";
                if (*p == '-' && (first || last))
                        return "a part of it begins or ends with a dash";
        }

        return NULL;
}
