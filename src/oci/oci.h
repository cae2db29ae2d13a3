/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The config.json of an OCI runtime bundle (Open Container Initiative, Runtime Specification 1.0 to 1.2) as settings of a
 * machine: assignments to keys and switches of the same meaning, and OciSettings for the rest. Unsupported members are problems
 * that name the place in the document: fatal if the container would be less confined or not work, else warnings.
 */

#include "config/assignment.h"
#include "config/oci-settings.h"

/* Largest config.json that is read; real ones with a system call filter have less than 100 KiB. */
#define OCI_CONFIG_MAX (4U * 1024U * 1024U)

typedef struct OciBundle {
        char *path;             /* absolute */
        char *config_path;      /* PATH/config.json */
        char *root;             /* the tree's path: absolute, or below the bundle's */
        Assignments assignments;        /* trusted: the caller chose the bundle */
        OciSettings extra;
} OciBundle;
#define OCI_BUNDLE_NULL { .extra = { .umask = -1 } }

void oci_bundle_done(OciBundle *b);

/* Fills assignments, extra and root from the text of the config.json; the caller has set path and config_path. A text that is
 * no JSON is a problem, too. 0, or -ENOMEM. */
int oci_parse(OciBundle *b, const char *text, size_t size, Problems *problems);
