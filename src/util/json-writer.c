/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON (see json-writer.h). Any process, no privilege. */

#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#include "util/dl.h"
#include "util/json-writer.h"
#include "util/strv.h"
#include "util/text.h"

enum { DEPTH_MAX = 16 };

/* What is used of jansson, by its own declarations. */
#define JANSSON_FUNCTIONS(F)                                                                            \
        F(json_object) F(json_array) F(json_string) F(json_integer) F(json_true) F(json_false) F(json_null) \
        F(json_object_set_new) F(json_array_append_new) F(json_dumpf) F(json_delete)

#define DECLARE(name) typeof(&name) name;

struct JsonWriter {
        void *library;
        struct {
                JANSSON_FUNCTIONS(DECLARE)
        } j;
        json_t *stack[DEPTH_MAX];       /* what is open, each in the one before, which owns it */
        size_t depth;
        json_t *root;
        bool failed;
};

DL_NOTE(jansson_note, "libjansson.so.4", "recommended", "json", "Output as JSON, and OCI bundles");

int json_writer_new(JsonWriter **ret, Failure *failure)
{
        _cleanup_(json_writer_freep) JsonWriter *w = calloc(1, sizeof(JsonWriter));
        int r;

        if (!w)
                return failure_set(failure, -ENOMEM, "Out of memory");
        r = dl_open(&w->library, "libjansson.so.4", JANSSON_FUNCTIONS(DL_NAME_), "JSON", failure);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(w);
        return 0;
}

JsonWriter *json_writer_free(JsonWriter *w)
{
        /* json_decref() is inline, and ends in this. */
        if (w->root && --w->root->refcount == 0)
                w->j.json_delete(w->root);
        dl_close(w->library);
        free(w);
        return NULL;
}

/* Puts value (taken over; NULL: could not be made) where the writer is. */
static bool put(JsonWriter *w, const char *key, json_t *value)
{
        json_t *parent = w->depth > 0 && w->depth <= DEPTH_MAX ? w->stack[w->depth - 1] : NULL;
        int r;

        if (!parent && !w->root && value) {
                w->root = value;
                return true;
        }

        /* Both take value over, also when they fail, and cope with NULL. */
        r = key ? w->j.json_object_set_new(parent, key, value) : w->j.json_array_append_new(parent, value);
        w->failed = w->failed || r < 0;
        return r >= 0;
}

static void begin(JsonWriter *w, const char *key, json_t *container)
{
        bool ok = put(w, key, container);

        if (w->depth < DEPTH_MAX)
                w->stack[w->depth] = ok ? container : NULL;
        else
                w->failed = true;
        w->depth++;
}

void json_begin_object(JsonWriter *w, const char *key)
{
        begin(w, key, w->j.json_object());
}

void json_begin_array(JsonWriter *w, const char *key)
{
        begin(w, key, w->j.json_array());
}

void json_end(JsonWriter *w)
{
        w->depth--;
}

void json_put_string(JsonWriter *w, const char *key, const char *text)
{
        _cleanup_free_ char *fit = NULL;

        if (text && !text_is_utf8(text, strlen(text))) {
                fit = strdup(text);
                if (fit)
                        text_make_printable(fit);
                text = fit;
                w->failed = w->failed || !fit;
        }
        (void) put(w, key, text ? w->j.json_string(text) : w->j.json_null());
}

void json_put_strings(JsonWriter *w, const char *key, char *const *texts)
{
        json_begin_array(w, key);
        STRV_FOREACH(text, texts)
                json_put_string(w, NULL, *text);
        json_end(w);
}

void json_put_format(JsonWriter *w, const char *key, const char *format, ...)
{
        _cleanup_free_ char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0) {
                text = NULL;
                w->failed = true;
        }
        va_end(ap);
        json_put_string(w, key, text);
}

void json_put_number(JsonWriter *w, const char *key, int64_t number)
{
        (void) put(w, key, w->j.json_integer(number));
}

void json_put_bool(JsonWriter *w, const char *key, bool b)
{
        (void) put(w, key, b ? w->j.json_true() : w->j.json_false());
}

int json_writer_print(const JsonWriter *w, FILE *f)
{
        if (w->failed || !w->root)
                return -ENOMEM;
        if (w->j.json_dumpf(w->root, f, JSON_INDENT(2)) < 0 || fputc('\n', f) == EOF)
                return -EIO;
        return fflush(f) == 0 ? 0 : -EIO;
}
