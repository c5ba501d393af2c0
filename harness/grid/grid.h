/* grid.h - a grid file, read, expanded and identified.
 *
 * The language is docs/grid.md; this is what comes out of it: the set of
 * points, each a complete resolved configuration with an identity, and how
 * they came about.  All errors are found here, before any run exists; each
 * names file, line and key.
 *
 * From text to points:
 *
 *   ini.h           lines, sections, places
 *   value.h         lists, tuples, generators
 *   grid/keys.h     which keys there are
 *   grid/doc.h      the merged document: grid/read.c and grid/args.c fill it,
 *                   grid/merge.c has the rules, grid/text.c prints it
 *   grid/expr.h     names in formulas
 *   grid/source.h   grid/cells.c numbers the cells of blocks x axes,
 *                   grid/point.c makes one: derived keys, filters, resolved
 *   grid/expand.h   all cells: identity (point_id.h), twins, seeds, order */
#ifndef HARNESS_GRID_GRID_H
#define HARNESS_GRID_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "trainer/size.h"

/* Grids with more points than this keep no configurations (3 kB each):
 * grid_config makes one again from its cell. */
#define GRID_KEPT_CONFIGS 50000

struct grid_point {
    struct config *config; /* resolved, owned by the grid; or NULL, see above */
    char id[HASH_ID];      /* SHA-256 of the canonical identity, cut */
    char parent[HASH_ID];  /* the same without post.* */
    char twin[HASH_ID];    /* and without quant.* */
    bool is_base;          /* id == twin: the unquantized twin itself */
    bool is_post;          /* id != parent: something follows its training */
    bool added;            /* a twin or a parent that no cell gives */
    enum identity added_as; /* then which of the two */
    bool chosen;            /* by --only and --skip: it may be started */
    bool own_order;         /* data.order = point */
    unsigned char operands; /* GEMM operands of a layer that are quantized */
    const char *block;      /* label, "" outside blocks */
    int ordinal;            /* place in the grid's order, from 0 */
    int priority;
    int n_seeds;
    int source_block;      /* the cell it comes from (grid/source.h); of an */
    uint64_t source_cell;  /* added one, that of a point it was added for */
    const uint64_t *seeds; /* owned by the grid, shared by points */
    struct model_size size;
    double data_tokens;  /* there are to train on; 0: not known */
    int64_t branch_step; /* steps shared with longer runs (trunk.h); 0: none */
    uint64_t beginning;  /* equal for points that share them */
};

struct grid_filter {
    const char *text, *file;
    int line; /* 0: from the command line */
    bool keep;
    int64_t removed; /* cells */
};

struct grid_axis {
    const char *label; /* "size", "train.tokens" */
    int n;
    char *values; /* one line for `plan` */
};

struct grid_block {
    const char *label; /* "" outside blocks, "baseline" for added twins,
                          "parents" for other parents that are added */
    int64_t cells;     /* before filters */
    int points, runs;  /* that this block was the first to give */
    int duplicates;    /* cells that gave a point already there */
    char *values;      /* what the block itself sets, one line */
};

struct grid {
    char *name, *description;
    char *path;
    char *text;            /* merged text, includes and -s applied */
    char sha256[HASH_HEX]; /* of text */
    struct config *base;   /* for run.* keys */
    char *law;             /* [grid] law, or NULL */
    struct grid_point *points;
    int n_points, n_runs;
    int n_chosen; /* runs of points that are chosen */
    char *choice; /* "--only 'N < 1M'", or NULL: all are */
    struct grid_axis *axes;
    int n_axes;
    struct grid_block *blocks;
    int n_blocks;
    struct grid_filter *filters;
    int n_filters;
    int duplicates; /* points that blocks produced twice */
    char **notes;   /* warnings, one sentence each */
    int n_notes;
    struct grid_seeds {
        uint64_t *list;
        int n;
    } * seed_lists;
    int n_seed_lists;
    int kept_configs;
    struct grid_source *source; /* what points are made from */
};

struct grid_options {
    const char *const *overlays; /* -i FILE: more grid files, later wins */
    int n_overlays;
    const char *const *profiles; /* --profile LABEL */
    int n_profiles;
    const char *const *sets; /* "-s" texts: key=value, key+=v, !key */
    int n_sets;
    const char *only, *skip; /* expressions or NULL: which points may be
                                started; the grid keeps the others */
    int kept_configs;        /* in place of GRID_KEPT_CONFIGS when not 0 */
};

/* Read and expand path; options may be NULL.  Data files named by data.path
 * are looked for and hashed (data.sha256), which may take a moment for large
 * corpora. */
enum status grid_load(struct grid **out, const char *path,
                      const struct grid_options *options, struct err *err);
void grid_free(struct grid *g);

/* The configuration of a point, as a new object of the caller's. */
struct config *grid_config(const struct grid *g, int point);

/* The data seed that goes with a seed of a point: the seed itself when arms
 * are paired, else a number of its own for each point. */
uint64_t grid_data_seed(const struct grid_point *p, uint64_t seed);

#endif
