#include "kernels/quant/round.h"

#include <math.h>

static double nearest_steps(double x, float u)
{
    (void)u;
    return nearbyint(x);
}

static float nearest_between(float x, float low, float high, bool odd, float u)
{
    const double middle = ((double)low + (double)high) / 2;

    (void)u;
    return (double)x > middle || ((double)x == middle && odd) ? high : low;
}

/* The sums are those of floats by definition, which vector code can repeat. */
static double stochastic_steps(double x, float u)
{
    return (double)floorf((float)x + u);
}

static float stochastic_between(float x, float low, float high, bool odd,
                                float u)
{
    (void)odd;
    return (x - low) / (high - low) + u < 1 ? low : high;
}

const struct num_rounding num_roundings[] = {
    { .word = { "nearest", "to the nearest code, half way to the even one" },
      .ties_by_code = true,
      .lanes = ROUND_NEAREST,
      .steps = nearest_steps,
      .between = nearest_between },
    { .word = { "stochastic", "up with the probability of the fraction" },
      .draws = true,
      .lanes = ROUND_FLOOR_SUM,
      .steps = stochastic_steps,
      .between = stochastic_between },
};
const int n_num_roundings =
    (int)(sizeof num_roundings / sizeof num_roundings[0]);
