/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A machine's file and its drop-ins: the first file found in systemd-nspawn's search order, and drop-ins beside each of
 * these places, as systemd has them for units (see settings-source.h). boxctl and the supervisor, as root. The
 * directory of an image may belong to any user, so files in it are read with care and are not trusted.
 */

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "config/nspawn-file.h"
#include "config/settings-source-read.h"
#include "config/specifiers.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"

enum { ETC, RUN, IMAGE, N_DIRECTORIES };

/* Directories searched for NAME.nspawn and NAME.nspawn.d, in order. */
typedef struct Directories {
        char *paths[N_DIRECTORIES];     /* IMAGE: NULL without an image, and for "/", which is in no directory */
        bool trusted[N_DIRECTORIES];
} Directories;

static void directories_done(Directories *d)
{
        for (size_t i = 0; i < N_DIRECTORIES; i++)
                free(d->paths[i]);
}

static int directories_make(const SettingsPlace *place, bool trust_all, Directories *ret)
{
        static const char *const administrator[] = { [ETC] = SETTINGS_ETC_DIR, [RUN] = SETTINGS_RUN_DIR };
        const char *slash = place->image_path ? strrchr(place->image_path, '/') : NULL;

        for (size_t i = 0; i < ARRAY_SIZE(administrator); i++) {
                ret->trusted[i] = true;
                if (strf(&ret->paths[i], "%s%s", place->root ?: "", administrator[i]) < 0)
                        return -ENOMEM;
        }

        ret->trusted[IMAGE] = trust_all;
        if (slash && slash[1]) {
                ret->paths[IMAGE] = strndup(place->image_path, (size_t) (slash - place->image_path));
                if (!ret->paths[IMAGE])
                        return -ENOMEM;
        }
        return 0;
}

/* Reads one file, and adds it as a source even if it is unreadable. Takes ownership of name (a drop-in's) and path.
 * Returns as nspawn_file_read(). */
static int read_source(const SettingsPlace *place, SettingsSourceKind kind, char *name, char *path, bool trusted,
                       SettingsSources *sources, Problems *problems)
{
        _cleanup_(assignments_done) Assignments assignments = { 0 };
        _cleanup_free_ char *owned_name = name, *owned_path = path;
        bool other;
        int found, r;

        if (!path)
                return -ENOMEM;
        other = place->instead_of && strcmp(place->instead_of, path) == 0;
        found = nspawn_file_read(other ? place->instead : path, path, trusted, &assignments, problems);
        if (found <= 0)
                return found;
        r = specifiers_apply(&(SpecifierFacts) { place->machine, place->root }, &assignments, problems);
        if (r < 0)
                return r;
        r = settings_sources_add(sources, kind, owned_name, owned_path, &assignments);
        if (r < 0)
                return r;

        TAKE_PTR(owned_name);
        TAKE_PTR(owned_path);
        return found;
}

/* NULL without memory. */
static char *path_of(const char *directory, const char *machine, const char *suffix, const char *name)
{
        char *path;

        return strf(&path, "%s/%s%s%s", directory, machine, suffix, name) < 0 ? NULL : path;
}

/* ---- drop-ins ------------------------------------------------------------------------------------------------- */

typedef struct DropIn {
        char *name;             /* "10-limits.conf" */
        size_t directory;
} DropIn;

typedef struct DropIns {
        DropIn *items;
        size_t n;
} DropIns;

static void drop_ins_done(DropIns *d)
{
        for (size_t i = 0; i < d->n; i++)
                free(d->items[i].name);
        free(d->items);
}

static bool is_drop_in(const char *name)
{
        size_t n = strlen(name);

        return n > 5 && name[0] != '.' && strcmp(name + n - 5, ".conf") == 0;
}

static bool has_name(const DropIns *d, const char *name)
{
        for (size_t i = 0; i < d->n; i++)
                if (strcmp(d->items[i].name, name) == 0)
                        return true;
        return false;
}

static int drop_in_add(DropIns *d, const char *name, size_t directory)
{
        _cleanup_free_ char *copy = strdup(name);
        DropIn *item = copy ? array_append(&d->items, &d->n, sizeof(DropIn)) : NULL;

        if (!item)
                return -ENOMEM;
        *item = (DropIn) { .name = TAKE_PTR(copy), .directory = directory };
        return 0;
}

/* Beside a tree no link is followed. NULL with errno. */
static DIR *open_directory(const char *path, bool trusted)
{
        _cleanup_close_ int fd = -EBADF;
        DIR *dir;

        if (trusted)
                return opendir(path);
        fd = fd_open_without_links(path, O_RDONLY | O_DIRECTORY);
        if (fd < 0) {
                errno = -fd;
                return NULL;
        }
        dir = fdopendir(fd);
        if (dir)
                TAKE_FD(fd);
        return dir;
}

/* Adds the drop-ins of one directory, without names that an earlier directory has. */
static int collect_directory(const char *path, size_t directory, bool trusted, DropIns *d, Problems *problems)
{
        _cleanup_closedir_ DIR *dir = open_directory(path, trusted);
        size_t before = d->n;
        struct dirent *entry;
        int r;

        if (!dir && (errno == ENOENT || errno == ENOTDIR))
                return 0;
        if (!dir)
                return problem_error(problems, (Source) { 0 }, "Failed to open %s: %m%s", path,
                                     errno == ELOOP ? "; links beside a tree are not followed" : "");

        while ((errno = 0, entry = readdir(dir))) {
                if (!is_drop_in(entry->d_name) || has_name(d, entry->d_name))
                        continue;
                if (d->n - before >= DROP_INS_MAX)
                        return problem_error(problems, (Source) { 0 }, "%s has more than %d drop-ins", path,
                                             DROP_INS_MAX);
                r = drop_in_add(d, entry->d_name, directory);
                if (r < 0)
                        return r;
        }
        return errno == 0 ? 0 : problem_error(problems, (Source) { 0 }, "Failed to read %s: %m", path);
}

/* Orders by name; all drop-ins beside the image precede the administrator's. */
static int drop_in_compare(const void *a, const void *b)
{
        const DropIn *x = a, *y = b;

        if ((x->directory == IMAGE) != (y->directory == IMAGE))
                return x->directory == IMAGE ? -1 : 1;
        return strcmp(x->name, y->name);
}

/* Adds place->instead_of, which may not exist yet. */
static int collect_instead(const SettingsPlace *place, const char *path, size_t directory, DropIns *d)
{
        size_t n = strlen(path);
        const char *name;

        if (!place->instead_of || strncmp(place->instead_of, path, n) != 0 || place->instead_of[n] != '/')
                return 0;
        name = place->instead_of + n + 1;
        return !is_drop_in(name) || has_name(d, name) ? 0 : drop_in_add(d, name, directory);
}

static int collect(const SettingsPlace *place, const Directories *directories, size_t n_directories, DropIns *d,
                   Problems *problems)
{
        for (size_t i = 0; i < n_directories; i++) {
                _cleanup_free_ char *path = NULL;
                int r;

                if (!directories->paths[i])
                        continue;
                path = path_of(directories->paths[i], place->machine, ".nspawn.d", "");
                if (!path)
                        return -ENOMEM;
                r = collect_directory(path, i, directories->trusted[i], d, problems);
                if (r >= 0)
                        r = collect_instead(place, path, i, d);
                if (r < 0)
                        return r;
        }

        if (d->n > 1)
                qsort(d->items, d->n, sizeof(DropIn), drop_in_compare);
        return 0;
}

static int read_drop_ins(const SettingsPlace *place, const Directories *directories, size_t n_directories,
                         SettingsSources *sources, Problems *problems)
{
        _cleanup_(drop_ins_done) DropIns d = { 0 };
        int r;

        r = collect(place, directories, n_directories, &d, problems);
        for (size_t i = 0; r >= 0 && i < d.n; i++) {
                DropIn *item = &d.items[i];
                char *path = path_of(directories->paths[item->directory], place->machine, ".nspawn.d/", item->name);

                r = read_source(place, SETTINGS_SOURCE_DROP_IN, TAKE_PTR(item->name), path,
                                directories->trusted[item->directory], sources, problems);
        }
        return r < 0 ? r : 0;
}

int settings_sources_read_files(const SettingsPlace *place, bool trust_all, SettingsSources *sources,
                                Problems *problems)
{
        _cleanup_(directories_done) Directories directories = { 0 };
        bool found = false;
        size_t n;
        int r;

        r = directories_make(place, trust_all, &directories);
        for (n = 0; r >= 0 && n < N_DIRECTORIES && !found; n++) {
                if (!directories.paths[n])
                        continue;
                r = read_source(place, SETTINGS_SOURCE_FILE, NULL,
                                path_of(directories.paths[n], place->machine, ".nspawn", ""), directories.trusted[n],
                                sources, problems);
                found = r > 0;
        }
        if (r < 0)
                return r;

        /* With an administrator's file, nothing beside the image is read. */
        return read_drop_ins(place, &directories, found && n <= IMAGE ? IMAGE : N_DIRECTORIES, sources, problems);
}
