/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * All sources of a machine's settings, lowest priority first: the last assignment wins, lists append, an empty
 * assignment clears.
 *
 *      profiles < the file < its drop-ins < switches          --settings=yes, trusted
 *      switches < profiles < the file < its drop-ins          --settings=override
 *      profiles (those of switches) < switches                --settings=no
 *
 * An OCI bundle takes the place of the file and its drop-ins.
 *
 * The file is the first NAME.nspawn of /etc/systemd/nspawn, /run/systemd/nspawn and the directory of the image.
 * Drop-ins are NAME.nspawn.d/ *.conf in each of these places, whether or not the file exists, sorted by name; one in
 * /etc masks those of the same name elsewhere, one in /run masks one beside the image. Drop-ins beside the image have
 * lower priority than the administrator's, so they come first; nothing beside the image is read if /etc or /run have
 * the file. The place of a file decides whether it is trusted.
 */

#include "config/assignment.h"

/* More drop-ins in one directory, or deeper nested profiles, are an error. */
#define DROP_INS_MAX 256
#define PROFILE_DEPTH_MAX 16

typedef enum SettingsSourceKind {
        SETTINGS_SOURCE_SWITCHES,
        SETTINGS_SOURCE_PROFILE,
        SETTINGS_SOURCE_FILE,
        SETTINGS_SOURCE_DROP_IN,
        SETTINGS_SOURCE_BUNDLE,
} SettingsSourceKind;

typedef struct SettingsSource {
        SettingsSourceKind kind;
        char *name;             /* of a profile or a drop-in; else NULL */
        char *path;             /* NULL: the switches */
        Assignments assignments; /* none if the file is unreadable */
} SettingsSource;

typedef struct SettingsSources {
        SettingsSource *items;  /* the last wins */
        size_t n;
        SettingsMode mode;
} SettingsSources;

/* The places that are searched for them. */
typedef struct SettingsPlace {
        const char *root;       /* prefix of /etc, /run and the profile directories, for tests; NULL: none */
        const char *machine;
        const char *image_path; /* NULL: there is no tree */
        const char *instead_of; /* a file that may not exist yet: `instead` is read in its place; NULL */
        const char *instead;
        Assignments *bundle;    /* of an OCI bundle, used instead of files; emptied on success; NULL */
        const char *bundle_path;
} SettingsPlace;

void settings_sources_done(SettingsSources *sources);

/* Reads all of them. Takes ownership of the contents of *switches, whose --settings= selects which files are read.
 * Unreadable files and profiles that are missing or name each other in a circle are fatal Problems; -ENOMEM is the only
 * failure. */
int settings_sources_read(const SettingsPlace *place, Assignments *switches, SettingsSources *ret, Problems *problems);

/* Applies them to *s in order. Invalid values are fatal Problems; untrusted settings are left out with a warning. *s
 * points into *sources. */
int settings_sources_apply(SettingsSources *sources, Settings *s, Problems *problems);

/* The administrator's places. */
#define SETTINGS_ETC_DIR "/etc/systemd/nspawn"
#define SETTINGS_RUN_DIR "/run/systemd/nspawn"
