#include "fit/design_parts.h"

#include <gsl/gsl_eigen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/optimum.h"
#include "fit/predict.h"
#include "fit/solve.h"

/* --- rows ---------------------------------------------------------------- */

char *design_response(const struct fit_spec *spec)
{
    const size_t n = strcspn(spec->formula, "=");
    char *copy = mem_strndup(spec->formula, n);
    char *out = mem_strdup(text_trim(copy));

    free(copy);
    return out;
}

bool design_has_response(const struct table *t, const char *response)
{
    double *y = NULL;
    bool any = false;

    if (table_find(t, response) >= 0)
        for (size_t r = 0; r < t->rows; r++)
            any = any || isfinite(t->cols[table_find(t, response)].num[r]);
    else if (table_evaluate(&y, t, response, &(struct err){ .status = OK }) ==
             OK)
        for (size_t r = 0; r < t->rows; r++)
            any = any || isfinite(y[r]);
    free(y);
    return any;
}

/* One row of a part in the columns of the whole; text and number, which
 * differ where the column decided how a cell is read. */
static void add_row(struct table *t, const struct table *part, size_t row)
{
    const char **cells = mem_array((size_t)t->n_cols, sizeof *cells);

    for (int i = 0; i < t->n_cols; i++) {
        const int c = table_find(part, t->cols[i].name);

        cells[i] = c < 0 ? "" : part->cols[c].text[row];
    }
    table_add_row(t, part->number[row], cells);
    for (int i = 0; i < t->n_cols; i++) {
        const int c = table_find(part, t->cols[i].name);

        if (c >= 0)
            t->cols[i].num[t->rows - 1] = part->cols[c].num[row];
    }
    if (part->trouble[row])
        t->trouble[t->rows - 1] = mem_strdup(part->trouble[row]);
    free(cells);
}

/* The response of the rows from first on, which are of one part: what they
 * have, or 1 where it is not known yet, on which no derivative in log or
 * linear space depends. */
static void set_response(struct table *t, size_t first,
                         const struct table *part, const char *response,
                         bool known)
{
    const int at = table_find(t, response);
    double *y = NULL;

    if (known && table_find(part, response) >= 0)
        return;
    if (known &&
        table_evaluate(&y, part, response, &(struct err){ .status = OK }) != OK)
        y = NULL;
    for (size_t r = 0; r < part->rows; r++) {
        char buf[32];
        const double v = y ? y[r] : 1;

        free(t->cols[at].text[first + r]);
        t->cols[at].text[first + r] = mem_strdup(text_number(buf, v));
        t->cols[at].num[first + r] = v;
    }
    free(y);
}

/* Both tables in one. */
static struct table *join(const struct table *made,
                          const struct table *candidates, const char *response)
{
    const struct table *parts[] = { made, candidates };
    const struct table *first = made ? made : candidates;
    struct table *t = table_new(first->source, first->noun);

    for (int k = 0; k < 2; k++)
        for (int i = 0; parts[k] && i < parts[k]->n_cols; i++)
            if (table_find(t, parts[k]->cols[i].name) < 0)
                table_add_column(t, parts[k]->cols[i].name);
    if (table_find(t, response) < 0)
        table_add_column(t, response);
    for (int k = 0; k < 2; k++) {
        const size_t begin = t->rows;

        for (size_t r = 0; parts[k] && r < parts[k]->rows; r++)
            add_row(t, parts[k], r);
        if (parts[k])
            set_response(t, begin, parts[k], response,
                         k == 0 && design_has_response(made, response));
    }
    return t;
}

static double row_cost(const struct table *t, size_t row)
{
    static const char *const names[] = { "flops", "C" };
    const int n = table_find(t, "N"), d = table_find(t, "D");

    for (int k = 0; k < 2; k++) {
        const int c = table_find(t, names[k]);

        if (c >= 0 && t->cols[c].num[row] > 0)
            return t->cols[c].num[row];
    }
    if (n >= 0 && d >= 0 && t->cols[n].num[row] * t->cols[d].num[row] > 0)
        return 6 * t->cols[n].num[row] * t->cols[d].num[row];
    return 1;
}

/* --- constants ----------------------------------------------------------- */

/* "k" of "k[int4]". */
static double by_name(const struct design_source *source, const struct law *law,
                      const struct model *m, int i)
{
    const char *name = m->params[i].name;
    const struct law_set *set = law ? law_set(law, source->set) : NULL;
    double v = (double)NAN;

    if (!source->fit && !isnan(m->params[i].start))
        return m->params[i].start;
    if (source->fit) {
        const int j = model_find_param(source->fit->m, name);

        v = j >= 0 ? source->fit->best.theta[j] : v;
        for (int k = 0; isnan(v) && k < source->fit->m->n_params; k++)
            if (strcmp(
                    source->fit->m->names[source->fit->m->params[k].slot].name,
                    m->names[m->params[i].slot].name) == 0 &&
                source->fit->m->params[k].free >= 0)
                v = source->fit->best.theta[k];
    } else if (set) {
        v = law_set_value(set, m->names[m->params[i].slot].name);
    }
    return v;
}

/* The middle of where starts are drawn. */
static double middle(const struct law_param *p)
{
    if (!p)
        return 1;
    return p->lo > 0 && p->hi > 20 * p->lo ? sqrt(p->lo * p->hi)
                                           : 0.5 * (p->lo + p->hi);
}

static void assume_constants(struct design *d, const struct law *law,
                             const struct design_source *source)
{
    const struct model *m = d->m;

    d->theta = mem_array((size_t)m->n_params, sizeof *d->theta);
    d->missing = mem_array((size_t)m->n_params, sizeof *d->missing);
    for (int i = 0; i < m->n_params; i++) {
        d->theta[i] = m->params[i].free < 0 ? m->params[i].held
                                            : by_name(source, law, m, i);
        if (!isnan(d->theta[i]) && (d->theta[i] != 0 || m->params[i].free < 0))
            continue;
        d->theta[i] = middle(m->params[i].law);
        d->missing[d->n_missing++] = mem_strdup(m->params[i].name);
    }
}

/* --- information --------------------------------------------------------- */

/* Relative residuals are of the law's own value here. */
static void use_law_values(struct design *d)
{
    if (d->m->space == FIT_RELATIVE)
        model_law(d->work, d->theta, d->m->y, NULL);
}

static void find_gradients(struct design *d)
{
    const struct model *m = d->m;
    const size_t rows = m->rows, p = (size_t)m->n_free;
    double *u = mem_array(p, sizeof *u), *r = mem_array(rows, sizeof *r);
    double *jac = mem_array(rows * p, sizeof *jac);

    d->work = model_work_new(m);
    use_law_values(d);
    optimum_coordinates(d->work, d->theta);
    model_coordinates(d->work, u, d->theta);
    d->gradient = mem_array(rows * p, sizeof *d->gradient);
    model_residuals(d->work, u, r, jac);
    d->scale = mem_array(p, sizeof *d->scale);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < p; j++) {
            d->gradient[i * p + j] = jac[j * rows + i] / d->sigma;
            d->scale[j] += pow(d->gradient[i * p + j], 2);
        }
    for (size_t j = 0; j < p; j++)
        d->scale[j] = fmax(d->scale[j], 1e-300);
    free(u);
    free(r);
    free(jac);
}

void design_make(struct design *d, size_t row)
{
    const int p = d->m->n_free;
    const double *g = d->gradient + row * (size_t)p;

    d->made[row] = true;
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++)
            d->info[i * p + j] += g[i] * g[j];
}

enum status design_open(struct design *d, const struct table *made,
                        const struct table *candidates,
                        const struct fit_spec *spec,
                        const struct design_source *source, double sigma,
                        struct err *err)
{
    char *response = design_response(spec);
    const size_t n_made = made ? made->rows : 0;
    struct table *t = join(made, candidates, response);
    enum status st;

    *d = (struct design){ .sigma = sigma };
    st = fit_model_new(&d->m, t, spec, err);
    if (st == OK) {
        const size_t p = (size_t)d->m->n_free;

        assume_constants(d, spec->law, source);
        d->made = mem_array(d->m->rows, sizeof *d->made);
        d->cost = mem_array(d->m->rows, sizeof *d->cost);
        d->info = mem_array(p * p, sizeof *d->info);
        find_gradients(d);
        for (size_t i = 0; i < d->m->rows; i++) {
            d->cost[i] = row_cost(t, d->m->source_row[i]);
            if (d->m->source_row[i] < n_made)
                design_make(d, i);
        }
    }
    table_free(t);
    free(response);
    return st;
}

void design_close(struct design *d)
{
    for (int i = 0; i < d->n_missing; i++)
        free(d->missing[i]);
    free(d->missing);
    free(d->theta);
    free(d->gradient);
    free(d->made);
    free(d->cost);
    free(d->info);
    free(d->scale);
    model_work_free(d->work);
    fit_model_free(d->m);
    *d = (struct design){ .m = NULL };
}

/* --- covariance ---------------------------------------------------------- */

void design_promised(double *cov, const struct design *d, double prior)
{
    const int p = d->m->n_free;
    double *h = mem_array((size_t)(p * p), sizeof *h);
    double *e = mem_array((size_t)p, sizeof *e);

    for (int k = 0; k < p; k++) {
        for (int i = 0; i < p; i++) {
            for (int j = 0; j < p; j++)
                h[i * p + j] =
                    d->info[i * p + j] / sqrt(d->scale[i] * d->scale[j]) +
                    (i == j ? prior : 0);
            e[i] = i == k;
        }
        if (!solve_cholesky(h, e, p))
            e[k] = HUGE_VAL;
        for (int i = 0; i < p; i++)
            cov[i * p + k] = e[i] / sqrt(d->scale[i] * d->scale[k]);
    }
    free(h);
    free(e);
}

#define RIDGE 1e-13 /* all but no prior */

static double condition_of(const struct design *d)
{
    const size_t p = (size_t)d->m->n_free;
    gsl_matrix *a = gsl_matrix_alloc(p, p);
    gsl_vector *ev = gsl_vector_alloc(p);
    gsl_eigen_symm_workspace *w = gsl_eigen_symm_alloc(p);
    double lo, hi;

    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j < p; j++)
            gsl_matrix_set(a, i, j,
                           d->info[i * p + j] /
                               sqrt(fmax(d->info[i * p + i], 1e-300) *
                                    fmax(d->info[j * p + j], 1e-300)));
    gsl_eigen_symm(a, ev, w);
    gsl_vector_minmax(ev, &lo, &hi);
    gsl_matrix_free(a);
    gsl_vector_free(ev);
    gsl_eigen_symm_free(w);
    /* The square of the Jacobian's: below its rounding there is no telling. */
    return lo > 1e-14 * hi ? sqrt(hi / lo) : HUGE_VAL;
}

void design_errors(double *se, double *condition, const struct design *d)
{
    const int p = d->m->n_free;
    double *cov = mem_array((size_t)(p * p), sizeof *cov);

    *condition = condition_of(d);
    design_promised(cov, d, RIDGE);
    for (int i = 0; i < p; i++)
        se[i] = d->info[i * p + i] > 0 && cov[i * p + i] >= 0
                    ? sqrt(cov[i * p + i])
                    : HUGE_VAL;
    free(cov);
}

enum status design_gradient(double *c, const struct design *d,
                            char *const *settings, int n, struct err *err)
{
    const struct model *m = d->m;
    double *slots, mu, *g;
    int *chosen;
    struct expr_input *in;
    struct expr_work *w;
    enum status st =
        predict_slots(&slots, &chosen, m, d->theta, settings, n, err);

    if (st != OK)
        return st;
    memset(c, 0, (size_t)m->n_free * sizeof *c);
    g = mem_array((size_t)m->n_names, sizeof *g);
    in = mem_array((size_t)m->n_names, sizeof *in);
    for (int k = 0; k < m->n_names; k++)
        in[k] = (struct expr_input){ NULL, slots[k] };
    w = expr_work_new(m->expr, d->work->param_slots, d->work->n_slots);
    expr_eval_rows(w, &mu, g, 1, in, 1);
    for (int k = 0; k < d->work->n_slots; k++) {
        const int i = chosen[d->work->param_slots[k]];
        const int f = m->params[i].free;

        if (f >= 0)
            c[f] += g[k] * (d->work->is_log[f] ? d->theta[i] : 1) /
                    (m->space == FIT_LINEAR ? 1 : mu);
    }
    expr_work_free(w);
    free(in);
    free(g);
    free(slots);
    free(chosen);
    return OK;
}

double design_form(const double *a, const double *cov, const double *b, int p)
{
    double sum = 0;

    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++)
            sum += a[i] * cov[i * p + j] * b[j];
    return sum;
}

enum status design_prediction(double *se, const struct design *d,
                              char *const *settings, int n, struct err *err)
{
    const int p = d->m->n_free;
    double *c = mem_array((size_t)p, sizeof *c);
    double *cov = mem_array((size_t)(p * p), sizeof *cov);
    enum status st = design_gradient(c, d, settings, n, err);

    if (st == OK) {
        design_promised(cov, d, RIDGE);
        *se = sqrt(fmax(design_form(c, cov, c, p), 0));
    }
    free(c);
    free(cov);
    return st;
}
