/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The config.json of an OCI runtime bundle (Open Container Initiative, Runtime Specification 1.0 to 1.2) as settings of a
 * machine: assignments to the keys and switches that mean the same, and OciSettings for the rest. What box can't do is a
 * problem that names the place in the document: fatal where the container would be less confined without it, or not what it
 * is meant to be; else a warning.
 */

#include "config/assignment.h"
#include "config/oci-settings.h"

/* Largest config.json that is read; real ones with a system call filter have less than 100 KiB. */
#define OCI_CONFIG_MAX (4U * 1024U * 1024U)

typedef struct OciBundle {
        char *path;             /* absolute */
        char *config_path;      /* PATH/config.json */
        char *root;             /* the tree's path: absolute, or below the bundle's */
        Assignments said;       /* trusted: who names a bundle means it */
        OciSettings extra;
} OciBundle;
#define OCI_BUNDLE_NULL { .extra = { .umask = -1 } }

void oci_bundle_done(OciBundle *b);

/* Fills said, extra and root from the text of the config.json; b has its paths. Where the text is no such document at all,
 * that is a problem as well. -ENOMEM is the only failure. */
int oci_parse(OciBundle *b, const char *text, size_t size, Problems *problems);
