/* diagnose_rivals.c - other minima that the noise cannot tell from the best. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "base/str.h"
#include "fit/diagnose.h"

/* By how many standard errors coordinate k differs between two parameter
 * vectors. */
static double errors_apart(const struct fit *f, int k, const double *other)
{
    const struct covariance *c = &f->cov;
    const int coord = c->coord[k], i = model_param_of(f->m, coord);
    const double a = f->best.theta[i], b = other[i];
    const double se = f->sigma * sqrt(c->inverse[k * c->n + k]);

    if (fabs(a - b) <= 1e-5 * fmax(fabs(a), fabs(b)))
        return 0; /* the same minimum, however small the noise is */
    if (!f->work->is_log[coord])
        return fabs(a - b) / se;
    /* A size of next to nothing is infinitely many factors away, and near. */
    return b / a > 0 ? fmin(fabs(log(b / a)), fabs(a - b) / fabs(a)) / se
                     : HUGE_VAL;
}

static int twin_of(const struct fit *f, int i, const double *other,
                   const bool *used)
{
    for (int j = 0; j < f->m->n_params; j++) {
        const double a = f->best.theta[i], b = other[j];

        if (!used[j] && fabs(a - b) <= 1e-3 * fmax(fabs(a), fabs(b)))
            return j;
    }
    return -1;
}

/* Is the law the same function with the constants theta exchanged to swapped?
 * At places where each variable is drawn by itself, so that columns which are
 * multiples of one another do not count as one. */
static bool is_same_law(const struct fit *f, const double *swapped)
{
    const struct model *m = f->m;
    double *a = mem_array((size_t)m->n_names, sizeof *a);
    double *b = mem_array((size_t)m->n_names, sizeof *b);
    bool same = true;

    for (uint64_t k = 0; k < 16 && same; k++) {
        for (int s = 0; s < m->n_names; s++) {
            const struct model_name *nm = &m->names[s];
            const size_t row =
                rng_below(rng_key(k, RNG_FIT, 78), (uint64_t)s, m->rows);

            a[s] = nm->is_var ? nm->values ? nm->values[row] : nm->constant
                              : f->best.theta[nm->first];
            b[s] = nm->is_var ? a[s] : swapped[nm->first];
        }
        same = fabs(expr_eval(m->expr, a) - expr_eval(m->expr, b)) <=
               1e-9 * fabs(expr_eval(m->expr, a));
    }
    free(a);
    free(b);
    return same;
}

/* The same constants under exchanged names: a sum of terms of one form is the
 * same law whichever is called the first. */
static bool is_relabelled(const struct fit *f, const double *other)
{
    const int n = f->m->n_params;
    bool *used = mem_array((size_t)n, sizeof *used);
    double *swapped = mem_array((size_t)n, sizeof *swapped);
    bool same = true;

    for (int i = 0; i < n && same; i++) {
        const int j = twin_of(f, i, other, used);

        same = j >= 0 && !f->m->names[f->m->params[i].slot].group;
        if (!same)
            break;
        used[j] = true;
        swapped[j] = f->best.theta[i];
    }
    same = same && is_same_law(f, swapped);
    free(used);
    free(swapped);
    return same;
}

/* The rise of the objective that the noise cannot tell, relative: least
 * squares by Student's t; a sum of sizes rises half as fast with its
 * likelihood. */
static double noise_rise(const struct fit *f)
{
    const double t = gsl_cdf_tdist_Pinv(0.975, f->dof);

    return (f->m->loss.kind == FIT_L2 ? 1 : 0.5) * t * t / f->dof;
}

/* The coordinate that a rival moves by more than six standard errors, or -1. */
static int moved_most(const struct fit *f, const double *other)
{
    for (int k = 0; k < f->cov.n; k++)
        if (errors_apart(f, k, other) > 6 &&
            !diagnose_is_flat(f, f->cov.coord[k]))
            return k;
    return -1;
}

/* Whatever a rival moves by a fifth of a standard error has no interval, nor
 * what it takes off its bound; where the loss is none of squares, whatever
 * differs. */
static void mark_rival(struct fit *f, const double *other)
{
    if (!f->rival)
        f->rival = mem_array((size_t)f->m->n_free, sizeof *f->rival);
    for (int c = 0; c < f->m->n_free; c++) {
        const int k = covariance_at(&f->cov, c), i = model_param_of(f->m, c);
        const double a = f->best.theta[i], b = other[i];

        if (k >= 0 && f->m->loss.kind == FIT_L2
                ? errors_apart(f, k, other) > 0.2
                : fabs(a - b) > 0.01 * fmax(fabs(a), fabs(b)))
            f->rival[c] = true;
    }
}

/* Another minimum that the data cannot reject, with other constants, means
 * that these are not known, however sharp each minimum is by itself. */
void diagnose_rivals(struct fit *f)
{
    const int n = f->m->n_params;

    if (!(f->dof > 0) || !(f->sigma > 0))
        return;
    for (int s = 0; s < f->best.starts; s++) {
        const double *other = f->best.ends + (size_t)s * (size_t)n;
        const bool near =
            f->best.end_objective[s] < f->best.objective * (1 + noise_rise(f));
        const int k = near ? moved_most(f, other) : -1;
        const int i = k < 0 ? -1 : model_param_of(f->m, f->cov.coord[k]);

        if (i < 0 || is_relabelled(f, other))
            continue;
        if (!f->rival)
            fit_warn(f, FIT_NOT_IDENTIFIABLE,
                     "other constants fit as well: %s = %.4g has an objective "
                     "of %.6g, which the noise cannot tell from %.6g",
                     f->m->params[i].name, other[i], f->best.end_objective[s],
                     f->best.objective);
        mark_rival(f, other);
    }
}
