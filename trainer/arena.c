#include "trainer/arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *arena_cut(struct arena *a, size_t bytes)
{
    void *p = a->base ? a->base + a->used : NULL;

    a->used += (bytes + 63) / 64 * 64;
    return p;
}

real *arena_reals(struct arena *a, size_t rows, size_t cols)
{
    return arena_cut(a, rows * cols * sizeof(real));
}

/* Large pages where the kernel gives them: products walk down columns, and
 * each step of a small page would cost a translation. */
void *arena_alloc(size_t bytes)
{
    const size_t page = (size_t)2 << 20;
    const size_t whole = (bytes + page - 1) / page * page;
    void *p = aligned_alloc(page, whole);

    if (!p)
        return NULL;
    madvise(p, whole, MADV_HUGEPAGE);
    return memset(p, 0, bytes);
}
