/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The source of a setting as JSON (see source-json.h). Pure. */

#include "plan/source-json.h"

void source_to_json(Json *w, const char *key, Source from)
{
        if (!from.where) {
                json_put_string(w, key, NULL);
                return;
        }

        json_begin_object(w, key);
        json_put_string(w, source_is_switch(from) ? "switch" : source_is_document(from) ? "document" : "path", from.where);
        if (!source_is_switch(from) && !source_is_document(from))
                json_put_number(w, "line", from.line);
        json_end(w);
}
