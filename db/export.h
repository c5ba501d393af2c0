/* export.h - finished runs as a folder of CSV files, to publish them and to
 * carry them to another machine.
 *
 * A folder holds one file a table, restricted to what one grid needs: grid
 * (with its text), point (configurations), run, result, curve, metric, attempt,
 * env and dataset; the long ones are compressed (.csv.gz).  losses.csv.gz is
 * the view `runs` with the differences from the twins, for people; it is not
 * read back.  Numbers read back equal;
 * an empty cell is NULL, "" the empty text.  SHA256SUMS is what sha256sum
 * writes, and an import checks it. */
#ifndef DB_EXPORT_H
#define DB_EXPORT_H

#include "db/admin.h"

struct db_export {
    int64_t points, runs, results, curve_rows;
};

/* Write the current grid of that name; folder is made when absent and its
 * files are replaced.  ERR_CONFIG: no such grid. */
enum status db_export(struct db_export *out, struct db *db, const char *grid,
                      const char *folder, struct err *err);

/* Read a folder into the database by the rules of db_merge: what is finished
 * there and not here is taken.  ERR_CONFIG names the file and line that is not
 * as it was written.  *grid (owned by the caller) is the name it had. */
enum status db_import(struct db_merge *out, char **grid, struct db *db,
                      const char *folder, struct err *err);

/* The files of a folder: a table, the rows that one grid needs of it. */
struct export_table {
    const char *name;
    const char *where;
    bool compressed;
};
const struct export_table *export_table_at(int i); /* NULL past the end */

/* "FOLDER/NAME.csv" or "FOLDER/NAME.csv.gz"; the caller frees it. */
char *export_path(const char *folder, const struct export_table *t);

#endif
