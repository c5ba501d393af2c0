/* pareto.c - what a format costs against the bits it stores.
 *
 * An arm is on the front when no other of the same model and tokens stores at
 * most as much and costs at most as much.  Stored bits are those of the lead
 * operand, with its share of the scales (view quantized). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/figures/plot.h"
#include "harness/study/interval.h"

#define MAX_PANELS 4

struct place {
    double n, d;
    int arms;
};

static bool usable(const struct plot_point *p)
{
    return !p->base && isfinite(p->delta) && isfinite(p->stored_bits);
}

static bool is_at(const struct plot_point *p, const struct place *s)
{
    return usable(p) && p->N == s->n && p->D == s->d;
}

/* --- which settings ------------------------------------------------------- */

static int by_arms(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->arms != y->arms)
        return y->arms - x->arms;
    return (x->n * x->d < y->n * y->d) - (x->n * x->d > y->n * y->d);
}

static int by_size(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return x->n != y->n ? (x->n > y->n) - (x->n < y->n)
                        : (x->d > y->d) - (x->d < y->d);
}

/* Those with the most arms, of equals the largest; the smallest comes first. */
static int choose(struct place out[MAX_PANELS], const struct plot_data *d)
{
    struct place *all = mem_array((size_t)d->n + 1, sizeof *all);
    int n = 0, kept;

    for (int i = 0; i < d->n; i++) {
        const struct plot_point *p = &d->points[i];
        int k = 0;

        if (!usable(p))
            continue;
        while (k < n && !is_at(p, &all[k]))
            k++;
        if (k == n)
            all[n++] = (struct place){ p->N, p->D, 0 };
        all[k].arms++;
    }
    qsort(all, (size_t)n, sizeof *all, by_arms);
    for (kept = 0; kept < n && kept < MAX_PANELS && all[kept].arms > 1; kept++)
        out[kept] = all[kept];
    qsort(out, (size_t)kept, sizeof *out, by_size);
    free(all);
    return kept;
}

/* --- the front ------------------------------------------------------------ */

static bool is_beaten(const struct plot_data *d, int i, const struct place *s)
{
    const struct plot_point *p = &d->points[i];

    for (int k = 0; k < d->n; k++) {
        const struct plot_point *q = &d->points[k];

        if (k != i && is_at(q, s) && q->stored_bits <= p->stored_bits &&
            q->delta <= p->delta &&
            (q->stored_bits < p->stored_bits || q->delta < p->delta || k < i))
            return true;
    }
    return false;
}

static int by_bits(const void *a, const void *b)
{
    const struct plot_point *x = *(const struct plot_point *const *)a;
    const struct plot_point *y = *(const struct plot_point *const *)b;

    return (x->stored_bits > y->stored_bits) -
           (x->stored_bits < y->stored_bits);
}

/* The arms of the front by their bits; the caller frees the list. */
static const struct plot_point **front_of(int *n, const struct plot_data *d,
                                          const struct place *s)
{
    const struct plot_point **out = mem_array((size_t)d->n, sizeof *out);

    *n = 0;
    for (int i = 0; i < d->n; i++)
        if (is_at(&d->points[i], s) && !is_beaten(d, i, s))
            out[(*n)++] = &d->points[i];
    qsort(out, (size_t)*n, sizeof *out, by_bits);
    return out;
}

/* What the front costs at so many bits. */
static double front_at(const struct plot_point *const *front, int n,
                       double bits)
{
    double cost = HUGE_VAL;

    for (int i = 0; i < n && front[i]->stored_bits <= bits; i++)
        cost = front[i]->delta;
    return cost;
}

/* --- drawing -------------------------------------------------------------- */

static int series_of(struct picture *p, const char *name)
{
    for (int i = 0; i < p->n_series; i++)
        if (strcmp(p->series[i].name, name) == 0)
            return i;
    return picture_series(p, name, p->n_series);
}

static double half_of(const struct plot_point *q)
{
    return q->pairs > 1 ? interval_half(q->delta_se, q->pairs - 1) : 0;
}

/* Stairs: to store less than an arm of the front is to pay for the one before.
 */
static void add_front(struct picture *p, int panel,
                      const struct plot_point *const *front, int n)
{
    const int c = picture_curve(p, panel, -1, LOOK_THIN);

    for (int i = 0; i < n; i++) {
        if (i > 0)
            picture_to(p, c, front[i]->stored_bits, front[i - 1]->delta);
        picture_to(p, c, front[i]->stored_bits, front[i]->delta);
    }
}

static void add_setting(struct picture *p, int panel, const struct plot_data *d,
                        const struct place *s)
{
    int n;
    const struct plot_point **front = front_of(&n, d, s);

    add_front(p, panel, front, n);
    for (int i = 0; i < d->n; i++) {
        const struct plot_point *q = &d->points[i];

        if (!is_at(q, s))
            continue;
        picture_point(p, panel, series_of(p, q->family), q->stored_bits,
                      q->delta, half_of(q));
        for (int k = 0; k < n; k++)
            p->points[p->n_points - 1].star |= front[k] == q;
    }
    free(front);
}

/* The front of one setting in words, and how many arms it cannot exclude. */
static void say_front(struct picture *p, const struct plot_data *d,
                      const struct place *s)
{
    int n, near = 0, single = 0;
    const struct plot_point **front = front_of(&n, d, s);
    struct str text = { 0 };
    char a[32], b[32];

    for (int i = 0; i < n; i++)
        str_addf(&text, "%s%s (%.4g bits, %.2g)", i ? ", " : "", front[i]->arm,
                 front[i]->stored_bits, front[i]->delta);
    for (int i = 0; i < d->n; i++) {
        const struct plot_point *q = &d->points[i];
        const double least = q->delta - half_of(q);

        single += is_at(q, s) && q->pairs < 2;
        near += is_at(q, s) && q->pairs > 1 &&
                q->delta > front_at(front, n, q->stored_bits) &&
                least <= front_at(front, n, q->stored_bits);
    }
    picture_say(&p->finding, "The front of the means at N = %s, D = %s: %s.",
                text_si(a, s->n, 3), text_si(b, s->d, 3), str_text(&text));
    if (near)
        picture_add(&p->finding, "The 95 %% intervals of %d other%s reach it.",
                    near, near == 1 ? "" : "s");
    if (single)
        picture_add(&p->finding,
                    "%d arm%s one seed and so no interval: more seeds may "
                    "move the front.",
                    single, single == 1 ? " has" : "s have");
    str_release(&text);
    free(front);
}

PLOT_BUILDER(plot_pareto)
{
    struct place at[MAX_PANELS];
    const int n = choose(at, d);
    struct picture *p;

    (void)choice;
    if (n == 0)
        return err_set(err, ERR_USAGE,
                       "no two arms of one model and tokens have a cost and "
                       "stored bits");
    p = picture_new("Cost against stored bits");
    p->share_x = p->share_y = true;
    for (int i = 0; i < n; i++) {
        struct str title = { 0 };

        plot_setting(&title, "N", at[i].n);
        str_add(&title, ", ");
        plot_setting(&title, "D", at[i].d);
        picture_panel(p, n > 1 ? str_text(&title) : "",
                      "stored bits of an element, scales included", false,
                      "loss above the twin (nats/token)", false);
        add_setting(p, i, d, &at[i]);
        str_release(&title);
    }
    picture_say(&p->subtitle, "stars and steps: the front; bars: 95 %% "
                              "intervals of two seeds and more");
    picture_say(&p->source, "select arm, N, D, stored_bits, delta from "
                            "degradation");
    say_front(p, d, &at[n - 1]);
    *out = p;
    return OK;
}
