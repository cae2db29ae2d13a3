/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Credentials (see credential.h). The supervisor, as root of the host: it reads files that its command line names. There is one
 * copy of each secret, which is overwritten before its memory is freed.
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/values.h"
#include "payload/credential.h"
#include "util/fd.h"
#include "util/strv.h"

/* Of all credentials: more than systemd accepts (systemd.exec(5)). */
enum { CREDENTIALS_MAX = 1024 * 1024 };

static void secret_free(char *data, size_t size)
{
        if (data)
                explicit_bzero(data, size);
        free(data);
}

void credentials_done(Credentials *c)
{
        for (size_t i = 0; i < c->n; i++) {
                secret_free(c->items[i].data, c->items[i].size);
                free(c->items[i].id);
        }
        free(c->items);
        *c = (Credentials) {};
}

static int copy_secret(const char *data, size_t size, Credential *c)
{
        c->data = malloc(size + 1);
        if (!c->data)
                return -ENOMEM;
        memcpy(c->data, data, size);
        c->size = size;
        return 0;
}

/* Uses one buffer of the maximal size: realloc() would leave a copy behind. */
static int read_secret(int fd, Credential *c)
{
        char *buf = malloc(CREDENTIALS_MAX + 1);
        size_t used = 0;
        int r = 0;

        if (!buf)
                return -ENOMEM;
        while (used <= CREDENTIALS_MAX) {
                ssize_t n = TEMP_FAILURE_RETRY(read(fd, buf + used, CREDENTIALS_MAX + 1 - used));

                if (n < 0)
                        r = -errno;
                if (n <= 0)
                        break;
                used += (size_t) n;
        }
        if (r >= 0)
                r = used > CREDENTIALS_MAX ? -E2BIG : copy_secret(buf, used, c);
        secret_free(buf, used);
        return r;
}

/* The address of our socket names the credential for the service, as systemd-nspawn's does. */
static int connect_to(const char *path, const char *id)
{
        struct sockaddr_un there = { .sun_family = AF_UNIX }, own = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        uint64_t number = 0;
        int n;

        if (fd < 0)
                return -errno;
        if (strlen(path) >= sizeof(there.sun_path))
                return -ENAMETOOLONG;
        memcpy(there.sun_path, path, strlen(path));

        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -EIO;
        n = snprintf(own.sun_path + 1, sizeof(own.sun_path) - 1, "%016llx/nspawn/%s", (unsigned long long) number, id);
        if (n < 0 || (size_t) n >= sizeof(own.sun_path) - 1)
                return -ENAMETOOLONG;
        if (bind(fd, (const struct sockaddr *) &own, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + 1 + (size_t) n)) < 0 ||
            connect(fd, (const struct sockaddr *) &there, sizeof(there)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Without fetch only regular files are opened: others may block or have side effects. -EAGAIN: not opened. */
static int open_secret(int dir_fd, const char *path, const char *id, bool fetch)
{
        struct stat st;

        if (fstatat(dir_fd, path, &st, 0) < 0)
                return -errno;
        if (!fetch && !S_ISREG(st.st_mode))
                return -EAGAIN;
        if (S_ISSOCK(st.st_mode))
                return *path == '/' ? connect_to(path, id) : -ENXIO;
        return RET_ERRNO(openat(dir_fd, path, O_RDONLY | O_NOCTTY | O_CLOEXEC));
}

static int load_from(int dir_fd, const CredentialSetting *s, bool fetch, Credential *c, Problems *problems)
{
        _cleanup_close_ int fd = open_secret(dir_fd, s->path, s->id, fetch);
        int r;

        if (fd == -EAGAIN)
                return 0;
        r = fd < 0 ? fd : read_secret(fd, c);
        if (r < 0 && r != -ENOMEM)
                return problem_error(problems, s->from, "Failed to load credential '%s' from '%s': %s", s->id, s->path,
                                     r == -E2BIG ? "larger than 1 MiB" : strerror(-r));
        return r;
}

static int load(const CredentialSetting *s, bool fetch, Credential *c, Problems *problems)
{
        const char *own = secure_getenv("CREDENTIALS_DIRECTORY");
        _cleanup_close_ int dir_fd = -EBADF;

        if (s->data)
                return copy_secret(s->data, s->size, c);
        if (*s->path == '/')
                return load_from(AT_FDCWD, s, fetch, c, problems);

        if (!own)
                return problem_error(problems, s->from, "Failed to load credential '%s' from credential '%s' of the "
                                     "service: $CREDENTIALS_DIRECTORY is not set", s->id, s->path);
        dir_fd = open(own, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return problem_error(problems, s->from, "Failed to open the credentials of the service, '%s': %s", own,
                                     strerror(errno));
        return load_from(dir_fd, s, fetch, c, problems);
}

static bool has_id(const Credentials *c, const char *id)
{
        for (size_t i = 0; i < c->n; i++)
                if (strcmp(c->items[i].id, id) == 0)
                        return true;
        return false;
}

static bool is_regular(int dir_fd, const char *name)
{
        struct stat st;

        return fstatat(dir_fd, name, &st, 0) >= 0 && S_ISREG(st.st_mode);
}

/*
 * Those that the service manager gave to us (SetCredential=, LoadCredential= of the unit), but for ids that settings have. They
 * are regular files: what else is in the directory is only used where a setting names it.
 */
static int load_own(Credentials *all, Problems *problems)
{
        const char *own = secure_getenv("CREDENTIALS_DIRECTORY");
        _cleanup_closedir_ DIR *dir = own ? opendir(own) : NULL;
        struct dirent *entry;

        if (own && !dir)
                return problem_error(problems, (Source) {}, "Failed to open the credentials of the service, '%s': %s", own,
                                     strerror(errno));
        while (dir && (entry = readdir(dir))) {
                const CredentialSetting s = { .id = entry->d_name, .path = entry->d_name };
                Credential *c;

                if (*entry->d_name == '.' || !credential_id_is_valid(entry->d_name) || has_id(all, entry->d_name) ||
                    !is_regular(dirfd(dir), entry->d_name))
                        continue;
                c = array_append(&all->items, &all->n, sizeof(*c));
                if (!c)
                        return -ENOMEM;
                c->id = strdup(entry->d_name);
                if (!c->id || load_from(dirfd(dir), &s, false, c, problems) < 0)
                        return -ENOMEM;
        }
        return 0;
}

int credentials_load(const Settings *s, bool fetch, Credentials *ret, Problems *problems)
{
        _cleanup_(credentials_done) Credentials all = {};
        size_t total = 0;

        for (size_t i = 0; i < s->n_credentials; i++) {
                Credential *c = array_append(&all.items, &all.n, sizeof(*c));

                if (!c)
                        return -ENOMEM;
                c->id = strdup(s->credentials[i].id);
                if (!c->id || load(&s->credentials[i], fetch, c, problems) < 0)
                        return -ENOMEM;
        }
        if (load_own(&all, problems) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < all.n; i++)
                total += all.items[i].size;
        if (total > CREDENTIALS_MAX &&
            problem_error(problems, (Source) {}, "All credentials together are larger than 1 MiB") < 0)
                return -ENOMEM;

        *ret = all;
        all = (Credentials) {};
        return 0;
}

static int write_one(const Credential *c, int dir_fd, uid_t owner)
{
        _cleanup_close_ int fd = openat(dir_fd, c->id, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        int r;

        if (fd < 0)
                return -errno;
        r = fd_write_all(fd, c->data, c->size);
        return r < 0 ? r : fchmod(fd, 0400) < 0 || fchown(fd, owner, owner) < 0 ? -errno : 0;
}

/* The file system, not only the mount: the machine's root can remount it writable, and a ramfs has no size limit. */
static int make_read_only(int dir_fd)
{
        _cleanup_close_ int fs_fd = fspick(dir_fd, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);

        if (fs_fd < 0 || fsconfig(fs_fd, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0 ||
            fsconfig(fs_fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) < 0)
                return -errno;
        return 0;
}

int credentials_fill(const Credentials *c, int dir_fd, uid_t owner, Failure *failure)
{
        int r;

        for (size_t i = 0; i < c->n; i++) {
                r = write_one(&c->items[i], dir_fd, owner);
                if (r < 0)
                        return failure_set(failure, r, "Failed to write credential '%s': %m", c->items[i].id);
        }
        if (fchownat(dir_fd, "", owner, owner, AT_EMPTY_PATH) < 0 || fchmodat(dir_fd, ".", 0500, 0) < 0)
                return failure_set(failure, -errno, "Failed to set the owner and mode of the credentials: %m");
        r = make_read_only(dir_fd);
        return r < 0 ? failure_set(failure, r, "Failed to make the credentials read-only: %m") : 0;
}
