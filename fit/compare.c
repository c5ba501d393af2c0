#include "fit/compare.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "fit/holdout.h"
#include "fit/predict.h"
#include "fit/units.h"

#define FOLDS 10

/* --- cross-validation ---------------------------------------------------- */

/* Squared residuals of the rows of one fold, predicted from the others. */
static double fold_error(const struct fit *f, const int *fold, int k, int *n)
{
    const struct model *m = f->m;
    double *weight = mem_array(m->rows, sizeof *weight), sum = 0;
    double *mu = mem_array(m->rows, sizeof *mu);
    struct optimum o;

    for (size_t i = 0; i < m->rows; i++)
        weight[i] = fold[i] != k;
    optimum_from(&o, m, weight, f->best.theta);
    model_law(f->work, o.theta, mu, NULL);
    for (size_t i = 0; i < m->rows; i++)
        if (fold[i] == k) {
            const double r = model_residual(m, i, mu[i]);

            sum += r * r;
            ++*n;
        }
    optimum_release(&o);
    free(weight);
    free(mu);
    return sum;
}

double compare_cross_validate(const struct fit *f, uint64_t seed)
{
    const uint64_t key = rng_key(seed, RNG_FIT, 4);
    const size_t rows = f->m->rows;
    int *unit = mem_array(rows, sizeof *unit), units, n = 0;
    int *fold = mem_array(rows, sizeof *fold), *place;
    double sum = 0;

    units = units_number(unit, f->m, NULL);
    if (f->unit) {
        memcpy(unit, f->unit, rows * sizeof *unit);
        units = f->units;
    }
    place = mem_array((size_t)units, sizeof *place);
    for (int i = 0; i < units; i++)
        place[i] = i;
    for (int i = units - 1; i > 0; i--) { /* Fisher and Yates */
        const int j = (int)rng_below(key, (uint64_t)i, (uint64_t)i + 1);
        const int t = place[i];

        place[i] = place[j];
        place[j] = t;
    }
    for (size_t i = 0; i < rows; i++)
        fold[i] = place[unit[i]] % FOLDS;
    for (int k = 0; k < FOLDS && k < units; k++)
        sum += fold_error(f, fold, k, &n);
    free(unit);
    free(fold);
    free(place);
    return n ? sqrt(sum / n) : (double)NAN;
}

/* --- rows that every law can use ----------------------------------------- */

static bool has_param(const struct model *m, const char *name)
{
    const size_t len = strcspn(name, "[");

    for (int k = 0; k < m->n_names; k++)
        if (!m->names[k].is_var && strlen(m->names[k].name) == len &&
            memcmp(m->names[k].name, name, len) == 0)
            return true;
    return false;
}

/* The settings that name a parameter of the contender, or nothing in
 * particular. */
static struct fit_spec spec_for(const struct fit_spec *spec,
                                const struct contender *w,
                                const struct model *m)
{
    struct fit_spec s = *spec;

    s.law = w->law;
    s.formula = w->law ? w->law->formula : w->name;
    s.starts = mem_array((size_t)spec->n_starts, sizeof *s.starts);
    s.fixes = mem_array((size_t)spec->n_fixes, sizeof *s.fixes);
    s.bounds = mem_array((size_t)spec->n_bounds, sizeof *s.bounds);
    s.groups = mem_array((size_t)spec->n_groups, sizeof *s.groups);
    s.n_starts = s.n_fixes = s.n_bounds = s.n_groups = 0;
    for (int i = 0; m && i < spec->n_starts; i++)
        if (has_param(m, spec->starts[i].name))
            s.starts[s.n_starts++] = spec->starts[i];
    for (int i = 0; m && i < spec->n_fixes; i++)
        if (has_param(m, spec->fixes[i].name) &&
            (!spec->fixes[i].to || has_param(m, spec->fixes[i].to)))
            s.fixes[s.n_fixes++] = spec->fixes[i];
    for (int i = 0; m && i < spec->n_bounds; i++)
        if (has_param(m, spec->bounds[i].name))
            s.bounds[s.n_bounds++] = spec->bounds[i];
    for (int i = 0; m && i < spec->n_groups; i++)
        if (has_param(m, spec->groups[i].param))
            s.groups[s.n_groups++] = spec->groups[i];
    return s;
}

static void release_spec(struct fit_spec *s)
{
    free(s->starts); /* the texts inside belong to the original */
    free(s->fixes);
    free(s->bounds);
    free(s->groups);
}

/* The contender on a table, with the settings that it knows; *s is released by
 * the caller in any case. */
static enum status bind(struct model **m, struct fit_spec *s,
                        const struct contender *w, const struct table *t,
                        const struct fit_spec *spec, bool settle,
                        struct err *err)
{
    struct fit_spec plain = spec_for(spec, w, NULL);
    enum status st = fit_model_new_test(m, t, &plain, err);

    release_spec(&plain);
    *s = spec_for(spec, w, *m);
    fit_model_free(*m);
    *m = NULL;
    if (st != OK)
        return st;
    return settle ? fit_model_new(m, t, s, err)
                  : fit_model_new_test(m, t, s, err);
}

static enum status same_response(const char *first, const struct model *m,
                                 struct err *err)
{
    if (strcmp(first, m->response) == 0)
        return OK;
    return err_set(err, ERR_USAGE,
                   "a law of %s cannot be compared with one of %s", m->response,
                   first);
}

static enum status common_rows(bool *keep, struct comparison *c,
                               const struct table *t,
                               const struct fit_spec *spec, struct err *err)
{
    int *uses = mem_array(t->rows, sizeof *uses);
    char *response = NULL;
    enum status st = OK;

    for (int k = 0; k < c->n && st == OK; k++) {
        struct fit_spec s;
        struct model *m;

        st = bind(&m, &s, &c->laws[k], t, spec, false, err);
        if (st == OK && !response)
            response = mem_strdup(m->response);
        if (st == OK)
            st = same_response(response, m, err);
        if (st != OK && c->laws[k].law)
            err_prefix(err, "law %s: ", c->laws[k].name);
        for (size_t i = 0; st == OK && i < m->rows; i++)
            uses[m->source_row[i]]++;
        fit_model_free(m);
        release_spec(&s);
    }
    for (size_t i = 0; i < t->rows; i++) {
        keep[i] = uses[i] == c->n;
        c->rows += keep[i];
        c->dropped += uses[i] > 0 && uses[i] < c->n;
    }
    free(uses);
    free(response);
    return st;
}

/* --- the contenders ------------------------------------------------------ */

static void judge(struct contender *w, const struct fit *f,
                  const struct fit_spec *s)
{
    w->n_params = f->n_params;
    w->dof = f->dof;
    w->rss = f->rss;
    w->sigma = f->sigma;
    w->aicc = fit_aicc(f);
    w->bic = fit_bic(f);
    w->sound = fit_is_sound(f);
    w->cv = f->dof > 0 ? compare_cross_validate(f, s->seed) : (double)NAN;
    w->mu = mem_array(f->m->rows, sizeof *w->mu);
    memcpy(w->mu, f->mu, f->m->rows * sizeof *w->mu);
    w->theta = mem_array((size_t)f->m->n_params, sizeof *w->theta);
    memcpy(w->theta, f->best.theta, (size_t)f->m->n_params * sizeof *w->theta);
}

static void run_one(struct contender *w, const struct table *train,
                    const struct table *all, const bool *held,
                    const struct fit_spec *spec)
{
    struct fit_spec s;
    struct model *m = NULL;
    struct holdout h;
    struct fit f;
    struct err err;

    w->held = w->cv = (double)NAN;
    if (bind(&m, &s, w, train, spec, true, &err) != OK) {
        w->failure = mem_strdup(err.text);
        release_spec(&s);
        return;
    }
    s.bootstrap = 0;
    if (fit_run(&f, m, train, &s, &err) != OK) {
        w->failure = mem_strdup(err.text);
    } else {
        judge(w, &f, &s);
        if (held) {
            if (holdout_judge(&h, &f, all, held, &s, "held", &err) == OK)
                w->held = h.all.rmse;
            holdout_release(&h);
        }
        fit_release(&f);
    }
    fit_model_free(m);
    release_spec(&s);
}

void compare_names(char ***names, int *n, const char *text)
{
    char *copy = mem_strdup(text), *next = copy, *word;

    if (strchr(text, '=')) {
        *names = mem_grow(*names, (size_t)*n + 1, sizeof **names);
        (*names)[(*n)++] = copy;
        return;
    }
    while ((word = strsep(&next, ","))) {
        *names = mem_grow(*names, (size_t)*n + 1, sizeof **names);
        (*names)[(*n)++] = mem_strdup(text_trim(word));
    }
    free(copy);
}

static enum status read_names(struct comparison *c, const char *const *names,
                              int n, struct err *err)
{
    enum status st = OK;

    for (int k = 0; k < n && st == OK; k++) {
        struct contender *w;

        c->laws = mem_grow(c->laws, (size_t)c->n + 1, sizeof *c->laws);
        w = &c->laws[c->n++];
        *w = (struct contender){ .aicc = HUGE_VAL,
                                 .name = mem_strdup(names[k]) };
        if (!strchr(names[k], '='))
            st = law_need(&w->law, names[k], err);
    }
    return st;
}

/* Best first: by AICc for least squares, else by cross-validation. */
static int by_merit(const void *a, const void *b)
{
    const struct contender *x = a, *y = b;
    const double u = isnan(x->aicc) ? x->cv : x->aicc;
    const double v = isnan(y->aicc) ? y->cv : y->aicc;

    if ((x->failure != NULL) != (y->failure != NULL))
        return x->failure ? 1 : -1;
    return (u > v) - (u < v);
}

/* --- special cases ------------------------------------------------------- */

/* Does the outer contender pass through the inner one's fitted values?  Up to a
 * billionth of what these leave unexplained, so that a law which only comes
 * near the other in a limit does not count. */
static bool holds(const struct contender *outer, const struct contender *inner,
                  const struct table *train, const struct fit_spec *spec)
{
    struct fit_spec s;
    struct model *m = NULL;
    struct optimum o;
    bool held = false;

    if (bind(&m, &s, outer, train, spec, true, NULL) == OK) {
        m->loss = (struct fit_loss){ FIT_L2, 0 };
        for (size_t i = 0; i < m->rows; i++) {
            m->y[i] = inner->mu[i];
            m->log_y[i] = inner->mu[i] > 0 ? log(inner->mu[i]) : (double)NAN;
        }
        optimum_from(&o, m, NULL, outer->theta); /* near: same rows */
        held = o.objective <= 1e-9 * inner->rss;
        optimum_release(&o);
    }
    fit_model_free(m);
    release_spec(&s);
    return held;
}

static void test_nesting(struct comparison *c, int inner, int outer)
{
    const struct contender *a = &c->laws[inner], *b = &c->laws[outer];
    struct nesting n = { .inner = inner,
                         .outer = outer,
                         .df1 = b->n_params - a->n_params,
                         .df2 = b->dof };

    n.f = fmax(a->rss - b->rss, 0) / n.df1 / (b->rss / n.df2);
    n.p = gsl_cdf_fdist_Q(n.f, n.df1, n.df2);
    c->nested = mem_grow(c->nested, (size_t)c->n_nested + 1, sizeof *c->nested);
    c->nested[c->n_nested++] = n;
}

static void find_nestings(struct comparison *c, const struct table *train,
                          const struct fit_spec *spec)
{
    for (int a = 0; a < c->n && spec->loss.kind == FIT_L2; a++)
        for (int b = 0; b < c->n; b++) {
            const struct contender *x = &c->laws[a], *y = &c->laws[b];

            if (!x->failure && !y->failure && x->n_params < y->n_params &&
                y->dof > 0 && y->rss <= x->rss * (1 + 1e-9) &&
                holds(y, x, train, spec))
                test_nesting(c, a, b);
        }
}

enum status compare_run(struct comparison *c, const struct table *t,
                        const bool *held, const struct fit_spec *spec,
                        const char *const *names, int n, struct err *err)
{
    bool *keep = mem_array(t->rows, sizeof *keep);
    bool *kept_held;
    struct table *all = NULL, *train = NULL;
    enum status st;
    size_t at = 0;

    *c = (struct comparison){ .has_held = held != NULL };
    st = read_names(c, names, n, err);
    if (st == OK)
        st = common_rows(keep, c, t, spec, err);
    if (st == OK && c->rows == 0)
        st = err_set(err, ERR_FIT, "no row can be used by all %d laws", c->n);
    kept_held = mem_array(t->rows, sizeof *kept_held);
    if (st == OK) {
        all = table_select(t, keep);
        for (size_t i = 0; i < t->rows; i++)
            if (keep[i])
                kept_held[at++] = held && held[i];
        for (size_t i = 0; i < all->rows; i++)
            keep[i] = !kept_held[i];
        train = table_select(all, keep);
        c->rows = train->rows;
        for (int k = 0; k < c->n; k++)
            run_one(&c->laws[k], train, all, held ? kept_held : NULL, spec);
        qsort(c->laws, (size_t)c->n, sizeof *c->laws, by_merit);
        find_nestings(c, train, spec);
    }
    table_free(all);
    table_free(train);
    free(keep);
    free(kept_held);
    return st;
}

void comparison_release(struct comparison *c)
{
    for (int i = 0; i < c->n; i++) {
        free(c->laws[i].failure);
        free(c->laws[i].name);
        free(c->laws[i].mu);
        free(c->laws[i].theta);
    }
    free(c->laws);
    free(c->nested);
    *c = (struct comparison){ .n = 0 };
}
