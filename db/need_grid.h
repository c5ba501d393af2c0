/* need_grid.h - the grid that a person names. */
#ifndef DB_NEED_GRID_H
#define DB_NEED_GRID_H

#include "db/db.h"

/* The newest grid of that name.  ERR_USAGE when there is none, with the
 * nearest name; grid_id may be NULL. */
enum status db_need_grid(int64_t *grid_id, struct db *db, const char *name,
                         struct err *err);

/* The same; 0: there is none. */
enum status db_find_grid(int64_t *grid_id, struct db *db, const char *name,
                         struct err *err);

enum status db_has_grid(bool *there, struct db *db, const char *name,
                        struct err *err);

/* The sentence for a name that no grid has. */
enum status db_no_grid(struct db *db, const char *name, struct err *err);

/* The names of all grids in order; the caller frees the texts and the list. */
enum status db_grid_names(char ***out, int *n, struct db *db, struct err *err);

#endif
