/* bundle.h - what a node needs to know, in a file.
 *
 * Compute nodes never open the database.  Submitting writes, for each job
 * array,
 *
 *   runs/bundles/ID.jsonl   what to run: a header, then a line a task
 *   runs/bundles/ID.sh      the script that sbatch gets
 *   runs/bundles/ID.job     what sbatch gave: "88120;alpha", number and cluster
 *   runs/slurm/ID_TASK.out  what the workers say
 *
 * ID is eight random hexadecimal digits.  The header:
 *
 *   {"schema":"qlaw/bundle/1","id":"1a2b3c4d","grid":"fp-split",
 *    "store":"...","limit_s":8400,"slots":1,"threads":1,"grace_s":10,
 *    "timeout_s":0,"retries":2,"settings":{...}}
 *
 * settings holds the run, slurm and trainer keys of the grid, so that later
 * submissions can repeat them.  A task is a list of runs:
 *
 *   [{"point":"...","seed":1,"data_seed":1,"attempt":1,"token":"...",
 *     "steps":100,"tokens":6400,"est_s":20,"failures":0,"best_step":0,
 *     "settings":{...}},...]
 *
 * token is drawn when the run is claimed for the task.  A worker appends to
 *
 *   runs/HASH-SEED/claim-TOKEN.jsonl
 *
 * (16 digits of it) in the form of record.h, and looks for
 * runs/HASH-SEED/cancel-TOKEN, which says that the run is not wanted any
 * more.  Collecting moves the records to metrics.jsonl. */
#ifndef HARNESS_PROTO_BUNDLE_H
#define HARNESS_PROTO_BUNDLE_H

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "harness/proto/record.h"

#define BUNDLE_ID    9
#define BUNDLE_TOKEN 16 /* digits of a token in names of files */

struct bundle_header {
    char id[BUNDLE_ID], grid[64], store[RECORD_TOKEN];
    double limit_s, grace_s, timeout_s;
    int slots, threads, retries;
    json_t *settings; /* owned */
};

struct bundle_run {
    char point[HASH_ID], token[RECORD_TOKEN];
    uint64_t seed, data_seed;
    int attempt, failures;
    double steps, tokens, est_s, best_step;
    json_t *settings; /* borrowed from the task, or of the writer */
};

void bundle_draw_id(char id[BUNDLE_ID]);

/* Text of the header's line and of one run, without a newline. */
void bundle_add_header(struct str *out, const struct bundle_header *h);
void bundle_add_run(struct str *out, const struct bundle_run *r,
                    const char *settings);

/* The header and, unless task is -1, the runs of a task.  *task_json owns what
 * the runs borrow.  ERR_CONFIG when the file is not a bundle or has no such
 * task. */
enum status bundle_read(struct bundle_header *h, struct bundle_run **runs,
                        int *n, json_t **task_json, const char *path, int task,
                        struct err *err);
void bundle_header_release(struct bundle_header *h);

/* The database that gave out a bundle in root, "" when there is none. */
void bundle_store(char store[RECORD_TOKEN], const char *root);

/* Paths; the caller frees them. */
char *bundle_path(const char *root, const char *id, const char *suffix);
char *bundle_folder(const char *root, const struct bundle_run *r);
char *bundle_claim(const char *folder, const char *token);
char *bundle_cancel(const char *folder, const char *token);

#endif
