/* plot.c - the table of figures. */
#include "harness/figures/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/figures/headline.h"

static const struct plot_figure figures[] = {
#define FIGURE(name, what, section, build, choices)                            \
    { name, what, build, section, choices },
#include "harness/figures/figures.def"
#undef FIGURE
};

const struct plot_figure *plot_figure_at(int i)
{
    return i >= 0 && i < (int)(sizeof figures / sizeof figures[0]) ? &figures[i]
                                                                   : NULL;
}

const struct plot_figure *plot_figure_find(const char *name)
{
    for (int i = 0; plot_figure_at(i); i++)
        if (strcmp(plot_figure_at(i)->name, name) == 0)
            return plot_figure_at(i);
    return NULL;
}

enum status plot_figure_takes(const struct plot_figure *f,
                              const struct plot_choice *c, struct err *err)
{
    const char *wrong = NULL;

    if (c->x && f->choices != CHOICE_ROWS)
        wrong = "x";
    else if (c->n_at > 0 && f->choices == CHOICE_NONE)
        wrong = "at";
    else if (c->by_line && f->choices == CHOICE_NONE)
        wrong = "by";
    return wrong ? err_set(err, ERR_USAGE,
                           "--%s: %s chooses its lines and panels itself; "
                           "loss-vs-N, delta-vs-N and the like take --by and "
                           "--at, law-vs-variables --x too",
                           wrong, f->name)
                 : OK;
}

enum status plot_figure_build(struct picture **out, const struct plot_figure *f,
                              struct plot_data *d,
                              const struct plot_choice *choice, struct err *err)
{
    const enum status st = f->build(out, d, choice, err);

    if (st == OK)
        headline_set(*out, f->name, d, choice);
    return st;
}

enum status plot_figure_need(const struct plot_figure **out, const char *name,
                             struct err *err)
{
    const char *names[64], *near;
    size_t n = 0;

    *out = plot_figure_find(name);
    if (*out)
        return OK;
    for (; plot_figure_at((int)n) && n < 64; n++)
        names[n] = plot_figure_at((int)n)->name;
    near = text_nearest(name, names, n);
    return err_set(err, ERR_USAGE, "there is no figure '%s'%s%s%s", name,
                   near ? ", did you mean '" : " ('qlaw plot' lists them)",
                   near ? near : "", near ? "'?" : "");
}

void plot_setting(struct str *out, const char *var, double value)
{
    char buf[32];

    str_addf(out, "%s = %s", var, text_si(buf, value, 3));
}

void plot_group_tics(struct picture_axis *a, const struct plot_data *d)
{
    enum { MOST = 12 };
    double seen[MOST];
    int n = 0;

    for (int i = 0; i < d->n && n < MOST; i++) {
        bool fresh = strcmp(d->points[i].gran, "group") == 0;

        for (int k = 0; k < n; k++)
            fresh = fresh && seen[k] != d->points[i].G;
        if (fresh)
            seen[n++] = d->points[i].G;
    }
    for (int i = 0; i < n && n < MOST; i++) {
        char buf[32];

        picture_tic(a, seen[i], text_si(buf, seen[i], 3));
    }
}

static const char *kind_of(const struct plot_point *p, bool arms)
{
    return arms && *p->arm ? p->arm : p->family;
}

int plot_families(const struct plot_point **out, int max,
                  const struct plot_data *d, bool arms)
{
    const struct plot_point **kind = mem_array((size_t)d->n + 1, sizeof *kind);
    int *count = mem_array((size_t)d->n + 1, sizeof *count), n = 0, m = 0;

    for (int i = 0; i < d->n; i++) {
        const struct plot_point *p = &d->points[i];
        int k = 0;

        if (p->base || !p->known || !isfinite(p->delta))
            continue;
        while (k < n && strcmp(kind_of(kind[k], arms), kind_of(p, arms)) != 0)
            k++;
        if (k == n)
            kind[n++] = p;
        count[k]++;
    }
    for (int i = 0; i < n && m < max; i++) {
        int fuller = 0;

        for (int k = 0; k < n; k++)
            fuller += count[k] > count[i] || (count[k] == count[i] && k < i);
        if (fuller < max)
            out[m++] = kind[i];
    }
    free(kind);
    free(count);
    return m;
}
