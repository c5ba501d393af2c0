#include "fit/reported.h"

#include <ctype.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/order.h"
#include "fit/diagnose.h"
#include "fit/report.h"
#include "fit/reported_limits.h"
#include "fit/resample.h"

/* --- reading ------------------------------------------------------------- */

struct names {
    const struct model *m;
    bool met_variable;
};

static bool find_param(void *ctx, const char *name, struct expr_symbol *out)
{
    struct names *names = ctx;
    const int i = model_find_param(names->m, name);

    for (int k = 0; k < names->m->n_names; k++)
        if (names->m->names[k].is_var &&
            strcmp(names->m->names[k].name, name) == 0)
            names->met_variable = true;
    *out = (struct expr_symbol){ EXPR_SYM_SLOT, i, 0 };
    return i >= 0;
}

/* The nearest name; of "k" the first value of a grouped one, k[int4]. */
static const char *nearest_param(void *ctx, const char *name)
{
    const struct names *names = ctx;
    const struct model *m = names->m;
    const char **all, *near;
    const size_t n = strlen(name);

    if (names->met_variable)
        return NULL;
    all = mem_array((size_t)m->n_params + 1, sizeof *all);
    for (int i = 0; i < m->n_params; i++)
        all[i] = m->params[i].name;
    near = text_nearest(name, all, (size_t)m->n_params);
    for (int i = m->n_params - 1; i >= 0; i--)
        if (strncmp(all[i], name, n) == 0 && all[i][n] == '[')
            near = all[i];
    free(all);
    return near;
}

/* The text after "NAME =", or all of it; an equals sign of a comparison names
 * nothing. */
static const char *right_side(const char *text)
{
    const char *p = text + strspn(text, " \t");

    if (!isalpha((unsigned char)*p))
        return text;
    while (isalnum((unsigned char)*p) || *p == '_')
        p++;
    p += strspn(p, " \t");
    return *p == '=' && p[1] != '=' ? p + 1 : text;
}

static enum status parse(struct expr **e, struct reported *r,
                         const struct fit *f, const char *text, struct err *err)
{
    struct names names = { .m = f->m };
    const struct expr_scope scope = { find_param, nearest_param, &names,
                                      false };
    const char *right = right_side(text);
    char *name =
        mem_strndup(text, right == text ? 0 : (size_t)(right - text - 1));
    char *copy = mem_strdup(right);
    enum status st;

    r->text = mem_strdup(text_trim(copy));
    r->name = mem_strdup(right == text ? r->text : text_trim(name));
    free(copy);
    free(name);
    st = expr_parse(e, r->text, &scope, err);
    if (st == OK)
        return OK;
    err_prefix(err, "--report: ");
    if (names.met_variable)
        err_append(err, ": the law's variables have no value here, write "
                        "numbers for them");
    return ERR_USAGE;
}

/* --- which interval ------------------------------------------------------ */

static void none(struct reported *r, char *why)
{
    r->est.se = r->est.lo = r->est.hi = (double)NAN;
    r->est.interval = "none";
    free(r->est.why);
    r->est.why = why;
}

static void copy_estimate(struct reported *r, const struct fit_estimate *e)
{
    r->est = *e;
    r->est.why = e->why ? mem_strdup(e->why) : NULL;
}

/* May a parameter without an interval be in it all the same?  Where only its
 * direction is not seen, by the rows, and the function does not move along. */
static bool is_told(const struct fit *f, struct reported_function *fn, int i)
{
    return !f->rival && f->dof > 0 &&
           (f->m->loss.kind == FIT_L2 || resample_has(f)) &&
           diagnose_is_flat(f, f->m->params[i].free) && reported_is_seen(f, fn);
}

/* Why there can be no interval, or NULL; what the function does not depend on
 * does not matter, but for a bound: along it others move as well. */
static char *obstacle(const struct fit *f, struct reported_function *fn)
{
    const struct expr *e = fn->e;
    bool moves = false;

    for (int i = 0; i < f->m->n_params; i++) {
        const struct fit_estimate *est = &f->est[i];

        if (est->at_bound && !resample_has(f))
            return mem_printf("%s is at its bound: --bootstrap 1000 gives an "
                              "interval",
                              f->m->params[i].name);
        if (!expr_uses(e, i) || f->m->params[i].free < 0)
            continue;
        moves = true;
        if (strcmp(est->interval, "none") == 0 && !is_told(f, fn, i))
            return mem_printf("%s: %s", f->m->params[i].name,
                              est->why ? est->why : "no interval");
    }
    return moves ? NULL : mem_strdup("nothing in it was fitted");
}

static bool wants_profile(const struct fit *f, const struct expr *e)
{
    for (int i = 0; i < f->m->n_params; i++)
        if (expr_uses(e, i) && strcmp(f->est[i].interval, "profile") == 0)
            return true;
    return false;
}

static double value_of(const double *theta, void *ctx)
{
    const struct reported_function *fn = ctx;
    const double v = expr_eval(fn->e, theta);

    return fn->is_log ? log(fabs(v)) : v;
}

/* An interval about the value, or about its logarithm. */
static void around(struct reported *r, bool is_log, double se, double half)
{
    const double v = r->est.value;
    const double a = is_log ? v * exp(-half) : v - half;
    const double b = is_log ? v * exp(half) : v + half;

    r->est.se = is_log ? fabs(v) * se : se;
    r->est.lo = fmin(a, b);
    r->est.hi = fmax(a, b);
}

/* The function where what stands for infinity is that; room holds theta. */
static double true_value(const struct expr *e, const double *theta,
                         double *room, int n)
{
    for (int i = 0; i < n; i++)
        room[i] =
            optimum_is_far(theta[i]) ? copysign(HUGE_VAL, theta[i]) : theta[i];
    return expr_eval(e, room);
}

static void from_refits(struct reported *r, const struct fit *f,
                        const struct expr *e)
{
    const size_t n = (size_t)f->boot.n, params = (size_t)f->m->n_params;
    double *x = mem_array(n, sizeof *x), lo, hi;
    double *room = mem_array(params + 1, sizeof *room);

    for (size_t b = 0; b < n; b++)
        x[b] = true_value(e, f->boot.theta + b * params, room, f->m->n_params);
    free(room);
    order_limits(&lo, &hi, x, n, 0.1586553);
    r->est.se = isfinite(hi - lo) ? 0.5 * (hi - lo) : (double)NAN;
    order_limits(&r->est.lo, &r->est.hi, x, n,
                 bootstrap_level(f->boot.units, 0.025));
    r->est.interval = "bootstrap";
    free(x);
    if (isnan(r->est.lo))
        none(r, mem_strdup("in more than 1 % of the refits it is no number"));
}

static void from_formula(struct reported *r, const struct fit *f,
                         struct reported_function *fn)
{
    const double t = gsl_cdf_tdist_Pinv(0.975, f->dof);
    const double se = reported_error(f, fn);

    around(r, fn->is_log, se, t * se);
    r->est.interval = "wald";
    if (wants_profile(f, fn->e) &&
        reported_limits(&r->est.lo, &r->est.hi, f, fn, t))
        r->est.interval = "profile";
}

static void find_interval(struct reported *r, const struct fit *f,
                          struct reported_function *fn)
{
    char *why = obstacle(f, fn);

    if (!isfinite(r->est.value)) {
        none(r, mem_strdup("it is no finite number"));
        free(why);
    } else if (why) {
        none(r, why);
    } else if (f->jack.n) {
        const struct resampled v = resample_value(f, value_of, fn);

        around(r, fn->is_log, v.se, v.half);
        r->est.interval = "jackknife";
        if (isnan(v.half))
            none(r,
                 mem_strdup("a single cluster says all that is known of it"));
    } else if (f->boot.n > 20) {
        from_refits(r, f, fn->e);
    } else {
        from_formula(r, f, fn);
    }
}

enum status reported_find(struct reported *out, const struct fit *f,
                          const char *text, struct err *err)
{
    struct reported_function fn = { .is_log = false };
    struct expr *e;
    enum status st;
    bool alone = false;

    *out = (struct reported){ .name = NULL };
    st = parse(&e, out, f, text, err);
    if (st != OK)
        return st;
    for (int i = 0; i < f->m->n_params && !alone; i++)
        if ((alone = expr_is_slot(e, i)))
            copy_estimate(out, &f->est[i]);
    if (!alone) {
        double *room = mem_array((size_t)f->m->n_params + 1, sizeof *room);

        reported_function_init(&fn, e, f);
        out->est.value = true_value(e, f->best.theta, room, f->m->n_params);
        free(room);
        find_interval(out, f, &fn);
        reported_function_release(&fn);
    }
    expr_free(e);
    return OK;
}

void reported_release(struct reported *r)
{
    free(r->name);
    free(r->text);
    free(r->est.why);
    *r = (struct reported){ .name = NULL };
}

/* --- telling ------------------------------------------------------------- */

void reported_text(struct str *out, const struct reported *r, int n)
{
    if (n)
        str_add(out,
                "\n  reported               value       s.e.   95 % interval"
                "            kind\n");
    for (int i = 0; i < n; i++) {
        char *label = strcmp(r[i].name, r[i].text) == 0
                          ? mem_strdup(r[i].text)
                          : mem_printf("%s = %s", r[i].name, r[i].text);

        report_estimate(out, label, &r[i].est);
        free(label);
    }
}

void reported_json(struct str *out, const struct reported *r, int n)
{
    str_add(out, ",\"reported\":[");
    for (int i = 0; i < n; i++) {
        str_add(out, i ? ",{" : "{");
        json_add_text(out, "name", r[i].name);
        json_add_text(out, "formula", r[i].text);
        json_add_number(out, "value", r[i].est.value);
        json_add_number(out, "se", r[i].est.se);
        json_add_number(out, "lo95", r[i].est.lo);
        json_add_number(out, "hi95", r[i].est.hi);
        json_add_text(out, "interval", r[i].est.interval);
        if (r[i].est.why)
            json_add_text(out, "why", r[i].est.why);
        str_add_char(out, '}');
    }
    str_add_char(out, ']');
}
