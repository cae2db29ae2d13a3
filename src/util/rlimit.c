/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Resource limits as systemd's settings write them (see rlimit.h). Any process, no privilege; the input may be anything
 * at all. */

#include <stdio.h>
#include <string.h>

#include "util/parse.h"
#include "util/quantity.h"
#include "util/rlimit.h"

/* "infinity" is valid for all but NICE, where 20 is the nice level 0 and 40 the level -20. */
enum { NICE_LIMIT_ZERO = 20, NICE_LIMIT_MAX = 40 };

static int parse_nice(const char *s, uint64_t *ret)
{
        bool sign = *s == '+' || *s == '-';
        uint64_t v;
        int r;

        r = parse_u64(s + sign, &v);
        if (r < 0)
                return r;
        if (v > (*s == '+' ? NICE_LIMIT_ZERO - 1 : *s == '-' ? NICE_LIMIT_ZERO : NICE_LIMIT_MAX))
                return -ERANGE;

        *ret = *s == '+' ? NICE_LIMIT_ZERO - v : *s == '-' ? NICE_LIMIT_ZERO + v : v;
        return 0;
}

/* RLIMIT_CPU: whole seconds, rounded up. */
static int parse_seconds(const char *s, uint64_t *ret)
{
        uint64_t usec;
        int r;

        r = parse_time_span(s, USEC_PER_SEC, &usec);
        if (r < 0)
                return r;
        *ret = usec / USEC_PER_SEC + (usec % USEC_PER_SEC != 0);
        return 0;
}

static int parse_usec(const char *s, uint64_t *ret)
{
        return parse_time_span(s, /* unit= */ 1, ret);
}

static const struct {
        const char *name;
        int (*parse)(const char *s, uint64_t *ret);
} limits[RLIM_NLIMITS] = {
        [RLIMIT_CPU] = { "CPU", parse_seconds },
        [RLIMIT_FSIZE] = { "FSIZE", parse_size },
        [RLIMIT_DATA] = { "DATA", parse_size },
        [RLIMIT_STACK] = { "STACK", parse_size },
        [RLIMIT_CORE] = { "CORE", parse_size },
        [RLIMIT_RSS] = { "RSS", parse_size },
        [RLIMIT_NOFILE] = { "NOFILE", parse_u64 },
        [RLIMIT_AS] = { "AS", parse_size },
        [RLIMIT_NPROC] = { "NPROC", parse_u64 },
        [RLIMIT_MEMLOCK] = { "MEMLOCK", parse_size },
        [RLIMIT_LOCKS] = { "LOCKS", parse_u64 },
        [RLIMIT_SIGPENDING] = { "SIGPENDING", parse_u64 },
        [RLIMIT_MSGQUEUE] = { "MSGQUEUE", parse_size },
        [RLIMIT_NICE] = { "NICE", parse_nice },
        [RLIMIT_RTPRIO] = { "RTPRIO", parse_u64 },
        [RLIMIT_RTTIME] = { "RTTIME", parse_usec },
};

const char *rlimit_name(int resource)
{
        return limits[resource].name;
}

int rlimit_find(const char *name)
{
        static const char *const prefixes[] = { "Limit", "RLIMIT_" };

        for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
                if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) {
                        name += strlen(prefixes[i]);
                        break;
                }

        for (int resource = 0; resource < RLIM_NLIMITS; resource++)
                if (strcmp(limits[resource].name, name) == 0)
                        return resource;
        return -EINVAL;
}

static int parse_one(int resource, const char *s, rlim_t *ret)
{
        uint64_t v;
        int r;

        if (strcmp(s, "infinity") == 0 && resource != RLIMIT_NICE) {
                *ret = RLIM_INFINITY;
                return 0;
        }

        r = limits[resource].parse(s, &v);
        if (r < 0)
                return r;
        if (v >= RLIM_INFINITY)
                return -ERANGE;
        *ret = v;
        return 0;
}

int rlimit_parse(int resource, const char *text, struct rlimit *ret)
{
        const char *colon = strchr(text, ':');
        _cleanup_free_ char *first = colon ? strndup(text, (size_t) (colon - text)) : strdup(text);
        struct rlimit v;
        int r;

        if (!first)
                return -ENOMEM;
        r = parse_one(resource, first, &v.rlim_cur);
        if (r < 0)
                return r;
        v.rlim_max = v.rlim_cur;
        if (colon) {
                r = parse_one(resource, colon + 1, &v.rlim_max);
                if (r < 0)
                        return r;
        }
        if (v.rlim_cur > v.rlim_max)
                return -EILSEQ;

        *ret = v;
        return 0;
}

const char *rlimit_to_text(const struct rlimit *v, char buf[static RLIMIT_TEXT_MAX])
{
        const rlim_t values[] = { v->rlim_cur, v->rlim_max };
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
                const char *colon = i > 0 ? ":" : "";
                int r;

                if (values[i] == RLIM_INFINITY)
                        r = snprintf(buf + n, RLIMIT_TEXT_MAX - n, "%sinfinity", colon);
                else
                        r = snprintf(buf + n, RLIMIT_TEXT_MAX - n, "%s%llu", colon, (unsigned long long) values[i]);
                n += r > 0 ? (size_t) r : 0;
        }

        return buf;
}
