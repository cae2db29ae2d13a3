/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Initializes and frees OciSettings (see oci-settings.h). The supervisor; pure. */

#include "config/oci-settings.h"
#include "util/strv.h"

void oci_settings_init(OciSettings *s)
{
        *s = (OciSettings) { .umask = -1 };
}

static void seccomp_free(OciSeccomp *s)
{
        for (size_t i = 0; s && i < s->n_rules; i++) {
                strv_free(s->rules[i].names);
                free(s->rules[i].args);
        }
        if (s) {
                free(s->rules);
                strv_free(s->architectures);
        }
        free(s);
}

static void paths_free(OciPath *items, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(items[i].path);
        free(items);
}

void oci_settings_done(OciSettings *s)
{
        free(s->groups);
        for (size_t i = 0; i < s->n_devices; i++)
                free(s->devices[i].path);
        free(s->devices);
        for (size_t i = 0; i < s->n_mounts; i++) {
                free(s->mounts[i].source);
                free(s->mounts[i].dest);
                free(s->mounts[i].options);
        }
        free(s->mounts);
        paths_free(s->masked, s->n_masked);
        paths_free(s->read_only, s->n_read_only);
        for (size_t i = 0; i < s->n_sysctls; i++) {
                free(s->sysctls[i].path);
                free(s->sysctls[i].value);
        }
        free(s->sysctls);
        seccomp_free(s->seccomp);
        oci_settings_init(s);
}
