#include "kernels/quant_scale.h"

#include <math.h>

#include "kernels/quant.h"

static float power_of_two(int e)
{
    return ldexpf(1, e < -127 ? -127 : e > 127 ? 127 : e);
}

static float scale_ideal(const struct quant_scale *s, float ideal,
                         float range, float qmax)
{
    (void)s;
    (void)range;
    (void)qmax;
    return ideal;
}

static float scale_rounded(const struct quant_scale *s, float ideal,
                           float range, float qmax)
{
    const float rounded = num_round(&s->elem, ideal, NUM_NEAREST, 0);

    (void)range;
    (void)qmax;
    return s->two_level ? fmaxf(rounded, s->elem.step_zero) : rounded;
}

static float scale_ceil(const struct quant_scale *s, float ideal, float range,
                        float qmax)
{
    int e;
    const float m = frexpf(ideal, &e); /* m in [1/2, 1) */

    (void)s;
    (void)range;
    (void)qmax;
    return power_of_two(m == 0.5f ? e - 1 : e);
}

static float scale_floor(const struct quant_scale *s, float ideal, float range,
                         float qmax)
{
    (void)s;
    (void)ideal;
    return power_of_two(ilogbf(range) - ilogbf(qmax));
}

static float scale_near(const struct quant_scale *s, float ideal, float range,
                        float qmax)
{
    int e;
    const float m = frexpf(ideal, &e);

    (void)s;
    (void)range;
    (void)qmax;
    return power_of_two(m < 0.70710678f ? e - 1 : e);
}

const struct quant_scale quant_scales[] = {
    { "fp32", 32, false, SCALE_IDEAL, { .kind = NUM_FLOAT },
      "range / largest code, unrounded" },
    { "bf16", 16, false, SCALE_ROUNDED,
      { .kind = NUM_FLOAT, .exp_bits = 8, .man_bits = 7, .emin = -126,
        .subnormals = true, .max = 0x1.fep127f, .step_zero = 0x1p-133f },
      "the same, rounded to bfloat16" },
    { "e8m0", 8, false, SCALE_CEIL, { .kind = NUM_FLOAT },
      "power of two, rounded up: never clips (2510.25602)" },
    { "e8m0-floor", 8, false, SCALE_FLOOR, { .kind = NUM_FLOAT },
      "power of two by the OCP MX rule, may clip the largest" },
    { "e8m0-round", 8, false, SCALE_NEAR, { .kind = NUM_FLOAT },
      "nearest power of two" },
    { "e4m3", 8, true, SCALE_ROUNDED,
      { .kind = NUM_FLOAT, .exp_bits = 4, .man_bits = 3, .emin = -6,
        .subnormals = true, .max = 448, .step_zero = 0x1p-9f },
      "e4m3 within an fp32 scale of the tensor (NVFP4, 2509.25149)" },
};
const int n_quant_scales = (int)(sizeof quant_scales / sizeof quant_scales[0]);

bool quant_scale_is_power(const struct quant_scale *s)
{
    return s->rule == SCALE_CEIL || s->rule == SCALE_FLOOR ||
           s->rule == SCALE_NEAR;
}

float quant_scale_round(const struct quant_scale *s, float range, float qmax,
                        float global)
{
    static float (*const rules[SCALE_RULES])(const struct quant_scale *s,
                                             float ideal, float range,
                                             float qmax) = {
        [SCALE_IDEAL] = scale_ideal, [SCALE_ROUNDED] = scale_rounded,
        [SCALE_CEIL] = scale_ceil,   [SCALE_FLOOR] = scale_floor,
        [SCALE_NEAR] = scale_near,
    };
    const float first = range / qmax;
    const float ideal = s->two_level ? first / global : first;
    const float scale = rules[s->rule](s, ideal, range, qmax);

    return s->two_level ? scale * global : scale;
}

float quant_global_scale(float amax, float qmax)
{
    return amax / (448.0f * qmax);
}

const char *quant_scale_name(const struct quant_scale *scale)
{
    return scale->name;
}

const char *quant_scale_at(int i, const char **help)
{
    if (i >= n_quant_scales)
        return NULL;
    *help = quant_scales[i].help;
    return quant_scales[i].name;
}
