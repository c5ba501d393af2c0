/* picture_data.c - a picture as the blocks that plots/panels.gp reads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/label.h"
#include "plots/dat.h"
#include "plots/picture_layout.h"

#define TEXT_LENGTH 100 /* of titles and notes */

/* --- blocks --------------------------------------------------------------- */

static void text_row(struct str *out, int i, const char *what, const char *text,
                     size_t max)
{
    char *cut = label_cut(text, max);

    dat_number(out, i);
    dat_text(out, what);
    dat_text(out, cut);
    dat_end_line(out);
    free(cut);
}

static void add_layout(struct str *out, const struct picture *p,
                       const struct layout *l)
{
    int tics = 0, keys = 0;

    for (int i = 0; i < p->n_panels; i++)
        tics += p->panels[i].x.n_tics + p->panels[i].y.n_tics;
    for (int s = 0; s < p->n_series; s++)
        keys += l->mode == KEY_COLUMN && l->used[s];
    {
        const struct {
            const char *name;
            double value;
        } rows[] = {
            { "panels", p->n_panels },
            { "columns", l->columns },
            { "rows", l->rows },
            { "width", l->width },
            { "height", l->height },
            { "series", p->n_series },
            { "key mode", l->mode },
            { "key length", (double)l->key_length },
            { "tic length", (double)l->tic_length },
            { "tics", tics },
            { "labels", l->n_beside },
            { "keys", keys },
            { "share y", p->share_y      ? 1
                         : p->share_rows ? 2
                                         : 0 },
            { "curves", p->n_curves },
            { "bands", p->n_bands },
            { "paper", p->paper.width_mm > 0 },
            { "letter", p->paper.font_pt > 0 ? p->paper.font_pt : 9.6 },
        };

        dat_block(out, "layout", "number\tname\tvalue");
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            dat_number(out, (double)i);
            dat_text(out, rows[i].name);
            dat_number(out, rows[i].value);
            dat_end_line(out);
        }
    }
}

static void numbers(struct str *out, const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dat_number(out, v[i]);
}

#define NUMBERS(out, ...)                                                      \
    numbers(out, (const double[]){ __VA_ARGS__ },                              \
            sizeof((const double[]){ __VA_ARGS__ }) / sizeof(double))

/* First and last line of a panel among all, which are sorted by panel;
 * 0 and -1 when it has none. */
static void span(int *first, int *last, const struct picture_line *lines, int n,
                 int panel)
{
    *first = 0;
    *last = -1;
    for (int i = 0; i < n; i++)
        if (lines[i].panel == panel) {
            *first = *last < 0 ? i : *first;
            *last = i;
        }
}

static void add_panels(struct str *out, const struct picture *p)
{
    dat_block(out, "panels",
              "panel\ttitle\txlabel\tylabel\txlog\txmin\txmax\tylog\tymin\t"
              "ymax\tpoints\tbars\tboxes\tmarks\tnames\tband_first\t"
              "band_last\tcurve_first\tcurve_last");
    for (int i = 0; i < p->n_panels; i++) {
        const struct picture_panel *q = &p->panels[i];
        char *title = label_cut(q->title, 40);
        int points = 0, bars = 0, boxes = 0, marks = 0, names = 0;
        int b0, b1, c0, c1;

        for (int k = 0; k < p->n_points; k++) {
            points += p->points[k].panel == i;
            bars += p->points[k].panel == i && !isnan(p->points[k].lo);
        }
        for (int k = 0; k < p->n_boxes; k++)
            boxes += p->boxes[k].panel == i;
        for (int k = 0; k < p->n_marks; k++) {
            marks += p->marks[k].panel == i && p->marks[k].shade >= 0;
            names += p->marks[k].panel == i && p->marks[k].shade < 0;
        }
        span(&b0, &b1, p->bands, p->n_bands, i);
        span(&c0, &c1, p->curves, p->n_curves, i);
        dat_number(out, i);
        dat_text(out, title);
        dat_text(out, q->x.label);
        dat_text(out, q->y.label);
        NUMBERS(out, q->x.log, q->x.lo, q->x.hi, q->y.log, q->y.lo, q->y.hi,
                points, bars, boxes, marks, names, b0, b1, c0, c1);
        dat_end_line(out);
        free(title);
    }
}

static void add_tics(struct str *out, const struct picture *p)
{
    dat_block(out, "tics", "panel\taxis\tat\ttext");
    for (int i = 0; i < p->n_panels; i++)
        for (int axis = 0; axis < 2; axis++) {
            const struct picture_axis *a =
                axis ? &p->panels[i].y : &p->panels[i].x;

            for (int k = 0; k < a->n_tics; k++) {
                char *cut = label_cut(a->tics[k].text, PICTURE_NAME);

                NUMBERS(out, i, axis, a->tics[k].at);
                dat_tic(out, cut);
                dat_end_line(out);
                free(cut);
            }
        }
}

static void add_series(struct str *out, const struct picture *p,
                       const struct layout *l)
{
    dat_block(out, "series", "series\tname\thue\tshade\tshape\tdash");
    for (int s = 0; s < p->n_series; s++) {
        dat_number(out, s);
        dat_text(out, p->series[s].name);
        NUMBERS(out, p->series[s].hue, p->series[s].shade, p->series[s].shape,
                p->series[s].dash);
        dat_end_line(out);
    }
    if (l->mode == KEY_COLUMN)
        dat_block(out, "key", "series\ttext");
    for (int s = 0; s < p->n_series && l->mode == KEY_COLUMN; s++) {
        char *cut = label_cut(p->series[s].name, PICTURE_NAME);

        if (l->used[s]) {
            dat_number(out, s);
            dat_text(out, cut);
            dat_end_line(out);
        }
        free(cut);
    }
    if (l->n_beside)
        dat_block(out, "labels", "panel\tseries\ty\ttext");
    for (int i = 0; i < l->n_beside; i++) {
        const struct beside *b = &l->beside[i];
        char *cut = label_cut(p->series[b->series].name, PICTURE_NAME);

        NUMBERS(out, b->panel, b->series,
                picture_value(&p->panels[b->panel].y, b->at));
        dat_text(out, cut);
        dat_end_line(out);
        free(cut);
    }
}

/* A panel without any still has its block, so that they can be counted. */
static void end_panel(struct str *out, int found, int cells)
{
    if (!found) {
        for (int i = 0; i < cells; i++)
            dat_number(out, (double)NAN);
        dat_end_line(out);
    }
    dat_end_line(out);
}

static void add_points(struct str *out, const struct picture *p)
{
    char *columns = mem_printf("panel\tseries\t%s\t%s\tlo\thi\tshape\tsize",
                               p->panels[0].x.label, p->panels[0].y.label);

    dat_block(out, "points",
              p->n_panels == 1 ? columns
                               : "panel\tseries\tx\ty\tlo\thi\tshape\tsize");
    free(columns);
    for (int i = 0; i < p->n_panels; i++) {
        int found = 0;

        for (int k = 0; k < p->n_points; k++) {
            const struct picture_point *q = &p->points[k];

            if (q->panel != i)
                continue;
            NUMBERS(out, i, q->series, q->x, q->y, q->lo, q->hi,
                    q->star ? 3 : -1, q->star ? 1.6 * q->size : q->size);
            dat_end_line(out);
            found++;
        }
        end_panel(out, found, 8);
    }
}

static void add_lines(struct str *out, const struct picture_line *lines, int n,
                      bool bands)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < lines[i].n; k++) {
            const struct picture_vertex *v = &lines[i].at[k];

            if (bands)
                NUMBERS(out, lines[i].panel, lines[i].series, v->x, v->y,
                        v->hi);
            else
                NUMBERS(out, lines[i].panel, lines[i].series, v->x, v->y,
                        lines[i].look);
            dat_end_line(out);
        }
        dat_end_line(out);
    }
}

static void add_boxes(struct str *out, const struct picture *p)
{
    dat_block(out, "boxes", "panel\tseries\tx\ty\txlo\txhi\tylo\tyhi\tshade");
    for (int i = 0; i < p->n_panels; i++) {
        int found = 0;

        for (int k = 0; k < p->n_boxes; k++) {
            const struct picture_box *b = &p->boxes[k];

            if (b->panel != i)
                continue;
            NUMBERS(out, i, b->series, (b->xlo + b->xhi) / 2,
                    (b->ylo + b->yhi) / 2, b->xlo, b->xhi, b->ylo, b->yhi,
                    b->shade);
            dat_end_line(out);
            found++;
        }
        end_panel(out, found, 9);
    }
}

static void add_marks(struct str *out, const struct picture *p)
{
    dat_block(out, "marks", "panel\tseries\tx\ty\ttext\tshade");
    for (int i = 0; i < p->n_panels; i++) {
        int found = 0;

        for (int k = 0; k < p->n_marks; k++) {
            const struct picture_mark *m = &p->marks[k];
            char *cut = label_cut(m->text, PICTURE_NAME);

            if (m->panel == i) {
                NUMBERS(out, i, m->series, m->x, m->y);
                dat_text(out, cut);
                dat_number(out, m->shade);
                dat_end_line(out);
                found++;
            }
            free(cut);
        }
        end_panel(out, found, 6);
    }
}

static int by_panel(const void *a, const void *b)
{
    const struct picture_line *x = a, *y = b;

    if (x->panel != y->panel)
        return x->panel < y->panel ? -1 : 1;
    return (x->series > y->series) - (x->series < y->series);
}

/* Empty ones go; gnuplot counts the others. */
static void sort_lines(struct picture_line *lines, int *n)
{
    int kept = 0;

    for (int i = 0; i < *n; i++)
        if (lines[i].n)
            lines[kept++] = lines[i];
    *n = kept;
    if (kept > 1)
        qsort(lines, (size_t)kept, sizeof *lines, by_panel);
}

/* Title and subtitle in lines of room characters.  A headline that fits stands
 * above, and the name then before the subtitle, or nowhere when there is no
 * room: axes say it as well. */
static void add_titles(struct str *out, const struct picture *p, size_t room)
{
    const size_t large = room - room / 5; /* larger letters */
    const bool says = *p->headline && label_length(p->headline) <= large;
    char *both =
        mem_printf("%s%s%s", p->title, *p->subtitle ? "; " : "", p->subtitle);
    const bool fits = label_length(both) <= room || !*p->subtitle;

    text_row(out, 0, "title", says ? p->headline : p->title, large);
    text_row(out, 1, "subtitle", says && fits ? both : p->subtitle, room);
    free(both);
}

void picture_data(struct str *out, struct picture *p, const char *name)
{
    struct layout l = { 0 };
    size_t room; /* characters of a line */
    char *head =
        mem_printf("%s: %s\n%s\n%s", name, p->title, p->finding, p->source);

    sort_lines(p->curves, &p->n_curves);
    sort_lines(p->bands, &p->n_bands);
    picture_axes(p);
    picture_thin(p);
    picture_lay_out(&l, p);
    dat_comment(out, head);
    dat_block(out, "texts", "number\twhat\ttext");
    room = (size_t)(TEXT_LENGTH * l.width / 860);
    add_titles(out, p, room);
    text_row(out, 2, "note", p->note, room + 20 * room / TEXT_LENGTH);
    text_row(out, 3, "key", p->key_title, PICTURE_NAME);
    text_row(out, 4, "font", p->paper.font, PICTURE_FONT);
    add_layout(out, p, &l);
    add_panels(out, p);
    add_tics(out, p);
    add_series(out, p, &l);
    if (p->n_points)
        add_points(out, p);
    if (p->n_curves)
        dat_block(out, "curves", "panel\tseries\tx\ty\tlook");
    add_lines(out, p->curves, p->n_curves, false);
    if (p->n_bands)
        dat_block(out, "bands", "panel\tseries\tx\tlo\thi");
    add_lines(out, p->bands, p->n_bands, true);
    if (p->n_boxes)
        add_boxes(out, p);
    if (p->n_marks)
        add_marks(out, p);
    free(head);
    picture_layout_release(&l);
}
