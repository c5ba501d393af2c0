/* report_answer.c - the answer in three sentences: what the formats cost, what
 * the cost depends on, and how far the law can be trusted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report.h"

#define MAX_FAMILIES 200
#define MAX_SAID     4

/* --- what it costs -------------------------------------------------------- */

struct family {
    const char *name;
    struct interval cost;
};

static int find_families(struct family *out, const struct plot_data *d)
{
    double *x = mem_array((size_t)d->n + 1, sizeof *x);
    int n = 0;

    for (int i = 0; i < d->n && n < MAX_FAMILIES; i++) {
        const struct plot_point *p = &d->points[i];
        bool new = !p->base &&isfinite(p->delta);
        int k = 0;

        for (int j = 0; j < n; j++)
            new = new &&strcmp(out[j].name, p->family) != 0;
        if (!new)
            continue;
        for (int j = 0; j < d->n; j++)
            if (!d->points[j].base && isfinite(d->points[j].delta) &&
                strcmp(d->points[j].family, p->family) == 0)
                x[k++] = d->points[j].delta;
        out[n++] = (struct family){ p->family, interval_of(x, k) };
    }
    free(x);
    return n;
}

static int by_cost(const void *a, const void *b)
{
    const struct family *x = a, *y = b;

    return (x->cost.mean > y->cost.mean) - (x->cost.mean < y->cost.mean);
}

/* A family of few points says little beside one of many. */
static int keep_full(struct family *f, int n)
{
    int most = 0, kept = 0;

    for (int i = 0; i < n; i++)
        most = f[i].cost.n > most ? f[i].cost.n : most;
    for (int i = 0; i < n; i++)
        if (4 * f[i].cost.n >= most)
            f[kept++] = f[i];
    return kept;
}

static void say_family(struct report *r, const char *before,
                       const struct family *f)
{
    char *text = interval_text(f->cost.mean, f->cost.lo, f->cost.hi);

    page_say(r->page, "%s", before);
    page_strong(r->page, "%s costs %s", f->name, text);
    free(text);
}

/* Why there is nothing to say. */
static void say_no_cost(struct report *r)
{
    int runs = 0, done = 0, diverged = 0;

    for (int i = 0; i < r->data->n; i++)
        if (!r->data->points[i].base) {
            runs += r->data->points[i].runs;
            done += r->data->points[i].done;
            diverged += r->data->points[i].diverged;
        }
    if (runs == 0)
        page_say(r->page, "This grid holds no quantized run, so there is no "
                          "cost to report.");
    else if (diverged == runs)
        page_say(r->page,
                 "All %d quantized runs diverged: at these settings "
                 "the formats cannot be trained.",
                 runs);
    else if (done == 0)
        page_say(r->page,
                 "No quantized run is finished, so nothing can be said "
                 "of the cost yet.");
    else
        page_say(r->page, "No quantized run is finished beside its unquantized "
                          "twin, so nothing can be said of the cost yet.");
}

static void say_cost(struct report *r)
{
    struct family f[MAX_FAMILIES];
    const int n = keep_full(f, find_families(f, r->data));
    bool interval = true;

    page_paragraph(r->page);
    if (n == 0) {
        say_no_cost(r);
        return;
    }
    qsort(f, (size_t)n, sizeof *f, by_cost);
    for (int i = 0; i < n; i++) {
        interval = interval && f[i].cost.n > 1;
        if (n <= MAX_SAID || i < 2 || i == n - 1)
            say_family(r,
                       i == 0       ? "On average over this grid, "
                       : i == n - 1 ? " and "
                                    : ", ",
                       &f[i]);
    }
    page_say(r->page, " nats per token more than the unquantized twin%s",
             interval ? " (means over points, 95\u00a0% intervals)" : "");
    if (n > MAX_SAID)
        page_say(r->page, "; the other %d lie between", n - 3);
    page_say(r->page, ".");
}

/* --- what it depends on --------------------------------------------------- */

/* Laws whose cost is a power of one parameter each in N, D and log2 G: its
 * interval is the parameter's. */
static const struct {
    const char *law, *n, *d, *g;
} powers[] = {
    { "qat-delta", "gN", "gD", "gG" },
    { "qat-delta-paired", "gN", "gD", "gG" },
    { "capybara", "alpha", "beta", NULL },
    { "ouyang", "alpha", "beta", NULL },
};

/* base^p for a parameter with its interval; NULL when there is none. */
static char *factor(const struct plot_fit *f, const char *name, double base)
{
    const struct plot_param *p = name ? plot_fit_param(f, name) : NULL;

    return p && base > 1 ? interval_text(pow(base, p->value), pow(base, p->lo),
                                         pow(base, p->hi))
                         : NULL;
}

static void group_range(double *lo, double *hi, const struct plot_data *d)
{
    *lo = HUGE_VAL;
    *hi = 0;
    for (int i = 0; i < d->n; i++)
        if (!d->points[i].base && isfinite(d->points[i].G) &&
            isfinite(d->points[i].delta) && d->points[i].G > 1) {
            *lo = fmin(*lo, d->points[i].G);
            *hi = fmax(*hi, d->points[i].G);
        }
}

static bool is_sound(const struct report *r)
{
    const struct plot_fit *f = r->data->fit;

    return f && f->converged && strcmp(f->status, "ok") == 0;
}

static bool say_law(struct report *r)
{
    const struct plot_fit *f = r->data->fit;
    double lo, hi;
    char *n, *d, *g;

    group_range(&lo, &hi, r->data);
    for (size_t i = 0; f && i < sizeof powers / sizeof powers[0]; i++) {
        if (strcmp(powers[i].law, f->law) != 0)
            continue;
        n = factor(f, powers[i].n, 10);
        d = factor(f, powers[i].d, 10);
        g = factor(f, powers[i].g, hi > lo ? log2(hi) / log2(lo) : 0);
        page_paragraph(r->page);
        page_say(r->page, "By the law %s, ", f->law);
        if (g)
            page_strong(r->page,
                        "groups of %.0f instead of %.0f cost %s times "
                        "as much",
                        hi, lo, g);
        page_say(r->page,
                 "%sten times the parameters divide the cost by %s, and "
                 "ten times the tokens multiply it by %s.",
                 g ? "; " : "", n ? n : "an unknown factor",
                 d ? d : "an unknown factor");
        free(n);
        free(d);
        free(g);
        return true;
    }
    return false;
}

static void say_matched(struct report *r)
{
    static const struct {
        const char *var, *what;
    } vars[] = {
        { "G", "group size" },
        { "N", "parameters" },
        { "D", "tokens" },
    };
    int said = 0;

    for (size_t i = 0; i < sizeof vars / sizeof vars[0]; i++) {
        double lo, hi;
        char a[32], b[32], *text;
        const struct interval m =
            report_matched(r->data, vars[i].var, &lo, &hi);

        if (m.n == 0)
            continue;
        if (!said++)
            page_paragraph(r->page);
        text = interval_text(m.mean, m.lo, m.hi);
        page_say(r->page, "%sfrom %s = %s to %s the cost changes by ",
                 said > 1 ? "; " : "Among points that differ in nothing else, ",
                 vars[i].var, text_si(a, lo, 3), text_si(b, hi, 3));
        page_strong(r->page, "%s nats", text);
        page_say(r->page, " (%d pair%s)", m.n, m.n == 1 ? "" : "s");
        free(text);
    }
    if (said)
        page_say(r->page, ".");
}

/* --- how far to trust it -------------------------------------------------- */

static void say_state(struct report *r)
{
    int runs = 0, done = 0, diverged = 0, failed = 0;

    for (int i = 0; i < r->data->n; i++) {
        runs += r->data->points[i].runs;
        done += r->data->points[i].done;
        diverged += r->data->points[i].diverged;
        failed += r->data->points[i].failed;
    }
    page_say(r->page, "%d of %d runs are finished", done, runs);
    if (diverged)
        page_say(r->page, ", %d diverged", diverged);
    if (failed)
        page_say(r->page, ", %d failed", failed);
    if (runs - done - diverged - failed > 0)
        page_say(r->page, ", %d are missing", runs - done - diverged - failed);
}

/* A residual of the logarithm is a share of the loss. */
static void say_residual(struct report *r, const struct plot_fit *f)
{
    const bool share =
        report_has_fit(r) && r->again->model->space != FIT_LINEAR;

    page_say(r->page, "The law leaves ");
    if (isnan(f->rmse))
        page_strong(r->page, "an unknown residual");
    else if (share)
        page_strong(r->page, "%.2g\u00a0%% of the loss", 100 * f->rmse);
    else
        page_strong(r->page, "a residual of %.2g", f->rmse);
    page_say(r->page, " unexplained (root mean square over %d losses)",
             f->n_points);
}

static void say_trust(struct report *r)
{
    const struct plot_fit *f = r->data->fit;

    page_paragraph(r->page);
    if (!f) {
        page_say(r->page, "No law has been fitted; ");
        say_state(r);
        page_say(r->page, ".");
        return;
    }
    say_residual(r, f);
    if (report_has_fit(r) && r->again->fit.n_warnings)
        page_say(r->page, " and has %d warning%s, below",
                 r->again->fit.n_warnings,
                 r->again->fit.n_warnings == 1 ? "" : "s");
    else if (!is_sound(r))
        page_say(r->page, " and is not sound");
    page_say(r->page, "; ");
    say_state(r);
    page_say(r->page, ".");
}

void report_answer(struct report *r)
{
    page_section(r->page, "answer", "The answer");
    say_cost(r);
    if (!is_sound(r) || !say_law(r))
        say_matched(r);
    say_trust(r);
    if (r->trouble) {
        page_warning(r->page);
        page_say(r->page,
                 "Figures are missing: %s. Their data and scripts are "
                 "in ",
                 r->trouble);
        page_code(r->page, r->beside);
        page_say(r->page, ".");
    }
}
