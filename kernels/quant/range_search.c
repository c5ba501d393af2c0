/* range_search.c - ranges that are searched for; the reference alone has them,
 * since no step of a training can wait for one. */
#include <math.h>
#include <stdlib.h>

#include "base/exact.h"
#include "base/str.h"
#include "kernels/quant.h"

#define SHARES 100

/* --- least error --------------------------------------------------------- */

static double power(double x, double p)
{
    return p == 2 ? x * x : x == 0 ? 0 : exact_pow(x, p);
}

static double error_at(const struct quant_span *s, float range)
{
    const struct quant_spec *spec = s->spec;
    const float scale =
        spec->elem.scaled
            ? quant_scale_round(spec->scale, range, spec->elem.max, s->global)
            : 1;
    double sum = 0;

    for (int i = 0; i < s->n; i++) {
        const float x = (float)s->x[(size_t)i * s->stride];
        const float y =
            num_round(&spec->elem, x / scale, NUM_NEAREST, 0) * scale;

        sum += power(fabs((double)x - (double)y), spec->range_param[0]);
    }
    return sum;
}

/* From absmax down, so that of equals the widest is taken. */
float quant_range_lp(const struct quant_span *s)
{
    float best = s->amax;
    double least = s->amax > 0 ? error_at(s, s->amax) : 0;

    for (int i = SHARES - 1; i > 0 && s->amax > 0; i--) {
        const float range = s->amax * (float)i / SHARES;
        const double error = range > 0 ? error_at(s, range) : INFINITY;

        if (error < least) {
            least = error;
            best = range;
        }
    }
    return best;
}

/* --- least loss of information ------------------------------------------- */

/* Magnitudes that a format tells apart. */
static int levels_of(const struct num_format *f)
{
    return f->kind == NUM_INT ? (int)f->max + 1 : 1 << (f->bits - 1);
}

/* Sums over the bins below each: of counts, of bins that hold any, and of
 * count ln count. */
struct sums {
    double *bins, *held, *used, *log;
    int n;
};

static double x_ln_x(double x)
{
    return x > 0 ? x * exact_ln(x) : 0;
}

static struct sums sums_of(const struct quant_span *s, int n)
{
    struct sums t = { .bins = mem_array(4 * ((size_t)n + 1), sizeof(double)),
                      .n = n };

    t.held = t.bins + n + 1;
    t.used = t.held + n + 1;
    t.log = t.used + n + 1;
    for (int i = 0; i < s->n; i++) {
        const float a = fabsf((float)s->x[(size_t)i * s->stride]);
        const int at = (int)((double)a / (double)s->amax * n);

        t.bins[at < n ? at : n - 1]++;
    }
    for (int i = 0; i < n; i++) {
        t.held[i + 1] = t.held[i] + t.bins[i];
        t.used[i + 1] = t.used[i] + (t.bins[i] > 0);
        t.log[i + 1] = t.log[i] + x_ln_x(t.bins[i]);
    }
    return t;
}

/* KL(p || q) of the first `cut` bins, what lies beyond counted with the last; q
 * knows of `levels` runs of bins only how much each holds. */
static double loss_at(const struct sums *t, int cut, int levels)
{
    const double all = t->held[t->n], within = t->held[cut];
    const double last = t->bins[cut - 1], beyond = all - within;
    double sum = 0, q = 1;

    if (beyond > 0 && last == 0)
        return INFINITY; /* p is where q cannot be */
    for (int l = 0; l < levels; l++) {
        const int from = (int)((long)cut * l / levels);
        const int to = (int)((long)cut * (l + 1) / levels);
        const double held = t->held[to] - t->held[from];

        if (held == 0)
            continue;
        q = held / (t->used[to] - t->used[from]) / within;
        sum += t->log[to] - t->log[from] - held * exact_ln(all * q);
    }
    sum += x_ln_x(last + beyond) - x_ln_x(last) - beyond * exact_ln(all * q);
    return sum / all;
}

float quant_range_kl(const struct quant_span *s)
{
    const int n = (int)s->spec->range_param[0];
    const int levels = levels_of(&s->spec->elem);
    struct sums t;
    double least = INFINITY;
    float best = s->amax;

    if (!(s->amax > 0) || levels >= n)
        return s->amax;
    t = sums_of(s, n);
    for (int cut = n; cut >= levels; cut--) {
        const double loss = loss_at(&t, cut, levels);

        if (loss < least) {
            least = loss;
            best = s->amax * (float)cut / (float)n;
        }
    }
    free(t.bins);
    return best;
}
