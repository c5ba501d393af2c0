/* picture.h - a figure before it is drawn: panels that hold points, curves,
 * bands and boxes of named series.
 *
 * A figure is built by adding marks; picture_finish then finds ranges and
 * tics, places the names of the series, and picture_data writes everything as
 * the blocks that plots/panels.gp reads.  Numbers and texts of a figure exist
 * only here and in its data file, never in a script. */
#ifndef PLOTS_PICTURE_H
#define PLOTS_PICTURE_H

#include <stdbool.h>

#include "base/str.h"

struct picture_tic {
    double at;
    char *text;
};

struct picture_axis {
    char *label;
    bool log;
    bool fixed;               /* the range is given, not found */
    double lo, hi;            /* lo > hi: nothing seen yet */
    struct picture_tic *tics; /* given ones are kept */
    int n_tics;
};

struct picture_panel {
    char *title;
    struct picture_axis x, y;
};

/* How a series looks.  shade in 0 .. 1 makes it a step of a number (viridis),
 * otherwise hue counts the colours; hue -1 is the colour of text. */
struct picture_series {
    char *name;
    int hue, shape, dash;
    double shade; /* -1: not a step */
};

enum picture_look { LOOK_LINE, LOOK_THIN }; /* thin ones are dashed */

struct picture_point {
    int panel, series;
    double x, y, lo, hi; /* interval, or NaN */
    bool star;
    double size;
};

struct picture_vertex { /* of a curve or a band; NaN breaks a curve */
    double x, y, hi;
};

struct picture_line {
    int panel, series;
    enum picture_look look;
    struct picture_vertex *at;
    int n;
};

struct picture_box {
    int panel, series;
    double xlo, xhi, ylo, yhi;
    double shade; /* -1: the colour of the series */
};

struct picture_mark { /* a text in the panel */
    int panel, series;
    double x, y;
    char *text;
    double shade; /* of what is below it, -1: the page */
};

/* On paper: the width in millimetres and the size of its letters in points; 0:
 * a picture for a screen.  font "": the terminal's own. */
#define PICTURE_FONT 40
struct picture_paper {
    double width_mm, font_pt;
    char font[PICTURE_FONT + 1];
};

struct picture {
    char *title, *subtitle, *note;
    char *headline;  /* the finding, for a title; "": the title is the name */
    char *key_title; /* what tells the series apart */
    char *finding;   /* one sentence: what the figure shows */
    char *source;    /* comment of the data file: from where, by which SQL */
    bool share_x, share_y; /* panels have one range */
    bool share_rows;       /* those of a row have one y range */
    bool no_key;
    int columns;   /* 0: chosen */
    double height; /* in pixels, 0: chosen */
    struct picture_paper paper;
    struct picture_panel *panels;
    int n_panels;
    struct picture_series *series;
    int n_series;
    struct picture_point *points;
    int n_points;
    struct picture_line *curves, *bands;
    int n_curves, n_bands;
    struct picture_box *boxes;
    int n_boxes;
    struct picture_mark *marks;
    int n_marks;
};

struct picture *picture_new(const char *title);
void picture_free(struct picture *p);

/* Replace one of the texts: picture_say(&p->note, "..."). */
void picture_say(char **text, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Append to one, with a space between sentences. */
void picture_add(char **text, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Each returns the index of what was added. */
int picture_panel(struct picture *p, const char *title, const char *x_label,
                  bool x_log, const char *y_label, bool y_log);
int picture_series(struct picture *p, const char *name, int hue);

/* A step of a number: the i-th of n. */
int picture_step(struct picture *p, const char *name, int i, int n);

void picture_point(struct picture *p, int panel, int series, double x, double y,
                   double err);
int picture_curve(struct picture *p, int panel, int series,
                  enum picture_look look);
void picture_to(struct picture *p, int curve, double x, double y);
int picture_band(struct picture *p, int panel, int series);
void picture_band_to(struct picture *p, int band, double x, double lo,
                     double hi);
void picture_box(struct picture *p, const struct picture_box *box);
void picture_mark(struct picture *p, int panel, int series, double x, double y,
                  double shade, const char *text);

/* A tic of one's own; the axis then has only such. */
void picture_tic(struct picture_axis *a, double at, const char *text);
void picture_range(struct picture_axis *a, double lo, double hi);

/* Make a panel's y axis logarithmic after marks were added: its range is found
 * once more from what is positive. */
void picture_log_y(struct picture *p, int panel);

/* The data file's text; finishes ranges, tics and names first. */
void picture_data(struct str *out, struct picture *p, const char *name);

/* Nothing to see: no point, curve or box. */
bool picture_is_empty(const struct picture *p);

/* --- axes (picture_axis.c) ------------------------------------------------ */

/* Give every axis its range and tics. */
void picture_axes(struct picture *p);

/* Where a value lies on a finished axis: 0 at its low end, 1 at its high. */
double picture_unit(const struct picture_axis *a, double v);

/* The width in units of layout: a letter of font_pt is 16 of them high. */
double picture_width(const struct picture *p);

/* Panels side by side; fewer on a narrow page. */
int picture_columns(const struct picture *p);

/* A number as an axis shows it: 0.05, 200, 2×10⁴. */
const char *picture_number(char buf[48], double x);

/* --- picture_thin.c ------------------------------------------------------- */

/* Give points that cannot be seen the size 0. */
void picture_thin(struct picture *p);

#endif
