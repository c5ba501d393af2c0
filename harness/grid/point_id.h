/* point_id.h - the identity of a configuration.
 *
 * The first 16 hexadecimal digits of SHA-256 over the canonical JSON of the
 * hashed keys of a resolved configuration (config_identity): sections and keys
 * sorted, no white space, integers as decimal, reals as the shortest decimal
 * that reads back equal, words in lower case, data by content hash.  So order,
 * comments, spelling, paths and machine do not matter; everything that can
 * change a loss does. */
#ifndef HARNESS_GRID_POINT_ID_H
#define HARNESS_GRID_POINT_ID_H

#include "harness/grid/grid.h"
#include "trainer/size.h"

/* Of the point itself, its parent (which is itself where nothing follows
 * training), or its twin. */
void point_id(char id[HASH_ID], const struct config *c, enum identity what);

/* The data seed of a point whose order of the data is its own (data.order). */
uint64_t point_own_order(const char *id, uint64_t seed);

/* The text that is hashed; the caller frees it. */
char *point_canonical(const struct config *c, enum identity what);

/* Identities of many configurations that differ in few keys: the parts of the
 * text that come again are kept.  Same answers as point_id. */
struct point_ids;
struct point_ids *point_ids_new(void);
void point_ids_free(struct point_ids *ids);

/* A number that is equal for configurations that share their beginning
 * (trainer/branch.h), and hardly ever for others. */
uint64_t point_beginning(struct point_ids *ids, const struct config *c);

/* The same as config_size. */
struct model_size point_size(struct point_ids *ids, const struct config *c);
struct point_names {
    char id[HASH_ID], parent[HASH_ID], twin[HASH_ID];
    int operands; /* GEMM operands of fc1 that are quantized in training */
};
void point_ids_of(struct point_names *out, struct point_ids *ids,
                  const struct config *c);

#endif
