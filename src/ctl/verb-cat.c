/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * boxctl cat: machines' settings files, each below a line with its path, lowest priority first. Any user who may read them.
 */

#include <stdio.h>
#include <string.h>

#include "config/nspawn-file.h"
#include "config/settings-source.h"
#include "ctl/terminal.h"
#include "ctl/units.h"
#include "image/image.h"
#include "util/text.h"

static int print_source(const SettingsSource *source, Failure *failure)
{
        static bool first = true;
        _cleanup_free_ char *text = NULL, *path = strdup(source->path);
        _cleanup_(problems_done) Problems problems = { 0 };
        size_t size;
        int r;

        if (!path)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = nspawn_file_text(source->path, source->path, source->assignments.trusted, &text, &size, &problems);
        if (r != 1)
                return failure_set(failure, r < 0 ? r : -EIO, "%s", problems.n > 0 ? problems.items[0].text : "It is gone");

        /* A line end in the name of a drop-in would begin a line that is not the file's. */
        text_make_printable(path);
        printf("%s# %s%s%s\n", first ? "" : "\n", path, source->kind == SETTINGS_SOURCE_PROFILE ? " (profile)" : "",
               source->assignments.trusted ? "" : " (not trusted)");
        first = false;
        fwrite(text, 1, size, stdout);
        if (size > 0 && text[size - 1] != '\n')
                putchar('\n');
        return 0;
}

/* Errors in the files are not reported here. */
static int read_sources(const char *name, SettingsSources *ret, Failure *failure)
{
        _cleanup_(problems_done) Problems problems = { 0 };
        Assignments none = { .trusted = true };
        Image image = { .fd = -EBADF };
        Failure no_image = { 0 };
        int r;

        (void) image_find(NULL, name, &image, &no_image);
        r = settings_sources_read(&(SettingsPlace) { .machine = name, .image_path = image.found }, &none, ret, &problems);
        image_done(&image);
        return r < 0 ? failure_set(failure, r, "Out of memory") : 0;
}

static int cat_one(Ctl *c, const char *name, Failure *failure)
{
        _cleanup_(settings_sources_done) SettingsSources sources = { 0 };
        bool any = false;
        int r;

        pager_open(c);
        r = name_check(name, /* image= */ false, failure);
        if (r >= 0)
                r = read_sources(name, &sources, failure);
        for (size_t i = 0; r >= 0 && i < sources.n; i++)
                if (sources.items[i].path) {
                        r = print_source(&sources.items[i], failure);
                        any = true;
                }
        if (r < 0)
                return r;
        return any ? 0 : failure_set(failure, -ENOENT, "No settings file found");
}

const Verb verb_cat = {
        .name = "cat",
        .min = 1,
        .max = VERB_ANY,
        .flags = VERB_TAKES_IMAGES | VERB_MANY,
        .synopsis = "NAME…",
        .help = "Show machines' settings files",
        .details = "Profiles, the file and its drop-ins, each below its path, lowest priority first.",
        .example = "boxctl cat web",
        .run_one = cat_one,
};
