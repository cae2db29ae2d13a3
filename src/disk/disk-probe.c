/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads a disk image (see disk-probe.h). The supervisor, as root. The image is not trusted: libblkid is the library by
 * which the host reads every USB stick. It is loaded only for a machine with a disk image.
 */

#include <blkid/blkid.h>
#include <endian.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/disk-probe.h"
#include "disk/disk-superblock.h"
#include "util/dl.h"
#include "util/strv.h"

/* libblkid's unit for offsets and sizes of partitions, whatever the table's sector size. */
enum { BLKID_SECTOR = 512 };

/* The functions of libblkid that are used, by name. */
#define BLKID_FUNCTIONS(X)                      \
        X(blkid_new_probe)                      \
        X(blkid_free_probe)                     \
        X(blkid_probe_set_device)               \
        X(blkid_probe_set_sectorsize)           \
        X(blkid_probe_enable_superblocks)       \
        X(blkid_probe_set_superblocks_flags)    \
        X(blkid_probe_enable_partitions)        \
        X(blkid_probe_set_partitions_flags)     \
        X(blkid_do_safeprobe)                   \
        X(blkid_probe_lookup_value)             \
        X(blkid_probe_get_partitions)           \
        X(blkid_partlist_numof_partitions)      \
        X(blkid_partlist_get_partition)         \
        X(blkid_partition_get_name)             \
        X(blkid_partition_get_partno)           \
        X(blkid_partition_get_start)            \
        X(blkid_partition_get_size)             \
        X(blkid_partition_get_type)             \
        X(blkid_partition_get_type_string)      \
        X(blkid_partition_get_flags)

DL_LIBRARY(Blkid, blkid, BLKID_FUNCTIONS, "libblkid.so.1", "recommended", "disk-images", "Machines from disk images")

typedef struct Probe {
        const Blkid *lib;
        blkid_probe probe;
} Probe;

static void probe_done(Probe *p)
{
        if (p->probe)
                p->lib->blkid_free_probe(p->probe);
}

/* 1: a file system or table was found; 0: none; -EMEDIUMTYPE: several. */
static int probe_range(const Blkid *lib, int fd, uint64_t offset, uint64_t size, unsigned sector, Probe *ret)
{
        _cleanup_(probe_done) Probe p = { .lib = lib };
        int r;

        p.probe = lib->blkid_new_probe();
        if (!p.probe)
                return -ENOMEM;
        errno = 0;
        if (lib->blkid_probe_set_device(p.probe, fd, (blkid_loff_t) offset, (blkid_loff_t) size) != 0)
                return errno > 0 ? -errno : -ENOMEM;
        if (sector > 0)
                (void) lib->blkid_probe_set_sectorsize(p.probe, sector);
        (void) lib->blkid_probe_enable_superblocks(p.probe, 1);
        (void) lib->blkid_probe_set_superblocks_flags(p.probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE);
        (void) lib->blkid_probe_enable_partitions(p.probe, 1);
        (void) lib->blkid_probe_set_partitions_flags(p.probe, BLKID_PARTS_ENTRY_DETAILS);

        errno = 0;
        r = lib->blkid_do_safeprobe(p.probe);
        if (r == -2)
                return -EMEDIUMTYPE;
        if (r < 0)
                return errno > 0 ? -errno : -EIO;
        *ret = p;
        p = (Probe) {};
        return r == 0;
}

/* "" where the probe has no such value. */
static const char *probe_value(const Probe *p, const char *name)
{
        const char *value = NULL;

        return p->probe && p->lib->blkid_probe_lookup_value(p->probe, name, &value, NULL) == 0 && value ? value : "";
}

/* Sets the partition's fstype; "" for one that blkid does not know. */
static int probe_file_system(const Blkid *lib, int fd, DiskPartition *p)
{
        _cleanup_(probe_done) Probe probe = {};
        int r = 0;

        /* Size 0 means "to the end" to libblkid. */
        if (p->size > 0)
                r = probe_range(lib, fd, p->offset, p->size, 0, &probe);
        if (r < 0 && r != -EMEDIUMTYPE)
                return r;
        p->fstype = strdup(r == -EMEDIUMTYPE ? "ambiguous" : probe_value(&probe, "TYPE"));
        return p->fstype ? disk_superblock_asks(fd, p->offset, p->fstype, &p->asks) : -ENOMEM;
}

static int add_partition(const Blkid *lib, blkid_partition from, DiskFacts *f, DiskPartition **ret)
{
        DiskPartition *p = array_append(&f->partitions, &f->n, sizeof(*p));
        const char *label = lib->blkid_partition_get_name(from), *type = lib->blkid_partition_get_type_string(from);
        blkid_loff_t start = lib->blkid_partition_get_start(from), size = lib->blkid_partition_get_size(from);

        if (!p)
                return -ENOMEM;
        p->number = (unsigned) lib->blkid_partition_get_partno(from);
        p->flags = lib->blkid_partition_get_flags(from);
        /* Offsets and sizes that overflow are beyond the end of any image. */
        p->offset = start < 0 || start > INT64_MAX / BLKID_SECTOR ? UINT64_MAX : (uint64_t) start * BLKID_SECTOR;
        p->size = size < 0 || size > INT64_MAX / BLKID_SECTOR ? UINT64_MAX : (uint64_t) size * BLKID_SECTOR;
        if (f->table == DISK_MBR)
                p->mbr_type = (unsigned) lib->blkid_partition_get_type(from);
        else if (!type || sd_id128_from_string(type, &p->type) < 0)
                p->type = SD_ID128_NULL;
        p->label = strdup(label ? label : "");
        *ret = p;
        return p->label ? 0 : -ENOMEM;
}

static int read_table(const Blkid *lib, int fd, const Probe *probe, DiskFacts *f)
{
        blkid_partlist list = lib->blkid_probe_get_partitions(probe->probe);
        int n = list ? lib->blkid_partlist_numof_partitions(list) : -1, r = 0;

        if (n < 0)
                return -EIO;
        for (int i = 0; r >= 0 && i < n; i++) {
                DiskPartition *p;
                bool inside;

                r = add_partition(lib, lib->blkid_partlist_get_partition(list, i), f, &p);
                if (r < 0)
                        return r;
                inside = p->offset <= f->size && p->size <= f->size - p->offset;
                if (inside && disk_partition_matters(f, p))
                        r = probe_file_system(lib, fd, p);
                else if (!(p->fstype = strdup("")))
                        r = -ENOMEM;
        }
        return r;
}

static int whole_disk(int fd, const char *fstype, DiskFacts *f)
{
        DiskPartition *p = array_append(&f->partitions, &f->n, sizeof(*p));

        if (!p)
                return -ENOMEM;
        p->size = f->size;
        p->label = strdup("");
        p->fstype = strdup(fstype);
        return p->label && p->fstype ? disk_superblock_asks(fd, 0, fstype, &p->asks) : -ENOMEM;
}

static int disk_size(int fd, uint64_t *ret)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISBLK(st.st_mode))
                return RET_ERRNO(ioctl(fd, BLKGETSIZE64, ret));
        *ret = (uint64_t) st.st_size;
        return 0;
}

/* A GUID partition table's header. */
typedef struct GptHeader {
        char signature[8];
        uint32_t revision, header_size, header_crc, reserved;
        uint64_t this_lba, other_lba, first_usable_lba, last_usable_lba;
        uint8_t guid[16];
        uint64_t entries_lba;
        uint32_t n_entries, entry_size;
} GptHeader;

static bool read_gpt_header(int fd, uint64_t offset, GptHeader *ret)
{
        return offset <= INT64_MAX && pread(fd, ret, sizeof(*ret), (off_t) offset) == sizeof(*ret) &&
               memcmp(ret->signature, "EFI PART", sizeof(ret->signature)) == 0;
}

/* The places of the table itself, where no partition may be. Either of a GPT's two headers may be damaged. */
static void read_table_ranges(int fd, unsigned sector, DiskFacts *f)
{
        uint64_t last = f->size / sector - 1;
        GptHeader header;

        f->tables[0].size = f->table == DISK_GPT ? 2 * sector : sector;
        if (f->table != DISK_GPT)
                return;
        for (size_t i = 0; i < 2; i++) {
                uint64_t lba, size;

                if (!read_gpt_header(fd, (i == 0 ? 1 : last) * sector, &header))
                        continue;
                lba = le64toh(header.entries_lba);
                size = (uint64_t) le32toh(header.n_entries) * le32toh(header.entry_size);
                if (lba <= last && size <= f->size)
                        f->tables[i + 1] = (DiskRange) { lba * sector, size };
        }
}

/* Nothing was found: reports a damaged GUID partition table if there is one. */
static int refuse_nothing(int fd, const char *path, uint64_t size, Failure *failure)
{
        GptHeader header;

        for (unsigned sector = 512; sector <= 4096; sector *= 2) {
                uint64_t last;

                if (!read_gpt_header(fd, sector, &header))
                        continue;
                last = le64toh(header.other_lba);
                if (last >= size / sector)
                        return failure_set(failure, -EMEDIUMTYPE, "The disk image %s is cut off: its partition table is for "
                                           "%llu bytes, the image has %llu", path, (unsigned long long) (last + 1) * sector,
                                           (unsigned long long) size);
                return failure_set(failure, -EMEDIUMTYPE, "The GUID partition table of the disk image %s is damaged", path);
        }
        return failure_set(failure, -EMEDIUMTYPE, "The disk image %s has no file system and no partition table", path);
}

static int refuse_probe(int r, const char *path, Failure *failure)
{
        if (r == -EMEDIUMTYPE)
                return failure_set(failure, r, "The disk image %s has signatures of several file systems or partition tables",
                                   path);
        return failure_set(failure, r, "Failed to read the disk image %s: %m", path);
}

/* The sector size decides where a GPT is; nearly all images have 512. A protective MBR alone, which is at the same
 * offset for all sizes, does not count. */
static int probe_disk(const Blkid *lib, int fd, uint64_t size, Probe *ret, unsigned *ret_sector)
{
        for (unsigned sector = 512; sector <= 4096; sector *= 2) {
                int r = probe_range(lib, fd, 0, size, sector, ret);

                *ret_sector = sector;
                if (r != 0 && (r < 0 || strcmp(probe_value(ret, "PTTYPE"), "PMBR") != 0))
                        return r;
                probe_done(ret);
                *ret = (Probe) {};
        }
        return 0;
}

static int read_disk(const Blkid *lib, int fd, const char *path, DiskFacts *f, Failure *failure)
{
        _cleanup_(probe_done) Probe probe = {};
        const char *table;
        unsigned sector;
        int r;

        r = probe_disk(lib, fd, f->size, &probe, &sector);
        if (r == 0)
                return refuse_nothing(fd, path, f->size, failure);
        if (r < 0)
                return refuse_probe(r, path, failure);

        table = probe_value(&probe, "PTTYPE");
        if (*probe_value(&probe, "USAGE")) {
                f->table = DISK_NO_TABLE;
                r = whole_disk(fd, probe_value(&probe, "TYPE"), f);
        } else if (strcmp(table, "gpt") == 0 || strcmp(table, "dos") == 0) {
                f->table = *table == 'g' ? DISK_GPT : DISK_MBR;
                read_table_ranges(fd, sector, f);
                r = read_table(lib, fd, &probe, f);
        } else
                return failure_set(failure, -EMEDIUMTYPE, "The disk image %s has a partition table of type %s, and not gpt or "
                                   "dos", path, *table ? table : "unknown");
        return r < 0 ? refuse_probe(r, path, failure) : 0;
}

int disk_probe(int fd, const char *path, DiskFacts *ret, Failure *failure)
{
        _cleanup_(disk_facts_done) DiskFacts f = {};
        _cleanup_(blkid_close) Blkid lib = {};
        int r;

        r = blkid_open(&lib, "A disk image", failure);
        if (r < 0)
                return r;
        r = disk_size(fd, &f.size);
        if (r < 0)
                return failure_set(failure, r, "Failed to get the size of the disk image %s: %m", path);
        if (f.size == 0)
                return failure_set(failure, -EMEDIUMTYPE, "The disk image %s is empty", path);
        r = read_disk(&lib, fd, path, &f, failure);
        if (r < 0)
                return r;

        *ret = f;
        f = (DiskFacts) {};
        return 0;
}
