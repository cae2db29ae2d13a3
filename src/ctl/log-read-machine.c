/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads a machine's own journal for `boxctl logs` (see log-reader.h). A process of boxctl's. It opens the files with the caller's
 * rights, below the machine's root and without following its links, and gives up all rights before libsystemd looks at the first
 * byte, which the payload may have written.
 */

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ctl/log-read.h"
#include "payload/enter.h"
#include "util/clock.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/tree.h"

enum {
        FILES_MAX = 512,
        NOBODY = 65534,
        ID_SIZE = 32,
};

/* A file that is written now may not have its header yet. */
#define FRESH_USEC (2 * USEC_PER_SEC)

/* Of the tree, and of the host, where LinkJournal= puts it. */
static const char *const places[] = { "/var/log/journal", "/run/log/journal" };

/* An inode that is watched, while the machine runs. */
typedef struct Watched {
        int id;                 /* inotify's */
        char *awaited;          /* a directory: the name in it that is to appear; "": a journal file's; NULL: a file */
        bool closed;            /* a file that is no journal so far */
} Watched;

typedef struct Files {
        const LogMachine *machine;
        int fds[FILES_MAX];
        char *names[FILES_MAX];
        struct stat stats[FILES_MAX];
        size_t n;
        bool too_many, denied;
        int inotify;            /* -EBADF: nothing is watched */
        Watched *watched;
        size_t n_watched;
} Files;

/* ---- opening -------------------------------------------------------------------------------------------------- */

static int watch(Files *f, int fd, uint32_t mask, const char *awaited)
{
        char path[FD_PATH_MAX];
        Watched w = { 0 };

        if (f->inotify < 0)
                return 0;
        w.id = inotify_add_watch(f->inotify, fd_path(fd, path), mask);
        if (w.id < 0)
                return -errno;
        if (awaited) {
                w.awaited = strdup(awaited);
                if (!w.awaited)
                        return -ENOMEM;
        }
        return array_move(&f->watched, &f->n_watched, &w, sizeof(w));
}

/* Waits for a directory that is missing: watches the nearest one above it for the next name. */
static int watch_missing(Files *f, int root_fd, const char *path)
{
        _cleanup_free_ char *above = strdup(path);
        char *slash;

        while (above && (slash = strrchr(above, '/'))) {
                _cleanup_close_ int fd = -EBADF;
                _cleanup_free_ char *name = strdup(slash + 1);

                *slash = '\0';
                if (!name)
                        return -ENOMEM;
                fd = tree_open(root_fd, *above ? above : "/", O_PATH | O_DIRECTORY);
                if (fd >= 0)
                        return watch(f, fd, IN_CREATE | IN_MOVED_TO, name);
                if (!*above)
                        break;
        }
        return 0;
}

static bool is_journal_name(const char *name)
{
        const char *dot = strrchr(name, '.');

        return dot && dot != name && (strcmp(dot, ".journal") == 0 || strcmp(dot, ".journal~") == 0);
}

static bool is_known(const Files *f, const struct stat *st)
{
        for (size_t i = 0; i < f->n; i++)
                if (f->stats[i].st_dev == st->st_dev && f->stats[i].st_ino == st->st_ino)
                        return true;
        return false;
}

static int open_file(Files *f, int dir_fd, const char *name)
{
        _cleanup_close_ int fd = tree_open(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        struct stat st;

        if (fd == -EACCES)
                f->denied = true;
        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || is_known(f, &st))
                return 0;
        if (f->n == FILES_MAX) {
                f->too_many = true;
                return 0;
        }
        f->names[f->n] = strdup(name);
        if (!f->names[f->n])
                return -ENOMEM;
        f->stats[f->n] = st;
        f->fds[f->n++] = TAKE_FD(fd);
        return 0;
}

static int open_directory(Files *f, int dir_fd)
{
        _cleanup_closedir_ DIR *d = NULL;
        _cleanup_close_ int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dirent *e;
        int r;

        if (fd < 0 || !(d = fdopendir(fd))) {
                f->denied = f->denied || errno == EACCES;
                return 0;
        }
        TAKE_FD(fd);
        /* Before it is read, so that no file is missed. */
        r = watch(f, dir_fd, IN_CREATE | IN_MOVED_TO, "");
        while (r >= 0 && (e = readdir(d)))
                if (is_journal_name(e->d_name))
                        r = open_file(f, dir_fd, e->d_name);
        return r;
}

static int open_place(Files *f, int root_fd, const char *place, const char *id)
{
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *path = NULL;

        if (strf(&path, "%s/%s", place, id) < 0)
                return -ENOMEM;
        fd = tree_open(root_fd, path, O_PATH | O_DIRECTORY);
        if (fd == -ENOENT)
                return watch_missing(f, root_fd, path);
        if (fd == -EACCES)
                f->denied = true;
        return fd < 0 ? 0 : open_directory(f, fd);
}

/* The machine id, by which the directory is found, is the payload's to choose: it gets neither the host's journal nor one that
 * another machine has had, as the record on it says (plan/journal-dir.c). */
static bool is_of_other(int fd, const char *machine)
{
        char text[96], name[65];
        ssize_t n = fgetxattr(fd, "trusted.box.journal", text, sizeof(text) - 1);

        if (n < 0)
                return false;
        text[n] = '\0';
        return sscanf(text, "%*u %64s", name) == 1 && strcmp(name, machine) != 0;
}

static int open_host_place(Files *f, const char *id)
{
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *path = NULL, *host = NULL;

        if (fd_read_file_at(AT_FDCWD, "/etc/machine-id", 64, &host, NULL) < 0 || strncmp(host, id, ID_SIZE) == 0)
                return 0;
        if (strf(&path, "%s/%s", places[0], id) < 0)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 && errno == EACCES)
                f->denied = true;
        return fd < 0 || is_of_other(fd, f->machine->machine) ? 0 : open_directory(f, fd);
}

static bool is_id(const char *s)
{
        return strspn(s, "0123456789abcdef") == ID_SIZE && s[ID_SIZE] == '\0';
}

/* Without a machine id in the tree, each start has another. */
static int open_all_ids(Files *f, int root_fd, const char *place)
{
        _cleanup_closedir_ DIR *d = NULL;
        int fd = tree_open(root_fd, place, O_RDONLY | O_DIRECTORY), r = 0;
        struct dirent *e;

        if (fd < 0)
                return 0;
        d = fdopendir(fd);
        if (!d) {
                fd_close(fd);
                return -ENOMEM;
        }
        while (r >= 0 && (e = readdir(d)))
                if (is_id(e->d_name))
                        r = open_place(f, root_fd, place, e->d_name);
        return r;
}

static int open_files(Files *f, int root_fd)
{
        _cleanup_free_ char *id = NULL;
        size_t size = 0;
        bool known;
        int r;

        r = tree_read(root_fd, "/etc/machine-id", 64, &id, &size);
        if (r == -EACCES)
                f->denied = true;
        if (r >= 0)
                id[strcspn(id, "\n")] = '\0';
        known = r >= 0 && is_id(id);

        r = 0;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(places); i++)
                r = known ? open_place(f, root_fd, places[i], id) : open_all_ids(f, root_fd, places[i]);
        if (r >= 0 && known)
                r = open_host_place(f, id);
        for (size_t i = 0; r >= 0 && i < f->n; i++)
                r = watch(f, f->fds[i], IN_MODIFY, NULL);
        return r;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* Bytes of a payload are parsed from here on. */
static int give_up_rights(void)
{
        if (geteuid() == 0 &&
            (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
                return -errno;
        return RET_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* Can libsystemd read it? Some versions close the descriptor then, some do not. */
static bool is_readable(int file_fd)
{
        int fd = fcntl(file_fd, F_DUPFD_CLOEXEC, 3), r;
        sd_journal *j = NULL;

        r = fd < 0 ? fd : sd_journal_open_files_fd(&j, &fd, 1, 0);
        sd_journal_close(j);
        fd_close(fd);
        return r >= 0;
}

/* Keeps those that libsystemd can read; one that it cannot would spoil all. */
static int check_files(Files *f, int pipe_fd)
{
        uint64_t now = clock_usec(CLOCK_REALTIME);
        size_t n = 0;

        for (size_t i = 0; i < f->n; i++) {
                const struct stat *st = &f->stats[i];

                if (is_readable(f->fds[i])) {
                        f->fds[n++] = f->fds[i];
                        continue;
                }
                /* The last ones that are watched are the files. */
                if (f->inotify >= 0)
                        f->watched[f->n_watched - f->n + i].closed = true;
                if ((uint64_t) st->st_mtim.tv_sec * USEC_PER_SEC + FRESH_USEC < now &&
                    log_read_note(pipe_fd, "The file '%s' of the machine's journal is damaged, ignoring it", f->names[i]) < 0)
                        return -EPIPE;
        }
        f->n = n;
        return 0;
}

/* The machine's unit, or systemd in it about the unit. */
static int match_unit(sd_journal *j, const char *unit)
{
        int r = log_read_match(j, "_SYSTEMD_UNIT", unit);

        if (r >= 0)
                r = sd_journal_add_disjunction(j);
        if (r >= 0)
                r = log_read_match(j, "_PID", "1");
        if (r >= 0)
                r = log_read_match(j, "UNIT", unit);
        return r;
}

static LogOrigin origin(const LogRecord *r, const void *userdata)
{
        return LOG_ORIGIN_JOURNAL;
}

/* ---- following ------------------------------------------------------------------------------------------------ */

/* Is there something new to open? */
static bool is_new(const Files *f, const struct inotify_event *e)
{
        for (size_t i = 0; i < f->n_watched; i++) {
                const Watched *w = &f->watched[i];

                if (w->id != e->wd)
                        continue;
                if (!w->awaited)
                        return w->closed;
                if (e->len > 0 && (*w->awaited ? strcmp(w->awaited, e->name) == 0 : is_journal_name(e->name)))
                        return true;
        }
        return false;
}

/* 1: there is something new to open. */
static int read_events(const Files *f)
{
        char buf[4096] __attribute__((__aligned__(__alignof__(struct inotify_event))));
        ssize_t n = TEMP_FAILURE_RETRY(read(f->inotify, buf, sizeof(buf)));
        int found = 0;

        if (n < 0)
                return -errno;
        for (char *p = buf; p < buf + n;) {
                const struct inotify_event *e = (const void *) p;

                if (is_new(f, e))
                        found = 1;
                p += sizeof(*e) + e->len;
        }
        return found;
}

/* Until the machine ends, or there are other files. */
static int follow(LogRead *r, const Files *f, int pidfd)
{
        struct pollfd fds[] = { { .fd = f->inotify, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
        int k = log_read_say(r->fd, LOG_KIND_LIVE);

        while (k >= 0) {
                int again = 0;

                if (TEMP_FAILURE_RETRY(poll(fds, ARRAY_SIZE(fds), -1)) < 0)
                        return -errno;
                if (fds[0].revents)
                        again = read_events(f);
                if (again < 0)
                        return again;
                k = r->journal ? log_read_more(r) : 0;
                if (k >= 0 && again > 0)
                        return log_read_say(r->fd, LOG_KIND_AGAIN);
                if (fds[1].revents)
                        return k;
        }
        return k;
}

static int read_files(LogRead *r, Files *f, const LogQuery *q)
{
        int k;

        if (f->n == 0)
                return 0;
        k = sd_journal_open_files_fd(&r->journal, f->fds, (unsigned) f->n, 0);
        if (k >= 0 && q->unit)
                k = match_unit(r->journal, q->unit);
        if (k >= 0)
                k = log_read_match_priority(r->journal, q->priority);
        return k < 0 ? k : log_read_backlog(r);
}

static int say_what_is_missing(const Files *f, int fd)
{
        int k = 0;

        if (f->denied)
                k = log_read_note(fd, "No permission to read all of the machine's own journal; root may, and members of the "
                                      "group systemd-journal where the directories let them");
        if (k >= 0 && f->too_many)
                k = log_read_note(fd, "The machine's journal has more than %d files, ignoring the others", FILES_MAX);
        return k;
}

/* 1: the machine's root is in *ret_fd; 0: there is none to look at. */
static int open_root(const LogMachine *m, Leader *leader, int fd, int *ret_fd)
{
        Failure failure = { 0 };
        int r;

        *ret_fd = m->tree_fd;
        if (m->leader <= 0)
                return m->tree_fd >= 0;
        r = leader_open(m->leader, leader, &failure);
        if (r == -EACCES || r == -EPERM)
                return log_read_note(fd, "No permission to read the machine's own journal while it runs; root may");
        if (r < 0)
                return 0;
        *ret_fd = leader->root_fd;
        return 1;
}

int log_read_machine(const void *log_machine, int fd)
{
        static Files f = { .inotify = -EBADF };
        const LogMachine *m = log_machine;
        LogRead r = { .query = &m->query, .fd = fd, .origin = origin };
        Leader leader = LEADER_NULL;
        int k, root_fd;

        f.machine = m;
        (void) setrlimit(RLIMIT_CORE, &(struct rlimit) { 0, 0 });
        (void) setrlimit(RLIMIT_NOFILE, &(struct rlimit) { FILES_MAX * 2, FILES_MAX * 2 });
        k = open_root(m, &leader, fd, &root_fd);
        if (k <= 0)
                return k;
        if (m->query.follow && m->leader > 0)
                f.inotify = inotify_init1(IN_CLOEXEC);
        k = open_files(&f, root_fd);
        if (k >= 0)
                k = give_up_rights();
        /* After setresuid(2), which takes it back. */
        if (k >= 0)
                k = RET_ERRNO(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
        if (k >= 0)
                k = say_what_is_missing(&f, fd);
        if (k >= 0)
                k = check_files(&f, fd);
        if (k >= 0)
                k = read_files(&r, &f, &m->query);
        if (k >= 0 && f.inotify >= 0)
                k = follow(&r, &f, leader.pidfd);
        return k;
}
