/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Any bytes as the config.json of an OCI bundle: they become settings or problems, each with its place in the document, and paths
 * and numbers are as the planners expect them.
 */

#include <dlfcn.h>
#include <string.h>
#include <sys/stat.h>

#include "config/settings-table.h"
#include "fuzz.h"
#include "oci/oci.h"
#include "util/text.h"

static void check_path(const char *path)
{
        CHECK(*path == '/');
        CHECK(!strstr(path, "/../") && !strstr(path, "//"));
}

static void check_source(Source from)
{
        CHECK(source_is_document(from));
        CHECK(strncmp(from.where, "config.json", 11) == 0);
}

static void check_assignments(const Assignments *a)
{
        for (size_t i = 0; i < a->n; i++) {
                CHECK(a->items[i].row);
                check_source(a->items[i].from);
        }
}

static void check_seccomp(const OciSeccomp *s)
{
        if (s)
                check_source(s->from);
        for (size_t i = 0; s && i < s->n_rules; i++) {
                CHECK(s->rules[i].n_args <= OCI_SECCOMP_ARGS_MAX);
                for (size_t j = 0; j < s->rules[i].n_args; j++)
                        CHECK(s->rules[i].args[j].index < 6);
        }
}

static void check_extra(const OciSettings *s)
{
        for (size_t i = 0; i < s->n_mounts; i++) {
                check_path(s->mounts[i].dest);
                CHECK(strcmp(s->mounts[i].dest, "/") != 0);
                if (s->mounts[i].source)
                        check_path(s->mounts[i].source);
                check_source(s->mounts[i].from);
        }
        for (size_t i = 0; i < s->n_devices; i++) {
                CHECK(*s->devices[i].path && *s->devices[i].path != '/' && !strstr(s->devices[i].path, ".."));
                CHECK((s->devices[i].mode & 07777) <= 0777);
        }
        for (size_t i = 0; i < s->n_sysctls; i++) {
                CHECK(*s->sysctls[i].path != '/' && !strstr(s->sysctls[i].path, "/../"));
                check_source(s->sysctls[i].from);
        }
        for (size_t i = 0; i < s->n_masked; i++)
                check_path(s->masked[i].path);
        for (size_t i = 0; i < s->n_read_only; i++)
                check_path(s->read_only[i].path);
        CHECK(s->umask >= -1 && s->umask <= 0777);
        check_seccomp(s->seccomp);
}

static void check_problems(const Problems *p)
{
        for (size_t i = 0; i < p->n; i++) {
                CHECK(text_is_utf8(p->items[i].text, strlen(p->items[i].text)));
                CHECK(!text_has_control(p->items[i].text, strlen(p->items[i].text)));
        }
}

/* Loads it once, and not for every input. */
static void keep_library(void)
{
        static void *library;

        if (!library)
                library = dlopen("libjansson.so.4", RTLD_NOW);
        CHECK(library);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        OciBundle b = OCI_BUNDLE_NULL;
        Problems problems = { 0 };
        Settings settings;

        b.path = strdup("/bundle");
        b.config_path = strdup("config.json");
        CHECK(b.path && b.config_path);
        keep_library();

        CHECK(oci_parse(&b, (const char *) data, size, &problems) == 0);
        CHECK(b.root || problems.n_fatal > 0);
        if (b.root)
                check_path(b.root);
        check_assignments(&b.assignments);
        check_extra(&b.extra);

        settings_init(&settings);
        CHECK(assignments_apply(&b.assignments, NULL, &settings, &problems) == 0);
        check_problems(&problems);

        settings_done(&settings);
        problems_done(&problems);
        oci_bundle_done(&b);
        return 0;
}
