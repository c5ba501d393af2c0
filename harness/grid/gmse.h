/* gmse.h - mean squared errors of element formats on N(0,1), each computed
 * once: one takes about 25 ms, and a grid asks for the same few again and
 * again. */
#ifndef HARNESS_GRID_GMSE_H
#define HARNESS_GRID_GMSE_H

#include "kernels/num.h"

#define GMSE_KEPT 64

/* Starts empty as { 0 }. */
struct gmse {
    struct num_format format[GMSE_KEPT];
    double value[GMSE_KEPT];
    int n;
};

double gmse_of(struct gmse *known, const struct num_format *elem);

#endif
