/* value.h - lists of values: items, tuples and generators.
 *
 *   value     = item { ( "," | line break ) item } ;
 *   item      = generator | '"' text '"' | text without comma ;
 *   generator = name "(" argument { "," argument } ")" ;
 *
 * Generators include both ends:
 *
 *   step(16, 64, 16)     16 32 48 64
 *   lin(0, 1, 5)         5 values, evenly spaced
 *   log(1e-4, 1e-2, 5)   5 values, evenly spaced in the logarithm
 *   pow2(32, 256)        32 64 128 256
 *   geom(1k, 4, 3)       1k 4k 16k: first, factor, how many
 *   load("values.txt")   one value a line, `#` comments; beside the grid file
 *
 * Values that are computed are rounded to 12 significant digits, so that
 * log(1e-4, 1e-2, 3) holds 0.001 and not a neighbour of it. */
#ifndef HARNESS_GRID_VALUE_H
#define HARNESS_GRID_VALUE_H

#include <stdbool.h>

#include "base/err.h"
#include "harness/grid/ini.h"

#define VALUE_MAX_ITEMS 1000000

struct value_item {
    char *text; /* owned */
    struct ini_where where;
    bool quoted;
};

struct value_list {
    struct value_item *items;
    int n;
};

/* Append the items of a value; a generator is still one item. */
enum status value_split(struct value_list *list, const struct ini_entry *entry,
                        struct err *err);

/* One line of a value: the items of one tuple. */
enum status value_split_piece(struct value_list *list,
                              const struct ini_piece *piece, struct err *err);

/* What the key takes that values are generated for.  Of whole numbers those of
 * log and geom are rounded and kept once; s m h d are units of times only. */
enum value_type { VALUE_NUMBER, VALUE_WHOLE, VALUE_TIME };

/* Replace generators by their values; *merged (may be NULL) counts those that
 * fell together. */
enum status value_generate(struct value_list *list, enum value_type type,
                           int *merged, struct err *err);

/* A unit that is nearly the one at the end of text ("16KI" -> "Ki"), or NULL:
 * what a message about a number should suggest. */
const char *value_unit_hint(const char *text, bool duration);

void value_add(struct value_list *list, const char *text, struct ini_where w,
               bool quoted);
void value_release(struct value_list *list);

#endif
