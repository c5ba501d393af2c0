#include "fit/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "fit/holdout.h"
#include "fit/predict.h"
#include "fit/report.h"
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

/* The settings that name a parameter of the law, or nothing in particular. */
static struct fit_spec spec_for(const struct fit_spec *spec,
                                const struct law *law)
{
    struct fit_spec s = *spec;

    s.law = law;
    s.formula = law->formula;
    s.starts = NULL;
    s.n_starts = 0;
    s.fixes = mem_array((size_t)spec->n_fixes, sizeof *s.fixes);
    s.bounds = mem_array((size_t)spec->n_bounds, sizeof *s.bounds);
    s.groups = mem_array((size_t)spec->n_groups, sizeof *s.groups);
    s.n_fixes = s.n_bounds = s.n_groups = 0;
    for (int i = 0; i < spec->n_fixes; i++) {
        char *name =
            mem_strndup(spec->fixes[i].name, strcspn(spec->fixes[i].name, "["));

        if (law_param(law, name) &&
            (!spec->fixes[i].to || law_param(law, spec->fixes[i].to)))
            s.fixes[s.n_fixes++] = spec->fixes[i];
        free(name);
    }
    for (int i = 0; i < spec->n_bounds; i++)
        if (law_param(law, spec->bounds[i].name))
            s.bounds[s.n_bounds++] = spec->bounds[i];
    for (int i = 0; i < spec->n_groups; i++)
        if (law_param(law, spec->groups[i].param))
            s.groups[s.n_groups++] = spec->groups[i];
    return s;
}

static void release_spec(struct fit_spec *s)
{
    free(s->fixes); /* the texts inside belong to the original */
    free(s->bounds);
    free(s->groups);
}

static enum status common_rows(bool *keep, struct comparison *c,
                               const struct table *t,
                               const struct fit_spec *spec, struct err *err)
{
    int *uses = mem_array(t->rows, sizeof *uses);
    enum status st = OK;

    for (int k = 0; k < c->n && st == OK; k++) {
        struct fit_spec s = spec_for(spec, c->laws[k].law);
        struct model *m;

        st = fit_model_new_test(&m, t, &s, err);
        if (st != OK)
            err_prefix(err, "law %s: ", s.law->name);
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
    return st;
}

/* --- the contenders ------------------------------------------------------ */

static void judge(struct contender *w, const struct fit *f,
                  const struct fit_spec *s)
{
    w->n_params = f->n_params;
    w->rss = f->rss;
    w->sigma = f->sigma;
    w->aicc = fit_aicc(f);
    w->bic = fit_bic(f);
    w->sound = fit_is_sound(f);
    w->cv = f->dof > 0 ? compare_cross_validate(f, s->seed) : (double)NAN;
}

static void run_one(struct contender *w, const struct table *train,
                    const struct table *all, const bool *held,
                    const struct fit_spec *spec)
{
    struct fit_spec s = spec_for(spec, w->law);
    struct model *m;
    struct holdout h;
    struct fit f;
    struct err err;

    s.bootstrap = 0;
    w->held = w->cv = (double)NAN;
    if (fit_model_new(&m, train, &s, &err) != OK) {
        w->failure = mem_strdup(err.text);
    } else if (fit_run(&f, m, train, &s, &err) != OK) {
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

static enum status read_laws(struct comparison *c, const char *laws,
                             struct err *err)
{
    char *copy = mem_strdup(laws), *next = copy, *word;
    enum status st = OK;

    while (st == OK && (word = strsep(&next, ","))) {
        c->laws = mem_grow(c->laws, (size_t)c->n + 1, sizeof *c->laws);
        c->laws[c->n] = (struct contender){ .aicc = HUGE_VAL };
        st = law_need(&c->laws[c->n++].law, text_trim(word), err);
    }
    free(copy);
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

enum status compare_run(struct comparison *c, const struct table *t,
                        const bool *held, const struct fit_spec *spec,
                        const char *laws, struct err *err)
{
    bool *keep = mem_array(t->rows, sizeof *keep);
    bool *kept_held;
    struct table *all = NULL, *train = NULL;
    enum status st;
    size_t at = 0;

    *c = (struct comparison){ .has_held = held != NULL };
    st = read_laws(c, laws, err);
    if (st == OK)
        st = common_rows(keep, c, t, spec, err);
    if (st == OK && c->rows == 0)
        st = err_set(err, ERR_FIT, "no row can be used by all of %s", laws);
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
    }
    table_free(all);
    table_free(train);
    free(keep);
    free(kept_held);
    return st;
}

void comparison_release(struct comparison *c)
{
    for (int i = 0; i < c->n; i++)
        free(c->laws[i].failure);
    free(c->laws);
    *c = (struct comparison){ .n = 0 };
}

/* --- reports ------------------------------------------------------------- */

static void add_cell(struct str *out, int width, double x, const char *fmt)
{
    char buf[40] = "-";

    if (isfinite(x))
        snprintf(buf, sizeof buf, fmt, x);
    str_addf(out, " %*s", width, buf);
}

void comparison_text(struct str *out, const struct comparison *c,
                     const struct fit_spec *spec)
{
    str_addf(out, "%zu rows that every law can use", c->rows);
    if (c->dropped)
        str_addf(out, " (%d more only by some)", c->dropped);
    str_addf(out, "; errors in %s space\n", fit_space_name(spec->space));
    str_addf(out, "  %-17s %6s %10s %10s %10s %10s%s\n", "law", "params", "sd",
             "AICc", "BIC", "cv rmse", c->has_held ? "   held out" : "");
    for (int i = 0; i < c->n; i++) {
        const struct contender *w = &c->laws[i];

        if (w->failure) {
            char *lead = mem_printf("  %-17s ", w->law->name);

            report_wrapped(out, lead, w->failure, 20);
            free(lead);
            continue;
        }
        str_addf(out, "  %-17s %6d", w->law->name, w->n_params);
        add_cell(out, 10, w->sigma, "%.4g");
        add_cell(out, 10, w->aicc, "%.1f");
        add_cell(out, 10, w->bic, "%.1f");
        add_cell(out, 10, w->cv, "%.4g");
        if (c->has_held)
            add_cell(out, 10, w->held, "%.4g");
        str_addf(out, "%s\n", w->sound ? "" : " !");
    }
    for (int i = 0; i < c->n; i++)
        if (!c->laws[i].failure && !c->laws[i].sound) {
            str_add(out, "  ! not identifiable or not converged: see its own "
                         "fit\n");
            break;
        }
}

void comparison_json(struct str *out, const struct comparison *c)
{
    str_add(out, "{");
    json_add_text(out, "schema", "qlaw/compare/1");
    json_add_number(out, "n_points", (double)c->rows);
    str_add(out, ",\"laws\":[");
    for (int i = 0; i < c->n; i++) {
        const struct contender *w = &c->laws[i];

        str_add(out, i ? ",{" : "{");
        json_add_text(out, "law", w->law->name);
        if (w->failure) {
            json_add_text(out, "failure", w->failure);
        } else {
            json_add_number(out, "n_params", w->n_params);
            json_add_number(out, "rss", w->rss);
            json_add_number(out, "sigma", w->sigma);
            json_add_number(out, "aicc", w->aicc);
            json_add_number(out, "bic", w->bic);
            json_add_number(out, "cv_rmse", w->cv);
            if (c->has_held)
                json_add_number(out, "held_rmse", w->held);
            str_addf(out, ",\"sound\":%s", w->sound ? "true" : "false");
        }
        str_add_char(out, '}');
    }
    str_add(out, "]}\n");
}
