/* body_quant.h - the quantizer on sixteen lanes, one loop for every format.
 *
 * What the format row says becomes a few constants: integers round and clamp;
 * floats find the octave of the value, its step, and round to a multiple of
 * it.  Percentile ranges and whole-tensor parts take the reference. */
#include "kernels/quant_scale.h"
#include "base/rng.h"

struct rounder {
    const struct quant_spec *spec;
    const struct quant_out *out;
    uint64_t key;
    lanes least, most;   /* codes */
    lanes normal;        /* smallest normal */
    lanes low_step;      /* step below it */
    lanes step;          /* step of an octave as a share of it */
    bool is_int, stochastic, no_mantissa;
};

static struct rounder rounder(const struct quant_spec *spec,
                              const struct quant_out *out, uint64_t key)
{
    const struct num_format *f = &spec->elem;

    return (struct rounder){
        .spec = spec,
        .out = out,
        .key = key,
        .least = lanes_set(f->min_code),
        .most = lanes_set(f->max),
        .normal = lanes_set(ldexpf(1, f->emin)),
        .low_step = lanes_set(f->step_zero),
        .step = lanes_set(ldexpf(1, -f->man_bits)),
        .is_int = f->kind == NUM_INT,
        .stochastic = spec->rounding == NUM_STOCHASTIC,
        .no_mantissa = f->man_bits == 0 && spec->rounding == NUM_NEAREST,
    };
}

static inline lanes round_steps(const struct rounder *r, lanes q, lanes u)
{
    return r->stochastic ? lanes_floor(lanes_add(q, u)) : lanes_rint(q);
}

/* Without mantissa bits a tie goes by the parity of the exponent, which is
 * rare enough to leave to the scalar definition. */
static lanes round_scalar(const struct rounder *r, lanes q)
{
    float x[16];

    lanes_store(x, q);
    for (int i = 0; i < 16; i++)
        x[i] = num_round(&r->spec->elem, x[i], NUM_NEAREST, 0);
    return lanes_load(x);
}

/* num_round on sixteen values. */
static inline lanes round_codes(const struct rounder *r, lanes q, lanes u)
{
    lanes a, step, code;

    if (r->is_int)
        return lanes_min(r->most,
                         lanes_max(r->least, round_steps(r, q, u)));
    a = lanes_min(r->most, lanes_abs(q));
    step = lanes_if_lt(a, r->normal, r->low_step,
                       lanes_mul(lanes_octave(a), r->step));
    code = lanes_div(a, step);
    if (r->no_mantissa && lanes_any_eq(code, lanes_set(1.5f)))
        return round_scalar(r, q);
    code = lanes_mul(round_steps(r, code, u), step);
    return lanes_sign(lanes_min(r->most, code), q);
}

/* The uniforms of elements at, at+1, ...: as many as m. */
static lanes uniforms(uint64_t key, size_t at, int m)
{
    float u[16] = { 0 };

    for (int i = 0; i < m; i++)
        u[i] = rng_f32(key, at + (size_t)i);
    return lanes_load(u);
}

/* Codes, values and flags of m consecutive elements from at on. */
static inline void emit(const struct rounder *r, const float *x, size_t at,
                        int m, lanes scale)
{
    const lanes v = m == 16 ? lanes_load(x + at) : lanes_load_n(x + at, m, 0);
    const lanes q = lanes_div(v, scale);
    const lanes u = r->stochastic ? uniforms(r->key, at, m) : lanes_set(0);
    const lanes code = round_codes(r, q, u);

    if (r->out->value && m == 16)
        lanes_store(r->out->value + at, lanes_mul(code, scale));
    else if (r->out->value)
        lanes_store_n(r->out->value + at, lanes_mul(code, scale), m);
    if (r->out->elem)
        lanes_store_n(r->out->elem + at, code, m);
    if (r->out->inside) {
        float ratio[16];

        lanes_store(ratio, q);
        for (int i = 0; i < m; i++)
            r->out->inside[at + (size_t)i] =
                quant_fits(&r->spec->elem, ratio[i]);
    }
}

static float scale_of(const struct quant_spec *s, float amax, float global)
{
    if (!s->elem.scaled)
        return 1;
    return amax > 0 ? s->scale->round(amax, s->elem.max, global) : 0;
}

/* Largest magnitude of n elements; *odd collects x * 0. */
static inline float part_max(const float *x, int n, lanes *odd)
{
    lanes max = lanes_set(0);

    FOR_LANES (n) {
        const lanes v = LOAD(x);

        max = lanes_max(lanes_abs(v), max);
        *odd = lanes_fma(v, lanes_set(0), *odd);
    }
    return lanes_hmax(max);
}

static bool quant_along_cols(const struct rounder *r, const float *x,
                             int rows, int cols, int length, float global)
{
    const int parts = (cols + length - 1) / length;
    lanes odd = lanes_set(0);

    for (int row = 0; row < rows; row++)
        for (int p = 0; p < parts; p++) {
            const size_t at = (size_t)row * (size_t)cols +
                              (size_t)p * (size_t)length;
            const int n = cols - p * length < length ? cols - p * length
                                                     : length;
            const float amax = part_max(x + at, n, &odd);
            const float scale = scale_of(r->spec, amax, global);
            const lanes s = lanes_set(scale == 0 ? 1 : scale);

            if (r->out->scale && r->spec->elem.scaled)
                r->out->scale[(size_t)row * (size_t)parts + (size_t)p] =
                    scale;
            for (int i = 0; i < n; i += 16)
                emit(r, x, at + (size_t)i, n - i < 16 ? n - i : 16, s);
        }
    return lanes_sum(odd) == 0;
}

/* Sixteen columns at once: m in use, rows r0 .. r1-1, one scale a column. */
static void quant_columns(const struct rounder *r, const float *x, int r0,
                          int r1, int cols, int c, int m, float *scales,
                          float global, lanes *odd)
{
    lanes max = lanes_set(0), s;
    float amax[16], scale[16];

    for (int row = r0; row < r1; row++) {
        const float *at = x + (size_t)row * (size_t)cols + c;
        const lanes v = m == 16 ? lanes_load(at) : lanes_load_n(at, m, 0);

        max = lanes_max(lanes_abs(v), max);
        *odd = lanes_fma(v, lanes_set(0), *odd);
    }
    lanes_store(amax, max);
    for (int i = 0; i < 16; i++) {
        scale[i] = scale_of(r->spec, amax[i], global);
        if (scales && i < m && r->spec->elem.scaled)
            scales[i] = scale[i];
        /* A column of zeros: any scale gives zeros. */
        scale[i] = scale[i] == 0 ? 1 : scale[i];
    }
    s = lanes_load(scale);
    for (int row = r0; row < r1; row++)
        emit(r, x, (size_t)row * (size_t)cols + (size_t)c, m, s);
}

static bool quant_along_rows(const struct rounder *r, const float *x,
                             int rows, int cols, int length, float global)
{
    lanes odd = lanes_set(0);

    for (int r0 = 0; r0 < rows; r0 += length)
        for (int c = 0; c < cols; c += 16)
            quant_columns(r, x, r0,
                          r0 + length < rows ? r0 + length : rows, cols, c,
                          cols - c < 16 ? cols - c : 16,
                          r->out->scale ? r->out->scale +
                                              (size_t)(r0 / length) *
                                                  (size_t)cols + c
                                        : NULL,
                          global, &odd);
    return lanes_sum(odd) == 0;
}

static bool quant_apply(const struct quant_spec *spec,
                        const struct quant_out *out, const float *x, int rows,
                        int cols, enum quant_axis axis, uint64_t key,
                        void *work)
{
    const struct num_format *f = &spec->elem;
    const struct rounder r = rounder(spec, out, key);
    const int k = axis == QUANT_ALONG_COLS ? cols : rows;
    const int length =
        spec->gran == QUANT_GROUP && spec->group < k ? spec->group : k;
    float global = 0;

    if (spec->range != QUANT_ABSMAX ||
        (spec->gran == QUANT_TENSOR && f->scaled))
        return quant_apply_ref(spec, out, x, rows, cols, axis, key, work);
    if (spec->scale->two_level) {
        lanes odd = lanes_set(0);

        global = 0;
        for (int row = 0; row < rows; row++) {
            const float m =
                part_max(x + (size_t)row * (size_t)cols, cols, &odd);

            global = m > global ? m : global;
        }
        global = quant_global_scale(global, f->max);
    }
    return axis == QUANT_ALONG_COLS
               ? quant_along_cols(&r, x, rows, cols, length, global)
               : quant_along_rows(&r, x, rows, cols, length, global);
}

static void fill_quant(struct kernels *kn)
{
    kn->quant_apply = quant_apply;
}
