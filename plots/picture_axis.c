/* picture_axis.c - ranges and tics. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plots/picture.h"

static void add_superscript(char *out, size_t size, int n)
{
    static const char *const digit[] = {
        "\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
        "\u2075", "\u2076", "\u2077", "\u2078", "\u2079",
    };
    char text[12];

    snprintf(text, sizeof text, "%d", n);
    for (const char *c = text; *c; c++) {
        const size_t len = strlen(out);

        snprintf(out + len, size - len, "%s",
                 *c == '-' ? "\u207b" : digit[*c - '0']);
    }
}

const char *picture_number(char buf[48], double x)
{
    int e;
    double m;
    char mantissa[16];

    if (x == 0 || (fabs(x) >= 0.99e-3 && fabs(x) < 0.9999e4)) {
        snprintf(buf, 48, "%.4g", x);
        return buf;
    }
    e = (int)floor(log10(fabs(x)) + 1e-9);
    m = x / pow(10, e);
    snprintf(mantissa, sizeof mantissa, "%.3g", m);
    snprintf(buf, 48, strcmp(mantissa, "1") == 0 ? "10" : "%s\u00d710",
             mantissa);
    add_superscript(buf, 48, e);
    return buf;
}

static void number_tic(struct picture_axis *a, double at)
{
    char buf[48];

    if (at >= a->lo && at <= a->hi)
        picture_tic(a, at, picture_number(buf, at));
}

static void clear_tics(struct picture_axis *a)
{
    for (int i = 0; i < a->n_tics; i++)
        free(a->tics[i].text);
    a->n_tics = 0;
}

static int text_length(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80; /* UTF-8 heads */
    return n;
}

/* Characters that the tics take side by side. */
static int tics_length(const struct picture_axis *a)
{
    int n = 0;

    for (int i = 0; i < a->n_tics; i++)
        n += text_length(a->tics[i].text) + 1;
    return n;
}

/* Do two neighbours on a logarithmic axis that is so many characters long run
 * into each other? */
static bool tics_collide(const struct picture_axis *a, int room)
{
    const double scale = room / log(a->hi / a->lo);

    for (int i = 1; i < a->n_tics; i++) {
        const struct picture_tic *t = &a->tics[i];
        const int both = text_length(t[-1].text) + text_length(t->text);

        if (log(t->at / t[-1].at) * scale < 0.5 * both + 1)
            return true;
    }
    return false;
}

/* Tics a round step apart, at most so many. */
static void step_tics(struct picture_axis *a, int most)
{
    const double raw = (a->hi - a->lo) / most;
    const double unit = pow(10, floor(log10(raw)));
    const double step = raw / unit < 1.5   ? unit
                        : raw / unit < 3.5 ? 2 * unit
                        : raw / unit < 7.5 ? 5 * unit
                                           : 10 * unit;

    for (double k = ceil(a->lo / step - 1e-9); k * step <= a->hi; k++)
        number_tic(a, fabs(k) < 0.5 ? 0 : k * step);
}

/* The same, with no more characters than there is room for; two make a scale. */
static void linear_tics(struct picture_axis *a, int most, int room)
{
    step_tics(a, most);
    while (tics_length(a) > room && a->n_tics > 2 && most > 2) {
        clear_tics(a);
        step_tics(a, --most);
    }
}

/* How the multiples of powers of ten that get a tic become fewer. */
static const struct {
    double at[3];
    int n;
} multiples[] = { { { 1, 2, 5 }, 3 }, { { 1, 3 }, 2 }, { { 1 }, 1 } };

static void decade_tics(struct picture_axis *a, int set, int skip)
{
    const int first = (int)floor(log10(a->lo)), last = (int)ceil(log10(a->hi));

    clear_tics(a);
    for (int e = first; e <= last; e++)
        for (int k = 0; k < multiples[set].n && e % skip == 0; k++)
            number_tic(a, multiples[set].at[k] * pow(10, e));
}

/* Within less than a decade tics are nearly evenly spaced at these; false when
 * the axis is too short for two of them. */
static bool narrow_tics(struct picture_axis *a, int most, int room)
{
    static const double sets[3][8] = { { 1, 1.5, 2, 3, 4, 6, 8 },
                                       { 1, 2, 4, 8 },
                                       { 1, 3 } };
    const int first = (int)floor(log10(a->lo));

    for (int set = 0; set < 3; set++) {
        clear_tics(a);
        for (int e = first; e <= first + 1; e++)
            for (int k = 0; k < 8 && sets[set][k] > 0; k++)
                number_tic(a, sets[set][k] * pow(10, e));
        if (a->n_tics <= most && tics_length(a) <= room)
            break;
    }
    if (a->n_tics >= 2)
        return true;
    clear_tics(a);
    return false;
}

/* Powers of ten, with as many multiples between them as there is room for. */
static void log_tics(struct picture_axis *a, int most, int room)
{
    int set = 0, skip = 1;

    if (log10(a->hi / a->lo) < 0.75) {
        if (!narrow_tics(a, most, room))
            linear_tics(a, most > 3 ? most - 1 : most, room);
        return;
    }
    decade_tics(a, set, skip);
    while (a->n_tics > 2 && (a->n_tics > most || tics_collide(a, room))) {
        if (set < 2)
            set++;
        else
            skip++;
        decade_tics(a, set, skip);
    }
}

/* A little room around the marks. */
static void widen(struct picture_axis *a)
{
    if (a->lo > a->hi) { /* nothing is there */
        a->lo = a->log ? 1 : 0;
        a->hi = a->log ? 10 : 1;
    }
    if (a->fixed)
        return;
    if (a->log) {
        const double room =
            a->hi > a->lo * 1.001 ? pow(a->hi / a->lo, 0.06) : 1.5;

        a->lo /= room;
        a->hi *= room;
    } else {
        const double size = a->hi - a->lo;
        const double least = 1e-6 * fmax(fabs(a->lo), fabs(a->hi));
        const double room = size > least ? 0.06 * size
                            : a->hi != 0 ? 0.1 * fabs(a->hi)
                                         : 1;

        a->lo -= room;
        a->hi += room;
    }
}

/* room: characters that fit side by side. */
static void finish(struct picture_axis *a, int most, int room)
{
    widen(a);
    if (a->n_tics)
        return;
    if (a->log)
        log_tics(a, most, room);
    else
        linear_tics(a, most > 3 ? most - 1 : most, room);
}

static void share(struct picture *p, bool y, int first, int n)
{
    double lo = HUGE_VAL, hi = -HUGE_VAL;

    for (int i = first; i < first + n && i < p->n_panels; i++) {
        const struct picture_axis *a = y ? &p->panels[i].y : &p->panels[i].x;

        lo = fmin(lo, a->lo);
        hi = fmax(hi, a->hi);
    }
    for (int i = first; i < first + n && i < p->n_panels; i++) {
        struct picture_axis *a = y ? &p->panels[i].y : &p->panels[i].x;

        a->lo = lo;
        a->hi = hi;
    }
}

#define SCREEN_WIDTH 860
#define SCREEN_POINT 9.6 /* of a letter of 16 units at 120 units an inch */

double picture_width(const struct picture *p)
{
    return p->paper.width_mm > 0 ? p->paper.width_mm / 25.4 * 120 *
                                       (SCREEN_POINT / p->paper.font_pt)
                                 : SCREEN_WIDTH;
}

int picture_columns(const struct picture *p)
{
    const int n = p->n_panels;
    const double width = picture_width(p);
    const int most = width < 520 ? 1 : width < 760 ? 2 : 3;
    const int chosen = n <= 3 ? n : n == 4 ? 2 : 3;

    return p->columns ? p->columns : chosen < most ? chosen : most;
}

void picture_axes(struct picture *p)
{
    if (p->share_x)
        share(p, false, 0, p->n_panels);
    if (p->share_y)
        share(p, true, 0, p->n_panels);
    for (int i = 0; p->share_rows && p->columns && i < p->n_panels;
         i += p->columns)
        share(p, true, i, p->columns);
    for (int i = 0; i < p->n_panels; i++) {
        const bool narrow = picture_columns(p) > 2;

        finish(&p->panels[i].x, narrow ? 3 : 5, narrow ? 15 : 36);
        finish(&p->panels[i].y, 6, INT_MAX);
    }
}

double picture_unit(const struct picture_axis *a, double v)
{
    return a->log ? log(v / a->lo) / log(a->hi / a->lo)
                  : (v - a->lo) / (a->hi - a->lo);
}
