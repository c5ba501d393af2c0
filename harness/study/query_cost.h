/* query_cost.h - what each arm of a grid costs, and which splits of its bits
 * are told from the best, as tables that SQL can ask. */
#ifndef HARNESS_STUDY_QUERY_COST_H
#define HARNESS_STUDY_QUERY_COST_H

#include "db/db.h"

/* Make the temporary table arm_cost of this connection: a row for each arm of
 * the grid, or with NULL of the newest version of each grid, with columns
 * grid, arm, fmt, G (text: a number, row or tensor), cost, lo95, hi95 (NULL:
 * no interval can be had), cells, seeds (text: "3", or "1-3"), error (none,
 * seeds or pattern: cells.h). */
enum status query_cost_fill(struct db *db, const char *grid, struct err *err);

/* Make the temporary table arm_split: a row for each arm of a number of bits
 * that was tried against others (splits.h): grid, bits, G, arm, cost, behind
 * (what it costs more than the best of its set), lo95, hi95, verdict (smallest, worse,
 * or not told apart). */
enum status query_split_fill(struct db *db, const char *grid, struct err *err);

#endif
