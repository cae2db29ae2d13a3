/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The choice among a disk image's partitions (see disk-layout.h). The supervisor, while planning; pure. The image is
 * not trusted: what is not understood is refused, not guessed at.
 */

#include <string.h>
#include <systemd/sd-gpt.h>

#include "disk/disk-layout.h"

/* MBR types: Linux, and the Boot Loader Specification's boot partition; the flag of an active partition. */
enum { MBR_LINUX = 0x83, MBR_XBOOTLDR = 0xea, MBR_ACTIVE = 0x80 };

/* The least of what the kernel can mount: those file systems that distributions use for images, and that see to hostile
 * ones. systemd has the same list since version 254 (and ext2 and ext3, which the ext4 driver mounts). */
static const struct { const char *name; bool read_only; } file_systems[] = {
        { "btrfs" }, { "erofs", true }, { "ext2" }, { "ext3" }, { "ext4" }, { "f2fs" }, { "squashfs", true }, { "vfat" },
        { "xfs" },
};

static const struct { sd_id128_t type; PartitionRole role; } gpt_roles[] = {
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
};

/* The same of the architecture whose programs run here as well. */
#ifdef SD_GPT_ROOT_SECONDARY
static const struct { sd_id128_t type; PartitionRole role; } secondary_roles[] = {
        { SD_GPT_ROOT_SECONDARY, PARTITION_ROOT },
        { SD_GPT_ROOT_SECONDARY_VERITY, PARTITION_ROOT_VERITY },
        { SD_GPT_ROOT_SECONDARY_VERITY_SIG, PARTITION_ROOT_VERITY_SIG },
        { SD_GPT_USR_SECONDARY, PARTITION_USR },
        { SD_GPT_USR_SECONDARY_VERITY, PARTITION_USR_VERITY },
        { SD_GPT_USR_SECONDARY_VERITY_SIG, PARTITION_USR_VERITY_SIG },
};
#endif

/* Root partitions, to tell whose an image is that has none for us. */
static const struct { sd_id128_t type; const char *name; } architectures[] = {
        { SD_GPT_ROOT_ARM, "arm" }, { SD_GPT_ROOT_ARM64, "arm64" }, { SD_GPT_ROOT_LOONGARCH64, "loongarch64" },
        { SD_GPT_ROOT_MIPS_LE, "mips-le" }, { SD_GPT_ROOT_MIPS64_LE, "mips64-le" }, { SD_GPT_ROOT_PPC, "ppc" },
        { SD_GPT_ROOT_PPC64, "ppc64" }, { SD_GPT_ROOT_PPC64_LE, "ppc64-le" }, { SD_GPT_ROOT_RISCV32, "riscv32" },
        { SD_GPT_ROOT_RISCV64, "riscv64" }, { SD_GPT_ROOT_S390X, "s390x" }, { SD_GPT_ROOT_X86, "x86" },
        { SD_GPT_ROOT_X86_64, "x86-64" },
};

/* The order of mounting. What is not in it has no place. */
static const struct { PartitionRole role; const char *dest; } places[] = {
        { PARTITION_ROOT, "/" }, { PARTITION_USR, "/usr" }, { PARTITION_HOME, "/home" }, { PARTITION_SRV, "/srv" },
        { PARTITION_VAR, "/var" }, { PARTITION_TMP, "/var/tmp" }, { PARTITION_XBOOTLDR, "/boot" }, { PARTITION_ESP, "/efi" },
};

typedef struct Choice {
        const DiskPartition *chosen[_PARTITION_ROLE_MAX];
        bool secondary;                 /* chosen[PARTITION_ROOT] is of the secondary architecture */
        const DiskPartition *generic;   /* of no particular role: the root where there is no other */
        unsigned n_generic;
        const char *foreign;            /* an architecture that has a root here and is not ours */
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

/* NULL where it has no place. */
static const char *place_of(PartitionRole role)
{
        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (places[i].role == role)
                        return places[i].dest;
        return NULL;
}

/* ---- what a partition is ---------------------------------------------------------------------------------------- */

/* The role by GPT type, or _PARTITION_ROLE_MAX. */
static PartitionRole gpt_role(sd_id128_t type, bool *ret_secondary)
{
        *ret_secondary = false;
        for (size_t i = 0; i < ARRAY_SIZE(gpt_roles); i++)
                if (sd_id128_equal(gpt_roles[i].type, type))
                        return gpt_roles[i].role;
#ifdef SD_GPT_ROOT_SECONDARY
        *ret_secondary = true;
        for (size_t i = 0; i < ARRAY_SIZE(secondary_roles); i++)
                if (sd_id128_equal(secondary_roles[i].type, type))
                        return secondary_roles[i].role;
#endif
        return _PARTITION_ROLE_MAX;
}

static bool is_generic(const DiskFacts *f, const DiskPartition *p)
{
        if (f->table == DISK_GPT)
                return sd_id128_equal(p->type, SD_GPT_LINUX_GENERIC);
        return f->table == DISK_NO_TABLE || (p->mbr_type == MBR_LINUX && p->flags & MBR_ACTIVE);
}

/* The attributes' bits mean these things only to the partitions that the specification gives them to. The ESP has firmware's
 * bit in the place of the one that says "not by itself". */
static bool is_left_alone(PartitionRole role, const DiskPartition *p)
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
                return p->mbr_type == MBR_XBOOTLDR && p->flags & MBR_ACTIVE;
        return gpt_role(p->type, &secondary) < _PARTITION_ROLE_MAX;
}

/* ---- which one ---------------------------------------------------------------------------------------------------- */

/* Images that are updated by writing the newer version beside the older one tell them by their labels. Of other roles the
 * first partition is the one. */
static int choose(Layouter *l, PartitionRole role, const DiskPartition *p)
{
        const DiskPartition **chosen = &l->choice.chosen[role];
        bool versioned = role == PARTITION_ROOT || role == PARTITION_USR;
        int order;

        /* systemd-sysupdate's mark of a place for a version that is not there yet. */
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

static int look_at_gpt(Layouter *l, const DiskPartition *p, bool want_secondary)
{
        bool secondary;
        PartitionRole role = gpt_role(p->type, &secondary);

        if (role == _PARTITION_ROLE_MAX)
                note_foreign(l, p);
        if (role == _PARTITION_ROLE_MAX || secondary != want_secondary || is_left_alone(role, p))
                return 0;
        return choose(l, role, p);
}

static int look_at(Layouter *l, const DiskPartition *p)
{
        if (is_generic(l->facts, p) && !(l->facts->table == DISK_GPT && p->flags & SD_GPT_FLAG_NO_AUTO)) {
                l->choice.generic = p;
                l->choice.n_generic++;
                return 0;
        }
        if (l->facts->table == DISK_GPT)
                return look_at_gpt(l, p, /* want_secondary= */ false);
        if (l->facts->table == DISK_MBR && p->mbr_type == MBR_XBOOTLDR && p->flags & MBR_ACTIVE)
                return choose(l, PARTITION_XBOOTLDR, p);
        return 0;
}

/* Which partition has which role: by type; then of the secondary architecture; then the one of a general type. */
static int choose_all(Layouter *l)
{
        Choice *c = &l->choice;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < l->facts->n; i++)
                r = look_at(l, &l->facts->partitions[i]);
        if (c->chosen[PARTITION_ROOT] || c->chosen[PARTITION_USR])
                return r;

        for (size_t i = 0; r >= 0 && l->facts->table == DISK_GPT && i < l->facts->n; i++)
                r = look_at_gpt(l, &l->facts->partitions[i], /* want_secondary= */ true);
        if (r < 0 || c->chosen[PARTITION_ROOT] || c->chosen[PARTITION_USR])
                return r;

        if (c->n_generic > 1)
                return problem_error(l->problems, l->from, "The disk image %s has %u partitions that could be the root, and "
                                     "none that is marked as such", l->path, c->n_generic);
        c->chosen[PARTITION_ROOT] = c->generic;
        return 0;
}

/* ---- is it good ---------------------------------------------------------------------------------------------------- */

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
        if (l->choice.chosen[PARTITION_USR])
                return problem_error(l->problems, l->from, "The disk image %s has a usr partition, but no root partition, "
                                     "which is not supported", l->path);
        if (l->choice.foreign)
                return problem_error(l->problems, l->from, "The disk image %s has a root partition for %s, and none for "
                                     "this host's architecture", l->path, l->choice.foreign);
        if (l->facts->table == DISK_MBR)
                return problem_error(l->problems, l->from, "The disk image %s has no root partition: none of its partitions "
                                     "is of type 0x83 and active", l->path);
        return problem_error(l->problems, l->from, "The disk image %s has no root partition", l->path);
}

/* A role that no partition has. */
static int check_missing(Layouter *l, PartitionRole role)
{
        if (l->policy->flags[role] & POLICY_ABSENT)
                return 0;
        return problem_error(l->problems, l->from, "The disk image %s has no %s partition, which --image-policy= wants",
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

/* Is the partition used? 1, 0, or -ENOMEM; one that may be neither used nor left alone is a problem. */
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
                return problem_error(l->problems, l->from, "The disk image %s: --image-policy= wants %s protected by "
                                     "dm-verity, which is not supported", l->path, name);
        if (flags & POLICY_ENCRYPTED)
                return problem_error(l->problems, l->from, "The disk image %s: --image-policy= wants %s encrypted, which is "
                                     "not supported", l->path, name);
        return problem_error(l->problems, l->from, "The disk image %s has a partition %u (%s), which --image-policy= forbids",
                             l->path, p->number, partition_role_name(role));
}

/* A file system that may be mounted. 1, 0 after a problem, -ENOMEM. */
static int check_file_system(Layouter *l, PartitionRole role, const DiskPartition *p, bool *ret_read_only)
{
        char name[64];

        (void) part_name(p, role, name, sizeof(name));
        for (size_t i = 0; i < ARRAY_SIZE(file_systems); i++)
                if (strcmp(file_systems[i].name, p->fstype) == 0) {
                        *ret_read_only = file_systems[i].read_only;
                        return 1;
                }

        if (!*p->fstype)
                return problem_error(l->problems, l->from, "The disk image %s: %s has no file system", l->path, name);
        return problem_error(l->problems, l->from, "The disk image %s: %s is of type %s, and not one of btrfs, erofs, ext2, "
                             "ext3, ext4, f2fs, squashfs, vfat and xfs", l->path, name, p->fstype);
}

/* A root that comes with its signature was made to be run verified only; one with hashes alone is run as it is, as
 * systemd-nspawn does where it gets no root hash. */
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
                return problem_warning(l->problems, l->from, "The %s partition of %s comes with hashes for dm-verity, which "
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

static int lay_out_role(Layouter *l, PartitionRole role)
{
        const DiskPartition *p = l->choice.chosen[role];
        int r;

        if (!p)
                return role == PARTITION_ROOT && l->policy->flags[role] & POLICY_ABSENT ? no_root(l) : check_missing(l, role);
        r = check_attributes(l, role, p);
        if (r < 0)
                return r;
        r = check_use(l, role, p);
        if (r <= 0)
                return r;
        /* A table that promises more than there is: an image that was cut off. */
        if (p->offset > l->facts->size || p->size > l->facts->size - p->offset)
                return problem_error(l->problems, l->from, "The disk image %s is cut off: its partition %u (%s) would end at "
                                     "byte %llu, the image has %llu", l->path, p->number, partition_role_name(role),
                                     (unsigned long long) (p->offset + p->size), (unsigned long long) l->facts->size);
        return place_of(role) ? add_part(l, role, p) : 0;
}

/* In the order of mounting, then what has no place but may be asked about. */
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

        r = choose_all(&l);
        /* Which one is meant comes before what is wrong with it. */
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
                else
                        fputs("whole", f);
                fprintf(f, " (%s) -> %s%s\n", p->fstype, p->dest, p->read_only ? " ro" : "");
        }
        return ferror(f) ? -EIO : 0;
}
