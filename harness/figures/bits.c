/* bits.c - what a bit is worth: costs over bits, a line for each way to come by
 * them, so that rounding after training stands beside training with it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/figures/place.h"

#define MAX_PANELS 6

/* The family without the number of bits: "PTQ int3 W gptq" -> "PTQ int W gptq",
 * "e2m1 W+A" -> "float W+A".  The caller frees it. */
static char *way_of(const struct plot_point *p)
{
    const char *at = strstr(p->family, p->fmt);
    const size_t n = strlen(p->fmt);
    const char *tail = p->fmt + n, *kind;

    while (tail > p->fmt && tail[-1] >= 'a' && tail[-1] <= 'z')
        tail--; /* int4n stays apart from int4 */
    kind = strncmp(p->fmt, "int", 3) == 0 ? "int" : "float";
    if (!at || (p->family != at && at[-1] != ' ') || at[n] != ' ')
        return mem_strdup(p->family);
    return mem_printf("%.*s%s%s%s", (int)(at - p->family), p->family, kind,
                      strcmp(kind, "int") == 0 ? tail : "", at + n);
}

/* One way at one place, by its bits. */
struct line {
    const struct plot_point **at;
    int n;
};

static int by_bits(const void *a, const void *b)
{
    const struct plot_point *x = *(const struct plot_point *const *)a;
    const struct plot_point *y = *(const struct plot_point *const *)b;

    return x->stored_bits != y->stored_bits
               ? (x->stored_bits > y->stored_bits) -
                     (x->stored_bits < y->stored_bits)
               : (x->delta > y->delta) - (x->delta < y->delta);
}

static struct line line_of(const struct plot_data *d, char *const *ways,
                           const char *way, const struct plot_place *s)
{
    struct line l = { mem_array((size_t)d->n + 1, sizeof *l.at), 0 };

    for (int i = 0; i < d->n; i++)
        if (plot_is_at(&d->points[i], s) && strcmp(ways[i], way) == 0)
            l.at[l.n++] = &d->points[i];
    qsort(l.at, (size_t)l.n, sizeof *l.at, by_bits);
    return l;
}

static int different_bits(const struct line *l)
{
    int n = l->n > 0;

    for (int i = 1; i < l->n; i++)
        n += l->at[i]->stored_bits != l->at[i - 1]->stored_bits;
    return n;
}

/* A cost that is not above nothing has no place on a logarithmic axis. */
static int add_line(struct picture *p, int panel, const char *way,
                    const struct line *l)
{
    const int series = plot_series(p, way);
    const int c = picture_curve(p, panel, series, LOOK_LINE);
    int left_out = 0;

    for (int i = 0; i < l->n; i++) {
        const struct plot_point *q = l->at[i];
        const double half = plot_half(q);

        if (!(q->delta > 0)) {
            left_out++;
            continue;
        }
        picture_point(p, panel, series, q->stored_bits, q->delta,
                      half < q->delta ? half : (double)NAN);
        if (i == 0 || q->stored_bits != l->at[i - 1]->stored_bits)
            picture_to(p, c, q->stored_bits, q->delta);
    }
    return left_out;
}

/* Is the point the first of its way at the place? */
static bool is_first(char *const *ways, int i, const struct plot_data *d,
                     const struct plot_place *s)
{
    for (int k = 0; k < i; k++)
        if (plot_is_at(&d->points[k], s) && strcmp(ways[k], ways[i]) == 0)
            return false;
    return true;
}

/* Returns how many costs have no place. */
static int add_place(struct picture *p, int panel, const struct plot_data *d,
                     char *const *ways, const struct plot_place *s, int *most)
{
    int left_out = 0;

    for (int i = 0; i < d->n; i++) {
        struct line l;

        if (!plot_is_at(&d->points[i], s) || !is_first(ways, i, d, s))
            continue;
        l = line_of(d, ways, ways[i], s);
        *most = different_bits(&l) > *most ? different_bits(&l) : *most;
        left_out += add_line(p, panel, ways[i], &l);
        free(l.at);
    }
    return left_out;
}

/* By what a cost falls from the line's least bits to the next, at one place. */
static void say_bit(struct picture *p, const struct plot_data *d,
                    char *const *ways, const struct plot_place *s)
{
    char a[32], b[32];
    struct str text = { 0 };

    for (int i = 0; i < d->n; i++) {
        struct line l;
        const struct plot_point *x, *y;

        if (!plot_is_at(&d->points[i], s) || !is_first(ways, i, d, s))
            continue;
        l = line_of(d, ways, ways[i], s);
        x = l.n > 0 ? l.at[0] : NULL;
        y = different_bits(&l) > 1 ? l.at[1] : NULL;
        if (y && y->stored_bits > x->stored_bits && x->delta > 0 &&
            y->delta > 0)
            str_addf(&text, "%s%s %.2g at %.4g and %.2g at %.4g",
                     text.len ? "; " : "", ways[i], x->delta, x->stored_bits,
                     y->delta, y->stored_bits);
        free(l.at);
    }
    picture_say(&p->finding,
                "Costs at the fewest stored bits, at N = %s, D = %s: %s.",
                text_si(a, s->n, 3), text_si(b, s->d, 3), str_text(&text));
    str_release(&text);
}

PLOT_BUILDER(plot_bits)
{
    struct plot_place at[MAX_PANELS];
    const int n = plot_places(at, MAX_PANELS, d);
    char **ways = mem_array((size_t)d->n + 1, sizeof *ways);
    struct picture *p = picture_new("What a bit is worth");
    int left_out = 0, most = 0;

    (void)choice;
    p->share_x = p->share_y = true;
    for (int i = 0; i < d->n; i++)
        ways[i] = way_of(&d->points[i]);
    for (int i = 0; i < n; i++)
        left_out += add_place(p, plot_place_panel(p, &at[i], n, true), d, ways,
                              &at[i], &most);
    picture_say(&p->subtitle, "lines: means over seeds; bars: 95 %% intervals "
                              "that end above nothing");
    if (left_out)
        picture_say(&p->note, "%d cost%s not above nothing, and left out",
                    left_out, left_out == 1 ? " is" : "s are");
    picture_say(&p->source, "select arm, N, D, stored_bits, delta from "
                            "degradation");
    if (most >= 3)
        say_bit(p, d, ways, &at[n - 1]);
    for (int i = 0; i < d->n; i++)
        free(ways[i]);
    free(ways);
    if (most >= 3 && !picture_is_empty(p)) {
        *out = p;
        return OK;
    }
    picture_free(p);
    return err_set(err, ERR_USAGE,
                   "no format was run with three numbers of bits and is alike "
                   "but for them");
}
