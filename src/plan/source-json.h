/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The source of a setting as JSON. */

#include "config/source.h"
#include "util/json.h"

/* {"switch": "--bind="}, {"path": …, "line": …} or {"document": …}; null for a default. */
void source_to_json(Json *w, const char *key, Source from);
