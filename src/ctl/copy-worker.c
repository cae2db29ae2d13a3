/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See copy-worker.h. A child of boxctl, root on the host with all its capabilities, and for the file system the user that is
 * root in the machine that it writes to: files are made as by that user, which is right in idmapped mounts, in trees that belong
 * to a range of ids, and in file systems that the machine has mounted. A hostile machine may change all that is looked at
 * meanwhile.
 */

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ctl/copy-worker.h"
#include "util/fd.h"
#include "util/print.h"

static volatile sig_atomic_t stopped;

static void on_stop(int sig)
{
        stopped = 1;
}

typedef struct Work {
        const CopyJob *job;
        const CopyEnd *from;            /* of the source that is being copied */
        bool keep_ids;                  /* users of the one end are those of the same number of the other */
        uint32_t uid, gid;              /* --chown=; UINT32_MAX: not given */
} Work;

/* ---- what tree_copy_add() asks ---------------------------------------------------------------------------- */

static bool is_stopped(void *userdata)
{
        return stopped;
}

static int map(void *userdata, bool group, uint32_t id, uint32_t *ret)
{
        const Work *w = userdata;
        const uint32_t given = group ? w->gid : w->uid, inside = copy_end_id_inside(w->from, group, id);
        const uint32_t wanted = given != UINT32_MAX ? given : w->keep_ids ? inside : 0;

        if (!copy_end_id_outside(w->job->dest, group, wanted, ret))
                return -EOVERFLOW;
        return wanted != inside;
}

static int may_write(void *userdata, const struct stat *directory)
{
        const Work *w = userdata;

        return copy_end_may_write(w->job->dest, directory);
}

/* ---- who we are ------------------------------------------------------------------------------------------- */

/* A change of the file system user takes the capabilities that concern files. */
static int raise_capabilities(void)
{
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2];

        if (syscall(SYS_capget, &header, data) < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(data); i++)
                data[i].effective = data[i].permitted;
        return RET_ERRNO((int) syscall(SYS_capset, &header, data));
}

static int become_file_owner(const CopyEnd *dest, Failure *failure)
{
        uint32_t uid, gid;
        int r;

        if (!copy_end_id_outside(dest, false, 0, &uid) || !copy_end_id_outside(dest, true, 0, &gid))
                return failure_set(failure, -EOPNOTSUPP, "The machine has no user 0 to whom the copy could belong");
        (void) setfsgid(gid);
        (void) setfsuid(uid);
        r = raise_capabilities();
        return r < 0 ? failure_set(failure, r, "Failed to keep capabilities: %m") : 0;
}

static int set_up_process(const CopyEnd *dest, Failure *failure)
{
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
        const struct sigaction stop = { .sa_handler = on_stop };
        struct rlimit files;
        sigset_t set;
        int r = become_file_owner(dest, failure);

        if (r < 0)
                return r;
        /* Interrupts calls, so that one that waits for a file system of a machine ends. */
        sigemptyset(&set);
        for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
                (void) sigaction(signals[i], &stop, NULL);
                sigaddset(&set, signals[i]);
        }
        (void) sigprocmask(SIG_UNBLOCK, &set, NULL);
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        (void) umask(0);
        if (getrlimit(RLIMIT_NOFILE, &files) >= 0) {
                files.rlim_cur = files.rlim_max;
                (void) setrlimit(RLIMIT_NOFILE, &files);
        }
        return 0;
}

/* ---- the two ends ----------------------------------------------------------------------------------------- */

static const char *machine_prefix(const CopyEnd *e)
{
        return e->machine ?: "";
}

static int fail_path(int r, const char *what, const CopyEnd *e, const char *path, Failure *failure)
{
        return failure_set(failure, r, "Failed to open %s%s%s%s: %m", what, machine_prefix(e), e->machine ? ":" : "", path);
}

static bool ends_with_slash(const char *path)
{
        size_t n = strlen(path);

        return n > 0 && path[n - 1] == '/';
}

/* A link is copied as a link, unless a slash says that what it leads to is meant. */
static int open_source(const CopyEnd *e, const CopyPath *p, Failure *failure)
{
        int fd = copy_end_open_path(e, p->path, ends_with_slash(p->path) ? O_PATH | O_DIRECTORY : O_PATH | O_NOFOLLOW);

        return fd < 0 ? fail_path(fd, "", e, p->path, failure) : fd;
}

/* Where the copies go. name: of the only one; NULL: each has that of its source. */
typedef struct Target {
        int directory;
        char *where;                    /* the directory, for messages */
        char *name;
} Target;

static void target_done(Target *t)
{
        fd_close(t->directory);
        free(t->where);
        free(t->name);
}

static int name_place(const CopyEnd *e, const char *directory, Target *t)
{
        size_t n = strlen(directory);

        while (n > 0 && directory[n - 1] == '/')
                n--;
        return strf(&t->where, "%s%s%.*s", machine_prefix(e), e->machine ? ":" : "", (int) n, directory);
}

static int open_directory(const CopyEnd *e, const char *path, Target *t, Failure *failure)
{
        if (name_place(e, path, t) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        t->directory = copy_end_open_path(e, path, O_RDONLY | O_DIRECTORY);
        return t->directory < 0 ? fail_path(t->directory, "the directory ", e, path, failure) : 0;
}

/* A destination that is a directory takes the copies in it. Another one is the name of the only copy. */
static int open_target(const CopyJob *job, Target *ret, Failure *failure)
{
        const CopyRequest *q = job->request;
        const char *path = q->dest->path;
        _cleanup_(target_done) Target t = { .directory = -EBADF };
        _cleanup_free_ char *directory = NULL;
        int r, fd;

        if (!q->exact) {
                fd = copy_end_open_path(job->dest, path, O_PATH | O_DIRECTORY);
                if (fd >= 0) {
                        fd_close(fd);
                        r = open_directory(job->dest, path, &t, failure);
                        if (r < 0)
                                return r;
                        *ret = t;
                        t = (Target) { .directory = -EBADF };
                        return 0;
                }
                if (q->n_sources > 1)
                        return fail_path(fd, "the directory ", job->dest, path, failure);
        }
        if (copy_path_split(path, &directory, &t.name) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = open_directory(job->dest, directory, &t, failure);
        if (r < 0)
                return r;
        *ret = t;
        t = (Target) { .directory = -EBADF };
        return 0;
}

/* ---- the copy --------------------------------------------------------------------------------------------- */

static int copy_source(TreeCopy *copy, Work *w, size_t i, const Target *target, TreeCopyOptions *options)
{
        const CopyPath *p = &w->job->request->sources[i];
        _cleanup_free_ char *directory = NULL, *own = NULL;
        Failure *failure = &w->job->report->failure;
        _cleanup_close_ int fd = -EBADF;
        const char *name;
        struct stat st;

        w->from = &w->job->sources[i];
        w->keep_ids = w->job->archive || copy_end_same_users(w->from, w->job->dest);
        /* Files that a machine's root has made give no rights elsewhere, unless that is asked for. */
        options->flags &= ~(unsigned) TREE_COPY_NO_PRIVILEGE;
        options->flags |= w->from->machine && !w->job->archive ? TREE_COPY_NO_PRIVILEGE : 0;

        fd = open_source(w->from, p, failure);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0 || copy_path_split(p->path, &directory, &own) < 0)
                return failure_set(failure, -errno, "Failed to stat %s: %m", p->path);
        name = target->name ?: own;
        if (!*name && !S_ISDIR(st.st_mode))
                return failure_set(failure, -EISDIR, "%s is a directory", target->where);
        return tree_copy_add(copy, fd, name, failure);
}

/* Files of a known size alone let the time that is left be told. */
static uint64_t known_size(const CopyJob *job)
{
        uint64_t total = 0;

        for (size_t i = 0; i < job->request->n_sources; i++) {
                _cleanup_close_ int fd = open_source(job->sources + i, job->request->sources + i, NULL);
                struct stat st;

                if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                        return 0;
                total += (uint64_t) st.st_size;
        }
        return total;
}

int copy_worker(const CopyJob *job)
{
        Work w = { .job = job, .uid = UINT32_MAX, .gid = UINT32_MAX };
        _cleanup_(target_done) Target target = { .directory = -EBADF };
        _cleanup_(tree_copy_freep) TreeCopy *copy = NULL;
        Failure *failure = &job->report->failure;
        TreeCopyOptions options = {
                .flags = TREE_COPY_MERGE | TREE_COPY_NO_API | (job->force ? TREE_COPY_REPLACE : 0) |
                         (job->request->exact ? TREE_COPY_KEEP : 0),
                .skip_fd = -EBADF,
                .userdata = &w,
                .stop = is_stopped,
                .map = map,
                .may_write = may_write,
                .count = &job->report->count,
                .warning = &job->report->warning,
        };
        int r = 0;

        if (job->owner)
                r = copy_end_find_owner(job->dest, job->owner, &w.uid, &w.gid, failure);
        if (r >= 0)
                r = set_up_process(job->dest, failure);
        if (r >= 0)
                r = open_target(job, &target, failure);
        if (r < 0)
                return r;
        options.where = target.where;
        (void) copy_end_id_outside(job->dest, false, 0, &options.root);
        r = tree_copy_new(target.directory, &options, &copy, failure);
        job->report->total = known_size(job);
        for (size_t i = 0; r >= 0 && i < job->request->n_sources; i++)
                r = copy_source(copy, &w, i, &target, &options);
        return r;
}
