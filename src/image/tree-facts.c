/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Facts of a tree (see tree-facts.h). The supervisor and boxctl, as root, on a hostile tree: every file is opened by openat2()
 * inside the tree and read to a small limit, and texts are made printable. A directory, a FIFO or a file that is too big
 * counts as missing; the caller reports it if needed.
 */

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/init-flavour.h"
#include "image/tree-facts.h"
#include "util/env-file.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/text.h"
#include "util/tree.h"

enum {
        OS_RELEASE_MAX = 64 * 1024,
        PRETTY_NAME_MAX = 128,
};

void tree_facts_done(TreeFacts *t)
{
        strv_free(t->usr_links);
        free(t->os_pretty_name);
        free(t->init_path);
        *t = (TreeFacts) { 0 };
}

/* Cuts s to at most max bytes, never within a character. */
static void cut(char *s, size_t max)
{
        if (strlen(s) <= max)
                return;
        while (max > 0 && ((unsigned char) s[max] & 0xc0) == 0x80)
                max--;
        s[max] = 0;
}

/* The last PRETTY_NAME= counts. Modifies text. */
static int read_pretty_name(char *text, TreeFacts *t)
{
        static const char key[] = "PRETTY_NAME=";
        const char *value = "";
        char *entry;

        while ((entry = env_file_next(&text)))
                if (strncmp(entry, key, strlen(key)) == 0)
                        value = entry + strlen(key);
        if (!*value)
                return 0;

        t->os_pretty_name = strdup(value);
        if (!t->os_pretty_name)
                return -ENOMEM;
        text_make_printable(t->os_pretty_name);
        cut(t->os_pretty_name, PRETTY_NAME_MAX);
        return 0;
}

static int read_os_release(int root_fd, TreeFacts *t)
{
        static const char *const paths[] = { "/etc/os-release", "/usr/lib/os-release" };

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                _cleanup_free_ char *text = NULL;
                int r;

                r = tree_read(root_fd, paths[i], OS_RELEASE_MAX, &text, NULL);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        continue;

                t->has_os_release = true;
                return read_pretty_name(text, t);
        }

        return 0;
}

static int read_machine_id(int root_fd, TreeFacts *t)
{
        _cleanup_free_ char *text = NULL;
        bool null = true;
        int r;

        r = tree_read(root_fd, "/etc/machine-id", 64, &text, NULL);
        if (r < 0)
                return r == -ENOMEM ? r : 0;

        for (size_t i = 0; i < 32; i++) {
                if (!isxdigit((unsigned char) text[i]))
                        return 0;       /* empty, "uninitialized" */
                null = null && text[i] == '0';
                text[i] = (char) tolower((unsigned char) text[i]);
        }
        if (null || (text[32] && text[32] != '\n'))
                return 0;

        memcpy(t->machine_id, text, 32);
        return 0;
}

/* Whether a link's target is a plain path into /usr. */
static bool leads_into_usr(const char *target)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";

        target += *target == '/';
        return strncmp(target, "usr/", 4) == 0 && !strstr(target, "..") && strspn(target, allowed) == strlen(target);
}

/* Finds the links that an empty root with only /usr needs. */
static int read_usr_links(int root_fd, TreeFacts *t)
{
        static const char *const names[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                char target[128], *entry;
                struct stat st;
                ssize_t n;

                if (fstatat(root_fd, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                n = S_ISLNK(st.st_mode) ? readlinkat(root_fd, names[i], target, sizeof(target) - 1) : -1;
                target[n < 0 ? 0 : n] = 0;
                if (!leads_into_usr(target)) {
                        t->split_usr = t->split_usr || S_ISDIR(st.st_mode);
                        continue;
                }
                if (strf(&entry, "%s=%s", names[i], target) < 0 || strv_consume(&t->usr_links, entry) < 0)
                        return -ENOMEM;
        }

        return 0;
}

/* A file that is there, and yet cannot be executed. */
static const char *init_problem(int root_fd, const char *path)
{
        _cleanup_close_ int itself = tree_open(root_fd, path, O_PATH | O_NOFOLLOW), fd = -EBADF;
        struct stat st;

        if (itself < 0)
                return NULL;
        fd = tree_open(root_fd, path, O_PATH);
        if (fd == -ENOENT)
                return "is a link whose target is missing";
        if (fd == -ELOOP)
                return "is a link that leads round in a circle";
        if (fd < 0 || fstat(fd, &st) < 0)
                return "cannot be looked at";
        if (!S_ISREG(st.st_mode))
                return "is not a regular file";
        return st.st_mode & 0111 ? NULL : "is not executable";
}

static int read_init(int root_fd, TreeFacts *t)
{
        static const char *const systemd_paths[] = { "/usr/lib/systemd/systemd", "/lib/systemd/systemd" };
        InitFlavour sbin_init = INIT_NONE;
        const char *path = NULL;
        int r;

        r = init_flavour_of(root_fd, "/sbin/init", &sbin_init);
        if (r < 0)
                return r;

        t->init = sbin_init;
        if (sbin_init != INIT_NONE)
                path = "/sbin/init";
        if (sbin_init == INIT_NONE || sbin_init == INIT_SYSTEMD)
                for (size_t i = 0; i < ARRAY_SIZE(systemd_paths); i++)
                        if (tree_is_executable(root_fd, systemd_paths[i]) > 0) {
                                t->init = INIT_SYSTEMD;
                                path = systemd_paths[i];
                                break;
                        }
        if (!path) {
                t->init_problem = init_problem(root_fd, "/sbin/init");
                return 0;
        }

        return free_and_strdup(&t->init_path, path);
}

int tree_facts_read(int root_fd, TreeFacts *ret, Failure *failure)
{
        _cleanup_close_ int usr_fd = tree_open(root_fd, "/usr", O_PATH | O_DIRECTORY);
        _cleanup_(tree_facts_done) TreeFacts t = { .has_usr = usr_fd >= 0 };
        struct stat st;
        int r;

        if (fstat(root_fd, &st) < 0)
                return failure_set(failure, -errno, "Failed to stat the tree's root directory: %m");
        t.owner_uid = st.st_uid;
        t.owner_gid = st.st_gid;

        r = read_os_release(root_fd, &t);
        if (r >= 0)
                r = read_machine_id(root_fd, &t);
        if (r >= 0)
                r = read_usr_links(root_fd, &t);
        if (r >= 0)
                r = read_init(root_fd, &t);
        if (r < 0)
                return failure_set(failure, r, "Failed to read the tree: %m");

        *ret = t;
        t = (TreeFacts) { 0 };
        return 0;
}

int tree_facts_set_init(int root_fd, const char *path, TreeFacts *t, Failure *failure)
{
        InitFlavour init;

        if (init_flavour_of(root_fd, path, &init) < 0)
                return failure_set(failure, -ENOMEM, "Out of memory");

        free(TAKE_PTR(t->init_path));
        t->init = init;
        t->init_problem = NULL;
        if (init == INIT_NONE) {
                t->init_problem = init_problem(root_fd, path);
                return 0;
        }
        t->init_path = strdup(path);
        return t->init_path ? 0 : failure_set(failure, -ENOMEM, "Out of memory");
}
