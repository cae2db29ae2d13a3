/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The machine's name and tree, from --machine=, --directory=, --image=, --template=, --oci-bundle= and --ephemeral. The
 * supervisor, as root (or any user, for a dry run), before anything is changed.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "image/machine-name.h"
#include "run/machine.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/print.h"

enum { SUFFIX = 17 };           /* "-" and 16 hexadecimal digits */

/* The switch's last value; NULL: unset or empty. */
static const char *switch_value(const Machine *m, SettingId id)
{
        const char *value = assignments_last(&m->request.switches, id);

        return value && *value ? value : NULL;
}

/* A suffix that is added later is not part of the name of settings files. */
static int set_name(Machine *m, const char *name)
{
        m->name = strdup(name);
        m->request.file_name = strdup(name);
        return m->name && m->request.file_name ? 0 : -ENOMEM;
}

static int read_name(Machine *m, Failure *failure)
{
        const char *name = switch_value(m, SETTING_MACHINE);

        if (!name)
                return 0;
        if (!machine_name_is_valid(name))
                return failure_set(failure, -EINVAL, "Invalid machine name '%s': %s", name, machine_name_problem(name));
        return set_name(m, name);
}

/* Names the machine after the bundle, the tree or the disk image; after the host if the tree is the host's. */
static int name_from_image(Machine *m, Failure *failure)
{
        const char *name = m->image.name;
        char host[HOST_NAME_MAX + 1] = "";
        _cleanup_free_ char *clean = NULL;

        if (m->request.bundle.path)
                name = strrchr(m->request.bundle.path, '/') + 1;
        else if (strcmp(m->image.path, "/") == 0) {
                (void) gethostname(host, sizeof(host) - 1);
                name = host;
        }
        clean = machine_name_clean(name);
        if (!clean)
                return -ENOMEM;
        if (!machine_name_is_valid(clean))
                return failure_set(failure, -EINVAL, "No machine name can be made of the %s name '%s'; set one with --machine=",
                                   m->image.kind == IMAGE_DIRECTORY ? "directory" : "image", name);
        return set_name(m, clean);
}

/* Makes the name unique, so that several can run at the same time. */
static int add_suffix(char **name)
{
        size_t n = strlen(*name);
        uint64_t number;
        char *longer;

        if (n + SUFFIX > HOST_NAME_MAX)
                n = HOST_NAME_MAX - SUFFIX;
        while (n > 0 && ((*name)[n - 1] == '-' || (*name)[n - 1] == '.'))
                n--;
        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -errno;
        if (strf(&longer, "%.*s-%016" PRIx64, (int) n, *name, number) < 0)
                return -ENOMEM;

        free(*name);
        *name = longer;
        return 0;
}

static int open_existing(Machine *m, const char *directory, const char *disk, Failure *failure)
{
        if (disk)
                return image_open_disk(disk, &m->image, failure);
        if (directory)
                return image_open(directory, &m->image, failure);
        return m->name ? image_find(NULL, m->name, &m->image, failure) : image_open(".", &m->image, failure);
}

/* Facts of a tree that is still to be copied are read from its template. */
static int open_template(Machine *m, const char *path, const char *template, Failure *failure)
{
        int r;

        r = image_open(template, &m->template.image, failure);
        if (r >= 0)
                r = image_name_new(path, &m->image, failure);
        if (r < 0)
                return r;
        m->image.fd = fcntl(m->template.image.fd, F_DUPFD_CLOEXEC, 0);
        return m->image.fd < 0 ? failure_set(failure, -errno, "Failed to open the template '%s': %m", template) : 0;
}

static int find_by_template(Machine *m, const char *directory, const char *template, Failure *failure)
{
        _cleanup_free_ char *path = NULL;

        if (!directory && !m->name)
                return failure_set(failure, -EINVAL, "--template= needs --directory= or --machine=");
        if (strf(&path, "%s%s", directory ? "" : "/var/lib/machines/", directory ?: m->name) < 0)
                return -ENOMEM;

        if (access(path, F_OK) < 0 && errno == ENOENT)
                return open_template(m, path, template, failure);
        log_debug(0, "'%s' exists already, and is not copied from '%s'", path, template);
        return image_open(path, &m->image, failure);
}

int machine_find_tree(Machine *m, Failure *failure)
{
        const char *directory = switch_value(m, SETTING_DIRECTORY), *template = switch_value(m, SETTING_TEMPLATE);
        const char *disk = switch_value(m, SETTING_IMAGE), *bundle = switch_value(m, SETTING_OCI_BUNDLE);
        bool named;
        int r;

        if ((disk || bundle) && (directory || template || (disk && bundle)))
                return failure_set(failure, -EINVAL, "--%s= and --%s= exclude each other",
                                   directory ? "directory" : template ? "template" : "image", bundle ? "oci-bundle" : "image");
        r = read_name(m, failure);
        if (r < 0)
                return r;
        named = m->name;
        if (bundle)
                r = machine_find_bundle(m, bundle, failure);
        else if (template)
                r = find_by_template(m, directory, template, failure);
        else
                r = open_existing(m, directory, disk, failure);
        if (r >= 0 && !named)
                r = name_from_image(m, failure);
        if (r < 0)
                return r;

        return !named && assignments_last(&m->request.switches, SETTING_EPHEMERAL) ? add_suffix(&m->name) : 0;
}
