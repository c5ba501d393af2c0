#include "harness/plan/eta.h"

#include <math.h>

void eta_add(struct eta *e, double flops, double steps, double wall_s)
{
    const double f = flops / wall_s, s = steps / wall_s;

    if (!(wall_s > 0) || !(flops > 0) || !(steps > 0))
        return;
    e->n++;
    e->ff += f * f;
    e->fs += f * s;
    e->ss += s * s;
    e->f += f;
    e->s += s;
}

void eta_add_start(struct eta *e, double start_s)
{
    if (!(start_s >= 0))
        return;
    e->n_starts++;
    e->start_s += start_s;
}

/* Normal equations of 1 = a f + b s; when one coefficient would be negative
 * it is 0 and the other alone is fitted. */
double eta_seconds(const struct eta *e, double flops, double steps, int runs)
{
    const double det = e->ff * e->ss - e->fs * e->fs;
    const double start = e->n_starts ? e->start_s / e->n_starts : 0;
    double a, b;

    if (e->n == 0)
        return NAN;
    a = (e->f * e->ss - e->s * e->fs) / det;
    b = (e->ff * e->s - e->fs * e->f) / det;
    if (!(det > 1e-9 * e->ff * e->ss) || b < 0) { /* all of one shape */
        a = e->f / e->ff;
        b = 0;
    } else if (a < 0) {
        a = 0;
        b = e->s / e->ss;
    }
    return a * flops + b * steps + start * runs;
}
