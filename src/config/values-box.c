/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * [X-Box]: what only box knows of a machine (see values.h). Runs wherever settings are read; no privilege.
 */

#include <limits.h>
#include <string.h>

#include "config/values.h"
#include "util/quantity.h"
#include "util/strv.h"

/* It becomes a file's name below the profiles' directories. */
static bool is_profile_name(const char *name)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.@+";

        return *name && *name != '.' && strspn(name, letters) == strlen(name) &&
               strlen(name) + strlen(".nspawn") <= NAME_MAX;
}

static int split_names(const char *text, char ***ret, char *reterr_reason)
{
        _cleanup_strv_ char **names = NULL;

        for (;;) {
                char *name = NULL;
                int r = value_next_item(&text, &name);

                if (r == 0)
                        break;
                if (r > 0)
                        r = strv_consume(&names, name);
                if (r < 0)
                        return r;
                if (!is_profile_name(name))
                        return value_refuse(reterr_reason, "not a profile's name: '%s'", name);
        }
        if (!names)
                return value_refuse(reterr_reason, "no profile is named");

        *ret = TAKE_PTR(names);
        return 0;
}

int value_profiles(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_strv_ char **names = NULL;
        int r;

        if (!*text) {
                while (s->n_profiles > 0)
                        free(s->profiles[--s->n_profiles].value);
                return 0;
        }

        r = split_names(text, &names, reterr_reason);
        if (r < 0)
                return r;
        STRV_FOREACH(name, names) {
                StringSetting *item = array_append(&s->profiles, &s->n_profiles, sizeof(StringSetting));

                if (!item)
                        return -ENOMEM;
                item->from = from;
                item->value = strdup(*name);
                if (!item->value)
                        return -ENOMEM;
        }
        return 0;
}

int value_init(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        /* InitFlavour's names: test-plan compares the two. */
        static const char *const names[] = {
                "systemd", "openrc", "sysvinit", "busybox", "runit", "finit", "s6", "dinit", "other", "none",
        };

        if (!*text || *text == '/')
                return value_absolute_path(row, text, from, s, reterr_reason);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(names[i], text) == 0)
                        return value_replace(&s->init, text);

        return value_refuse(reterr_reason, "not one of systemd, openrc, sysvinit, busybox, runit, finit, s6, dinit, other, "
                                           "none, nor a path");
}

int value_stop_timeout(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        uint64_t usec = 0;

        if (strcmp(text, "infinity") == 0)
                usec = UINT64_MAX;
        else if (*text && parse_time_span(text, USEC_PER_SEC, &usec) < 0)
                return value_refuse(reterr_reason, "not a span of time (\"90\", \"1min 30s\", \"infinity\")");
        if (*text && usec == 0)
                return value_refuse(reterr_reason, "no time at all: for no limit write infinity, to kill at once "
                                                   "KillSignal=SIGKILL");

        s->stop_timeout_usec = usec;
        return 0;
}
