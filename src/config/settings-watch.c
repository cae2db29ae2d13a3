/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Stamps of files of settings (see settings-watch.h). The supervisor and box-run --live, as root; boxctl compares. Silent. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/settings-watch.h"
#include "util/print.h"

enum { STAMP_MAX = 96 };

/* The time of the last change of the inode tells of writes, renames and permissions. "-": it is missing. */
static void stamp(const char *path, char buf[static STAMP_MAX])
{
        struct stat st;

        if (stat(path, &st) < 0)
                (void) snprintf(buf, STAMP_MAX, "-");
        else
                (void) snprintf(buf, STAMP_MAX, "%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64 ".%lx", (uint64_t) st.st_dev,
                                (uint64_t) st.st_ino, (uint64_t) st.st_size, (uint64_t) st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

static void put(FILE *f, const char *path)
{
        char text[STAMP_MAX];

        /* No line can have it; its directory tells of it. */
        if (strchr(path, '\n'))
                return;
        stamp(path, text);
        fprintf(f, "%s %s\n", text, path);
}

static int put_place(FILE *f, const char *directory, size_t n, const char *machine)
{
        static const char *const suffixes[] = { ".nspawn", ".nspawn.d" };

        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                _cleanup_free_ char *path = NULL;

                if (strf(&path, "%.*s/%s%s", (int) n, directory, machine, suffixes[i]) < 0)
                        return -ENOMEM;
                put(f, path);
        }
        return 0;
}

int settings_watch_make(const SettingsPlace *place, const SettingsSources *sources, char **ret)
{
        static const char *const administrator[] = { SETTINGS_ETC_DIR, SETTINGS_RUN_DIR };
        const char *slash = place->image_path ? strrchr(place->image_path, '/') : NULL;
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        FILE *f = memory_stream_open(&m);
        int r = 0;

        if (!f)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(administrator); i++)
                r = put_place(f, administrator[i], strlen(administrator[i]), place->machine);
        if (r >= 0 && slash && slash[1])
                r = put_place(f, place->image_path, (size_t) (slash - place->image_path), place->machine);
        for (size_t i = 0; r >= 0 && i < sources->n; i++)
                if (sources->items[i].path && sources->items[i].kind != SETTINGS_SOURCE_FILE)
                        put(f, sources->items[i].path);
        if (r < 0)
                return r;
        *ret = memory_stream_take(&m);
        return *ret ? 0 : -ENOMEM;
}

bool settings_watch_changed(const char *text)
{
        _cleanup_free_ char *copy = strdup(text);
        char *rest = copy, *line;

        while ((line = strsep(&rest, "\n"))) {
                char *path = strchr(line, ' '), now[STAMP_MAX];

                if (!path)
                        continue;
                *path++ = 0;
                stamp(path, now);
                if (strcmp(line, now) != 0)
                        return true;
        }
        return false;
}
