/* table_options.h - what options say of a table, the same for every verb that
 * takes one. */
#ifndef HARNESS_STUDY_TABLE_OPTIONS_H
#define HARNESS_STUDY_TABLE_OPTIONS_H

#include "fit/table.h"

/* --map NAME=COLUMN, or several with commas between; a column may have commas
 * in its name.  may_name, which can be NULL, refuses names. */
enum status table_map(struct table *t, const char *text,
                      enum status (*may_name)(const char *, struct err *),
                      struct err *err);

/* --drop COLUMN,... */
enum status table_drop_list(struct table *t, const char *text, struct err *err);

/* --best COLUMN --by A,B: of the rows that agree in A and B the one with the
 * least value; rows without one stay, to be named later. */
enum status table_best(struct table *t, const char *column, const char *by,
                       struct err *err);

#endif
