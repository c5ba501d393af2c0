#include "harness/figures/headline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/label.h"
#include "harness/study/interval.h"
#include "harness/study/splits.h"
#include "harness/study/tenfold.h"

/* --- formats -----------------------------------------------------------------
 */

/* "int3 W+A costs 0.012 [0.004, 0.020] nats more than e2m0 W+A", the names
 * before the numbers when there is no room for both. */
static char *clearest_contrast(const struct findings *f)
{
    const struct finding_contrast *c = &f->contrasts[0];
    const bool up = c->c.diff.value > 0;
    const char *dear = f->families[up ? c->b : c->a];
    const char *cheap = f->families[up ? c->a : c->b];
    char *by = interval_text(fabs(c->c.diff.value), up ? c->lo : -c->hi,
                             up ? c->hi : -c->lo);
    char *text = mem_printf("%s costs %s nats more than %s", dear, by, cheap);

    free(by);
    if (label_length(text) > HEADLINE_LENGTH) {
        free(text);
        text = mem_printf("%s costs more than %s", dear, cheap);
    }
    return text;
}

static char *say_arms(const struct picture *p, struct plot_data *d)
{
    const struct findings *f = plot_data_findings(d);

    (void)p;
    if (f->n_told)
        return clearest_contrast(f);
    if (f->n_contrasts)
        return mem_strdup("These runs cannot tell the formats apart");
    return NULL;
}

static char *say_splits(const struct picture *p, struct plot_data *d)
{
    struct split_set *sets;
    const int n = splits_find(&sets, &d->measured);
    int told = 0;
    char *text = NULL;

    (void)p;
    for (int i = 0; i < n; i++)
        told += sets[i].n_told == sets[i].n - 1;
    if (n == 1 && told)
        text = mem_printf("%s is the best split of its bits",
                          d->measured.arms[sets[0].splits[0].arm].name);
    else if (n > 0 && told == 0)
        text = mem_strdup("These runs cannot tell the best split of the bits");
    else if (n > 0)
        text = mem_printf("The best split is told in %d of %d sets of equal "
                          "bits",
                          told, n);
    splits_free(sets, n);
    return text;
}

/* --- what the cost depends on ------------------------------------------------
 */

/* By means over matched cells, where they tell a direction; without numbers
 * when there is no room. */
static char *direction_of_means(const struct measured_effect *e, char variable)
{
    const struct cells_mean *by = &e->change.diff;
    const bool up = by->lo > 0;
    char from[32], to[32], *size, *text;

    if (!up && !(by->hi < 0))
        return NULL;
    size = up ? interval_text(by->value, by->lo, by->hi)
              : interval_text(-by->value, -by->hi, -by->lo);
    text_si(from, e->lo, 3);
    text_si(to, e->hi, 3);
    text = mem_printf("From %c = %s to %s costs %s by %s nats on average",
                      variable, from, to, up ? "rise" : "fall", size);
    if (label_length(text) > HEADLINE_LENGTH) {
        free(text);
        text = mem_printf("From %c = %s to %s costs %s on average", variable,
                          from, to, up ? "rise" : "fall");
    }
    free(size);
    return text;
}

/* By the law of the costs, where its interval leaves one direction. */
static char *direction_of_law(struct plot_data *d, char variable)
{
    const struct plot_again *a = variable == 'G' ? NULL : plot_data_costs(d);
    struct tenfold t;
    char *size, *text;

    if (!a || !a->ok || !fit_is_sound(&a->fit) ||
        !tenfold_find(&t, &a->fit, variable) || (t.lo <= 1 && t.hi >= 1))
        return NULL;
    size = interval_text(t.value, t.lo, t.hi);
    text =
        mem_printf("By %s, ten times %c %s the cost by %s", a->model->law->name,
                   variable, variable == 'N' ? "divide" : "multiply", size);
    free(size);
    return text;
}

static char *say_effect(struct plot_data *d, char variable)
{
    const struct findings *f = plot_data_findings(d);

    for (int i = 0; i < FINDING_EFFECTS; i++) {
        const struct measured_effect *e = &f->effects[i].e;
        const bool has_error = e->change.diff.error != CELLS_NONE;
        char *text = NULL;

        if (f->effects[i].variable != variable || e->change.diff.cells == 0)
            continue;
        if (has_error)
            text = direction_of_means(e, variable);
        if (!text)
            text = direction_of_law(d, variable);
        if (!text && has_error)
            text = mem_printf("These runs cannot tell whether the cost depends "
                              "on %c",
                              variable);
        return text;
    }
    return NULL;
}

static char *say_by_size(const struct picture *p, struct plot_data *d)
{
    (void)p;
    return say_effect(d, 'N');
}

static char *say_by_tokens(const struct picture *p, struct plot_data *d)
{
    (void)p;
    return say_effect(d, 'D');
}

static char *say_by_group(const struct picture *p, struct plot_data *d)
{
    (void)p;
    return say_effect(d, 'G');
}

/* --- what was counted --------------------------------------------------------
 */

/* Distance of the first panel's points from the line on which they would lie,
 * y = x or y = 0. */
static char *say_misses(const struct picture *p, const struct plot_data *d,
                        bool diagonal)
{
    double sum = 0;
    int n = 0;

    for (int i = 0; i < p->n_points; i++)
        if (p->points[i].panel == 0) {
            const struct picture_point *q = &p->points[i];

            sum += pow(q->y - (diagonal ? q->x : 0), 2);
            n++;
        }
    if (n == 0 || !d->fit)
        return NULL;
    return mem_printf(
        "%s misses these %s by %.3g nats (root mean square)", d->fit->law,
        strcmp(d->fit->response, "loss") == 0 ? "losses" : "costs",
        sqrt(sum / n));
}

static char *say_predicted(const struct picture *p, struct plot_data *d)
{
    return say_misses(p, d, true);
}

static char *say_runs(const struct picture *p, struct plot_data *d)
{
    int runs = 0, done = 0;

    (void)p;
    for (int i = 0; i < d->n; i++) {
        runs += d->points[i].runs;
        done += d->points[i].done;
    }
    if (runs == 0)
        return NULL;
    if (runs == done)
        return mem_printf("All %d runs are done", runs);
    return mem_printf("%d of %d runs are done", done, runs);
}

static char *say_time(const struct picture *p, struct plot_data *d)
{
    double seconds = 0;
    char buf[32];

    (void)p;
    for (int i = 0; i < d->n; i++)
        seconds += isfinite(d->points[i].slot_s) ? d->points[i].slot_s : 0;
    return seconds > 0 ? mem_printf("These runs took %s, all slots together",
                                    text_duration(buf, seconds))
                       : NULL;
}

/* --- the table ---------------------------------------------------------------
 */

static const struct {
    const char *figure;
    char *(*say)(const struct picture *p, struct plot_data *d);
} rows[] = {
    { "cost-by-arm", say_arms },     { "delta-vs-N", say_by_size },
    { "delta-vs-D", say_by_tokens }, { "delta-vs-G", say_by_group },
    { "split-map", say_splits },     { "predicted-observed", say_predicted },
    { "coverage", say_runs },        { "cost", say_time },
};

void headline_set(struct picture *p, const char *figure, struct plot_data *d,
                  const struct plot_choice *choice)
{
    if (choice && choice->n_at > 0)
        return;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text;

        if (strcmp(rows[i].figure, figure) != 0)
            continue;
        text = rows[i].say(p, d);
        if (text && label_length(text) <= HEADLINE_LENGTH)
            picture_say(&p->headline, "%s", text);
        free(text);
    }
}
