/* body_round.h - num_round and the rules of scales on sixteen lanes.
 *
 * What a format row says becomes a few constants.  Integers round and clamp.
 * Floats find the octave of a value and round to a multiple of its step:
 * adding and subtracting 1.5 x 2^23 steps does that without a division, to
 * the nearest, ties to even, wherever this sum cannot overflow.  A table of
 * codes is walked from its lowest: each value that a lane has reached takes the
 * place of the one before.  Scales whose rows name no way of their own for
 * lanes go through the scalar definition, lane by lane; roundings do not come
 * here then. */
#include <string.h>

#include "base/rng.h"
#include "kernels/quant.h"
#include "kernels/quant/num_table.h"

/* Sixteen lanes may be a struct, which costs a trip through memory when passed
 * to a function that is not inlined. */
#define LANES_INLINE static inline __attribute__((always_inline))

struct rounder {
    const struct num_format *format;
    lanes least, most;      /* codes */
    lanes normal;           /* smallest normal */
    lanes low_step, step;   /* below it; as a share of the octave */
    lanes low_magic, magic; /* 1.5 x 2^23 of these */
    lanes low_per, per;     /* 1 / step */
    lanes centre, limit;    /* |y - centre| < limit: not clipped */
    bool is_int, is_table, stochastic;
    bool wide;          /* magic would overflow */
    bool whole_octaves; /* no mantissa bits: ties go by the exponent */
};

static struct rounder rounder(const struct num_format *f,
                              const struct num_rounding *rounding)
{
    struct rounder r = {
        .format = f,
        .least = lanes_set(f->min_code),
        .most = lanes_set(f->max),
        .normal = lanes_set(ldexpf(1, f->emin)),
        .low_step = lanes_set(f->step_zero),
        .step = lanes_set(ldexpf(1, -f->man_bits)),
        .low_magic = lanes_set(f->step_zero * 0x1.8p23f),
        .magic = lanes_set(ldexpf(0x1.8p23f, -f->man_bits)),
        .low_per = lanes_set(1 / f->step_zero),
        .per = lanes_set(ldexpf(1, f->man_bits)),
        .is_int = f->kind == NUM_INT,
        .is_table = f->kind == NUM_TABLE,
        .stochastic = rounding->lanes == ROUND_FLOOR_SUM,
        .wide = f->kind == NUM_FLOAT && f->exp_bits >= 8,
        .whole_octaves = f->kind == NUM_FLOAT && f->man_bits == 0,
    };
    float centre, limit;
    int e;

    if (r.is_table) {
        num_table_span(&centre, &limit, f);
        r.centre = lanes_set(centre);
        r.limit = lanes_set(limit);
        return r;
    }
    if (r.is_int) {
        r.centre = lanes_set((f->min_code + f->max) / 2);
        r.limit = lanes_set((f->max - f->min_code) / 2 + 0.5f);
        return r;
    }
    frexpf(f->max, &e);
    r.centre = lanes_set(0);
    r.limit = lanes_set(f->max + ldexpf(0.5f, e - 1 - f->man_bits));
    return r;
}

/* Without mantissa bits a tie goes by the parity of the exponent, which is
 * rare enough to leave to the scalar definition. */
static lanes round_scalar(const struct rounder *r, lanes q)
{
    float x[16];

    lanes_store(x, q);
    for (int i = 0; i < 16; i++)
        x[i] = num_round(r->format, x[i], NUM_NEAREST, 0);
    return lanes_load(x);
}

/* With divisions by the step, for formats that reach as far as float. */
LANES_INLINE lanes round_wide(const struct rounder *r, lanes a, lanes octave,
                              lanes u)
{
    const lanes step =
        lanes_if_lt(a, r->normal, r->low_step, lanes_mul(octave, r->step));
    const lanes steps = lanes_div(a, step);
    const lanes code =
        r->stochastic ? lanes_floor(lanes_add(steps, u)) : lanes_rint(steps);

    return lanes_min(r->most, lanes_mul(code, step));
}

LANES_INLINE lanes round_stochastic(const struct rounder *r, lanes a,
                                    lanes octave, lanes u)
{
    const lanes step =
        lanes_if_lt(a, r->normal, r->low_step, lanes_mul(octave, r->step));
    const lanes per = lanes_if_lt(a, r->normal, r->low_per,
                                  lanes_mul(lanes_inverse2(octave), r->per));
    const lanes code = lanes_floor(lanes_add(lanes_mul(a, per), u));

    return lanes_min(r->most, lanes_mul(code, step));
}

/* Not inlined: a loop of up to 255 steps can pay for a call. */
static lanes round_table(const struct rounder *r, lanes q, lanes u)
{
    const struct num_table *t = r->format->table;
    lanes low = lanes_set(t->values[0]), high = lanes_set(t->values[1]);

    if (!r->stochastic) {
        for (int i = 0; i + 1 < t->n; i++)
            low = lanes_if_lt(q, lanes_set(t->edge[i]), low,
                              lanes_set(t->values[i + 1]));
        return low;
    }
    for (int i = 1; i + 1 < t->n; i++) {
        const lanes v = lanes_set(t->values[i]);

        low = lanes_if_lt(q, v, low, v);
        high = lanes_if_lt(q, v, high, lanes_set(t->values[i + 1]));
    }
    u = lanes_add(lanes_div(lanes_sub(q, low), lanes_sub(high, low)), u);
    return lanes_if_lt(u, lanes_set(1), low, high);
}

/* num_round on sixteen values. */
LANES_INLINE lanes round_codes(const struct rounder *r, lanes q, lanes u)
{
    lanes a, octave, magic;

    if (r->is_table)
        return round_table(r, q, u);
    if (r->is_int)
        return lanes_min(r->most,
                         lanes_max(r->least, r->stochastic
                                                 ? lanes_floor(lanes_add(q, u))
                                                 : lanes_rint(q)));
    a = lanes_min(r->most, lanes_abs(q));
    octave = lanes_octave(a);
    if (!r->stochastic && r->whole_octaves &&
        lanes_any_eq(a, lanes_mul(octave, lanes_set(1.5f))))
        return round_scalar(r, q);
    if (r->wide)
        return lanes_sign(round_wide(r, a, octave, u), q);
    if (r->stochastic)
        return lanes_sign(round_stochastic(r, a, octave, u), q);
    magic =
        lanes_if_lt(a, r->normal, r->low_magic, lanes_mul(octave, r->magic));
    return lanes_sign(lanes_sub(lanes_add(a, magic), magic), q);
}

/* The uniforms of elements at .. at+15; four share a block of the generator. */
LANES_INLINE lanes uniforms(uint64_t key, size_t at)
{
    float u[32];

    if (at % 4 == 0)
        return lanes_uniform(key, at / 4);
    lanes_store(u, lanes_uniform(key, at / 4));
    lanes_store(u + 16, lanes_uniform(key, at / 4 + 4));
    return lanes_load(u + at % 4);
}

/* --- scales ------------------------------------------------------------------
 */

struct scaler {
    const struct quant_scale *scale;
    struct rounder rounder; /* SCALE_ROUNDED */
    lanes qmax, global;
    lanes per_octave; /* 1 / octave of qmax */
    float qmax1, global1;
};

static struct scaler scaler(const struct quant_spec *s, float global)
{
    const bool rounded = s->scale->lanes == SCALE_ROUNDED;

    return (struct scaler){
        .scale = s->scale,
        .rounder = rounder(rounded ? &s->scale->elem : &s->elem, NUM_NEAREST),
        .qmax = lanes_set(s->elem.max),
        .global = lanes_set(global),
        .per_octave = lanes_set(ldexpf(1, -ilogbf(s->elem.max))),
        .qmax1 = s->elem.max,
        .global1 = global,
    };
}

/* By the definition of the row; what comes of a range of 0 is not looked at. */
static lanes each_lane(const struct scaler *s, lanes ideal, lanes range)
{
    float x[16], r[16];

    lanes_store(x, ideal);
    lanes_store(r, range);
    for (int i = 0; i < 16; i++)
        if (r[i] > 0)
            x[i] = s->scale->round(s->scale, x[i], r[i], s->qmax1);
    return lanes_load(x);
}

static lanes rounded_lanes(const struct scaler *s, lanes ideal, lanes range)
{
    const lanes r = round_codes(&s->rounder, ideal, lanes_set(0));

    (void)range;
    return s->scale->two_level ? lanes_max(r, s->rounder.low_step) : r;
}

static lanes ceil_lanes(const struct scaler *s, lanes ideal, lanes range)
{
    const lanes o = lanes_octave(ideal);

    (void)s;
    (void)range;
    return lanes_if_lt(o, ideal, lanes_add(o, o), o);
}

static lanes floor_lanes(const struct scaler *s, lanes ideal, lanes range)
{
    (void)ideal;
    return lanes_mul(lanes_octave(range), s->per_octave);
}

static lanes near_lanes(const struct scaler *s, lanes ideal, lanes range)
{
    const lanes o = lanes_octave(ideal);

    (void)s;
    (void)range;
    return lanes_if_lt(ideal, lanes_mul(o, lanes_set(2 * 0.70710678f)), o,
                       lanes_add(o, o));
}

/* Next to the ends of float the exponents need care: left to the scalar
 * definition, lane by lane. */
static lanes scales_scalar(const struct scaler *s, lanes range)
{
    float x[16];

    lanes_store(x, range);
    for (int i = 0; i < 16; i++)
        x[i] = x[i] > 0
                   ? quant_scale_round(s->scale, x[i], s->qmax1, s->global1)
                   : 0;
    return lanes_load(x);
}

/* The scales of sixteen ranges; 0 for a range of 0. */
LANES_INLINE lanes scale_lanes(const struct scaler *s, lanes range)
{
    static lanes (*const rules[SCALE_LANES])(const struct scaler *s,
                                             lanes ideal, lanes range) = {
        [SCALE_BY_ROW] = each_lane, [SCALE_ROUNDED] = rounded_lanes,
        [SCALE_CEIL] = ceil_lanes,  [SCALE_FLOOR] = floor_lanes,
        [SCALE_NEAR] = near_lanes,
    };
    const lanes zero = lanes_set(0);
    lanes ideal = lanes_div(range, s->qmax), scale;

    if (s->scale->lanes == SCALE_IDEAL) /* 0 stays 0 */
        return ideal;
    scale = lanes_if_lt(zero, range, ideal, lanes_set(1));
    if (lanes_any_lt(scale, lanes_set(0x1p-100f)) ||
        lanes_any_lt(lanes_set(0x1p100f), scale))
        return scales_scalar(s, range);
    if (s->scale->two_level)
        ideal = lanes_div(ideal, s->global);
    scale = rules[s->scale->lanes](s, ideal, range);
    if (s->scale->two_level)
        scale = lanes_mul(scale, s->global);
    return lanes_if_lt(zero, range, scale, zero);
}
