/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* All machines of this host, whether they run or not: what is known of each in one place. */

#include "bus/systemd1.h"
#include "image/image.h"

/* Where machines are found. The texts must outlive the machines. */
typedef struct HostSources {
        char **running;         /* names of those that run, each once */
        Image *images;
        size_t n_images;
        char **files;           /* paths of NAME.nspawn; of several of a name the first counts */
        char **links;           /* "STATE PATH": "enabled /etc/…/box@web.service"; the first of a name counts */
        UnitRow *units;         /* that systemd has loaded */
        size_t n_units;
} HostSources;
void host_sources_done(HostSources *s);

typedef struct HostMachine {
        char *name;
        size_t running;         /* index in HostSources.running; SIZE_MAX: it does not run */
        const char *tree;       /* directory or image; NULL: none is found */
        const char *file;       /* its settings file; NULL: none */
        const char *enabled;    /* "enabled", "enabled-runtime", "masked", "masked-runtime", or "disabled" */
        const UnitRow *unit;    /* NULL: systemd has not loaded it */
} HostMachine;

/* Reads images, settings files and links of units. What may not be read is left out. root: prefix of the settings files and
 * links, "" for this host. running and units are the caller's to fill in. 0 or -ENOMEM. */
int host_sources_read(const char *root, const char *const *image_dirs, HostSources *s);

/* Each machine once, sorted as people count. Names that no machine can have are left out. 0 or -ENOMEM. */
int host_machines_merge(const HostSources *s, HostMachine **ret, size_t *ret_n);
void host_machines_free(HostMachine *list, size_t n);

/* "starting", "stopping", "failed" or "stopped": what its unit says. NULL: that it runs, or nothing. */
const char *host_machine_state(const HostMachine *m);
