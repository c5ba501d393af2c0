/* grid_expand.h - all cells of a source as the points of a grid. */
#ifndef HARNESS_GRID_EXPAND_H
#define HARNESS_GRID_EXPAND_H

#include "harness/grid_source.h"

/* Fill points, blocks, filters, duplicates and notes of g from its source:
 * make every cell, drop what filters leave out, join duplicates, add
 * unquantized twins, give seeds, put in order. */
enum status grid_expand(struct grid *g, struct err *err);

/* Cells a grid may have without saying [budget] max_runs. */
#define GRID_FREE_CELLS 100000

#endif
