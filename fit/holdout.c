#include "fit/holdout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/order.h"
#include "fit/predict.h"

/* --- rules --------------------------------------------------------------- */

struct rule {
    bool levels, rolling;
    int k;
    char column[64];
};

static enum status parse_rule(struct rule *r, const struct table *t,
                              const char *text, struct err *err)
{
    const bool largest = text_has_prefix(text, "largest:");
    const char *rest = strchr(text, ':');
    char *end;

    *r = (struct rule){ .rolling = text_has_prefix(text, "rolling:") };
    r->levels = largest || r->rolling;
    if (!r->levels)
        return OK;
    r->k = (int)strtol(rest + 1, &end, 10);
    strncpy(r->column, *end == ':' ? end + 1 : "N", sizeof r->column - 1);
    if (r->k < 1 || end == rest + 1 || (*end && *end != ':'))
        return err_set(
            err, ERR_USAGE, "--holdout '%s': write %s:K or %s:K:COLUMN", text,
            largest ? "largest" : "rolling", largest ? "largest" : "rolling");
    if (table_find(t, r->column) < 0)
        return err_set(err, ERR_USAGE, "--holdout: %s has no column '%s'",
                       t->source, r->column);
    return OK;
}

/* The k-th largest distinct value of a column (k = 1: the largest). */
static double level_of(const struct table *t, const char *column, int k)
{
    const double *v = t->cols[table_find(t, column)].num;
    double *x = mem_array(t->rows, sizeof *x), level = (double)NAN;
    size_t n = 0;

    for (size_t i = 0; i < t->rows; i++)
        if (isfinite(v[i]))
            x[n++] = v[i];
    qsort(x, n, sizeof *x, order_doubles);
    for (size_t i = n; i-- > 0 && k > 0;)
        if (i + 1 == n || x[i] != x[i + 1]) {
            level = x[i];
            k--;
        }
    free(x);
    return k == 0 ? level : (double)NAN;
}

enum status holdout_split(bool **held, const struct table *t, const char *rule,
                          struct err *err)
{
    struct rule r;
    double *truth = NULL, level;
    size_t n = 0;
    enum status st = parse_rule(&r, t, rule, err);

    *held = NULL;
    if (st == OK && !r.levels && (st = table_evaluate(&truth, t, rule, err)))
        err_prefix(err, "--holdout: ");
    if (st != OK)
        return st;
    level = r.levels ? level_of(t, r.column, r.rolling ? 1 : r.k) : 0;
    if (isnan(level))
        return err_set(err, ERR_USAGE, "--holdout %s: %s has fewer values",
                       rule, r.column);
    *held = mem_array(t->rows, sizeof **held);
    for (size_t i = 0; i < t->rows; i++) {
        (*held)[i] = truth ? truth[i] != 0 && !isnan(truth[i])
                           : t->cols[table_find(t, r.column)].num[i] >= level;
        n += (*held)[i];
    }
    free(truth);
    if (n > 0 && n < t->rows)
        return OK;
    free(*held);
    *held = NULL;
    return err_set(err, ERR_USAGE, "--holdout %s: %s rows are held out", rule,
                   n ? "all" : "no");
}

/* --- judging ------------------------------------------------------------- */

static void keep_row(struct holdout *h, const struct model *test, size_t row,
                     double predicted)
{
    h->rows = mem_grow(h->rows, (size_t)h->n_rows + 1, sizeof *h->rows);
    h->rows[h->n_rows++] =
        (struct holdout_row){ test->number[row], test->y[row], predicted };
}

/* Rows are kept in h only for its final split. */
static void judge_rows(struct holdout_step *s, struct holdout *h,
                       const struct fit *f, const struct model *test)
{
    struct predictor *at = predictor_new(f->m, f->best.theta, f);
    int n = 0, inside = 0, known = 0;

    s->beyond = 1;
    for (size_t i = 0; i < test->rows; i++) {
        struct prediction p;
        double r;

        if (!predict_row(&p, at, test, i)) {
            h->unpredicted++;
            continue;
        }
        if (s == &h->all)
            keep_row(h, test, i, p.value);
        r = model_residual(test, i, p.value) / test->scale[i];
        s->rmse += r * r;
        s->mean += r;
        s->beyond = fmax(s->beyond, p.beyond);
        known += !isnan(p.run_lo);
        inside += p.run_lo <= test->y[i] && test->y[i] <= p.run_hi;
        n++;
        prediction_release(&p);
    }
    predictor_free(at);
    s->n_train = (int)f->m->rows;
    s->n_test = n;
    s->rmse = n ? sqrt(s->rmse / n) : (double)NAN;
    s->mean = n ? s->mean / n : (double)NAN;
    s->covered = known ? (double)inside / known : (double)NAN;
}

/* Fit the rows below a level and predict those at it. */
static enum status roll(struct holdout_step *s, struct holdout *h,
                        const struct table *t, const char *column, double level,
                        const struct fit_spec *spec, struct err *err)
{
    const double *v = t->cols[table_find(t, column)].num;
    bool *below = mem_array(t->rows, sizeof *below);
    bool *at = mem_array(t->rows, sizeof *at);
    struct table *train, *test;
    struct model *m = NULL, *mt = NULL;
    struct fit f;
    enum status st;

    for (size_t i = 0; i < t->rows; i++) {
        below[i] = v[i] < level;
        at[i] = v[i] == level;
    }
    train = table_select(t, below);
    test = table_select(t, at);
    st = fit_model_new(&m, train, spec, err);
    if (st == OK)
        st = fit_model_new_test(&mt, test, spec, err);
    if (st == OK)
        st = fit_run(&f, m, train, spec, err);
    if (st == OK) {
        s->level = level;
        judge_rows(s, h, &f, mt);
        fit_release(&f);
    }
    fit_model_free(m);
    fit_model_free(mt);
    table_free(train);
    table_free(test);
    free(below);
    free(at);
    return st;
}

static enum status roll_all(struct holdout *h, const struct table *t,
                            const struct rule *r, const struct fit_spec *spec,
                            struct err *err)
{
    enum status st = OK;

    h->steps = mem_array((size_t)r->k, sizeof *h->steps);
    for (int k = r->k; k >= 1 && st == OK; k--) {
        const double level = level_of(t, r->column, k);

        if (isnan(level))
            return err_set(err, ERR_USAGE,
                           "--holdout rolling: %s has fewer than %d values",
                           r->column, k);
        st = roll(&h->steps[h->n_steps++], h, t, r->column, level, spec, err);
    }
    return st;
}

enum status holdout_judge(struct holdout *h, const struct fit *f,
                          const struct table *t, const bool *held,
                          const struct fit_spec *spec, const char *rule,
                          struct err *err)
{
    struct table *test = table_select(t, held);
    struct model *m = NULL;
    struct rule r;
    enum status st;

    *h = (struct holdout){ .rule = mem_strdup(rule) };
    h->all.level = (double)NAN;
    st = parse_rule(&r, t, rule, err);
    if (st == OK && r.rolling)
        st = roll_all(h, t, &r, spec, err);
    h->unpredicted = 0;
    if (st == OK)
        st = fit_model_new_test(&m, test, spec, err);
    if (st == OK)
        judge_rows(&h->all, h, f, m);
    fit_model_free(m);
    table_free(test);
    return st;
}

void holdout_release(struct holdout *h)
{
    free(h->rule);
    free(h->steps);
    free(h->rows);
    *h = (struct holdout){ 0 };
}

/* --- reports ------------------------------------------------------------- */

static void add_step(struct str *out, const struct holdout_step *s,
                     const char *what)
{
    str_addf(out, "  %-22s %5d %5d %9.4g %+9.4g", what, s->n_train, s->n_test,
             s->rmse, s->mean);
    if (isnan(s->covered))
        str_add(out, "        -");
    else
        str_addf(out, "   %4.0f %%", 100 * s->covered);
    if (isfinite(s->beyond))
        str_addf(out, "  %.2gx\n", s->beyond);
    else
        str_add(out, "  past 0\n");
}

void holdout_text(struct str *out, const struct holdout *h,
                  const struct model *m)
{
    char buf[32], *what;

    str_addf(out,
             "\n  held out (%s residuals)   train  test      rmse"
             "      mean  covered  beyond\n",
             fit_space_name(m->space));
    for (int i = 0; i < h->n_steps; i++) {
        what = mem_printf("at %s", text_si(buf, h->steps[i].level, 3));
        add_step(out, &h->steps[i], what);
        free(what);
    }
    add_step(out, &h->all, h->rule);
    if (h->unpredicted)
        str_addf(out,
                 "  %d held-out rows have a format that the training has "
                 "not\n",
                 h->unpredicted);
}

static void step_json(struct str *out, const struct holdout_step *s)
{
    if (!isnan(s->level))
        json_add_number(out, "level", s->level);
    json_add_number(out, "n_train", s->n_train);
    json_add_number(out, "n_test", s->n_test);
    json_add_number(out, "rmse", s->rmse);
    json_add_number(out, "mean", s->mean);
    json_add_number(out, "covered95", s->covered);
    json_add_number(out, "beyond", s->beyond);
}

void holdout_json(struct str *out, const struct holdout *h)
{
    str_add(out, ",\"holdout\":{");
    json_add_text(out, "rule", h->rule);
    step_json(out, &h->all);
    json_add_number(out, "unpredicted", h->unpredicted);
    str_add(out, ",\"steps\":[");
    for (int i = 0; i < h->n_steps; i++) {
        str_add(out, i ? ",{" : "{");
        step_json(out, &h->steps[i]);
        str_add_char(out, '}');
    }
    str_add(out, "]}");
}
