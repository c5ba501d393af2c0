#include "post/error_model.h"

#include <math.h>

bool error_model_knows(const struct quant_spec *s)
{
    return s->on && s->elem.scaled && s->gran == QUANT_GROUP &&
           s->zero == QUANT_SYM && s->when == QUANT_DYNAMIC &&
           (s->elem.kind == NUM_INT ||
            (s->elem.kind == NUM_FLOAT && s->elem.subnormals));
}

/* Probability and energy of a standard normal number within +-a. */
static double within(double a)
{
    return erf(a / sqrt(2));
}

static double energy(double a)
{
    return within(a) - 2 * a * exp(-a * a / 2) / sqrt(2 * M_PI);
}

/* Is the largest of a block stored as it is? */
static bool keeps_largest(const struct quant_spec *s)
{
    return !s->scale->power_of_two && s->scale->bits < 16;
}

static double noise_of_integers(const struct quant_spec *s, double kappa,
                                double rho, bool published)
{
    const double largest =
        published ? ldexp(1, s->elem.bits - 1) : (double)s->elem.max;
    const double step = rho * kappa / largest;
    const double noise = step * step / 12;

    return keeps_largest(s) ? noise * (s->group - 1) / s->group : noise;
}

static double noise_of_floats(const struct quant_spec *s, double kappa,
                              double rho)
{
    const double unit = rho * kappa / (double)s->elem.max;
    const double normal = unit * ldexp(1, s->elem.emin);
    const double step = unit * (double)s->elem.step_zero;
    const double relative = ldexp(1, -2 * s->elem.man_bits) / 24;
    double rounded = 1 - energy(normal);

    if (keeps_largest(s))
        rounded = fmax(0, rounded - kappa * kappa / s->group);
    return relative * rounded +
           step * step / 12 * (within(normal) - within(step / 2)) +
           energy(step / 2);
}

double error_model_db(const struct quant_spec *s, double kappa, double rho,
                      bool published)
{
    return -10 * log10(s->elem.kind == NUM_INT
                           ? noise_of_integers(s, kappa, rho, published)
                           : noise_of_floats(s, kappa, rho));
}

double error_model_rho(const struct quant_spec *s)
{
    return s->scale->power_of_two ? 1.5 : 1.05;
}

double error_model_crossover(const struct quant_spec *a,
                             const struct quant_spec *b, double rho,
                             bool published)
{
    /* Beyond the square root of its length no block has one. */
    const double most = keeps_largest(a) ? sqrt(a->group) * 0.99 : 20;
    double low = NAN, high = NAN, before = NAN;

    for (double k = most; k > 1; k -= 0.01) {
        const double lead = error_model_db(a, k, rho, published) -
                            error_model_db(b, k, rho, published);

        if (lead > 0 && before <= 0) {
            low = k;
            high = k + 0.01;
            break;
        }
        before = lead;
    }
    for (int i = 0; i < 60; i++) {
        const double k = (low + high) / 2;

        if (error_model_db(a, k, rho, published) >
            error_model_db(b, k, rho, published))
            low = k;
        else
            high = k;
    }
    return low;
}
