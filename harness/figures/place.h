/* place.h - figures of costs against stored bits: a panel for each model size and
 * number of tokens. */
#ifndef HARNESS_FIGURES_PLACE_H
#define HARNESS_FIGURES_PLACE_H

#include "harness/figures/plot.h"

struct plot_place {
    double n, d;
    int arms;
};

/* Has it a cost and stored bits there? */
bool plot_is_at(const struct plot_point *p, const struct plot_place *s);

/* Those with the most arms, two and more, of equals the largest; the smallest
 * comes first.  Returns how many. */
int plot_places(struct plot_place *out, int most, const struct plot_data *d);

/* The panel of one of n of them. */
int plot_place_panel(struct picture *p, const struct plot_place *s, int n,
                     bool log);

/* The series of this name, a new one where there is none. */
int plot_series(struct picture *p, const char *name);

/* Half of the 95 % interval of a cost; 0 with one pair. */
double plot_half(const struct plot_point *p);

#endif
