/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of layers.c that look for files. All append to *l; -ENOMEM is the only failure. */

#include "config/layers.h"

/* Takes said over, and path and name when it succeeds; on a failure nothing is taken. */
int layers_add(Layers *l, LayerKind kind, char *name, char *path, Assignments *said);

/* layers-files.c: the machine's file and its drop-ins. */
int layers_read_files(const LayersPlace *place, bool trust_all, Layers *l, Problems *problems);

/* layers-profiles.c: the profiles named by selected (with those that they name), each once, before the one that names it. */
int layers_read_profiles(const LayersPlace *place, const StringSetting *selected, size_t n, Layers *l,
                         Problems *problems);
