/* answer.c - the answer: what the formats cost, which of them differ,
 * and what the cost depends on (how far that can be trusted: report/trust.c).
 *
 * What is said first is what these runs can tell (docs/intervals.md): errors
 * are of seeds within cells, or of a pattern over them; contrasts are over
 * matched cells; a law is quoted only where it is determined. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/report.h"
#include "harness/study/tenfold.h"

#define MAX_SAID 4 /* families whose costs stand in the sentence */
#define MAX_TOLD 3 /* contrasts that do */

/* Nothing can be had from an interval that is not there. */
static void say_mean(struct report *r, const struct cells_mean *m)
{
    char *text = interval_text(m->value, m->lo, m->hi);

    page_strong(r->page, "%s", text);
    free(text);
}

/* --- no cost -----------------------------------------------------------------
 */

static void say_no_cost(struct report *r)
{
    int runs = 0, done = 0, diverged = 0;

    for (int i = 0; i < r->data->n; i++)
        if (!r->data->points[i].base) {
            runs += r->data->points[i].runs;
            done += r->data->points[i].done;
            diverged += r->data->points[i].diverged;
        }
    page_paragraph(r->page);
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

/* A trainer that does not read the quantizer gives the twin's loss again. */
static bool is_every_cost_zero(const struct measured *m)
{
    int n = 0;

    for (int i = 0; i < m->n; i++) {
        if (isnan(m->rows[i].base))
            continue;
        if (m->rows[i].loss != m->rows[i].base)
            return false;
        n++;
    }
    return n > 0;
}

static void say_every_cost_zero(struct report *r)
{
    page_warning(r->page);
    page_strong(r->page,
                "Every quantized loss equals its twin's to the last digit");
    page_say(r->page, ": does the trainer read the quantizer? No format that "
                      "rounds anything costs exactly nothing.");
}

/* --- which differ ------------------------------------------------------------
 */

static const char *name_of(const struct report *r, int family)
{
    return r->findings->families[family];
}

/* "int3 W+A costs 0.012 [0.004, 0.020] nats more than e2m0 W+A". */
static void say_contrast(struct report *r, const struct finding_contrast *c)
{
    const bool up = c->c.diff.value > 0;
    const double lo = up ? c->lo : -c->hi, hi = up ? c->hi : -c->lo;
    char *text = interval_text(fabs(c->c.diff.value), lo, hi);

    page_strong(r->page, "%s costs %s nats more than %s",
                name_of(r, up ? c->b : c->a), text,
                name_of(r, up ? c->a : c->b));
    free(text);
}

static void say_together(struct report *r)
{
    const struct findings *f = r->findings;

    if (f->n_contrasts > 1)
        page_say(r->page,
                 "; %d of %d contrasts%s are beyond chance (tested together, "
                 "Holm at 5\u00a0%%; intervals hold together)",
                 f->n_told, f->n_contrasts,
                 f->against_best ? " with the cheapest" : "");
    page_say(r->page, ".");
}

static void say_told(struct report *r)
{
    const struct findings *f = r->findings;

    for (int i = 0; i < f->n_told && i < MAX_TOLD; i++) {
        page_say(r->page, i ? "; " : "Over the cells that both have, ");
        say_contrast(r, &f->contrasts[i]);
    }
    say_together(r);
}

/* The largest contrast that is not told, how close its sides are shown to be,
 * and what would tell it. */
static void say_untold(struct report *r)
{
    const struct finding_contrast *c = &r->findings->contrasts[0];
    char *text = interval_text(c->c.diff.value, c->lo, c->hi);
    const double seeds = cells_seeds(&c->c.diff);

    page_strong(r->page, "These runs cannot tell the formats apart");
    page_say(r->page,
             ": %s%s minus %s is %s nats over the cells that both "
             "have",
             r->findings->n_contrasts > 1 ? "of all contrasts the clearest, "
                                          : "",
             name_of(r, c->b), name_of(r, c->a), text);
    page_say(r->page, ", so the two lie within %.2g nats of each other",
             c->within);
    if (seeds > 0 && seeds < 1e4)
        page_say(r->page,
                 ". Were it as large as it looks, %.0f seeds a cell would "
                 "tell it in four of five tries (",
                 seeds);
    if (seeds > 0 && seeds < 1e4)
        page_code(r->page, "seeds.count");
    page_say(r->page, seeds > 0 && seeds < 1e4 ? ")." : ".");
    free(text);
}

static void say_contrasts(struct report *r)
{
    if (r->findings->n_contrasts == 0)
        return;
    page_paragraph(r->page);
    if (r->findings->n_told)
        say_told(r);
    else
        say_untold(r);
}

/* --- what each costs ---------------------------------------------------------
 */

static const char *group_words(char buf[48], const char *group)
{
    if (strcmp(group, "row") == 0)
        return "by row";
    if (strcmp(group, "tensor") == 0)
        return "by tensor";
    snprintf(buf, 48, "in groups of %.30s", group);
    return *group ? buf : "";
}

/* The first and the last of a family's arms, which are its ends in group. */
static void family_ends(int *first, int *last, const struct findings *f,
                        int family)
{
    *first = *last = -1;
    for (int i = 0; i < f->n_costs; i++)
        if (f->costs[i].family == family) {
            *first = *first < 0 ? i : *first;
            *last = i;
        }
}

static void say_family(struct report *r, int family)
{
    const struct findings *f = r->findings;
    int ends[2];
    char buf[48];

    family_ends(&ends[0], &ends[1], f, family);
    page_say(r->page, "%s costs ", name_of(r, family));
    for (int k = 0; k < 1 + (ends[0] != ends[1]); k++) {
        const struct finding_cost *c = &f->costs[ends[k]];
        const char *words =
            group_words(buf, r->data->measured.arms[c->arm].group);

        page_say(r->page, k ? " and " : "");
        say_mean(r, &c->cost);
        page_say(r->page, "%s%s", *words ? " " : "", words);
    }
}

/* By its cheapest arm, the cheapest family first. */
static void order_families(int *order, const struct findings *f)
{
    for (int i = 0; i < f->n_families; i++) {
        int k = i;

        for (; k > 0; k--) {
            int a, b, unused;

            family_ends(&a, &unused, f, order[k - 1]);
            family_ends(&b, &unused, f, i);
            if (f->costs[a].cost.value <= f->costs[b].cost.value)
                break;
            order[k] = order[k - 1];
        }
        order[k] = i;
    }
}

/* Where the errors of the sentence come from. */
static void say_errors(struct report *r)
{
    const struct findings *f = r->findings;

    if (findings_errors(f, CELLS_NONE) == f->n_costs)
        page_say(r->page, " (with one seed and few models there is no error "
                          "to be had: only more seeds can tell)");
    else
        page_say(r->page, " (means over the cells of each, 95\u00a0%% by %s)",
                 findings_errors(f, CELLS_PATTERN) == 0 ? "what seeds differ by"
                 : findings_errors(f, CELLS_SEEDS) == 0
                     ? "the scatter about a pattern in N and D: one seed a cell"
                     : "seeds, or the scatter about a pattern in N and D");
}

static void say_costs(struct report *r)
{
    const struct findings *f = r->findings;
    int *order = mem_array((size_t)f->n_families + 1, sizeof *order);
    const bool all = f->n_families <= MAX_SAID;

    order_families(order, f);
    page_paragraph(r->page);
    page_say(r->page, "Above the unquantized twin, in nats per token: ");
    for (int i = 0; i < f->n_families; i++) {
        if (!all && i >= 2 && i < f->n_families - 1)
            continue;
        page_say(r->page, i == 0 ? "" : "; ");
        say_family(r, order[i]);
    }
    if (!all)
        page_say(r->page, "; %d more stand in the table below",
                 f->n_families - 3);
    say_errors(r);
    page_say(r->page, ".");
    free(order);
}

/* --- what it depends on ------------------------------------------------------
 */

/* How each effect of findings is worded, and drawn. */
static const struct {
    const char *unit, *figure;
} axes[FINDING_EFFECTS] = {
    { "elements a scale", "delta-vs-G" },
    { "parameters", "delta-vs-N" },
    { "tokens", "delta-vs-D" },
};

static void say_effect(struct report *r, int i)
{
    const struct measured_effect *e = &r->findings->effects[i].e;
    const struct measured_contrast *c = &e->change;
    char a[32], b[32], *text;

    page_item(r->page);
    page_say(r->page, "From %s to %s %s the cost ", text_si(a, e->lo, 3),
             text_si(b, e->hi, 3), axes[i].unit);
    text = c->diff.hi < 0 /* a fall by so much */
               ? interval_text(-c->diff.value, -c->diff.hi, -c->diff.lo)
               : interval_text(c->diff.value, c->diff.lo, c->diff.hi);
    if (c->diff.error == CELLS_NONE)
        page_say(r->page, "changes by %s nats, with no error to be had", text);
    else if (c->diff.lo > 0)
        page_strong(r->page, "rises by %s nats", text);
    else if (c->diff.hi < 0)
        page_strong(r->page, "falls by %s nats", text);
    else
        page_say(r->page, "changes by %s nats, which may be nothing", text);
    free(text);
    if (cells_is_factor(c->ratio.lo, c->ratio.hi)) {
        text = interval_text(c->ratio.value, c->ratio.lo, c->ratio.hi);
        page_say(r->page, ", to %s times what it was", text);
        free(text);
    }
    page_say(r->page, " (%d pair%s that differ in nothing else).",
             c->diff.cells, c->diff.cells == 1 ? "" : "s");
}

static void say_effects(struct report *r)
{
    for (int i = 0; i < FINDING_EFFECTS; i++)
        if (r->findings->effects[i].e.change.diff.cells)
            say_effect(r, i);
}

/* The law of the cost, fitted to differences by whole twins, where it is
 * determined. */
static void say_law(struct report *r)
{
    const struct plot_again *p = plot_data_costs(r->data);
    struct tenfold n, d;
    bool by_n, by_d;
    char *text;

    if (!p || !p->ok || !fit_is_sound(&p->fit))
        return;
    by_n = tenfold_find(&n, &p->fit, 'N');
    by_d = tenfold_find(&d, &p->fit, 'D');
    if (!by_n && !by_d)
        return;
    page_item(r->page);
    page_say(r->page,
             "By the law %s, fitted to the %zu differences with each twin "
             "counted once, ",
             p->model->law->name, p->model->rows);
    if (by_n) {
        text = interval_text(n.value, n.lo, n.hi);
        page_say(r->page, "ten times the parameters divide the cost by %s",
                 text);
        free(text);
    }
    if (by_d) {
        text = interval_text(d.value, d.lo, d.hi);
        page_say(r->page, "%sten times the tokens multiply %s by %s",
                 by_n ? ", and " : "", by_n ? "it" : "the cost", text);
        free(text);
    }
    page_say(r->page, ".");
}

/* --- all together ------------------------------------------------------------
 */

/* The axis that these runs say most about: the effect that is the most
 * standard errors from nothing. */
static void show_axis(struct report *r)
{
    int best = -1;
    double most = 0;

    for (int i = 0; i < FINDING_EFFECTS; i++) {
        const struct cells_mean *d = &r->findings->effects[i].e.change.diff;
        const double t = d->error == CELLS_NONE ? 0 : fabs(d->value) / d->se;

        if (d->cells && (t > most || best < 0)) {
            most = t;
            best = i;
        }
    }
    if (best >= 0)
        report_figure(r, axes[best].figure);
}

void report_answer(struct report *r)
{
    page_section(r->page, "answer", "The answer");
    if (r->findings->n_costs == 0) {
        say_no_cost(r);
    } else if (is_every_cost_zero(&r->data->measured)) {
        say_every_cost_zero(r);
    } else {
        say_contrasts(r);
        say_costs(r);
        say_effects(r);
        say_law(r);
    }
    report_trust(r);
    if (r->trouble) {
        page_warning(r->page);
        page_say(r->page,
                 "Figures are missing: %s. Their data and scripts are "
                 "in ",
                 r->trouble);
        page_code(r->page, r->beside);
        page_say(r->page, ".");
    }
    report_figures(r, "answer");
    show_axis(r);
}
