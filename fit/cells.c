#include "fit/cells.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/str.h"
#include "fit/pattern.h"

/* Rows summed up: by cell, by stratum, and by stratum and seed. */
struct tally {
    int cells, strata, clusters;
    double *cell_mean;     /* [cells] */
    int *cell_rows;        /* [cells] */
    int *cell_at;          /* [cells] stratum */
    int *stratum_cells;    /* [strata] */
    int *stratum_seeds;    /* [strata] */
    double *y;             /* [strata] mean of its cells' means */
    double *n, *d;         /* [strata] */
    double *square;        /* [strata] sum of its clusters' squared off */
    int *cluster_at;       /* [clusters] stratum */
    int64_t *cluster_seed; /* [clusters] */
    double *off; /* [clusters] sum over its rows of (x - mean) / rows of the
                    cell: what this seed's luck adds to the sum of the cells */
};

static void tally_open(struct tally *t, const struct cells_row *row, int n)
{
    const size_t most = (size_t)n + 1;

    *t = (struct tally){ .cells = 0 };
    for (int i = 0; i < n; i++) {
        t->cells = row[i].cell >= t->cells ? row[i].cell + 1 : t->cells;
        t->strata =
            row[i].stratum >= t->strata ? row[i].stratum + 1 : t->strata;
    }
    t->cell_mean = mem_array((size_t)t->cells + 1, sizeof(double));
    t->cell_rows = mem_array((size_t)t->cells + 1, sizeof(int));
    t->cell_at = mem_array((size_t)t->cells + 1, sizeof(int));
    t->stratum_cells = mem_array((size_t)t->strata + 1, sizeof(int));
    t->stratum_seeds = mem_array((size_t)t->strata + 1, sizeof(int));
    t->y = mem_array((size_t)t->strata + 1, sizeof(double));
    t->n = mem_array((size_t)t->strata + 1, sizeof(double));
    t->d = mem_array((size_t)t->strata + 1, sizeof(double));
    t->square = mem_array((size_t)t->strata + 1, sizeof(double));
    t->cluster_at = mem_array(most, sizeof(int));
    t->cluster_seed = mem_array(most, sizeof(int64_t));
    t->off = mem_array(most, sizeof(double));
}

static void tally_close(struct tally *t)
{
    free(t->cell_mean);
    free(t->cell_rows);
    free(t->cell_at);
    free(t->stratum_cells);
    free(t->stratum_seeds);
    free(t->y);
    free(t->n);
    free(t->d);
    free(t->square);
    free(t->cluster_at);
    free(t->cluster_seed);
    free(t->off);
}

static int cluster_of(struct tally *t, int stratum, int64_t seed)
{
    for (int k = t->clusters - 1; k >= 0; k--)
        if (t->cluster_at[k] == stratum && t->cluster_seed[k] == seed)
            return k;
    t->cluster_at[t->clusters] = stratum;
    t->cluster_seed[t->clusters] = seed;
    t->stratum_seeds[stratum]++;
    return t->clusters++;
}

static void tally_rows(struct tally *t, const struct cells_row *row, int n)
{
    for (int i = 0; i < n; i++) {
        t->cell_at[row[i].cell] = row[i].stratum;
        t->cell_mean[row[i].cell] += row[i].x;
        t->cell_rows[row[i].cell]++;
        t->n[row[i].stratum] = row[i].n;
        t->d[row[i].stratum] = row[i].d;
    }
    for (int c = 0; c < t->cells; c++) {
        if (!t->cell_rows[c])
            continue;
        t->cell_mean[c] /= t->cell_rows[c];
        t->stratum_cells[t->cell_at[c]]++;
        t->y[t->cell_at[c]] += t->cell_mean[c];
    }
    for (int s = 0; s < t->strata; s++)
        t->y[s] /= t->stratum_cells[s] ? t->stratum_cells[s] : 1;
    for (int i = 0; i < n; i++)
        t->off[cluster_of(t, row[i].stratum, row[i].seed)] +=
            (row[i].x - t->cell_mean[row[i].cell]) / t->cell_rows[row[i].cell];
    for (int k = 0; k < t->clusters; k++)
        t->square[t->cluster_at[k]] += t->off[k] * t->off[k];
}

/* Variance of the sum over cells by one stratum's seeds. */
static double stratum_variance(const struct tally *t, int stratum)
{
    const double s = t->stratum_seeds[stratum];

    return t->square[stratum] * s / (s - 1);
}

/* Seeds within every stratum.  Welch's degrees of freedom, with the unbiased
 * estimate of the sum of squared variances, and no more than there are. */
static void error_of_seeds(struct cells_mean *m, const struct tally *t)
{
    double sum = 0, square = 0, least = HUGE_VAL, most = 0;

    for (int s = 0; s < t->strata; s++) {
        const double v = stratum_variance(t, s);
        const double dof = t->stratum_seeds[s] - 1;

        sum += v;
        square += v * v / (dof + 2);
        least = fmin(least, dof);
        most += dof;
    }
    m->se = sqrt(sum) / m->cells;
    m->dof =
        square > 0 ? fmin(fmax(sum * sum / square - 2, least), most) : most;
    m->error = CELLS_SEEDS;
}

/* The strata's scatter about a pattern, with what replicates there are.  A few
 * replicates stand where runs are cheapest and noisiest, and speak for their
 * corner alone: they count where half of the strata have some, or where there
 * is nothing else. */
static void error_of_pattern(struct cells_mean *m, const struct tally *t)
{
    double pure = 0, about, weight = 0;
    int pure_dof = t->clusters - t->strata, replicated = 0, dof;

    for (int s = 0; s < t->strata; s++) {
        const double k = t->stratum_cells[s], seeds = t->stratum_seeds[s];

        replicated += seeds > 1;
        if (seeds > 1) /* on the scale of one cluster's mean */
            pure += stratum_variance(t, s) * seeds * (seeds - 1) / (k * k);
        weight += k * k / seeds;
    }
    dof =
        pattern_scatter(&about, t->y, t->n, t->d, t->stratum_seeds, t->strata);
    if (dof > 2 && 2 * replicated < t->strata)
        pure = pure_dof = 0;
    if (dof + pure_dof < 2)
        return;
    m->dof = dof + pure_dof;
    m->se = sqrt((about + pure) / m->dof * weight) / m->cells;
    m->error = CELLS_PATTERN;
}

static bool is_replicated(const struct tally *t)
{
    for (int s = 0; s < t->strata; s++)
        if (t->stratum_seeds[s] < 2)
            return false;
    return t->strata > 0;
}

struct cells_mean cells_mean(const struct cells_row *row, int n)
{
    const double nan = (double)NAN;
    struct cells_mean m = { .value = nan, .se = nan, .lo = nan, .hi = nan };
    struct tally t;

    tally_open(&t, row, n);
    tally_rows(&t, row, n);
    m.cells = t.cells;
    m.strata = t.strata;
    m.clusters = t.clusters;
    for (int k = 0; k < t.strata; k++) {
        const int seeds = t.stratum_seeds[k];

        m.least_seeds = k && m.least_seeds < seeds ? m.least_seeds : seeds;
        m.most_seeds = m.most_seeds > seeds ? m.most_seeds : seeds;
    }
    if (t.cells) {
        m.value = 0;
        for (int c = 0; c < t.cells; c++)
            m.value += t.cell_mean[c] / t.cells;
        if (is_replicated(&t))
            error_of_seeds(&m, &t);
        else
            error_of_pattern(&m, &t);
        cells_limits(&m.lo, &m.hi, &m, 0.95);
    }
    tally_close(&t);
    return m;
}

void cells_limits(double *lo, double *hi, const struct cells_mean *m,
                  double level)
{
    const double half =
        m->error == CELLS_NONE
            ? (double)NAN
            : gsl_cdf_tdist_Pinv(0.5 + level / 2, m->dof) * m->se;

    *lo = m->value - half;
    *hi = m->value + half;
}

const char *cells_error_name(enum cells_error error)
{
    static const char *const names[] = {
        [CELLS_NONE] = "none",
        [CELLS_SEEDS] = "seeds",
        [CELLS_PATTERN] = "pattern",
    };

    return names[error];
}

double cells_within(const struct cells_mean *m)
{
    double lo, hi;

    if (m->error == CELLS_NONE)
        return (double)NAN;
    cells_limits(&lo, &hi, m, 0.90);
    return fmax(fabs(lo), fabs(hi));
}

double cells_p(const struct cells_mean *m)
{
    if (m->error == CELLS_NONE)
        return (double)NAN;
    if (!(m->se > 0))
        return m->value != 0 ? 0 : 1;
    return 2 * gsl_cdf_tdist_Q(fabs(m->value) / m->se, m->dof);
}

double cells_seeds(const struct cells_mean *m)
{
    const double each = m->strata ? (double)m->clusters / m->strata : 0;
    const double reach = 1.96 + 0.84; /* normal quantiles: 5 %, 80 % */
    double seeds;

    if (m->error == CELLS_NONE || !(m->se > 0) || m->value == 0)
        return 0;
    seeds = each * pow(reach * m->se / m->value, 2);
    return seeds > each ? ceil(seeds) : 0;
}

/* --- ratios ------------------------------------------------------------------
 */

struct quotient {
    const struct cells_row *a, *b;
    struct cells_row *row;
    int n;
};

/* Student's t of b - r a; infinite where it has no error. */
static double t_of(const struct quotient *q, double r)
{
    struct cells_mean m;

    for (int i = 0; i < q->n; i++) {
        q->row[i] = q->b[i];
        q->row[i].x = q->b[i].x - r * q->a[i].x;
    }
    m = cells_mean(q->row, q->n);
    if (m.error == CELLS_NONE)
        return (double)NAN;
    if (!(m.se > 0))
        return m.value == 0 ? 0 : copysign(HUGE_VAL, m.value);
    return m.value / m.se / gsl_cdf_tdist_Pinv(0.975, m.dof);
}

/* Where |t| reaches one between r, where it is less, and outside; NaN when it
 * does not within a factor of a million. */
static double limit(const struct quotient *q, double r, double step)
{
    double in = r, out = r + step;

    for (int i = 0; i < 60 && !(fabs(t_of(q, out)) >= 1); i++) {
        in = out;
        step *= 1.5;
        out += step;
    }
    if (!(fabs(t_of(q, out)) >= 1))
        return (double)NAN;
    while (fabs(out - in) > 1e-9 * fabs(out + in)) {
        const double mid = 0.5 * (in + out);

        *(fabs(t_of(q, mid)) >= 1 ? &out : &in) = mid;
    }
    return 0.5 * (in + out);
}

#define MOST_FACTOR 10

bool cells_is_factor(double lo, double hi)
{
    return lo > 0 && hi / lo <= MOST_FACTOR;
}

struct cells_ratio cells_ratio(const struct cells_row *b,
                               const struct cells_row *a, int n)
{
    const double nan = (double)NAN;
    const struct cells_mean ma = cells_mean(a, n), mb = cells_mean(b, n);
    struct cells_ratio r = { nan, nan, nan };
    struct quotient q = { a, b, NULL, n };

    if (!(ma.value > 0))
        return r;
    r.value = mb.value / ma.value;
    if (ma.error == CELLS_NONE || !(ma.lo > 0))
        return r;
    q.row = mem_array((size_t)n + 1, sizeof *q.row);
    r.hi = limit(&q, r.value, 0.05 * fmax(fabs(r.value), 0.1));
    r.lo = limit(&q, r.value, -0.05 * fmax(fabs(r.value), 0.1));
    free(q.row);
    if (isnan(r.lo) || isnan(r.hi))
        r.lo = r.hi = nan;
    return r;
}
