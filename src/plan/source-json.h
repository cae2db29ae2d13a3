/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a setting comes from, for programs. */

#include "config/source.h"
#include "util/json.h"

/* {"switch": "--bind="} or {"path": …, "line": …}; null for a default. */
void source_to_json(Json *w, const char *key, Source from);
