/* again.c - a stored fit made once more from its request. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/figures/data.h"

/* Rows may have been added or losses changed since; then what is stored and
 * what comes out now must not stand side by side. */
static bool same(const struct plot_again *a, const struct plot_fit *f)
{
    for (int i = 0; i < f->n_stored; i++) {
        const int k = model_find_param(a->model, f->params[i].name);
        const double size = fmax(fabs(f->params[i].value), f->params[i].se);

        if (k < 0 ||
            fabs(a->fit.est[k].value - f->params[i].value) > 1e-2 * size)
            return false;
    }
    return true;
}

/* Fit the model of the request, unless something failed before. */
static void finish(struct plot_again *a, enum status st, struct err *err)
{
    if (st == OK)
        st =
            fit_run(&a->fit, a->model, a->request.table, &a->request.spec, err);
    a->ok = st == OK;
    if (!a->ok)
        a->why = mem_strdup(err->text);
}

/* What was found needs no second search: it starts at what is stored. */
static void start_at(struct model *m, const struct plot_fit *f)
{
    for (int i = 0; i < f->n_stored; i++) {
        const int k = model_find_param(m, f->params[i].name);

        if (k >= 0 && isfinite(f->params[i].value))
            m->params[k].start = f->params[i].value;
    }
}

static void make(struct plot_again *a, const struct plot_data *d)
{
    struct err err = { 0 };
    enum status st =
        fit_request_stored(&a->request, d->db_path, d->fit->id, &err);

    if (st == OK)
        st = fit_model_new(&a->model, a->request.table, &a->request.spec, &err);
    if (st == OK)
        start_at(a->model, d->fit);
    finish(a, st, &err);
    if (!a->ok)
        return;
    fit_input_judge(&a->fit, &a->request, d->db_path);
    a->ok = same(a, d->fit);
    if (!a->ok) {
        fit_release(&a->fit);
        a->why = mem_strdup("its parameters come out differently now");
    }
}

const struct plot_again *plot_data_again(struct plot_data *d)
{
    if (!d->again && d->fit) {
        d->again = mem_alloc(sizeof *d->again);
        make(d->again, d);
    }
    return d->again;
}

/* As `qlaw fit GRID --paired` would make it. */
static enum status request_costs(struct fit_request *rq,
                                 const struct plot_data *d, struct err *err)
{
    const struct plot_fit *f = d->fit ? d->fit : d->stale;
    const struct law *law = f ? law_find(f->law) : NULL;
    const struct session silent = { .db_path = d->db_path, .verbosity = -1 };
    struct fit_options o;
    enum status st;

    fit_options_init(&o);
    o.grid = mem_strdup(d->grid);
    o.paired = true;
    if (law && law->paired)
        o.law = mem_strdup(f->law);
    st = fit_request_read(rq, &o, &silent, err);
    fit_options_release(&o);
    return st;
}

/* A constant for each of very many arms is work that grows with their cube. */
#define MOST_PARAMS 48

static void make_costs(struct plot_again *a, const struct plot_data *d)
{
    struct err err = { 0 };
    enum status st = request_costs(&a->request, d, &err);

    if (st == OK)
        st = fit_model_new(&a->model, a->request.table, &a->request.spec, &err);
    if (st == OK && a->model->n_params > MOST_PARAMS)
        st = err_set(&err, ERR_FIT,
                     "%d parameters are too many to be fitted "
                     "for a report",
                     a->model->n_params);
    finish(a, st, &err);
}

const struct plot_again *plot_data_costs(struct plot_data *d)
{
    if (!d->costs && d->grid) {
        d->costs = mem_alloc(sizeof *d->costs);
        make_costs(d->costs, d);
    }
    return d->costs;
}

void plot_again_free(struct plot_again *a)
{
    if (!a)
        return;
    if (a->ok)
        fit_release(&a->fit);
    fit_model_free(a->model);
    fit_request_release(&a->request);
    free(a->why);
    free(a);
}

/* --- settings ------------------------------------------------------------- */

void plot_settings_add(struct plot_settings *s, char *text)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->text[i], text) == 0) {
            free(text);
            return;
        }
    if (s->n < (int)(sizeof s->text / sizeof s->text[0]))
        s->text[s->n++] = text;
    else
        free(text);
}

void plot_settings_release(struct plot_settings *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->text[i]);
    s->n = 0;
}

/* The value of a variable, NaN when a point does not tell. */
static double variable(const char *name, const struct plot_point *p)
{
    const struct {
        const char *name;
        double value;
    } known[] = {
        { "N", p->N },
        { "D", p->D },
        { "G", p->base ? 1 : p->G },
        { "B", p->base ? 1 : p->G },
        { "E", p->base ? 8 : p->E },
        { "M", p->base ? 23 : p->M },
        { "P", p->base ? 32 : p->bits },
        { "gmse", p->base ? 0 : p->gmse },
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].value;
    return (double)NAN;
}

struct plot_settings plot_settings_of(const struct plot_again *a,
                                      const struct plot_fit *f,
                                      const struct plot_point *p,
                                      const char *without)
{
    struct plot_settings s = { .n = 0 };
    char buf[32];

    for (int k = 0; k < a->model->n_names; k++) {
        const struct model_name *nm = &a->model->names[k];
        const double v = variable(nm->name, p);

        if (nm->is_var && !isnan(v) &&
            !(strlen(nm->name) == 1 && strchr(without, *nm->name)))
            plot_settings_add(
                &s, mem_printf("%s=%s", nm->name, text_number(buf, v)));
        if (!nm->is_var && nm->column) {
            const char *word = plot_fit_group(f, nm->name, p, p->base);

            plot_settings_add(
                &s, mem_printf("%s=%s", nm->column, word ? word : p->fmt));
        }
    }
    return s;
}
