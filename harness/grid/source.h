/* source.h - what the points of a grid are made from.
 *
 * Each block crossed with all axes is a box of cells, numbered from 0: the
 * last of the block's own lists runs fastest, the first axis slowest.  A cell
 * number is all that is needed to make its configuration again, so points need
 * not keep theirs. */
#ifndef HARNESS_GRID_SOURCE_H
#define HARNESS_GRID_SOURCE_H

#include "harness/grid/expr.h"
#include "trainer/data_identity.h"

/* One list that is crossed: an axis, or a line of a block. */
struct cell_dim {
    const struct doc_axis *axis;
    const struct doc_values *line; /* when axis is NULL */
    int n;
    struct config_value **values; /* of its items, NULL: not asked for yet */
};

struct cell_block {
    const char *label; /* "" for the only block of a grid without blocks */
    const struct doc_block *block; /* NULL then */
    struct cell_dim *dims;
    int n_dims;
    uint64_t cells;
    struct config *base; /* with the block's single values */
    double *scratch;
};

/* The content of the data one data.path (with its prefix and context length)
 * names. */
struct data_seen {
    struct config *config; /* as it was read, its hashes filled in */
    char *kind_asked;      /* data.kind before that */
    struct data_facts facts;
};

struct grid_source {
    struct doc *doc;
    struct names *names;
    struct formula *derives; /* in an order that respects dependencies */
    int n_derives;
    struct formula *filters;
    int n_filters;
    struct formula *choices; /* --only and --skip */
    int n_choices;
    struct formula count; /* [seeds] count */
    struct doc_rule count_rule;
    struct cell_block *blocks;
    int n_blocks;
    uint64_t cells; /* of all blocks */
    struct config *base;
    char *folder; /* the working folder */
    struct data_seen *data;
    int n_data;
};

/* Blocks and cells of a document, which is taken over also on failure. */
enum status source_new(struct grid_source **out, struct doc *d,
                       struct err *err);
void source_free(struct grid_source *s);

/* "model.d_model = 64, quant.w = int4": where a cell lies; caller frees. */
char *source_describe(const struct grid_source *s, int block, uint64_t cell);

/* The n-th dimension's value of a cell. */
int cell_index(const struct cell_block *b, uint64_t cell, int dim);

/* A configuration with scratch numbers; released by made_release. */
struct made {
    struct config *config;
    double *scratch;
    struct point_view view;
    bool chosen;        /* by --only and --skip */
    double data_tokens; /* there are to train on; 0: not known */
};
void made_release(struct made *m);

/* Values of the cell, nothing derived. */
enum status source_assign(struct made *m, const struct grid_source *s,
                          int block, uint64_t cell, struct err *err);

/* The whole point.  *removed_by: the filter that left it out, or -1 and m is
 * resolved. */
enum status source_make(struct made *m, int *removed_by, struct grid_source *s,
                        int block, uint64_t cell, struct err *err);

#endif
