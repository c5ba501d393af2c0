/* isoflop.h - the best size of each budget of operations, by profiles.
 *
 * Approach 2 of Hoffmann et al. 2022 (arXiv 2203.15556): for each budget C the
 * losses of several sizes N, D = C/6N, lie about a parabola in log N, whose
 * vertex is the best size; a line through the vertices in log C gives the
 * exponents of N*(C) and D*(C).  A loss is no parabola, so that the exponent is
 * off in a way that depends on the design (arXiv 2603.22339): what the same
 * design gives on noise-free losses of the joint law says by how much. */
#ifndef FIT_ISOFLOP_H
#define FIT_ISOFLOP_H

#include "base/str.h"
#include "fit/spec.h"
#include "fit/table.h"

struct isoflop_budget {
    double c; /* geometric mean of its rows' budgets */
    int rows, sizes;
    double vertex, se;      /* log N* and its standard error */
    double lo, hi;          /* log N*, 95 % (Fieller 1954); infinite: open */
    double curvature, loss; /* of the parabola; at its vertex */
    double bias;   /* log of N* of noise-free losses over the law's own;
                           NaN: not known */
    char *refused; /* why it has no vertex, or NULL */
};

struct isoflop_point {
    int budget;
    double n, loss;
};

struct isoflop {
    struct isoflop_budget *budgets; /* by size */
    int n, used;
    struct isoflop_point *points; /* [rows], by budget and size */
    size_t rows;
    double sigma; /* of one loss about its parabola, over all budgets */
    int dof;
    double a, se, lo, hi, log_g; /* N* = exp(log_g) C^a; D* has 1 - a */
    double scatter;         /* of vertices about the line over their errors */
    double law_a, design_a; /* the joint law's exponent, and what the design
                               makes of it; NaN: the law is not known */
    char *why;              /* there is no bias, or NULL */
};

/* Columns N, loss and the one that holds budgets; rows whose budgets differ by
 * less than 5 % are of one.  ERR_FIT when fewer than two budgets have a
 * vertex; *out is then still to be read. */
enum status isoflop_run(struct isoflop *out, const struct table *t,
                        const char *column, uint64_t seed, struct err *err);
void isoflop_release(struct isoflop *f);
void isoflop_text(struct str *out, const struct isoflop *f, const char *column,
                  const char *source);
void isoflop_json(struct str *out, const struct isoflop *f);

#endif
