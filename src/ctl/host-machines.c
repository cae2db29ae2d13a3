/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finds all machines of the host (see host-machines.h). Part of boxctl, with its caller's rights. It only reads directories.
 * Links in them tell which units are enabled, as they tell systemd: a call to systemd for each machine is not needed.
 */

#include <glob.h>
#include <string.h>
#include <unistd.h>

#include "config/settings-source.h"
#include "ctl/host-machines.h"
#include "image/machine-name.h"
#include "util/print.h"
#include "util/strv.h"

void host_sources_done(HostSources *s)
{
        strv_free(s->running);
        image_list_free(s->images, s->n_images);
        strv_free(s->files);
        strv_free(s->links);
        unit_rows_free(s->units, s->n_units);
        *s = (HostSources) { 0 };
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

/* Of a unit, a mask counts before links of other units. */
static const struct {
        const char *pattern, *state;
        bool mask;
} links[] = {
        { "/etc/systemd/system/box@*.service",            "masked",          true },
        { "/run/systemd/system/box@*.service",            "masked-runtime",  true },
        { "/etc/systemd/system/*.wants/box@*.service",    "enabled",         false },
        { "/etc/systemd/system/*.requires/box@*.service", "enabled",         false },
        { "/run/systemd/system/*.wants/box@*.service",    "enabled-runtime", false },
        { "/run/systemd/system/*.requires/box@*.service", "enabled-runtime", false },
};

static bool is_mask(const char *path)
{
        char target[16];
        ssize_t n = readlink(path, target, sizeof(target));

        return n == 9 && memcmp(target, "/dev/null", 9) == 0;
}

/* Adds what matches, with the state before it unless that is NULL. */
static int add_matches(const char *root, const char *pattern, const char *state, bool mask, char ***list)
{
        _cleanup_free_ char *path = NULL;
        glob_t found = { 0 };
        int r;

        if (strf(&path, "%s%s", root, pattern) < 0)
                return -ENOMEM;
        r = glob(path, GLOB_NOSORT, NULL, &found) == GLOB_NOSPACE ? -ENOMEM : 0;
        for (size_t i = 0; r >= 0 && i < found.gl_pathc; i++) {
                char *text;

                if (mask && !is_mask(found.gl_pathv[i]))
                        continue;
                r = strf(&text, "%s%s%s", state ?: "", state ? " " : "", found.gl_pathv[i]);
                if (r >= 0)
                        r = strv_consume(list, text);
        }
        globfree(&found);
        return r;
}

static int add_file_beside(const Image *image, char ***list)
{
        const char *slash = strrchr(image->found, '/');
        char *path;

        if (strf(&path, "%.*s/%s.nspawn", (int) (slash ? slash - image->found : 0), image->found, image->name) < 0)
                return -ENOMEM;
        if (access(path, F_OK) == 0)
                return strv_consume(list, path);
        free(path);
        return 0;
}

int host_sources_read(const char *root, const char *const *image_dirs, HostSources *s)
{
        int r = 0;

        (void) image_list(image_dirs, &s->images, &s->n_images);
        r = add_matches(root, SETTINGS_ETC_DIR "/*.nspawn", NULL, false, &s->files);
        if (r >= 0)
                r = add_matches(root, SETTINGS_RUN_DIR "/*.nspawn", NULL, false, &s->files);
        for (size_t i = 0; r >= 0 && i < s->n_images; i++)
                r = add_file_beside(&s->images[i], &s->files);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(links); i++)
                r = add_matches(root, links[i].pattern, links[i].state, links[i].mask, &s->links);
        return r;
}

/* ---- merging ------------------------------------------------------------------------------------------------------ */

typedef struct Found {
        HostMachine *list;
        size_t n;
} Found;

/* Finds the machine whose name is the first n characters of name. If it is not in the list, adds it with make, and else sets
 * *ret to NULL. An invalid name gives NULL, too. */
static int find(Found *f, const char *name, size_t n, bool make, HostMachine **ret)
{
        _cleanup_free_ char *copy = strndup(name, n);
        HostMachine *m;

        if (!copy)
                return -ENOMEM;
        *ret = NULL;
        if (!machine_name_is_valid(copy) && strcmp(copy, ".host") != 0)
                return 0;
        for (size_t i = 0; i < f->n; i++)
                if (strcmp(f->list[i].name, copy) == 0) {
                        *ret = &f->list[i];
                        return 0;
                }
        if (!make)
                return 0;
        m = array_append(&f->list, &f->n, sizeof(*m));
        if (!m)
                return -ENOMEM;
        *m = (HostMachine) { .name = TAKE_PTR(copy), .running = SIZE_MAX, .enabled = "disabled" };
        *ret = m;
        return 0;
}

/* The name in ".../NAME.nspawn" or ".../box@NAME.service". */
static int find_by_path(Found *f, const char *path, bool make, HostMachine **ret)
{
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');

        if (strncmp(name, "box@", 4) == 0)
                name += 4;
        return find(f, name, dot && dot > name ? (size_t) (dot - name) : 0, make, ret);
}

static const char *state_of_link(const char *link)
{
        for (size_t i = 0; i < ARRAY_SIZE(links); i++)
                if (strncmp(link, links[i].state, strlen(links[i].state)) == 0 && link[strlen(links[i].state)] == ' ')
                        return links[i].state;
        return "disabled";
}

static int merge(const HostSources *s, Found *f)
{
        HostMachine *m;
        int r = 0;

        for (size_t i = 0; r >= 0 && s->running && s->running[i]; i++)
                if ((r = find(f, s->running[i], strlen(s->running[i]), true, &m)) >= 0 && m)
                        m->running = i;
        for (size_t i = 0; r >= 0 && i < s->n_images; i++)
                if ((r = find(f, s->images[i].name, strlen(s->images[i].name), true, &m)) >= 0 && m)
                        m->tree = s->images[i].path;
        STRV_FOREACH(path, s->files)
                if (r >= 0 && (r = find_by_path(f, *path, true, &m)) >= 0 && m && !m->file)
                        m->file = *path;
        STRV_FOREACH(link, s->links)
                if (r >= 0 && (r = find_by_path(f, *link, true, &m)) >= 0 && m && strcmp(m->enabled, "disabled") == 0)
                        m->enabled = state_of_link(*link);
        for (size_t i = 0; r >= 0 && i < s->n_units; i++)
                /* systemd has also loaded units that others only name. */
                if ((r = find_by_path(f, s->units[i].name, strcmp(s->units[i].active_state, "inactive") != 0, &m)) >= 0 && m)
                        m->unit = &s->units[i];
        return r;
}

static int compare(const void *a, const void *b)
{
        return strverscmp(((const HostMachine *) a)->name, ((const HostMachine *) b)->name);
}

int host_machines_merge(const HostSources *s, HostMachine **ret, size_t *ret_n)
{
        Found f = { 0 };
        int r = merge(s, &f);

        if (r < 0) {
                host_machines_free(f.list, f.n);
                return r;
        }
        if (f.n > 1)
                qsort(f.list, f.n, sizeof(*f.list), compare);
        *ret = f.list;
        *ret_n = f.n;
        return 0;
}

void host_machines_free(HostMachine *list, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(list[i].name);
        free(list);
}

const char *host_machine_state(const HostMachine *m)
{
        const char *active = m->unit ? m->unit->active_state : "inactive";

        if (strcmp(active, "activating") == 0)
                return "starting";
        if (strcmp(active, "deactivating") == 0)
                return "stopping";
        if (m->running != SIZE_MAX)
                return NULL;
        return strcmp(active, "failed") == 0 ? "failed" : strcmp(active, "active") == 0 ? NULL : "stopped";
}
