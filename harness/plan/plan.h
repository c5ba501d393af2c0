/* plan.h - what a grid costs, before anything runs.
 *
 * FLOPs come from the configurations, seconds from steps of the grid's own
 * models, trained for a moment with as many processes as there will be slots;
 * when runs of the grid are finished, their measured times correct the
 * estimate. */
#ifndef HARNESS_PLAN_PLAN_H
#define HARNESS_PLAN_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "harness/grid/grid.h"

/* What the database knows of a run; the words of its state column. */
enum plan_state {
    PLAN_NEW,  /* not in the database */
    PLAN_OPEN, /* there, not finished: pending, paused, failed, ... */
    PLAN_DONE,
    PLAN_DIVERGED /* a result too: not run again */
};

/* The speed of one slot. */
struct plan_speed {
    double flops_s;    /* over the whole grid */
    double correction; /* measured / estimated seconds of finished runs */
    int n_finished;    /* runs behind the correction */
    bool measured;     /* false: given by the caller */
    bool unknown;      /* only finished runs tell; without any, times are 0 */
    double took_s;     /* how long the measuring took */
};

/* One run of the grid. */
struct plan_run {
    int point;
    enum plan_state state;
    uint64_t seed;
    int trunk; /* the run still to do that has its beginning (trunk.h), or -1 */
};

struct plan {
    const struct grid *grid;
    struct plan_run *runs; /* in the grid's order: point by point, by seed */
    int n_runs, n_new, n_open, n_done, n_diverged;
    int n_left;      /* new and open ones that are chosen: those still to do */
    double *point_s; /* estimated seconds of one run of a point */
    int slots, threads;
    struct plan_speed speed;
    double flops, flops_left; /* of all runs; of those still to do */
    double flops_shared;      /* that trunks save; not in flops_left */
    int n_branches; /* runs that begin with another one's checkpoint */
    double wall_s, wall_left_s; /* on these slots, longest queue counted */
    double slot_s_left;         /* sum over runs still to do */
    int longest;          /* index of the longest run still to do, or -1 */
    int64_t memory_bytes; /* of the runs that may stand side by side */
    int64_t disk_bytes;
    bool has_db;
    int allowed; /* runs still to do that the budget allows */
    char *over;  /* what exceeds the budget, a sentence; NULL: nothing */
};

struct plan_options {
    const char *db_path; /* NULL or a file that may be absent */
    int slots;           /* 0: [run] slots, or the cores allowed here */
    double flops_s;      /* 0: measure */
    const char *isa_cap; /* QLAW_ISA or NULL */
};

/* Neither done nor diverged, and chosen by --only and --skip. */
bool plan_to_do(const struct plan *p, int run);

/* Seconds of one run, without what it shares with its trunk. */
double plan_run_s(const struct plan *p, int run);

enum status plan_make(struct plan **out, const struct grid *g,
                      const struct plan_options *options, struct err *err);
void plan_free(struct plan *p);

/* How many of the runs still to do [budget] allows: INT_MAX without a limit,
 * the first that fit with on_exceed = truncate, else ERR_REFUSED with a
 * sentence.  The speed is only measured when max_wall is set. */
enum status plan_budget(int *allowed, const struct grid *g,
                        const struct plan_options *options, struct err *err);

/* Cores this process may run on, divided by the threads of a run. */
int plan_default_slots(const struct grid *g);

/* --- between plan.c, plan/speed.c and plan/db.c -------------------------- */

/* Fill point_s and speed by training the grid's models for a moment. */
enum status plan_measure(struct plan *p, const char *isa_cap, struct err *err);

/* Fill states and, from finished runs, speed.correction. */
enum status plan_read_db(struct plan *p, const char *path, struct err *err);

#endif
