/* eta.h - how long runs take, learnt from those that are finished.
 *
 * A run's wall time is close to a f + b s for its FLOPs f and its optimizer
 * steps s: small models spend their time between the products.  a and b >= 0
 * minimize the squared relative errors of the finished runs. */
#ifndef HARNESS_ETA_H
#define HARNESS_ETA_H

struct eta {
    int n;
    double ff, fs, ss, f, s; /* sums over runs, each divided by wall time */
};

void eta_add(struct eta *e, double flops, double steps, double wall_s);

/* Expected seconds of one slot; NaN before anything is known. */
double eta_seconds(const struct eta *e, double flops, double steps);

#endif
