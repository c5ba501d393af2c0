/* nested.c - a claim about one parameter, tested against the fit without it. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "fit/compare.h"

/* An exponent of exactly 0 would also turn 0^0 into 1, where the law means 0:
 * log2 G is 0 for unquantized rows. */
#define ALMOST_ZERO 1e-12

/* The spec with the claim as one more --fix. */
static enum status spec_with(struct fit_spec *s, const struct fit_spec *spec,
                             const char *claim, struct err *err)
{
    struct fit_spec added = { .law = NULL };
    enum status st = fit_spec_fix(&added, claim, err);

    *s = *spec;
    if (st == OK && added.n_fixes != 1)
        st = err_set(err, ERR_USAGE, "--test '%s': one claim at a time", claim);
    s->fixes = mem_array((size_t)spec->n_fixes + 1, sizeof *s->fixes);
    for (int i = 0; i < spec->n_fixes; i++)
        s->fixes[i] = spec->fixes[i];
    if (st == OK) {
        s->fixes[s->n_fixes++] = added.fixes[0];
        free(added.fixes);
    } else {
        fit_spec_release(&added);
    }
    return st;
}

static void release_with(struct fit_spec *s, const struct fit_spec *spec)
{
    if (s->n_fixes > spec->n_fixes) {
        free(s->fixes[spec->n_fixes].name);
        free(s->fixes[spec->n_fixes].to);
    }
    free(s->fixes);
}

static void avoid_zero(struct fit_spec *s, const struct model *m)
{
    struct fit_setting *fix = &s->fixes[s->n_fixes - 1];

    for (int i = 0; i < m->n_params && !fix->to && fix->value == 0; i++)
        if ((strcmp(m->params[i].name, fix->name) == 0 ||
             strcmp(m->names[m->params[i].slot].name, fix->name) == 0) &&
            expr_in_exponent(m->expr, m->params[i].slot)) {
            fix->value = ALMOST_ZERO;
            return;
        }
}

/* Is the claimed value a bound of its parameter? */
static bool is_bound(const struct fit_spec *s, const struct model *m)
{
    const struct fit_setting *fix = &s->fixes[s->n_fixes - 1];
    const int i = model_find_param(m, fix->name);

    return i >= 0 && !fix->to &&
           (fabs(fix->value - m->params[i].lo) <= ALMOST_ZERO ||
            fix->value == m->params[i].hi);
}

/* --- by the F distribution ----------------------------------------------- */

static void by_f(struct nested *n, const struct fit *f, const struct fit *null)
{
    n->df1 = f->n_params - null->n_params;
    n->df2 = (int)f->m->rows - f->n_params;
    n->statistic = fmax(null->best.objective - f->best.objective, 0) /
                   fmax(n->df1, 1) / (f->best.objective / n->df2);
    n->p = (double)NAN;
    if (f->m->loss.kind != FIT_L2 || n->df1 < 1 || n->df2 < 1)
        return;
    /* On a bound, half of the null's mass lies at F = 0 (Chernoff 1954). */
    n->p = gsl_cdf_fdist_Q(n->statistic, n->df1, n->df2);
    if (n->one_sided)
        n->p = n->statistic > 1e-9 ? n->p / 2 : 1;
}

/* --- by the bootstrap ---------------------------------------------------- */

struct double_model {
    struct model *null, *full;
};

static void set_response(struct model *m, size_t i, double y)
{
    m->y[i] = y;
    m->log_y[i] = y > 0 ? log(y) : (double)NAN;
}

/* Draw a response from the claim's own fit. */
static void draw(struct double_model *d, const struct fit *null,
                 const struct fit *f, uint64_t key)
{
    const size_t n = null->m->rows;
    const double inflate = sqrt((double)n / fmax(null->dof, 1));

    for (size_t i = 0; i < n; i++) {
        const size_t from = f->unit ? i : rng_below(key, i, n);
        const double sign =
            f->unit && rng_u32(key, (uint64_t)f->unit[i]) & 1 ? -1 : 1;
        const double r =
            sign * inflate * null->residual[from] / null->m->scale[from];
        const double y = null->m->space == FIT_LINEAR ? null->mu[i] + r
                         : null->m->space == FIT_LOG
                             ? null->mu[i] * exp(r)
                             : null->mu[i] / fmax(1 - r, 1e-6);

        set_response(d->null, i, y);
        set_response(d->full, i, y);
    }
}

/* How much the objective falls when the claim is dropped, relative to it. */
static double gain(const struct double_model *d, const struct fit *null,
                   const struct fit *f)
{
    struct optimum a, b;
    double g;

    optimum_from(&a, d->null, NULL, null->best.theta);
    optimum_from(&b, d->full, NULL, f->best.theta);
    g = fmax(a.objective - b.objective, 0) / b.objective;
    optimum_release(&a);
    optimum_release(&b);
    return g;
}

static enum status by_bootstrap(struct nested *n, const struct fit *f,
                                const struct fit *null, const struct table *t,
                                const struct fit_spec *spec,
                                const struct fit_spec *with, int replicates,
                                struct err *err)
{
    const double observed =
        fmax(null->best.objective - f->best.objective, 0) / f->best.objective;
    struct double_model d = { NULL, NULL };
    int above = 0;
    enum status st = fit_model_new(&d.null, t, with, err);

    if (st == OK)
        st = fit_model_new(&d.full, t, spec, err);
    for (int b = 0; b < replicates && st == OK; b++) {
        draw(&d, null, f, rng_key(spec->seed, RNG_FIT, 5000000 + (uint64_t)b));
        above += gain(&d, null, f) >= observed * (1 - 1e-9);
    }
    n->replicates = replicates;
    n->p_bootstrap = (above + 1.0) / (replicates + 1.0);
    fit_model_free(d.null);
    fit_model_free(d.full);
    return st;
}

/* --- both ---------------------------------------------------------------- */

enum status nested_run(struct nested *n, const struct fit *f,
                       const struct table *t, const struct fit_spec *spec,
                       const char *claim, int replicates, struct err *err)
{
    struct fit_spec with;
    struct model *m = NULL;
    struct fit null;
    enum status st = spec_with(&with, spec, claim, err);

    *n = (struct nested){ .claim = mem_strdup(claim),
                          .p_bootstrap = (double)NAN };
    if (st == OK) {
        avoid_zero(&with, f->m);
        with.bare = true;
        n->one_sided = is_bound(&with, f->m);
        st = fit_model_new(&m, t, &with, err);
    }
    if (st == OK)
        st = fit_run(&null, m, t, &with, err);
    if (st == OK) {
        by_f(n, f, &null);
        if (replicates > 0)
            st = by_bootstrap(n, f, &null, t, spec, &with, replicates, err);
        fit_release(&null);
    }
    fit_model_free(m);
    release_with(&with, spec);
    return st;
}

void nested_release(struct nested *n)
{
    free(n->claim);
    *n = (struct nested){ .claim = NULL };
}

void nested_text(struct str *out, const struct nested *n)
{
    if (isnan(n->p))
        str_addf(out, "  test %s: the objective rises by %.3g %%", n->claim,
                 100 * n->statistic * n->df1 / n->df2);
    else
        str_addf(out, "  test %s: F(%d, %d) = %.4g, p = %.3g%s", n->claim,
                 n->df1, n->df2, n->statistic, n->p,
                 n->one_sided ? " (one-sided: a bound)" : "");
    if (!isnan(n->p_bootstrap))
        str_addf(out, ", p = %.3g by %d bootstrap refits", n->p_bootstrap,
                 n->replicates);
    str_add(out, "\n");
}

void nested_json(struct str *out, const struct nested *n)
{
    str_add(out, "{");
    json_add_text(out, "claim", n->claim);
    json_add_number(out, "F", n->statistic);
    json_add_number(out, "df1", n->df1);
    json_add_number(out, "df2", n->df2);
    str_addf(out, ",\"one_sided\":%s", n->one_sided ? "true" : "false");
    json_add_number(out, "p", n->p);
    json_add_number(out, "p_bootstrap", n->p_bootstrap);
    str_add(out, "}");
}
