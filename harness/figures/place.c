#include "harness/figures/place.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/study/interval.h"

static bool usable(const struct plot_point *p)
{
    return !p->base && isfinite(p->delta) && isfinite(p->stored_bits);
}

bool plot_is_at(const struct plot_point *p, const struct plot_place *s)
{
    return usable(p) && p->N == s->n && p->D == s->d;
}

static int by_arms(const void *a, const void *b)
{
    const struct plot_place *x = a, *y = b;

    if (x->arms != y->arms)
        return y->arms - x->arms;
    return (x->n * x->d < y->n * y->d) - (x->n * x->d > y->n * y->d);
}

static int by_size(const void *a, const void *b)
{
    const struct plot_place *x = a, *y = b;

    return x->n != y->n ? (x->n > y->n) - (x->n < y->n)
                        : (x->d > y->d) - (x->d < y->d);
}

int plot_places(struct plot_place *out, int most, const struct plot_data *d)
{
    struct plot_place *all = mem_array((size_t)d->n + 1, sizeof *all);
    int n = 0, kept;

    for (int i = 0; i < d->n; i++) {
        const struct plot_point *p = &d->points[i];
        int k = 0;

        if (!usable(p))
            continue;
        while (k < n && !plot_is_at(p, &all[k]))
            k++;
        if (k == n)
            all[n++] = (struct plot_place){ p->N, p->D, 0 };
        all[k].arms++;
    }
    qsort(all, (size_t)n, sizeof *all, by_arms);
    for (kept = 0; kept < n && kept < most && all[kept].arms > 1; kept++)
        out[kept] = all[kept];
    qsort(out, (size_t)kept, sizeof *out, by_size);
    free(all);
    return kept;
}

int plot_place_panel(struct picture *p, const struct plot_place *s, int n,
                     bool log)
{
    struct str title = { 0 };
    int panel;

    plot_setting(&title, "N", s->n);
    str_add(&title, ", ");
    plot_setting(&title, "D", s->d);
    panel = picture_panel(p, n > 1 ? str_text(&title) : "",
                          "stored bits, with scales", false,
                          "loss above the twin (nats/token)", log);
    str_release(&title);
    return panel;
}

int plot_series(struct picture *p, const char *name)
{
    for (int i = 0; i < p->n_series; i++)
        if (strcmp(p->series[i].name, name) == 0)
            return i;
    return picture_series(p, name, p->n_series);
}

double plot_half(const struct plot_point *p)
{
    return p->pairs > 1 ? interval_half(p->delta_se, p->pairs - 1) : 0;
}
