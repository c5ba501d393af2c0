/* text_table.h - a table for people, as wide as a terminal.
 *
 * Words give way to what fits (base/wrap.h), numbers do not.  Rows with more
 * columns than a line can hold become records, a line for each name and its
 * value. */
#ifndef BASE_TEXT_TABLE_H
#define BASE_TEXT_TABLE_H

#include <stdbool.h>

#include "base/str.h"

/* n cells, row after row, the header first. */
void text_table(struct str *out, char *const *cells, int n, int columns);

/* Do they fit as rows?  Else text_table makes records. */
bool text_table_fits(char *const *cells, int n, int columns);

/* The same as a table of Markdown. */
void text_markdown(struct str *out, char *const *cells, int n, int columns);

/* A cell of CSV (RFC 4180), quoted when needed; a text that a spreadsheet would
 * take for a formula gets an apostrophe. */
void text_csv(struct str *out, const char *text, bool number);

/* The same for programs: the text as it is, and "" where it is empty, which is
 * not the same as no cell. */
void text_csv_exact(struct str *out, const char *text);

/* Whether all of a cell is a number. */
bool text_is_number(const char *text);

#endif
