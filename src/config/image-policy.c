/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses and formats image policies (see image-policy.h): "ROLE=FLAG+FLAG:ROLE=FLAG", in which an empty role stands for
 * all others. boxctl and the supervisor; pure.
 */

#include <stdio.h>
#include <string.h>

#include "config/image-policy.h"
#include "config/values.h"
#include "util/print.h"

#define READ_ONLY_BOTH (POLICY_READ_ONLY_OFF | POLICY_READ_ONLY_ON)
#define GROWFS_BOTH (POLICY_GROWFS_OFF | POLICY_GROWFS_ON)
#define ATTRIBUTES_ANY (READ_ONLY_BOTH | GROWFS_BOTH)

static const char *const role_names[_PARTITION_ROLE_MAX] = {
        [PARTITION_ROOT] = "root",
        [PARTITION_USR] = "usr",
        [PARTITION_HOME] = "home",
        [PARTITION_SRV] = "srv",
        [PARTITION_ESP] = "esp",
        [PARTITION_XBOOTLDR] = "xbootldr",
        [PARTITION_SWAP] = "swap",
        [PARTITION_ROOT_VERITY] = "root-verity",
        [PARTITION_ROOT_VERITY_SIG] = "root-verity-sig",
        [PARTITION_USR_VERITY] = "usr-verity",
        [PARTITION_USR_VERITY_SIG] = "usr-verity-sig",
        [PARTITION_TMP] = "tmp",
        [PARTITION_VAR] = "var",
};

/* Combinations come first. */
static const struct {
        const char *word;
        unsigned flags;
} flag_words[] = {
        { "open", POLICY_OPEN },
        { "ignore", POLICY_IGNORE },
        { "verity", POLICY_VERITY },
        { "signed", POLICY_SIGNED },
        { "encrypted", POLICY_ENCRYPTED },
        { "unprotected", POLICY_UNPROTECTED },
        { "unused", POLICY_UNUSED },
        { "absent", POLICY_ABSENT },
        { "read-only-off", POLICY_READ_ONLY_OFF },
        { "read-only-on", POLICY_READ_ONLY_ON },
        { "growfs-off", POLICY_GROWFS_OFF },
        { "growfs-on", POLICY_GROWFS_ON },
        { "btrfs", POLICY_BTRFS },
        { "erofs", POLICY_EROFS },
        { "ext4", POLICY_EXT4 },
        { "f2fs", POLICY_F2FS },
        { "squashfs", POLICY_SQUASHFS },
        { "vfat", POLICY_VFAT },
        { "xfs", POLICY_XFS },
};

const char *partition_role_name(PartitionRole role)
{
        return role_names[role];
}

void image_policy_default(ImagePolicy *ret)
{
        const unsigned data = POLICY_ENCRYPTED | POLICY_UNPROTECTED | POLICY_ABSENT | ATTRIBUTES_ANY;

        for (size_t i = 0; i < _PARTITION_ROLE_MAX; i++)
                ret->flags[i] = POLICY_IGNORE | ATTRIBUTES_ANY;
        ret->flags[PARTITION_ROOT] = ret->flags[PARTITION_USR] = data | POLICY_VERITY | POLICY_SIGNED;
        ret->flags[PARTITION_HOME] = ret->flags[PARTITION_SRV] = ret->flags[PARTITION_TMP] = ret->flags[PARTITION_VAR] =
                ret->flags[PARTITION_XBOOTLDR] = data;
        ret->flags[PARTITION_ESP] = POLICY_UNPROTECTED | POLICY_IGNORE | ATTRIBUTES_ANY;
}

/* Groups without any flag allow everything, but for file systems. */
static unsigned fill_up(unsigned flags)
{
        if (!(flags & POLICY_OPEN))
                flags |= POLICY_OPEN;
        if (!(flags & READ_ONLY_BOTH))
                flags |= READ_ONLY_BOTH;
        if (!(flags & GROWFS_BOTH))
                flags |= GROWFS_BOTH;
        return flags;
}

/* Abbreviations of a whole policy, or of the flags of one role. */
static bool parse_short(const char *s, size_t n, unsigned *ret)
{
        if (n == 0 || (n == 1 && *s == '-'))
                *ret = POLICY_IGNORE;
        else if (n == 1 && *s == '*')
                *ret = POLICY_OPEN;
        else if (n == 1 && *s == '~')
                *ret = POLICY_ABSENT;
        else
                return false;
        return true;
}

static int parse_flags(const char *s, size_t n, unsigned *ret, char *reterr_reason)
{
        unsigned flags = 0;

        if (parse_short(s, n, ret))
                return 0;

        for (const char *end = s + n;; s++) {
                const char *plus = memchr(s, '+', (size_t) (end - s));
                size_t m = (size_t) ((plus ? plus : end) - s), i = 0;

                while (i < ARRAY_SIZE(flag_words) &&
                       (strlen(flag_words[i].word) != m || strncmp(flag_words[i].word, s, m) != 0))
                        i++;
                if (i == ARRAY_SIZE(flag_words))
                        return value_refuse(reterr_reason, "unknown flag: '%.*s'", (int) m, s);
                flags |= flag_words[i].flags;
                s += m;
                if (s == end)
                        break;
        }

        *ret = flags;
        return 0;
}

/* The role's index, _PARTITION_ROLE_MAX for "all others", or -EINVAL. */
static int find_role(const char *s, size_t n)
{
        if (n == 0)
                return _PARTITION_ROLE_MAX;
        for (int i = 0; i < _PARTITION_ROLE_MAX; i++)
                if (strlen(role_names[i]) == n && strncmp(role_names[i], s, n) == 0)
                        return i;
        return -EINVAL;
}

/* Parses n characters "ROLE=FLAGS" into flags[]; the last element is for all other roles. */
static int parse_rule(const char *s, size_t n, unsigned *flags, char *reterr_reason)
{
        const char *equals = memchr(s, '=', n);
        size_t m = equals ? (size_t) (equals - s) : 0;
        int role;

        if (!equals)
                return value_refuse(reterr_reason, "not PARTITION=FLAG+FLAG…: '%.*s'", (int) n, s);
        role = find_role(s, m);
        if (role < 0)
                return value_refuse(reterr_reason, "unknown partition: '%.*s'", (int) m, s);
        if (flags[role] != 0)
                return value_refuse(reterr_reason, "'%.*s=' is set twice", (int) m, s);
        return parse_flags(equals + 1, n - m - 1, &flags[role], reterr_reason);
}

int image_policy_parse(const char *text, ImagePolicy *ret, char *reterr_reason)
{
        unsigned flags[_PARTITION_ROLE_MAX + 1] = {}, rest = POLICY_IGNORE;

        if (!parse_short(text, strlen(text), &rest)) {
                for (const char *p = text;; p++) {
                        size_t n = strcspn(p, ":");
                        int r = parse_rule(p, n, flags, reterr_reason);

                        if (r < 0)
                                return r;
                        p += n;
                        if (!*p)
                                break;
                }
                if (flags[_PARTITION_ROLE_MAX] != 0)
                        rest = flags[_PARTITION_ROLE_MAX];
        }

        for (size_t i = 0; i < _PARTITION_ROLE_MAX; i++)
                ret->flags[i] = fill_up(flags[i] != 0 ? flags[i] : rest);
        return 0;
}

/* Prints flags with as few words as possible. */
static void print_flags(unsigned flags, FILE *f)
{
        const char *separator = "";

        if ((flags & READ_ONLY_BOTH) == READ_ONLY_BOTH)
                flags &= ~(unsigned) READ_ONLY_BOTH;
        if ((flags & GROWFS_BOTH) == GROWFS_BOTH)
                flags &= ~(unsigned) GROWFS_BOTH;
        for (size_t i = 0; i < ARRAY_SIZE(flag_words); i++)
                if ((flags & flag_words[i].flags) == flag_words[i].flags) {
                        fprintf(f, "%s%s", separator, flag_words[i].word);
                        separator = "+";
                        flags &= ~flag_words[i].flags;
                }
}

char *image_policy_format(const ImagePolicy *p)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);

        if (!f)
                return NULL;
        for (size_t i = 0; i < _PARTITION_ROLE_MAX; i++) {
                fprintf(f, "%s%s=", i > 0 ? ":" : "", role_names[i]);
                print_flags(p->flags[i], f);
        }
        return memory_stream_take(&m);
}
