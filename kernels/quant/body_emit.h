/* body_emit.h - codes and values of elements whose scales are known.
 *
 * emit takes sixteen elements and whatever is asked for; spans are whole parts,
 * and what training asks for has loops of its own, in which the compiler knows
 * what does not change. */
#include "kernels/quant/body_round.h"

struct quant_pass;
typedef void span_function(const struct quant_pass *p, size_t at, size_t n,
                           const float *scale, int parts);

/* The range of n elements, stride apart, whose largest magnitude is amax. */
typedef float range_function(const struct quant_pass *p, size_t at, size_t n,
                             size_t stride, float amax);

struct quant_pass {
    span_function *span;   /* parts of n elements, a multiple of 16, with a
                              scale each, one after the other */
    range_function *range; /* NULL: amax itself */
    const struct quant_spec *spec;
    const struct quant_io *out;
    const float *x;
    uint64_t key;
    float *scratch; /* for the range of a part */
    struct rounder rounder;
    struct scaler scaler;
    lanes odd; /* collects x * 0: NaN when something is not finite */
};

LANES_INLINE lanes some_lanes(const float *p, int m)
{
    return m == 16 ? lanes_load(p) : lanes_load_n(p, m, 0);
}

LANES_INLINE void put_lanes(float *p, lanes x, int m)
{
    if (m == 16)
        lanes_store(p, x);
    else
        lanes_store_n(p, x, m);
}

/* Codes, values and flags of the m consecutive elements from at on; r: the
 * rounder of p, or a copy of which the compiler knows more. */
LANES_INLINE void emit_by(const struct quant_pass *p, const struct rounder *r,
                          size_t at, int m, lanes scale)
{
    const lanes q = lanes_div(some_lanes(p->x + at, m), scale);
    const lanes u = r->stochastic ? uniforms(p->key, at) : lanes_set(0);
    const lanes code = round_codes(r, q, u);

    if (p->out->value)
        put_lanes(p->out->value + at, lanes_mul(code, scale), m);
    if (p->out->elem)
        put_lanes(p->out->elem + at, code, m);
    if (p->out->code)
        lanes_store_int8(p->out->code + at, lanes_mul(code, r->low_per), m);
    if (p->out->inside) {
        const lanes y = r->is_int ? lanes_rint(q) : q;

        lanes_flag_lt(p->out->inside + at, lanes_abs(lanes_sub(y, r->centre)),
                      r->limit, m);
    }
}

LANES_INLINE void emit(const struct quant_pass *p, size_t at, int m,
                       lanes scale)
{
    emit_by(p, &p->rounder, at, m, scale);
}

/* A scale of 0 belongs to zeros, which any scale leaves zeros. */
static float divisor1(float scale)
{
    return scale > 0 ? scale : 1;
}

/* Sixteen at a time, whatever is asked for. */
static void span_any(const struct quant_pass *p, size_t at, size_t n,
                     const float *scale, int parts)
{
    for (int k = 0; k < parts; k++) {
        const lanes s = lanes_set(divisor1(scale[k]));

        for (size_t i = 0; i < n; i += 16, at += 16)
            emit(p, at, 16, s);
    }
}

/* What training asks for, with what does not change known to the compiler:
 * numbers that round to the nearest, as values, as int8 codes, or both. */
LANES_INLINE void span_plain(const struct quant_pass *p, size_t at, size_t n,
                             const float *scale, int parts, bool is_int,
                             bool value, bool code)
{
    struct rounder r = p->rounder;
    const float *x = p->x + at;
    float *to = value ? p->out->value + at : NULL;
    int8_t *codes = code ? p->out->code + at : NULL;

    r.is_int = is_int;
    r.stochastic = r.wide = r.whole_octaves = false;
    for (int k = 0; k < parts; k++) {
        const lanes s = lanes_set(divisor1(scale[k]));

        for (size_t i = 0; i < n; i += 16, x += 16) {
            const lanes c =
                round_codes(&r, lanes_div(lanes_load(x), s), lanes_set(0));

            if (value) {
                lanes_store(to, lanes_mul(c, s));
                to += 16;
            }
            if (code) {
                lanes_store_int8(codes, lanes_mul(c, r.low_per), 16);
                codes += 16;
            }
        }
    }
}

#define SPAN(name, is_int, value, code)                                        \
    static void name(const struct quant_pass *p, size_t at, size_t n,          \
                     const float *scale, int parts)                            \
    {                                                                          \
        span_plain(p, at, n, scale, parts, is_int, value, code);               \
    }
SPAN(span_int_value, true, true, false)
SPAN(span_int_code, true, false, true)
SPAN(span_int_both, true, true, true)
SPAN(span_float_value, false, true, false)
SPAN(span_float_code, false, false, true)
SPAN(span_float_both, false, true, true)
#undef SPAN

static span_function *span_of(const struct rounder *r,
                              const struct quant_io *out)
{
    static span_function *const plain[2][2][2] = {
        { { span_any, span_float_code },
          { span_float_value, span_float_both } },
        { { span_any, span_int_code }, { span_int_value, span_int_both } },
    };

    return r->stochastic || r->wide || r->whole_octaves || out->elem ||
                   out->inside
               ? span_any
               : plain[r->is_int][out->value != NULL][out->code != NULL];
}

/* n elements with one scale. */
static void emit_span(const struct quant_pass *p, size_t at, size_t n,
                      float scale)
{
    const size_t whole = n / 16 * 16;

    p->span(p, at, whole, &scale, 1);
    if (whole < n)
        emit(p, at + whole, (int)(n - whole), lanes_set(divisor1(scale)));
}
