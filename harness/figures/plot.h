/* plot.h - the figures, one row each.
 *
 * A figure is a function from the data of a grid to a picture.  Its script
 * plots/NAME.gp draws what the picture's data file says. */
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
};

/* The figures; NULL past the end, or when there is no such name. */
const struct plot_figure *plot_figure_at(int i);
const struct plot_figure *plot_figure_find(const char *name);
/* Build it, with its finding for a title where it has one (headline.h). */
enum status plot_figure_build(struct picture **out, const struct plot_figure *f,
                              struct plot_data *d,
                              const struct plot_choice *choice,
                              struct err *err);
enum status plot_figure_need(const struct plot_figure **out, const char *name,
                             struct err *err);

/* --- builders ------------------------------------------------------------- */

#define PLOT_BUILDER(name)                                                     \
    enum status name(struct picture **out, struct plot_data *d,                \
                     const struct plot_choice *choice, struct err *err)

PLOT_BUILDER(plot_arms);
PLOT_BUILDER(plot_loss_n);
PLOT_BUILDER(plot_loss_d);
PLOT_BUILDER(plot_loss_g);
PLOT_BUILDER(plot_delta_n);
PLOT_BUILDER(plot_delta_d);
PLOT_BUILDER(plot_delta_g);
PLOT_BUILDER(plot_law_variables);
PLOT_BUILDER(plot_predicted);
PLOT_BUILDER(plot_residuals);
PLOT_BUILDER(plot_curves);
PLOT_BUILDER(plot_coverage);
PLOT_BUILDER(plot_cost);
PLOT_BUILDER(plot_pareto);
PLOT_BUILDER(plot_parts);
PLOT_BUILDER(plot_ablation);
PLOT_BUILDER(plot_split);
PLOT_BUILDER(plot_delta_contour);
PLOT_BUILDER(plot_effective);
PLOT_BUILDER(plot_critical);
PLOT_BUILDER(plot_precision);
PLOT_BUILDER(plot_profiles);
PLOT_BUILDER(plot_bootstrap);

/* Tics at the group sizes that were run, when they are few. */
void plot_group_tics(struct picture_axis *a, const struct plot_data *d);

/* The first point of each family (arms: of each arm) that the fit knows and
 * whose cost was measured; the max with the most points, in their order. */
int plot_families(const struct plot_point **out, int max,
                  const struct plot_data *d, bool arms);

/* "N = 55.3k" with the unit of the variable. */
void plot_setting(struct str *out, const char *var, double value);

#endif
