#include "harness/plan/print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/str.h"
#include "base/wrap.h"

/* "25.3 GFLOP/s", "34.4 MB". */
static const char *with_unit(char buf[48], double x, int digits,
                             const char *unit)
{
    char number[32];
    size_t n;

    text_si(number, x, digits);
    n = strspn(number, "0123456789.e+-");
    snprintf(buf, 48, "%.*s %s%s", (int)n, number, number + n, unit);
    return buf;
}

/* --- numbers that occur -------------------------------------------------- */

/* The distinct values of one number of the points, "6.1k 13.8k ...". */
static void print_distinct(const struct grid *g, const char *name,
                           double (*of)(const struct grid_point *),
                           const char *meaning)
{
    double *x = mem_array((size_t)g->n_points, sizeof *x);
    int n = 0;
    char buf[32];

    for (int i = 0; i < g->n_points; i++)
        x[i] = of(&g->points[i]);
    qsort(x, (size_t)g->n_points, sizeof *x, order_doubles);
    for (int i = 0; i < g->n_points; i++)
        if (n == 0 || x[i] != x[n - 1])
            x[n++] = x[i];
    say("  %-7s %3d values ", name, n);
    if (n <= 8)
        for (int i = 0; i < n; i++)
            say(" %s", text_si(buf, x[i], 3));
    else
        say(" %s .. ", text_si(buf, x[0], 3)),
            say("%s", text_si(buf, x[n - 1], 3));
    say("   %s\n", meaning);
    free(x);
}

static double n_of(const struct grid_point *p)
{
    return (double)p->size.body;
}

static double d_of(const struct grid_point *p)
{
    return (double)p->size.tokens;
}

static void print_ratio(const struct grid *g)
{
    double lo = INFINITY, hi = 0;
    char a[32], b[32];

    for (int i = 0; i < g->n_points; i++) {
        const double r = d_of(&g->points[i]) / n_of(&g->points[i]);

        lo = fmin(lo, r);
        hi = fmax(hi, r);
    }
    say("  tokens per weight  %s .. %s\n", text_si(a, lo, 2),
        text_si(b, hi, 2));
}

/* Tokens seen again are not worth what new ones are, and a law of N and D does
 * not know which is which. */
static void print_epochs(const struct grid *g)
{
    double lo = INFINITY, hi = 0, tokens = INFINITY;
    char a[32], b[32], c[32];

    for (int i = 0; i < g->n_points; i++) {
        const struct grid_point *p = &g->points[i];
        const double epochs = d_of(p) / p->data_tokens;

        if (p->data_tokens <= 0)
            continue;
        lo = fmin(lo, epochs);
        hi = fmax(hi, epochs);
        tokens = fmin(tokens, p->data_tokens);
    }
    if (hi <= 1)
        return;
    printf("  epochs  %s .. %s of %s tokens: in laws of N and D a token seen "
           "again counts as new;\n          the law muennighoff tells them "
           "apart\n",
           text_si(a, lo, 2), text_si(b, hi, 2), text_si(c, tokens, 3));
}

/* --- parts of the text --------------------------------------------------- */

/* A line that does not run off a screen. */
static void print_cut(const char *text, int width)
{
    struct str cut = { 0 };

    if (text_columns(text) <= (size_t)width)
        str_add(&cut, text);
    else {
        str_add_shown(&cut, text, (size_t)width - 1);
        cut.len -= 3; /* the dots, which follow a blank here */
        str_add_n(&cut, " ...", 4);
    }
    say("%s\n", str_text(&cut));
    str_release(&cut);
}

/* "  axis size                   3   ", what it is in the rest of the line. */
static void print_part(const char *what, const char *label, int n)
{
    struct str cell = { 0 };

    str_addf(&cell, "  %s ", what);
    str_add_cell(&cell, label, 25 - cell.len);
    say("%s %5d   ", str_text(&cell), n);
    str_release(&cell);
}

static void print_parts(const struct grid *g)
{
    for (int i = 0; i < g->n_axes; i++) {
        print_part("axis", g->axes[i].label, g->axes[i].n);
        print_cut(g->axes[i].values, 46);
    }
    for (int i = 0; i < g->n_blocks; i++) {
        if (!g->blocks[i].label[0])
            continue;
        print_part("block", g->blocks[i].label, g->blocks[i].points);
        print_cut(g->blocks[i].values, 46);
    }
    for (int i = 0; i < g->n_filters; i++) {
        char *rule =
            mem_printf("%s %s", g->filters[i].keep ? "keep" : "exclude",
                       g->filters[i].text);

        say("  filter removed %14lld   ", (long long)g->filters[i].removed);
        print_cut(rule, 46);
        free(rule);
    }
    if (g->duplicates)
        say("  duplicates %18d   given by several blocks or spellings\n",
            g->duplicates);
}

/* Replicates: what can be said about noise. */
static void print_seeds(const struct grid *g)
{
    int lo = g->points[0].n_seeds, hi = lo;

    for (int i = 0; i < g->n_points; i++) {
        lo = g->points[i].n_seeds < lo ? g->points[i].n_seeds : lo;
        hi = g->points[i].n_seeds > hi ? g->points[i].n_seeds : hi;
    }
    say("  seeds   ");
    if (lo == hi)
        say("%d", lo);
    else
        say("%d to %d", lo, hi);
    say(" a point%s\n",
        hi == 1 ? "; the spread between seeds cannot be measured with one"
                : "");
}

double plan_seconds(const struct plan *p, double seconds)
{
    return p->speed.unknown && p->speed.n_finished == 0 ? NAN : seconds;
}

static const char *time_text(char buf[32], const struct plan *p, double seconds)
{
    return isnan(plan_seconds(p, seconds)) ? "unknown time"
                                           : text_duration(buf, seconds);
}

static void print_speed(const struct plan *p)
{
    const struct plan_speed *s = &p->speed;
    char buf[48];

    if (s->flops_s <= 0) {
        say("  speed   not known until a run has finished; --speed or "
            "[trainer] speed says it\n");
        return;
    }
    say("  speed   %s a slot, ", with_unit(buf, s->flops_s, 3, "FLOP/s"));
    if (s->n_finished)
        say("from %d finished run%s\n", s->n_finished,
            s->n_finished == 1 ? "" : "s");
    else if (s->measured)
        say("measured now (%s) on this grid's models\n",
            text_duration(buf, s->took_s));
    else
        say("as given\n");
}

/* What sharing saves; or, where only the warm-up is in its way, that. */
static void print_trunks(const struct plan *p)
{
    const struct grid *g = p->grid;
    char buf[48];

    if (p->n_branches > 0)
        say("  shared  %d of %d runs begin with a checkpoint of a longer "
            "one: %.2fx less to train\n",
            p->n_branches, p->n_left,
            (p->flops_left + p->flops_shared) / p->flops_left);
    else if (config_run_share_trunk(g->base) &&
             strcmp(config_train_schedule(g->base), "cosine") != 0 &&
             config_train_warmup(g->base) > 0 &&
             config_train_warmup(g->base) < 1 && g->n_points > 1)
        say("  shared  nothing: train.warmup = %s is a share of each run; "
            "a number of steps\n          lets runs that differ in length "
            "share their beginning\n",
            text_number(buf, config_train_warmup(g->base)));
}

static void print_choice(const struct plan *p)
{
    const struct grid *g = p->grid;
    int points = 0;

    for (int i = 0; i < g->n_points; i++)
        points += g->points[i].chosen;
    if (g->choice)
        say("  chosen  %d point%s, %d run%s (%d to do) by %s\n", points,
            points == 1 ? "" : "s", g->n_chosen, g->n_chosen == 1 ? "" : "s",
            p->n_left, g->choice);
}

static void print_cost(const struct plan *p)
{
    char a[48], b[48];

    if (p->n_left < p->n_runs)
        say("  all     %.3g FLOPs, %s\n", p->flops, time_text(a, p, p->wall_s));
    if (p->n_left == 0) {
        say("  nothing is left to do\n");
        return;
    }
    say("  cost    %.3g FLOPs, %s on %d slot%s\n", p->flops_left,
        time_text(a, p, p->wall_left_s), p->slots, p->slots == 1 ? "" : "s");
    print_trunks(p);
    print_speed(p);
    say("  memory  %s%s   disk  %s\n",
        p->memory_bytes > 0 ? with_unit(a, (double)p->memory_bytes, 3, "B")
                            : "not known",
        p->memory_bytes > 0 ? " in all slots" : "",
        with_unit(b, (double)p->disk_bytes, 2, "B"));
    if (p->longest >= 0 && !isnan(plan_seconds(p, 0))) {
        const struct plan_run *r = &p->runs[p->longest];
        const struct grid_point *point = &p->grid->points[r->point];

        say("  longest %s (N = %s", time_text(a, p, plan_run_s(p, p->longest)),
            text_si(b, n_of(point), 3));
        say(", D = %s, run %.8s-%llu)\n", text_si(b, d_of(point), 3), point->id,
            (unsigned long long)r->seed);
    }
}

/* Indented by two, as the rest. */
static void print_law(const char *verdict)
{
    while (*verdict) {
        const size_t n = strcspn(verdict, "\n");

        say("  %.*s\n", (int)n, verdict);
        verdict += n + (verdict[n] == '\n');
    }
}

void plan_print(const struct plan *p, const struct plan_law *law,
                const char *db_path)
{
    const struct grid *g = p->grid;

    say("%s: %d point%s, %d run%s (%d new", g->name, g->n_points,
        g->n_points == 1 ? "" : "s", p->n_runs, p->n_runs == 1 ? "" : "s",
        p->n_new);
    if (p->has_db)
        say(", %d already in %s", p->n_done + p->n_diverged, db_path);
    if (p->n_open)
        say(", %d there but unfinished", p->n_open);
    say(")\n");
    if (*g->description)
        say("  %s\n", g->description);
    print_parts(g);
    print_distinct(g, "N", n_of, "weights of the blocks");
    print_distinct(g, "D", d_of, "training tokens");
    print_ratio(g);
    print_epochs(g);
    print_seeds(g);
    print_choice(p);
    print_cost(p);
    if (p->over)
        say("  over budget: %s; %d run%s fit\n", p->over, p->allowed,
            p->allowed == 1 ? "" : "s");
    print_law(str_text(&law->verdict));
}
