#include "kernels/num.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "kernels/quant/num_table.h"

/* What distinguishes a named format; everything else follows from it. */
enum top { ALL_FINITE, OCP_NAN, IEEE }; /* what the top exponent holds */

struct row {
    const char *name;
    enum num_kind kind;
    int exp_bits, man_bits; /* integers: bits in man_bits */
    bool narrow;
    enum top top;
    const char *source;
};

static const struct row rows[] = {
    { "int8", NUM_INT, 0, 8, false, 0, "two's complement, scale uses 127" },
    { "int6", NUM_INT, 0, 6, false, 0, "two's complement, scale uses 31" },
    { "int4", NUM_INT, 0, 4, false, 0, "two's complement, scale uses 7" },
    { "int3", NUM_INT, 0, 3, false, 0, "two's complement, scale uses 3" },
    { "int2", NUM_INT, 0, 2, false, 0, "two's complement, scale uses 1" },
    { "int8n", NUM_INT, 0, 8, true, 0, "symmetric; MXINT8 of 2510.25602" },
    { "int6n", NUM_INT, 0, 6, true, 0, "symmetric; MXINT6 of 2510.25602" },
    { "int4n", NUM_INT, 0, 4, true, 0, "symmetric; MXINT4 of 2510.25602" },
    { "e2m1", NUM_FLOAT, 2, 1, false, ALL_FINITE, "OCP MX v1.0 FP4" },
    { "e2m3", NUM_FLOAT, 2, 3, false, ALL_FINITE, "OCP MX v1.0 FP6" },
    { "e3m2", NUM_FLOAT, 3, 2, false, ALL_FINITE, "OCP MX v1.0 FP6" },
    { "e4m3", NUM_FLOAT, 4, 3, false, OCP_NAN, "OCP OFP8 v1.0" },
    { "e5m2", NUM_FLOAT, 5, 2, false, IEEE, "OCP OFP8 v1.0" },
    { "fp16", NUM_FLOAT, 5, 10, false, IEEE, "IEEE 754 binary16" },
    { "bf16", NUM_FLOAT, 8, 7, false, IEEE, "bfloat16" },
};
#define N_ROWS (int)(sizeof rows / sizeof rows[0])

/* Exponents of float: a format that reaches further behaves as if it ended
 * here, because every operand is a float. */
#define FLOAT_EMAX 127
#define FLOAT_EMIN (-126)

/* The largest finite value: mantissa and exponent of the last code used. */
static double largest(int exp_bits, int man_bits, int bias, enum top top)
{
    const int top_exp = (1 << exp_bits) - 1 - (top == IEEE) - bias;
    const double ulp = ldexp(1, -man_bits);
    const double fraction = 2 - (top == OCP_NAN ? 2 * ulp : ulp);

    if (exp_bits == 0)
        return 1 - ulp; /* 0.11...1 */
    return top_exp > FLOAT_EMAX ? ldexp(2 - ulp, FLOAT_EMAX)
                                : ldexp(fraction, top_exp);
}

static void describe(struct num_format *f, const struct row *r)
{
    *f = (struct num_format){ .kind = r->kind,
                              .subnormals = true,
                              .source = r->source };
    snprintf(f->name, sizeof f->name, "%s", r->name);
    if (r->kind == NUM_INT) {
        f->man_bits = r->man_bits - 1;
        f->bits = r->man_bits;
        f->max = (float)((1 << f->man_bits) - 1);
        f->min_code = r->narrow ? -f->max : -f->max - 1;
        f->step_zero = 1;
        f->scaled = true;
        return;
    }
    f->exp_bits = r->exp_bits;
    f->man_bits = r->man_bits;
    f->bits = 1 + r->exp_bits + r->man_bits;
    f->bias = r->exp_bits > 1 ? (1 << (r->exp_bits - 1)) - 1 : r->exp_bits;
    f->emin = r->exp_bits == 0 ? 0 : 1 - f->bias;
    if (f->emin < FLOAT_EMIN)
        f->emin = FLOAT_EMIN;
    f->step_zero = (float)ldexp(1, f->emin - f->man_bits);
    f->max = (float)largest(r->exp_bits, r->man_bits, f->bias, r->top);
    f->min_code = -f->max;
    f->scaled = r->exp_bits < 8 && strcmp(r->name, "fp16") != 0;
}

bool num_at(struct num_format *out, int i)
{
    if (i >= N_ROWS)
        return false;
    describe(out, &rows[i]);
    return true;
}

/* --- names ---------------------------------------------------------------- */

/* Read a decimal number of at most two digits; -1 when there is none. */
static int read_small(const char **p)
{
    int value = 0, digits = 0;

    for (; isdigit((unsigned char)**p) && digits < 3; digits++, (*p)++)
        value = value * 10 + (**p - '0');
    return digits == 0 || digits > 2 ? -1 : value;
}

static bool read_int_name(struct row *r, const char *name)
{
    const char *p = name + 3;

    if (!text_has_prefix(name, "int"))
        return false;
    r->kind = NUM_INT;
    r->man_bits = read_small(&p);
    r->narrow = *p == 'n';
    p += r->narrow;
    r->source = r->narrow ? "symmetric integer" : "two's complement integer";
    return *p == '\0' && r->man_bits >= 2 && r->man_bits <= 8;
}

static bool read_float_name(struct row *r, bool *subnormals, const char *name)
{
    const char *p = name + 1;

    if (*name != 'e')
        return false;
    r->kind = NUM_FLOAT;
    r->exp_bits = read_small(&p);
    if (r->exp_bits < 0 || *p++ != 'm')
        return false;
    r->man_bits = read_small(&p);
    r->top = ALL_FINITE;
    r->source = "sign, exponent, mantissa; every code finite";
    *subnormals = true;
    if (strcmp(p, ":ieee") == 0)
        r->top = IEEE;
    else if (strcmp(p, ":nosub") == 0)
        *subnormals = false;
    else if (*p && strcmp(p, ":finite") != 0)
        return false;
    return r->man_bits >= 0 && r->exp_bits + r->man_bits >= 1 &&
           r->exp_bits + r->man_bits <= 15 &&
           !(r->exp_bits == 0 && (r->top == IEEE || !*subnormals)) &&
           !(r->exp_bits == 1 && r->top == IEEE);
}

static enum status unknown(const char *name, struct err *err)
{
    const char *names[N_ROWS], *near;
    int x, y, read = 0;

    if (sscanf(name, "e%2dm%2d%n", &x, &y, &read) == 2 && x <= 15 && y <= 15 &&
        (name[read] == '\0' || name[read] == ':') && x + y > 15)
        return err_set(err, ERR_CONFIG,
                       "number format '%.60s': eXmY needs X + Y <= 15, a sign "
                       "and 15 bits; %d + %d is %d",
                       name, x, y, x + y);
    for (int i = 0; i < N_ROWS; i++)
        names[i] = rows[i].name;
    near = text_nearest(name, names, N_ROWS);
    return near ? err_set(err, ERR_CONFIG,
                          "unknown number format '%.60s', did you mean '%s'?",
                          name, near)
                : err_set(err, ERR_CONFIG,
                          "unknown number format '%.60s': intN (2 to 8 bits), "
                          "intNn, eXmY (X + Y <= 15), fp16, bf16 or none",
                          name);
}

enum status num_find(struct num_format *out, const char *name, struct err *err)
{
    struct row r = { .name = name };
    bool subnormals = true;

    if (num_is_table(name))
        return num_table_read(out, name, err);

    for (int i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) {
            describe(out, &rows[i]);
            return OK;
        }
    if (strlen(name) >= sizeof out->name ||
        (!read_int_name(&r, name) && !read_float_name(&r, &subnormals, name)))
        return unknown(name, err);
    describe(out, &r);
    out->subnormals = subnormals;
    if (!subnormals)
        out->step_zero = (float)ldexp(1, out->emin);
    return OK;
}

/* --- rounding ------------------------------------------------------------- */

float num_round(const struct num_format *f, float x,
                const struct num_rounding *mode, float u)
{
    double a = fabs((double)x), v, step;
    int e;

    if (isnan(x))
        return x;
    if (f->kind == NUM_TABLE)
        return num_table_round(f, x, mode, u);
    if (f->kind == NUM_INT) {
        v = isinf(x) ? (double)x : mode->steps((double)x, u);
        return (float)fmin(fmax(v, f->min_code), f->max);
    }
    if (a >= f->max)
        return copysignf(f->max, x);
    frexp(a, &e);
    e = a == 0 || e - 1 < f->emin ? f->emin : e - 1;
    step = a < ldexp(1, f->emin) ? f->step_zero : ldexp(1, e - f->man_bits);
    /* Without mantissa bits the neighbours are 2^e and 2^(e+1), and the code
     * of the former ends as its exponent field does. */
    if (f->man_bits == 0 && mode->ties_by_code && a >= ldexp(1, f->emin))
        v = (double)mode->between((float)a, (float)step, (float)(2 * step),
                                  (e - f->emin + 1) % 2 != 0, u);
    else
        v = step * mode->steps(a / step, u);
    return copysignf((float)fmin(v, f->max), x);
}

/* --- codes ---------------------------------------------------------------- */

uint32_t num_encode(const struct num_format *f, float value)
{
    const uint32_t mask = (1u << f->bits) - 1;
    const uint32_t sign = signbit(value) ? 1u << (f->bits - 1) : 0;
    const double a = fabs((double)value);
    int e;

    if (f->kind == NUM_TABLE)
        return num_table_code(f, value);
    if (f->kind == NUM_INT)
        return (uint32_t)(int32_t)value & mask;
    if (a < ldexp(1, f->emin) || f->exp_bits == 0)
        return sign | (uint32_t)(a * ldexp(1, f->man_bits - f->emin));
    frexp(a, &e);
    e -= 1; /* a = 1.m x 2^e */
    return sign | (uint32_t)(e - f->emin + 1) << f->man_bits |
           (uint32_t)((a * ldexp(1, -e) - 1) * ldexp(1, f->man_bits));
}

float num_decode(const struct num_format *f, uint32_t code)
{
    const uint32_t sign = code >> (f->bits - 1) & 1;
    const uint32_t man = code & ((1u << f->man_bits) - 1);
    const uint32_t field = code >> f->man_bits & ((1u << f->exp_bits) - 1);
    double a;

    if (f->kind == NUM_TABLE)
        return code < (uint32_t)f->table->n ? f->table->values[code] : NAN;
    if (f->kind == NUM_INT)
        return (float)((int32_t)(code << (32 - f->bits)) >> (32 - f->bits));
    if (field == 0 && !f->subnormals)
        a = 0;
    else if (field == 0)
        a = ldexp(man, f->emin - f->man_bits);
    else
        a = ldexp(1 + ldexp(man, -f->man_bits), f->emin + (int)field - 1);
    if (a > f->max)
        return NAN; /* a code the format keeps for NaN or infinity */
    return (float)(sign ? -a : a);
}

/* --- error on Gaussian data ----------------------------------------------- */

/* E (z - s Q(z / s))^2 by the midpoint rule, |z| < 8. */
static double gaussian_mse_at(const struct num_format *f, double s)
{
    const int n = 4000;
    const double h = 8.0 / n;
    double sum = 0;

    for (int i = 0; i < n; i++) {
        const double z = (i + 0.5) * h;
        const double up = z - s * num_round(f, (float)(z / s), NUM_NEAREST, 0);
        const double down =
            -z - s * num_round(f, (float)(-z / s), NUM_NEAREST, 0);

        sum += exp(-z * z / 2) * (up * up + down * down) * h;
    }
    return sum * 0.39894228040143267794;
}

double num_gaussian_mse(const struct num_format *f)
{
    double best = INFINITY;

    if (!f->scaled)
        return gaussian_mse_at(f, 1);
    /* The largest code is put between 0.5 and 8 standard deviations. */
    for (double reach = 0.5; reach <= 8; reach *= 1.005)
        best = fmin(best, gaussian_mse_at(f, reach / f->max));
    return best;
}
