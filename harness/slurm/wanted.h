/* wanted.h - the runs that a submission is about (between the slurm_*.c
 * files). */
#ifndef HARNESS_SLURM_WANTED_H
#define HARNESS_SLURM_WANTED_H

#include "db/db.h"
#include "harness/proto/bundle.h"

struct wanted {
    int64_t run_id;
    struct bundle_run run; /* with a token of its own */
    char *settings;        /* of its point, JSON */
    double flops;
};

struct wanted_list {
    struct wanted *list;
    int n;
};

void wanted_release(struct wanted_list *w);

/* A run by number, unless Slurm holds it already; est_s: how long it may take, 0: nobody knows. */
enum status wanted_add(struct wanted_list *w, struct db *db, int64_t run_id,
                       double est_s, struct err *err);

/* One that no database has yet. */
void wanted_add_planned(struct wanted_list *w, double est_s);

/* Keep the first n. */
void wanted_cut(struct wanted_list *w, int n);

/* Keep n of different lengths, from the shortest to the middle one: enough to
 * learn a speed from, and soon done. */
void wanted_spread(struct wanted_list *w, int n);

/* The settings of the run's point, how it is made as `how` says; the caller
 * frees them. */
char *wanted_settings(const struct wanted *w, const json_t *how);

/* The header of the last bundle of the run's grid. */
enum status wanted_last_bundle(struct bundle_header *out, struct db *db,
                               int64_t run_id, struct err *err);

#endif
