/* model_rows.c - which rows of the table can be used, and why not. */
#include "fit/model_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/rng.h"
#include "base/str.h"

static void leave_out(struct model *m, int64_t number, char *why)
{
    m->left_out =
        mem_grow(m->left_out, (size_t)m->n_left_out + 1, sizeof *m->left_out);
    m->left_out[m->n_left_out++] = (struct model_left_out){ number, why };
}

static enum status need_column(int *out, const struct table *t,
                               const char *name, const char *what,
                               struct err *err)
{
    const char *near = table_nearest(t, name);

    *out = table_find(t, name);
    if (*out >= 0)
        return OK;
    return err_set(err, ERR_USAGE,
                   "%s has no column '%s' (%s)%s%s%s; name it with "
                   "--map %s=COLUMN or make it with --derive",
                   t->source, name, what, near ? ", did you mean '" : "",
                   near ? near : "", near ? "'?" : "", name);
}

/* What is wrong with a cell that ought to hold a number, or NULL. */
static char *cell_trouble(const struct table *t, int col, size_t row)
{
    const struct column *c = &t->cols[col];

    if (isfinite(c->num[row]))
        return NULL;
    if (!c->text[row][0])
        return mem_printf("%s is empty", c->name);
    return table_cell_trouble(c, row);
}

/* --- reading ------------------------------------------------------------- */

struct columns {
    double *response;   /* of every row of the table */
    int response_col;   /* -1 when it is an expression */
    int *var;           /* of each name; -1: not a column */
    int sigma;          /* -1: none */
    double usual_sigma; /* the middle one of those above 0; 0 without any */
};

/* A column as it is, also when no cell of it holds a number, which would make
 * it one of words to an expression. */
static enum status read_response(struct columns *c, const struct model *m,
                                 const struct table *t, struct err *err)
{
    enum status st;

    if (c->response_col >= 0) {
        c->response = mem_array(t->rows, sizeof *c->response);
        memcpy(c->response, t->cols[c->response_col].num,
               t->rows * sizeof *c->response);
        return OK;
    }
    st = table_evaluate(&c->response, t, m->response, err);
    if (st != OK)
        err_prefix(err, "left side of '%s', ", m->formula);
    return st;
}

/* Of the positive numbers of a column.  A standard deviation a billion times
 * smaller would make one row the whole fit. */
static double middle_of(const struct column *c, size_t rows)
{
    double *v = mem_array(rows + 1, sizeof *v), middle = 0;
    size_t n = 0;

    for (size_t r = 0; r < rows; r++)
        if (isfinite(c->num[r]) && c->num[r] > 0)
            v[n++] = c->num[r];
    if (n) {
        qsort(v, n, sizeof *v, order_doubles);
        middle = v[n / 2];
    }
    free(v);
    return middle;
}

static enum status find_columns(struct columns *c, struct model *m,
                                const struct table *t,
                                const struct fit_spec *spec, struct err *err)
{
    enum status st = OK;

    c->var = mem_array((size_t)m->n_names, sizeof *c->var);
    c->response_col = table_find(t, m->response);
    c->sigma = -1;
    if (c->response_col < 0 &&
        m->response[strcspn(m->response, "()+-*/^ ")] == '\0')
        st = need_column(&c->response_col, t, m->response, "the response", err);
    if (st == OK)
        st = read_response(c, m, t, err);
    for (int i = 0; i < m->n_names && st == OK; i++) {
        struct model_name *nm = &m->names[i];
        const struct law_var *v = m->law ? law_var(m->law, nm->name) : NULL;

        c->var[i] = nm->is_var ? table_find(t, nm->name) : -1;
        nm->constant = v ? v->absent : (double)NAN;
        if (nm->is_var && c->var[i] < 0 && isnan(nm->constant))
            st = need_column(&c->var[i], t, nm->name, v->meaning, err);
    }
    if (st == OK && spec->sigma)
        st = need_column(&c->sigma, t, spec->sigma, "--weight-sigma", err);
    if (st == OK && spec->sigma)
        c->usual_sigma = middle_of(&t->cols[c->sigma], t->rows);
    return st;
}

static char *response_trouble(const struct model *m, const struct table *t,
                              const struct columns *c, size_t row)
{
    const double y = c->response[row];
    char *why =
        c->response_col >= 0 ? cell_trouble(t, c->response_col, row) : NULL;

    if (why)
        return why;
    if (!isfinite(y))
        return mem_printf("%s is not finite", m->response);
    if (m->space != FIT_LINEAR && y <= 0)
        return mem_printf("%s is %g, and %s space needs a positive one",
                          m->response, y, fit_space_name(m->space));
    return NULL;
}

static char *row_trouble(const struct model *m, const struct table *t,
                         const struct columns *c, size_t row)
{
    char *why = t->trouble[row] ? mem_strdup(t->trouble[row])
                                : response_trouble(m, t, c, row);

    for (int i = 0; i < m->n_names && !why; i++) {
        if (c->var[i] < 0)
            continue;
        why = cell_trouble(t, c->var[i], row);
        if (!why && t->cols[c->var[i]].num[row] < 0 &&
            expr_needs_positive(m->expr, i))
            why = mem_printf("%s is %g, and the law needs a positive one",
                             m->names[i].name, t->cols[c->var[i]].num[row]);
    }
    if (!why && c->sigma >= 0) {
        why = cell_trouble(t, c->sigma, row);
        if (!why && !(t->cols[c->sigma].num[row] > 1e-9 * c->usual_sigma))
            why = mem_printf(
                "%s is %g, not a standard deviation%s", t->cols[c->sigma].name,
                t->cols[c->sigma].num[row],
                t->cols[c->sigma].num[row] > 0 ? " beside the others" : "");
    }
    return why;
}

static void take_row(struct model *m, const struct table *t,
                     const struct columns *c, size_t row)
{
    const size_t i = m->rows++;
    const double y = c->response[row];
    const double sigma = c->sigma < 0 ? 1 : t->cols[c->sigma].num[row];

    m->y[i] = y;
    m->log_y[i] = y > 0 ? log(y) : (double)NAN;
    /* A deviation of the response is one of log y, or of law/y, over y. */
    m->scale[i] = c->sigma < 0             ? 1
                  : m->space == FIT_LINEAR ? 1 / sigma
                                           : y / sigma;
    m->number[i] = t->number[row];
    m->source_row[i] = row;
    for (int k = 0; k < m->n_names; k++)
        if (c->var[k] >= 0)
            m->names[k].values[i] = t->cols[c->var[k]].num[row];
}

static enum status refuse_rows(const struct model *m,
                               const struct fit_spec *spec, struct err *err)
{
    if (m->rows == 0)
        return err_set(err, ERR_FIT, "no row can be used; %s %lld: %s", m->noun,
                       (long long)m->left_out[0].number, m->left_out[0].why);
    if (!spec->strict || m->n_left_out == 0)
        return OK;
    return err_set(err, ERR_FIT,
                   "%d row%s cannot be used (--strict); "
                   "%s %lld: %s",
                   m->n_left_out, m->n_left_out == 1 ? "" : "s", m->noun,
                   (long long)m->left_out[0].number, m->left_out[0].why);
}

enum status model_read_rows(struct model *m, const struct table *t,
                            const struct fit_spec *spec, struct err *err)
{
    struct columns c = { 0 };
    enum status st = find_columns(&c, m, t, spec, err);

    m->has_sigma = spec->sigma != NULL;
    m->y = mem_array(t->rows, sizeof *m->y);
    m->log_y = mem_array(t->rows, sizeof *m->log_y);
    m->scale = mem_array(t->rows, sizeof *m->scale);
    m->number = mem_array(t->rows, sizeof *m->number);
    m->source_row = mem_array(t->rows, sizeof *m->source_row);
    for (int k = 0; st == OK && k < m->n_names; k++)
        if (c.var[k] >= 0)
            m->names[k].values = mem_array(t->rows, sizeof(double));
    for (size_t row = 0; st == OK && row < t->rows; row++) {
        char *why = row_trouble(m, t, &c, row);

        if (why)
            leave_out(m, t->number[row], why);
        else
            take_row(m, t, &c, row);
    }
    if (st == OK && m->rows == 0)
        st = refuse_rows(m, spec, err);
    free(c.response);
    free(c.var);
    return st;
}

/* --- groups -------------------------------------------------------------- */

/* Numbers in the order of their size, before words in that of their letters. */
static int by_label(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b, *end;
    double u = 0, v = 0;
    const bool is_u = text_read_number(&u, x, &end, false) && !*end;
    const bool is_v = text_read_number(&v, y, &end, false) && !*end;

    if (is_u != is_v)
        return is_u ? -1 : 1;
    if (is_u && u != v)
        return u < v ? -1 : 1;
    return strcmp(x, y);
}

enum status model_group_rows(char ***values, int *n, struct model *m, int slot,
                             const struct table *t, const char *column,
                             struct err *err)
{
    struct model_name *nm = &m->names[slot];
    int col;
    enum status st = need_column(&col, t, column, "--group-param", err);
    char **all;

    if (st != OK)
        return st;
    nm->column = mem_strdup(column);
    nm->group = mem_array(m->rows, sizeof *nm->group);
    all = mem_array(m->rows, sizeof *all);
    for (size_t i = 0; i < m->rows; i++)
        all[i] = t->cols[col].text[m->source_row[i]];
    qsort(all, m->rows, sizeof *all, by_label);
    *values = mem_array(m->rows, sizeof **values);
    for (size_t i = 0; i < m->rows; i++)
        if (i == 0 || strcmp(all[i], all[i - 1]) != 0)
            (*values)[(*n)++] = mem_strdup(all[i]);
    for (size_t i = 0; i < m->rows; i++) {
        const char *key = t->cols[col].text[m->source_row[i]];
        char **hit =
            bsearch(&key, *values, (size_t)*n, sizeof **values, by_label);

        nm->group[i] = (int)(hit - *values);
    }
    free(all);
    return OK;
}

/* --- what the law sees --------------------------------------------------- */

/* Parameter vectors that are tried: of either sign in turn, then large ones. */
#define ROUNDS       32
#define ROUNDS_LARGE 24

static bool is_positive_round(uint64_t round)
{
    return round % 2 == 0 || round >= ROUNDS_LARGE;
}

/* Some value of every parameter inside its bounds, another for each round; those
 * of a user's formula, of which nothing is known, get ever smaller, so that
 * exponentials of large numbers are finite in the end; at last larger, for what
 * a variable is taken from. */
static double any_value(const struct model_param *p, double u, uint64_t round)
{
    const double size = round < ROUNDS_LARGE
                            ? pow(10, -1.5 * (double)(round / 2))
                            : pow(10, 1.5 * (double)(round - ROUNDS_LARGE + 1));
    double v;

    if (isfinite(p->start) && p->start != 0)
        return p->start * (0.9 + u / 5);
    if (!isnan(p->held))
        return p->held;
    if (p->law)
        return fmin(fmax(p->law->lo + u * (p->law->hi - p->law->lo), p->lo),
                    p->hi);
    v = (is_positive_round(round) ? 1 : -1) * (0.1 + u) * size;
    return fmin(fmax(v, p->lo), p->hi);
}

static void any_theta(const struct model *m, double *theta, uint64_t round)
{
    const uint64_t key = rng_key(0, RNG_FIT, 77 + round);

    for (int i = 0; i < m->n_params; i++)
        theta[i] = any_value(&m->params[i],
                             0.1 + 0.8 * rng_f64(key, (uint64_t)i), round);
}

/* Row i goes to place at in every array. */
static void move_row(struct model *m, size_t at, size_t i)
{
    m->y[at] = m->y[i];
    m->log_y[at] = m->log_y[i];
    m->scale[at] = m->scale[i];
    m->number[at] = m->number[i];
    m->source_row[at] = m->source_row[i];
    for (int k = 0; k < m->n_names; k++) {
        if (m->names[k].values)
            m->names[k].values[at] = m->names[k].values[i];
        if (m->names[k].group)
            m->names[k].group[at] = m->names[k].group[i];
    }
}

/* The variable that a row's infinity comes from, as far as can be told: the
 * first that is zero. */
static char *infinity_of(const struct model *m, size_t i)
{
    for (int k = 0; k < m->n_names; k++)
        if (m->names[k].values && m->names[k].values[i] == 0 &&
            expr_uses(m->expr, k))
            return mem_printf("%s is 0, where the law has no finite value",
                              m->names[k].name);
    return mem_strdup("the law has no finite value there");
}

/* A row stays when the law and its derivatives are finite there for some of
 * several parameter vectors: positive ones, as the formula is written, so that
 * a size of 0 under A/N^alpha does not stay because alpha might be negative.
 * Where no row has a value for these, negative ones count too. */
static void find_finite(bool *finite, const struct model *m)
{
    bool *other = mem_array(m->rows, sizeof *other), some = false;
    struct model_work *w = model_work_new(m);
    double *theta = mem_array((size_t)m->n_params, sizeof *theta);
    double *mu = mem_array(m->rows, sizeof *mu);
    double *grad = mem_array(m->rows * (size_t)w->n_slots, sizeof *grad);

    for (uint64_t round = 0; round < ROUNDS; round++) {
        bool *to = is_positive_round(round) ? finite : other;

        any_theta(m, theta, round);
        model_law(w, theta, mu, grad);
        for (size_t i = 0; i < m->rows; i++) {
            bool ok = isfinite(mu[i]);

            for (int k = 0; k < w->n_slots; k++)
                ok = ok && isfinite(grad[(size_t)k * m->rows + i]);
            to[i] = to[i] || ok;
        }
    }
    for (size_t i = 0; i < m->rows; i++)
        some = some || finite[i];
    for (size_t i = 0; i < m->rows && !some; i++)
        finite[i] = other[i];
    free(other);
    free(theta);
    free(mu);
    free(grad);
    model_work_free(w);
}

static int by_line(const void *a, const void *b)
{
    const struct model_left_out *x = a, *y = b;

    return (x->number > y->number) - (x->number < y->number);
}

enum status model_drop_infinite(struct model *m, const struct fit_spec *spec,
                                struct err *err)
{
    bool *finite = mem_array(m->rows, sizeof *finite);
    size_t at = 0;

    find_finite(finite, m);
    for (size_t i = 0; i < m->rows; i++) {
        if (finite[i])
            move_row(m, at++, i);
        else
            leave_out(m, m->number[i], infinity_of(m, i));
    }
    m->rows = at;
    free(finite);
    if (m->n_left_out > 1)
        qsort(m->left_out, (size_t)m->n_left_out, sizeof *m->left_out, by_line);
    return refuse_rows(m, spec, err);
}

/* seen[p]: some row's law changes with parameter p. */
static void find_seen(bool *seen, const struct model *m)
{
    struct model_work *w = model_work_new(m);
    double *theta = mem_array((size_t)m->n_params, sizeof *theta);
    double *mu = mem_array(m->rows, sizeof *mu);
    double *grad = mem_array(m->rows * (size_t)w->n_slots, sizeof *grad);

    for (uint64_t round = 0; round < ROUNDS; round++) {
        any_theta(m, theta, round);
        model_law(w, theta, mu, grad);
        for (int k = 0; k < w->n_slots; k++) {
            const struct model_name *nm = &m->names[w->param_slots[k]];

            for (size_t i = 0; i < m->rows; i++)
                if (grad[(size_t)k * m->rows + i] != 0)
                    seen[nm->first + (nm->group ? nm->group[i] : 0)] = true;
        }
    }
    free(theta);
    free(mu);
    free(grad);
    model_work_free(w);
}

void model_hold_unseen(struct model *m)
{
    bool *seen = mem_array((size_t)m->n_params, sizeof *seen);

    find_seen(seen, m);
    for (int i = 0; i < m->n_params; i++) {
        struct model_param *p = &m->params[i];

        if (seen[i] || p->free < 0 || m->names[p->slot].count < 2)
            continue;
        p->held = 0;
        free(p->why);
        p->why = mem_strdup("no row depends on it");
    }
    free(seen);
}

enum status model_check_seen(const struct model *m, struct err *err)
{
    bool *seen = mem_array((size_t)m->n_params, sizeof *seen);
    struct str names = { 0 };
    int n = 0;

    find_seen(seen, m);
    for (int f = 0; f < m->n_free; f++) {
        bool any = false;

        for (int i = 0; i < m->n_params; i++)
            any = any || (m->params[i].free == f && seen[i]);
        if (!any)
            str_addf(&names, "%s%s", n++ ? ", " : "",
                     m->params[model_param_of(m, f)].name);
    }
    if (n)
        err_set(err, ERR_FIT, "not identifiable: no row depends on %s",
                str_text(&names));
    free(seen);
    str_release(&names);
    return n ? ERR_FIT : OK;
}
