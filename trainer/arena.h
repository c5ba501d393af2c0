/* arena.h - one block of memory that pieces are cut off in order.
 *
 * With no base only the size is counted, so that one function both measures and
 * lays out. */
#ifndef TRAINER_ARENA_H
#define TRAINER_ARENA_H

#include <stddef.h>

#include "kernels/real.h"

struct arena {
    unsigned char *base; /* NULL: counting */
    size_t used;         /* bytes */
};

/* The next bytes, at a multiple of 64; NULL while counting. */
void *arena_cut(struct arena *a, size_t bytes);
real *arena_reals(struct arena *a, size_t rows, size_t cols);

/* Memory of zeros for one of so many bytes, which free releases; NULL: none. */
void *arena_alloc(size_t bytes);

#endif
