/* plot.h - the figures, one row of figures.def each.
 *
 * A figure is a function from the data of a grid to a picture; plots/ draws
 * what the picture's data file says. */
#ifndef HARNESS_FIGURES_PLOT_H
#define HARNESS_FIGURES_PLOT_H

#include "harness/figures/data.h"
#include "plots/picture.h"

/* What a person may choose; NULL means that the figure chooses. */
struct plot_choice {
    const char *by_line, *by_panel; /* N, D, G or fmt */
    const char *const *at;          /* "D=800k", n_at of them */
    int n_at;
    const char *x; /* of figures of rows: the column that is the axis */
};

/* What a figure takes of it; of the rest it says so (plot_figure_takes). */
enum plot_choices { CHOICE_NONE, CHOICE_LINES, CHOICE_ROWS };

struct plot_figure {
    const char *name;
    const char *what; /* one line for a list of figures */
    /* *out stays NULL when there is nothing to show, with the reason in err
     * and ERR_USAGE; the other failures are of the database. */
    enum status (*build)(struct picture **out, struct plot_data *d,
                         const struct plot_choice *choice, struct err *err);
    const char
        *section; /* of the report it stands in: runs, law, quality, ..., or ""
                     for none */
    enum plot_choices choices;
};

/* The figures; NULL past the end, or when there is no such name. */
const struct plot_figure *plot_figure_at(int i);
const struct plot_figure *plot_figure_find(const char *name);
/* ERR_USAGE where something is chosen that the figure chooses for itself. */
enum status plot_figure_takes(const struct plot_figure *f,
                              const struct plot_choice *c, struct err *err);

/* Build it, with its finding for a title where it has one (headline.h). */
enum status plot_figure_build(struct picture **out, const struct plot_figure *f,
                              struct plot_data *d,
                              const struct plot_choice *choice,
                              struct err *err);
enum status plot_figure_need(const struct plot_figure **out, const char *name,
                             struct err *err);

/* --- builders ------------------------------------------------------------- */

/* The head of a builder's definition, and its declaration for each row. */
#define PLOT_BUILDER(name)                                                     \
    enum status name(struct picture **out, struct plot_data *d,                \
                     const struct plot_choice *choice, struct err *err)
#define FIGURE(name, what, section, build, choices) PLOT_BUILDER(build);
#include "harness/figures/figures.def"
#undef FIGURE

/* Tics at the group sizes that were run, when they are few. */
void plot_group_tics(struct picture_axis *a, const struct plot_data *d);

/* The first point of each family (arms: of each arm) that the fit knows and
 * whose cost was measured; the max with the most points, in their order. */
int plot_families(const struct plot_point **out, int max,
                  const struct plot_data *d, bool arms);

/* "N = 55.3k" with the unit of the variable. */
void plot_setting(struct str *out, const char *var, double value);

#endif
