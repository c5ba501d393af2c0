/* curves.c - how the losses come down, and how the cost of a format
 * grows on the way.
 *
 * Each training loss is that of one small batch, so neighbours on the
 * logarithmic axis are averaged.  All arms see the same batches in the same
 * order: the difference from the twin's curve has far less noise than either
 * of them, and is drawn below. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "db/statement.h"
#include "harness/figures/plot.h"

#define BINS      32
#define LONGEST   64 /* curves begin at D / this: what is before is warm-up */
#define MAX_SIZES 3  /* panels side by side */
#define MAX_ARMS  7

struct arm_curve {
    const char *name;
    bool base;
    double sum[BINS], count[BINS], lo[BINS], hi[BINS]; /* over seeds */
};

struct curves {
    const struct plot_data *d;
    struct picture *p;
    double D, tokens_lo;
    double sizes[MAX_SIZES];
    int n_sizes;
    const char *arms[MAX_ARMS];
    int n_arms, all_arms;
    bool seeds;   /* some arm has several */
    bool *usable; /* of each point */
};

/* --- choosing ------------------------------------------------------------- */

/* Points that have a stored curve. */
static enum status find_usable(struct curves *c, struct err *err)
{
    enum status st = OK;

    c->usable = mem_array((size_t)c->d->n + 1, sizeof *c->usable);
    for (int i = 0; i < c->d->n && st == OK; i++) {
        int64_t any;

        st = db_ask(&any, c->d->db,
                    "SELECT 1 FROM run r WHERE r.point_id = :point "
                    "AND EXISTS (SELECT 1 FROM curve c "
                    "WHERE c.run_id = r.run_id AND c.train_loss IS NOT NULL) "
                    "LIMIT 1",
                    DB_VALUES(DB_T("point", c->d->points[i].id)), err);
        c->usable[i] = any != 0;
    }
    return st;
}

/* Curves of different lengths follow different schedules, so one D is shown:
 * the longest. */
static void choose_sizes(struct curves *c)
{
    double all[256];
    int n = 0;

    for (int i = 0; i < c->d->n; i++)
        if (c->usable[i])
            c->D = fmax(c->D, c->d->points[i].D);
    for (int i = 0; i < c->d->n && n < 256; i++) {
        const struct plot_point *p = &c->d->points[i];
        bool seen = p->D != c->D || !c->usable[i];

        for (int k = 0; k < n; k++)
            seen = seen || all[k] == p->N;
        if (!seen)
            all[n++] = p->N;
    }
    qsort(all, (size_t)n, sizeof *all, order_doubles);
    c->n_sizes = n < MAX_SIZES ? n : MAX_SIZES;
    for (int i = 0; i < c->n_sizes; i++)
        c->sizes[i] = all[n <= MAX_SIZES ? i : i * (n - 1) / (MAX_SIZES - 1)];
}

static bool has_size(const struct curves *c, double n)
{
    for (int i = 0; i < c->n_sizes; i++)
        if (c->sizes[i] == n)
            return true;
    return false;
}

/* All arms when they are few, else the unquantized one and others evenly. */
static void choose_arms(struct curves *c)
{
    const char **all = mem_array((size_t)c->d->n + 1, sizeof *all);
    int n = 0;

    for (int i = 0; i < c->d->n; i++) {
        const struct plot_point *p = &c->d->points[i];
        const char *name = p->base ? p->family : *p->arm ? p->arm : p->fmt;
        bool seen = p->D != c->D || !has_size(c, p->N) || !c->usable[i];

        for (int k = 0; k < n && !seen; k++)
            seen = strcmp(all[k], name) == 0;
        if (!seen)
            all[n++] = name;
    }
    c->all_arms = n;
    c->n_arms = n < MAX_ARMS ? n : MAX_ARMS;
    for (int i = 0; i < c->n_arms; i++)
        c->arms[i] = all[n <= MAX_ARMS ? i : i * (n - 1) / (MAX_ARMS - 1)];
    free(all);
}

/* --- reading -------------------------------------------------------------- */

/* Validation losses where runs have them at several steps, else training
 * losses. */
static const char curve_sql[] =
    "SELECT c.tokens, coalesce(c.val_loss, c.train_loss), r.seed "
    "FROM curve c JOIN run r USING(run_id) "
    "WHERE r.point_id = :point AND c.train_loss IS NOT NULL "
    "ORDER BY r.seed, c.step";

static int bin_of(const struct curves *c, double tokens)
{
    const double u = log(tokens / c->tokens_lo) / log(c->D / c->tokens_lo);
    const int b = (int)floor(u * BINS);

    return b < 0 ? 0 : b >= BINS ? BINS - 1 : b;
}

static double bin_centre(const struct curves *c, int b)
{
    return c->tokens_lo * pow(c->D / c->tokens_lo, (b + 0.5) / BINS);
}

/* One seed's averages join the arm's. */
static void take_seed(struct arm_curve *a, const double *sum, const double *n)
{
    for (int b = 0; b < BINS; b++)
        if (n[b] > 0) {
            const double mean = sum[b] / n[b];

            a->lo[b] = a->count[b] ? fmin(a->lo[b], mean) : mean;
            a->hi[b] = a->count[b] ? fmax(a->hi[b], mean) : mean;
            a->sum[b] += mean;
            a->count[b]++;
        }
}

static enum status read_arm(struct arm_curve *a, struct curves *c,
                            const struct plot_point *p, struct err *err)
{
    double sum[BINS] = { 0 }, n[BINS] = { 0 };
    int64_t seed = -1;
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_with(&s, c->d->db, curve_sql,
                                  DB_VALUES(DB_T("point", p->id)), err);

    while (st == OK && row) {
        st = db_stmt_step(&row, s, err);
        if (st == OK && (!row || db_int(s, 2) != seed)) {
            take_seed(a, sum, n);
            memset(sum, 0, sizeof sum);
            memset(n, 0, sizeof n);
            seed = row ? db_int(s, 2) : -1;
        }
        if (st == OK && row && db_real(s, 0) >= c->tokens_lo) {
            const int b = bin_of(c, db_real(s, 0));

            sum[b] += db_real(s, 1);
            n[b]++;
        }
    }
    db_stmt_close(s);
    return st;
}

/* --- drawing -------------------------------------------------------------- */

/* The curve goes on; a few of its means are marked with the shape of the
 * series, each series at places of its own. */
static void add_mean(struct curves *c, int panel, int series, int curve, int b,
                     double mean)
{
    picture_to(c->p, curve, bin_centre(c, b), mean);
    if ((b + 2 * series) % (BINS / 3) == 0)
        picture_point(c->p, panel, series, bin_centre(c, b), mean, 0);
}

static void add_arm(struct curves *c, int panel, int series,
                    const struct arm_curve *a)
{
    const int curve = picture_curve(c->p, panel, series, LOOK_LINE);
    const int band = picture_band(c->p, panel, series);

    for (int b = 0; b < BINS; b++)
        if (a->count[b] > 0) {
            add_mean(c, panel, series, curve, b, a->sum[b] / a->count[b]);
            if (a->count[b] > 1) {
                c->seeds = true;
                picture_band_to(c->p, band, bin_centre(c, b), a->lo[b],
                                a->hi[b]);
            }
        }
}

static void add_difference(struct curves *c, int panel, int series,
                           const struct arm_curve *a,
                           const struct arm_curve *base)
{
    const int curve = picture_curve(c->p, panel, series, LOOK_LINE);

    for (int b = 0; b < BINS; b++)
        if (a->count[b] > 0 && base->count[b] > 0)
            add_mean(c, panel, series, curve, b,
                     a->sum[b] / a->count[b] - base->sum[b] / base->count[b]);
}

static enum status read_size(struct arm_curve *arms, struct curves *c,
                             double size, struct err *err)
{
    enum status st = OK;

    for (int i = 0; i < c->d->n && st == OK; i++) {
        const struct plot_point *p = &c->d->points[i];
        const char *name = p->base ? p->family : *p->arm ? p->arm : p->fmt;

        if (p->N != size || p->D != c->D)
            continue;
        for (int k = 0; k < c->n_arms; k++)
            if (strcmp(c->arms[k], name) == 0) {
                arms[k].base = p->base;
                st = read_arm(&arms[k], c, p, err);
            }
    }
    return st;
}

static enum status add_size(struct curves *c, int column, struct err *err)
{
    struct arm_curve *arms = mem_array((size_t)c->n_arms, sizeof *arms);
    const struct arm_curve *base = NULL;
    enum status st = read_size(arms, c, c->sizes[column], err);

    for (int k = 0; k < c->n_arms; k++)
        base = arms[k].base ? &arms[k] : base;
    for (int k = 0; k < c->n_arms && st == OK; k++) {
        add_arm(c, column, k, &arms[k]);
        if (base && base != &arms[k])
            add_difference(c, c->n_sizes + column, k, &arms[k], base);
    }
    free(arms);
    return st;
}

/* The shortest distance from the start that a curve has a point at. */
static enum status first_tokens(struct curves *c, struct err *err)
{
    int64_t first;
    enum status st =
        db_ask(&first, c->d->db,
               "SELECT min(c.tokens) FROM curve c JOIN run USING(run_id) JOIN "
               "point p USING(point_id) WHERE p.tokens=:D AND c.tokens > 0",
               DB_VALUES(DB_R("D", c->D)), err);

    if (st == OK)
        c->tokens_lo = fmax((double)first, c->D / LONGEST);
    return st;
}

/* What an arm is without its group; NULL for the twin. */
static const char *family_of(const struct curves *c, int k)
{
    for (int i = 0; i < c->d->n; i++) {
        const struct plot_point *p = &c->d->points[i];

        if (!p->base && strcmp(*p->arm ? p->arm : p->fmt, c->arms[k]) == 0)
            return p->family;
    }
    return NULL;
}

/* The colour says what is quantized, and with what; shape and stroke say the
 * group. */
static void add_series(struct curves *c, int k)
{
    const char *family = family_of(c, k), *other;
    const int s = picture_series(c->p, c->arms[k], -1);
    int next = 0, hue = -1, shape = 0;

    for (int i = 0; i < k; i++) {
        const struct picture_series *before = &c->p->series[i];

        next = before->hue >= next ? before->hue + 1 : next;
        other = family_of(c, i);
        if (family && other && strcmp(family, other) == 0) {
            hue = before->hue;
            shape++;
        }
    }
    c->p->series[s].hue = family && hue < 0 ? next : hue;
    c->p->series[s].shape = c->p->series[s].dash = shape;
}

static void add_panels(struct curves *c)
{
    char buf[32], *title;

    for (int i = 0; i < c->n_sizes; i++) {
        title = mem_printf("N = %s", text_si(buf, c->sizes[i], 3));
        picture_panel(c->p, title, "", true, "loss (nats/token)", false);
        free(title);
    }
    for (int i = 0; i < c->n_sizes; i++)
        picture_panel(c->p, "", "tokens seen", true, "above the twin", false);
    for (int k = 0; k < c->n_arms; k++)
        add_series(c, k);
    c->p->columns = c->n_sizes;
}

static void say(struct curves *c)
{
    struct picture *p = c->p;
    char buf[32];

    picture_say(&p->subtitle,
                "D = %s tokens; means over steps that are "
                "neighbours on the axis",
                text_si(buf, c->D, 3));
    if (c->seeds)
        picture_add(&p->note, "Bands: lowest to highest seed.");
    if (c->n_arms < c->all_arms)
        picture_add(&p->note, "%d of %d arms are shown.", c->n_arms,
                    c->all_arms);
    picture_say(&p->source,
                "select tokens, train_loss, val_loss, arm, N, seed "
                "from curves where D = %.0f",
                c->D);
    picture_say(&p->finding,
                "Loss against tokens seen for %d arm%s at %d model "
                "size%s, and the distance of each from its "
                "unquantized twin.",
                c->n_arms, c->n_arms == 1 ? "" : "s", c->n_sizes,
                c->n_sizes == 1 ? "" : "s");
}

PLOT_BUILDER(plot_curves)
{
    struct curves c = { .d = d };
    enum status st = OK;

    (void)choice;
    st = find_usable(&c, err);
    if (st == OK) {
        choose_sizes(&c);
        choose_arms(&c);
    }
    free(c.usable);
    c.usable = NULL;
    if (st == OK && c.n_arms)
        st = first_tokens(&c, err);
    if (st == OK && (!c.n_arms || !(c.tokens_lo > 0) || c.tokens_lo >= c.D))
        st = err_set(err, ERR_USAGE, "no loss curve is stored");
    if (st != OK)
        return st;
    c.p = picture_new("Loss curves");
    c.p->share_x = c.p->share_rows = true;
    add_panels(&c);
    for (int i = 0; i < c.n_sizes && st == OK; i++)
        st = add_size(&c, i, err);
    say(&c);
    if (st == OK)
        *out = c.p;
    else
        picture_free(c.p);
    return st;
}
