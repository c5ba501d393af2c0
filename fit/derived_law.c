#include "fit/derived_law.h"

#include <math.h>
#include <string.h>

/* --- evaluating the law -------------------------------------------------- */

/* A setting under change: slots with the parameters filled in. */
struct point {
    const struct model *m;
    double slots[DERIVED_NAMES];
};

static struct point start(const struct derived_ask *a, const double *theta)
{
    struct point p = { .m = a->m };

    for (int k = 0; k < a->m->n_names; k++)
        p.slots[k] = a->chosen[k] >= 0 ? theta[a->chosen[k]] : a->slots[k];
    return p;
}

static void set(struct point *p, const char *name, double value)
{
    for (int k = 0; k < p->m->n_names; k++)
        if (p->m->names[k].is_var && strcmp(p->m->names[k].name, name) == 0)
            p->slots[k] = value;
}

static double get(const struct point *p, const char *name)
{
    for (int k = 0; k < p->m->n_names; k++)
        if (strcmp(p->m->names[k].name, name) == 0)
            return p->slots[k];
    return (double)NAN;
}

static bool has(const struct model *m, const char *name)
{
    for (int k = 0; k < m->n_names; k++)
        if (m->names[k].is_var && strcmp(m->names[k].name, name) == 0)
            return true;
    return false;
}

static double law(const struct point *p)
{
    return expr_eval(p->m->expr, p->slots);
}

/* The same point without quantization. */
static void unquantize(struct point *p)
{
    for (int k = 0; k < p->m->n_names; k++) {
        const char *name = p->m->names[k].name;
        const struct law *l = p->m->law;
        const struct law_var *v = l ? law_var(l, name) : NULL;
        const struct law_param *q = l ? law_param(l, name) : NULL;

        if (v && v->quantizes)
            p->slots[k] = v->plain;
        else if (!l && (strcmp(name, "G") == 0 || strcmp(name, "B") == 0) &&
                 p->m->names[k].is_var)
            p->slots[k] = 1;
        if (q && q->flags & LAW_UNITY)
            p->slots[k] = 1;
    }
}

/* --- searching ----------------------------------------------------------- */

typedef double function(void *ctx, double x);

#define GRID   160
#define GOLDEN 0.61803398874989484820

/* The x in [lo, hi] where f is least: a grid, then golden sections.  NaN when
 * that is an end of the interval. */
static double minimize(function *f, void *ctx, double lo, double hi)
{
    double best = HUGE_VAL, a, b, x1, x2, f1, f2;
    int at = -1;

    for (int i = 0; i <= GRID; i++) {
        const double v = f(ctx, lo + (hi - lo) * i / GRID);

        if (v < best) {
            best = v;
            at = i;
        }
    }
    if (at <= 0 || at >= GRID)
        return (double)NAN;
    a = lo + (hi - lo) * (at - 1) / GRID;
    b = lo + (hi - lo) * (at + 1) / GRID;
    x1 = b - GOLDEN * (b - a);
    x2 = a + GOLDEN * (b - a);
    f1 = f(ctx, x1);
    f2 = f(ctx, x2);
    while (b - a > 1e-9 * (fabs(a) + fabs(b) + 1)) {
        if (f1 < f2) {
            b = x2;
            x2 = x1;
            f2 = f1;
            x1 = b - GOLDEN * (b - a);
            f1 = f(ctx, x1);
        } else {
            a = x1;
            x1 = x2;
            f1 = f2;
            x2 = a + GOLDEN * (b - a);
            f2 = f(ctx, x2);
        }
    }
    return 0.5 * (a + b);
}

/* The x in [lo, hi] where a rising f passes zero; an end when it does not. */
static double bisect(function *f, void *ctx, double lo, double hi)
{
    if (f(ctx, lo) >= 0)
        return lo;
    if (f(ctx, hi) <= 0)
        return hi;
    for (int i = 0; i < 200 && hi - lo > 1e-13 * fabs(hi + lo); i++) {
        const double mid = 0.5 * (lo + hi);

        if (f(ctx, mid) < 0)
            lo = mid;
        else
            hi = mid;
    }
    return 0.5 * (lo + hi);
}

/* --- the best size under a budget ---------------------------------------- */

struct budget {
    struct point p;
    double nd; /* N D */
};

static double loss_at_size(void *ctx, double log_n)
{
    struct budget *b = ctx;

    set(&b->p, "N", exp(log_n));
    set(&b->p, "D", b->nd / exp(log_n));
    return law(&b->p);
}

#define LOG_LEAST 4.6 /* a hundred parameters or tokens */

static double best_size(struct budget *b)
{
    return exp(minimize(loss_at_size, b, LOG_LEAST, log(b->nd) - LOG_LEAST));
}

double derived_n_opt(const struct derived_ask *a, const double *theta)
{
    struct budget b = { start(a, theta), a->c / 6 };

    return best_size(&b);
}

double derived_d_opt(const struct derived_ask *a, const double *theta)
{
    return a->c / 6 / derived_n_opt(a, theta);
}

double derived_loss_opt(const struct derived_ask *a, const double *theta)
{
    struct budget b = { start(a, theta), a->c / 6 };
    const double n = best_size(&b);

    return isnan(n) ? n : loss_at_size(&b, log(n));
}

/* --- what quantization costs --------------------------------------------- */

struct match {
    struct point p;
    double target;
};

/* Loss is less with more parameters, so that its fall rises. */
static double fall_at_size(void *ctx, double log_n)
{
    struct match *t = ctx;

    set(&t->p, "N", exp(log_n));
    return t->target - law(&t->p);
}

/* The unquantized size with the same loss, as a share of N. */
double derived_n_eff(const struct derived_ask *a, const double *theta)
{
    struct match t = { .p = start(a, theta) };
    const double n = get(&t.p, "N");
    double same;

    t.target = law(&t.p);
    unquantize(&t.p);
    same = bisect(fall_at_size, &t, log(n) - 40, log(n) + 5);
    return same <= log(n) - 40 ? (double)NAN : exp(same) / n;
}

static double loss_at_tokens(void *ctx, double log_d)
{
    set(ctx, "D", exp(log_d));
    return law(ctx);
}

double derived_d_crit(const struct derived_ask *a, const double *theta)
{
    struct point p = start(a, theta);

    return exp(minimize(loss_at_tokens, &p, log(1e4), log(1e24)));
}

struct price {
    struct point p;
    const char *group;
    double plain, limit;
};

static double price_at_group(void *ctx, double log_g)
{
    struct price *c = ctx;

    set(&c->p, c->group, exp(log_g));
    return law(&c->p) - c->plain - c->limit;
}

double derived_g_max(const struct derived_ask *a, const double *theta)
{
    struct price c = { .p = start(a, theta), .limit = a->cost };
    struct point plain = c.p;
    double log_g;

    c.group = has(a->m, "G") ? "G" : has(a->m, "B") ? "B" : NULL;
    if (!c.group)
        return (double)NAN;
    unquantize(&plain);
    c.plain = law(&plain);
    log_g = bisect(price_at_group, &c, log(1 + 1e-9), log(1e9));
    return log_g >= log(1e9) ? HUGE_VAL : exp(log_g);
}

/* --- bits ---------------------------------------------------------------- */

struct bits {
    struct point p;
    double total; /* P = 1 + E + M */
    double c;     /* 6 N D P / 16 */
    bool has_n, has_d;
};

static double loss_at_exponent(void *ctx, double e)
{
    struct bits *b = ctx;

    set(&b->p, "E", e);
    set(&b->p, "M", b->total - 1 - e);
    return law(&b->p);
}

/* Exponent bits of the best split, as a real number; half a bit each is the
 * law's own offset, and the end of what it can be asked. */
static double best_exponent(struct bits *b)
{
    return minimize(loss_at_exponent, b, -0.4999, b->total - 0.5001);
}

double derived_split(const struct derived_ask *a, const double *theta)
{
    struct bits b = { .p = start(a, theta), .total = a->p };

    return best_exponent(&b);
}

/* Set the format to P bits in whichever way the law knows bits. */
static void set_bits(struct bits *b, double p)
{
    b->total = p;
    if (has(b->p.m, "E") && has(b->p.m, "M")) {
        loss_at_exponent(b, best_exponent(b));
        return;
    }
    for (int k = 0; k < b->p.m->n_names; k++)
        if (b->p.m->names[k].is_var && b->p.m->names[k].name[0] == 'P')
            b->p.slots[k] = p;
}

static double loss_at_bits(void *ctx, double p)
{
    struct bits *b = ctx;
    const double nd = b->c / 6 * 16 / p;
    struct budget free_size;

    set_bits(b, p);
    if (b->has_d) {
        set(&b->p, "N", nd / get(&b->p, "D"));
        return law(&b->p);
    }
    if (b->has_n) {
        set(&b->p, "D", nd / get(&b->p, "N"));
        return law(&b->p);
    }
    free_size = (struct budget){ b->p, nd };
    return loss_at_size(&free_size, log(best_size(&free_size)));
}

double derived_p_opt(const struct derived_ask *a, const double *theta)
{
    struct bits b = {
        .p = start(a, theta), .c = a->c, .has_n = a->has_n, .has_d = a->has_d
    };

    return minimize(loss_at_bits, &b, 1.05, 33);
}
