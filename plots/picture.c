#include "plots/picture.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double none = (double)NAN;

struct picture *picture_new(const char *title)
{
    struct picture *p = mem_alloc(sizeof *p);

    p->title = mem_strdup(title);
    p->subtitle = mem_strdup("");
    p->headline = mem_strdup("");
    p->note = mem_strdup("");
    p->key_title = mem_strdup("");
    p->finding = mem_strdup("");
    p->source = mem_strdup("");
    return p;
}

static void free_axis(struct picture_axis *a)
{
    for (int i = 0; i < a->n_tics; i++)
        free(a->tics[i].text);
    free(a->tics);
    free(a->label);
}

static void free_lines(struct picture_line *lines, int n)
{
    for (int i = 0; i < n; i++)
        free(lines[i].at);
    free(lines);
}

void picture_free(struct picture *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->n_panels; i++) {
        free(p->panels[i].title);
        free_axis(&p->panels[i].x);
        free_axis(&p->panels[i].y);
    }
    for (int i = 0; i < p->n_series; i++)
        free(p->series[i].name);
    for (int i = 0; i < p->n_marks; i++)
        free(p->marks[i].text);
    free_lines(p->curves, p->n_curves);
    free_lines(p->bands, p->n_bands);
    free(p->panels);
    free(p->series);
    free(p->points);
    free(p->boxes);
    free(p->marks);
    free(p->title);
    free(p->subtitle);
    free(p->headline);
    free(p->note);
    free(p->key_title);
    free(p->finding);
    free(p->source);
    free(p);
}

static void put(char **text, bool append, const char *fmt, va_list ap)
{
    struct str s = { 0 };
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    if (append && **text)
        str_addf(&s, "%s ", *text);
    if (n > 0) {
        char *added = mem_alloc((size_t)n + 1);

        vsnprintf(added, (size_t)n + 1, fmt, again);
        str_add(&s, added);
        free(added);
    }
    va_end(again);
    free(*text);
    *text = str_steal(&s);
}

void picture_say(char **text, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put(text, false, fmt, ap);
    va_end(ap);
}

void picture_add(char **text, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put(text, true, fmt, ap);
    va_end(ap);
}

/* --- adding --------------------------------------------------------------- */

/* Room for one more: capacities are the powers of two from 16, so that they
 * need not be remembered. */
static void *one_more(void *items, int n, size_t size)
{
    if (n == 0)
        return mem_grow(items, 16, size);
    return n >= 16 && (n & (n - 1)) == 0 ? mem_grow(items, 2 * (size_t)n, size)
                                         : items;
}

static struct picture_axis axis_new(const char *label, bool log)
{
    return (struct picture_axis){
        .label = mem_strdup(label), .log = log, .lo = HUGE_VAL, .hi = -HUGE_VAL
    };
}

int picture_panel(struct picture *p, const char *title, const char *x_label,
                  bool x_log, const char *y_label, bool y_log)
{
    p->panels = one_more(p->panels, p->n_panels, sizeof *p->panels);
    p->panels[p->n_panels] =
        (struct picture_panel){ .title = mem_strdup(title),
                                .x = axis_new(x_label, x_log),
                                .y = axis_new(y_label, y_log) };
    return p->n_panels++;
}

int picture_series(struct picture *p, const char *name, int hue)
{
    p->series = one_more(p->series, p->n_series, sizeof *p->series);
    p->series[p->n_series] = (struct picture_series){ .name = mem_strdup(name),
                                                      .hue = hue,
                                                      .shape = p->n_series,
                                                      .dash = p->n_series,
                                                      .shade = -1 };
    return p->n_series++;
}

int picture_step(struct picture *p, const char *name, int i, int n)
{
    const int s = picture_series(p, name, 0);

    p->series[s].shade = n > 1 ? (double)i / (n - 1) : 0;
    return s;
}

static void see(struct picture_axis *a, double v)
{
    if (a->fixed || !isfinite(v) || (a->log && v <= 0))
        return;
    a->lo = fmin(a->lo, v);
    a->hi = fmax(a->hi, v);
}

void picture_point(struct picture *p, int panel, int series, double x, double y,
                   double err)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    p->points = one_more(p->points, p->n_points, sizeof *p->points);
    p->points[p->n_points++] = (struct picture_point){
        panel, series, x, y, err > 0 ? y - err : none, err > 0 ? y + err : none,
        false, 1
    };
    see(&p->panels[panel].x, x);
    see(&p->panels[panel].y, y);
    if (err > 0) {
        see(&p->panels[panel].y, y + err);
        if (!p->panels[panel].y.log)
            see(&p->panels[panel].y, y - err);
    }
}

static int add_line(struct picture_line **lines, int *n, int panel, int series,
                    enum picture_look look)
{
    *lines = one_more(*lines, *n, sizeof **lines);
    (*lines)[*n] =
        (struct picture_line){ .panel = panel, .series = series, .look = look };
    return (*n)++;
}

int picture_curve(struct picture *p, int panel, int series,
                  enum picture_look look)
{
    return add_line(&p->curves, &p->n_curves, panel, series, look);
}

int picture_band(struct picture *p, int panel, int series)
{
    return add_line(&p->bands, &p->n_bands, panel, series, LOOK_LINE);
}

static void add_vertex(struct picture_line *l, struct picture_vertex v)
{
    l->at = one_more(l->at, l->n, sizeof *l->at);
    l->at[l->n++] = v;
}

void picture_to(struct picture *p, int curve, double x, double y)
{
    struct picture_line *l = &p->curves[curve];

    add_vertex(l, (struct picture_vertex){ x, y, none });
    if (isfinite(x) && isfinite(y)) {
        see(&p->panels[l->panel].x, x);
        see(&p->panels[l->panel].y, y);
    }
}

void picture_band_to(struct picture *p, int band, double x, double lo,
                     double hi)
{
    struct picture_line *l = &p->bands[band];

    if (!isfinite(x) || !isfinite(lo) || !isfinite(hi))
        return;
    add_vertex(l, (struct picture_vertex){ x, lo, hi });
    see(&p->panels[l->panel].x, x);
    see(&p->panels[l->panel].y, lo);
    see(&p->panels[l->panel].y, hi);
}

void picture_log_y(struct picture *p, int panel)
{
    struct picture_axis *y = &p->panels[panel].y;

    y->log = true;
    if (y->fixed)
        return;
    y->lo = HUGE_VAL;
    y->hi = -HUGE_VAL;
    for (int i = 0; i < p->n_points; i++)
        if (p->points[i].panel == panel) {
            see(y, p->points[i].y);
            see(y, p->points[i].hi);
        }
    for (int i = 0; i < p->n_curves; i++)
        for (int k = 0; p->curves[i].panel == panel && k < p->curves[i].n; k++)
            see(y, p->curves[i].at[k].y);
    for (int i = 0; i < p->n_bands; i++)
        for (int k = 0; p->bands[i].panel == panel && k < p->bands[i].n; k++) {
            see(y, p->bands[i].at[k].y);
            see(y, p->bands[i].at[k].hi);
        }
}

void picture_box(struct picture *p, const struct picture_box *box)
{
    struct picture_panel *panel = &p->panels[box->panel];

    p->boxes = one_more(p->boxes, p->n_boxes, sizeof *p->boxes);
    p->boxes[p->n_boxes++] = *box;
    see(&panel->x, box->xlo);
    see(&panel->x, box->xhi);
    see(&panel->y, box->ylo);
    see(&panel->y, box->yhi);
}

void picture_mark(struct picture *p, int panel, int series, double x, double y,
                  double shade, const char *text)
{
    p->marks = one_more(p->marks, p->n_marks, sizeof *p->marks);
    p->marks[p->n_marks++] = (struct picture_mark){
        panel, series, x, y, mem_strdup(text), shade,
    };
}

void picture_tic(struct picture_axis *a, double at, const char *text)
{
    a->tics = one_more(a->tics, a->n_tics, sizeof *a->tics);
    a->tics[a->n_tics++] = (struct picture_tic){ at, mem_strdup(text) };
}

void picture_range(struct picture_axis *a, double lo, double hi)
{
    a->lo = lo;
    a->hi = hi;
    a->fixed = true;
}

bool picture_is_empty(const struct picture *p)
{
    int vertices = 0;

    for (int i = 0; i < p->n_curves; i++)
        vertices += p->curves[i].n;
    return p->n_points == 0 && p->n_boxes == 0 && vertices == 0;
}
