/* trust.c - how far the answer can be trusted: what the law of the
 * losses leaves over, of the loss and of the cost, what it is warned of, and
 * how much of the grid is finished. */
#include <math.h>
#include <string.h>

#include "harness/report/report.h"

static void say_state(struct report *r)
{
    int runs = 0, done = 0, diverged = 0, failed = 0, left_out = 0;

    for (int i = 0; i < r->data->n; i++) {
        const struct plot_point *p = &r->data->points[i];

        runs += p->runs;
        done += p->done;
        diverged += p->diverged;
        failed += p->failed;
        left_out += p->left_out;
    }
    page_say(r->page, "%d of %d runs are finished", done, runs);
    if (diverged)
        page_say(r->page, ", %d diverged", diverged);
    if (failed)
        page_say(r->page, ", %d failed", failed);
    if (left_out)
        page_say(r->page, ", %d %s left out", left_out,
                 left_out == 1 ? "is" : "are");
    if (runs - done - diverged - failed - left_out > 0)
        page_say(r->page, ", %d %s waiting",
                 runs - done - diverged - failed - left_out,
                 runs - done - diverged - failed - left_out == 1 ? "is"
                                                                 : "are");
}

/* Root mean square of what a law of losses misses the cost by, and the cost's
 * mean; NaN when it has none. */
static double cost_missed(const struct report *r, double *mean)
{
    double sum = 0, square = 0;
    int n = 0;

    for (int i = 0; i < r->data->n; i++) {
        const struct plot_point *p = &r->data->points[i];
        const double law = p->base || !p->in_fit
                               ? (double)NAN
                               : plot_fit_delta(r->data->fit, p);

        if (!isfinite(law) || !isfinite(p->delta))
            continue;
        sum += p->delta;
        square += (law - p->delta) * (law - p->delta);
        n++;
    }
    *mean = n ? sum / n : (double)NAN;
    return n ? sqrt(square / n) : (double)NAN;
}

/* A residual of the logarithm is a share of the loss. */
static void say_residual(struct report *r, const struct plot_fit *f)
{
    const bool share =
        report_has_fit(r) && r->again->model->space != FIT_LINEAR;
    double mean;
    const double missed = cost_missed(r, &mean);

    page_say(r->page, "The law of the losses, %s, leaves ", f->law);
    if (isnan(f->rmse))
        page_say(r->page, "an unknown residual");
    else if (share)
        page_say(r->page, "%.2g\u00a0%% of the loss", 100 * f->rmse);
    else
        page_say(r->page, "a residual of %.2g", f->rmse);
    page_say(r->page, " unexplained (root mean square over %d)", f->n_points);
    if (!isnan(missed))
        page_say(r->page,
                 " and misses the cost by %.2g nats, where costs are %.2g on "
                 "average",
                 missed, mean);
}

static void say_warnings(struct report *r)
{
    const struct fit *f = &r->again->fit;

    if (f->n_warnings == 0)
        return;
    page_say(r->page, "; it is warned of ");
    for (int i = 0; i < f->n_warnings; i++) {
        bool again = false;

        for (int k = 0; k < i; k++)
            again = again || f->warnings[k].code == f->warnings[i].code;
        if (again)
            continue;
        page_say(r->page, i ? ", " : "");
        page_code(r->page, fit_code_text(f->warnings[i].code));
    }
    page_say(r->page,
             f->obeyed ? " (its intervals obey them), below" : ", below");
}

void report_trust(struct report *r)
{
    const struct plot_fit *f = r->data->fit;

    page_paragraph(r->page);
    if (!f) {
        page_say(r->page, r->data->stale
                              ? "No law has been fitted to these runs (there "
                                "is a fit of others, below); "
                              : "No law of the losses has been fitted; ");
        say_state(r);
        page_say(r->page, ".");
        return;
    }
    say_residual(r, f);
    if (report_has_fit(r))
        say_warnings(r);
    else if (!f->converged || strcmp(f->status, "ok") != 0)
        page_say(r->page, " and is not sound");
    page_say(r->page, ". ");
    say_state(r);
    page_say(r->page, ".");
}
