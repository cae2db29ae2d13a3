/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The cgroups of a machine, below its unit's cgroup, here UNIT (Delegate=yes). The supervisor, as root of the host.
 *
 * In cgroup v2 a cgroup with controllers enabled for its children has no processes itself: the supervisor moves to
 * UNIT/supervisor before controllers are enabled, and disables them before it moves back. All files are opened relative to
 * UNIT's descriptor, its path is used only once.
 */

#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "payload/cgroup.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/text.h"

#define MOUNT_POINT "/sys/fs/cgroup"
#define SUPERVISOR "supervisor"
#define PAYLOAD "payload"

/* For killing the payload's processes, and for removing its cgroups. systemd removes the rest with the unit. */
#define REMOVE_USEC (5 * USEC_PER_SEC)

int cgroup_root_open(Failure *failure)
{
        _cleanup_close_ int fd = open(MOUNT_POINT, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct statfs fs;

        if (fd < 0)
                return failure_set(failure, -errno, "Failed to open %s: %m", MOUNT_POINT);
        if (fstatfs(fd, &fs) < 0)
                return failure_set(failure, -errno, "Failed to read the file system type of %s: %m", MOUNT_POINT);
        if (fs.f_type != CGROUP2_SUPER_MAGIC)
                return failure_set(failure, -EOPNOTSUPP,
                                   "This host does not use cgroup v2: %s is %s; boot it with "
                                   "systemd.unified_cgroup_hierarchy=yes", MOUNT_POINT,
                                   fs.f_type == TMPFS_MAGIC ? "a v1 or hybrid hierarchy" : "not a cgroup file system");

        return TAKE_FD(fd);
}

int cgroup_path_parse(const char *text, char **ret)
{
        for (const char *line = text; line; line = strchr(line, '\n')) {
                if (*line == '\n')
                        line++;
                if (strncmp(line, "0::/", 4) != 0)
                        continue;
                line += 3;
                if (strncmp(line, "/..", 3) == 0 && (line[3] == '/' || line[3] == '\n' || line[3] == 0))
                        return -EREMOTE;

                *ret = strndup(line, strcspn(line, "\n"));
                return *ret ? 0 : -ENOMEM;
        }

        return -ENODATA;
}

int cgroup_of_pid(pid_t pid, char **ret, Failure *failure)
{
        _cleanup_free_ char *text = NULL;
        char path[40] = "/proc/self/cgroup";
        int r;

        if (pid > 0)
                (void) snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);

        r = fd_read_file_at(AT_FDCWD, path, 64 * 1024, &text, NULL);
        if (r < 0)
                return failure_set(failure, r, "Failed to read %s: %m", path);

        r = cgroup_path_parse(text, ret);
        if (r == -EREMOTE)
                return failure_set(failure, r, "%s: the cgroup is outside the cgroup namespace", path);
        if (r < 0)
                return failure_set(failure, r, "%s: no cgroup v2: %m", path);
        return 0;
}

bool cgroup_is_of_user(const char *path)
{
        static const char suffix[] = ".slice";
        bool user = false;

        /* The path begins with nested slices. */
        for (const char *p = path; *p == '/'; p += 1 + strcspn(p + 1, "/")) {
                size_t n = strcspn(p + 1, "/"), digits;

                if (n < strlen(suffix) || strncmp(p + 1 + n - strlen(suffix), suffix, strlen(suffix)) != 0)
                        break;
                digits = strncmp(p + 1, "user-", 5) == 0 ? strspn(p + 6, "0123456789") : 0;
                user = digits > 0 && 5 + digits + strlen(suffix) == n;
        }
        return user;
}

int cgroup_unit_path(const char *own_path, char **ret)
{
        static const char suffix[] = "/" SUPERVISOR;
        size_t n = strlen(own_path);

        if (own_path[0] != '/')
                return -EINVAL;

        if (n >= strlen(suffix) && strcmp(own_path + n - strlen(suffix), suffix) == 0)
                n -= strlen(suffix);

        *ret = n == 0 ? strdup("/") : strndup(own_path, n);
        return *ret ? 0 : -ENOMEM;
}

int cgroup_open(int root_fd, const char *unit_path, Cgroup *ret, Failure *failure)
{
        _cleanup_(cgroup_done) Cgroup c = CGROUP_NULL;
        const char *relative = unit_path + strspn(unit_path, "/");

        c.unit_path = strdup(unit_path);
        if (!c.unit_path)
                return failure_set(failure, -ENOMEM, "Failed to open cgroup %s: %m", unit_path);

        c.unit_fd = RET_ERRNO(openat(root_fd, *relative ? relative : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (c.unit_fd < 0)
                return failure_set(failure, c.unit_fd, "Failed to open cgroup %s: %m", unit_path);

        *ret = c;
        c = (Cgroup) CGROUP_NULL;
        return 0;
}

/* ---- files of a cgroup --------------------------------------------------------------------------------------- */

/* Reads the first line. */
static int read_line(int dir_fd, const char *name, char **ret)
{
        int r = fd_read_file_at(dir_fd, name, 64 * 1024, ret, NULL);

        if (r >= 0)
                (*ret)[strcspn(*ret, "\n")] = 0;
        return r;
}

/* Are there processes in the cgroup or below? True also if this is unknown. */
static bool is_populated(int dir_fd)
{
        _cleanup_free_ char *text = NULL;
        int r = fd_read_file_at(dir_fd, "cgroup.events", 4096, &text, NULL);

        return r < 0 ? r != -ENOENT : !strstr(text, "populated 0");
}

int cgroup_freeze(const Cgroup *c, bool on, Failure *failure)
{
        int r = c->payload_fd < 0 ? -EOPNOTSUPP : fd_write_file_at(c->payload_fd, "cgroup.freeze", on ? "1" : "0");

        return r < 0 ? failure_set(failure, r, "Failed to %s the machine's processes: %m", on ? "freeze" : "thaw") : 0;
}

bool cgroup_lacked_memory(const Cgroup *c)
{
        _cleanup_free_ char *text = NULL;
        const char *count;

        /* Without the memory controller there is no such file. */
        if (c->unit_fd < 0 || fd_read_file_at(c->unit_fd, "memory.events", 4096, &text, NULL) < 0)
                return false;
        count = strstr(text, "\noom_kill ");
        return count && strtoull(count + strlen("\noom_kill "), NULL, 10) > 0;
}

/* ---- controllers --------------------------------------------------------------------------------------------- */

/* Enables ('+') or disables ('-') controllers for UNIT's children: all in one write, which the kernel applies as one change.
 * If it refuses that, one by one. */
static void set_controllers(Cgroup *c, const char *names, char sign)
{
        static const char file[] = "cgroup.subtree_control";
        _cleanup_free_ char *all = malloc(2 * strlen(names) + 1);
        char *rest = all, *end = all;

        if (!all)
                return;
        for (const char *p = names; *p; p++) {
                if (p == names || p[-1] == ' ')
                        *end++ = sign;
                *end++ = *p;
        }
        *end = 0;
        if (fd_write_file_at(c->unit_fd, file, all) >= 0)
                return;

        for (char *one; (one = strsep(&rest, " "));) {
                int r = fd_write_file_at(c->unit_fd, file, one);

                if (r < 0)
                        log_debug(r, "Failed to write %s to %s of cgroup %s, ignoring: %m", one, file, c->unit_path);
        }
}

/* Enables all available controllers that are not enabled yet. Never fails: a machine also runs without limits. Does nothing
 * while UNIT has processes: some controllers would refuse, and others would make UNIT a threaded root, which cannot have
 * children with processes. */
static void enable_controllers(Cgroup *c)
{
        _cleanup_free_ char *processes = NULL, *available = NULL, *before = NULL, *wanted = NULL;
        char *rest, *end;

        if (read_line(c->unit_fd, "cgroup.procs", &processes) < 0 || *processes)
                return;
        if (read_line(c->unit_fd, "cgroup.controllers", &available) < 0 ||
            read_line(c->unit_fd, "cgroup.subtree_control", &before) < 0)
                return;

        wanted = end = calloc(1, strlen(available) + 1);
        rest = available;
        for (char *word; wanted && (word = strsep(&rest, " "));)
                if (*word && !text_has_word(before, word))
                        end = stpcpy(stpcpy(end, end > wanted ? " " : ""), word);
        if (!wanted || !*wanted)
                return;

        set_controllers(c, wanted, '+');

        /* Including those that failed: disabling a controller that is not enabled has no effect. */
        if (!c->enabled)
                c->enabled = TAKE_PTR(wanted);
}

/* ---- the two cgroups ----------------------------------------------------------------------------------------- */

/* Has UNIT other processes than the supervisor? A service has not, the scope of a login session has. */
static bool is_shared(const Cgroup *c)
{
        _cleanup_free_ char *text = NULL;
        char own[16];

        if (fd_read_file_at(c->unit_fd, "cgroup.procs", 1024 * 1024, &text, NULL) < 0)
                return false;
        (void) snprintf(own, sizeof(own), "%d\n", getpid());
        return strcmp(text, own) != 0;
}

int cgroup_enter_supervisor(Cgroup *c, Failure *failure)
{
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *own = NULL;
        int r;

        if (c->moved_self)
                return 0;

        /* Moving a process between cgroups waits for an RCU grace period: milliseconds, longer than the rest of a start.
         * It is not needed if systemd started us there (DelegateSubgroup=), and useless if other processes stay in UNIT:
         * no controller can be enabled then. */
        r = cgroup_of_pid(0, &own, failure);
        if (r < 0)
                return r;
        if (strcmp(own, c->unit_path) != 0 || is_shared(c))
                return 0;

        if (mkdirat(c->unit_fd, SUPERVISOR, 0755) == 0)
                c->made_supervisor = true;
        else if (errno != EEXIST)
                return failure_set(failure, -errno, "Failed to create cgroup %s/" SUPERVISOR ": %m", c->unit_path);

        fd = openat(c->unit_fd, SUPERVISOR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        r = fd < 0 ? -errno : fd_write_file_at(fd, "cgroup.procs", "0");
        if (r < 0)
                return failure_set(failure, r, "Failed to move into cgroup %s/" SUPERVISOR ": %m", c->unit_path);

        c->moved_self = true;
        return 0;
}

static void delegate_file(int payload_fd, const char *name, uid_t owner, gid_t group)
{
        if (!*name || strchr(name, '/'))
                return;
        if (fchownat(payload_fd, name, owner, group, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
                log_debug(-errno, "Failed to change the owner of %s in the payload's cgroup, ignoring: %m", name);
}

/* Gives the cgroup, and the files in it that the kernel lists as delegatable, to the machine's root. */
static int delegate(int payload_fd, uid_t owner, gid_t group)
{
        _cleanup_free_ char *names = NULL;
        char *rest;

        if (fchown(payload_fd, owner, group) < 0)
                return -errno;

        if (fd_read_file_at(AT_FDCWD, "/sys/kernel/cgroup/delegate", 64 * 1024, &names, NULL) < 0)
                names = strdup("cgroup.procs\ncgroup.subtree_control\ncgroup.threads");
        if (!names)
                return -ENOMEM;

        rest = names;
        for (char *name; (name = strsep(&rest, "\n"));)
                delegate_file(payload_fd, name, owner, group);

        return 0;
}

/* Removes the leaf cgroups directly below dir_fd. Returns a descriptor of the first child that is not a leaf, -ENOENT if no
 * child is left. */
static int remove_leaves(int dir_fd)
{
        _cleanup_closedir_ DIR *d = NULL;
        int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        d = fdopendir(fd);
        if (!d) {
                fd_close(fd);
                return -ENOMEM;
        }

        for (struct dirent *e; (e = readdir(d));) {
                if (e->d_type != DT_DIR || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                if (unlinkat(dir_fd, e->d_name, AT_REMOVEDIR) == 0 || errno == ENOENT)
                        continue;
                if (errno != EBUSY && errno != ENOTEMPTY)
                        return -errno;

                fd = openat(dir_fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                if (fd >= 0 || errno != ENOENT)
                        return RET_ERRNO(fd);
        }

        return -ENOENT;
}

/* Removes all cgroups below top_fd, leaves first. A payload may nest them thousands deep: no recursion, no paths, and one
 * descriptor at a time. ".." is safe, as no process is left to rename a cgroup. */
static int remove_below(int top_fd, uint64_t deadline)
{
        _cleanup_close_ int at = fcntl(top_fd, F_DUPFD_CLOEXEC, 3);
        size_t depth = 0;

        if (at < 0)
                return -errno;

        while (clock_usec(CLOCK_MONOTONIC) < deadline) {
                int next = remove_leaves(at);

                if (next >= 0)
                        depth++;
                else if (next != -ENOENT)
                        return next;
                else if (depth == 0)
                        return 0;
                else {
                        next = RET_ERRNO(openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
                        if (next < 0)
                                return next;
                        depth--;
                }

                fd_close(at);
                at = next;
        }

        return -ETIME;
}

/* Waits until no process is in the cgroup, by the kernel's event for that. */
static void wait_unpopulated(int cgroup_fd, uint64_t deadline)
{
        _cleanup_close_ int fd = openat(cgroup_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
        struct pollfd p = { .fd = fd, .events = POLLPRI };
        uint64_t now;

        while (fd >= 0 && (now = clock_usec(CLOCK_MONOTONIC)) < deadline) {
                char text[256] = {};

                /* Reading arms the poll. */
                if (pread(fd, text, sizeof(text) - 1, 0) <= 0 || strstr(text, "populated 0"))
                        return;
                (void) poll(&p, 1, (int) ((deadline - now) / 1000 + 1));
        }
}

static int remove_payload(Cgroup *c)
{
        const uint64_t deadline = clock_usec(CLOCK_MONOTONIC) + REMOVE_USEC;

        for (;;) {
                int r = remove_below(c->payload_fd, deadline);

                if (r < 0)
                        return r;
                if (unlinkat(c->unit_fd, PAYLOAD, AT_REMOVEDIR) == 0 || errno == ENOENT)
                        return 0;
                if (errno != EBUSY || clock_usec(CLOCK_MONOTONIC) >= deadline)
                        return -errno;

                /* A killed process may not have exited yet. */
                wait_unpopulated(c->payload_fd, deadline);
        }
}

int cgroup_make_payload(Cgroup *c, uid_t owner, gid_t group, Failure *failure)
{
        int r;

        if (c->payload_fd < 0) {
                bool made = mkdirat(c->unit_fd, PAYLOAD, 0755) == 0;
                _cleanup_close_ int fd = -EBADF;

                if (!made && errno != EEXIST)
                        return failure_set(failure, -errno, "Failed to create cgroup %s/" PAYLOAD ": %m", c->unit_path);

                fd = openat(c->unit_fd, PAYLOAD, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
                if (fd < 0)
                        return failure_set(failure, -errno, "Failed to open cgroup %s/" PAYLOAD ": %m", c->unit_path);

                /* An empty cgroup is left of a killed supervisor. */
                if (!made && is_populated(fd))
                        return failure_set(failure, -EBUSY, "Another machine is running in cgroup %s/" PAYLOAD, c->unit_path);

                c->payload_fd = TAKE_FD(fd);
        }

        enable_controllers(c);

        r = delegate(c->payload_fd, owner, group);
        return r < 0 ? failure_set(failure, r, "Failed to change the owner of cgroup %s/" PAYLOAD " to user %u: %m", c->unit_path,
                                   owner) : 0;
}

int cgroup_move_to_payload(Cgroup *c, pid_t pid, Failure *failure)
{
        char text[16];
        int r;

        (void) snprintf(text, sizeof(text), "%d", pid);
        r = fd_write_file_at(c->payload_fd, "cgroup.procs", text);
        if (r < 0)
                return failure_set(failure, r, "Failed to move process %d into cgroup %s/" PAYLOAD ": %m", pid,
                                   c->unit_path);

        enable_controllers(c);
        return 0;
}

/* Kills all processes in UNIT/payload and waits until they are gone. */
static void kill_payload(Cgroup *c)
{
        int r;

        if (!is_populated(c->payload_fd))
                return;

        r = fd_write_file_at(c->payload_fd, "cgroup.kill", "1");
        if (r == -ENOENT || r == -ENODEV)
                return;         /* systemd has removed the scope after its last process */
        if (r < 0) {
                log_warning(r, "Failed to kill the processes in cgroup %s/" PAYLOAD ", ignoring: %m", c->unit_path);
                return;
        }
        wait_unpopulated(c->payload_fd, clock_usec(CLOCK_MONOTONIC) + REMOVE_USEC);
}

void cgroup_done(Cgroup *c)
{
        int r;

        if (c->payload_fd >= 0) {
                kill_payload(c);
                r = remove_payload(c);
                if (r < 0)
                        log_warning(r, "Failed to remove cgroup %s/" PAYLOAD ", ignoring: %m", c->unit_path);
        }

        if (c->moved_self && !c->unit_ends_with_us) {
                if (c->enabled)
                        set_controllers(c, c->enabled, '-');
                r = fd_write_file_at(c->unit_fd, "cgroup.procs", "0");
                if (r < 0)
                        log_debug(r, "Failed to move back to cgroup %s, ignoring: %m", c->unit_path);
        }
        if (c->made_supervisor && !c->unit_ends_with_us && unlinkat(c->unit_fd, SUPERVISOR, AT_REMOVEDIR) < 0)
                log_debug(-errno, "Failed to remove cgroup %s/" SUPERVISOR ", ignoring: %m", c->unit_path);

        free(c->unit_path);
        free(c->enabled);
        fd_close(c->payload_fd);
        fd_close(c->unit_fd);
        *c = (Cgroup) CGROUP_NULL;
}
