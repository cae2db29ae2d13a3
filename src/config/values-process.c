/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * [Exec], for the payload's first process: user, root directory, personality and limits (see values.h). boxctl and the
 * supervisor, before anything is changed; no privilege.
 */

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "config/values.h"
#include "util/architecture.h"
#include "util/parse.h"
#include "util/rlimit.h"
#include "util/strv.h"
#include "util/text.h"

/* systemd's relaxed syntax, for users that the tree may have. */
static bool is_relaxed_user_name(const char *s)
{
        return strlen(s) <= LOGIN_NAME_MAX && !strpbrk(s, ":/ \t\n\"'\\") && !strchr("-~+", *s) &&
               !text_has_control(s, strlen(s)) && text_is_utf8(s, strlen(s));
}

/* 65535 and 4294967295 are the invalid ids of 16 and 32 bits. */
static bool is_id(const char *s)
{
        uint32_t id;

        return parse_u32(s, &id) >= 0 && id != UINT16_MAX && id != UINT32_MAX;
}

static bool is_id_pair(const char *s)
{
        const char *colon = strchr(s, ':');
        _cleanup_free_ char *uid = colon ? strndup(s, (size_t) (colon - s)) : NULL;

        return uid && is_id(uid) && is_id(colon + 1);
}

int value_user(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        if (!*text)
                return free_and_strdup(&s->user, NULL);
        if (!is_relaxed_user_name(text) && !is_id_pair(text))
                return value_refuse(reterr_reason, "not a user name, id, or UID:GID%s",
                                    *text == '-' ? " (machines are the system's, not those of a user's manager)" : "");

        return free_and_strdup(&s->user, text);
}

/* Reads the next of colon-separated paths; *text becomes NULL after the last. */
static int next_path(const char **text, char **ret, char *reterr_reason)
{
        _cleanup_free_ char *field = NULL;
        int r;

        r = value_next_field(text, &field);
        if (r == -EINVAL)
                return value_refuse(reterr_reason, "trailing backslash");
        return r <= 0 ? r : value_path(field, ret, reterr_reason);
}

int value_pivot_root(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_free_ char *root = NULL, *old = NULL;
        const char *rest = *text ? text : NULL;
        int r;

        r = next_path(&rest, &root, reterr_reason);
        if (r >= 0)
                r = next_path(&rest, &old, reterr_reason);
        if (r < 0)
                return r;
        if (rest)
                return value_refuse(reterr_reason, "not NEW or NEW:OLD");
        if (old && strcmp(old, "/") == 0)
                return value_refuse(reterr_reason, "OLD must not be the new root directory");

        free(s->pivot_root_new);
        free(s->pivot_root_old);
        s->pivot_root_new = TAKE_PTR(root);
        s->pivot_root_old = TAKE_PTR(old);
        return 0;
}

int value_personality(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        unsigned long personality;
        int r;

        if (!*text)
                return free_and_strdup(&s->personality, NULL);

        r = architecture_personality(text, &personality);
        if (r == -EOPNOTSUPP && *architecture_secondary)
                return value_refuse(reterr_reason, "this kernel supports %s and %s only", architecture_native,
                                    architecture_secondary);
        if (r == -EOPNOTSUPP)
                return value_refuse(reterr_reason, "this kernel supports %s only", architecture_native);
        if (r < 0)
                return value_refuse(reterr_reason, "unknown architecture");

        return free_and_strdup(&s->personality, text);
}

/* ---- limits -------------------------------------------------------------------------------------------------- */

static int set_limit(Settings *s, int resource, const char *text, char *reterr_reason)
{
        struct rlimit value = {};
        int r;

        if (!*text) {
                s->rlimits[resource] = (RlimitSetting) {};
                return 0;
        }

        r = rlimit_parse(resource, text, &value);
        if (r == -ERANGE)
                return value_refuse(reterr_reason, "out of the range of this limit");
        if (r == -EILSEQ)
                return value_refuse(reterr_reason, "the soft limit exceeds the hard limit");
        if (r == -EINVAL)
                return value_refuse(reterr_reason, "not a limit, or SOFT:HARD");
        if (r < 0)
                return r;

        s->rlimits[resource] = (RlimitSetting) { true, value };
        return 0;
}

int value_limit(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        RlimitSetting *field = value_field(row, s);

        return set_limit(s, (int) (field - s->rlimits), text, reterr_reason);
}

int value_rlimit(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        const char *equals = strchr(text, '=');
        _cleanup_free_ char *name = equals ? strndup(text, (size_t) (equals - text)) : NULL;
        int resource, r;

        if (!*text) {
                memset(s->rlimits, 0, sizeof(s->rlimits));
                return 0;
        }
        if (!equals)
                return value_refuse(reterr_reason, "not NAME=LIMIT");
        if (!name)
                return -ENOMEM;
        resource = rlimit_find(name);
        if (resource < 0)
                return value_refuse(reterr_reason, "unknown limit: '%s'", name);

        r = set_limit(s, resource, equals + 1, reterr_reason);
        if (r >= 0)
                s->from[settings_limit_id(resource)] = from;
        return r;
}

int value_oom_score(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        bool negative = *text == '-';
        uint32_t v;

        if (!*text) {
                s->oom_score_adjust = OOM_SCORE_UNSET;
                return 0;
        }
        if (parse_u32(text + (negative || *text == '+'), &v) < 0 || v > OOM_SCORE_MAX)
                return value_refuse(reterr_reason, "not a number from %d to %d", OOM_SCORE_MIN, OOM_SCORE_MAX);

        s->oom_score_adjust = negative ? -(int) v : (int) v;
        return 0;
}

int value_cpu_affinity(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        CpuSet set = s->cpu_affinity;
        int r;

        if (!*text) {
                s->cpu_affinity = (CpuSet) {};
                return 0;
        }

        for (;;) {
                _cleanup_free_ char *item = NULL;

                r = value_next_item(&text, &item);
                if (r < 0)
                        return r;
                if (r == 0)
                        break;
                r = cpu_set_add(&set, item);
                if (r == -ENOMEM)
                        return r;
                if (r == -ERANGE)
                        return value_refuse(reterr_reason, "CPU numbers are at most %d: '%s'", CPU_NUMBER_MAX, item);
                if (r < 0)
                        return value_refuse(reterr_reason, "not a CPU number or range: '%s'", item);
        }

        s->cpu_affinity = set;
        return 0;
}

/* ---- switches without effect
 * -------------------------------------------------------------------------------------- */

/* --no-pager, and --background=, which takes parameters of an SGR sequence ("44", "48;5;17"). */
int value_ignored(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        bool b;

        if (row->flags & SETTING_NO_ARG)
                return !*text || parse_bool(text, &b) >= 0 ? 0 : value_refuse(reterr_reason, "not a boolean (yes or no)");
        if (strspn(text, "0123456789;") < strlen(text))
                return value_refuse(reterr_reason, "not parameters of an SGR sequence");
        return 0;
}
