/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Policies as text: what each form comes to, and what is no policy. */

#include "test.h"

#include <stdio.h>

#include "config/image-policy.h"
#include "config/settings-table.h"

#define READ_ONLY_ANY (POLICY_READ_ONLY_OFF | POLICY_READ_ONLY_ON)
#define GROWFS_ANY (POLICY_GROWFS_OFF | POLICY_GROWFS_ON)
#define ANY (READ_ONLY_ANY | GROWFS_ANY)

static ImagePolicy parse(const char *text)
{
        char reason[SETTING_REASON_MAX] = "";
        ImagePolicy p = {};

        if (image_policy_parse(text, &p, reason) != 0)
                fail_msg("%s: %s", text, reason);
        return p;
}

static void test_whole_policies(void **state)
{
        static const struct { const char *text; unsigned flags; } policies[] = {
                { "*", POLICY_OPEN }, { "-", POLICY_IGNORE }, { "", POLICY_IGNORE }, { "~", POLICY_ABSENT },
                { "=open", POLICY_OPEN }, { "=*", POLICY_OPEN }, { "=ignore", POLICY_IGNORE }, { "=~", POLICY_ABSENT },
        };

        for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
                ImagePolicy p = parse(policies[i].text);

                for (size_t role = 0; role < _PARTITION_ROLE_MAX; role++)
                        assert_int_equal(p.flags[role], policies[i].flags | ANY);
        }
}

static void test_rules(void **state)
{
        ImagePolicy p = parse("root=unprotected+read-only-on:home=encrypted+absent:swap=growfs-off:=unused");

        assert_int_equal(p.flags[PARTITION_ROOT], POLICY_UNPROTECTED | POLICY_READ_ONLY_ON | GROWFS_ANY);
        assert_int_equal(p.flags[PARTITION_HOME], POLICY_ENCRYPTED | POLICY_ABSENT | ANY);
        assert_int_equal(p.flags[PARTITION_SWAP], POLICY_OPEN | READ_ONLY_ANY | POLICY_GROWFS_OFF);
        assert_int_equal(p.flags[PARTITION_VAR], POLICY_UNUSED | ANY);

        /* Partitions without a rule are ignored. */
        p = parse("root=verity");
        assert_int_equal(p.flags[PARTITION_ROOT], POLICY_VERITY | ANY);
        assert_int_equal(p.flags[PARTITION_USR], POLICY_IGNORE | ANY);
}

static void test_what_is_none(void **state)
{
        static const struct { const char *text, *word; } bad[] = {
                { "root", "not PARTITION=FLAG" },
                { "boot=open", "unknown partition: 'boot'" },
                { "root=open:root=verity", "'root=' is set twice" },
                { "=open:=verity", "set twice" },
                { "root=encryptd", "unknown flag: 'encryptd'" },
                { "root=open+", "unknown flag: ''" },
                { "root=+open", "unknown flag: ''" },
                { "root=*+absent", "unknown flag: '*'" },
                { "root=open:", "not PARTITION=FLAG" },
                { "**", "not PARTITION=FLAG" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                char reason[SETTING_REASON_MAX] = "";
                ImagePolicy p = {}, zero = {};

                assert_int_equal(image_policy_parse(bad[i].text, &p, reason), -EINVAL);
                if (!strstr(reason, bad[i].word))
                        fail_msg("%s: '%s' does not say '%s'", bad[i].text, reason, bad[i].word);
                assert_memory_equal(&p, &zero, sizeof(p));
        }
}

static void test_as_text_again(void **state)
{
        static const char *const texts[] = {
                "*", "-", "~", "root=unprotected+read-only-on:home=encrypted+absent:swap=growfs-off",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                ImagePolicy p = parse(texts[i]), again;
                char *text = image_policy_format(&p);

                assert_non_null(text);
                again = parse(text);
                assert_memory_equal(&p, &again, sizeof(p));
                free(text);
        }
}

static void test_names(void **state)
{
        for (int role = 0; role < _PARTITION_ROLE_MAX; role++) {
                char text[64];
                ImagePolicy p;

                (void) snprintf(text, sizeof(text), "%s=absent", partition_role_name((PartitionRole) role));
                p = parse(text);
                assert_int_equal(p.flags[role], POLICY_ABSENT | ANY);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole_policies),
                cmocka_unit_test(test_rules),
                cmocka_unit_test(test_what_is_none),
                cmocka_unit_test(test_as_text_again),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
