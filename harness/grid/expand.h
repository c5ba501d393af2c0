/* expand.h - all cells of a source as the points of a grid. */
#ifndef HARNESS_GRID_EXPAND_H
#define HARNESS_GRID_EXPAND_H

#include "harness/grid/source.h"

/* Fill points, blocks, filters, duplicates and notes of g from its source:
 * make every cell, drop what filters leave out, join duplicates, add
 * unquantized twins, give seeds, put in order. */
enum status grid_expand(struct grid *g, struct err *err);

/* Cells or runs a grid may have without saying [budget] max_runs. */
#define GRID_FREE_CELLS 100000

/* The seeds of a point: the list, or numbers from first; repeat of its block
 * (0: none) stands for [seeds] count.  Lists are owned by g. */
enum status grid_give_seeds(struct grid *g, struct grid_point *p,
                            struct made *m, int repeat, struct err *err);

/* Add the seeds of from that p does not have. */
void grid_join_seeds(struct grid *g, struct grid_point *p,
                     const struct grid_point *from);

/* Sort by priority, then as [order] says, and number the points. */
void grid_put_in_order(struct grid *g);

#endif
