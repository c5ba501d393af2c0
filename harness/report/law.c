/* law.c - the law with its parameters, how good it is, and what it says
 * of settings that were not run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fit/derived.h"
#include "fit/predict.h"
#include "fit/report.h"
#include "harness/report/report.h"

/* --- the law -------------------------------------------------------------- */

static void say_how(struct report *r, const struct plot_fit *f)
{
    const struct law *law = law_find(f->law);
    struct str objective = { 0 };

    page_paragraph(r->page);
    page_code(r->page, f->formula);
    page_paragraph(r->page);
    page_say(r->page, "Fit %lld of %d losses with %d free parameters",
             (long long)f->id, f->n_points, f->n_params);
    if (report_has_fit(r)) {
        report_objective_name(&objective, r->again->model);
        page_say(r->page, "; minimized: %s", str_text(&objective));
        str_release(&objective);
    } else {
        page_say(r->page, "; loss: %s", f->loss_fn);
    }
    page_say(r->page, "; N counts %s parameters; %d starts.", f->n_def,
             f->n_starts);
    if (law)
        page_say(r->page, " The law: %s.", law->source);
    if (law && law->note)
        page_say(r->page, " %s", law->note);
}

/* What kind of interval a parameter has. */
static const char *kind_of(const struct report *r, const struct plot_param *p)
{
    const int i =
        report_has_fit(r) ? model_find_param(r->again->model, p->name) : -1;

    if (i < 0)
        return "as stored";
    return r->again->fit.est[i].interval ? r->again->fit.est[i].interval : "";
}

static const char *meaning_of(const struct plot_fit *f,
                              const struct plot_param *p)
{
    const struct law *law = law_find(f->law);
    const struct law_param *q = law ? law_param(law, p->stem) : NULL;

    return q && q->meaning ? q->meaning : "";
}

static void number_cell(struct report *r, double x)
{
    if (isnan(x))
        page_cell(r->page, "\u2013");
    else
        page_cell(r->page, "%.5g", x);
}

static void add_parameters(struct report *r, const struct plot_fit *f)
{
    page_table(r->page, "Parameters with 95\u00a0% intervals");
    page_column(r->page, "parameter", false);
    page_column(r->page, "value", true);
    page_column(r->page, "std. error", true);
    page_column(r->page, "low", true);
    page_column(r->page, "high", true);
    page_column(r->page, "interval", false);
    page_column(r->page, "meaning", false);
    for (int i = 0; i < f->n_stored; i++) {
        const struct plot_param *p = &f->params[i];

        page_cell(r->page, "%s", p->name);
        number_cell(r, p->value);
        number_cell(r, p->se);
        number_cell(r, p->lo);
        number_cell(r, p->hi);
        page_cell(r->page, "%s%s", kind_of(r, p),
                  p->at_bound ? ", at its bound" : "");
        page_cell(r->page, "%s", meaning_of(f, p));
    }
}

static void add_warnings(struct report *r)
{
    for (int i = 0; i < r->again->fit.n_warnings; i++) {
        page_warning(r->page);
        page_strong(r->page, "%s",
                    fit_code_text(r->again->fit.warnings[i].code));
        page_say(r->page, ": %s.", r->again->fit.warnings[i].text);
    }
    for (int i = 0; i < r->again->fit.n_notes; i++) {
        page_item(r->page);
        page_say(r->page, "%s", r->again->fit.notes[i]);
    }
}

void report_stale(struct report *r)
{
    const struct plot_data *d = r->data;
    struct str command = { 0 };

    report_fit_command(&command, d->stale);
    page_say(r->page,
             "Fit %lld is left out here: it was made from %zu runs, and its "
             "selection has %s%zu now",
             (long long)d->stale->id, d->rows.then,
             d->rows.then == d->rows.now ? "other " : "", d->rows.now);
    if (command.len > 0) {
        page_say(r->page, "; this fits them: ");
        page_code(r->page, text_trim(command.data));
    } else {
        page_say(r->page, ".");
    }
    str_release(&command);
}

void report_law(struct report *r)
{
    const struct plot_fit *f = r->data->fit;

    page_section(r->page, "law", "The law");
    if (!f && r->data->stale) {
        page_warning(r->page);
        report_stale(r);
        report_figures(r, "law");
        return;
    }
    if (!f) {
        page_paragraph(r->page);
        page_say(r->page, "No law has been fitted yet: ");
        page_code(r->page, "qlaw fit");
        report_figures(r, "law");
        return;
    }
    say_how(r, f);
    add_parameters(r, f);
    if (report_has_fit(r))
        add_warnings(r);
    if (r->again && r->again->why) {
        page_warning(r->page);
        page_say(r->page,
                 "The fit could not be made again (%s), so its warnings "
                 "and predictions are missing here.",
                 r->again->why);
    }
    report_figures(r, "law");
}

/* --- how good it is ------------------------------------------------------- */

/* Spread between seeds of the same point, pooled over points. */
static double seed_noise(const struct plot_data *d, int *dof)
{
    double sum = 0;

    *dof = 0;
    for (int i = 0; i < d->n; i++) {
        const struct plot_point *p = &d->points[i];

        if (p->seeds > 1 && isfinite(p->se)) {
            sum += p->se * p->se * p->seeds * (p->seeds - 1);
            *dof += p->seeds - 1;
        }
    }
    return *dof ? sqrt(sum / *dof) : (double)NAN;
}

static bool is_any_done(const struct plot_data *d)
{
    for (int i = 0; i < d->n; i++)
        if (d->points[i].done)
            return true;
    return false;
}

void report_quality(struct report *r)
{
    const struct plot_fit *f = r->data->fit;
    int dof;
    const double noise = seed_noise(r->data, &dof);

    page_section(r->page, "quality", "How good it is");
    if (f) {
        page_item(r->page);
        page_say(r->page,
                 "Residual: %.3g (root mean square, in the fit's own "
                 "units)",
                 f->rmse);
        if (!isnan(f->r2))
            page_say(r->page, "; R\u00b2 = %.5f", f->r2);
        page_say(r->page, ".");
    }
    if (report_has_fit(r)) {
        page_item(r->page);
        page_say(r->page,
                 "%d of %d starts reached this minimum; the scaled "
                 "condition number is %.3g.",
                 r->again->fit.best.reached, r->again->fit.best.starts,
                 r->again->fit.cov.condition);
    }
    page_item(r->page);
    if (isnan(noise) && !is_any_done(r->data))
        page_say(r->page, "Nothing is finished yet.");
    else if (isnan(noise))
        page_say(r->page, "One seed a point: the spread between seeds is not "
                          "known, so it cannot be said whether the residual is "
                          "noise.");
    else
        page_say(r->page,
                 "Seeds of the same point differ by %.3g nats (standard "
                 "deviation, %d degrees of freedom): no law can do "
                 "better.",
                 noise, dof);
    report_figures(r, "quality");
}

/* --- predictions ---------------------------------------------------------- */

/* One row: the setting, the loss, its interval, how far it is from the data. */
static void add_prediction(struct report *r, const struct plot_point *p)
{
    struct plot_settings s = plot_settings_of(r->again, r->data->fit, p, "");
    struct prediction q;
    char buf[32], *text, *run;

    if (predict_point(&q, &r->again->fit, s.text, s.n, NULL) == OK) {
        text = interval_text(q.value, q.mean_lo, q.mean_hi);
        run = isnan(q.run_lo) ? mem_strdup("\u2013")
                              : mem_printf("[%.4g, %.4g]", q.run_lo, q.run_hi);
        page_cell(r->page, "%s", p->base ? "unquantized" : p->arm);
        page_cell(r->page, "%s", text_si(buf, p->N, 3));
        page_cell(r->page, "%s", text_si(buf, p->D, 3));
        page_cell(r->page, "%s", text);
        page_cell(r->page, "%s", run);
        page_cell(r->page, "%s", q.beyond_what ? q.beyond_what : "inside");
        free(text);
        free(run);
        prediction_release(&q);
    }
    plot_settings_release(&s);
}

/* The arms with the largest N and D, at their own setting and beyond it. */
static void add_predictions(struct report *r)
{
    static const double reach[] = { 1, 10, 100 };
    const struct plot_data *d = r->data;
    double n = 0, tokens = 0;

    for (int i = 0; i < d->n; i++) {
        n = fmax(n, d->points[i].N);
        tokens = fmax(tokens, d->points[i].D);
    }
    for (size_t k = 0; k < sizeof reach / sizeof reach[0]; k++)
        for (int i = 0, shown = 0; i < d->n && shown < 12; i++) {
            struct plot_point p = d->points[i];

            if (p.N != n || p.D != tokens)
                continue;
            p.N *= reach[k];
            p.D *= reach[k];
            shown++;
            add_prediction(r, &p);
        }
}

void report_predictions(struct report *r)
{
    if (!report_has_fit(r))
        return;
    page_section(r->page, "predictions", "Predictions");
    page_table(r->page, "Loss by the law, at the largest setting that was run, "
                        "at ten and at a hundred times its N and D");
    page_column(r->page, "what", false);
    page_column(r->page, "N", true);
    page_column(r->page, "D", true);
    page_column(r->page, r->again->model->response, true);
    page_column(r->page, "one new run", true);
    page_column(r->page, "beyond the data", false);
    add_predictions(r);
    report_figures(r, "predictions");
}
