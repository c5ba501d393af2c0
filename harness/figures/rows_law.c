/* rows_law.c - the law along each variable, with bands and rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "fit/predict.h"
#include "harness/figures/rows.h"

#define SAMPLES 61
#define PANELS  6

/* Where the law is drawn: a setting for each variable and grouping column. */
struct held {
    const struct plot_rows *d;
    struct predictor *law, *value_only; /* with intervals, and without */
    char **name, **value;
    int n;
};

static double median_of(const double *v, size_t n)
{
    double *x = mem_array(n + 1, sizeof *x), middle;

    memcpy(x, v, n * sizeof *x);
    qsort(x, n, sizeof *x, order_doubles);
    middle = x[n / 2];
    free(x);
    return middle;
}

static void hold(struct held *h, const char *name, char *value)
{
    for (int i = 0; i < h->n; i++)
        if (strcmp(h->name[i], name) == 0) {
            free(h->value[i]);
            h->value[i] = value;
            return;
        }
    h->name = mem_grow(h->name, (size_t)h->n + 1, sizeof *h->name);
    h->value = mem_grow(h->value, (size_t)h->n + 1, sizeof *h->value);
    h->name[h->n] = mem_strdup(name);
    h->value[h->n++] = value;
}

static enum status hold_all(struct held *h, const struct plot_rows *d,
                            const struct plot_choice *c, struct err *err)
{
    const struct model *m = d->m;
    char buf[32];

    *h = (struct held){ .d = d };
    h->law = predictor_new(m, d->f->best.theta, d->f);
    h->value_only = predictor_new(m, d->f->best.theta, NULL);
    for (int k = 0; k < m->n_names; k++) {
        const struct model_name *nm = &m->names[k];

        if (nm->is_var)
            hold(h, nm->name,
                 mem_strdup(text_number(
                     buf, nm->values ? median_of(nm->values, m->rows)
                                     : nm->constant)));
        else if (nm->column)
            hold(h, nm->column, mem_strdup(plot_rows_commonest(d, nm->column)));
    }
    for (int i = 0; i < c->n_at; i++) {
        const char *equals = strchr(c->at[i], '=');
        char *name = mem_strndup(c->at[i], strcspn(c->at[i], "="));
        const bool known = equals && predict_knows(m, name);

        if (known)
            hold(h, name, mem_strdup(equals + 1));
        free(name);
        if (!known)
            return err_set(err, ERR_USAGE,
                           "--at %s: the law has no such variable", c->at[i]);
    }
    return OK;
}

static void held_release(struct held *h)
{
    for (int i = 0; i < h->n; i++) {
        free(h->name[i]);
        free(h->value[i]);
    }
    free(h->name);
    free(h->value);
    predictor_free(h->law);
    predictor_free(h->value_only);
}

/* The law with one variable, and perhaps a group, somewhere else. */
static enum status ask(struct prediction *out, struct predictor *law,
                       const struct held *h, const char *variable, double x,
                       const char *column, const char *group, struct err *err)
{
    char **text = mem_array((size_t)h->n + 1, sizeof *text), buf[32];
    enum status st;

    for (int i = 0; i < h->n; i++) {
        const bool moved = strcmp(h->name[i], variable) == 0;
        const bool other = column && strcmp(h->name[i], column) == 0;

        text[i] = mem_printf("%s=%s", h->name[i],
                             moved   ? text_number(buf, x)
                             : other ? group
                                     : h->value[i]);
    }
    st = predictor_ask(out, law, text, h->n, err);
    for (int i = 0; i < h->n; i++)
        free(text[i]);
    free(text);
    return st;
}

/* One curve with its bands: of the law alone in a series of several, else of
 * runs too. */
static enum status add_curve(struct picture *p, int panel, int series,
                             const struct held *h, const struct row_axis *a,
                             const char *column, const char *group,
                             struct err *err)
{
    const int band = picture_band(p, panel, series);
    const int curve = picture_curve(p, panel, series, LOOK_LINE);
    const int low = group ? -1 : picture_curve(p, panel, -1, LOOK_THIN);
    const int high = group ? -1 : picture_curve(p, panel, -1, LOOK_THIN);

    for (int i = 0; i < SAMPLES; i++) {
        const double share = i / (SAMPLES - 1.0);
        const double x = a->log ? a->lo * pow(a->hi / a->lo, share)
                                : a->lo + (a->hi - a->lo) * share;
        struct prediction q;

        if (ask(&q, h->law, h, a->name, x, column, group, err) != OK)
            return ERR_USAGE;
        picture_to(p, curve, x, q.value);
        picture_band_to(p, band, x, q.mean_lo, q.mean_hi);
        if (!group && !isnan(q.run_lo)) {
            picture_to(p, low, x, q.run_lo);
            picture_to(p, high, x, q.run_hi);
        }
        prediction_release(&q);
    }
    return OK;
}

/* A row where the curve is: the law there, and what the row misses it by. */
static double moved_along(const struct plot_rows *d, size_t row, double law)
{
    return d->m->space == FIT_LINEAR ? law + d->m->y[row] - d->f->mu[row]
                                     : law * d->m->y[row] / d->f->mu[row];
}

static void add_rows(struct picture *p, int panel, const struct held *h,
                     const struct row_axis *a, const struct row_series *s)
{
    const struct plot_rows *d = h->d;
    const struct column *c = s->is_group ? &d->t->cols[s->column] : NULL;

    for (size_t i = 0; i < d->m->rows; i++) {
        struct prediction q;

        if (ask(&q, h->value_only, h, a->name, a->value[i], c ? c->name : NULL,
                c ? c->text[d->m->source_row[i]] : NULL, NULL) != OK)
            continue;
        plot_rows_point(p, d, panel, row_series_of(s, i), a->value[i],
                        moved_along(d, i, q.value));
        prediction_release(&q);
    }
}

/* "D = 20G, fmt = int4": what a panel holds. */
static char *held_text(const struct held *h, const char *variable,
                       const char *column)
{
    struct str text = { 0 };
    char buf[32];

    for (int i = 0; i < h->n; i++) {
        double x;

        if (strcmp(h->name[i], variable) == 0 ||
            (column && strcmp(h->name[i], column) == 0))
            continue;
        str_addf(&text, "%s%s = %s", text.len ? ", " : "at ", h->name[i],
                 table_number(&x, h->value[i]) ? text_si(buf, x, 3)
                                               : h->value[i]);
    }
    return str_steal(&text);
}

static enum status law_panel(struct picture *p, const struct held *h,
                             const struct row_axis *a,
                             const struct row_series *s, struct err *err)
{
    const struct plot_rows *d = h->d;
    const char *column = s->is_group ? d->t->cols[s->column].name : NULL;
    char *title = held_text(h, a->name, column);
    const int panel =
        picture_panel(p, title, a->name, a->log, d->m->response, false);
    enum status st = OK;

    free(title);
    if (!s->is_group)
        st = add_curve(p, panel, -1, h, a, NULL, NULL, err);
    for (int k = 0; s->is_group && k < s->n && st == OK; k++)
        st = add_curve(p, panel, k, h, a, column, s->name[k], err);
    if (st == OK)
        add_rows(p, panel, h, a, s);
    return st;
}

/* Along what is no variable there is no curve: the rows, and what the law says
 * of each. */
static void column_panel(struct picture *p, const struct plot_rows *d,
                         const struct row_axis *a, const struct row_series *s)
{
    const int panel =
        picture_panel(p, "", a->name, a->log, d->m->response, false);
    const int law = picture_series(p, "the law", -1);

    row_axis_tics(a, &p->panels[panel].x);
    for (size_t i = 0; i < d->m->rows; i++)
        plot_rows_point(p, d, panel, row_series_of(s, i), a->value[i],
                        d->m->y[i]);
    for (size_t i = 0; i < d->m->rows; i++) {
        const int before = p->n_points;

        plot_rows_point(p, d, panel, law, a->value[i], d->f->mu[i]);
        for (int k = before; k < p->n_points; k++)
            p->points[k].star = true;
    }
    picture_say(&p->note, "Stars: what the law says of each row.");
}

static enum status law_panels(struct picture *p, const struct plot_rows *d,
                              const struct plot_choice *c, struct held *h,
                              const struct row_series *s, struct err *err)
{
    int n, *slots = row_axis_variables(&n, d);
    struct row_axis a;
    enum status st = OK;

    if (c->x) {
        st = row_axis_find(&a, d, c->x, err);
        if (st == OK && a.slot < 0)
            column_panel(p, d, &a, s);
        else if (st == OK)
            st = law_panel(p, h, &a, s, err);
        row_axis_release(&a);
    }
    for (int k = 0; !c->x && k < n && k < PANELS && st == OK; k++) {
        st = row_axis_find(&a, d, d->m->names[slots[k]].name, err);
        if (st == OK)
            st = law_panel(p, h, &a, s, err);
        row_axis_release(&a);
    }
    if (st == OK && p->n_panels == 0)
        st = err_set(err, ERR_USAGE,
                     "the rows differ in no variable of the law");
    free(slots);
    return st;
}

/* What the law does from one end of each variable to the other. */
static void say_law(struct picture *p, const struct plot_rows *d)
{
    struct str text = { 0 };

    for (int k = 0, told = -1; k < p->n_curves; k++) {
        const struct picture_line *l = &p->curves[k];
        char from[32], to[32];

        if (l->look != LOOK_LINE || l->panel == told || l->n < 2)
            continue;
        str_addf(&text, "%s %.4g at %s = %s, %.4g at %s", text.len ? ";" : ":",
                 l->at[0].y, p->panels[l->panel].x.label,
                 text_si(from, l->at[0].x, 3), l->at[l->n - 1].y,
                 text_si(to, l->at[l->n - 1].x, 3));
        told = l->panel;
    }
    picture_say(&p->finding, "%s on %zu rows of %s%s.", plot_rows_law_name(d),
                d->m->rows, d->source, str_text(&text));
    str_release(&text);
}

PLOT_ROWS_BUILDER(plot_rows_law)
{
    struct picture *p = picture_new("The law along each variable");
    struct row_series s;
    struct held h = { .n = 0 };
    enum status st = row_series_find(&s, d, choice->by_line, err);

    if (st == OK)
        st = hold_all(&h, d, choice, err);
    if (st == OK) {
        row_series_add(&s, p, d);
        st = law_panels(p, d, choice, &h, &s, err);
    }
    row_series_release(&s);
    held_release(&h);
    if (st != OK) {
        picture_free(p);
        return st;
    }
    picture_say(&p->subtitle, "%s of %s, %s", d->m->response, d->source,
                plot_rows_law_name(d));
    if (p->n_curves)
        picture_say(&p->note, "%s%s",
                    *p->panels[0].title ? "Points: rows moved along the law. "
                                        : "",
                    p->curves[0].series >= 0 ? "Bands: 95 % of the law."
                                             : "Band: 95 % of the law; "
                                               "dashed: of a run.");
    say_law(p, d);
    plot_rows_say_source(p, d);
    *out = p;
    return OK;
}

/* The same of a grid's fit and the rows it was made from. */
PLOT_BUILDER(plot_law_variables)
{
    static const struct plot_choice none = { .n_at = 0 };
    const struct plot_again *a = plot_data_again(d);
    char *why = a ? NULL : plot_data_no_fit(d);
    struct plot_rows rows;
    enum status st = OK;

    if (!a || !a->ok)
        st = err_set(err, ERR_USAGE, "%s", a ? a->why : why);
    free(why);
    if (st != OK)
        return st;
    rows = (struct plot_rows){ a->model, &a->fit, a->request.table,
                               d->grid ? d->grid : a->request.source };
    return plot_rows_law(out, &rows, choice ? choice : &none, err);
}
