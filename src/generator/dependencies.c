/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Dependencies of machines, from their files to systemd's units (see dependencies.h). The generator, at each
 * daemon-reload, as root. Files beside trees are not read: the keys, and Profile=, are ignored there. systemd itself
 * reports circles and missing machines.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/settings-source.h"
#include "generator/dependencies.h"
#include "generator/required-paths.h"
#include "image/machine-name.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/print.h"
#include "util/strv.h"

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Adds the machine of "NAME.nspawn" or "NAME.nspawn.d"; other files are ignored. */
static int add_name(const char *file, char ***names)
{
        const char *end = strstr(file, ".nspawn");
        _cleanup_free_ char *name = NULL;

        while (end && strcmp(end, ".nspawn") != 0 && strcmp(end, ".nspawn.d") != 0)
                end = strstr(end + 1, ".nspawn");
        if (!end)
                return 0;
        name = strndup(file, (size_t) (end - file));
        if (!name)
                return -ENOMEM;
        return machine_name_is_valid(name) ? strv_consume(names, TAKE_PTR(name)) : 0;
}

/* *ret is NULL where it cannot be read. */
static int open_listed(const char *root, const char *dir, DIR **ret)
{
        _cleanup_free_ char *path = NULL;

        if (strf(&path, "%s%s", root, dir) < 0)
                return -ENOMEM;
        *ret = opendir(path);
        if (!*ret && errno != ENOENT)
                log_warning(-errno, "Failed to read '%s', ignoring its files: %m", path);
        return 0;
}

static int list_names(const char *root, const char *dir, char ***names)
{
        _cleanup_closedir_ DIR *d = NULL;
        struct dirent *entry;

        if (open_listed(root, dir, &d) < 0)
                return -ENOMEM;
        while (d && (entry = readdir(d)))
                if (add_name(entry->d_name, names) < 0)
                        return -ENOMEM;
        return 0;
}

/* A linked tree needs what it leads to, also without a file. */
static int list_linked_trees(const char *root, const char *dir, char ***names)
{
        _cleanup_closedir_ DIR *d = NULL;
        struct dirent *entry;

        if (open_listed(root, dir, &d) < 0)
                return -ENOMEM;
        while (d && (entry = readdir(d))) {
                const char *raw = strstr(entry->d_name, ".raw");
                _cleanup_free_ char *name = NULL;

                if (entry->d_type != DT_LNK)
                        continue;
                name = strndup(entry->d_name, raw && !raw[4] ? (size_t) (raw - entry->d_name) : strlen(entry->d_name));
                if (!name || (machine_name_is_valid(name) && strv_consume(names, TAKE_PTR(name)) < 0))
                        return -ENOMEM;
        }
        return 0;
}

/* Reads the keys that name machines or paths from the machine's files. 1; 0 if they have errors; -ENOMEM. */
static int read_machine(const char *root, const char *machine, SettingsSources *sources, Settings *s)
{
        static const SettingId ids[] = {
                SETTING_AFTER, SETTING_REQUIRES, SETTING_BIND, SETTING_BIND_READ_ONLY, SETTING_OVERLAY,
                SETTING_OVERLAY_READ_ONLY, SETTING_NAMESPACE_PATH,
        };
        SettingsPlace place = { .root = root, .machine = machine };
        _cleanup_(assignments_done) Assignments switches = { .trusted = true };
        _cleanup_(problems_done) Problems problems = {};

        if (settings_sources_read(&place, &switches, sources, &problems) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < sources->n; i++)
                for (size_t k = 0; k < ARRAY_SIZE(ids); k++)
                        if (assignments_apply_one_id(&sources->items[i].assignments, ids[k], s, &problems) < 0)
                                return -ENOMEM;

        for (size_t i = 0; i < problems.n; i++)
                if (problems.items[i].fatal) {
                        log_warning(0, "%s; machine '%s' gets no dependencies", problems.items[i].text, machine);
                        return 0;
                }
        return 1;
}

static void print_dependencies(FILE *f, const char *key, const StringList *names, const char *machine)
{
        for (size_t i = 0; i < names->n; i++)
                if (strcmp(names->items[i].value, machine) != 0)
                        fprintf(f, "%s=box@%s.service\n", key, names->items[i].value);
}

/* Quoted, as the list has words and specifiers. */
static void print_paths(FILE *f, char *const *paths)
{
        STRV_FOREACH(path, paths) {
                fputs("RequiresMountsFor=\"", f);
                for (const char *p = *path; *p; p++) {
                        if (*p == '"' || *p == '\\' || *p == '%')
                                fputc(*p == '%' ? '%' : '\\', f);
                        fputc(*p, f);
                }
                fputs("\"\n", f);
        }
}

/* Each directory of the path may be a mount point. WantsMountsFor= would say the same to systemd 256 and later. */
static int add_wanted_units(const char *path, char ***units)
{
        for (const char *p = path + 1; p;) {
                const char *slash = strchr(p, '/');
                _cleanup_free_ char *parent = slash ? strndup(path, (size_t) (slash - path)) : strdup(path), *unit = NULL;

                unit = parent ? mount_unit_name(parent) : NULL;
                if (!unit || (!strv_contains(*units, unit) && strv_extend(units, unit) < 0))
                        return -ENOMEM;
                p = slash ? slash + 1 : NULL;
        }
        return 0;
}

static void print_units(FILE *f, char *const *units)
{
        STRV_FOREACH(unit, units)
                fprintf(f, "Wants=%s\nAfter=%s\n", *unit, *unit);
}

static int write_drop_in(int out_fd, const char *machine, const Settings *s, char *const *paths, char *const *units)
{
        _cleanup_free_ char *unit = machine_unit_name(machine), *dir = NULL;
        _cleanup_close_ int dir_fd = -EBADF, fd = -EBADF;
        _cleanup_fclose_ FILE *f = NULL;

        if (!unit || strf(&dir, "%s.d", unit) < 0)
                return -ENOMEM;
        if (mkdirat(out_fd, dir, 0755) < 0 && errno != EEXIST)
                return -errno;
        dir_fd = openat(out_fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir_fd < 0)
                return -errno;
        fd = openat(dir_fd, "50-box.conf", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        f = fdopen(fd, "w");
        if (!f)
                return -errno;
        fd = -EBADF;

        fprintf(f, "# Made by box-generator of the files of machine %s: box.nspawn(5).\n\n[Unit]\n", machine);
        print_dependencies(f, "After", &s->after, machine);
        print_dependencies(f, "Requires", &s->requires, machine);
        print_paths(f, paths);
        print_units(f, units);
        return fflush(f) == 0 ? 0 : -errno;
}

/* 1 if a drop-in was written, 0 if it has no dependencies. */
static int write_machine(const char *root, const char *machine, int out_fd)
{
        _cleanup_(settings_sources_done) SettingsSources sources = {};
        _cleanup_(settings_done) Settings s;
        _cleanup_strv_ char **paths = NULL, **wanted = NULL, **units = NULL;
        int r;

        settings_init(&s);
        r = read_machine(root, machine, &sources, &s);
        if (r > 0 && (required_paths_add(root, machine, &s, &paths) < 0 || wanted_paths_add(root, &s, &wanted) < 0))
                return -ENOMEM;
        STRV_FOREACH(path, wanted)
                if (add_wanted_units(*path, &units) < 0)
                        return -ENOMEM;
        if (r <= 0 || (s.after.n + s.requires.n == 0 && !paths && !units))
                return r < 0 ? r : 0;
        r = write_drop_in(out_fd, machine, &s, paths, units);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                log_warning(r, "Failed to write the dependencies of machine '%s', ignoring: %m", machine);
                return 0;
        }
        return 1;
}

int dependencies_write(const char *root, int out_fd)
{
        static const char *const dirs[] = { SETTINGS_ETC_DIR, SETTINGS_RUN_DIR };
        _cleanup_strv_ char **names = NULL;
        int written = 0, r;

        for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
                if (list_names(root, dirs[i], &names) < 0)
                        return -ENOMEM;
        for (const char *const *dir = required_paths_tree_dirs; *dir; dir++)
                if (list_linked_trees(root, *dir, &names) < 0)
                        return -ENOMEM;
        if (names)
                qsort(names, strv_length(names), sizeof(char *), compare_names);

        STRV_FOREACH(name, names) {
                if (name > names && strcmp(name[0], name[-1]) == 0)
                        continue;
                r = write_machine(root, *name, out_fd);
                if (r < 0)
                        return r;
                written += r;
        }
        return written;
}
