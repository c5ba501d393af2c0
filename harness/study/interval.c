#include "harness/study/interval.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#include "base/str.h"

double interval_half(double se, int dof)
{
    return dof > 0 ? gsl_cdf_tdist_Pinv(0.975, dof) * se : (double)NAN;
}

struct interval interval_of(const double *x, int n)
{
    struct interval m = { (double)NAN, (double)NAN, (double)NAN, n };
    double sum = 0, square = 0;

    for (int i = 0; i < n; i++)
        sum += x[i];
    if (n == 0)
        return m;
    m.mean = sum / n;
    for (int i = 0; i < n; i++)
        square += (x[i] - m.mean) * (x[i] - m.mean);
    if (n > 1) {
        const double half = interval_half(sqrt(square / (n - 1) / n), n - 1);

        m.lo = m.mean - half;
        m.hi = m.mean + half;
    }
    return m;
}

/* Decimals that the interval's width justifies: two digits of it. */
static int decimals_of(double width)
{
    const int n = 1 - (int)floor(log10(width));

    return n < 0 ? 0 : n;
}

char *interval_text(double value, double lo, double hi)
{
    const double width = hi - lo;
    int n;

    if (isnan(value))
        return mem_strdup("\u2013");
    if (!isfinite(width) || width <= 0)
        return mem_printf("%.3g", value);
    n = decimals_of(width);
    if (n > 5 || fabs(lo) >= 1e5 || fabs(hi) >= 1e5)
        return mem_printf("%.3g [%.3g, %.3g]", value, lo, hi);
    return mem_printf("%.*f [%.*f, %.*f]", n, value, n, lo, n, hi);
}
