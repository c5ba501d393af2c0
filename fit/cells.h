/* cells.h - the mean of a difference over the cells of a design.
 *
 * The cells are chosen, not drawn: what differs between them is the effect,
 * and no error.  Errors are what seeds do within a cell.  Rows of one stratum
 * (a model trained on a number of tokens, or a pair of such) and one seed
 * share initial weights and the order of data, so they err together and count
 * once, however many arms or group sizes they hold.
 *
 * Where every stratum has two seeds or more, the error is that of seeds within
 * strata (Welch 1947 for its degrees of freedom).  Where some stratum has one,
 * it comes from the strata's scatter about a pattern in N and D: levels of
 * either add up, and Tukey's (1949) degree of freedom for non-additivity takes
 * out what a product of powers leaves; with few strata, a line in log N and
 * log D.  Replicates join that estimate where half of the strata have some.  A
 * cost that follows no such pattern makes it larger, never smaller.  Where
 * neither can be had, there is no interval. */
#ifndef FIT_CELLS_H
#define FIT_CELLS_H

#include <stdbool.h>
#include <stdint.h>

struct cells_row {
    int stratum; /* 0, 1, ..; what shares a seed's luck */
    int64_t seed;
    int cell;    /* 0, 1, ..; lies in one stratum */
    double x;    /* finite */
    double n, d; /* of the stratum */
};

enum cells_error {
    CELLS_NONE,    /* no error can be had: se, lo and hi are NaN */
    CELLS_SEEDS,   /* seeds within strata */
    CELLS_PATTERN, /* scatter about a pattern in N and D */
};

struct cells_mean {
    double value; /* the mean over cells of their means; NaN without rows */
    double se, lo, hi; /* 95 %, Student's t */
    double dof;
    int cells, strata, clusters; /* clusters: strata times their seeds */
    int least_seeds, most_seeds; /* of a stratum */
    enum cells_error error;
};

struct cells_mean cells_mean(const struct cells_row *row, int n);

/* "none", "seeds" or "pattern". */
const char *cells_error_name(enum cells_error error);

/* The limits at another level (0.9: five per cent outside on either side). */
void cells_limits(double *lo, double *hi, const struct cells_mean *m,
                  double level);

/* How close to zero the mean is shown to be at 5 %: two one-sided tests; NaN
 * without an error. */
double cells_within(const struct cells_mean *m);

/* Two-sided probability of a mean this far from zero by chance; NaN without an
 * error. */
double cells_p(const struct cells_mean *m);

/* Mean of b over mean of a, by Fieller (1954): lo and hi are the values r for
 * which b - r a cannot be told from zero.  a[i] and b[i] lie in one cell.
 * Where a itself cannot be told from zero there is no interval: lo and hi are
 * NaN, and so is value unless mean a > 0. */
struct cells_ratio {
    double value, lo, hi;
};
/* Is an interval of a factor worth a sentence?  One that spans more than ten
 * times, or reaches zero, tells nothing. */
bool cells_is_factor(double lo, double hi);
struct cells_ratio cells_ratio(const struct cells_row *b,
                               const struct cells_row *a, int n);

/* Seeds a stratum that would tell the mean from zero in four cases of five,
 * were its value the true one; 0: it is told already, or none can be said. */
double cells_seeds(const struct cells_mean *m);

#endif
