/* pareto.c - what a format costs against the bits it stores.
 *
 * An arm is on the front when no other of the same model and tokens stores at
 * most as much and costs at most as much.  Stored bits are those of the lead
 * operand, with its share of the scales (view quantized). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/figures/place.h"

#define MAX_PANELS 4

/* --- the front ------------------------------------------------------------ */

static bool is_beaten(const struct plot_data *d, int i,
                      const struct plot_place *s)
{
    const struct plot_point *p = &d->points[i];

    for (int k = 0; k < d->n; k++) {
        const struct plot_point *q = &d->points[k];

        if (k != i && plot_is_at(q, s) && q->stored_bits <= p->stored_bits &&
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
                                          const struct plot_place *s)
{
    const struct plot_point **out = mem_array((size_t)d->n, sizeof *out);

    *n = 0;
    for (int i = 0; i < d->n; i++)
        if (plot_is_at(&d->points[i], s) && !is_beaten(d, i, s))
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
                        const struct plot_place *s)
{
    int n;
    const struct plot_point **front = front_of(&n, d, s);

    add_front(p, panel, front, n);
    for (int i = 0; i < d->n; i++) {
        const struct plot_point *q = &d->points[i];

        if (!plot_is_at(q, s))
            continue;
        picture_point(p, panel, plot_series(p, q->family), q->stored_bits,
                      q->delta, plot_half(q));
        for (int k = 0; k < n; k++)
            p->points[p->n_points - 1].star |= front[k] == q;
    }
    free(front);
}

/* The front of one setting in words, and how many arms it cannot exclude. */
static void say_front(struct picture *p, const struct plot_data *d,
                      const struct plot_place *s)
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
        const double least = q->delta - plot_half(q);

        single += plot_is_at(q, s) && q->pairs < 2;
        near += plot_is_at(q, s) && q->pairs > 1 &&
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
    struct plot_place at[MAX_PANELS];
    const int n = plot_places(at, MAX_PANELS, d);
    struct picture *p;

    (void)choice;
    if (n == 0)
        return err_set(err, ERR_USAGE,
                       "no two arms of one model and tokens have a cost and "
                       "stored bits");
    p = picture_new("Cost against stored bits");
    p->share_x = p->share_y = true;
    for (int i = 0; i < n; i++) {
        plot_place_panel(p, &at[i], n, false);
        add_setting(p, i, d, &at[i]);
    }
    picture_say(&p->subtitle, "stars and steps: the front; bars: 95 %% "
                              "intervals of two seeds and more");
    picture_say(&p->source, "select arm, N, D, stored_bits, delta from "
                            "degradation");
    say_front(p, d, &at[n - 1]);
    *out = p;
    return OK;
}
