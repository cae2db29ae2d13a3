/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* boxctl reclaim: takes memory from machines that they do not use now (memory.reclaim of their cgroups). Root. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/format.h"
#include "ctl/many.h"
#include "ctl/running-machine.h"
#include "ctl/top-sample.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/quantity.h"
#include "util/strv.h"

static uint64_t memory_of(int group_fd)
{
        _cleanup_free_ char *text = NULL;

        return fd_read_file_at(group_fd, "memory.current", 64, &text, NULL) < 0 ? TOP_UNKNOWN : top_parse_number(text);
}

static int open_group(const RunningMachine *m, Failure *failure)
{
        _cleanup_free_ char *group = NULL, *path = NULL;
        int fd, r = running_machine_cgroup(m, &group);

        if (r < 0)
                return failure_set(failure, -EOPNOTSUPP, "The machine has no cgroup of its own");
        if (strf(&path, "/sys/fs/cgroup%s", group) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        fd = RET_ERRNO(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        return fd < 0 ? failure_set(failure, fd, "Failed to open the cgroup '%s': %m", group) : fd;
}

/* EAGAIN: less than that was reclaimed. */
static int reclaim(const char *name, int group_fd, uint64_t size, Failure *failure)
{
        char had_text[FORMAT_MAX], after_text[FORMAT_MAX], text[24];
        uint64_t before = memory_of(group_fd), after, had;
        int r;

        if (before == TOP_UNKNOWN)
                return failure_set(failure, -EOPNOTSUPP, "Its cgroup has no memory controller: set MemoryAccounting=yes in "
                                   "its unit, and see that /sys/fs/cgroup/cgroup.controllers has memory");
        (void) snprintf(text, sizeof(text), "%" PRIu64, size);
        r = fd_write_file_at(group_fd, "memory.reclaim", text);
        if (r == -ENOENT)
                return failure_set(failure, -EOPNOTSUPP, "This kernel cannot reclaim a cgroup's memory (Linux 5.19 can); "
                                   "MemoryHigh= of the unit makes it do so when the machine uses more");
        if (r < 0 && r != -EAGAIN)
                return failure_set(failure, r, "Failed to reclaim its memory: %m%s",
                                   r == -EACCES || r == -EPERM ? "; root may do that" : "");
        after = memory_of(group_fd);
        had = after < before ? before - after : 0;
        (void) format_bytes(had, had_text);
        (void) format_bytes(after, after_text);
        if (r == -EAGAIN)
                return failure_set(failure, r, "Only %s could be reclaimed, %s are left, which it uses: give a smaller "
                                   "SIZE, or the host more swap", had_text, after_text);
        printf("%s: %s reclaimed, %s left\n", name, had_text, after_text);
        return 0;
}

static int reclaim_one(Ctl *c, const char *name, uint64_t size, Failure *failure)
{
        _cleanup_(running_machine_done) RunningMachine m = { 0 };
        _cleanup_close_ int fd = -EBADF;
        int r = running_machine_find(c, name, &m, failure);

        if (r < 0)
                return r;
        if (geteuid() != 0)
                return failure_set(failure, -EPERM, "Only root may reclaim a machine's memory");
        fd = open_group(&m, failure);
        return fd < 0 ? fd : reclaim(name, fd, size, failure);
}

static int run(Ctl *c, char *const *args, size_t n)
{
        _cleanup_strv_ char **words = NULL, **names = NULL;
        _cleanup_free_ Failure *failures = NULL;
        Failure f = { 0 };
        uint64_t size;

        if (parse_size(args[n - 1], &size) < 0 || size == 0)
                return log_error(-EINVAL, "reclaim: '%s' is no size, such as 100M or 1.5G; usage: reclaim NAME… SIZE",
                                 args[n - 1]);
        for (size_t i = 0; i + 1 < n; i++)
                if (strv_extend(&words, args[i]) < 0)
                        return log_oom();
        if (names_expand(c->verb, words, /* all= */ false, &names, &f) < 0)
                return log_error(f.error, "%s", f.text);
        failures = calloc(strv_length(names) + 1, sizeof(Failure));
        if (!failures)
                return log_oom();
        for (size_t i = 0; names[i]; i++)
                (void) reclaim_one(c, names[i], size, &failures[i]);
        return names_report(c, names, failures, strv_length(names));
}

const Verb verb_reclaim = {
        .name = "reclaim",
        .min = 2,
        .max = VERB_ANY,
        .flags = VERB_OURS | VERB_TAKES_RUNNING,
        .synopsis = "NAME… SIZE",
        .help = "Take back memory that machines do not use",
        .details = "The kernel writes the least used pages of the machine to swap, and drops its caches of files, up to "
                   "SIZE (K, M, G). The machine goes on, and reads again what it needs.",
        .example = "boxctl reclaim web 200M",
        .run = run,
};
