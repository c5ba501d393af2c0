/* picture_layout.c - panels, the key, and names beside the ends of lines. */
#include "plots/picture_layout.h"

#include <math.h>
#include <stdlib.h>

#include "base/label.h"

/* --- names ---------------------------------------------------------------- */

double picture_value(const struct picture_axis *a, double u)
{
    return a->log ? a->lo * pow(a->hi / a->lo, u) : a->lo + u * (a->hi - a->lo);
}

/* The rightmost thing of a series in a panel: the end of its curve, else its
 * last point.  NaN when it is not there. */
static double end_of(const struct picture *p, int panel, int series)
{
    double x = -HUGE_VAL, y = (double)NAN;

    for (int i = 0; i < p->n_curves; i++) {
        const struct picture_line *c = &p->curves[i];

        if (c->panel != panel || c->series != series || c->look == LOOK_THIN)
            continue;
        for (int k = 0; k < c->n; k++)
            if (c->at[k].x >= x && isfinite(c->at[k].y)) {
                x = c->at[k].x;
                y = c->at[k].y;
            }
    }
    if (!isnan(y))
        return y;
    for (int i = 0; i < p->n_points; i++) {
        const struct picture_point *q = &p->points[i];

        if (q->panel == panel && q->series == series && q->x >= x) {
            x = q->x;
            y = q->y;
        }
    }
    return y;
}

static int by_height(const void *a, const void *b)
{
    const struct beside *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

/* Move names apart so that none covers another: those that touch form groups,
 * each centred where its members want to be. */
static void spread(struct beside *b, int n, double gap)
{
    double *centre = mem_array((size_t)n + 1, sizeof *centre);
    int *size = mem_array((size_t)n + 1, sizeof *size);
    int groups = 0, k = 0;
    const double low = 0.02, high = 0.98;

    qsort(b, (size_t)n, sizeof *b, by_height);
    for (int i = 0; i < n; i++) {
        centre[groups] = b[i].at;
        size[groups++] = 1;
        while (groups > 1 &&
               centre[groups - 1] - centre[groups - 2] <
                   gap * (size[groups - 1] + size[groups - 2]) / 2) {
            const int a = groups - 2, c = groups - 1;

            centre[a] = (centre[a] * size[a] + centre[c] * size[c]) /
                        (size[a] + size[c]);
            size[a] += size[c];
            groups--;
        }
    }
    for (int g = 0; g < groups; g++) {
        const double first = centre[g] - gap * (size[g] - 1) / 2;

        for (int i = 0; i < size[g]; i++, k++)
            b[k].at = first + gap * i;
    }
    /* Those that would leave the panel push the others before them. */
    for (int i = 0; i < n; i++)
        b[i].at = fmax(b[i].at, i ? b[i - 1].at + gap : low);
    for (int i = n - 1; i >= 0; i--)
        b[i].at = fmin(b[i].at, i < n - 1 ? b[i + 1].at - gap : high);
    free(centre);
    free(size);
}

static void place_beside(struct layout *l, const struct picture *p)
{
    for (int i = 0; i < p->n_panels; i++) {
        const struct picture_axis *y = &p->panels[i].y;
        const int first = l->n_beside;

        for (int s = 0; s < p->n_series; s++) {
            const double end = end_of(p, i, s);
            const double at = isnan(end) ? end : picture_unit(y, end);

            if (isnan(at))
                continue;
            l->beside =
                mem_grow(l->beside, (size_t)l->n_beside + 1, sizeof *l->beside);
            l->beside[l->n_beside++] =
                (struct beside){ i, s, fmin(fmax(at, 0), 1) };
        }
        spread(l->beside + first, l->n_beside - first, 0.066);
    }
}

/* --- layout --------------------------------------------------------------- */

static void mark_used(struct layout *l, const struct picture *p)
{
    l->used = mem_array((size_t)p->n_series + 1, sizeof *l->used);
    for (int i = 0; i < p->n_points; i++)
        if (p->points[i].series >= 0)
            l->used[p->points[i].series] = 1;
    for (int i = 0; i < p->n_curves; i++)
        if (p->curves[i].series >= 0 && p->curves[i].n)
            l->used[p->curves[i].series] = 1;
    for (int i = 0; i < p->n_boxes; i++)
        if (p->boxes[i].series >= 0)
            l->used[p->boxes[i].series] = 1;
}

static size_t shown_length(const char *text)
{
    char *cut = label_cut(text, PICTURE_NAME);
    const size_t n = label_length(cut);

    free(cut);
    return n;
}

static void choose_key(struct layout *l, const struct picture *p)
{
    int n = 0;

    mark_used(l, p);
    for (int s = 0; s < p->n_series; s++)
        if (l->used[s]) {
            const size_t len = shown_length(p->series[s].name);

            n++;
            l->key_length = len > l->key_length ? len : l->key_length;
        }
    if (p->no_key || n == 0 || (n == 1 && p->n_panels == 1))
        l->mode = KEY_NONE;
    else if (p->n_boxes == 0 && n <= 12 &&
             l->key_length <= (p->n_panels == 1 ? 16u : 6u))
        l->mode = KEY_BESIDE;
    else
        l->mode = KEY_COLUMN;
    if (l->mode == KEY_BESIDE)
        place_beside(l, p);
    if (l->mode == KEY_COLUMN && label_length(p->key_title) > l->key_length + 3)
        l->key_length = label_length(p->key_title) - 3;
}

void picture_lay_out(struct layout *l, const struct picture *p)
{
    const int n = p->n_panels;

    l->columns = picture_columns(p);
    l->rows = n ? (n + l->columns - 1) / l->columns : 1;
    l->width = picture_width(p);
    l->height = p->height > 0  ? p->height
                : l->rows == 1 ? 440
                               : 80 + 330 * l->rows;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < p->panels[i].y.n_tics; k++) {
            const size_t len = label_length(p->panels[i].y.tics[k].text);

            l->tic_length = len > l->tic_length ? len : l->tic_length;
        }
    choose_key(l, p);
}

void picture_layout_release(struct layout *l)
{
    free(l->beside);
    free(l->used);
}
