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
#include "base/str.h"

struct column {
    char *name;
    double *num;
    char **text;  /* as written; a cell that was absent is "" */
    char *was;    /* its name in the file when it has been renamed, or NULL */
    bool settled; /* known not to tell rows that belong together */
};

struct table {
    char *source;     /* file or database, for messages */
    const char *noun; /* what a row's number counts: "line" or "run" */
    size_t rows;
    int64_t *number; /* of each row: its line or its run_id */
    char **trouble;  /* of each row: why it cannot be used, or NULL */
    struct column *cols;
    int n_cols;
    size_t cap;
    char **notes; /* what was read otherwise than it stands, or passed over */
    int n_notes;
};

struct table *table_new(const char *source, const char *noun);
void table_free(struct table *t);

/* Keep a sentence for people; of very many only the first. */
void table_note(struct table *t, const char *text);

/* Add a column (before the first row) or a row of n_cols texts. */
void table_add_column(struct table *t, const char *name);
void table_add_row(struct table *t, int64_t number, const char *const *cells);

/* Why a cell is no number, for people; the caller frees it. */
char *table_cell_trouble(const struct column *c, size_t row);

/* A number as a cell may hold it that stands alone: "2.5B", "1_000_000";
 * false when it is none or can be read in two ways. */
bool table_number(double *out, const char *text);

/* The index of a column or -1, and the nearest name or NULL: one that ends in
 * it ("eval/loss", "config.N"), or one of nearly these letters. */
int table_find(const struct table *t, const char *name);
const char *table_nearest(const struct table *t, const char *name);

/* The index of a column that an option names; ERR_USAGE with the nearest one,
 * the option ("--by: ") before the sentence. */
enum status table_need(int *out, const struct table *t, const char *option,
                       const char *name, struct err *err);

/* Take a column out. */
enum status table_drop(struct table *t, const char *name, struct err *err);

/* Rename the column that the file calls from; one that is called to steps aside
 * to "to.was", which table_note_renamed says once all are done. */
void table_note_renamed(struct table *t);
enum status table_rename(struct table *t, const char *from, const char *to,
                         struct err *err);

/* The value of an expression over the columns in every row; words of text
 * columns are compared with == and !=; cumsum and lag look back along a run
 * (table_running.h).  The caller frees *out. */
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

/* Read a file by what it holds: JSON where it begins with a bracket, else text
 * with a header line.  docs/fitting.md says what a table may look like.
 *
 * Cells are parted by what the header shows most of, commas, semicolons, tabs
 * or bars, or else by blanks; a first line "sep=;" says it.  Before the header,
 * lines that begin with # are passed over, and the last of them is the header
 * when the first line below holds numbers only.  Below it such a line is a row
 * when it has the cells of one, and else passed over with a note.  A line with
 * too few or too many cells becomes a row in trouble. */
enum status table_read(struct table **out, const char *path, struct err *err);

/* The same of what has been read; kind: what somebody said that it is.  text is
 * changed. */
enum table_kind { TABLE_ANY, TABLE_SEPARATED, TABLE_JSON };
enum status table_from(struct table **out, struct str *text, const char *path,
                       enum table_kind kind, struct err *err);

/* A list of JSON objects, or one object a line; the columns are the keys met,
 * in order, those of objects inside as "config.lr". */
enum status table_parse_json(struct table **out, const char *text,
                             const char *source, struct err *err);
enum status table_parse(struct table **out, const char *text,
                        const char *source, struct err *err);

#endif
