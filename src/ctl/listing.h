/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A verb's listing: a table of the columns that --columns= and --json= choose, printed as --output= says. */

#include "ctl/columns.h"
#include "ctl/verb.h"

typedef struct Listing {
        Columns wanted;
        Table *table;
} Listing;

/* Of the verb that runs, with its columns. 0, or a negative errno after its message. */
int listing_open(Ctl *c, Listing *ret);
void listing_done(Listing *l);

/* Is the column wanted? What is not shown need not be found out. */
bool listing_wants(const Ctl *c, const Listing *l, size_t column);

/* Prints it, with a header, flags (TABLE_SORT) and, if there are no rows, `none` instead (NULL: nothing), but neither with
 * --no-legend. Returns the number of columns that were left out, or a negative errno after its message. */
int listing_print(Ctl *c, const Listing *l, unsigned flags, const char *none);

/* Is the verb's JSON wanted, to be printed, or as a table of chosen columns? */
static inline bool objects_wanted(const Ctl *c)
{
        return !c->lite && (output_is_json(c->options.output) || c->options.columns);
}

/* Prints the verb's JSON: as it is, only the chosen members, or these as a table. The rows are the objects of the array; of an
 * object with the verb's member `rows` those of that, which take from the object around them what they have not. */
int objects_print(Ctl *c, const Json *j);
int objects_print_text(Ctl *c, const char *text, size_t size);
