/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The directories of running machines (see machine-state.h). The supervisor, as root of the host, makes and removes its own;
 * boxctl of any user reads the state. Values may come from a payload (os-release): control characters and backslashes are written
 * as \xNN, so that each value is one line.
 */

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "payload/machine-state.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"

#define DEFAULT_DIR "/run/box"

/* Names of machines do not begin with a dot. */
#define LOCKS_DIR ".locks"
#define FAILED_DIR ".failed"

enum { STATE_MAX = 256 * 1024 };

typedef enum FieldType {
        FIELD_STRING,
        FIELD_STRINGS,          /* one line for each */
        FIELD_PID,
        FIELD_U32,
        FIELD_U64,
        FIELD_BOOL,
        FIELD_INIT,
} FieldType;

typedef struct Field {
        const char *key;
        FieldType type;
        size_t offset;
} Field;

static const Field fields[] = {
        { "LEADER", FIELD_PID, offsetof(MachineState, leader) },
        { "SUPERVISOR", FIELD_PID, offsetof(MachineState, supervisor) },
        { "SUPERVISOR_START", FIELD_U64, offsetof(MachineState, supervisor_start) },
        { "INIT", FIELD_INIT, offsetof(MachineState, init) },
        { "BOOTED", FIELD_BOOL, offsetof(MachineState, booted) },
        { "ROOT", FIELD_STRING, offsetof(MachineState, root) },
        { "UNIT", FIELD_STRING, offsetof(MachineState, unit) },
        { "CONSOLE", FIELD_STRING, offsetof(MachineState, console) },
        { "UID_BASE", FIELD_U32, offsetof(MachineState, uid_base) },
        { "OS", FIELD_STRING, offsetof(MachineState, os) },
        { "LINK", FIELD_STRINGS, offsetof(MachineState, links) },
        { "SECCOMP_DEFAULT", FIELD_BOOL, offsetof(MachineState, seccomp_default) },
        { "STARTED_USEC", FIELD_U64, offsetof(MachineState, started_usec) },
};

void machine_state_done(MachineState *m)
{
        free(m->name);
        free(m->root);
        free(m->unit);
        free(m->console);
        free(m->os);
        strv_free(m->links);
        *m = (MachineState) {};
}

void machine_state_free_list(MachineState *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                machine_state_done(list + i);
        free(list);
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

static void print_value(FILE *f, const char *key, const char *value)
{
        fprintf(f, "%s=", key);
        for (const char *p = value ? value : ""; *p; p++)
                if ((unsigned char) *p < ' ' || *p == 0x7f || *p == '\\')
                        fprintf(f, "\\x%02x", (unsigned char) *p);
                else
                        fputc(*p, f);
        fputc('\n', f);
}

static void print_field(FILE *f, const Field *field, const void *value)
{
        switch (field->type) {
        case FIELD_STRING:
                print_value(f, field->key, *(char *const *) value);
                break;
        case FIELD_STRINGS:
                STRV_FOREACH(s, *(char **const *) value)
                        print_value(f, field->key, *s);
                break;
        case FIELD_PID:
                fprintf(f, "%s=%d\n", field->key, *(const pid_t *) value);
                break;
        case FIELD_U32:
                fprintf(f, "%s=%u\n", field->key, *(const uint32_t *) value);
                break;
        case FIELD_U64:
                fprintf(f, "%s=%llu\n", field->key, *(const unsigned long long *) value);
                break;
        case FIELD_BOOL:
                fprintf(f, "%s=%s\n", field->key, *(const bool *) value ? "yes" : "no");
                break;
        case FIELD_INIT:
                print_value(f, field->key, init_flavour_name(*(const InitFlavour *) value));
                break;
        }
}

/* Anything else than \xNN is unchanged. The caller frees the result. */
static char *unescape(const char *s)
{
        char *copy = strdup(s), *to = copy;

        while (copy && *s) {
                unsigned byte;

                if (s[0] == '\\' && s[1] == 'x' && isxdigit((unsigned char) s[2]) &&
                    isxdigit((unsigned char) s[3]) && sscanf(s + 2, "%2x", &byte) == 1 && byte != 0) {
                        *to++ = (char) byte;
                        s += 4;
                } else
                        *to++ = *s++;
        }
        if (copy)
                *to = 0;
        return copy;
}

static int take_field(const Field *field, const char *value, void *to)
{
        uint32_t number = 0;
        uint64_t large = 0;
        int r;

        switch (field->type) {
        case FIELD_STRING:
                free(*(char **) to);
                *(char **) to = unescape(value);
                return *(char **) to ? 0 : -ENOMEM;
        case FIELD_STRINGS:
                return strv_consume(to, unescape(value));
        case FIELD_PID:
                r = parse_u32(value, &number);
                if (r < 0)
                        return r;
                if (number > INT32_MAX)
                        return -ERANGE;
                *(pid_t *) to = (pid_t) number;
                return 0;
        case FIELD_U32:
                return parse_u32(value, to);
        case FIELD_U64:
                r = parse_u64(value, &large);
                if (r >= 0)
                        *(uint64_t *) to = large;
                return r;
        case FIELD_BOOL:
                return parse_bool(value, to);
        case FIELD_INIT:
                r = init_flavour_from_name(value);
                if (r >= 0)
                        *(InitFlavour *) to = (InitFlavour) r;
                return r;
        }

        return -EINVAL;
}

/* Ignores unknown keys, which a later version may have added. Invalid values are errors. */
static int parse_state(char *text, MachineState *m)
{
        char *rest = text, *line;

        while ((line = strsep(&rest, "\n"))) {
                char *value = strchr(line, '=');

                if (!*line)
                        continue;
                if (!value)
                        return -EBADMSG;
                *value++ = 0;
                for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                        int r;

                        if (strcmp(fields[i].key, line) != 0)
                                continue;
                        r = take_field(fields + i, value, (char *) m + fields[i].offset);
                        if (r < 0)
                                return r == -ENOMEM ? r : -EBADMSG;
                }
        }

        return m->supervisor > 0 && m->leader > 0 ? 0 : -EBADMSG;
}

/* ---- the supervisor's process ---------------------------------------------------------------------------------- */

/* The start time in clock ticks since boot. -ENOENT: no such process. */
static int process_start_time(pid_t pid, uint64_t *ret)
{
        _cleanup_free_ char *text = NULL;
        char path[40], *p, *rest, *field = NULL;
        int r;

        (void) snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        r = fd_read_file_at(AT_FDCWD, path, 4096, &text, NULL);
        if (r < 0)
                return r == -ESRCH ? -ENOENT : r;

        p = strrchr(text, ')');                 /* the name, field 2, may contain any character */
        if (!p || p[1] != ' ')
                return -EBADMSG;
        rest = p + 2;
        for (unsigned i = 3; i <= 22; i++)
                field = strsep(&rest, " ");

        return field ? parse_u64(field, ret) : -EBADMSG;
}

static bool supervisor_lives(const MachineState *m)
{
        uint64_t start;

        return process_start_time(m->supervisor, &start) >= 0 && start == m->supervisor_start;
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

static int open_dir(const char *dir)
{
        return RET_ERRNO(open(dir ?: DEFAULT_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

int machine_state_make_shared(const char *dir, Failure *failure)
{
        static const char *const names[] = { LOCKS_DIR, FAILED_DIR };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(names); i++) {
                _cleanup_free_ char *path = NULL;

                r = strf(&path, "%s/%s", dir ?: DEFAULT_DIR, names[i]);
                if (r >= 0)
                        r = fd_mkdir(path, 0755);
                if (r < 0)
                        failure_set(failure, r, "Failed to create '%s': %m", path ?: DEFAULT_DIR);
        }
        return r;
}

/* Held while a file is replaced or a stale one removed, so that no new file is removed. A separate file, which only root can
 * open: any user could lock the directory. */
static int lock_dir(int dir_fd)
{
        _cleanup_close_ int fd = openat(dir_fd, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

        if (fd < 0 || flock(fd, LOCK_EX) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int open_and_lock(const char *dir, int *ret_dir_fd, int *ret_lock)
{
        _cleanup_close_ int dir_fd = open_dir(dir);
        int lock;

        if (dir_fd < 0)
                return dir_fd;
        lock = lock_dir(dir_fd);
        if (lock < 0)
                return lock;

        *ret_dir_fd = TAKE_FD(dir_fd);
        *ret_lock = lock;
        return 0;
}

/* The machine's directory, with all that is in it: files and sockets. */
static int remove_files(int dir_fd, const char *name)
{
        _cleanup_closedir_ DIR *d = NULL;
        struct dirent *entry;
        int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        d = fdopendir(fd);
        if (!d) {
                fd_close(fd);
                return -ENOMEM;
        }
        /* First: what follows must not be missing of a machine that seems to run. */
        (void) unlinkat(dirfd(d), "state", 0);
        while ((entry = readdir(d)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        (void) unlinkat(dirfd(d), entry->d_name, 0);
        return RET_ERRNO(unlinkat(dir_fd, name, AT_REMOVEDIR));
}

int machine_state_make_dir(const char *dir, const char *name, Failure *failure)
{
        _cleanup_close_ int dir_fd = -EBADF, lock = -EBADF;
        _cleanup_free_ char *path = NULL;
        int r;

        if (hostname_problem(name))
                return failure_set(failure, -EINVAL, "Invalid machine name '%s'", name);
        r = strf(&path, "%s/%s", dir ?: DEFAULT_DIR, name);
        if (r >= 0)
                r = fd_mkdir(dir ?: DEFAULT_DIR, 0755);
        if (r >= 0)
                r = open_and_lock(dir, &dir_fd, &lock);
        if (r >= 0)
                r = remove_files(dir_fd, name);
        if (r >= 0)
                r = fd_mkdir(path, 0755);
        return r < 0 ? failure_set(failure, r, "Failed to create '%s': %m", path ?: DEFAULT_DIR) : 0;
}

static int write_file(int dir_fd, const char *temporary, const MachineState *m)
{
        uint64_t start = m->supervisor_start;
        MachineState copy = *m;
        FILE *f;
        int fd, r = 0;

        if (start == 0)
                r = process_start_time(m->supervisor, &start);
        if (r < 0)
                return r;
        copy.supervisor_start = start;

        fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        f = fdopen(fd, "w");
        if (!f) {
                fd_close(fd);
                return -ENOMEM;
        }

        for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
                print_field(f, fields + i, (const char *) &copy + fields[i].offset);
        errno = 0;
        r = ferror(f) ? -EIO : 0;
        if (fclose(f) != 0)
                r = errno ? -errno : -EIO;

        return r;
}

int machine_state_write(const char *dir, const MachineState *m, Failure *failure)
{
        _cleanup_free_ char *path = NULL, *temporary = NULL;
        _cleanup_close_ int dir_fd = -EBADF, lock = -EBADF;
        int r;

        if (hostname_problem(m->name))
                return failure_set(failure, -EINVAL, "Invalid machine name '%s'", m->name);
        r = strf(&path, "%s/state", m->name);
        if (r >= 0)
                r = strf(&temporary, "%s.new", path);
        if (r >= 0)
                r = open_and_lock(dir, &dir_fd, &lock);
        if (r >= 0)
                r = write_file(dir_fd, temporary, m);
        if (r >= 0)
                r = RET_ERRNO(renameat(dir_fd, temporary, dir_fd, path));
        if (r < 0) {
                if (dir_fd >= 0)
                        (void) unlinkat(dir_fd, temporary, 0);
                return failure_set(failure, r, "Failed to write the state of '%s' to '%s': %m", m->name, dir ?: DEFAULT_DIR);
        }
        return 0;
}

int machine_state_path(const char *dir, const char *name, const char *file, char **ret)
{
        return hostname_problem(name) ? -EINVAL : strf(ret, "%s/%s/%s", dir ?: DEFAULT_DIR, name, file);
}

int machine_state_lock_path(const char *dir, const char *name, char **ret)
{
        return hostname_problem(name) ? -EINVAL : strf(ret, "%s/" LOCKS_DIR "/%s", dir ?: DEFAULT_DIR, name);
}

int machine_state_failed_path(const char *dir, const char *name, char **ret)
{
        return hostname_problem(name) ? -EINVAL : strf(ret, "%s/" FAILED_DIR "/%s", dir ?: DEFAULT_DIR, name);
}

int machine_state_set_note(const char *dir, const char *name, const char *text)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r = machine_state_path(dir, name, "note", &path);

        if (r < 0)
                return r;
        if (!*text)
                return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

int machine_state_note(const char *dir, const char *name, char **ret)
{
        _cleanup_free_ char *path = NULL;
        int r = machine_state_path(dir, name, "note", &path);

        return r < 0 ? r : fd_read_file_at(AT_FDCWD, path, 4096, ret, NULL);
}

void machine_state_remove(const char *dir, const char *name)
{
        _cleanup_close_ int dir_fd = open_dir(dir);

        if (dir_fd >= 0 && !hostname_problem(name))
                (void) remove_files(dir_fd, name);
}

static int read_file(int dir_fd, const char *name, MachineState *ret)
{
        _cleanup_(machine_state_done) MachineState m = {};
        _cleanup_free_ char *path = NULL, *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        size_t size;
        int r;

        if (strf(&path, "%s/state", name) < 0)
                return -ENOMEM;
        fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = fd_read_all(fd, STATE_MAX, &text, &size);
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        if (strlen(text) != size)
                return -EBADMSG;

        r = parse_state(text, &m);
        if (r < 0)
                return r;
        m.name = strdup(name);
        if (!m.name)
                return -ENOMEM;

        *ret = m;
        m = (MachineState) {};
        return 0;
}

/* Reads the file again under the lock: a new supervisor may have replaced it. */
static void remove_stale(int dir_fd, const char *name)
{
        _cleanup_(machine_state_done) MachineState m = {};
        _cleanup_close_ int lock = lock_dir(dir_fd);

        if (lock >= 0 && read_file(dir_fd, name, &m) >= 0 && !supervisor_lives(&m))
                (void) remove_files(dir_fd, name);
}

static int read_living(int dir_fd, const char *name, MachineState *ret)
{
        _cleanup_(machine_state_done) MachineState m = {};
        int r;

        r = read_file(dir_fd, name, &m);
        if (r < 0)
                return r;
        if (!supervisor_lives(&m)) {
                remove_stale(dir_fd, name);
                return -ENOENT;
        }

        *ret = m;
        m = (MachineState) {};
        return 0;
}

int machine_state_read(const char *dir, const char *name, MachineState *ret)
{
        _cleanup_close_ int dir_fd = -EBADF;

        if (hostname_problem(name))
                return -ENOENT;
        dir_fd = open_dir(dir);
        if (dir_fd < 0)
                return dir_fd;

        return read_living(dir_fd, name, ret);
}

static int compare_states(const void *a, const void *b)
{
        return strcmp(((const MachineState *) a)->name, ((const MachineState *) b)->name);
}

int machine_state_list(const char *dir, MachineState **ret, size_t *ret_n)
{
        _cleanup_closedir_ DIR *d = NULL;
        MachineState *list = NULL;
        struct dirent *entry;
        size_t n = 0;
        int fd;

        fd = open_dir(dir);
        if (fd == -ENOENT) {
                *ret = NULL;
                *ret_n = 0;
                return 0;
        }
        if (fd < 0)
                return fd;
        d = fdopendir(fd);
        if (!d) {
                fd_close(fd);
                return -ENOMEM;
        }

        while ((entry = readdir(d))) {
                MachineState m = {}, *place;
                int r;

                if (hostname_problem(entry->d_name))
                        continue;
                r = read_living(dirfd(d), entry->d_name, &m);
                place = r >= 0 ? array_append(&list, &n, sizeof(m)) : NULL;
                if (r == -ENOMEM || (r >= 0 && !place)) {
                        machine_state_done(&m);
                        machine_state_free_list(list, n);
                        return -ENOMEM;
                }
                if (place)
                        *place = m;
        }

        if (n > 0)
                qsort(list, n, sizeof(*list), compare_states);
        *ret = list;
        *ret_n = n;
        return 0;
}
