/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Images of a few bytes, read by libblkid: what is told of each, and what is said of one that holds nothing. */

#include "tree-fixture.h"

#include <endian.h>
#include <fcntl.h>
#include <systemd/sd-gpt.h>
#include <unistd.h>

#include "disk/disk-probe.h"
#include "util/fd.h"

enum { SECTORS = 8192, ENTRIES = 128, ENTRY_SIZE = 128, SQUASHFS_BYTES = 4096 };

typedef struct Disk {
        uint8_t *bytes;
        size_t sector;
        char path[128];
        DiskFacts facts;
        Failure failure;
} Disk;

static void disk_init(Disk *d, const Tree *t, size_t sector)
{
        *d = (Disk) { .bytes = calloc(SECTORS, sector), .sector = sector };
        assert_non_null(d->bytes);
        (void) snprintf(d->path, sizeof(d->path), "%s/disk.raw", t->path);
}

static void disk_done(Disk *d)
{
        disk_facts_done(&d->facts);
        free(d->bytes);
}

/* Writes the first `size` bytes of the disk and reads them back as an image. */
static int probe(Disk *d, size_t size)
{
        _cleanup_close_ int fd = open(d->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, d->bytes, size), 0);
        disk_facts_done(&d->facts);
        d->failure = (Failure) {};
        return disk_probe(fd, d->path, &d->facts, &d->failure);
}

static void expect_refusal(Disk *d, size_t size, const char *words)
{
        assert_int_equal(probe(d, size), -EMEDIUMTYPE);
        if (!strstr(d->failure.text, words))
                fail_msg("'%s' does not say '%s'", d->failure.text, words);
}

/* The superblock of an empty squashfs 4.0. */
static void put_squashfs(uint8_t *at)
{
        static const uint16_t version[2] = { 4, 0 };
        uint64_t used = htole64(SQUASHFS_BYTES);

        memcpy(at, "hsqs", 4);
        memcpy(at + 28, version, sizeof(version));
        memcpy(at + 40, &used, sizeof(used));
}

static void put_mbr_entry(Disk *d, unsigned i, uint8_t flags, uint8_t type, uint32_t start, uint32_t sectors)
{
        uint8_t *e = d->bytes + 446 + 16 * i;

        e[0] = flags;
        e[4] = type;
        start = htole32(start);
        sectors = htole32(sectors);
        memcpy(e + 8, &start, 4);
        memcpy(e + 12, &sectors, 4);
        d->bytes[510] = 0x55;
        d->bytes[511] = 0xaa;
}

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
        uint32_t crc = UINT32_MAX;

        for (size_t i = 0; i < n; i++) {
                crc ^= p[i];
                for (unsigned bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
        }
        return ~crc;
}

static void put32(uint8_t *at, uint32_t v)
{
        v = htole32(v);
        memcpy(at, &v, sizeof(v));
}

static void put64(uint8_t *at, uint64_t v)
{
        v = htole64(v);
        memcpy(at, &v, sizeof(v));
}

/* A GUID's first three fields are little-endian on disk. */
static void put_guid(uint8_t *at, sd_id128_t id)
{
        static const unsigned order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

        for (unsigned i = 0; i < 16; i++)
                at[i] = id.bytes[order[i]];
}

/* A GPT with one partition, sectors 64 to 127, called "root". */
static void put_gpt(Disk *d, sd_id128_t type, uint64_t flags)
{
        uint8_t *header = d->bytes + d->sector, *entries = header + d->sector;

        put_mbr_entry(d, 0, 0, 0xee, 1, SECTORS - 1);
        put_guid(entries, type);
        put_guid(entries + 16, SD_ID128_MAKE(01,02,03,04,05,06,07,08,09,0a,0b,0c,0d,0e,0f,10));
        put64(entries + 32, 64);
        put64(entries + 40, 127);
        put64(entries + 48, flags);
        for (unsigned i = 0; i < 4; i++)
                entries[56 + 2 * i] = (uint8_t) "root"[i];

        memcpy(header, "EFI PART", 8);
        put32(header + 8, 0x10000);
        put32(header + 12, 92);
        put64(header + 24, 1);
        put64(header + 32, SECTORS - 1);
        put64(header + 40, 34);
        put64(header + 48, SECTORS - 34);
        put_guid(header + 56, SD_ID128_MAKE(11,12,13,14,15,16,17,18,19,1a,1b,1c,1d,1e,1f,20));
        put64(header + 72, 2);
        put32(header + 80, ENTRIES);
        put32(header + 84, ENTRY_SIZE);
        put32(header + 88, crc32_of(entries, ENTRIES * ENTRY_SIZE));
        put32(header + 16, crc32_of(header, 92));
}

static void test_bare(void **state)
{
        Disk d;

        disk_init(&d, *state, 512);
        put_squashfs(d.bytes);
        assert_int_equal(probe(&d, 512 * SECTORS), 0);
        assert_int_equal(d.facts.table, DISK_NO_TABLE);
        assert_int_equal(d.facts.size, 512 * SECTORS);
        assert_int_equal(d.facts.n, 1);
        assert_int_equal(d.facts.partitions[0].number, 0);
        assert_string_equal(d.facts.partitions[0].fstype, "squashfs");
        disk_done(&d);
}

static void test_mbr(void **state)
{
        Disk d;

        disk_init(&d, *state, 512);
        put_mbr_entry(&d, 0, 0, 0x82, 64, 8);
        put_mbr_entry(&d, 1, 0x80, 0x83, 128, 64);
        put_squashfs(d.bytes + 128 * 512);
        assert_int_equal(probe(&d, 512 * SECTORS), 0);
        assert_int_equal(d.facts.table, DISK_MBR);
        assert_int_equal(d.facts.n, 2);
        assert_string_equal(d.facts.partitions[0].fstype, "");
        assert_int_equal(d.facts.partitions[1].number, 2);
        assert_int_equal(d.facts.partitions[1].mbr_type, 0x83);
        assert_int_equal(d.facts.partitions[1].flags, 0x80);
        assert_int_equal(d.facts.partitions[1].offset, 128 * 512);
        assert_int_equal(d.facts.partitions[1].size, 64 * 512);
        assert_string_equal(d.facts.partitions[1].fstype, "squashfs");

        /* A partition that the image has no bytes of is told as it stands. */
        assert_int_equal(probe(&d, 100 * 512), 0);
        assert_int_equal(d.facts.partitions[1].offset, 128 * 512);
        assert_string_equal(d.facts.partitions[1].fstype, "");
        disk_done(&d);
}

static void test_gpt(void **state)
{
        static const size_t sectors[] = { 512, 4096 };

        for (size_t i = 0; i < ARRAY_SIZE(sectors); i++) {
                const DiskPartition *p;
                Disk d;

                disk_init(&d, *state, sectors[i]);
                put_gpt(&d, SD_GPT_ROOT_NATIVE, SD_GPT_FLAG_READ_ONLY);
                put_squashfs(d.bytes + 64 * d.sector);
                if (probe(&d, SECTORS * d.sector) < 0)
                        fail_msg("%zu: %s", d.sector, d.failure.text);
                assert_int_equal(d.facts.table, DISK_GPT);
                assert_int_equal(d.facts.n, 1);
                p = &d.facts.partitions[0];
                assert_int_equal(p->number, 1);
                assert_true(sd_id128_equal(p->type, SD_GPT_ROOT_NATIVE));
                assert_int_equal(p->flags, SD_GPT_FLAG_READ_ONLY);
                assert_string_equal(p->label, "root");
                assert_int_equal(p->offset, 64 * d.sector);
                assert_int_equal(p->size, 64 * d.sector);
                assert_string_equal(p->fstype, "squashfs");
                assert_int_equal(d.facts.tables[0].offset, 0);
                assert_int_equal(d.facts.tables[0].size, 2 * d.sector);
                assert_int_equal(d.facts.tables[1].offset, 2 * d.sector);
                assert_int_equal(d.facts.tables[1].size, ENTRIES * ENTRY_SIZE);
                disk_done(&d);
        }
}

/* A kernel driver is not left to choose what the image is. */
static void test_several(void **state)
{
        Disk d;

        disk_init(&d, *state, 512);
        put_squashfs(d.bytes);
        memcpy(d.bytes + 4086, "SWAPSPACE2", 10);
        put32(d.bytes + 1024, 1);
        put32(d.bytes + 1028, 4);
        expect_refusal(&d, 512 * SECTORS, "has signatures of several file systems or partition tables");

        /* In a partition: it has no file system that may be mounted. */
        memmove(d.bytes + 64 * 512, d.bytes, 8192);
        memset(d.bytes, 0, 8192);
        put_mbr_entry(&d, 0, 0x80, 0x83, 64, 4096);
        assert_int_equal(probe(&d, 512 * SECTORS), 0);
        assert_string_equal(d.facts.partitions[0].fstype, "ambiguous");
        disk_done(&d);
}

static void test_unreadable(void **state)
{
        _cleanup_close_ int fd = -EBADF;
        Disk d;

        disk_init(&d, *state, 512);
        put_squashfs(d.bytes);
        assert_int_equal(probe(&d, 512 * SECTORS), 0);
        fd = open(d.path, O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        disk_facts_done(&d.facts);
        assert_true(disk_probe(fd, d.path, &d.facts, &d.failure) < 0);
        if (!strstr(d.failure.text, "Failed to read the disk image"))
                fail_msg("%s", d.failure.text);
        disk_done(&d);
}

static void test_nothing(void **state)
{
        Disk d;

        disk_init(&d, *state, 512);
        expect_refusal(&d, 0, "is empty");
        expect_refusal(&d, 1, "has no file system and no partition table");
        expect_refusal(&d, 512 * SECTORS, "has no file system and no partition table");
        put_gpt(&d, SD_GPT_ROOT_NATIVE, 0);
        expect_refusal(&d, 512 * SECTORS / 2, "is cut off: its partition table is for 4194304 bytes, the image has 2097152");
        d.bytes[512 + 60] ^= 1;
        expect_refusal(&d, 512 * SECTORS, "partition table of the disk image");
        disk_done(&d);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TREE_TEST(test_bare),
                TREE_TEST(test_mbr),
                TREE_TEST(test_gpt),
                TREE_TEST(test_several),
                TREE_TEST(test_unreadable),
                TREE_TEST(test_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
