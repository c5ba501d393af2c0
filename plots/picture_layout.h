/* picture_layout.h - where things stand in a picture (picture_layout.c and
 * picture_data.c only). */
#ifndef PLOTS_PICTURE_LAYOUT_H
#define PLOTS_PICTURE_LAYOUT_H

#include "plots/picture.h"

#define PICTURE_NAME 26 /* characters; longer names are cut */

/* Where the names of the series stand. */
enum key_mode { KEY_NONE, KEY_BESIDE, KEY_COLUMN };

struct beside { /* a name at the end of a line */
    int panel, series;
    double at; /* height in the panel, 0 .. 1 */
};

struct layout {
    enum key_mode mode;
    int columns, rows;
    double width, height;
    size_t key_length, tic_length;
    struct beside *beside;
    int n_beside;
    int *used; /* series that appear */
};

/* Of a picture whose axes are finished. */
void picture_lay_out(struct layout *l, const struct picture *p);
void picture_layout_release(struct layout *l);

/* The value at a height of an axis: the inverse of picture_unit. */
double picture_value(const struct picture_axis *a, double u);

#endif
