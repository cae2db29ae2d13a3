/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * See required-paths.h. systemd follows no links in RequiresMountsFor=, and a path may lead into a file system that is not
 * mounted yet: links are followed as far as they exist, the rest is taken as it is written. The generator, as root.
 */

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "generator/required-paths.h"
#include "util/print.h"
#include "util/strv.h"

enum { LINKS_MAX = 40 };

const char *const required_paths_tree_dirs[] = {
        "/etc/machines", "/run/machines", "/var/lib/machines", "/var/lib/container", NULL,
};

/* Prepends the target of a link to the rest of the path. -ELOOP: more links than the kernel follows. */
static int follow(const char *target, unsigned *n_links, char **out, char **rest)
{
        char *joined;

        if (++*n_links > LINKS_MAX)
                return -ELOOP;
        if (strf(&joined, "%s/%s", target, *rest) < 0)
                return -ENOMEM;
        free(*rest);
        *rest = joined;
        if (*target == '/')
                (*out)[0] = 0;
        return 0;
}

/* Adds a component to *out, or follows the link that it is. */
static int step(const char *root, char *component, unsigned *n_links, char **out, char **rest)
{
        _cleanup_free_ char *next = NULL, *full = NULL;
        char target[PATH_MAX];
        ssize_t n;

        if (!*component || strcmp(component, ".") == 0)
                return 0;
        if (strcmp(component, "..") == 0) {
                char *slash = strrchr(*out, '/');

                if (slash)
                        *slash = 0;
                return 0;
        }
        if (strf(&next, "%s/%s", *out, component) < 0 || strf(&full, "%s%s", root, next) < 0)
                return -ENOMEM;
        n = readlink(full, target, sizeof(target) - 1);
        if (n > 0) {
                target[n] = 0;
                return follow(target, n_links, out, rest);
        }
        free(*out);
        *out = TAKE_PTR(next);
        return 0;
}

/* The path without links, as far as they can be read. */
static int resolve(const char *root, const char *path, char **ret)
{
        _cleanup_free_ char *out = strdup(""), *rest = strdup(path);
        unsigned n_links = 0;

        if (!out || !rest)
                return -ENOMEM;
        while (*rest) {
                size_t n = strcspn(rest, "/");
                _cleanup_free_ char *component = strndup(rest, n);
                int r;

                if (!component)
                        return -ENOMEM;
                memmove(rest, rest + n + (rest[n] == '/'), strlen(rest + n + (rest[n] == '/')) + 1);
                r = step(root, component, &n_links, &out, &rest);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(out);
        return 0;
}

static int add_once(const char *path, char ***paths)
{
        /* systemd has no way to write control characters in this list. */
        for (const char *p = path; *p; p++)
                if ((unsigned char) *p < ' ')
                        return 0;
        return !*path || strcmp(path, "/") == 0 || strv_contains(*paths, path) ? 0 : strv_extend(paths, path);
}

static int add_path(const char *root, const char *path, char ***paths)
{
        _cleanup_free_ char *resolved = NULL;
        int r;

        /* /proc is always there, and its links lead to objects. */
        if (!path || *path != '/' || strncmp(path, "/proc/", 6) == 0)
                return 0;
        r = resolve(root, path, &resolved);
        if (r >= 0 || r == -ELOOP)
                r = add_once(path, paths);
        if (r >= 0 && resolved)
                r = add_once(resolved, paths);
        return r;
}

/* The place of the tree itself is in the unit. */
static int add_tree(const char *root, const char *dir, const char *machine, const char *suffix, char ***paths)
{
        _cleanup_free_ char *path = NULL, *resolved = NULL;
        int r;

        if (strf(&path, "%s/%s%s", dir, machine, suffix) < 0)
                return -ENOMEM;
        r = resolve(root, path, &resolved);
        if (r < 0 || strcmp(path, resolved) == 0)
                return r == -ENOMEM ? r : 0;
        return add_once(resolved, paths);
}

static int add_sources(const char *root, const Settings *s, bool optional, char ***paths)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < s->n_binds; i++)
                if (!s->binds[i].in_tree && s->binds[i].optional == optional)
                        r = add_path(root, s->binds[i].source, paths);
        for (size_t i = 0; r >= 0 && i < s->n_overlays; i++)
                for (size_t k = 0; r >= 0 && k < s->overlays[i].n_layers; k++) {
                        const LayerSetting *l = &s->overlays[i].layers[k];

                        if (!l->in_tree && l->optional == optional)
                                r = add_path(root, l->path, paths);
                }
        return r;
}

int required_paths_add(const char *root, const char *machine, const Settings *s, char ***paths)
{
        int r = add_path(root, s->namespace_path, paths);

        for (const char *const *dir = required_paths_tree_dirs; r >= 0 && *dir; dir++) {
                r = add_tree(root, *dir, machine, "", paths);
                if (r >= 0)
                        r = add_tree(root, *dir, machine, ".raw", paths);
        }
        return r < 0 ? r : add_sources(root, s, /* optional= */ false, paths);
}

int wanted_paths_add(const char *root, const Settings *s, char ***paths)
{
        return add_sources(root, s, /* optional= */ true, paths);
}

char *mount_unit_name(const char *path)
{
        static const char suffix[] = ".mount";
        char *name = malloc(4 * strlen(path) + sizeof(suffix)), *end = name;

        if (!name)
                return NULL;
        for (const char *p = path + 1; *p; p++)
                if (*p == '/')
                        *end++ = '-';
                else if (isalnum((unsigned char) *p) || *p == ':' || *p == '_' || (*p == '.' && p > path + 1))
                        *end++ = *p;
                else
                        end += snprintf(end, sizeof("\\xff"), "\\x%02x", (unsigned char) *p);
        memcpy(end, suffix, sizeof(suffix));
        return name;
}
