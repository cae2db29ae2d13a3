/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * [X-Box]: settings that systemd-nspawn does not have (see values.h). boxctl and the supervisor; no privilege.
 */

#include <limits.h>
#include <string.h>

#include "config/values.h"
#include "util/parse.h"
#include "util/quantity.h"
#include "util/strv.h"
#include "util/text.h"

/* The name becomes a file name in the profile directories. */
static bool is_profile_name(const char *name)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.@+";

        return *name && *name != '.' && strspn(name, letters) == strlen(name) &&
               strlen(name) + strlen(".nspawn") <= NAME_MAX;
}

static bool is_machine_name(const char *name)
{
        return !hostname_problem(name);
}

/* Profile=, After=, Requires= */
int value_names(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        bool profiles = row->id == SETTING_PROFILE;
        StringList *list = value_field(row, s);
        _cleanup_strv_ char **names = NULL;
        int r;

        if (!*text) {
                string_list_done(list);
                return 0;
        }

        r = value_split(text, profiles ? is_profile_name : is_machine_name,
                        profiles ? "invalid profile name" : "invalid machine name", &names, reterr_reason);
        if (r >= 0 && !names)
                return value_refuse(reterr_reason, "no %s given", profiles ? "profile" : "machine");
        for (char **name = names; r >= 0 && name && *name; name++)
                r = value_add_string(list, *name, from);
        return r;
}

int value_init(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        /* Names of InitFlavour; test-plan compares them. */
        static const char *const names[] = {
                "systemd", "openrc", "sysvinit", "sysvinit+openrc", "busybox", "busybox+openrc", "runit", "finit", "s6", "dinit",
                "other", "none",
        };

        if (!*text || *text == '/')
                return value_absolute_path(row, text, from, s, reterr_reason);
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(names[i], text) == 0)
                        return free_and_strdup(&s->init, text);

        return value_refuse(reterr_reason, "not one of systemd, openrc, sysvinit, sysvinit+openrc, busybox, busybox+openrc, "
                                           "runit, finit, s6, dinit, other, none, nor a path");
}

int value_timeout(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        uint64_t usec = 0;

        if (strcmp(text, "infinity") == 0)
                usec = UINT64_MAX;
        else if (*text && parse_time_span(text, USEC_PER_SEC, &usec) < 0)
                return value_refuse(reterr_reason, "not a time span (\"90\", \"1min 30s\", \"infinity\")");
        if (*text && usec == 0)
                return value_refuse(reterr_reason, row->id == SETTING_STOP_TIMEOUT ?
                                                           "zero; use infinity, or KillSignal=SIGKILL to kill at once" :
                                                           "zero; use infinity");

        *(uint64_t *) value_field(row, s) = usec;
        return 0;
}

int value_apparmor_profile(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        /* Includes ":namespace:profile" and "profile//&other". */
        static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+/:&@";
        const char *name = text + (*text == '-');
        int r;

        if (*text && (strspn(name, letters) != strlen(name) || strlen(name) > NAME_MAX ||
                      strcspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(name)))
                return value_refuse(reterr_reason, "not an AppArmor profile name");
        r = free_and_strdup(&s->apparmor_profile, *name ? name : NULL);
        if (r < 0)
                return r;
        s->apparmor_optional = name != text;
        return 0;
}

/* ---- IdMap= ------------------------------------------------------------------------------------------------- */

/* The kernel limits a map to one page of text; BindUser= adds more lines. */
enum { ID_MAP_LINES_MAX = 64 };

static bool ranges_overlap(uint32_t a, uint32_t n_a, uint32_t b, uint32_t n_b)
{
        return (uint64_t) a < (uint64_t) b + n_b && (uint64_t) b < (uint64_t) a + n_a;
}

/* One "ID:HOST:COUNT". */
static int parse_map_line(const char *text, IdMapSetting *ret, char *reterr_reason)
{
        uint32_t *const numbers[] = { &ret->inside, &ret->outside, &ret->count };
        const char *rest = text;

        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
                _cleanup_free_ char *field = NULL;
                int r = value_next_field(&rest, &field);

                if (r == -ENOMEM)
                        return r;
                if (r <= 0 || parse_u32(field, numbers[i]) < 0)
                        return value_refuse(reterr_reason, "not ID:HOST:COUNT, three numbers: '%.64s'", text);
        }
        if (rest || ret->count == 0)
                return value_refuse(reterr_reason, "not ID:HOST:COUNT, three numbers: '%.64s'", text);
        /* 4294967295 is the kernel's invalid id. */
        if ((uint64_t) ret->inside + ret->count > UINT32_MAX || (uint64_t) ret->outside + ret->count > UINT32_MAX)
                return value_refuse(reterr_reason, "exceeds the largest id: '%.64s'", text);
        return 0;
}

static int check_overlap(const IdMapSetting *lines, size_t n, const IdMapSetting *line, char *reterr_reason)
{
        for (size_t i = 0; i < n; i++) {
                const IdMapSetting *other = &lines[i];

                if (ranges_overlap(line->inside, line->count, other->inside, other->count) ||
                    ranges_overlap(line->outside, line->count, other->outside, other->count))
                        return value_refuse(reterr_reason, "%u:%u:%u overlaps with %u:%u:%u", line->inside, line->outside,
                                            line->count, other->inside, other->outside, other->count);
        }
        return 0;
}

static int add_map_lines(const char *text, Source from, Settings *s, char *reterr_reason)
{
        for (;;) {
                _cleanup_free_ char *word = NULL;
                IdMapSetting line = { .from = from };
                int r;

                r = value_next_item(&text, &word);
                if (r <= 0)
                        return r;
                r = parse_map_line(word, &line, reterr_reason);
                if (r >= 0)
                        r = check_overlap(s->id_map, s->n_id_map, &line, reterr_reason);
                if (r < 0)
                        return r;
                if (s->n_id_map == ID_MAP_LINES_MAX)
                        return value_refuse(reterr_reason, "more than %d lines", ID_MAP_LINES_MAX);
                if (array_move(&s->id_map, &s->n_id_map, &line, sizeof(line)) < 0)
                        return -ENOMEM;
        }
}

int value_id_map(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        size_t before = s->n_id_map;
        int r;

        if (!*text) {
                s->n_id_map = 0;
                return 0;
        }
        if (s->private_users != PRIVATE_USERS_TREE && s->from[SETTING_PRIVATE_USERS].where &&
            source_same_origin(s->from[SETTING_PRIVATE_USERS], from))
                return value_refuse(reterr_reason, "only PrivateUsers=yes can be combined with it in one file");

        r = add_map_lines(text, from, s, reterr_reason);
        if (r < 0)
                s->n_id_map = before;
        return r;
}
