/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which partition becomes what, over tables that are made up here. */

#include "test.h"

#include <stdio.h>
#include <systemd/sd-gpt.h>

#include "config/settings-table.h"
#include "disk/disk-layout.h"

enum { MIB = 1024 * 1024 };

typedef struct Fixture {
        DiskFacts facts;
        DiskPartition partitions[8];
        ImagePolicy policy;
        DiskLayout layout;
        Problems problems;
} Fixture;

static void init(Fixture *f, DiskTable table)
{
        *f = (Fixture) { .facts = { .table = table, .size = 100 * MIB } };
        f->facts.partitions = f->partitions;
        image_policy_default(&f->policy);
}

static void done(Fixture *f)
{
        disk_layout_done(&f->layout);
        problems_done(&f->problems);
}

/* A partition of 1 MiB, each behind the other. */
static DiskPartition *add(Fixture *f, const char *fstype)
{
        DiskPartition *p = &f->partitions[f->facts.n];

        *p = (DiskPartition) {
                .number = (unsigned) ++f->facts.n,
                .offset = f->facts.n * MIB,
                .size = MIB,
                .label = (char *) "",
                .fstype = (char *) fstype,
        };
        return p;
}

static DiskPartition *add_gpt(Fixture *f, sd_id128_t type, const char *fstype)
{
        DiskPartition *p = add(f, fstype);

        p->type = type;
        return p;
}

static DiskPartition *add_mbr(Fixture *f, unsigned type, bool active)
{
        DiskPartition *p = add(f, "ext4");

        p->mbr_type = type;
        p->flags = active ? 0x80 : 0;
        return p;
}

static void lay_out(Fixture *f)
{
        disk_layout_done(&f->layout);
        problems_done(&f->problems);
        assert_int_equal(disk_layout_make(&f->facts, &f->policy, "x.raw", (Source) {}, &f->layout, &f->problems), 0);
}

/* The layout as disk_layout_print() has it. */
static void expect(Fixture *f, const char *text)
{
        char *printed = NULL;
        size_t size;
        FILE *stream = open_memstream(&printed, &size);

        lay_out(f);
        if (f->problems.n_fatal > 0)
                fail_msg("%s", f->problems.items[0].text);
        assert_non_null(stream);
        assert_int_equal(disk_layout_print(&f->layout, stream), 0);
        assert_int_equal(fclose(stream), 0);
        assert_string_equal(printed, text);
        free(printed);
}

static void expect_problem(Fixture *f, const char *text)
{
        lay_out(f);
        assert_int_equal(f->problems.n_fatal, 1);
        for (size_t i = 0; i < f->problems.n; i++)
                if (f->problems.items[i].fatal && !strstr(f->problems.items[i].text, text))
                        fail_msg("'%s' does not say '%s'", f->problems.items[i].text, text);
}

static void set_policy(Fixture *f, const char *text)
{
        char reason[SETTING_REASON_MAX];

        assert_int_equal(image_policy_parse(text, &f->policy, reason), 0);
}

static void test_bare_file_system(void **state)
{
        Fixture f;

        init(&f, DISK_NO_TABLE);
        *add(&f, "squashfs") = (DiskPartition) { .size = 100 * MIB, .label = (char *) "", .fstype = (char *) "squashfs" };
        expect(&f, "  whole (squashfs) -> / ro\n");
        f.partitions[0].fstype = (char *) "ntfs";
        expect_problem(&f, "x.raw: its file system is of type ntfs, and not one of btrfs");
        f.partitions[0].fstype = (char *) "crypto_LUKS";
        expect_problem(&f, "its file system is encrypted, which is not supported");
        done(&f);
}

static void test_gpt_roles(void **state)
{
        Fixture f;

        init(&f, DISK_GPT);
        add_gpt(&f, SD_GPT_ESP, "vfat");
        add_gpt(&f, SD_GPT_HOME, "xfs")->flags = SD_GPT_FLAG_READ_ONLY;
        add_gpt(&f, SD_GPT_ROOT_NATIVE, "ext4");
        add_gpt(&f, SD_GPT_TMP, "ext4");
        add_gpt(&f, SD_GPT_VAR, "ext3");
        add_gpt(&f, SD_GPT_SRV, "ext4")->flags = SD_GPT_FLAG_NO_AUTO;
        add_gpt(&f, SD_GPT_SWAP, "swap");
        add_gpt(&f, SD_GPT_USR_NATIVE, "erofs");
        expect(&f, "  partition 3 (ext4) -> /\n"
                   "  partition 8 (erofs) -> /usr ro\n"
                   "  partition 2 (xfs) -> /home ro\n"
                   "  partition 5 (ext3) -> /var\n"
                   "  partition 4 (ext4) -> /var/tmp\n"
                   "  partition 1 (vfat) -> /efi\n");
        assert_int_equal(f.layout.parts[0].offset, 3 * MIB);
        assert_int_equal(f.layout.parts[0].size, MIB);
        assert_false(disk_partition_matters(&f.facts, &(DiskPartition) {}));
        done(&f);
}

static void test_no_auto_and_generic(void **state)
{
        Fixture f;

        init(&f, DISK_GPT);
        add_gpt(&f, SD_GPT_ROOT_NATIVE, "ext4")->flags = SD_GPT_FLAG_NO_AUTO;
        expect_problem(&f, "has no root partition");
        add_gpt(&f, SD_GPT_LINUX_GENERIC, "ext4");
        expect(&f, "  partition 2 (ext4) -> /\n");
        add_gpt(&f, SD_GPT_LINUX_GENERIC, "ext4");
        expect_problem(&f, "has 2 partitions that could be the root");
        f.partitions[2].flags = SD_GPT_FLAG_NO_AUTO;
        expect(&f, "  partition 2 (ext4) -> /\n");
        done(&f);
}

static void test_newest_version(void **state)
{
        Fixture f;

        init(&f, DISK_GPT);
        add_gpt(&f, SD_GPT_ROOT_NATIVE, "ext4")->label = (char *) "os-9";
        add_gpt(&f, SD_GPT_ROOT_NATIVE, "ext4")->label = (char *) "os-10";
        add_gpt(&f, SD_GPT_ROOT_NATIVE, "")->label = (char *) "_empty";
        expect(&f, "  partition 2 (ext4) -> /\n");
        f.partitions[0].label = (char *) "os-10";
        expect_problem(&f, "two root partitions, 1 and 2, and their labels do not tell");
        /* Of others the first is the one. */
        f.partitions[0].type = SD_GPT_HOME;
        f.partitions[2].type = SD_GPT_HOME;
        f.partitions[2].label = (char *) "z";
        expect(&f, "  partition 2 (ext4) -> /\n  partition 1 (ext4) -> /home\n");
        done(&f);
}

static void test_architectures(void **state)
{
        Fixture f;

        init(&f, DISK_GPT);
        add_gpt(&f, SD_GPT_ROOT_S390X, "ext4");
        expect_problem(&f, "has a root partition for s390x, and none for this host's architecture");
#ifdef SD_GPT_ROOT_SECONDARY
        add_gpt(&f, SD_GPT_ROOT_SECONDARY, "ext4");
        expect(&f, "  partition 2 (ext4) -> /\n");
        add_gpt(&f, SD_GPT_ROOT_NATIVE, "ext4");
        expect(&f, "  partition 3 (ext4) -> /\n");
#endif
        done(&f);
}

static void test_mbr(void **state)
{
        Fixture f;

        init(&f, DISK_MBR);
        add_mbr(&f, 0x82, true);
        expect_problem(&f, "none of its partitions is of type 0x83");
        add_mbr(&f, 0x83, false);
        expect(&f, "  partition 2 (ext4) -> /\n");
        add_mbr(&f, 0x83, false);
        expect_problem(&f, "2 partitions that could be the root");
        f.partitions[2].flags = 0x80;
        add_mbr(&f, 0xea, true);
        expect(&f, "  partition 3 (ext4) -> /\n  partition 4 (ext4) -> /boot\n");
        f.partitions[1].flags = 0x80;
        expect_problem(&f, "2 partitions that could be the root");
        done(&f);
}

static void test_policy(void **state)
{
        Fixture f;

        init(&f, DISK_GPT);
        add_gpt(&f, SD_GPT_ROOT_NATIVE, "ext4");
        add_gpt(&f, SD_GPT_HOME, "crypto_LUKS");
        expect_problem(&f, "partition 2 (home) is encrypted, which is not supported");
        set_policy(&f, "root=unprotected:home=unprotected");
        expect_problem(&f, "partition 2 (home) is encrypted, against --image-policy=");
        set_policy(&f, "root=unprotected:=ignore");
        expect(&f, "  partition 1 (ext4) -> /\n");
        set_policy(&f, "root=unprotected:home=absent");
        expect_problem(&f, "has a partition 2 (home), which --image-policy= forbids");
        set_policy(&f, "root=unprotected:srv=unprotected:=ignore");
        expect_problem(&f, "has no srv partition, which --image-policy= requires");
        set_policy(&f, "root=verity+signed");
        expect_problem(&f, "requires partition 1 (root) protected by dm-verity, which is not supported");
        set_policy(&f, "root=encrypted");
        expect_problem(&f, "requires partition 1 (root) encrypted, which is not supported");
        set_policy(&f, "root=unprotected+read-only-on");
        expect_problem(&f, "Partition 1 (root) of x.raw is writable, against");
        set_policy(&f, "root=unprotected+growfs-on");
        expect_problem(&f, "Partition 1 (root) of x.raw is not marked to grow, against");
        set_policy(&f, "-");
        expect_problem(&f, "leaves the root partition of x.raw unused");
        done(&f);
}

static void test_verity(void **state)
{
        Fixture f;

        init(&f, DISK_GPT);
        add_gpt(&f, SD_GPT_ROOT_NATIVE, "squashfs");
        add_gpt(&f, SD_GPT_ROOT_NATIVE_VERITY, "DM_verity_hash");
        expect(&f, "  partition 1 (squashfs) -> / ro\n");
        assert_int_equal(f.problems.n, 1);
        assert_non_null(strstr(f.problems.items[0].text, "it is not verified"));
        add_gpt(&f, SD_GPT_ROOT_NATIVE_VERITY_SIG, "verity_hash_signature");
        expect_problem(&f, "is signed for dm-verity, which is not supported; --image-policy=root=unprotected");
        set_policy(&f, "root=unprotected:=ignore");
        expect(&f, "  partition 1 (squashfs) -> / ro\n");
        assert_int_equal(f.problems.n, 0);
        done(&f);
}

static void test_what_cannot_be(void **state)
{
        Fixture f;

        init(&f, DISK_GPT);
        add_gpt(&f, SD_GPT_HOME, "ext4");
        add_gpt(&f, SD_GPT_ROOT_NATIVE, "");
        expect_problem(&f, "partition 2 (root) has no file system");
        f.partitions[1].fstype = (char *) "ext4";
        f.partitions[1].size = 200 * MIB;
        expect_problem(&f, "is cut off: its partition 2 would end at byte 211812352, the image has 104857600");
        f.partitions[1].offset = UINT64_MAX;
        expect_problem(&f, "is cut off");
        done(&f);
}

static void test_usr_only(void **state)
{
        Fixture f;

        init(&f, DISK_GPT);
        add_gpt(&f, SD_GPT_USR_NATIVE, "erofs");
        add_gpt(&f, SD_GPT_HOME, "ext4");
        expect(&f, "  none (tmpfs) -> /\n  partition 1 (erofs) -> /usr ro\n  partition 2 (ext4) -> /home\n");
        assert_true(f.layout.usr_only);
        set_policy(&f, "root=unprotected:usr=unprotected");
        expect_problem(&f, "has no root partition, which --image-policy= requires");
        image_policy_default(&f.policy);
        add_gpt(&f, SD_GPT_ROOT_NATIVE, "ext4");
        expect(&f, "  partition 3 (ext4) -> /\n  partition 1 (erofs) -> /usr ro\n  partition 2 (ext4) -> /home\n");
        assert_false(f.layout.usr_only);
        done(&f);
}

/* Blocks of another partition, of the table, or of nothing. */
static void test_places(void **state)
{
        Fixture f;

        init(&f, DISK_GPT);
        add_gpt(&f, SD_GPT_ROOT_NATIVE, "ext4");
        add_gpt(&f, SD_GPT_SWAP, "swap");
        f.facts.tables[0] = (DiskRange) { 0, 1024 };
        f.facts.tables[1] = (DiskRange) { 1024, 16384 };
        f.facts.tables[2] = (DiskRange) { 100 * MIB - 33 * 512, 16384 };
        expect(&f, "  partition 1 (ext4) -> /\n");
        f.partitions[1].offset = f.partitions[0].offset + f.partitions[0].size;
        expect(&f, "  partition 1 (ext4) -> /\n");

        f.partitions[1].offset--;
        expect_problem(&f, "its partitions 1 and 2 overlap");
        f.partitions[1].offset = f.partitions[0].offset + 512;
        f.partitions[1].size = 512;
        expect_problem(&f, "its partitions 1 and 2 overlap");
        f.partitions[1].size = 0;
        expect(&f, "  partition 1 (ext4) -> /\n");
        f.partitions[1].offset = f.partitions[1].size = 512;
        expect_problem(&f, "its partition 2 overlaps the partition table");
        f.partitions[1].offset = 1024 + 16384 - 1;
        expect_problem(&f, "its partition 2 overlaps the partition table");
        f.partitions[1].offset++;
        expect(&f, "  partition 1 (ext4) -> /\n");
        f.partitions[1].offset = 100 * MIB - 512 * 2;
        expect_problem(&f, "its partition 2 overlaps the partition table");
        f.partitions[1].offset = 100 * MIB;
        expect_problem(&f, "is cut off: its partition 2 would end");
        done(&f);

        /* Logical partitions are in their container, and do not overlap what is not. */
        init(&f, DISK_MBR);
        add_mbr(&f, 0x83, true);
        add_mbr(&f, 0x05, false)->size = 10 * MIB;
        add_mbr(&f, 0x82, false);
        expect(&f, "  partition 1 (ext4) -> /\n");
        f.partitions[2].offset = f.partitions[0].offset;
        expect_problem(&f, "its partitions 1 and 3 overlap");
        done(&f);
}

static void test_file_systems(void **state)
{
        static const struct { const char *fstype; bool by_default, on_boot; const char *flag; } cases[] = {
                { "ext2", true, true, "ext4" }, { "ext3", true, true, "ext4" }, { "ext4", true, true, "ext4" },
                { "xfs", true, true, "xfs" }, { "squashfs", true, true, "squashfs" }, { "erofs", true, true, "erofs" },
                { "vfat", false, true, "vfat" }, { "btrfs", false, false, "btrfs" }, { "f2fs", false, false, "f2fs" },
                { "ntfs", false, false, NULL }, { "bcachefs", false, false, NULL }, { "hfsplus", false, false, NULL },
                { "ambiguous", false, false, NULL }, { "jbd", false, false, NULL },
        };
        char policy[64];

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Fixture f;

                init(&f, DISK_GPT);
                add_gpt(&f, SD_GPT_ROOT_NATIVE, cases[i].fstype);
                lay_out(&f);
                assert_int_equal(f.problems.n_fatal, cases[i].by_default ? 0 : 1);
                if (cases[i].flag) {
                        (void) snprintf(policy, sizeof(policy), "root=%s", cases[i].flag);
                        set_policy(&f, policy);
                        lay_out(&f);
                        assert_int_equal(f.problems.n_fatal, 0);
                        f.partitions[0].asks = "the moon";
                        expect_problem(&f, "the superblock of partition 1 (root) asks for the moon, which an image may not");
                        f.partitions[0].asks = NULL;
                        set_policy(&f, strcmp(cases[i].flag, "xfs") == 0 ? "root=ext4" : "root=unprotected+xfs");
                        expect_problem(&f, "against --image-policy=");
                }
                f.partitions[0].fstype = (char *) "ext4";
                image_policy_default(&f.policy);
                add_gpt(&f, SD_GPT_XBOOTLDR, cases[i].fstype);
                lay_out(&f);
                assert_int_equal(f.problems.n_fatal, cases[i].on_boot ? 0 : 1);
                done(&f);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bare_file_system),
                cmocka_unit_test(test_gpt_roles),
                cmocka_unit_test(test_no_auto_and_generic),
                cmocka_unit_test(test_newest_version),
                cmocka_unit_test(test_architectures),
                cmocka_unit_test(test_mbr),
                cmocka_unit_test(test_policy),
                cmocka_unit_test(test_verity),
                cmocka_unit_test(test_what_cannot_be),
                cmocka_unit_test(test_usr_only),
                cmocka_unit_test(test_places),
                cmocka_unit_test(test_file_systems),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
