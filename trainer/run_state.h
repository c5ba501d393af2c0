/* run_state.h - what a run is while it trains (between the run*.c files).
 *
 * run.c sets up, trains and reports; run_save.c keeps: checkpoints, resuming,
 * and what a trunk leaves for its branches (branch.h). */
#ifndef TRAINER_RUN_STATE_H
#define TRAINER_RUN_STATE_H

#include "trainer/branch.h"
#include "trainer/data.h"
#include "trainer/model.h"
#include "trainer/optimizer.h"
#include "trainer/run.h"
#include "trainer/schedule.h"
#include "trainer/stop.h"

/* What a checkpoint holds beside the tensors. */
struct progress {
    double loss_sum; /* of the steps since the last curve point */
    double loss_count;
    double train_loss; /* of the last point */
    double best_loss;
    double wall_s; /* in earlier attempts */
};

/* A run that this one, its trunk, leaves a checkpoint for. */
struct leaving {
    unsigned char id[32];
    int64_t step, log_every; /* step 0: it is no branch of this run */
};

struct run {
    const struct config *config;
    const struct run_io *io;
    struct run_result *result;
    uint64_t seed, data_seed;
    struct data *data;
    struct model *model;
    struct schedule schedule;
    struct optimizer optimizer;
    unsigned char id[32];
    int64_t step, steps, log_every, val_every;
    int *tokens, *targets;
    struct progress progress;
    struct curve curve;
    struct leaving *leaving;   /* one for each of io->branches */
    struct branch_note *notes; /* of all steps so far; NULL: no branches */
    double started_s, saved_s; /* monotonic */
    int lock;                  /* of the folder of checkpoints, -1: none */
    double loss_limit;
    struct stop_rules rules;
    struct stop_state stop;
};

/* Seconds of training, earlier attempts included. */
double run_wall_s(const struct run *r);

/* Steps between points of a curve; the key 0: about so many points. */
int64_t run_interval(const struct config *c, const char *key, int64_t points);

/* The identity that checkpoints carry. */
void run_identify(unsigned char id[32], const struct config *c, uint64_t seed,
                  uint64_t data_seed, const char *data);

/* --- run_save.c --------------------------------------------------------- */

/* Save the state where io says; nothing without a folder. */
enum status run_save(struct run *r, struct err *err);

/* Two processes that write into one folder would each undo the other's work:
 * ERR_IO when another holds it.  The lock, a descriptor, goes with its holder,
 * however that ends.  A file system without locks is left to the scheduler's
 * care. */
enum status run_lock_folder(int *lock, const char *dir, struct err *err);

/* Continue from the newest checkpoint and repeat the curve so far. */
enum status run_resume(struct run *r, struct err *err);

/* Learn what io's branches need; then, after each step, leave it to those that
 * part here.  A branch that cannot be served trains alone. */
void run_open_branches(struct run *r);
void run_serve_branches(const struct run *r);

#endif
