/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "test.h"

#include <sys/mount.h>

#include "mount/mount-options.h"

#define DEFAULTS (MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME)

static void test_mount_options_split(void **state)
{
        static const struct { const char *text; uint64_t attrs; const char *fs; } cases[] = {
                { "size=10%,mode=1777", DEFAULTS, "size=10%,mode=1777" },
                { "nosuid,size=1m,noexec", DEFAULTS | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, "size=1m" },
                { "ro", DEFAULTS | MOUNT_ATTR_RDONLY, NULL },
                { "dev,noatime", MOUNT_ATTR_NOATIME, NULL },
                { "relatime", MOUNT_ATTR_NODEV, NULL },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *fs = NULL;
                const char *reason = NULL;
                uint64_t attrs = DEFAULTS;

                assert_int_equal(mount_options_split(cases[i].text, &attrs, &fs, &reason), 0);
                assert_true(attrs == cases[i].attrs);
                if (cases[i].fs)
                        assert_string_equal(fs, cases[i].fs);
                else
                        assert_null(fs);
        }
}

static void test_mount_options_refused(void **state)
{
        static const char *const cases[] = { "bind", "remount", "noauto", "user" };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *fs = NULL;
                const char *reason = NULL;
                uint64_t attrs = 0;

                assert_int_equal(mount_options_split(cases[i], &attrs, &fs, &reason), -EINVAL);
                assert_non_null(reason);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_mount_options_split),
                cmocka_unit_test(test_mount_options_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
