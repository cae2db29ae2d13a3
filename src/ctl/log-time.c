/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Points in time of the command line (see log-time.h). Part of boxctl; silent; no privilege. */

#include <string.h>
#include <time.h>

#include "ctl/log-time.h"
#include "util/parse.h"
#include "util/quantity.h"

static int shift(const char *span, bool back, uint64_t now_usec, uint64_t *ret)
{
        uint64_t usec;
        int r = parse_time_span(span, USEC_PER_SEC, &usec);

        if (r < 0)
                return -EINVAL;
        if (back)
                *ret = usec < now_usec ? now_usec - usec : 0;
        else
                *ret = now_usec < UINT64_MAX - usec ? now_usec + usec : UINT64_MAX;
        return 0;
}

/* "10min ago". -ENOENT: it is not of this form. */
static int parse_ago(const char *s, uint64_t now_usec, uint64_t *ret)
{
        static const char end[] = " ago";
        size_t n = strlen(s);
        _cleanup_free_ char *span = NULL;

        if (n <= strlen(end) || strcmp(s + n - strlen(end), end) != 0)
                return -ENOENT;
        span = strndup(s, n - strlen(end));
        return span ? shift(span, /* back= */ true, now_usec, ret) : -ENOMEM;
}

/* Days from the start of today. */
static int to_usec(struct tm *tm, uint64_t *ret)
{
        time_t t;

        tm->tm_isdst = -1;
        t = mktime(tm);
        if (t < 0)
                return -EINVAL;
        *ret = (uint64_t) t * USEC_PER_SEC;
        return 0;
}

static int parse_date(const char *s, const struct tm *today, uint64_t *ret)
{
        static const char *const forms[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
                                             "%Y-%m-%d", "%H:%M:%S", "%H:%M" };

        for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
                struct tm tm = *today;
                const char *end = strptime(s, forms[i], &tm);

                if (end && !*end)
                        return to_usec(&tm, ret);
        }
        return -EINVAL;
}

int log_time_parse(const char *s, uint64_t now_usec, uint64_t *ret)
{
        static const struct {
                const char *word;
                int days;
        } days[] = { { "yesterday", -1 }, { "today", 0 }, { "tomorrow", 1 } };
        time_t now = (time_t) (now_usec / USEC_PER_SEC);
        struct tm today;
        uint64_t sec;
        int r;

        if (strcmp(s, "now") == 0) {
                *ret = now_usec;
                return 0;
        }
        if (*s == '@') {
                r = parse_u64(s + 1, &sec);
                if (r < 0 || sec > UINT64_MAX / USEC_PER_SEC)
                        return -EINVAL;
                *ret = sec * USEC_PER_SEC;
                return 0;
        }
        if (*s == '-' || *s == '+')
                return shift(s + 1, *s == '-', now_usec, ret);
        r = parse_ago(s, now_usec, ret);
        if (r != -ENOENT)
                return r;

        if (!localtime_r(&now, &today))
                return -EINVAL;
        today.tm_hour = today.tm_min = today.tm_sec = 0;
        for (size_t i = 0; i < ARRAY_SIZE(days); i++)
                if (strcmp(s, days[i].word) == 0) {
                        today.tm_mday += days[i].days;
                        return to_usec(&today, ret);
                }
        return parse_date(s, &today, ret);
}
