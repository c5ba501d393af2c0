/* versus.h - the parts of figures of one variable against another
 * (figures/versus.c and figures/choose.c only).
 *
 * Four variables tell the points of a grid apart: N, D, G and the family (what
 * is quantized and how).  One is the x axis, one the lines of a panel, one the
 * panels; the fourth is held at the value with the most points. */
#ifndef HARNESS_FIGURES_VERSUS_H
#define HARNESS_FIGURES_VERSUS_H

#include "harness/figures/plot.h"

enum versus_var { VERSUS_N, VERSUS_D, VERSUS_G, VERSUS_FMT, VERSUS_VARS };

#define VERSUS_LINES  7
#define VERSUS_PANELS 6

struct versus_name {
    const char *name, *label;
};
extern const struct versus_name versus_names[VERSUS_VARS];

/* The distinct values of a variable, in order. */
struct level {
    double value; /* NaN for words */
    char *text;
};

struct versus {
    const struct plot_data *d;
    bool delta; /* else the loss */
    enum versus_var x, line, panel;
    struct level *levels[VERSUS_VARS];
    int n_levels[VERSUS_VARS];
    int *level[VERSUS_VARS]; /* of each point, -1: has none */
    int fixed[VERSUS_VARS];  /* -1: free */
    struct picture *p;
    int panels[VERSUS_PANELS], lines[VERSUS_LINES]; /* levels that are shown */
    int n_panels, n_lines;
};

/* Find the levels, then choose x, lines and panels as asked, and hold the
 * rest. */
enum status versus_choose(struct versus *q, const struct plot_choice *c,
                          struct err *err);
void versus_release(struct versus *q);

/* Can the point be shown at all?  Does it have this level of v?  A twin has no
 * group, and so belongs to each. */
bool versus_shown(const struct versus *q, const struct plot_point *p);
bool versus_matches(const struct versus *q, int point, enum versus_var v,
                    int level);

/* The variable's value; NaN for words. */
double versus_number(enum versus_var v, const struct plot_point *p);

#endif
