/* rows.h - figures of a fit and the rows it was made from, whatever table
 * they come from: a file's, or that of a grid.
 *
 * Any column may be an axis (choice->x) and tell points apart (by_line); the
 * law's variables that are no axis are held at their medians or at what
 * choice->at says. */
#ifndef HARNESS_FIGURES_ROWS_H
#define HARNESS_FIGURES_ROWS_H

#include "harness/figures/plot.h"

struct plot_rows {
    const struct model *m;
    const struct fit *f;
    const struct table *t;
    const char *source; /* "x.csv" */
};

#define PLOT_ROWS_BUILDER(name)                                                \
    enum status name(struct picture **out, const struct plot_rows *d,          \
                     const struct plot_choice *choice, struct err *err)

PLOT_ROWS_BUILDER(plot_rows_predicted);
PLOT_ROWS_BUILDER(plot_rows_residuals);
PLOT_ROWS_BUILDER(plot_rows_law);
PLOT_ROWS_BUILDER(plot_rows_isoflop); /* budgets: choice->x, or C */

/* The figures of a table by their names; NULL past the end. */
struct plot_rows_figure {
    const char *name;
    PLOT_ROWS_BUILDER((*build));
};
const struct plot_rows_figure *plot_rows_figure_at(int i);

/* --- between plot_rows*.c ------------------------------------------------- */

#define ROWS_SERIES 7

/* What tells points apart: the values of a column, or ranges of many numbers. */
struct row_series {
    int column; /* of the table, -1: nothing */
    int *of;    /* [rows of the model] series of each point */
    int n;
    char *name[ROWS_SERIES + 1];
    bool is_number;
    bool whole;    /* words: every value has a series of its own */
    bool is_group; /* the law has a constant for each value */
};

enum status row_series_find(struct row_series *s, const struct plot_rows *d,
                            const char *column, struct err *err);
void row_series_add(const struct row_series *s, struct picture *p,
                    const struct plot_rows *d);
void row_series_release(struct row_series *s);

/* The series of a row's point. */
int row_series_of(const struct row_series *s, size_t row);

/* "chinchilla" or "formula"; where the figure is from, and rows left out. */
const char *plot_rows_law_name(const struct plot_rows *d);
void plot_rows_say_source(struct picture *p, const struct plot_rows *d);

/* A row's point: small where there are many, so that the law is seen. */
void plot_rows_point(struct picture *p, const struct plot_rows *d, int panel,
                     int series, double x, double y);

/* The value of a column that most rows have. */
const char *plot_rows_commonest(const struct plot_rows *d, const char *column);

/* An axis of the rows: a variable of the law, a column, or what the law says. */
struct row_axis {
    const char *name;
    double *value; /* [rows of the model]; places of words */
    double lo, hi;
    int slot; /* of the law's variable, -1: none */
    bool log;
    char **words; /* n_words, at 1, 2, ... */
    int n_words;
};

/* The axis for a name; ERR_USAGE with the nearest column. */
enum status row_axis_find(struct row_axis *a, const struct plot_rows *d,
                          const char *name, struct err *err);
/* Of the law's values. */
void row_axis_of_law(struct row_axis *a, const struct plot_rows *d);
/* The variables that the rows differ in; the caller frees the slots. */
int *row_axis_variables(int *n, const struct plot_rows *d);
/* Where its words stand. */
void row_axis_tics(const struct row_axis *a, struct picture_axis *axis);
void row_axis_release(struct row_axis *a);

#endif
