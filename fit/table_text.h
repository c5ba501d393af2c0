/* table_text.h - between table_read.c, table_text.c and table_numbers.c. */
#ifndef FIT_TABLE_TEXT_H
#define FIT_TABLE_TEXT_H

#include "base/str.h"
#include "fit/table.h"

/* Make text of what programs write: UTF-16 with a byte order mark becomes
 * UTF-8, line ends of a carriage return alone become line feeds, and what is
 * not UTF-8 is taken for the Latin-1 of Windows, so that labels which differ
 * stay different; *odd_line is then the first line of that, else 0. */
enum status table_text(int64_t *odd_line, struct str *text, const char *path,
                       struct err *err);

/* Give cells their numbers, in the ways that people write them; see
 * table_numbers.c.  ERR_CONFIG names a cell that can be read in two ways. */
enum status table_numbers(struct table *t, struct err *err);

#endif
