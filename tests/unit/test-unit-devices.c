/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a unit's own files allow, and a list without a device. */

#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "bus/unit-devices.h"

static void parse(UnitDevices *l, const char *text)
{
        char *copy = strdup(text);

        assert_non_null(copy);
        assert_int_equal(unit_devices_parse(copy, l), 0);
        free(copy);
}

static const char *access_of(const UnitDevices *l, const char *name)
{
        const UnitDevice *d = unit_devices_find(l, name);

        return !d ? "none" : d->access ?: "unknown";
}

static void test_files(void **state)
{
        UnitDevices l = {};

        parse(&l, "[Service]\nDeviceAllow=/dev/fuse\n  DeviceAllow = /dev/ttyS0   r\r\n#DeviceAllow=/dev/sda rw\n"
                  "DevicePolicy=closed\nDeviceAllowed=/dev/sdb rw\nDeviceAllow=char-pts rw");
        assert_string_equal(access_of(&l, "/dev/fuse"), "rwm");
        assert_string_equal(access_of(&l, "/dev/ttyS0"), "r");
        assert_string_equal(access_of(&l, "char-pts"), "rw");
        assert_int_equal(l.n, 3);
        /* A drop-in: the last one counts; of a name with specifiers, only its beginning is known. */
        parse(&l, "[Service]\nDeviceAllow=\"/dev/ttyS0\" rw\nDeviceAllow=/dev/disk-%i r\n");
        assert_string_equal(access_of(&l, "/dev/ttyS0"), "rw");
        assert_string_equal(access_of(&l, "/dev/disk-web"), "unknown");
        assert_string_equal(access_of(&l, "/dev/disk"), "none");
        parse(&l, "[Service]\nDeviceAllow=\nDeviceAllow=/dev/kvm rw\n");
        assert_int_equal(l.n, 1);
        unit_devices_done(&l);
}

static void test_list(void **state)
{
        UnitProperty p = {};
        UnitDevices l = {}, other = {};
        char *text;

        assert_int_equal(unit_devices_put(&l, "/dev/a", "r"), 0);
        assert_int_equal(unit_devices_put(&l, "/dev/b", "rw"), 0);
        assert_int_equal(unit_devices_put(&l, "/dev/a", "rwm"), 0);
        assert_int_equal(unit_devices_put(&other, "/dev/b", "rw"), 0);
        assert_false(unit_devices_equal(&l, &other));
        assert_int_equal(unit_devices_property(&l, &p), 0);
        text = unit_property_text(&p);
        assert_string_equal(text, "DeviceAllow a(ss) \"/dev/a\" \"rwm\" \"/dev/b\" \"rw\"");
        free(text);
        unit_property_done(&p);
        assert_int_equal(unit_devices_put(&l, "/dev/a", NULL), 0);
        assert_int_equal(unit_devices_put(&l, "/dev/none", NULL), 0);
        assert_true(unit_devices_equal(&l, &other));
        assert_int_equal(unit_devices_put(&l, "/dev/b", "r"), 0);
        assert_false(unit_devices_equal(&l, &other));
        unit_devices_done(&l);
        unit_devices_done(&other);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_files),
                cmocka_unit_test(test_list),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
