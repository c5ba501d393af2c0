/* grid.h - a grid file, read, expanded and identified.
 *
 * The language is docs/grid.md; this is what comes out of it: the set of
 * points, each a complete resolved configuration with an identity, and how
 * they came about.  All errors are found here, before any run exists; each
 * names file, line and key. */
#ifndef HARNESS_GRID_H
#define HARNESS_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "trainer/config.h"

#define POINT_ID 17 /* 16 hexadecimal digits and the terminator */

struct grid_point {
    struct config *config; /* resolved, owned by the grid */
    char id[POINT_ID];     /* SHA-256 of the canonical identity, cut */
    char twin[POINT_ID];   /* the same without quant.* */
    bool is_base;          /* id == twin: the unquantized twin itself */
    const char *block;     /* label, "" outside blocks */
    int ordinal;           /* place in the grid's order, from 0 */
    int priority;
    int n_seeds;
    uint64_t *seeds;
    struct model_size size;
};

struct grid_filter {
    const char *text, *file;
    int line;
    bool keep;
    int removed;
};

struct grid_axis {
    const char *label; /* "size", "train.tokens" */
    int n;
    char *values; /* one line for `plan` */
};

struct grid {
    char *name, *description;
    char *path;
    char *text;                 /* merged text, includes and -s applied */
    char sha256[HASH_HEX];      /* of text */
    struct config *base;        /* for run.* keys */
    char *law;                  /* [grid] law: which law plan and quickstart fit */
    struct grid_point *points;
    int n_points, n_runs;
    struct grid_axis *axes;
    int n_axes;
    struct grid_filter *filters;
    int n_filters;
    int duplicates;             /* points that blocks produced twice */
    char **notes;               /* warnings, one sentence each */
    int n_notes;
};

struct grid_options {
    const char *const *sets; /* "-s" texts: key=value, key+=v, !key */
    int n_sets;
    const char *only, *skip; /* expressions or NULL */
};

/* Read and expand path.  Data files named by data.path are looked for and
 * hashed (data.sha256), which may take a moment for large corpora. */
enum status grid_load(struct grid **out, const char *path,
                      const struct grid_options *options, struct err *err);
void grid_free(struct grid *g);

#endif
