/* point.h - the columns of the table point, from a configuration. */
#ifndef HARNESS_STORE_POINT_H
#define HARNESS_STORE_POINT_H

#include "db/db.h"
#include "harness/grid/arm.h"
#include "harness/grid/gmse.h"
#include "harness/grid/grid.h"
#include "trainer/size.h"

struct point_columns {
    char id[HASH_ID], twin[HASH_ID];
    const struct config *config;
    char *identity;        /* canonical JSON of the hashed keys */
    char *settings;        /* JSON of every key that is not at its default */
    char *arm, *plain_arm; /* with and without names of presets */
    struct arm quant;
    struct model_size size;
    double gmse; /* NaN when nothing is quantized */
};

/* config must be resolved and outlive the columns; known carries errors of
 * formats from point to point. */
void point_columns_of(struct point_columns *p, const struct config *config,
                      struct gmse *known);
void point_columns_release(struct point_columns *p);

/* Put the point and its data set; what is there must be the same. */
enum status point_columns_put(const struct point_columns *p, struct db *db,
                              struct err *err);

/* Keys that differ from their defaults, as config_from_json reads them. */
char *point_settings(const struct config *c);

#endif
