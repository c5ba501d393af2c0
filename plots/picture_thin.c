/* picture_thin.c - points that a reader could not see are not drawn.
 *
 * They stay in the data file, with a size of 0, because a picture of 5,000
 * runs is mostly points that lie under others. */
#include <math.h>
#include <stdlib.h>

#include "plots/picture.h"

#define CELLS 128  /* to a side of a panel: a third of a point */
#define MOST  1000 /* points of a panel that are drawn */

/* Two bits a cell, panel and series: is a point there, is a star there. */
struct taken {
    unsigned char *bits;
    const struct picture *p;
};

static bool take(struct taken *t, const struct picture_point *q)
{
    const struct picture_panel *panel = &t->p->panels[q->panel];
    const double x = floor(CELLS * picture_unit(&panel->x, q->x));
    const double y = floor(CELLS * picture_unit(&panel->y, q->y));
    size_t at;
    unsigned char bit;

    if (!isnan(q->lo) || !(x >= 0 && x < CELLS && y >= 0 && y < CELLS))
        return true;
    at = (size_t)q->panel * (size_t)(t->p->n_series + 1) +
         (size_t)(q->series + 1);
    at = (at * CELLS + (size_t)x) * CELLS + (size_t)y;
    bit = (unsigned char)(1u << (at % 4 * 2 + q->star));
    if (t->bits[at / 4] & bit)
        return false;
    t->bits[at / 4] |= bit;
    return true;
}

static int count_drawn(const struct picture *p, int panel)
{
    int n = 0;

    for (int i = 0; i < p->n_points; i++)
        n += p->points[i].panel == panel && p->points[i].size > 0;
    return n;
}

void picture_thin(struct picture *p)
{
    struct taken t = { .p = p };
    int most = 0, skip;

    t.bits = mem_array((size_t)p->n_panels * (size_t)(p->n_series + 1),
                       CELLS * CELLS / 4);
    for (int i = 0; i < p->n_points; i++)
        if (!take(&t, &p->points[i]))
            p->points[i].size = 0;
    free(t.bits);
    for (int i = 0; i < p->n_panels; i++) {
        const int n = count_drawn(p, i);

        most = n > most ? n : most;
    }
    skip = (most + MOST - 1) / MOST;
    for (int i = 0, k = 0; i < p->n_points && skip > 1; i++)
        if (p->points[i].size > 0 && k++ % skip)
            p->points[i].size = 0;
    if (skip > 1)
        picture_add(&p->note, "One of %d points is drawn.", skip);
}
