/* request.h - what `fit`, `predict` and `design` are asked for: a table
 * (from a file or the database) and a fit of it. */
#ifndef HARNESS_STUDY_REQUEST_H
#define HARNESS_STUDY_REQUEST_H

#include "db/db.h"
#include "fit/fit.h"
#include "fit/holdout.h"
#include "harness/grid/grid.h"
#include "harness/os/session.h"
#include "harness/study/options.h"

struct fit_request {
    struct fit_options options; /* spec points into it */
    struct fit_spec spec;
    struct table *table;
    char *source; /* for people: "x.csv", "grid 'x' of qlaw.db" */
    bool from_db;
    bool paired; /* differences from the twins, asked for or the law's */
};

/* Read the table that the options name and the law that they ask for.  The
 * options become the request's: o is empty afterwards. */
enum status fit_request_read(struct fit_request *rq, struct fit_options *o,
                             const struct session *session, struct err *err);
void fit_request_release(struct fit_request *rq);

/* Which parameters count as N: body, unless --n-def said otherwise. */
const char *fit_request_n_def(const struct fit_request *rq);

/* The same as SQL over a point p; NULL: there is no such name. */
const char *fit_n_sql(const char *n_def);

/* For SQL, the unquantized twins of the points of the grid :grid. */
#define FIT_TWINS_SQL                                                          \
    "SELECT b.point_id FROM grid_point gp JOIN point q USING(point_id) "       \
    "JOIN point b ON b.twin_id = q.twin_id AND b.is_base = 1 "                 \
    "WHERE gp.grid_id = :grid"

/* The space, the loss, starts, bounds, fixed and grouped parameters that the
 * options name, into a spec that has its law. */
enum status fit_request_spec(struct fit_spec *s, const struct fit_options *o,
                             struct err *err);

/* Fit what was read; *m is the caller's to free, f to release after OK. */
enum status fit_request_fit(struct fit *f, struct model **m,
                            const struct fit_request *rq, struct err *err);

/* ERR_FIT when what rests on this fit should not be relied on. */
enum status fit_request_sound(const struct fit *f, struct err *err);

/* A table of runs that might be made, with the names and columns that --map and
 * --derive give. */
enum status fit_request_candidates(struct table **out, const char *path,
                                   const struct texts *map,
                                   const struct texts *derive,
                                   const struct session *session,
                                   struct err *err);

/* Rows of the database as a table (study/input.c): columns run_id, point_id,
 * seed, N, D, G, B, E, M, P, fmt, loss and others of the view `runs`, or with
 * paired set delta of the view `deltas`, of a post-training run its own.  An
 * unquantized twin has G = B = 1. */
enum status fit_input_runs(struct table **out, struct fit_request *rq,
                           const char *db_path, struct err *err);

/* The chosen runs of a grid that has not been run, with the same columns but
 * loss (study/planned.c); gmse, which takes time to compute, only when asked for.
 */
struct table *fit_planned_runs(const struct grid *g, bool gmse);

/* Where one element format stands for several ways to use it (column quant),
 * call the format by both. */
void fit_input_formats(struct table *t);

/* Rows of one twin and seed are a cluster of a fit of differences, unless the
 * request says otherwise. */
void fit_input_cluster(struct fit_request *rq);

/* Warn of rows that the law cannot tell apart although their arms differ: one
 * constant covers them. */
void fit_input_judge(struct fit *f, const struct fit_request *rq,
                     const char *db_path);

/* Keep only the rows whose number is in the list, sorted. */
void fit_input_keep(struct fit_request *rq, const int64_t *number, int n);

/* The request of a stored fit, with exactly the rows it was made from, or with
 * those that it selects today. */
enum status fit_request_stored(struct fit_request *rq, const char *db_path,
                               int64_t id, struct err *err);
enum status fit_request_repeat(struct fit_request *rq, const char *db_path,
                               int64_t id, struct err *err);

/* The runs that a stored fit was made from, sorted; with held those it was
 * tried on, too.  The caller frees *numbers. */
enum status fit_stored_rows(int64_t **numbers, int *n, struct db *db,
                            int64_t id, bool held, struct err *err);

/* The rows that a stored fit was made from beside those that its request
 * selects now (study/rows.c).  same: they are the same ones. */
struct fit_rows {
    size_t then, now;
    bool same;
};

/* ERR_FIT and others where that cannot be told: the fit came from a file, or
 * its request cannot be made again. */
enum status fit_rows_compare(struct fit_rows *out, const char *db_path,
                             int64_t id, struct err *err);

/* The law that a grid names for itself in [grid] law; chinchilla where none of
 * its quantized points has a group, as in imported studies of sizes; or NULL.
 * The caller frees it. */
char *fit_input_law(const char *db_path, const char *grid);

/* Whether a grid can identify a law, before its first run (study/identify.c): lines
 * for `plan`, from the law's published constants, or the middle of its range,
 * and an assumed noise of the loss.  law NULL: the grid's own, else
 * qat-delta.  A grid without runs for the law is no error: the lines say so. */
enum status fit_plan_verdict(struct str *out, bool *identifiable,
                             const struct grid *g, const char *law,
                             double noise, struct err *err);

/* Write the fit into the database; *id is its fit_id.  held may be NULL. */
enum status fit_store(int64_t *id, const struct fit_request *rq,
                      const struct fit *f, const struct holdout *held,
                      const char *db_path, struct err *err);

#endif
