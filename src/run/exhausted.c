/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds the limit of the host that kept a machine from booting. Its init says only "Too many open files", if anything. The
 * supervisor, when the machine has ended; no privilege.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "run/exhausted.h"
#include "util/fd.h"

/* As many as systemd needs to boot. Those of the machine that has ended are free again. */
enum { INSTANCES = 5 };

static bool lacks_inotify(void)
{
        int fds[INSTANCES], last = 0;

        for (size_t i = 0; i < INSTANCES; i++) {
                fds[i] = inotify_init1(IN_CLOEXEC);
                last = fds[i] < 0 ? errno : last;
        }
        for (size_t i = 0; i < INSTANCES; i++)
                fd_close(fds[i]);
        return last == EMFILE;
}

/* Compares the first numbers of two files. */
static bool is_full(const char *used_path, const char *max_path)
{
        uint64_t used = 0, max = 0;
        _cleanup_fclose_ FILE *used_file = fopen(used_path, "re"), *max_file = fopen(max_path, "re");

        return used_file && max_file && fscanf(used_file, "%" SCNu64, &used) == 1 &&
               fscanf(max_file, "%" SCNu64, &max) == 1 && used >= max;
}

/* Lines are "UID: USAGE KEYS/INSTANTIATED QUOTA/MAX BYTES/MAX" (proc_key_users(5)). */
static bool lacks_keys(uid_t owner)
{
        _cleanup_fclose_ FILE *f = fopen("/proc/key-users", "re");
        uint64_t keys, max_keys, bytes, max_bytes;
        uid_t uid;

        while (f && fscanf(f, " %u: %*u %*u/%*u %" SCNu64 "/%" SCNu64 " %" SCNu64 "/%" SCNu64, &uid, &keys, &max_keys, &bytes,
                           &max_bytes) == 5)
                if (uid == owner && (keys >= max_keys || bytes >= max_bytes))
                        return true;
        return false;
}

const char *exhausted_limit(uid_t owner)
{
        if (lacks_inotify())
                return "fs.inotify.max_user_instances";
        if (is_full("/proc/sys/kernel/pty/nr", "/proc/sys/kernel/pty/max"))
                return "kernel.pty.max";
        if (is_full("/proc/sys/fs/file-nr", "/proc/sys/fs/file-max"))
                return "fs.file-max";
        return lacks_keys(owner) ? owner == 0 ? "kernel.keys.root_maxkeys" : "kernel.keys.maxkeys" : NULL;
}
