/* point.h - a row of table point, and of the data set that it is trained on.
 *
 * A new column is a row of point.def, a line of schema.sql and an upgrade. */
#ifndef DB_POINT_H
#define DB_POINT_H

#include <math.h>

#include "db/db.h"

/* Its texts are the caller's. */
struct db_point {
    const char *point_id;
    int64_t dataset_id;
#define POINT_TEXT                const char *
#define POINT_INT                 int64_t
#define POINT_REAL                double
#define COLUMN(type, name, unset) POINT_##type name;
#include "db/point.def"
#undef COLUMN
#undef POINT_TEXT
#undef POINT_INT
#undef POINT_REAL
};

/* Every column at its default; fmt, config, twin_id and flops_plan have none and
 * must be set. */
struct db_point db_point_default(void);

/* Put it unless one of its identity is there; *added, unless NULL, says which. */
enum status db_point_put(bool *added, struct db *db, const struct db_point *p,
                         struct err *err);

/* Make the data set unless it is there, and get its number. */
enum status db_dataset_put(int64_t *dataset_id, struct db *db, const char *name,
                           const char *sha256, const char *tokenizer,
                           int64_t vocab, struct err *err);

/* For a merge: the INSERT that takes from schema src the points that are not
 * there, their data sets found by name, sum and tokenizer. */
extern const char db_point_merge[];

#endif
