/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers with units (see quantity.h). Any process, no privilege; the input may be anything at all. */

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/quantity.h"

typedef struct Unit {
        const char *name;
        uint64_t size;
} Unit;

/* Digits with an optional fraction, of which nine digits count. */
typedef struct Number {
        uint64_t whole;
        double part;
} Number;

static int read_number(const char **s, Number *ret)
{
        const char *p = *s;
        Number n = {};
        double place = 1;

        if (!isdigit((unsigned char) *p))
                return -EINVAL;
        for (; isdigit((unsigned char) *p); p++)
                if (__builtin_mul_overflow(n.whole, 10, &n.whole) ||
                    __builtin_add_overflow(n.whole, (uint64_t) (*p - '0'), &n.whole))
                        return -ERANGE;

        if (*p == '.') {
                p++;
                if (!isdigit((unsigned char) *p))
                        return -EINVAL;
                for (unsigned i = 0; isdigit((unsigned char) *p); p++, i++)
                        if (i < 9)
                                n.part += (*p - '0') * (place /= 10);
        }

        *s = p;
        *ret = n;
        return 0;
}

static int scale(Number n, uint64_t unit, uint64_t *ret)
{
        /* Rounded: 0.3 has no exact double. */
        uint64_t v, part = (uint64_t) (n.part * (double) unit + 0.5);

        if (__builtin_mul_overflow(n.whole, unit, &v) || __builtin_add_overflow(v, part, &v))
                return -ERANGE;
        *ret = v;
        return 0;
}

/* Reads a unit, to which all characters up to a blank, a dot or a digit belong; NULL if it is unknown. */
static const Unit *read_unit(const char **s, const Unit *units, size_t n)
{
        size_t len = strcspn(*s, " \t.0123456789");

        for (size_t i = 0; i < n; i++)
                if (strlen(units[i].name) == len && strncmp(units[i].name, *s, len) == 0) {
                        *s += len;
                        return &units[i];
                }
        return NULL;
}

/* One number with one unit, and nothing after it. */
static int parse_single(const char *s, const Unit *units, size_t n_units, uint64_t *ret)
{
        const Unit *unit;
        Number n;
        int r;

        r = read_number(&s, &n);
        if (r < 0)
                return r;
        unit = read_unit(&s, units, n_units);
        if (!unit || *s)
                return -EINVAL;
        return scale(n, unit->size, ret);
}

int parse_size(const char *s, uint64_t *ret)
{
        static const Unit units[] = {
                { "", 1 }, { "B", 1 }, { "K", UINT64_C(1) << 10 }, { "M", UINT64_C(1) << 20 }, { "G", UINT64_C(1) << 30 },
                { "T", UINT64_C(1) << 40 }, { "P", UINT64_C(1) << 50 }, { "E", UINT64_C(1) << 60 },
        };

        return parse_single(s, units, ARRAY_SIZE(units), ret);
}

int parse_rate(const char *s, uint64_t *ret)
{
        static const Unit units[] = {
                { "", 1 }, { "B", 1 }, { "K", 1000 }, { "M", 1000000 }, { "G", UINT64_C(1000000000) },
                { "T", UINT64_C(1000000000000) }, { "P", UINT64_C(1000000000000000) },
                { "E", UINT64_C(1000000000000000000) },
        };

        return parse_single(s, units, ARRAY_SIZE(units), ret);
}

int parse_permyriad(const char *s, uint64_t *ret)
{
        static const Unit units[] = { { "%", 100 }, { "‰", 10 }, { "‱", 1 } };

        return parse_single(s, units, ARRAY_SIZE(units), ret);
}

int parse_time_span(const char *s, uint64_t unit, uint64_t *ret)
{
        /* A month is 30.44 days, a year 365.25: systemd.time(7). */
        static const uint64_t second = USEC_PER_SEC, minute = 60 * USEC_PER_SEC, hour = 3600 * USEC_PER_SEC,
                              day = 86400 * USEC_PER_SEC, week = 604800 * USEC_PER_SEC, month = 2629800 * USEC_PER_SEC,
                              year = 31557600 * USEC_PER_SEC;
        const Unit units[] = {
                { "", unit }, { "us", 1 }, { "usec", 1 }, { "µs", 1 }, { "μs", 1 }, { "ms", 1000 }, { "msec", 1000 },
                { "s", second }, { "sec", second }, { "second", second }, { "seconds", second },
                { "m", minute }, { "min", minute }, { "minute", minute }, { "minutes", minute },
                { "h", hour }, { "hr", hour }, { "hour", hour }, { "hours", hour },
                { "d", day }, { "day", day }, { "days", day }, { "w", week }, { "week", week }, { "weeks", week },
                { "M", month }, { "month", month }, { "months", month },
                { "y", year }, { "year", year }, { "years", year },
        };
        uint64_t sum = 0, v;
        int r;

        s += strspn(s, " \t");
        if (!*s)
                return -EINVAL;
        while (*s) {
                const Unit *u;
                Number n;

                r = read_number(&s, &n);
                if (r < 0)
                        return r;
                s += strspn(s, " \t");
                u = read_unit(&s, units, ARRAY_SIZE(units));
                if (!u)
                        return -EINVAL;
                s += strspn(s, " \t");
                r = scale(n, u->size, &v);
                if (r < 0 || __builtin_add_overflow(sum, v, &sum))
                        return -ERANGE;
        }

        *ret = sum;
        return 0;
}

const char *format_time_span(uint64_t usec, char buf[static TIME_SPAN_TEXT_MAX])
{
        static const Unit parts[] = {
                { "d", 86400 * USEC_PER_SEC }, { "h", 3600 * USEC_PER_SEC }, { "min", 60 * USEC_PER_SEC },
                { "s", USEC_PER_SEC }, { "ms", 1000 }, { "us", 1 },
        };
        size_t n = 0;

        if (usec == 0 || usec == UINT64_MAX) {
                (void) snprintf(buf, TIME_SPAN_TEXT_MAX, "%s", usec == 0 ? "0" : "infinity");
                return buf;
        }
        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                if (usec >= parts[i].size)
                        n += (size_t) snprintf(buf + n, TIME_SPAN_TEXT_MAX - n, "%s%" PRIu64 "%s", n > 0 ? " " : "",
                                               usec / parts[i].size, parts[i].name);
                usec %= parts[i].size;
        }
        return buf;
}
