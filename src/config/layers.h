/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Everybody who says something about a machine, in the order in which it counts: the last writer of a value wins, lists
 * append, an empty assignment clears.
 *
 *      profiles < the file < its drop-ins < switches          --settings=yes, trusted
 *      switches < profiles < the file < its drop-ins          --settings=override
 *      profiles (those of switches) < switches                --settings=no
 *
 * An OCI bundle stands in the file's place, and then there is no other.
 *
 * The file is the first NAME.nspawn of /etc/systemd/nspawn, /run/systemd/nspawn and the directory of the image. Drop-ins
 * are NAME.nspawn.d/ *.conf beside each of these places, whether the file is there or not, by their names; one in /etc
 * hides those of the same name in the other places, one in /run that beside the image. What lies beside the image counts
 * less than what the administrator wrote (so its drop-ins come first), and nothing there is read once /etc or /run have the
 * file. Trust goes with the place.
 */

#include "config/assignment.h"

/* More drop-ins in one directory, or profiles nested deeper, are a mistake. */
#define DROP_INS_MAX 256
#define PROFILE_DEPTH_MAX 16

typedef enum LayerKind {
        LAYER_SWITCHES,
        LAYER_PROFILE,
        LAYER_FILE,
        LAYER_DROP_IN,
        LAYER_BUNDLE,
} LayerKind;

typedef struct Layer {
        LayerKind kind;
        char *name;             /* of a profile or a drop-in, as it is spelt; else NULL */
        char *path;             /* NULL: the switches. A file that is there and can't be read says nothing */
        Assignments said;
} Layer;

typedef struct Layers {
        Layer *items;           /* as they apply, the last wins */
        size_t n;
        SettingsMode mode;
} Layers;

/* Where they are looked for. */
typedef struct LayersPlace {
        const char *root;       /* put before /etc, /run and the profiles' places, for tests; NULL: nothing */
        const char *machine;
        const char *image_path; /* NULL: there is no tree */
        const char *instead_of; /* a file of the machine that may not be there yet, in whose place `instead` is read; NULL */
        const char *instead;
        Assignments *bundle;    /* what an OCI bundle says, in the place of files, which are not looked for; NULL. Taken over */
        const char *bundle_path;
} LayersPlace;

void layers_done(Layers *l);

/* Reads all of them. The switches are taken over (*switches is empty afterwards); they say by --settings= which files count.
 * What can't be read, and profiles that are missing or name each other in a circle, are fatal Problems; the only failure is
 * -ENOMEM. */
int layers_read(const LayersPlace *place, Assignments *switches, Layers *ret, Problems *problems);

/* Applies them to *s, in their order. Values that are wrong are fatal Problems, what is not trusted is left out with a
 * warning. Settings point into the layers. */
int layers_apply(Layers *l, Settings *s, Problems *problems);

/* The administrator's places. */
#define LAYERS_ETC_DIR "/etc/systemd/nspawn"
#define LAYERS_RUN_DIR "/run/systemd/nspawn"
