/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ids in ACLs and in file capabilities. */

#include "test.h"

#include <endian.h>
#include <linux/capability.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#include "image/tree-attribute.h"

#define ACCESS "system.posix_acl_access"

/* 1000 is another user in the copy, 1001 has none; others are moved by 500000, groups by 600000. */
static int map(void *userdata, bool group, uint32_t id, uint32_t *ret)
{
        *ret = id == 500000 ? 0 : id + (group ? 600000 : 500000);
        return id == 1000 ? 1 : id == 1001 ? -EOVERFLOW : 0;
}

static size_t acl(char *to, const uint32_t entries[][2], size_t n)
{
        struct posix_acl_xattr_header header = { htole32(POSIX_ACL_XATTR_VERSION) };

        memcpy(to, &header, sizeof(header));
        for (size_t i = 0; i < n; i++) {
                struct posix_acl_xattr_entry e = { htole16((uint16_t) entries[i][0]), htole16(6), htole32(entries[i][1]) };

                memcpy(to + sizeof(header) + i * sizeof(e), &e, sizeof(e));
        }
        return sizeof(header) + n * sizeof(struct posix_acl_xattr_entry);
}

static void test_acls(void **state)
{
        /* owner, user 7, group, group 7, mask, others: those without an id have the largest number. */
        const uint32_t from[][2] = { { 1, UINT32_MAX }, { 2, 7 }, { 4, UINT32_MAX }, { 8, 7 }, { 16, UINT32_MAX },
                                     { 32, UINT32_MAX } };
        const uint32_t to[][2] = { { 1, UINT32_MAX }, { 2, 500007 }, { 4, UINT32_MAX }, { 8, 600007 }, { 16, UINT32_MAX },
                                   { 32, UINT32_MAX } };
        char value[128], wanted[128];
        size_t size = acl(value, from, ARRAY_SIZE(from));

        assert_int_equal(acl(wanted, to, ARRAY_SIZE(to)), size);
        assert_int_equal(tree_attribute_map(ACCESS, value, &size, 0, map, NULL), 0);
        assert_memory_equal(value, wanted, size);
}

static void test_acls_of_others(void **state)
{
        char value[128];
        size_t size = acl(value, (const uint32_t[][2]) { { 1, UINT32_MAX }, { 2, 1000 } }, 2);

        assert_int_equal(tree_attribute_map("system.posix_acl_default", value, &size, 0, map, NULL), 1);
        size = acl(value, (const uint32_t[][2]) { { 8, 1001 } }, 1);
        assert_int_equal(tree_attribute_map(ACCESS, value, &size, 0, map, NULL), -EOVERFLOW);
        assert_int_equal(tree_attribute_map(ACCESS, value, &size, 0, NULL, NULL), 0);
        /* Not looked into: any other attribute. */
        assert_int_equal(tree_attribute_map("user.posix_acl_access", value, &size, 0, map, NULL), 0);
}

static void test_damaged_acls(void **state)
{
        char value[128] = { 0 };
        size_t size = acl(value, (const uint32_t[][2]) { { 2, 7 } }, 1);

        for (size_t shorter = 0; shorter < size; shorter++) {
                size_t n = shorter;

                /* A header alone is an ACL without entries. */
                assert_int_equal(tree_attribute_map(ACCESS, value, &n, 0, map, NULL),
                                 shorter == sizeof(struct posix_acl_xattr_header) ? 0 : -EBADMSG);
        }
        value[0] = 3;
        assert_int_equal(tree_attribute_map(ACCESS, value, &size, 0, map, NULL), -EBADMSG);
}

static void test_capabilities(void **state)
{
        struct vfs_ns_cap_data data = { .magic_etc = htole32(VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE),
                                        .data[0].permitted = htole32(0x2000), .rootid = htole32(7) };
        char value[XATTR_CAPS_SZ_3];
        struct vfs_ns_cap_data *got = (void *) value;
        size_t size = sizeof(data);

        memcpy(value, &data, sizeof(data));
        assert_int_equal(tree_attribute_map("security.capability", value, &size, 0, map, NULL), 0);
        assert_int_equal(size, sizeof(data));
        assert_int_equal(le32toh(got->rootid), 500007);

        /* Of the first root: the form without an id. */
        data.rootid = htole32(500000);
        memcpy(value, &data, sizeof(data));
        assert_int_equal(tree_attribute_map("security.capability", value, &size, 0, map, NULL), 0);
        assert_int_equal(size, XATTR_CAPS_SZ_2);
        assert_int_equal(le32toh(got->magic_etc), VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE);
        assert_int_equal(le32toh(got->data[0].permitted), 0x2000);
        assert_int_equal(tree_attribute_map("security.capability", value, &size, 0, map, NULL), 0);
        assert_int_equal(size, XATTR_CAPS_SZ_2);
        /* And for the root of a machine, where the value becomes longer. */
        assert_int_equal(tree_attribute_map("security.capability", value, &size, 524288, map, NULL), 0);
        assert_int_equal(size, XATTR_CAPS_SZ_3);
        assert_int_equal(le32toh(got->magic_etc), VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE);
        assert_int_equal(le32toh(got->rootid), 524288);
        assert_int_equal(le32toh(got->data[0].permitted), 0x2000);
}

static void test_privileged(void **state)
{
        static const char *const yes[] = { "security.capability", "security.selinux", "trusted.overlay.opaque" };
        static const char *const no[] = { "user.x", "user.security.x", "system.posix_acl_access", "btrfs.compression" };

        for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
                assert_true(tree_attribute_is_privileged(yes[i]));
        for (size_t i = 0; i < ARRAY_SIZE(no); i++)
                assert_false(tree_attribute_is_privileged(no[i]));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_acls),
                cmocka_unit_test(test_acls_of_others),
                cmocka_unit_test(test_damaged_acls),
                cmocka_unit_test(test_capabilities),
                cmocka_unit_test(test_privileged),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
