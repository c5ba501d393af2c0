/* parts.c - which operand the cost comes from: parts against the whole,
 * and one bar for each. */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/figures/plot.h"

/* The operands of a GEMM in the words of an arm (store.h). */
static const char *const operand_names[] = {
    "W", "A", "dYd", "Wd", "dYg", "Ag"
};
#define N_OPERANDS (sizeof operand_names / sizeof operand_names[0])

static unsigned operand_bit(const char *word, size_t n)
{
    for (size_t i = 0; i < N_OPERANDS; i++)
        if (strlen(operand_names[i]) == n &&
            memcmp(operand_names[i], word, n) == 0)
            return 1u << i;
    return 0;
}

/* "int4 W+A" -> W | A; 0 when the family says more, or something else. */
static unsigned operands_of(const struct plot_point *p)
{
    const char *text = strchr(p->family, ' ');
    unsigned mask = 0;

    while (text && *text) {
        size_t n;
        unsigned bit;

        text++;
        n = strcspn(text, "+");
        bit = operand_bit(text, n);
        if (!bit || (mask & bit))
            return 0;
        mask |= bit;
        text = text[n] ? text + n : NULL;
    }
    return mask;
}

static bool same_setting(const struct plot_point *a, const struct plot_point *b)
{
    return a->N == b->N && a->D == b->D && strcmp(a->fmt, b->fmt) == 0 &&
           strcmp(a->gran, b->gran) == 0 &&
           (a->G == b->G || (isnan(a->G) && isnan(b->G)));
}

/* The sum of the costs of each operand alone; NaN unless all were run. */
static double parts_of(const struct plot_data *d, const unsigned *mask,
                       int whole)
{
    unsigned left = mask[whole];
    double sum = 0;

    for (int i = 0; i < d->n && left; i++)
        if (mask[i] && (mask[i] & (mask[i] - 1)) == 0 && (mask[i] & left) &&
            isfinite(d->points[i].delta) &&
            same_setting(&d->points[i], &d->points[whole])) {
            sum += d->points[i].delta;
            left &= ~mask[i];
        }
    return left ? (double)NAN : sum;
}

/* --- parts against the whole ---------------------------------------------- */

/* Slope of a line through the origin, with its 95 % interval. */
static void slope_of(double *slope, double *half, const struct picture *p)
{
    double xx = 0, xy = 0, rss = 0;

    for (int i = 0; i < p->n_points; i++) {
        xx += p->points[i].x * p->points[i].x;
        xy += p->points[i].x * p->points[i].y;
    }
    *slope = xy / xx;
    for (int i = 0; i < p->n_points; i++)
        rss += pow(p->points[i].y - *slope * p->points[i].x, 2);
    *half = p->n_points > 1 ? gsl_cdf_tdist_Pinv(0.975, p->n_points - 1) *
                                  sqrt(rss / (p->n_points - 1) / xx)
                            : (double)NAN;
}

static int series_of(struct picture *p, const char *name)
{
    for (int i = 0; i < p->n_series; i++)
        if (strcmp(p->series[i].name, name) == 0)
            return i;
    return picture_series(p, name, p->n_series);
}

static void line_to(struct picture *p, double hi, double slope,
                    enum picture_look look)
{
    const int c = picture_curve(p, 0, -1, look);

    picture_to(p, c, 0, 0);
    picture_to(p, c, hi, slope * hi);
}

static void finish_parts(struct picture *p)
{
    const double hi = p->panels[0].x.hi;
    double slope, half;

    slope_of(&slope, &half, p);
    line_to(p, hi, 1, LOOK_THIN);
    line_to(p, hi, slope, LOOK_LINE);
    picture_say(&p->subtitle, "dashed: the sum; solid: %.3f times the sum",
                slope);
    picture_say(&p->finding,
                "What is quantized together costs %.3f%s%.2g times "
                "the sum of what its parts cost alone (%d "
                "points).",
                slope, isnan(half) ? " or " : " \u00b1 ",
                isnan(half) ? slope : half, p->n_points);
}

PLOT_BUILDER(plot_parts)
{
    unsigned *mask = mem_array((size_t)d->n + 1, sizeof *mask);
    struct picture *p = picture_new("The cost of parts and of the whole");

    (void)choice;
    picture_panel(p, "", "sum of the costs of the parts (nats/token)", false,
                  "cost of the whole (nats/token)", false);
    for (int i = 0; i < d->n; i++)
        mask[i] = d->points[i].base ? 0 : operands_of(&d->points[i]);
    for (int i = 0; i < d->n; i++) {
        const struct plot_point *q = &d->points[i];

        if (mask[i] & (mask[i] - 1)) {
            const double sum = parts_of(d, mask, i);

            if (isfinite(sum) && isfinite(q->delta))
                picture_point(p, 0, series_of(p, q->family), sum, q->delta,
                              q->delta_se);
        }
    }
    free(mask);
    if (p->n_points == 0) {
        picture_free(p);
        return err_set(err, ERR_USAGE,
                       "no point has its operands quantized "
                       "alone as well as together");
    }
    picture_say(&p->source, "select arm, N, D, G, delta from degradation");
    finish_parts(p);
    *out = p;
    return OK;
}

/* --- a bar for each ------------------------------------------------------- */

#define MAX_BARS 24

static double shown_cost(const struct plot_point *p)
{
    return p->base ? (double)NAN : p->delta;
}

/* The setting with the most kinds of cost side by side; of equals the largest.
 * Kinds are families, at one group size each. */
static const struct plot_point *fullest(const struct plot_data *d, bool format)
{
    const struct plot_point *best = NULL;
    int most = 0;

    for (int i = 0; i < d->n; i++) {
        const struct plot_point *a = &d->points[i];
        int n = 0;

        if (isnan(shown_cost(a)) || operands_of(a) == 0)
            continue;
        for (int k = 0; k < d->n; k++) {
            const struct plot_point *b = &d->points[k];

            n += a->N == b->N && a->D == b->D &&
                 (a->G == b->G || isnan(a->G)) &&
                 (format || strcmp(a->fmt, b->fmt) == 0) &&
                 !isnan(shown_cost(b)) && operands_of(b);
        }
        if (n > most ||
            (n == most && best && a->N * a->D > best->N * best->D)) {
            most = n;
            best = a;
        }
    }
    return most > 1 ? best : NULL;
}

static int by_cost(const void *a, const void *b)
{
    const struct plot_point *const *x = a, *const *y = b;

    return ((*x)->delta > (*y)->delta) - ((*x)->delta < (*y)->delta);
}

static int choose_bars(const struct plot_point *bars[MAX_BARS],
                       const struct plot_data *d, const struct plot_point *at)
{
    int n = 0;

    for (int i = 0; i < d->n && n < MAX_BARS; i++) {
        const struct plot_point *p = &d->points[i];

        if (!isnan(shown_cost(p)) && operands_of(p) && p->N == at->N &&
            p->D == at->D && (p->G == at->G || isnan(at->G)) &&
            strcmp(p->fmt, at->fmt) == 0)
            bars[n++] = p;
    }
    qsort(bars, (size_t)n, sizeof *bars, by_cost);
    return n;
}

/* Half of the 95 % interval that chance alone would give a difference of two
 * means over the same number of seeds: from the standard errors of the bars,
 * pooled.  NaN with one seed. */
static double noise_of(const struct plot_point *const *bars, int n)
{
    double sum = 0;
    int k = 0;

    for (int i = 0; i < n; i++)
        if (bars[i]->delta_se > 0) {
            sum += bars[i]->delta_se * bars[i]->delta_se;
            k++;
        }
    return k ? 1.96 * sqrt(sum / k) : (double)NAN;
}

static void add_bar(struct picture *p, const struct plot_point *q, int row)
{
    const int s = operands_of(q) & (operands_of(q) - 1) ? 1 : 0;

    picture_box(p, &(struct picture_box){ 0, s, 0, q->delta, row - 0.32,
                                          row + 0.32, -1 });
    if (q->delta_se > 0) {
        const int c = picture_curve(p, 0, -1, LOOK_LINE);

        picture_to(p, c, q->delta - q->delta_se, row);
        picture_to(p, c, q->delta + q->delta_se, row);
    }
}

PLOT_BUILDER(plot_ablation)
{
    const struct plot_point *at = fullest(d, false), *bars[MAX_BARS];
    struct picture *p;
    char n_text[32], d_text[32], group[32];
    double noise;
    int n;

    (void)choice;
    if (!at)
        return err_set(err, ERR_USAGE,
                       "no two operands are quantized in turn at "
                       "one setting");
    n = choose_bars(bars, d, at);
    noise = noise_of(bars, n);
    p = picture_new("What each operand costs");
    picture_panel(p, "", "loss above twin (nats/token)", false, "", false);
    picture_series(p, "one operand", 0);
    picture_series(p, "several", 4);
    for (int i = 0; i < n; i++) {
        add_bar(p, bars[i], n - 1 - i);
        picture_tic(&p->panels[0].y, n - 1 - i,
                    strchr(bars[i]->family, ' ') + 1);
    }
    if (noise > 0) {
        const int band = picture_band(p, 0, -1);

        picture_band_to(p, band, -noise, -0.7, n - 0.3);
        picture_band_to(p, band, noise, -0.7, n - 0.3);
        picture_say(&p->note, "Grey: what chance alone would show in 95 %% "
                              "of cases. Lines: one standard error over "
                              "seeds.");
    }
    picture_range(&p->panels[0].y, -0.7, n - 0.3);
    p->height = 170 + 30.0 * n;
    picture_say(&p->subtitle, "%s, N = %s, D = %s%s", at->fmt,
                text_si(n_text, at->N, 3), text_si(d_text, at->D, 3), "");
    if (isfinite(at->G))
        picture_say(&p->subtitle, "%s, N = %s, D = %s, %s", at->fmt, n_text,
                    d_text, plot_group_name(group, at));
    picture_say(&p->source,
                "select arm, delta, delta_se from degradation where "
                "fmt = '%s' and N = %.0f and D = %.0f",
                at->fmt, at->N, at->D);
    picture_say(&p->finding,
                "Of the operands quantized to %s, %s costs least "
                "(%.3g nats) and %s most (%.3g).",
                at->fmt, strchr(bars[0]->family, ' ') + 1, bars[0]->delta,
                strchr(bars[n - 1]->family, ' ') + 1, bars[n - 1]->delta);
    *out = p;
    return OK;
}
