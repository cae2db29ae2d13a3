/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of specifiers (see specifiers.h): those of systemd.unit(5) for system units that make sense for a machine. The
 * supervisor, boxctl and the generator; no privilege. To add one: a row, and its line in box.nspawn(5).
 */

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "config/specifiers.h"
#include "util/architecture.h"
#include "util/env-file.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/print.h"
#include "util/specifier.h"
#include "util/strv.h"
#include "util/text.h"

typedef struct SpecifierRow SpecifierRow;
struct SpecifierRow {
        char letter;
        /* Negative errno, or 0 with a text to be freed. */
        int (*read)(const SpecifierRow *row, const SpecifierFacts *facts, char **ret);
        const char *argument;
};

static int read_fixed(const SpecifierRow *row, const SpecifierFacts *facts, char **ret)
{
        *ret = strdup(row->argument);
        return *ret ? 0 : -ENOMEM;
}

static int read_machine(const SpecifierRow *row, const SpecifierFacts *facts, char **ret)
{
        *ret = strdup(facts->machine);
        return *ret ? 0 : -ENOMEM;
}

/* An instance's dashes stand for slashes: systemd-escape(1). */
static int read_unescaped_machine(const SpecifierRow *row, const SpecifierFacts *facts, char **ret)
{
        int r = read_machine(row, facts, ret);

        for (char *p = r < 0 ? NULL : *ret; p && *p; p++)
                if (*p == '-')
                        *p = '/';
        return r;
}

static int read_architecture(const SpecifierRow *row, const SpecifierFacts *facts, char **ret)
{
        *ret = strdup(architecture_native);
        return *ret ? 0 : -ENOMEM;
}

static int read_file(const char *root, const char *path, char **ret)
{
        _cleanup_free_ char *full = NULL;

        if (strf(&full, "%s%s", root ?: "", path) < 0)
                return -ENOMEM;
        return fd_read_file_at(AT_FDCWD, full, 64 * 1024, ret, NULL);
}

/* 32 digits, with or without dashes. */
static int read_id(const char *root, const char *path, char **ret)
{
        _cleanup_free_ char *text = NULL;
        size_t n = 0;
        int r = read_file(root, path, &text);

        if (r < 0)
                return r;
        for (const char *p = text; *p && *p != '\n'; p++)
                if (*p != '-')
                        text[n++] = *p;
        text[n] = 0;
        if (n != 32 || strspn(text, "0123456789abcdef") != n)
                return -ENOMEDIUM;      /* "uninitialized" */
        *ret = TAKE_PTR(text);
        return 0;
}

static int read_machine_id(const SpecifierRow *row, const SpecifierFacts *facts, char **ret)
{
        return read_id(facts->root, row->argument, ret);
}

static int read_boot_id(const SpecifierRow *row, const SpecifierFacts *facts, char **ret)
{
        return read_id(NULL, row->argument, ret);
}

static int read_kernel(const SpecifierRow *row, const SpecifierFacts *facts, char **ret)
{
        int r = read_file(NULL, row->argument, ret);

        if (r >= 0)
                (*ret)[strcspn(*ret, "\n")] = 0;
        return r;
}

static int read_hostname(const SpecifierRow *row, const SpecifierFacts *facts, char **ret)
{
        char name[HOST_NAME_MAX + 1] = "";

        if (gethostname(name, sizeof(name)) < 0)
                return -errno;
        if (row->letter == 'l')
                name[strcspn(name, ".")] = 0;
        *ret = strdup(name);
        return *ret ? 0 : -ENOMEM;
}

/* A field of the host's os-release; empty where that has none, as in systemd. */
static int read_os_release(const SpecifierRow *row, const SpecifierFacts *facts, char **ret)
{
        _cleanup_free_ char *text = NULL, *value = strdup("");
        size_t n = strlen(row->argument);
        int r;

        r = read_file(facts->root, "/etc/os-release", &text);
        if (r == -ENOENT)
                r = read_file(facts->root, "/usr/lib/os-release", &text);
        if (r < 0 || !value)
                return r < 0 ? r : -ENOMEM;
        for (char *next = text, *line; (line = env_file_next(&next));)
                if (strncmp(line, row->argument, n) == 0 && line[n] == '=' && free_and_strdup(&value, line + n + 1) < 0)
                        return -ENOMEM;
        *ret = TAKE_PTR(value);
        return 0;
}

static const SpecifierRow specifier_table[] = {
        { 'a', read_architecture, NULL },
        { 'A', read_os_release, "IMAGE_VERSION" },
        { 'b', read_boot_id, "/proc/sys/kernel/random/boot_id" },
        { 'B', read_os_release, "BUILD_ID" },
        { 'C', read_fixed, "/var/cache" },
        { 'E', read_fixed, "/etc" },
        { 'g', read_fixed, "root" },
        { 'G', read_fixed, "0" },
        { 'h', read_fixed, "/root" },
        { 'H', read_hostname, NULL },
        { 'i', read_machine, NULL },
        { 'I', read_unescaped_machine, NULL },
        { 'l', read_hostname, NULL },
        { 'L', read_fixed, "/var/log" },
        { 'm', read_machine_id, "/etc/machine-id" },
        { 'M', read_os_release, "IMAGE_ID" },
        { 'o', read_os_release, "ID" },
        { 'S', read_fixed, "/var/lib" },
        { 't', read_fixed, "/run" },
        { 'T', read_fixed, "/tmp" },
        { 'u', read_fixed, "root" },
        { 'U', read_fixed, "0" },
        { 'v', read_kernel, "/proc/sys/kernel/osrelease" },
        { 'V', read_fixed, "/var/tmp" },
        { 'w', read_os_release, "VERSION_ID" },
        { 'W', read_os_release, "VARIANT_ID" },
};

static int look_up(char letter, const void *userdata, char **ret)
{
        for (size_t i = 0; i < ARRAY_SIZE(specifier_table); i++) {
                const SpecifierRow *row = &specifier_table[i];
                int r = row->letter == letter ? row->read(row, userdata, ret) : 0;

                if (r < 0)
                        return r;
                if (row->letter == letter)
                        return text_is_utf8(*ret, strlen(*ret)) && !text_has_control(*ret, strlen(*ret)) ? 1 : -EBADMSG;
        }
        return 0;
}

static int expand(const SpecifierFacts *facts, Assignment *item, Problems *problems)
{
        const char *key = item->row->key, *equals = key ? "=" : "";     /* without a key, the value has it */
        char *text = NULL, letter = 0;
        int r = strchr(item->value, '%') ? specifier_expand(item->value, look_up, facts, &text, &letter) : 0;

        if (r == -ENOMEM)
                return r;
        if (r == -EBADSLT)
                return problem_error(problems, item->from, "%s%s%.200s: unknown specifier '%%%c'; %%%% is a percent sign",
                                     key ?: "", equals, item->value, letter);
        if (r < 0)
                return problem_error(problems, item->from, "%s%s%.200s: the host does not say what '%%%c' is: %s", key ?: "",
                                     equals, item->value, letter, strerror(-r));
        if (text) {
                free(item->value);
                item->value = text;
        }
        return 0;
}

/* By the file's last word. */
static bool are_asked_for(const Assignments *a)
{
        const char *text = assignments_last(a, SETTING_SPECIFIERS);
        bool on = false;

        return a->trusted && text && parse_bool(text, &on) >= 0 && on;
}

int specifiers_apply(const SpecifierFacts *facts, Assignments *a, Problems *problems)
{
        if (!are_asked_for(a))
                return 0;
        for (size_t i = 0; i < a->n; i++) {
                int r = expand(facts, &a->items[i], problems);

                if (r < 0)
                        return r;
        }
        return 0;
}
