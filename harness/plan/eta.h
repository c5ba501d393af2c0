/* eta.h - how long runs take, learnt from those that are finished.
 *
 * The time a run trains is close to a f + b s for its FLOPs f and its optimizer
 * steps s: small models spend their time between the products.  a and b >= 0
 * minimize the squared relative errors of the finished runs.  Before it trains
 * a run starts up (a process, its text), and after it ends it is put on record:
 * what its slot was taken for beside, the mean of the finished runs. */
#ifndef HARNESS_PLAN_ETA_H
#define HARNESS_PLAN_ETA_H

struct eta {
    int n;
    double ff, fs, ss, f, s; /* sums over runs, each divided by wall time */
    int n_starts;
    double start_s; /* sum over them */
};

/* A run that trained for wall_s. */
void eta_add(struct eta *e, double flops, double steps, double wall_s);

/* A run that held its slot for so much longer than it trained. */
void eta_add_start(struct eta *e, double start_s);

/* Expected seconds of one slot for runs runs that make so many FLOPs and steps
 * together; NaN before anything is known. */
double eta_seconds(const struct eta *e, double flops, double steps, int runs);

#endif
