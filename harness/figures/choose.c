/* choose.c - which variable is the axis, which tells lines apart, which
 * panels, and where the others are held. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/label.h"
#include "harness/figures/versus.h"

const struct versus_name versus_names[VERSUS_VARS] = {
    { "N", "model size N (parameters)" },
    { "D", "training tokens D" },
    { "G", "group size G (elements)" },
    { "fmt", "format" },
};

/* --- levels --------------------------------------------------------------- */

double versus_number(enum versus_var v, const struct plot_point *p)
{
    const bool grouped = strcmp(p->gran, "group") == 0;

    return v == VERSUS_N              ? p->N
           : v == VERSUS_D            ? p->D
           : v == VERSUS_G && grouped ? p->G
                                      : (double)NAN;
}

/* The word of a value that has no number: a family, "row", "tensor". */
static const char *word_of(enum versus_var v, const struct plot_point *p)
{
    if (v == VERSUS_FMT)
        return p->family;
    return v == VERSUS_G && !p->base ? p->gran : "";
}

static int find_level(const struct versus *q, enum versus_var v, double number,
                      const char *word)
{
    for (int i = 0; i < q->n_levels[v]; i++) {
        const struct level *l = &q->levels[v][i];

        if (isnan(number) ? isnan(l->value) && strcmp(l->text, word) == 0
                          : l->value == number)
            return i;
    }
    return -1;
}

static int by_value(const void *a, const void *b)
{
    const struct level *x = a, *y = b;

    if (isnan(x->value) || isnan(y->value))
        return isnan(x->value) - isnan(y->value);
    return (x->value > y->value) - (x->value < y->value);
}

bool versus_shown(const struct versus *q, const struct plot_point *p)
{
    const double x = versus_number(q->x, p);

    return isfinite(q->delta ? p->delta : p->loss) && isfinite(x) &&
           !(q->delta && p->base);
}

static void find_levels(struct versus *q, enum versus_var v)
{
    const struct plot_data *d = q->d;

    for (int i = 0; i < d->n; i++) {
        const double number = versus_number(v, &d->points[i]);
        const char *word = word_of(v, &d->points[i]);
        char buf[32];

        if (!versus_shown(q, &d->points[i]) || (isnan(number) && !*word) ||
            find_level(q, v, number, word) >= 0)
            continue;
        q->levels[v] = mem_grow(q->levels[v], (size_t)q->n_levels[v] + 1,
                                sizeof *q->levels[v]);
        q->levels[v][q->n_levels[v]++] = (struct level){
            number,
            mem_strdup(isnan(number) ? word : text_si(buf, number, 3)),
        };
    }
    if (v != VERSUS_FMT && q->n_levels[v])
        qsort(q->levels[v], (size_t)q->n_levels[v], sizeof *q->levels[v],
              by_value);
    q->level[v] = mem_array((size_t)d->n + 1, sizeof *q->level[v]);
    for (int i = 0; i < d->n; i++)
        q->level[v][i] = find_level(q, v, versus_number(v, &d->points[i]),
                                    word_of(v, &d->points[i]));
}

bool versus_matches(const struct versus *q, int point, enum versus_var v,
                    int level)
{
    return q->level[v][point] == level ||
           (v == VERSUS_G && q->d->points[point].base);
}

/* --- choosing ------------------------------------------------------------- */

static enum status need_var(enum versus_var *out, const char *name,
                            struct err *err)
{
    for (int v = 0; v < VERSUS_VARS; v++)
        if (strcmp(versus_names[v].name, name) == 0) {
            *out = (enum versus_var)v;
            return OK;
        }
    return err_set(err, ERR_USAGE, "--by: '%s' is not N, D, G or fmt", name);
}

static enum status choose_vars(struct versus *q, const struct plot_choice *c,
                               struct err *err)
{
    enum status st = OK;

    q->panel = q->x == VERSUS_FMT ? VERSUS_G : VERSUS_FMT;
    q->line = q->x == VERSUS_N               ? (q->delta ? VERSUS_G : VERSUS_D)
              : q->x == VERSUS_D && q->delta ? VERSUS_G
                                             : VERSUS_N;
    if (c && c->by_line)
        st = need_var(&q->line, c->by_line, err);
    if (st == OK && q->line == q->panel)
        q->panel = q->x == VERSUS_G ? VERSUS_N : VERSUS_G;
    if (st == OK && c && c->by_panel)
        st = need_var(&q->panel, c->by_panel, err);
    if (st == OK &&
        (q->line == q->x || q->panel == q->x || q->line == q->panel))
        st = err_set(err, ERR_USAGE, "--by: %s is shown twice",
                     versus_names[q->line == q->panel ? q->line : q->x].name);
    return st;
}

/* "D=800k" holds D there. */
static enum status hold(struct versus *q, const char *text, struct err *err)
{
    const size_t n = strcspn(text, "=");
    char *name = mem_strndup(text, n);
    const char *value = text[n] ? text + n + 1 : "", *end;
    enum versus_var v = VERSUS_N;
    double number;
    enum status st = need_var(&v, name, err);

    free(name);
    if (st != OK)
        return err_set(err, ERR_USAGE,
                       "--at: '%s' is not N=, D=, G= or fmt=", text);
    if (!text_read_number(&number, value, &end, false) || *end)
        number = (double)NAN;
    q->fixed[v] = -1;
    for (int i = 0; i < q->n_levels[v]; i++)
        if (strcmp(q->levels[v][i].text, value) == 0 ||
            fabs(q->levels[v][i].value - number) <= 0.005 * number)
            q->fixed[v] = i;
    if (q->fixed[v] < 0) {
        struct str all = { 0 };
        char *shown_text;

        for (int i = 0; i < q->n_levels[v]; i++)
            str_addf(&all, "%s%s", i ? ", " : "", q->levels[v][i].text);
        shown_text = label_visible(str_text(&all));
        st = err_set(err, ERR_USAGE, "--at %s: the values are %s", text,
                     shown_text);
        free(shown_text);
        str_release(&all);
    }
    return st;
}

/* How many points of a level a panel could show. */
static int points_of(const struct versus *q, enum versus_var v, int level)
{
    int n = 0;

    for (int i = 0; i < q->d->n; i++) {
        bool ok = versus_shown(q, &q->d->points[i]) && q->level[v][i] == level;

        for (int w = 0; w < VERSUS_VARS; w++)
            ok = ok && (q->fixed[w] < 0 ||
                        versus_matches(q, i, (enum versus_var)w, q->fixed[w]));
        n += ok;
    }
    return n;
}

/* The level of v with the most points; the last of equals, which is the
 * largest. */
static int fullest(const struct versus *q, enum versus_var v)
{
    int best = -1, most = 1;

    for (int l = 0; l < q->n_levels[v]; l++) {
        const int n = points_of(q, v, l);

        if (n >= most) {
            most = n;
            best = l;
        }
    }
    return best;
}

/* The max fullest of n words, in their order; of equals the first.  What has a
 * few points where others have many is not worth a panel. */
static int pick_words(int *out, const struct versus *q, enum versus_var v,
                      int max)
{
    const int n = q->n_levels[v];
    int *points = mem_array((size_t)n + 1, sizeof *points), m = 0, most = 0;

    for (int l = 0; l < n; l++) {
        points[l] = points_of(q, v, l);
        most = points[l] > most ? points[l] : most;
    }
    for (int l = 0; l < n; l++) {
        int fuller = 0;

        for (int k = 0; k < n; k++)
            fuller +=
                points[k] > points[l] || (points[k] == points[l] && k < l);
        if (fuller < max && 5 * points[l] > most)
            out[m++] = l;
    }
    free(points);
    return m;
}

/* At most max of n levels, numbers evenly spread; those held elsewhere
 * alone. */
static int pick(int *out, const struct versus *q, enum versus_var v, int max)
{
    const int n = q->n_levels[v], m = n < max ? n : max;

    if (q->fixed[v] >= 0) {
        out[0] = q->fixed[v];
        return 1;
    }
    if (v == VERSUS_FMT)
        return pick_words(out, q, v, max);
    for (int i = 0; i < m; i++)
        out[i] = n <= max ? i : i * (n - 1) / (m - 1);
    return m;
}

enum status versus_choose(struct versus *q, const struct plot_choice *c,
                          struct err *err)
{
    enum status st = choose_vars(q, c, err);

    for (int v = 0; v < VERSUS_VARS; v++) {
        find_levels(q, (enum versus_var)v);
        q->fixed[v] = -1;
    }
    for (int i = 0; c && i < c->n_at && st == OK; i++)
        st = hold(q, c->at[i], err);
    if (st != OK)
        return st;
    for (int v = 0; v < VERSUS_VARS; v++)
        if ((enum versus_var)v != q->x && (enum versus_var)v != q->line &&
            (enum versus_var)v != q->panel && q->fixed[v] < 0)
            q->fixed[v] = fullest(q, (enum versus_var)v);
    q->n_panels = pick(q->panels, q, q->panel, VERSUS_PANELS);
    q->n_lines = pick(q->lines, q, q->line, VERSUS_LINES);
    return OK;
}

void versus_release(struct versus *q)
{
    for (int v = 0; v < VERSUS_VARS; v++) {
        for (int i = 0; i < q->n_levels[v]; i++)
            free(q->levels[v][i].text);
        free(q->levels[v]);
        free(q->level[v]);
    }
}
