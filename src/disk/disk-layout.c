/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Chooses among a disk image's partitions (see disk-layout.h). The supervisor, while planning; pure. The image is not
 * trusted: anything unknown is refused.
 */

#include <string.h>
#include <systemd/sd-gpt.h>

#include "disk/disk-layout.h"

/* MBR types: Linux, the Boot Loader Specification's boot partition, and containers of logical partitions; the flag of an
 * active partition. */
enum {
        MBR_LINUX = 0x83,
        MBR_XBOOTLDR = 0xea,
        MBR_EXTENDED = 0x05,
        MBR_EXTENDED_LBA = 0x0f,
        MBR_EXTENDED_LINUX = 0x85,
        MBR_ACTIVE = 0x80,
};

/* The file systems that systemd mounts from images since version 254, with ext2 and ext3, which the ext4 driver mounts. Each
 * driver is a part of the kernel that a hostile image reaches. Unless the policy names others, only those are mounted that
 * distributions make images of. btrfs finds file systems by ids, and an image may have the id of the host's. */
static const struct {
        const char *name;
        unsigned flag;                  /* in policies */
        bool read_only, by_default, boot_by_default;
} file_systems[] = {
        { "btrfs", POLICY_BTRFS },
        { "erofs", POLICY_EROFS, .read_only = true, .by_default = true },
        { "ext2", POLICY_EXT4, .by_default = true },
        { "ext3", POLICY_EXT4, .by_default = true },
        { "ext4", POLICY_EXT4, .by_default = true },
        { "f2fs", POLICY_F2FS },
        { "squashfs", POLICY_SQUASHFS, .read_only = true, .by_default = true },
        { "vfat", POLICY_VFAT, .boot_by_default = true },
        { "xfs", POLICY_XFS, .by_default = true },
};

static const struct { sd_id128_t type; PartitionRole role; bool secondary; } gpt_roles[] = {
        { SD_GPT_ROOT_NATIVE, PARTITION_ROOT },
        { SD_GPT_ROOT_NATIVE_VERITY, PARTITION_ROOT_VERITY },
        { SD_GPT_ROOT_NATIVE_VERITY_SIG, PARTITION_ROOT_VERITY_SIG },
        { SD_GPT_USR_NATIVE, PARTITION_USR },
        { SD_GPT_USR_NATIVE_VERITY, PARTITION_USR_VERITY },
        { SD_GPT_USR_NATIVE_VERITY_SIG, PARTITION_USR_VERITY_SIG },
        { SD_GPT_HOME, PARTITION_HOME },
        { SD_GPT_SRV, PARTITION_SRV },
        { SD_GPT_ESP, PARTITION_ESP },
        { SD_GPT_XBOOTLDR, PARTITION_XBOOTLDR },
        { SD_GPT_SWAP, PARTITION_SWAP },
        { SD_GPT_TMP, PARTITION_TMP },
        { SD_GPT_VAR, PARTITION_VAR },
#ifdef SD_GPT_ROOT_SECONDARY
        /* Of the secondary architecture, whose programs this host can run as well. */
        { SD_GPT_ROOT_SECONDARY, PARTITION_ROOT, true },
        { SD_GPT_ROOT_SECONDARY_VERITY, PARTITION_ROOT_VERITY, true },
        { SD_GPT_ROOT_SECONDARY_VERITY_SIG, PARTITION_ROOT_VERITY_SIG, true },
        { SD_GPT_USR_SECONDARY, PARTITION_USR, true },
        { SD_GPT_USR_SECONDARY_VERITY, PARTITION_USR_VERITY, true },
        { SD_GPT_USR_SECONDARY_VERITY_SIG, PARTITION_USR_VERITY_SIG, true },
#endif
};

/* Root partitions, to name the architecture of an image that has none for ours. */
static const struct { sd_id128_t type; const char *name; } architectures[] = {
        { SD_GPT_ROOT_ARM, "arm" }, { SD_GPT_ROOT_ARM64, "arm64" }, { SD_GPT_ROOT_LOONGARCH64, "loongarch64" },
        { SD_GPT_ROOT_MIPS_LE, "mips-le" }, { SD_GPT_ROOT_MIPS64_LE, "mips64-le" }, { SD_GPT_ROOT_PPC, "ppc" },
        { SD_GPT_ROOT_PPC64, "ppc64" }, { SD_GPT_ROOT_PPC64_LE, "ppc64-le" }, { SD_GPT_ROOT_RISCV32, "riscv32" },
        { SD_GPT_ROOT_RISCV64, "riscv64" }, { SD_GPT_ROOT_S390X, "s390x" }, { SD_GPT_ROOT_X86, "x86" },
        { SD_GPT_ROOT_X86_64, "x86-64" },
};

/* In the order of mounting. Other roles are not mounted. */
static const struct { PartitionRole role; const char *dest; } places[] = {
        { PARTITION_ROOT, "/" }, { PARTITION_USR, "/usr" }, { PARTITION_HOME, "/home" }, { PARTITION_SRV, "/srv" },
        { PARTITION_VAR, "/var" }, { PARTITION_TMP, "/var/tmp" }, { PARTITION_XBOOTLDR, "/boot" }, { PARTITION_ESP, "/efi" },
};

typedef struct Choice {
        const DiskPartition *chosen[_PARTITION_ROLE_MAX];
        const DiskPartition *generic;   /* of a general type: the root where there is no other */
        unsigned n_generic;
        const DiskPartition *inactive;  /* of MBR type 0x83: the root where none is active */
        unsigned n_inactive;
        const char *foreign;            /* an architecture not ours for which the image has a root */
} Choice;

typedef struct Layouter {
        const DiskFacts *facts;
        const ImagePolicy *policy;
        const char *path;
        Source from;
        Problems *problems;
        Choice choice;
        DiskLayout layout;
} Layouter;

void disk_facts_done(DiskFacts *f)
{
        for (size_t i = 0; i < f->n; i++) {
                free(f->partitions[i].label);
                free(f->partitions[i].fstype);
        }
        free(f->partitions);
        *f = (DiskFacts) {};
}

void disk_layout_done(DiskLayout *l)
{
        for (size_t i = 0; i < l->n; i++)
                free(l->parts[i].fstype);
        *l = (DiskLayout) {};
}

/* NULL: it is not mounted. */
static const char *place_of(PartitionRole role)
{
        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (places[i].role == role)
                        return places[i].dest;
        return NULL;
}

/* ---- roles ---------------------------------------------------------------------------------------- */

/* The role by GPT type, or _PARTITION_ROLE_MAX. */
static PartitionRole gpt_role(sd_id128_t type, bool *ret_secondary)
{
        for (size_t i = 0; i < ARRAY_SIZE(gpt_roles); i++)
                if (sd_id128_equal(gpt_roles[i].type, type)) {
                        *ret_secondary = gpt_roles[i].secondary;
                        return gpt_roles[i].role;
                }
        return _PARTITION_ROLE_MAX;
}

static bool is_generic(const DiskFacts *f, const DiskPartition *p)
{
        if (f->table == DISK_GPT)
                return sd_id128_equal(p->type, SD_GPT_LINUX_GENERIC);
        return f->table == DISK_NO_TABLE || (p->mbr_type == MBR_LINUX && p->flags & MBR_ACTIVE);
}

/* The specification defines "no auto" for all roles but the ESP's; of that, the corresponding bit is the firmware's. */
static bool is_ignored(PartitionRole role, const DiskPartition *p)
{
        if (role == PARTITION_ESP)
                return p->flags & SD_GPT_FLAG_NO_BLOCK_IO_PROTOCOL;
        return p->flags & SD_GPT_FLAG_NO_AUTO;
}

bool disk_partition_matters(const DiskFacts *f, const DiskPartition *p)
{
        bool secondary;

        if (is_generic(f, p))
                return true;
        if (f->table == DISK_MBR)
                return p->mbr_type == MBR_LINUX || (p->mbr_type == MBR_XBOOTLDR && p->flags & MBR_ACTIVE);
        return gpt_role(p->type, &secondary) < _PARTITION_ROLE_MAX;
}

/* ---- choice ---------------------------------------------------------------------------------------------------- */

/* Images with A/B updates have several root or usr partitions with the version in the label: the newest is chosen. Of
 * other roles the first partition is. */
static int choose(Layouter *l, PartitionRole role, const DiskPartition *p)
{
        const DiskPartition **chosen = &l->choice.chosen[role];
        bool versioned = role == PARTITION_ROOT || role == PARTITION_USR;
        int order;

        /* systemd-sysupdate labels an unused partition so. */
        if (versioned && strcmp(p->label, "_empty") == 0)
                return 0;
        if (!*chosen) {
                *chosen = p;
                return 0;
        }
        if (!versioned)
                return 0;

        order = strverscmp((*chosen)->label, p->label);
        if (order == 0)
                return problem_error(l->problems, l->from, "The disk image %s has two %s partitions, %u and %u, and their "
                                     "labels do not tell which is the newer one", l->path, partition_role_name(role),
                                     (*chosen)->number, p->number);
        if (order < 0)
                *chosen = p;
        return 0;
}

static void note_foreign(Layouter *l, const DiskPartition *p)
{
        for (size_t i = 0; i < ARRAY_SIZE(architectures); i++)
                if (sd_id128_equal(architectures[i].type, p->type))
                        l->choice.foreign = architectures[i].name;
}

static int consider_gpt(Layouter *l, const DiskPartition *p, bool want_secondary)
{
        bool secondary = false;
        PartitionRole role = gpt_role(p->type, &secondary);

        if (role == _PARTITION_ROLE_MAX)
                note_foreign(l, p);
        if (role == _PARTITION_ROLE_MAX || secondary != want_secondary || is_ignored(role, p))
                return 0;
        return choose(l, role, p);
}

static int consider(Layouter *l, const DiskPartition *p)
{
        if (is_generic(l->facts, p) && !(l->facts->table == DISK_GPT && p->flags & SD_GPT_FLAG_NO_AUTO)) {
                l->choice.generic = p;
                l->choice.n_generic++;
                return 0;
        }
        if (l->facts->table == DISK_GPT)
                return consider_gpt(l, p, /* want_secondary= */ false);
        if (l->facts->table == DISK_MBR && p->mbr_type == MBR_LINUX) {
                l->choice.inactive = p;
                l->choice.n_inactive++;
                return 0;
        }
        if (l->facts->table == DISK_MBR && p->mbr_type == MBR_XBOOTLDR && p->flags & MBR_ACTIVE)
                return choose(l, PARTITION_XBOOTLDR, p);
        return 0;
}

/* Chooses by type; then for the secondary architecture; then a partition of a general type. */
static int choose_all(Layouter *l)
{
        Choice *c = &l->choice;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < l->facts->n; i++)
                r = consider(l, &l->facts->partitions[i]);
        if (c->chosen[PARTITION_ROOT] || c->chosen[PARTITION_USR])
                return r;

        for (size_t i = 0; r >= 0 && l->facts->table == DISK_GPT && i < l->facts->n; i++)
                r = consider_gpt(l, &l->facts->partitions[i], /* want_secondary= */ true);
        if (r < 0 || c->chosen[PARTITION_ROOT] || c->chosen[PARTITION_USR])
                return r;

        if (c->n_generic == 0 && c->n_inactive > 0) {
                c->generic = c->inactive;
                c->n_generic = c->n_inactive;
        }
        if (c->n_generic > 1)
                return problem_error(l->problems, l->from, "The disk image %s has %u partitions that could be the root, and "
                                     "none that is marked as such", l->path, c->n_generic);
        c->chosen[PARTITION_ROOT] = c->generic;
        return 0;
}

/* ---- checks ---------------------------------------------------------------------------------------------------- */

static const char *part_name(const DiskPartition *p, PartitionRole role, char *buf, size_t size)
{
        if (p->number == 0)
                (void) snprintf(buf, size, "its file system");
        else
                (void) snprintf(buf, size, "partition %u (%s)", p->number, partition_role_name(role));
        return buf;
}

static bool is_encrypted(const DiskPartition *p)
{
        return strncmp(p->fstype, "crypto_", 7) == 0 || strcmp(p->fstype, "BitLocker") == 0;
}

static int no_root(Layouter *l)
{
        if (l->choice.foreign)
                return problem_error(l->problems, l->from, "The disk image %s has a root partition for %s, and none for "
                                     "this host's architecture", l->path, l->choice.foreign);
        if (l->facts->table == DISK_MBR)
                return problem_error(l->problems, l->from, "The disk image %s has no root partition: none of its partitions "
                                     "is of type 0x83", l->path);
        return problem_error(l->problems, l->from, "The disk image %s has no root partition", l->path);
}

/* No partition has this role. */
static int check_missing(Layouter *l, PartitionRole role)
{
        if (l->policy->flags[role] & POLICY_ABSENT)
                return 0;
        return problem_error(l->problems, l->from, "The disk image %s has no %s partition, which --image-policy= requires",
                             l->path, partition_role_name(role));
}

static int check_attributes(Layouter *l, PartitionRole role, const DiskPartition *p)
{
        bool read_only = p->flags & SD_GPT_FLAG_READ_ONLY, grows = p->flags & SD_GPT_FLAG_GROWFS;
        unsigned flags = l->policy->flags[role];
        const char *wrong = NULL;

        if (l->facts->table != DISK_GPT || role == PARTITION_ESP)
                return 0;
        if (!(flags & (read_only ? POLICY_READ_ONLY_ON : POLICY_READ_ONLY_OFF)))
                wrong = read_only ? "read-only" : "writable";
        else if (!(flags & (grows ? POLICY_GROWFS_ON : POLICY_GROWFS_OFF)))
                wrong = grows ? "marked to grow" : "not marked to grow";
        if (!wrong)
                return 0;
        return problem_error(l->problems, l->from, "Partition %u (%s) of %s is %s, against --image-policy=", p->number,
                             partition_role_name(role), l->path, wrong);
}

/* 1: the partition is used; 0: it is not, or it may be neither used nor ignored, which is a problem; -ENOMEM. */
static int check_use(Layouter *l, PartitionRole role, const DiskPartition *p)
{
        unsigned flags = l->policy->flags[role];
        bool encrypted = is_encrypted(p);
        char name[64];

        (void) part_name(p, role, name, sizeof(name));
        if (!encrypted && flags & POLICY_UNPROTECTED)
                return 1;
        if (flags & POLICY_UNUSED)
                return 0;
        if (encrypted && flags & POLICY_ENCRYPTED)
                return problem_error(l->problems, l->from, "The disk image %s: %s is encrypted, which is not supported",
                                     l->path, name);
        if (encrypted && flags & POLICY_UNPROTECTED)
                return problem_error(l->problems, l->from, "The disk image %s: %s is encrypted, against --image-policy=",
                                     l->path, name);
        if (flags & (POLICY_VERITY | POLICY_SIGNED))
                return problem_error(l->problems, l->from, "The disk image %s: --image-policy= requires %s protected by "
                                     "dm-verity, which is not supported", l->path, name);
        if (flags & POLICY_ENCRYPTED)
                return problem_error(l->problems, l->from, "The disk image %s: --image-policy= requires %s encrypted, which is "
                                     "not supported", l->path, name);
        return problem_error(l->problems, l->from, "The disk image %s has a partition %u (%s), which --image-policy= forbids",
                             l->path, p->number, partition_role_name(role));
}

/* A file system that may be mounted. 1, 0 after a problem, -ENOMEM. */
static int check_file_system(Layouter *l, PartitionRole role, const DiskPartition *p, bool *ret_read_only)
{
        bool boot = role == PARTITION_ESP || role == PARTITION_XBOOTLDR;
        unsigned named = l->policy->flags[role] & POLICY_FILE_SYSTEMS;
        char name[64];

        (void) part_name(p, role, name, sizeof(name));
        for (size_t i = 0; i < ARRAY_SIZE(file_systems); i++) {
                bool allowed = file_systems[i].by_default || (boot && file_systems[i].boot_by_default);

                if (strcmp(file_systems[i].name, p->fstype) != 0)
                        continue;
                if (named)
                        allowed = named & file_systems[i].flag;
                if (allowed && p->asks)
                        return problem_error(l->problems, l->from, "The disk image %s: the superblock of %s asks for %s, which "
                                             "an image may not", l->path, name, p->asks);
                if (allowed) {
                        *ret_read_only = file_systems[i].read_only;
                        return 1;
                }
                if (named)
                        return problem_error(l->problems, l->from, "The disk image %s: %s is of type %s, against "
                                             "--image-policy=", l->path, name, p->fstype);
                return problem_error(l->problems, l->from, "The disk image %s: %s is of type %s, which is mounted from a trusted "
                                     "image only: --image-policy=%s=%s", l->path, name, p->fstype, partition_role_name(role),
                                     p->fstype);
        }

        if (!*p->fstype)
                return problem_error(l->problems, l->from, "The disk image %s: %s has no file system", l->path, name);
        return problem_error(l->problems, l->from, "The disk image %s: %s is of type %s, and not one of btrfs, erofs, ext2, "
                             "ext3, ext4, f2fs, squashfs, vfat and xfs", l->path, name, p->fstype);
}

/* A signed root is meant to run verified only. One with hashes but no signature is mounted unverified, as
 * systemd-nspawn does without a root hash. */
static int check_verity(Layouter *l, PartitionRole role, PartitionRole verity, PartitionRole signature)
{
        const Choice *c = &l->choice;

        if (!c->chosen[role] || !(l->policy->flags[role] & (POLICY_VERITY | POLICY_SIGNED)))
                return 0;
        if (c->chosen[signature])
                return problem_error(l->problems, l->from, "The %s partition of %s is signed for dm-verity, which is not "
                                     "supported; --image-policy=%s=unprotected mounts it unverified",
                                     partition_role_name(role), l->path, partition_role_name(role));
        if (c->chosen[verity])
                return problem_warning(l->problems, l->from, "The %s partition of %s has hashes for dm-verity, which "
                                       "is not supported; it is not verified", partition_role_name(role), l->path);
        return 0;
}

/* ---- the layout ---------------------------------------------------------------------------------------------------- */

static int add_part(Layouter *l, PartitionRole role, const DiskPartition *p)
{
        DiskPart *part = &l->layout.parts[l->layout.n];
        bool always_read_only = false;
        int r;

        r = check_file_system(l, role, p, &always_read_only);
        if (r <= 0)
                return r;
        *part = (DiskPart) {
                .role = role,
                .number = p->number,
                .offset = p->offset,
                .size = p->size,
                .fstype = strdup(p->fstype),
                .dest = place_of(role),
                .read_only = always_read_only || (l->facts->table == DISK_GPT && role != PARTITION_ESP &&
                                                  p->flags & SD_GPT_FLAG_READ_ONLY),
        };
        if (!part->fstype)
                return -ENOMEM;
        l->layout.n++;
        return 0;
}

/* The root of an image that has /usr only, as in systemd-nspawn. */
static int add_tmpfs(Layouter *l)
{
        l->layout.parts[l->layout.n] = (DiskPart) { .role = PARTITION_ROOT, .fstype = strdup("tmpfs"), .dest = "/" };
        if (!l->layout.parts[l->layout.n].fstype)
                return -ENOMEM;
        l->layout.n++;
        l->layout.usr_only = true;
        return 0;
}

static int lay_out_role(Layouter *l, PartitionRole role)
{
        const DiskPartition *p = l->choice.chosen[role];
        int r;

        if (!p && role == PARTITION_ROOT && l->policy->flags[role] & POLICY_ABSENT)
                return l->choice.chosen[PARTITION_USR] ? add_tmpfs(l) : no_root(l);
        if (!p)
                return check_missing(l, role);
        r = check_attributes(l, role, p);
        if (r >= 0)
                r = check_use(l, role, p);
        if (r <= 0)
                return r;
        return place_of(role) ? add_part(l, role, p) : 0;
}

static bool overlap(uint64_t offset, uint64_t size, uint64_t other_offset, uint64_t other_size)
{
        return size > 0 && other_size > 0 && offset < other_offset + other_size && other_offset < offset + size;
}

static bool is_container(const DiskFacts *f, const DiskPartition *p)
{
        return f->table == DISK_MBR && (p->mbr_type == MBR_EXTENDED || p->mbr_type == MBR_EXTENDED_LBA ||
                                        p->mbr_type == MBR_EXTENDED_LINUX);
}

/* One partition, used or not: another file system's blocks, or the table's, would be a machine's to write. */
static int check_place(Layouter *l, size_t i)
{
        const DiskFacts *f = l->facts;
        const DiskPartition *p = &f->partitions[i];

        if (p->offset > f->size || p->size > f->size - p->offset)
                return problem_error(l->problems, l->from, "The disk image %s is cut off: its partition %u would end at byte "
                                     "%llu, the image has %llu", l->path, p->number,
                                     (unsigned long long) (p->offset + p->size), (unsigned long long) f->size);
        for (size_t j = 0; j < ARRAY_SIZE(f->tables); j++)
                if (overlap(p->offset, p->size, f->tables[j].offset, f->tables[j].size))
                        return problem_error(l->problems, l->from, "The disk image %s: its partition %u overlaps the partition "
                                             "table", l->path, p->number);
        for (size_t j = 0; j < i && !is_container(f, p); j++) {
                const DiskPartition *other = &f->partitions[j];

                if (!is_container(f, other) && overlap(p->offset, p->size, other->offset, other->size))
                        return problem_error(l->problems, l->from, "The disk image %s: its partitions %u and %u overlap",
                                             l->path, other->number, p->number);
        }
        return 0;
}

static int check_places(Layouter *l)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && l->facts->table != DISK_NO_TABLE && i < l->facts->n; i++)
                r = check_place(l, i);
        return r;
}

/* In the order of mounting; then the roles that are not mounted, which a policy may require. */
static int lay_out(Layouter *l)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(places); i++)
                r = lay_out_role(l, places[i].role);
        for (PartitionRole role = 0; r >= 0 && role < _PARTITION_ROLE_MAX; role++)
                if (!place_of(role))
                        r = lay_out_role(l, role);
        if (r >= 0)
                r = check_verity(l, PARTITION_ROOT, PARTITION_ROOT_VERITY, PARTITION_ROOT_VERITY_SIG);
        if (r >= 0)
                r = check_verity(l, PARTITION_USR, PARTITION_USR_VERITY, PARTITION_USR_VERITY_SIG);
        return r;
}

int disk_layout_make(const DiskFacts *f, const ImagePolicy *policy, const char *path, Source from, DiskLayout *ret,
                     Problems *problems)
{
        Layouter l = { .facts = f, .policy = policy, .path = path, .from = from, .problems = problems };
        size_t wrong = problems->n_fatal;
        int r;

        r = check_places(&l);
        if (r >= 0 && problems->n_fatal == wrong)
                r = choose_all(&l);
        /* An ambiguous choice is reported before faults of the chosen partitions. */
        if (r >= 0 && problems->n_fatal == wrong)
                r = lay_out(&l);
        if (r >= 0 && problems->n_fatal == wrong && (l.layout.n == 0 || l.layout.parts[0].role != PARTITION_ROOT))
                r = problem_error(problems, from, "--image-policy= leaves the root partition of %s unused", path);
        if (r < 0) {
                disk_layout_done(&l.layout);
                return r;
        }

        *ret = l.layout;
        return 0;
}

int disk_layout_print(const DiskLayout *l, FILE *f)
{
        for (size_t i = 0; i < l->n; i++) {
                const DiskPart *p = &l->parts[i];

                fputs("  ", f);
                if (p->number > 0)
                        fprintf(f, "partition %u", p->number);
                else if (l->usr_only)
                        fputs("none", f);
                else
                        fputs("whole", f);
                fprintf(f, " (%s) -> %s%s\n", p->fstype, p->dest, p->read_only ? " ro" : "");
        }
        return ferror(f) ? -EIO : 0;
}
