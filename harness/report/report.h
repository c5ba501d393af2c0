/* report.h - one page that says what a grid found, and how far to trust it.
 *
 * Every number in it is read from the database or computed from it; every
 * sentence is built from such numbers. */
#ifndef HARNESS_REPORT_REPORT_H
#define HARNESS_REPORT_REPORT_H

#include "harness/figures/plot.h"
#include "harness/os/session.h"
#include "harness/study/findings.h"
#include "harness/study/interval.h"
#include "plots/page.h"

struct report_figure {
    const struct plot_figure *figure;
    char *finding;
    char *light, *dark; /* SVG text, NULL: not drawn */
    bool written;       /* its data and script lie in the folder */
    bool shown;         /* it stands on the page already */
};

struct report {
    struct plot_data *data;
    struct page *page;
    char *folder;  /* of the figures */
    char *beside;  /* the same, as seen from the page */
    char *trouble; /* why figures are not drawn, NULL: they are */
    struct report_figure *figures;
    int n_figures;
    const struct plot_again *again;  /* NULL: there is no fit */
    const struct findings *findings; /* of data */
};

/* Read, draw and write the report's words; the caller frees *out.  Figures go
 * into folder; a missing or failing gnuplot is told in trouble. */
enum status report_make(struct report **out, const struct session *session,
                        const char *grid, int64_t fit_id, const char *folder,
                        const char *beside, struct err *err);
void report_free(struct report *r);

/* --- sections, in their order --------------------------------------------- */

void report_answer(struct report *r);
void report_trust(struct report *r); /* of the answer, its last paragraph */
void report_runs(struct report *r);
void report_law(struct report *r);
void report_quality(struct report *r);
void report_formats(struct report *r);
void report_predictions(struct report *r);
void report_failures(struct report *r);
void report_cost(struct report *r);
void report_reproduce(struct report *r);
void report_points(struct report *r);

/* One figure by its name, out of its section's turn. */
void report_figure(struct report *r, const char *name);

/* The figures that belong to a section and do not stand elsewhere. */
void report_figures(struct report *r, const char *section);

/* --- helpers -------------------------------------------------------------- */

/* The command line of a fit, from the words that it remembers, and "\n". */
void report_fit_command(struct str *out, const struct plot_fit *f);

/* Nothing is said by a fit of other rows than there are now but that. */
void report_stale(struct report *r);

/* The fit could be made again. */
static inline bool report_has_fit(const struct report *r)
{
    return r->again && r->again->ok;
}

/* Points of the grid :grid, and its runs, with its own seeds alone: every count
 * and time of the page.  0: everything. */
#define OF_GRID                                                                \
    "(:grid = 0 OR point_id IN "                                               \
    "(SELECT point_id FROM grid_point WHERE grid_id = :grid))"
#define RUN_OF_GRID                                                            \
    "(:grid = 0 OR run_id IN "                                                 \
    "(SELECT run_id FROM grid_run WHERE grid_id = :grid))"

/* Rows of constant SQL with :grid the grid's id (0: everything) as cells of the
 * table begun before; columns are its columns.  Returns the rows. */
int report_rows(struct report *r, const char *sql);

/* The same SQL's first number, or NaN. */
double report_number(struct report *r, const char *sql);

/* Its first column as numbers for people, "16k, 32k"; "none". */
void report_say_numbers(struct report *r, const char *sql);

#endif
