/* solve_gsl.c - GSL's Levenberg-Marquardt, the yardstick of solve.c and the
 * solver for starts that a person gives. */
#include <gsl/gsl_blas.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "fit/solve.h"

/* A residual that is not finite becomes one that no step accepts. */
#define HUGE_RESIDUAL 1e150

static int residuals(const gsl_vector *x, void *params, gsl_vector *f)
{
    const struct solve_problem *p = params;

    if (!p->eval(p->ctx, x->data, f->data, NULL)) {
        gsl_vector_set_all(f, HUGE_RESIDUAL);
        return GSL_SUCCESS;
    }
    for (size_t i = 0; i < p->rows; i++)
        f->data[i] *= sqrt(p->weight[i]);
    return GSL_SUCCESS;
}

static int jacobian(const gsl_vector *x, void *params, gsl_matrix *J)
{
    const struct solve_problem *p = params;
    const size_t n = (size_t)p->n;
    double *r = mem_array(p->rows, sizeof *r);
    double *jac = mem_array(p->rows * n, sizeof *jac);
    const bool ok = p->eval(p->ctx, x->data, r, jac);

    for (size_t i = 0; ok && i < p->rows; i++)
        for (size_t j = 0; j < n; j++)
            gsl_matrix_set(J, i, j, sqrt(p->weight[i]) * jac[j * p->rows + i]);
    free(r);
    free(jac);
    return ok ? GSL_SUCCESS : GSL_EDOM;
}

static struct solve_result run(double *u, const struct solve_problem *p,
                               int max_steps,
                               const gsl_multifit_nlinear_scale *scale)
{
    struct solve_result res = { .objective = HUGE_VAL };
    gsl_multifit_nlinear_parameters o =
        gsl_multifit_nlinear_default_parameters();
    gsl_multifit_nlinear_fdf fdf = { .f = residuals,
                                     .df = jacobian,
                                     .n = p->rows,
                                     .p = (size_t)p->n,
                                     .params = (void *)p };
    gsl_vector_const_view start = gsl_vector_const_view_array(u, fdf.p);
    gsl_multifit_nlinear_workspace *w;
    int info = 0, status;

    o.trs = gsl_multifit_nlinear_trs_lm;
    o.solver = gsl_multifit_nlinear_solver_qr;
    o.scale = scale;
    w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &o, p->rows,
                                   fdf.p);
    status = gsl_multifit_nlinear_init(&start.vector, &fdf, w);
    if (status == GSL_SUCCESS)
        status = gsl_multifit_nlinear_driver((size_t)max_steps, 1e-14, 1e-14, 0,
                                             NULL, NULL, &info, w);
    memcpy(u, w->x->data, fdf.p * sizeof *u);
    gsl_blas_ddot(w->f, w->f, &res.objective);
    res.objective *= 0.5;
    res.steps = (int)gsl_multifit_nlinear_niter(w);
    res.evaluations = (int)fdf.nevalf;
    /* No progress means that rounding, not the data, is the limit. */
    res.converged = status == GSL_SUCCESS || status == GSL_ENOPROG;
    if (!isfinite(res.objective) || res.objective > 1e299)
        res = (struct solve_result){ .objective = HUGE_VAL };
    gsl_multifit_nlinear_free(w);
    return res;
}

struct solve_result solve_gsl(double *u, const struct solve_problem *p,
                              int max_steps)
{
    const gsl_multifit_nlinear_scale *const scales[] = {
        gsl_multifit_nlinear_scale_levenberg,
        gsl_multifit_nlinear_scale_more,
    };
    struct solve_result best = { .objective = HUGE_VAL };
    double *from = mem_array((size_t)p->n, sizeof *from);
    double *x = mem_array((size_t)p->n, sizeof *x);

    memcpy(from, u, (size_t)p->n * sizeof *u);
    for (int k = 0; k < 2 && p->rows >= (size_t)p->n; k++) {
        struct solve_result res;

        memcpy(x, from, (size_t)p->n * sizeof *x);
        res = run(x, p, max_steps, scales[k]);
        if (res.objective < best.objective) {
            best = res;
            memcpy(u, x, (size_t)p->n * sizeof *u);
        }
    }
    free(from);
    free(x);
    return best;
}
