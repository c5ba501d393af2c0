/* status_json.h - how grids go on, for programs: one object in one line.
 *
 *   {"schema":"qlaw/status/1","at":"...",
 *    "grids":[{"grid","runs","done","running","waiting","diverged","failed",
 *              "left_out","pct_flops"}],
 *    "running":[{"run","run_id","arm","N","D","pct","loss"}],
 *    "causes":[{"state","message","runs","run_id"}],
 *    "scheduler_pid":N}
 *
 * The first 16 running runs and the 8 commonest causes; loss is null before the
 * first one; scheduler_pid is there while a scheduler holds the database;
 * run_id of a cause is one of its runs. */
#ifndef HARNESS_STORE_STATUS_JSON_H
#define HARNESS_STORE_STATUS_JSON_H

#include "base/str.h"
#include "db/db.h"

/* Of one grid, or of all with NULL; *found counts them. */
enum status status_json(struct str *out, int *found, struct db *db,
                        const char *grid, struct err *err);

#endif
