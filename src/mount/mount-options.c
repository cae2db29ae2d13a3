/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Mount options in settings. libmount knows which words are flags of the mount and which are for the file system. The
 * supervisor, while planning; pure.
 *
 * libmount is loaded when a machine's settings have such options, and not with the program: it brings libblkid,
 * libselinux and libpcre2 along, which would cost every start a third of its time, and every supervisor its memory.
 */

#include <libmount/libmount.h>
#include <string.h>
#include <sys/mount.h>

#include "mount/mount-options.h"
#include "util/dl.h"

#define LIBMOUNT_FUNCTIONS(X) X(mnt_get_builtin_optmap) X(mnt_optstr_get_flags) X(mnt_split_optstr)

DL_LIBRARY(Libmount, libmount, LIBMOUNT_FUNCTIONS, "libmount.so.1", "recommended", "mount-options",
           "Options of temporary file systems")

/* mount(2)'s flags as mount_setattr(2)'s attributes. */
static const struct { unsigned long flag; uint64_t attr; } flag_attrs[] = {
        { MS_RDONLY, MOUNT_ATTR_RDONLY },
        { MS_NOSUID, MOUNT_ATTR_NOSUID },
        { MS_NODEV, MOUNT_ATTR_NODEV },
        { MS_NOEXEC, MOUNT_ATTR_NOEXEC },
        { MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
};

static int convert(unsigned long flags, uint64_t *attrs, const char **reterr_reason)
{
        const unsigned long atime = MS_NOATIME | MS_STRICTATIME | MS_RELATIME;
        unsigned long known = atime | MS_SILENT;

        for (size_t i = 0; i < ARRAY_SIZE(flag_attrs); i++) {
                known |= flag_attrs[i].flag;
                if (flags & flag_attrs[i].flag)
                        *attrs |= flag_attrs[i].attr;
        }
        /* These three are one field; relatime is its zero. */
        if (flags & atime)
                *attrs &= ~(uint64_t) MOUNT_ATTR__ATIME;
        if (flags & MS_NOATIME)
                *attrs |= MOUNT_ATTR_NOATIME;
        else if (flags & MS_STRICTATIME)
                *attrs |= MOUNT_ATTR_STRICTATIME;

        if (flags & ~known) {
                *reterr_reason = "not a mount option of a new file system";
                return -EINVAL;
        }
        return 0;
}

/* mount(2) has no flags for words that take back a flag ("dev", "exec", …). */
static void clear_words(const char *vfs, uint64_t *attrs)
{
        static const struct { const char *word; uint64_t attr; } words[] = {
                { "suid", MOUNT_ATTR_NOSUID }, { "dev", MOUNT_ATTR_NODEV }, { "exec", MOUNT_ATTR_NOEXEC },
                { "rw", MOUNT_ATTR_RDONLY },
        };

        for (const char *p = vfs; p && *p; p += strspn(p, ",")) {
                size_t n = strcspn(p, ",");

                for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                        if (strlen(words[i].word) == n && strncmp(p, words[i].word, n) == 0)
                                *attrs &= ~words[i].attr;
                p += n;
        }
}

int mount_options_split(const char *text, uint64_t *attrs, char **ret_fs_options, const char **reterr_reason)
{
        _cleanup_free_ char *user = NULL, *vfs = NULL, *fs = NULL;
        _cleanup_(libmount_close) Libmount l = {};
        unsigned long flags = 0;
        int r;

        r = libmount_open(&l, "", NULL);
        if (r < 0) {
                *reterr_reason = "mount options need libmount.so.1, which is not installed";
                return r;
        }
        r = l.mnt_split_optstr(text, &user, &vfs, &fs, 0, 0);
        if (r < 0) {
                *reterr_reason = "not a list of mount options";
                return r;
        }
        if (user) {
                *reterr_reason = "an option that only mount(8) and fstab(5) know";
                return -EINVAL;
        }
        if (vfs) {
                r = l.mnt_optstr_get_flags(vfs, &flags, l.mnt_get_builtin_optmap(MNT_LINUX_MAP));
                if (r >= 0)
                        r = convert(flags, attrs, reterr_reason);
                if (r < 0)
                        return r;
                clear_words(vfs, attrs);
        }

        *ret_fs_options = TAKE_PTR(fs);
        return 0;
}
