/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * [Exec]: the command, its environment and its privileges (see values.h). boxctl and the supervisor, before anything is
 * changed; no privilege.
 */

#include <ctype.h>
#include <string.h>

#include "config/values.h"
#include "util/address-family.h"
#include "util/capability-names.h"
#include "util/parse.h"
#include "util/strv.h"
#include "util/text.h"

/* Limit for words of a command line and environment variables, since these arrays are searched linearly. */
enum { WORDS_MAX = 4096 };

int value_start_mode(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        bool boot = row->id == SETTING_BOOT;
        SettingId other_id = boot ? SETTING_PROCESS_TWO : SETTING_BOOT;
        Tristate *other = boot ? &s->process_two : &s->boot, *field = value_field(row, s), before = *field;
        int r;

        r = value_tristate(row, text, from, s, reterr_reason);
        if (r < 0 || *field != YES || *other != YES)
                return r;

        if (source_same_origin(s->from[other_id], from)) {
                *field = before;
                return value_refuse(reterr_reason, "Boot= and ProcessTwo= exclude each other");
        }

        /* ProcessTwo=yes in a file replaces --boot of the unit. */
        *other = NO;
        return 0;
}

/* Reads the next word, separated by white space, with quotes. Unlike in parse_word(), backslashes have no special
 * meaning, as in systemd for these two settings. 1, 0 at the end, -EINVAL for an unclosed quote, -ENOMEM. */
static int next_word(const char **text, char **ret)
{
        const char *p = *text + strspn(*text, " \t\r\n");
        _cleanup_free_ char *word = NULL;
        char quote = 0;
        size_t n = 0;

        if (!*p)
                return 0;
        word = malloc(strlen(p) + 1);
        if (!word)
                return -ENOMEM;

        for (; *p && (quote || !strchr(" \t\r\n", *p)); p++) {
                if (quote ? *p == quote : *p == '"' || *p == '\'')
                        quote = quote ? 0 : *p;
                else
                        word[n++] = *p;
        }
        if (quote)
                return -EINVAL;

        word[n] = 0;
        *text = p;
        *ret = TAKE_PTR(word);
        return 1;
}

void value_quote_word(FILE *f, const char *word)
{
        fputc('"', f);
        for (const char *p = word; *p; p++)
                if (*p == '"')
                        fputs("\"'\"'\"", f);
                else
                        fputc(*p, f);
        fputc('"', f);
}

static int split_words(const char *text, char ***ret, char *reterr_reason)
{
        _cleanup_strv_ char **words = NULL;
        unsigned n = 0;
        int r;

        for (;;) {
                char *word = NULL;

                r = next_word(&text, &word);
                if (r == -EINVAL)
                        return value_refuse(reterr_reason, "unclosed quote");
                if (r < 0)
                        return r;
                if (r == 0)
                        break;
                r = strv_consume(&words, word);
                if (r < 0)
                        return r;
                if (++n > WORDS_MAX)
                        return value_refuse(reterr_reason, "more than %d words", WORDS_MAX);
        }

        *ret = TAKE_PTR(words);
        return 0;
}

int value_parameters(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_strv_ char **words = NULL;
        int r;

        r = split_words(text, &words, reterr_reason);
        if (r < 0)
                return r;

        /* Lines of one source are appended, another source replaces the command line. */
        if (!words || !source_same_origin(s->from[SETTING_PARAMETERS], from))
                s->parameters = strv_free(s->parameters);
        else if (strv_length(s->parameters) + strv_length(words) > WORDS_MAX)
                return value_refuse(reterr_reason, "more than %d words", WORDS_MAX);

        STRV_FOREACH(w, words) {
                r = strv_extend(&s->parameters, *w);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_environment_name(const char *s, size_t n)
{
        if (n == 0 || isdigit((unsigned char) s[0]))
                return false;
        for (size_t i = 0; i < n; i++)
                if (!isalnum((unsigned char) s[i]) && s[i] != '_')
                        return false;
        return true;
}

static int environment_check(const char *assignment, char *reterr_reason)
{
        const char *equals = strchr(assignment, '=');

        if (!equals)
                return value_refuse(reterr_reason, "not NAME=VALUE: '%s'", assignment);
        if (!is_environment_name(assignment, (size_t) (equals - assignment)))
                return value_refuse(reterr_reason, "invalid variable name: '%.*s'", (int) (equals - assignment),
                                    assignment);
        for (const char *p = equals; *p; p++)
                if (*p != '\n' && text_has_control(p, 1))
                        return value_refuse(reterr_reason, "control character in the value");
        if (!text_is_utf8(equals, strlen(equals)))
                return value_refuse(reterr_reason, "the value is not UTF-8");

        return 0;
}

static int environment_set(Settings *s, const char *assignment)
{
        const char *equals = strchr(assignment, '=');
        _cleanup_free_ char *name = strndup(assignment, (size_t) (equals - assignment));

        return name ? strv_env_set(&s->environment, name, equals + 1) : -ENOMEM;
}

int value_environment(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_strv_ char **words = NULL;
        int r;

        if (!*text) {
                s->environment = strv_free(s->environment);
                return 0;
        }

        /* The shell has already split arguments of switches. */
        if (source_is_switch(from)) {
                r = environment_check(text, reterr_reason);
                return r < 0 ? r : environment_set(s, text);
        }

        r = split_words(text, &words, reterr_reason);
        if (r < 0)
                return r;
        STRV_FOREACH(w, words) {
                r = environment_check(*w, reterr_reason);
                if (r < 0)
                        return r;
        }
        if (strv_length(s->environment) + strv_length(words) > WORDS_MAX)
                return value_refuse(reterr_reason, "more than %d variables", WORDS_MAX);

        STRV_FOREACH(w, words) {
                r = environment_set(s, *w);
                if (r < 0)
                        return r;
        }
        return 0;
}

int value_machine_id(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        static const unsigned dashes[] = { 8, 12, 16, 20 };     /* of a UUID: number of digits before each */
        bool dashed = strchr(text, '-'), null = true;
        unsigned n = 0, d = 0;
        char id[33];

        if (!*text)
                return free_and_strdup(&s->machine_id, NULL);

        for (const char *p = text; *p; p++) {
                if (dashed && d < ARRAY_SIZE(dashes) && n == dashes[d]) {
                        if (*p != '-')
                                return value_refuse(reterr_reason, "not a machine id: missing dash");
                        d++;
                        continue;
                }
                if (!isxdigit((unsigned char) *p) || n >= 32)
                        return value_refuse(reterr_reason, "not a machine id of 32 hexadecimal digits");
                null = null && *p == '0';
                id[n++] = (char) tolower((unsigned char) *p);
        }
        if (n != 32)
                return value_refuse(reterr_reason, "not a machine id of 32 hexadecimal digits");
        if (null)
                return value_refuse(reterr_reason, "a machine id must not be all zeros");

        id[n] = 0;
        return free_and_strdup(&s->machine_id, id);
}

int value_signal(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        int *field = value_field(row, s), sig = 0;

        if (*text && parse_signal(text, &sig) < 0)
                return value_refuse(reterr_reason, "not a signal");

        *field = sig;
        return 0;
}

static int refuse_capability(const char *name, char *reterr_reason)
{
        const char *nearest = capability_names_nearest(name);

        if (nearest)
                return value_refuse(reterr_reason, "no such capability: '%s'; did you mean %s?", name, nearest);
        return value_refuse(reterr_reason, "no such capability: '%s'", name);
}

int value_capabilities(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        uint64_t *field = value_field(row, s), mask = 0;
        bool reset = !*text;
        int r;

        for (;;) {
                _cleanup_free_ char *name = NULL;
                int cap;

                r = value_next_item(&text, &name);
                if (r < 0)
                        return r;
                if (r == 0)
                        break;
                if (strcmp(name, "all") == 0 && row->id == SETTING_AMBIENT_CAPABILITY)
                        return value_refuse(reterr_reason, "\"all\" is not supported here; list each capability");
                if (strcmp(name, "all") == 0)
                        mask = UINT64_MAX;
                else if (capability_names_find(name, &cap) < 0)
                        return refuse_capability(name, reterr_reason);
                else
                        mask |= UINT64_C(1) << cap;
        }

        *field = reset ? 0 : *field | mask;
        return 0;
}

/* Checks the syntax only; security/seccomp.c checks whether the name exists. */
static bool is_system_call(const char *name)
{
        static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
        const char *stem = name + (*name == '@');

        return *stem && strspn(stem, letters) == strlen(stem);
}

int value_system_call_filter(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        bool deny = *text == '~';
        StringList *list = deny ? &s->syscall_deny : &s->syscall_allow;
        _cleanup_strv_ char **names = NULL;
        int r;

        if (!*text) {
                string_list_done(&s->syscall_allow);
                string_list_done(&s->syscall_deny);
                return 0;
        }

        r = value_split(text + deny, is_system_call, "not a name of a system call or a @group", &names, reterr_reason);
        if (r >= 0 && !names)
                return value_refuse(reterr_reason, "no system call given");
        for (char **name = names; r >= 0 && name && *name; name++)
                r = value_add_string(list, *name, from);
        return r;
}

static bool is_address_family(const char *name)
{
        return address_family_find(name) >= 0;
}

/* As in systemd.exec(5): the first list allows, or (~) blocks; later ones add to it or remove from it. */
int value_address_families(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        _cleanup_strv_ char **names = NULL;
        bool deny = *text == '~';
        uint64_t mask = 0;
        int r;

        if (!*text) {
                s->restrict_families = false;
                s->allowed_families = 0;
                return 0;
        }
        if (strcmp(text, "none") != 0) {
                r = value_split(text + deny, is_address_family, "not an address family", &names, reterr_reason);
                if (r < 0)
                        return r;
                if (!names)
                        return value_refuse(reterr_reason, "no address family given");
        }
        STRV_FOREACH(name, names)
                mask |= UINT64_C(1) << address_family_find(*name);

        if (!s->restrict_families)
                s->allowed_families = deny ? UINT64_MAX : 0;
        s->restrict_families = true;
        s->allowed_families = deny ? s->allowed_families & ~mask : s->allowed_families | mask;
        return 0;
}

/* SHIFT[:RANGE]: ids SHIFT to SHIFT + RANGE - 1 on the host. */
static int private_users_fixed(const char *text, Settings *s, char *reterr_reason)
{
        const char *colon = strchr(text, ':');
        _cleanup_free_ char *first = colon ? strndup(text, (size_t) (colon - text)) : strdup(text);
        uint32_t base, count = 0x10000;

        if (!first)
                return -ENOMEM;
        if (parse_u32(first, &base) < 0 || base >= UINT32_MAX || base == UINT16_MAX)
                return value_refuse(reterr_reason, "not yes, no, pick, identity, or an id with an optional :RANGE");
        if (colon && (parse_u32(colon + 1, &count) < 0 || count == 0))
                return value_refuse(reterr_reason, "invalid number of ids");
        /* 4294967295 is the kernel's invalid id. */
        if ((uint64_t) base + count > UINT32_MAX)
                return value_refuse(reterr_reason, "the range exceeds the largest id");

        s->private_users = PRIVATE_USERS_FIXED;
        s->private_users_base = base;
        s->private_users_count = count;
        return 0;
}

/* IdMap= can only be combined with "yes"; another mode from another source replaces it. */
static int replace_id_map(Source from, Settings *s, char *reterr_reason)
{
        if (s->n_id_map == 0)
                return 0;
        if (source_same_origin(s->id_map[s->n_id_map - 1].from, from))
                return value_refuse(reterr_reason, "cannot be combined with IdMap=, except for yes");
        s->n_id_map = 0;
        return 0;
}

int value_private_users(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        bool digits = isdigit((unsigned char) *text), on = false;
        bool is_bool = !*text || (!(digits && source_is_switch(from)) && parse_bool(text, &on) == 0);

        if (*text && !on && replace_id_map(from, s, reterr_reason) < 0)
                return -EINVAL;

        /* 0 and 1 are booleans in a file, and ids on a command line, as in systemd-nspawn. */
        if (is_bool)
                s->private_users = on ? PRIVATE_USERS_TREE : PRIVATE_USERS_NO;
        else if (strcmp(text, "pick") == 0)
                s->private_users = PRIVATE_USERS_PICK;
        else if (strcmp(text, "identity") == 0)
                s->private_users = PRIVATE_USERS_IDENTITY;
        else if (strcmp(text, "managed") == 0)
                return value_refuse(reterr_reason, "systemd-nsresourced's ranges are not supported; use pick");
        else
                return private_users_fixed(text, s, reterr_reason);

        s->private_users_base = s->private_users_count = 0;
        return 0;
}

static int ownership_chown(Settings *s, char *reterr_reason)
{
        s->ownership = OWNERSHIP_AUTO;
        (void) value_refuse(reterr_reason, "box never changes owners on disk; the tree is mapped instead");
        return SETTING_TAKEN_WITH_WARNING;
}

int value_ownership(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        bool b;

        if (!*text || strcmp(text, "auto") == 0)
                s->ownership = OWNERSHIP_AUTO;
        else if (strcmp(text, "map") == 0)
                s->ownership = OWNERSHIP_MAP;
        else if (strcmp(text, "off") == 0)
                s->ownership = OWNERSHIP_OFF;
        else if (strcmp(text, "chown") == 0)
                return ownership_chown(s, reterr_reason);
        else if (strcmp(text, "foreign") == 0)
                s->ownership = OWNERSHIP_FOREIGN;
        else if (parse_bool(text, &b) == 0)
                s->ownership = b ? OWNERSHIP_AUTO : OWNERSHIP_OFF;
        else
                return value_refuse(reterr_reason, "not one of auto, map, foreign, off, chown");
        return 0;
}

int value_ownership_chown(const SettingRow *row, const char *text, Source from, Settings *s, char *reterr_reason)
{
        bool chown = false;

        if (*text && parse_bool(text, &chown) < 0)
                return value_refuse(reterr_reason, "not a boolean (yes or no)");
        if (chown)
                return ownership_chown(s, reterr_reason);

        s->ownership = *text ? OWNERSHIP_OFF : OWNERSHIP_AUTO;
        return 0;
}
