#include "fit/covariance.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fit/lanes.h"
#include "fit/optimum.h"

/* Below this share of the largest, a singular value is rounding. */
#define RANK_TOLERANCE 1e-10

static void choose_coordinates(struct covariance *c, const struct model *m,
                               const double *theta)
{
    c->coord = mem_array((size_t)m->n_free, sizeof *c->coord);
    for (int f = 0; f < m->n_free; f++) {
        const int i = model_param_of(m, f);

        if (!optimum_at_bound(&m->params[i], theta[i]))
            c->coord[c->n++] = f;
    }
}

/* The scaled Jacobian, rows weighted by the root of their weight. */
static gsl_matrix *scaled_jacobian(struct covariance *c, const struct model *m,
                                   const double *weight)
{
    const size_t rows = m->rows, n = (size_t)c->n;
    /* GSL wants at least as many rows as columns. */
    gsl_matrix *a = gsl_matrix_calloc(rows > n ? rows : n, n);

    for (size_t j = 0; j < n; j++) {
        const double *col = c->jac + (size_t)c->coord[j] * rows;
        double sum = 0;

        for (size_t i = 0; i < rows; i++)
            sum += (weight ? weight[i] : 1) * col[i] * col[i];
        c->length[j] = sqrt(sum);
        for (size_t i = 0; i < rows; i++)
            gsl_matrix_set(a, i, j,
                           c->length[j] > 0
                               ? col[i] * sqrt(weight ? weight[i] : 1) /
                                     c->length[j]
                               : 0);
    }
    return a;
}

static void invert(struct covariance *c, const gsl_matrix *v)
{
    const int n = c->n;

    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;

            for (int k = 0; k < n; k++)
                if (c->singular[k] > RANK_TOLERANCE * c->singular[0])
                    sum += gsl_matrix_get(v, (size_t)i, (size_t)k) *
                           gsl_matrix_get(v, (size_t)j, (size_t)k) /
                           (c->singular[k] * c->singular[k]);
            c->inverse[i * n + j] =
                sum > 0 || sum < 0 ? sum / (c->length[i] * c->length[j]) : 0;
            c->vectors[i * n + j] = gsl_matrix_get(v, (size_t)i, (size_t)j);
        }
}

static void decompose(struct covariance *c, const struct model *m,
                      const double *weight)
{
    const size_t n = (size_t)c->n;
    gsl_matrix *a = scaled_jacobian(c, m, weight), *v;
    gsl_vector *s, *work;

    v = gsl_matrix_alloc(n, n);
    s = gsl_vector_alloc(n);
    work = gsl_vector_alloc(n);
    gsl_linalg_SV_decomp(a, v, s, work);
    memcpy(c->singular, s->data, n * sizeof *c->singular);
    c->full_rank =
        m->rows >= n && c->singular[n - 1] > RANK_TOLERANCE * c->singular[0];
    c->condition =
        c->singular[n - 1] > 0 ? c->singular[0] / c->singular[n - 1] : HUGE_VAL;
    invert(c, v);
    for (size_t i = 0; i < m->rows; i++)
        for (size_t k = 0; k < n; k++)
            if (c->singular[k] > RANK_TOLERANCE * c->singular[0])
                c->leverage[i] += pow(gsl_matrix_get(a, i, k), 2);
    gsl_matrix_free(a);
    gsl_matrix_free(v);
    gsl_vector_free(s);
    gsl_vector_free(work);
}

void covariance_find(struct covariance *c, struct model_work *w,
                     const double *theta, const double *weight)
{
    const struct model *m = w->m;
    const size_t p = (size_t)m->n_free;
    double *u = mem_array(p, sizeof *u), *r = mem_array(m->rows, sizeof *r);

    *c = (struct covariance){ .condition = 1, .full_rank = true };
    choose_coordinates(c, m, theta);
    c->inverse = mem_array(p * p, sizeof *c->inverse);
    c->vectors = mem_array(p * p, sizeof *c->vectors);
    c->length = mem_array(p, sizeof *c->length);
    c->singular = mem_array(p, sizeof *c->singular);
    c->leverage = mem_array(m->rows, sizeof *c->leverage);
    c->jac = mem_array(p * m->rows, sizeof *c->jac);
    model_coordinates(w, u, theta);
    if (!model_residuals(w, u, r, c->jac))
        c->full_rank = false;
    else if (c->n > 0)
        decompose(c, m, weight);
    free(u);
    free(r);
}

void covariance_release(struct covariance *c)
{
    free(c->coord);
    free(c->inverse);
    free(c->vectors);
    free(c->length);
    free(c->singular);
    free(c->leverage);
    free(c->jac);
    *c = (struct covariance){ 0 };
}

int covariance_at(const struct covariance *c, int f)
{
    for (int i = 0; i < c->n; i++)
        if (c->coord[i] == f)
            return i;
    return -1;
}
