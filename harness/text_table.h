/* text_table.h - a table for people, as wide as a terminal.
 *
 * Words give way to what fits (base/wrap.h), numbers do not.  Rows with more
 * columns than a line can hold become records, a line for each name and its
 * value. */
#ifndef HARNESS_TEXT_TABLE_H
#define HARNESS_TEXT_TABLE_H

#include <stdbool.h>

#include "base/str.h"

/* n cells, row after row, the header first. */
void text_table(struct str *out, char *const *cells, int n, int columns);

/* Whether all of a cell is a number. */
bool text_is_number(const char *text);

#endif
