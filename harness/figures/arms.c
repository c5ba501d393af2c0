/* arms.c - what each arm costs, with its interval: the figure of the
 * answer. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/figures/plot.h"
#include "harness/study/findings.h"
#include "harness/study/interval.h"

#define MAX_ROWS     40
#define MAX_FAMILIES 8 /* with a colour of their own */

static const struct measured_arm *arm_of(const struct plot_data *d,
                                         const struct finding_cost *c)
{
    return &d->measured.arms[c->arm];
}

/* One line a row from limit to limit, the mean on it. */
static void add_row(struct picture *p, const struct finding_cost *c, int series,
                    double y)
{
    picture_point(p, 0, series, c->cost.value, y, (double)NAN);
    if (c->cost.error != CELLS_NONE) {
        const int line = picture_curve(p, 0, series, LOOK_LINE);

        picture_to(p, line, c->cost.lo, y);
        picture_to(p, line, c->cost.hi, y);
    }
}

static void add_zero(struct picture *p, double top)
{
    const int line = picture_curve(p, 0, -1, LOOK_THIN);

    picture_to(p, line, 0, -0.7);
    picture_to(p, line, 0, top);
}

/* The arm with the smallest mean and the one with the largest. */
static void say_ends(struct picture *p, const struct plot_data *d,
                     const struct findings *f)
{
    const struct finding_cost *least = &f->costs[0], *most = &f->costs[0];
    char *a, *b;

    for (int i = 1; i < f->n_costs; i++) {
        const struct finding_cost *c = &f->costs[i];

        least = c->cost.value < least->cost.value ? c : least;
        most = c->cost.value > most->cost.value ? c : most;
    }
    a = interval_text(least->cost.value, least->cost.lo, least->cost.hi);
    b = interval_text(most->cost.value, most->cost.lo, most->cost.hi);
    picture_say(&p->finding,
                "Loss above the twin, from %s for %s to %s for %s.", a,
                arm_of(d, least)->name, b, arm_of(d, most)->name);
    free(a);
    free(b);
}

static void say_errors(struct picture *p, const struct findings *f)
{
    const int n = f->n_costs;

    picture_say(&p->note,
                "Lines: 95 %% of each mean%s. Arms that share twins differ by "
                "less.",
                findings_errors(f, CELLS_SEEDS) == n ? ", by seeds"
                : findings_errors(f, CELLS_PATTERN) == n
                    ? ", by a pattern in N "
                      "and D"
                    : "");
    if (findings_errors(f, CELLS_NONE) == n)
        picture_say(&p->note, "One seed and few models: there is no interval.");
}

/* A series for each family while there are colours. */
static void add_series(struct picture *p, const struct findings *f)
{
    for (int i = 0; i < f->n_families; i++)
        picture_series(p, f->families[i],
                       f->n_families <= MAX_FAMILIES ? i : -1);
    p->no_key = true; /* the rows say it */
}

PLOT_BUILDER(plot_arms)
{
    const struct findings *f = plot_data_findings(d);
    const int rows = f->n_costs < MAX_ROWS ? f->n_costs : MAX_ROWS;
    struct picture *p;

    (void)choice;
    if (rows == 0)
        return err_set(err, ERR_USAGE,
                       "no quantized run is finished beside "
                       "its unquantized twin");
    p = picture_new("What each format costs");
    picture_panel(p, "", "loss above twin (nats/token)", false, "", false);
    add_series(p, f);
    for (int i = 0; i < rows; i++) {
        add_row(p, &f->costs[i], f->costs[i].family, rows - 1 - i);
        picture_tic(&p->panels[0].y, rows - 1 - i,
                    arm_of(d, &f->costs[i])->name);
    }
    add_zero(p, rows - 0.3);
    picture_range(&p->panels[0].y, -0.7, rows - 0.3);
    p->height = 150 + 24.0 * rows;
    say_ends(p, d, f);
    say_errors(p, f);
    if (rows < f->n_costs)
        picture_add(&p->note, "%d of %d arms are shown.", rows, f->n_costs);
    picture_say(&p->source, "qlaw query cost GRID");
    *out = p;
    return OK;
}
