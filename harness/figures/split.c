/* split.c - exponent against mantissa bits: the cost of each split, and
 * the best one for each number of bits. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/figures/plot.h"
#include "harness/study/splits.h"

#define MAX_BITS 16

/* The cost of eXmY at X, Y; NaN where there is none. */
struct split_map {
    double cost[MAX_BITS][MAX_BITS];
    bool framed[MAX_BITS][MAX_BITS]; /* the best, or not told from it */
    int points;
};

static void clear(struct split_map *t)
{
    t->points = 0;
    for (int e = 0; e < MAX_BITS; e++)
        for (int m = 0; m < MAX_BITS; m++)
            t->cost[e][m] = (double)NAN;
    memset(t->framed, 0, sizeof t->framed);
}

static bool usable(const struct plot_point *p)
{
    return !p->base && isfinite(p->delta) && p->E >= 0 && p->E < MAX_BITS &&
           p->M >= 0 && p->M < MAX_BITS;
}

/* What is quantized, without the format: "W+A". */
static const char *operands(const struct plot_point *p)
{
    const char *space = strchr(p->family, ' ');

    return space ? space + 1 : "";
}

/* The same operands; the words behind them say the scale, if no preset does. */
static bool same_operands(const struct plot_point *a,
                          const struct plot_point *b)
{
    const char *x = strchr(a->family, ' '), *y = strchr(b->family, ' ');
    const size_t n = x ? strcspn(x + 1, " ") : 0;

    return x && y ? strcspn(y + 1, " ") == n && memcmp(x, y, n + 1) == 0
                  : x == y;
}

static bool same_setting(const struct plot_point *a, const struct plot_point *b)
{
    return a->N == b->N && a->D == b->D &&
           (a->G == b->G || (isnan(a->G) && isnan(b->G))) &&
           same_operands(a, b) && strcmp(a->scale, b->scale) == 0;
}

/* The setting at which most splits were run; of equals the largest. */
static const struct plot_point *fullest(const struct plot_data *d)
{
    const struct plot_point *best = NULL;
    int most = 2;

    for (int i = 0; i < d->n; i++) {
        const struct plot_point *a = &d->points[i];
        int n = 0;

        if (!usable(a))
            continue;
        for (int k = 0; k < d->n; k++)
            n += usable(&d->points[k]) && same_setting(a, &d->points[k]);
        if (n > most ||
            (n == most && best && a->N * a->D > best->N * best->D)) {
            most = n;
            best = a;
        }
    }
    return best;
}

static void measure(struct split_map *t, const struct plot_data *d,
                    const struct plot_point *at)
{
    clear(t);
    for (int i = 0; i < d->n; i++) {
        const struct plot_point *p = &d->points[i];

        if (usable(p) && same_setting(at, p)) {
            t->cost[(int)p->E][(int)p->M] = p->delta;
            t->points++;
        }
    }
}

/* The same from a law in E and M, over the same square and what lies
 * between. */
static void predict(struct split_map *t, const struct split_map *seen,
                    const struct plot_data *d, const struct plot_point *at)
{
    int e_max = 0, m_max = 0;

    clear(t);
    if (!plot_fit_uses(d->fit, "E") || !plot_fit_uses(d->fit, "M"))
        return;
    for (int e = 0; e < MAX_BITS; e++)
        for (int m = 0; m < MAX_BITS; m++)
            if (!isnan(seen->cost[e][m])) {
                e_max = e > e_max ? e : e_max;
                m_max = m > m_max ? m : m_max;
            }
    for (int e = 0; e <= e_max; e++)
        for (int m = 0; m <= m_max; m++) {
            struct plot_point p = *at;

            p.E = e;
            p.M = m;
            p.bits = 1 + e + m;
            t->cost[e][m] = e + m ? plot_fit_delta(d->fit, &p) : (double)NAN;
            t->points += !isnan(t->cost[e][m]);
        }
}

/* Of the splits with e + m = bits - 1 that were tried, the best; -1 when fewer
 * than two were. */
static int best_mantissa(const struct split_map *t, int sum)
{
    int best = -1, n = 0;

    for (int m = 0; m <= sum && m < MAX_BITS; m++)
        if (sum - m < MAX_BITS && !isnan(t->cost[sum - m][m])) {
            if (best < 0 || t->cost[sum - m][m] < t->cost[sum - best][best])
                best = m;
            n++;
        }
    return n > 1 ? best : -1;
}

/* By the law, which has no noise: the smallest of those tried. */
static void frame_smallest(struct split_map *t)
{
    for (int sum = 0; sum < 2 * MAX_BITS - 1; sum++) {
        const int m = best_mantissa(t, sum);

        if (m >= 0)
            t->framed[sum - m][m] = true;
    }
}

static void frame_arm(struct split_map *t, const struct plot_data *d,
                      const struct plot_point *at, const char *fmt)
{
    for (int i = 0; i < d->n; i++) {
        const struct plot_point *p = &d->points[i];

        if (usable(p) && same_setting(at, p) && strcmp(p->fmt, fmt) == 0)
            t->framed[(int)p->E][(int)p->M] = true;
    }
}

/* Measured: the smallest mean over all cells of the group, and everything that
 * is not told from it (splits.h). */
static void frame_untold(struct split_map *t, const struct plot_data *d,
                         const struct plot_point *at)
{
    struct split_set *sets;
    const int n = splits_find(&sets, &d->measured);
    char group[32] = "";

    if (strcmp(at->gran, "group") == 0)
        snprintf(group, sizeof group, "%.0f", at->G);
    for (int i = 0; i < n; i++) {
        if (strcmp(sets[i].operands, operands(at)) != 0 ||
            strcmp(sets[i].group, *group ? group : at->gran) != 0)
            continue;
        for (int k = 0; k < sets[i].n; k++)
            if (!sets[i].splits[k].told)
                frame_arm(t, d, at,
                          d->measured.arms[sets[i].splits[k].arm].fmt);
    }
    splits_free(sets, n);
}

static void limits(double *lo, double *hi, const struct split_map *t)
{
    for (int e = 0; e < MAX_BITS; e++)
        for (int m = 0; m < MAX_BITS; m++)
            if (t->cost[e][m] > 0) {
                *lo = fmin(*lo, log(t->cost[e][m]));
                *hi = fmax(*hi, log(t->cost[e][m]));
            }
}

static void add_frame(struct picture *p, int panel, int e, int m)
{
    static const double at[5][2] = {
        { -1, -1 }, { 1, -1 }, { 1, 1 }, { -1, 1 }, { -1, -1 },
    };
    const int c = picture_curve(p, panel, 0, LOOK_LINE);

    for (int i = 0; i < 5; i++)
        picture_to(p, c, e + 0.46 * at[i][0], m + 0.46 * at[i][1]);
}

static void add_table(struct picture *p, const struct split_map *t,
                      const char *title, double lo, double hi)
{
    const int panel =
        picture_panel(p, title, "exponent bits", false, "mantissa bits", false);

    for (int e = 0; e < MAX_BITS; e++)
        for (int m = 0; m < MAX_BITS; m++) {
            const double v = t->cost[e][m];
            const double shade =
                v > 0 && hi > lo ? (log(v) - lo) / (hi - lo) : 0;
            char text[24];

            if (isnan(v))
                continue;
            picture_box(p, &(struct picture_box){ panel, -1, e - 0.46, e + 0.46,
                                                  m - 0.46, m + 0.46, shade });
            snprintf(text, sizeof text, v >= 0.0995 ? "%.2f" : "%.3f", v);
            picture_mark(p, panel, -1, e, m, shade, text);
        }
    for (int e = 0; e < MAX_BITS; e++)
        for (int m = 0; m < MAX_BITS; m++)
            if (t->framed[e][m])
                add_frame(p, panel, e, m);
}

static void whole_tics(struct picture_axis *a)
{
    for (int i = (int)ceil(a->lo); i <= a->hi; i++) {
        char buf[16];

        snprintf(buf, sizeof buf, "%d", i);
        picture_tic(a, i, buf);
    }
    picture_range(a, a->lo - 0.1, a->hi + 0.1);
}

/* "4 bits: e2m1 or e1m2."; of one split that was tried alone, nothing. */
static bool say_framed(struct picture *p, const struct split_map *t, int sum,
                       bool first)
{
    struct str s = { 0 };
    int n = 0;

    if (best_mantissa(t, sum) < 0)
        return false;
    for (int m = 0; m <= sum && m < MAX_BITS; m++)
        if (sum - m < MAX_BITS && t->framed[sum - m][m])
            str_addf(&s, "%se%dm%d", n++ ? " or " : "", sum - m, m);
    if (n)
        picture_add(&p->finding, "%s%d bits: %s.",
                    first ? "Best, as far as these runs can tell: " : "",
                    sum + 1, str_text(&s));
    str_release(&s);
    return n > 0;
}

static void say(struct picture *p, const struct split_map *t,
                const struct plot_point *at, const struct plot_data *d)
{
    char n[32], tokens[32], group[32];
    bool first = true;

    picture_say(&p->subtitle, "N = %s, D = %s%s; %s", text_si(n, at->N, 3),
                text_si(tokens, at->D, 3), "", operands(at));
    if (isfinite(at->G) || strcmp(at->gran, "tensor") == 0)
        picture_say(&p->subtitle, "N = %s, D = %s, %s; %s", n, tokens,
                    plot_group_name(group, at), operands(at));
    picture_say(&p->note,
                "Framed, for each number of bits: the smallest mean over all "
                "cells, and every split that these runs cannot tell from it.");
    picture_say(&p->source,
                "select E, M, bits, delta from degradation where N "
                "= %.0f and D = %.0f",
                at->N, at->D);
    picture_say(&p->finding, "Loss above the twin (nats) by exponent and "
                             "mantissa bits.");
    for (int sum = 0; sum < 2 * MAX_BITS - 1; sum++)
        first = !say_framed(p, t, sum, first) && first;
    (void)d;
}

PLOT_BUILDER(plot_split)
{
    const struct plot_point *at = fullest(d);
    struct split_map seen, law;
    struct picture *p;
    double lo = HUGE_VAL, hi = -HUGE_VAL;

    (void)choice;
    if (!at)
        return err_set(err, ERR_USAGE,
                       "fewer than three splits of exponent and "
                       "mantissa bits were run at one setting");
    measure(&seen, d, at);
    frame_untold(&seen, d, at);
    predict(&law, &seen, d, at);
    frame_smallest(&law);
    limits(&lo, &hi, &seen);
    limits(&lo, &hi, &law);
    p = picture_new("Exponent or mantissa: what each split of the bits costs");
    picture_series(p, "best", -1);
    p->no_key = true;
    add_table(p, &seen, law.points ? "measured" : "", lo, hi);
    if (law.points)
        add_table(p, &law, d->fit->law, lo, hi);
    p->share_x = p->share_y = law.points > 0;
    for (int i = 0; i < p->n_panels; i++) {
        whole_tics(&p->panels[i].x);
        whole_tics(&p->panels[i].y);
    }
    say(p, &seen, at, d);
    *out = p;
    return OK;
}
