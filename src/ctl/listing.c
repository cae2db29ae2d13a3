/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listings of verbs (see listing.h). Part of boxctl; no privilege. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/listing.h"
#include "ctl/terminal.h"
#include "util/print.h"
#include "util/strv.h"
#include "util/terminal-stream.h"

enum { VALUES_MAX = 1000 * 1000 };

int listing_open(Ctl *c, Listing *ret)
{
        Listing l = { 0 };
        Failure f = { 0 };

        if (columns_choose(c->verb->columns, c->verb->n_columns, c->options.columns, COLUMNS_FIXED, &l.wanted, &f) < 0)
                return log_error(f.error, "%s", f.text);
        l.table = columns_table(&l.wanted);
        if (!l.table) {
                columns_done(&l.wanted);
                return log_oom();
        }
        *ret = l;
        return 0;
}

void listing_done(Listing *l)
{
        l->table = table_free(l->table);
        columns_done(&l->wanted);
}

bool listing_wants(const Ctl *c, const Listing *l, size_t column)
{
        return columns_want(&l->wanted, column, output_is_json(c->options.output));
}

int listing_print(Ctl *c, const Listing *l, unsigned flags, const char *none)
{
        Failure f = { 0 };
        int r;

        if (output_is_json(c->options.output)) {
                r = table_print_json(l->table, stdout, 0, c->options.output, &f);
                return r < 0 ? log_error(r, "%s", f.text) : 0;
        }
        pager_open(c);
        if (table_rows(l->table) == 0) {
                if (none && !c->options.no_legend)
                        printf("%s\n", none);
                return 0;
        }
        r = table_print(l->table, stdout, flags | (c->options.no_legend ? 0 : TABLE_HEADER) |
                                          (terminal_has_colour() ? TABLE_COLOUR : 0), terminal_width(c));
        return r < 0 ? log_oom() : r;
}

/* ---- objects ---------------------------------------------------------------------------------------------------- */

/* Called for each row. around: the object that has the rows; NULL. */
typedef int (*RowDo)(void *userdata, const Listing *l, const JsonNode *row, const JsonNode *around);

static int each_row(const Ctl *c, const Listing *l, const JsonNode *node, const JsonNode *around, RowDo row_do, void *userdata)
{
        const JsonNode *rows = node->kind == JSON_NODE_OBJECT && c->verb->rows ? json_member(node, c->verb->rows) : NULL;
        int r = 0;

        if (node->kind == JSON_NODE_OBJECT && !rows)
                return row_do(userdata, l, node, around);
        JSON_FOREACH(item, rows ?: node)
                if (r >= 0)
                        r = each_row(c, l, item, rows ? node : around, row_do, userdata);
        return r;
}

static const JsonNode *member_of(const JsonNode *row, const JsonNode *around, const char *name)
{
        return json_member(row, name) ?: json_member(around, name);
}

static int put_object(void *userdata, const Listing *l, const JsonNode *row, const JsonNode *around)
{
        Json *j = userdata;

        json_begin_object(j, NULL);
        for (size_t i = 0; i < l->wanted.n_chosen; i++) {
                const char *name = l->wanted.all[l->wanted.chosen[i]].name;
                const JsonNode *member = member_of(row, around, name);

                if (member)
                        json_put_node(j, name, member);
                else
                        json_put_string(j, name, NULL);
        }
        json_end(j);
        return 0;
}

static int print_chosen(Ctl *c, const Listing *l, const JsonNode *root)
{
        const bool one = root->kind == JSON_NODE_OBJECT && !c->verb->rows;
        _cleanup_json_ Json *j = NULL;
        Failure f = { 0 };

        if (json_new(&j, &f) < 0)
                return log_error(f.error, "%s", f.text);
        if (!one)
                json_begin_array(j, NULL);
        (void) each_row(c, l, root, NULL, put_object, j);
        if (!one)
                json_end(j);
        if (json_print(j, stdout, output_json_indent(c->options.output)) < 0 && !terminal_stream_is_unread())
                return log_error(-EIO, "Failed to write the output: %m");
        return 0;
}

/* Lines for an array; of an object its "value", of a place its file and line, or the switch. */
static int put_cell(FILE *f, const JsonNode *node)
{
        bool first = true;

        switch (node->kind) {
        case JSON_NODE_STRING:
                fputs(node->string, f);
                break;
        case JSON_NODE_NUMBER:
                fprintf(f, "%" PRIi64, node->integer);
                break;
        case JSON_NODE_BOOL:
                fputs(node->boolean ? "yes" : "no", f);
                break;
        case JSON_NODE_ARRAY:
                JSON_FOREACH(item, node) {
                        if (!first)
                                fputc('\n', f);
                        first = false;
                        put_cell(f, item);
                }
                break;
        case JSON_NODE_OBJECT:
                if (json_member(node, "value"))
                        put_cell(f, json_member(node, "value"));
                else if (json_member(node, "path") && json_member(node, "line")) {
                        put_cell(f, json_member(node, "path"));
                        fputc(':', f);
                        put_cell(f, json_member(node, "line"));
                } else if (json_member(node, "switch"))
                        put_cell(f, json_member(node, "switch"));
                break;
        default:
                break;
        }
        return ferror(f) ? -ENOMEM : 0;
}

static int add_object(void *userdata, const Listing *l, const JsonNode *row, const JsonNode *around)
{
        _cleanup_strv_ char **texts = NULL;
        _cleanup_free_ const char **cells = calloc(l->wanted.n_all, sizeof(char *));
        int r = cells ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < l->wanted.n_all; i++) {
                _cleanup_memory_stream_ MemoryStream m = { 0 };
                const JsonNode *member = member_of(row, around, l->wanted.all[i].name);
                FILE *f = memory_stream_open(&m);
                char *text;

                r = f && (!member || put_cell(f, member) >= 0) ? 0 : -ENOMEM;
                text = r >= 0 ? memory_stream_take(&m) : NULL;
                cells[i] = text;
                r = strv_consume(&texts, text);
        }
        return r < 0 ? r : table_add(userdata, cells);
}

static int print_rows(Ctl *c, const JsonNode *root)
{
        _cleanup_(listing_done) Listing l = { 0 };
        int r = listing_open(c, &l);

        if (r < 0)
                return r;
        if (output_is_json(c->options.output))
                return print_chosen(c, &l, root);
        if (each_row(c, &l, root, NULL, add_object, l.table) < 0)
                return log_oom();
        r = listing_print(c, &l, 0, NULL);
        return r < 0 ? r : 0;
}

int objects_print_text(Ctl *c, const char *text, size_t size)
{
        _cleanup_json_ Json *j = NULL;
        Failure f = { 0 };

        if (json_read(text, size, VALUES_MAX, &j, &f) < 0)
                return log_error(f.error, "%s", f.text);
        return print_rows(c, json_root(j));
}

/* To choose of it, the text that was written is read. */
int objects_print(Ctl *c, const Json *j)
{
        _cleanup_memory_stream_ MemoryStream m = { 0 };
        _cleanup_free_ char *text = NULL;
        FILE *f;

        if (!c->options.columns) {
                if (json_print(j, stdout, output_json_indent(c->options.output)) < 0 && !terminal_stream_is_unread())
                        return log_error(-EIO, "Failed to write the output: %m");
                return 0;
        }
        f = memory_stream_open(&m);
        text = f && json_print(j, f, 0) >= 0 ? memory_stream_take(&m) : NULL;
        return text ? objects_print_text(c, text, strlen(text)) : log_oom();
}
