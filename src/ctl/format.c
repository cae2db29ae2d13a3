/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times and sizes as text (see format.h). Part of boxctl; no privilege. */

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "ctl/format.h"
#include "util/clock.h"

const char *format_timestamp(uint64_t usec, char buf[static FORMAT_MAX])
{
        /* English whatever the locale, as systemd's are: scripts read them. */
        static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
        time_t t = (time_t) (usec / USEC_PER_SEC);
        char rest[48];
        struct tm tm;

        if (usec == 0 || usec == UINT64_MAX || !localtime_r(&t, &tm) ||
            strftime(rest, sizeof(rest), "%Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                (void) snprintf(buf, FORMAT_MAX, "n/a");
        else
                (void) snprintf(buf, FORMAT_MAX, "%s %s", days[tm.tm_wday], rest);
        return buf;
}

const char *format_ago(uint64_t usec, uint64_t now_usec, char buf[static FORMAT_MAX])
{
        static const struct {
                const char *name;
                uint64_t seconds;
        } units[] = { { " days", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 } };
        uint64_t seconds = usec < now_usec ? (now_usec - usec) / USEC_PER_SEC : 0;
        size_t i = 0;
        int n;

        while (i + 1 < ARRAY_SIZE(units) && seconds < units[i].seconds)
                i++;
        n = snprintf(buf, FORMAT_MAX, "%" PRIu64 "%s", seconds / units[i].seconds,
                     i == 0 && seconds < 2 * units[0].seconds ? " day" : units[i].name);
        seconds %= units[i].seconds;
        if (i + 1 < ARRAY_SIZE(units) && seconds >= units[i + 1].seconds)
                n += snprintf(buf + n, (size_t) (FORMAT_MAX - n), " %" PRIu64 "%s", seconds / units[i + 1].seconds,
                              units[i + 1].name);
        (void) snprintf(buf + n, (size_t) (FORMAT_MAX - n), " ago");
        return buf;
}

const char *format_cpu(uint64_t nsec, char buf[static FORMAT_MAX])
{
        uint64_t ms = nsec / 1000000;

        if (ms < 1000)
                (void) snprintf(buf, FORMAT_MAX, "%" PRIu64 "ms", ms);
        else if (ms < 60000)
                (void) snprintf(buf, FORMAT_MAX, "%" PRIu64 ".%03" PRIu64 "s", ms / 1000, ms % 1000);
        else
                (void) snprintf(buf, FORMAT_MAX, "%" PRIu64 "min %" PRIu64 "s", ms / 60000, ms / 1000 % 60);
        return buf;
}

const char *format_bytes(uint64_t bytes, char buf[static FORMAT_MAX])
{
        static const char units[] = "KMGTPE";
        uint64_t unit = 1024;
        size_t i = 0;

        if (bytes < 1024)
                (void) snprintf(buf, FORMAT_MAX, "%" PRIu64 "B", bytes);
        else {
                while (i + 2 < sizeof(units) && bytes / unit >= 1024) {
                        unit *= 1024;
                        i++;
                }
                (void) snprintf(buf, FORMAT_MAX, "%" PRIu64 ".%" PRIu64 "%c", bytes / unit,
                                bytes % unit * 10 / unit, units[i]);
        }
        return buf;
}
