/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Superblocks that ask for more than their own blocks, made of a few bytes at the offsets of the formats. */

#include "tree-fixture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "disk/disk-superblock.h"
#include "util/fd.h"

enum { AT = 1024 * 1024, SIZE = 128 * 1024 };

typedef struct Byte {
        unsigned offset;
        uint8_t value;
} Byte;

static const char *asks(const Tree *t, const char *fstype, const Byte *bytes, size_t n)
{
        _cleanup_close_ int fd = openat(t->fd, "image", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        const char *found = "unset";

        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, AT + SIZE), 0);
        for (size_t i = 0; i < n; i++)
                assert_int_equal(pwrite(fd, &bytes[i].value, 1, AT + bytes[i].offset), 1);
        assert_int_equal(disk_superblock_asks(fd, AT, fstype, &found), 0);
        return found;
}
#define ASKS(t, fstype, ...)                                    \
        asks(t, fstype, (const Byte[]) { __VA_ARGS__ },         \
             sizeof((const Byte[]) { __VA_ARGS__ }) / sizeof(Byte))

#define EXT(field) (1024 + (field))
#define EXT_JOURNAL { EXT(0x5c), 0x4 }
#define EXT_INODE { EXT(0xe0), 8 }

static void test_ext(void **state)
{
        static const char *const names[] = { "ext2", "ext3", "ext4" };
        const Tree *t = *state;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                assert_null(ASKS(t, names[i], { EXT(0x38), 0x53 }));
                assert_null(ASKS(t, names[i], EXT_JOURNAL, EXT_INODE));
                assert_null(ASKS(t, names[i], { EXT(0x3c), 3 }));                /* errors=panic: the mount option counts */
                assert_string_equal(ASKS(t, names[i], EXT_JOURNAL, { EXT(0xe5), 8 }), "a journal on another block device");
                assert_string_equal(ASKS(t, names[i], EXT_JOURNAL), "a journal on another block device");
                assert_non_null(ASKS(t, names[i], EXT_JOURNAL, EXT_INODE, { EXT(0xe4), 1 }));
                assert_non_null(strstr(ASKS(t, names[i], EXT_JOURNAL, EXT_INODE, { EXT(0x200), 'd' }), "mount options"));
                assert_non_null(ASKS(t, names[i], { EXT(0x60), 0x8 }));
        }
}

static void test_devices(void **state)
{
        const Tree *t = *state;

        assert_null(ASKS(t, "erofs", { 1024 + 80, 0x3 }));
        assert_string_equal(ASKS(t, "erofs", { 1024 + 80, 0x8 }), "another block device");
        assert_string_equal(ASKS(t, "erofs", { 1024 + 86, 1 }), "another block device");
        assert_string_equal(ASKS(t, "erofs", { 1024 + 87, 1 }), "another block device");

        assert_null(ASKS(t, "btrfs", { 0x10088, 1 }));
        assert_non_null(ASKS(t, "btrfs", { 0x10088, 2 }));
        assert_non_null(ASKS(t, "btrfs", { 0x10088, 1 }, { 0x1008f, 1 }));

        /* The second superblock counts if the first is no longer one. */
#define F2FS_MAGIC(at) { (at), 0x10 }, { (at) + 1, 0x20 }, { (at) + 2, 0xf5 }, { (at) + 3, 0xf2 }
        assert_null(ASKS(t, "f2fs", F2FS_MAGIC(1024), F2FS_MAGIC(5120)));
        assert_non_null(ASKS(t, "f2fs", F2FS_MAGIC(1024), { 1024 + 2201, '/' }));
        assert_non_null(ASKS(t, "f2fs", F2FS_MAGIC(1024), F2FS_MAGIC(5120), { 5120 + 2201, '/' }));
        assert_null(ASKS(t, "f2fs", F2FS_MAGIC(1024), { 5120 + 2201, '/' }));
}

/* Formats that name no device, and images that end before. */
static void test_others(void **state)
{
        _cleanup_close_ int fd = memfd_create("image", MFD_CLOEXEC);
        const Tree *t = *state;
        const char *found = "unset";

        assert_null(ASKS(t, "xfs", { 0, 0xff }, { 1024, 0xff }));
        assert_null(ASKS(t, "squashfs", { 1024 + 80, 0xff }));
        assert_null(ASKS(t, "", { 1024 + 80, 0xff }));
        assert_true(fd >= 0);
        assert_int_equal(disk_superblock_asks(fd, 0, "ext4", &found), 0);
        assert_null(found);
        assert_int_equal(disk_superblock_asks(-EBADF, 0, "ext4", &found), -EBADF);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_ext),
                TREE_TEST(test_devices),
                TREE_TEST(test_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
