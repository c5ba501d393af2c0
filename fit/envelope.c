#include "fit/envelope.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fit/report.h"

struct point {
    const char *run;
    double n, c, loss; /* c: logarithm of the operations so far */
};

/* A run's points, in order of c. */
struct curve {
    const struct point *p;
    size_t n;
};

static int by_run(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    const int r = strcmp(x->run, y->run);

    return r ? r : (x->c > y->c) - (x->c < y->c);
}

static enum status read_points(struct point **points, size_t *n,
                               const struct table *t, const char *run,
                               struct err *err)
{
    static const char *const names[] = { "N", "D", "loss" };
    int col[3], by;
    enum status st = table_need(&by, t, "--envelope: ", run, err);

    *points = NULL;
    *n = 0;
    for (int k = 0; k < 3 && st == OK; k++)
        st = table_need(&col[k], t, "--envelope: ", names[k], err);
    if (st != OK)
        return st;
    *points = mem_array(t->rows + 1, sizeof **points);
    for (size_t i = 0; i < t->rows; i++) {
        const double size = t->cols[col[0]].num[i];
        const double tokens = t->cols[col[1]].num[i];
        const double loss = t->cols[col[2]].num[i];

        if (size > 0 && tokens > 0 && isfinite(size * tokens) &&
            isfinite(loss) && !t->trouble[i])
            (*points)[(*n)++] = (struct point){ t->cols[by].text[i], size,
                                                log(6 * size * tokens), loss };
    }
    if (*n == 0)
        return err_set(err, ERR_FIT, "no row of %s has N, D and loss",
                       t->source);
    qsort(*points, *n, sizeof **points, by_run);
    return OK;
}

static struct curve *split_curves(const struct point *p, size_t n, int *count)
{
    struct curve *c = mem_array(n, sizeof *c);

    *count = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || strcmp(p[i].run, p[i - 1].run) != 0)
            c[(*count)++] = (struct curve){ p + i, 0 };
        c[*count - 1].n++;
    }
    return c;
}

/* The loss at log C, NaN where the curve does not reach. */
static double loss_at(const struct curve *c, double at)
{
    size_t lo = 0, hi = c->n - 1;

    if (c->n < 2 || at < c->p[0].c || at > c->p[hi].c)
        return (double)NAN;
    while (hi - lo > 1) {
        const size_t mid = (lo + hi) / 2;

        if (c->p[mid].c <= at)
            lo = mid;
        else
            hi = mid;
    }
    if (c->p[hi].c == c->p[lo].c)
        return c->p[hi].loss;
    return c->p[lo].loss + (c->p[hi].loss - c->p[lo].loss) * (at - c->p[lo].c) /
                               (c->p[hi].c - c->p[lo].c);
}

/* The size of the best run at log C, 0 where it is the smallest or the largest
 * that reaches there; without runs of the size left_out. */
static double best_size(const struct curve *c, int n, double at,
                        double left_out)
{
    double least = HUGE_VAL, best = 0, smallest = HUGE_VAL, largest = 0;

    for (int i = 0; i < n; i++) {
        const double size = c[i].p[0].n, loss = loss_at(&c[i], at);

        if (isnan(loss) || size == left_out)
            continue;
        smallest = fmin(smallest, size);
        largest = fmax(largest, size);
        if (loss < least) {
            least = loss;
            best = size;
        }
    }
    return best > smallest && best < largest ? best : 0;
}

struct line {
    double slope, intercept;
    int budgets, sizes;
};

/* Over equal steps of log C; stretches may be NULL. */
static struct line fit_line(struct envelope *e, const struct curve *c, int n,
                            double from, double to, double left_out)
{
    struct line l = { 0 };
    double sx = 0, sy = 0, sxx = 0, sxy = 0, before = 0;

    for (int k = 0; k < ENVELOPE_BUDGETS; k++) {
        const double x = from + (to - from) * (k + 0.5) / ENVELOPE_BUDGETS;
        const double size = best_size(c, n, x, left_out), y = log(size);

        if (size == 0)
            continue;
        l.budgets++;
        l.sizes += size != before;
        if (e && size != before) {
            e->stretches =
                mem_grow(e->stretches, (size_t)e->n + 1, sizeof *e->stretches);
            e->stretches[e->n++] =
                (struct envelope_stretch){ size, exp(x), exp(x) };
        }
        if (e)
            e->stretches[e->n - 1].to = exp(x);
        before = size;
        sx += x;
        sy += y;
        sxx += x * x;
        sxy += x * y;
    }
    l.slope = (sxy - sx * sy / l.budgets) / (sxx - sx * sx / l.budgets);
    l.intercept = (sy - l.slope * sx) / l.budgets;
    return l;
}

static int collect_sizes(double **sizes, const struct curve *c, int n)
{
    int count = 0;

    *sizes = mem_array((size_t)n, sizeof **sizes);
    for (int i = 0; i < n; i++) {
        int k = 0;

        while (k < count && (*sizes)[k] != c[i].p[0].n)
            k++;
        if (k == count)
            (*sizes)[count++] = c[i].p[0].n;
    }
    return count;
}

/* Which sizes were run decides the slope: the jackknife leaves out one after
 * another.  Sizes without which no line is left make it unknown. */
static void jackknife(struct envelope *e, const struct curve *c, int n,
                      double from, double to)
{
    double *sizes, mean = 0, sum = 0, *slope;
    const int count = collect_sizes(&sizes, c, n);
    bool known = count > 3;

    e->sizes = count;
    slope = mem_array((size_t)count, sizeof *slope);
    for (int k = 0; k < count; k++) {
        const struct line l = fit_line(NULL, c, n, from, to, sizes[k]);

        slope[k] = l.slope;
        known = known && l.sizes > 1 && isfinite(l.slope);
        mean += l.slope / count;
    }
    for (int k = 0; k < count; k++)
        sum += (slope[k] - mean) * (slope[k] - mean);
    e->lo = e->hi = (double)NAN;
    if (known) {
        const double half = gsl_cdf_tdist_Pinv(0.975, count - 1) *
                            sqrt(sum * (count - 1) / count);

        e->lo = e->a - half;
        e->hi = e->a + half;
    }
    free(sizes);
    free(slope);
}

enum status envelope_run(struct envelope *e, const struct table *t,
                         const char *run, struct err *err)
{
    struct point *points = NULL;
    struct curve *c;
    struct line l;
    double from = HUGE_VAL, to = -HUGE_VAL;
    enum status st;

    *e = (struct envelope){ .budgets = ENVELOPE_BUDGETS };
    st = read_points(&points, &e->rows, t, run, err);
    if (st != OK) {
        free(points);
        return st;
    }
    c = split_curves(points, e->rows, &e->runs);
    for (size_t i = 0; i < e->rows; i++) {
        from = fmin(from, points[i].c);
        to = fmax(to, points[i].c);
    }
    l = fit_line(e, c, e->runs, from, to, -1);
    e->inside = l.budgets;
    e->a = l.slope;
    e->log_g = l.intercept;
    jackknife(e, c, e->runs, from, to);
    if (l.sizes < 2)
        st = err_set(err, ERR_FIT,
                     "of %d sizes %d %s best at some budget with smaller and "
                     "larger ones beside it: an exponent needs two",
                     e->sizes, l.sizes, l.sizes == 1 ? "is" : "are");
    free(c);
    free(points);
    return st;
}

void envelope_release(struct envelope *e)
{
    free(e->stretches);
    *e = (struct envelope){ .n = 0 };
}

void envelope_text(struct str *out, const struct envelope *e,
                   const char *source)
{
    char n[32], from[32], to[32], interval[64] = "";

    str_addf(out, "envelope of %d training curves (%zu rows) of %s, %d sizes\n",
             e->runs, e->rows, source, e->sizes);
    str_addf(out,
             "  %d of %d budgets have their best size inside: neither the "
             "smallest nor\n  the largest that reaches them\n\n",
             e->inside, e->budgets);
    str_add(out, "  best size    between budgets\n");
    for (int i = 0; i < e->n; i++)
        str_addf(out, "  %9s    %s .. %s\n", text_si(n, e->stretches[i].n, 3),
                 text_si(from, e->stretches[i].from, 3),
                 text_si(to, e->stretches[i].to, 3));
    if (e->inside < 2 || !isfinite(e->a))
        return;
    if (!isnan(e->lo))
        snprintf(interval, sizeof interval, "  95 %% [%.4f, %.4f] (jackknife)",
                 e->lo, e->hi);
    str_addf(out, "\n  N* = %.4g C^%.4f%s\n", exp(e->log_g), e->a, interval);
    if (!isnan(e->lo))
        snprintf(interval, sizeof interval, "  95 %% [%.4f, %.4f] (jackknife)",
                 1 - e->hi, 1 - e->lo);
    str_addf(out, "  D* = %.4g C^%.4f%s\n", exp(-e->log_g) / 6, 1 - e->a,
             interval);
    if (isnan(e->lo))
        report_wrapped(out, "  note: ",
                       "too few sizes to say how well the exponent is known",
                       4);
}

void envelope_json(struct str *out, const struct envelope *e)
{
    str_add(out, "{");
    json_add_text(out, "schema", "qlaw/envelope/1");
    json_add_number(out, "n_points", (double)e->rows);
    json_add_number(out, "runs", e->runs);
    json_add_number(out, "sizes", e->sizes);
    json_add_number(out, "budgets", e->budgets);
    json_add_number(out, "inside", e->inside);
    str_add(out, ",\"stretches\":[");
    for (int i = 0; i < e->n; i++) {
        str_add(out, i ? ",{" : "{");
        json_add_number(out, "N", e->stretches[i].n);
        json_add_number(out, "from", e->stretches[i].from);
        json_add_number(out, "to", e->stretches[i].to);
        str_add_char(out, '}');
    }
    str_add_char(out, ']');
    json_add_number(out, "a", e->a);
    json_add_number(out, "a_lo95", e->lo);
    json_add_number(out, "a_hi95", e->hi);
    json_add_number(out, "coefficient", exp(e->log_g));
    str_add(out, "}\n");
}
