#include "fit/lanes.h"

#include <math.h>
#include <string.h>

/* Eight doubles; the compiler cuts them to what the machine has. */
#define LANES 8
typedef double lanes __attribute__((vector_size(64)));
typedef long long lanes_mask __attribute__((vector_size(64)));

/* Macros, because a vector argument would have a different ABI under each
 * instruction set. */
#define LOAD(v, from) memcpy(&(v), (from), sizeof(v))
#define STORE(to, v)  memcpy((to), &(v), sizeof(v))
#define PICK(mask, a, b)                                                       \
    ((lanes)(((mask) & (lanes_mask)(a)) | (~(mask) & (lanes_mask)(b))))

/* The last n % 8 elements, the other lanes being 0. */
#define LOAD_REST(v, from, count)                                              \
    do {                                                                       \
        double rest_[LANES] = { 0 };                                           \
        memcpy(rest_, (from), (count) * sizeof(double));                       \
        memcpy(&(v), rest_, sizeof(v));                                        \
    } while (0)
#define STORE_REST(to, v, count) memcpy((to), &(v), (count) * sizeof(double))

static inline double join(const double *s)
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

LANES_CLONES
double lanes_dot(const double *a, const double *b, size_t n)
{
    lanes s = { 0 }, x, y;
    double out[LANES];
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        LOAD(x, a + i);
        LOAD(y, b + i);
        s += x * y;
    }
    if (i < n) {
        LOAD_REST(x, a + i, n - i);
        LOAD_REST(y, b + i, n - i);
        s += x * y;
    }
    STORE(out, s);
    return join(out);
}

LANES_CLONES
double lanes_dot3(const double *a, const double *b, const double *c, size_t n)
{
    lanes s = { 0 }, x, y, z;
    double out[LANES];
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        LOAD(x, a + i);
        LOAD(y, b + i);
        LOAD(z, c + i);
        s += x * y * z;
    }
    if (i < n) {
        LOAD_REST(x, a + i, n - i);
        LOAD_REST(y, b + i, n - i);
        LOAD_REST(z, c + i, n - i);
        s += x * y * z;
    }
    STORE(out, s);
    return join(out);
}

/* Four columns at a time share the loads of a. */
LANES_CLONES
static void four_dots(double *out, const double *a, const double *cols,
                      size_t n)
{
    const double *c0 = cols, *c1 = c0 + n, *c2 = c1 + n, *c3 = c2 + n;
    lanes s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 }, x, y;
    double sums[LANES];
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        LOAD(x, a + i);
        LOAD(y, c0 + i);
        s0 += x * y;
        LOAD(y, c1 + i);
        s1 += x * y;
        LOAD(y, c2 + i);
        s2 += x * y;
        LOAD(y, c3 + i);
        s3 += x * y;
    }
    if (i < n) {
        LOAD_REST(x, a + i, n - i);
        LOAD_REST(y, c0 + i, n - i);
        s0 += x * y;
        LOAD_REST(y, c1 + i, n - i);
        s1 += x * y;
        LOAD_REST(y, c2 + i, n - i);
        s2 += x * y;
        LOAD_REST(y, c3 + i, n - i);
        s3 += x * y;
    }
    STORE(sums, s0);
    out[0] = join(sums);
    STORE(sums, s1);
    out[1] = join(sums);
    STORE(sums, s2);
    out[2] = join(sums);
    STORE(sums, s3);
    out[3] = join(sums);
}

void lanes_dots(double *out, const double *a, const double *cols, int count,
                size_t n)
{
    int k = 0;

    for (; k + 4 <= count; k += 4)
        four_dots(out + k, a, cols + (size_t)k * n, n);
    for (; k < count; k++)
        out[k] = lanes_dot(a, cols + (size_t)k * n, n);
}

LANES_CLONES
static void add_four(double *out, const double *c, const double *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += (s[0] * c[i] + s[1] * c[n + i]) +
                  (s[2] * c[2 * n + i] + s[3] * c[3 * n + i]);
}

void lanes_combine(double *out, const double *cols, const double *s, int count,
                   size_t n)
{
    int k = 0;

    memset(out, 0, n * sizeof *out);
    for (; k + 4 <= count; k += 4)
        add_four(out, cols + (size_t)k * n, s + k, n);
    for (; k < count; k++)
        lanes_add(out, cols + (size_t)k * n, s[k], n);
}

LANES_CLONES
void lanes_add(double *out, const double *x, double s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] += s * x[i];
}

LANES_CLONES
void lanes_product(double *out, const double *a, const double *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = a[i] * b[i];
}

/* x - x is 0 or NaN, and NaN survives every sum. */
LANES_CLONES
bool lanes_finite(const double *x, size_t n)
{
    lanes s = { 0 }, v;
    double out[LANES];
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        LOAD(v, x + i);
        s += v - v;
    }
    if (i < n) {
        LOAD_REST(v, x + i, n - i);
        s += v - v;
    }
    STORE(out, s);
    return join(out) == 0;
}

/* Huber's function covers both branches as psi (z - psi / 2): z^2/2, and
 * delta |z| - delta^2/2. */
#define CLAMP(p, x, delta)                                                     \
    do {                                                                       \
        p = PICK((x) < -(delta), -(delta), x);                                 \
        p = PICK(p > (delta), delta, p);                                       \
    } while (0)

LANES_CLONES
double lanes_huber(double *psi, double *zone, const double *z, const double *w,
                   double delta, size_t n)
{
    const lanes zero = { 0 }, limit = zero + delta;
    lanes s = { 0 }, x, v, p, q;
    double out[LANES];
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        LOAD(x, z + i);
        LOAD(v, w + i);
        CLAMP(p, x, limit);
        s += v * (p * (x - 0.5 * p));
        q = v * p;
        STORE(psi + i, q);
        q = PICK(p == x, v, zero);
        STORE(zone + i, q);
    }
    if (i < n) {
        LOAD_REST(x, z + i, n - i);
        LOAD_REST(v, w + i, n - i);
        CLAMP(p, x, limit);
        s += v * (p * (x - 0.5 * p));
        q = v * p;
        STORE_REST(psi + i, q, n - i);
        q = PICK(p == x, v, zero);
        STORE_REST(zone + i, q, n - i);
    }
    STORE(out, s);
    return join(out);
}

LANES_CLONES
double lanes_huber_sum(const double *z, const double *w, double delta, size_t n)
{
    const lanes zero = { 0 }, limit = zero + delta;
    lanes s = { 0 }, x, v, p;
    double out[LANES];
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        LOAD(x, z + i);
        LOAD(v, w + i);
        CLAMP(p, x, limit);
        s += v * (p * (x - 0.5 * p));
    }
    if (i < n) {
        LOAD_REST(x, z + i, n - i);
        LOAD_REST(v, w + i, n - i);
        CLAMP(p, x, limit);
        s += v * (p * (x - 0.5 * p));
    }
    STORE(out, s);
    return join(out);
}

LANES_CLONES
double lanes_huber_slope(const double *z, const double *slope, const double *w,
                         double delta, double t, size_t n)
{
    const lanes zero = { 0 }, limit = zero + delta;
    lanes s = { 0 }, x, v, d, p;
    double out[LANES];
    size_t i = 0;

    for (; i + LANES <= n; i += LANES) {
        LOAD(x, z + i);
        LOAD(d, slope + i);
        LOAD(v, w + i);
        x += t * d;
        CLAMP(p, x, limit);
        s += v * (p * d);
    }
    if (i < n) {
        LOAD_REST(x, z + i, n - i);
        LOAD_REST(d, slope + i, n - i);
        LOAD_REST(v, w + i, n - i);
        x += t * d;
        CLAMP(p, x, limit);
        s += v * (p * d);
    }
    STORE(out, s);
    return join(out);
}
