/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Drop-ins of a unit whose properties were changed (see unit-drop-ins.h). The supervisor, as root, in directories that only
 * root writes to. Silent.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus/unit-drop-ins.h"
#include "util/fd.h"
#include "util/print.h"
#include "util/strv.h"

#define NOTES_DIR "/run/box/.changed-units"

/* Lines with one file name each. */
enum { NOTE_MAX = 64 * 1024 };

static char *control_dir(const char *root, const char *unit)
{
        char *path;

        return strf(&path, "%s/run/systemd/system.control/%s.d", root, unit) < 0 ? NULL : path;
}

static char *note_path(const char *root, const char *unit)
{
        char *path;

        return strf(&path, "%s" NOTES_DIR "/%s", root, unit) < 0 ? NULL : path;
}

/* A transient unit's drop-ins lie elsewhere and are removed with the unit. */
static bool is_transient(const char *root, const char *unit)
{
        _cleanup_free_ char *path = NULL;

        return strf(&path, "%s/run/systemd/transient/%s", root, unit) >= 0 && access(path, F_OK) == 0;
}

/* "50-MemoryMax.conf": named by the key in unit files or by the name on the bus, which depends on the property. */
static int list_one(int dir_fd, const char *name, char ***files)
{
        char *file;

        if (strf(&file, "50-%s.conf", name) < 0)
                return -ENOMEM;
        if (strv_contains(*files, file) || (dir_fd >= 0 && faccessat(dir_fd, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)) {
                free(file);
                return 0;
        }
        return strv_consume(files, file);
}

int unit_drop_ins_list(const char *root, const char *unit, const UnitProperty *const *properties, size_t n, char ***ret_files)
{
        _cleanup_free_ char *dir = control_dir(root, unit);
        _cleanup_strv_ char **files = NULL;
        _cleanup_close_ int fd = -EBADF;

        if (!dir)
                return -ENOMEM;
        if (!is_transient(root, unit)) {
                fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
                for (size_t i = 0; i < n; i++)
                        if (list_one(fd, properties[i]->key, &files) < 0 ||
                            list_one(fd, properties[i]->name, &files) < 0 ||
                            list_one(fd, properties[i]->read_name, &files) < 0)
                                return -ENOMEM;
        }

        *ret_files = TAKE_PTR(files);
        return 0;
}

static int create_notes_dir(const char *root)
{
        _cleanup_free_ char *path = NULL;

        if (strf(&path, "%s" NOTES_DIR, root) < 0)
                return -ENOMEM;
        for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
                *slash = 0;
                if (mkdir(path, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *slash = '/';
        }
        return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int write_note(const char *path, char *const *files)
{
        _cleanup_fclose_ FILE *f = fopen(path, "we");

        if (!f)
                return -errno;
        STRV_FOREACH(file, files)
                fprintf(f, "%s\n", *file);
        return fflush(f) == 0 ? 0 : -errno;
}

int unit_drop_ins_noted(const char *root, const char *unit, char ***ret_files, Failure *failure)
{
        _cleanup_free_ char *path = note_path(root, unit), *text = NULL;
        _cleanup_strv_ char **files = NULL;
        char *rest, *line;
        int r;

        if (!path)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = fd_read_file_at(AT_FDCWD, path, NOTE_MAX, &text, NULL);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return failure_set(failure, r, "Failed to read '%s': %m", path);

        /* An incomplete last line is ignored. */
        for (rest = text; strchr(rest, '\n') && (line = strsep(&rest, "\n"));)
                if (*line && !strchr(line, '/') && strv_extend(&files, line) < 0)
                        return failure_set(failure, -ENOMEM, "Out of memory");

        *ret_files = TAKE_PTR(files);
        return 1;
}

int unit_drop_ins_note(const char *root, const char *unit, char *const *files, Failure *failure)
{
        _cleanup_free_ char *path = note_path(root, unit);
        _cleanup_strv_ char **all = NULL;
        int r;

        if (!path)
                return failure_set(failure, -ENOMEM, "Out of memory");
        if (!files || !*files)
                return 0;
        r = unit_drop_ins_noted(root, unit, &all, failure);
        STRV_FOREACH(file, files)
                if (r >= 0 && !strv_contains(all, *file))
                        r = strv_extend(&all, *file);
        if (r >= 0)
                r = create_notes_dir(root);
        if (r >= 0)
                r = write_note(path, all);
        return r < 0 ? failure_set(failure, r, "Failed to write '%s': %m", path) : 0;
}

/* Files that others have noted stay. */
static int take_from_note(const char *root, const char *unit, char *const *files, Failure *failure)
{
        _cleanup_free_ char *note = note_path(root, unit);
        _cleanup_strv_ char **noted = NULL, **rest = NULL;
        int r;

        if (!note)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = unit_drop_ins_noted(root, unit, &noted, failure);
        STRV_FOREACH(file, noted)
                if (r >= 0 && !strv_contains(files, *file))
                        r = strv_extend(&rest, *file);
        if (r >= 0 && rest)
                r = write_note(note, rest);
        else if (r >= 0 && unlink(note) < 0 && errno != ENOENT)
                r = -errno;
        return r < 0 ? failure_set(failure, r, "Failed to remove '%s': %m", note) : 0;
}

int unit_drop_ins_remove(const char *root, const char *unit, char *const *files, Failure *failure)
{
        _cleanup_free_ char *dir = control_dir(root, unit);
        _cleanup_close_ int fd = -EBADF;
        int r = 0;

        if (!dir)
                return failure_set(failure, -ENOMEM, "Out of memory");
        fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        STRV_FOREACH(file, files)
                if (fd >= 0 && unlinkat(fd, *file, 0) < 0 && errno != ENOENT)
                        r = failure_set(failure, -errno, "Failed to remove '%s/%s': %m", dir, *file);
        if (r < 0)
                return r;

        (void) rmdir(dir);      /* fails if there are other files */
        return take_from_note(root, unit, files, failure);
}

int unit_drop_ins_forget(const char *root, const char *unit, const UnitProperty *const *properties, size_t n, Failure *failure)
{
        _cleanup_strv_ char **files = NULL;

        for (size_t i = 0; i < n; i++)
                if (list_one(-EBADF, properties[i]->key, &files) < 0 || list_one(-EBADF, properties[i]->name, &files) < 0 ||
                    list_one(-EBADF, properties[i]->read_name, &files) < 0)
                        return failure_set(failure, -ENOMEM, "Out of memory");
        return unit_drop_ins_remove(root, unit, files, failure);
}
