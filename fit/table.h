/* table.h - rows and named columns: what a law is fitted to.
 *
 * A cell keeps the text it was written with, so that a row which cannot be
 * used is named together with what stands in it; its number is NaN unless the
 * text is one finite number (suffixes of base/str.h allowed). */
#ifndef FIT_TABLE_H
#define FIT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct column {
    char *name;
    double *num;
    char **text; /* as written; a cell that was absent is "" */
    bool settled; /* known not to tell rows that belong together */
};

struct table {
    char *source;     /* file or database, for messages */
    const char *noun; /* what a row's number counts: "line" or "run" */
    size_t rows;
    int64_t *number;  /* of each row: its line or its run_id */
    char **trouble;   /* of each row: why it cannot be used, or NULL */
    struct column *cols;
    int n_cols;
    size_t cap;
};

struct table *table_new(const char *source, const char *noun);
void table_free(struct table *t);

/* Add a column (before the first row) or a row of n_cols texts. */
void table_add_column(struct table *t, const char *name);
void table_add_row(struct table *t, int64_t number, const char *const *cells);

/* The index of a column or -1, and the nearest name or NULL. */
int table_find(const struct table *t, const char *name);
const char *table_nearest(const struct table *t, const char *name);

/* Rename a column. */
enum status table_rename(struct table *t, const char *from, const char *to,
                         struct err *err);

/* The value of an expression over the columns in every row; words of text
 * columns are compared with == and !=.  The caller frees *out. */
enum status table_evaluate(double **out, const struct table *t,
                           const char *text, struct err *err);

/* "D = C/(6*N)": a new column from an expression over the others; replaces a
 * column of that name. */
enum status table_derive(struct table *t, const char *text, struct err *err);

/* Keep the rows for which the expression is true.  Rows where it is NaN stay,
 * to be named later. */
enum status table_filter(struct table *t, const char *condition,
                         struct err *err);

/* Copy the rows for which keep is true. */
struct table *table_select(const struct table *t, const bool *keep);

/* Read comma-, semicolon- or tab-separated text with a header line.  Quoted
 * cells, CR LF, a byte order mark, blank lines and lines that start with # are
 * understood; a line with too few or too many cells becomes a row in
 * trouble. */
enum status table_read(struct table **out, const char *path, struct err *err);

/* One JSON object a line, of numbers and texts; the columns are the keys met,
 * in order.  table_read does this for files ending in .jsonl. */
enum status table_parse_lines(struct table **out, const char *text,
                              const char *source, struct err *err);
enum status table_parse(struct table **out, const char *text,
                        const char *source, struct err *err);

#endif
