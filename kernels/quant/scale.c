#include "kernels/quant/scale.h"

#include <math.h>

static float power_of_two(int e)
{
    return ldexpf(1, e < -127 ? -127 : e > 127 ? 127 : e);
}

static float scale_ideal(const struct quant_scale *s, float ideal, float range,
                         float qmax)
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
    return s->bits == 8 ? fmaxf(rounded, s->elem.step_zero) : rounded;
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

#define E4M3                                                                   \
    {                                                                          \
        .kind = NUM_FLOAT, .exp_bits = 4, .man_bits = 3, .emin = -6,           \
        .subnormals = true, .max = 448, .step_zero = 0x1p-9f                   \
    }

const struct quant_scale quant_scales[] = {
    { .word = { "fp32", "range / largest code, unrounded" },
      .bits = 32,
      .lanes = SCALE_IDEAL,
      .round = scale_ideal },
    { .word = { "bf16", "the same, rounded to bfloat16" },
      .bits = 16,
      .lanes = SCALE_ROUNDED,
      .elem = { .kind = NUM_FLOAT,
                .exp_bits = 8,
                .man_bits = 7,
                .emin = -126,
                .subnormals = true,
                .max = 0x1.fep127f,
                .step_zero = 0x1p-133f },
      .round = scale_rounded },
    { .word = { "e8m0", "power of two, rounded up: never clips (2510.25602)" },
      .bits = 8,
      .power_of_two = true,
      .lanes = SCALE_CEIL,
      .round = scale_ceil },
    { .word = { "e8m0-floor",
                "power of two by the OCP MX rule, may clip the largest" },
      .bits = 8,
      .power_of_two = true,
      .lanes = SCALE_FLOOR,
      .round = scale_floor },
    { .word = { "e8m0-round", "nearest power of two" },
      .bits = 8,
      .power_of_two = true,
      .lanes = SCALE_NEAR,
      .round = scale_near },
    { .word = { "e4m3",
                "e4m3 within an fp32 scale of the tensor (NVFP4, 2509.25149)" },
      .bits = 8,
      .two_level = true,
      .lanes = SCALE_ROUNDED,
      .elem = E4M3,
      .round = scale_rounded },
    { .word = { "fp16", "rounded to half precision" },
      .bits = 16,
      .lanes = SCALE_BY_ROW,
      .elem = { .kind = NUM_FLOAT,
                .exp_bits = 5,
                .man_bits = 10,
                .emin = -14,
                .subnormals = true,
                .max = 65504,
                .step_zero = 0x1p-24f },
      .round = scale_rounded },
    { .word = { "e4m3-one", "e4m3 alone, without a scale of the tensor" },
      .bits = 8,
      .lanes = SCALE_BY_ROW,
      .elem = E4M3,
      .round = scale_rounded },
    { .word = { "e4m3-pow2", "e4m3 within a power of two of the tensor" },
      .bits = 8,
      .two_level = true,
      .second_is_power = true,
      .lanes = SCALE_ROUNDED,
      .elem = E4M3,
      .round = scale_rounded },
};
const int n_quant_scales = (int)(sizeof quant_scales / sizeof quant_scales[0]);

float quant_scale_round(const struct quant_scale *s, float range, float qmax,
                        float global)
{
    const float first = range / qmax;
    const float ideal = s->two_level ? first / global : first;
    const float scale = s->round(s, ideal, range, qmax);

    return s->two_level ? scale * global : scale;
}

float quant_global_scale(const struct quant_scale *s, float amax, float qmax)
{
    const float ideal = amax / (s->elem.max * qmax);

    return s->second_is_power && ideal > 0 ? scale_ceil(s, ideal, 0, 0) : ideal;
}
