/* contrast_noise.c - what chance makes of one pair of runs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/study/contrast_parts.h"

#define LEAST_DOF 3 /* of the noise of a narrower circle */

/* Runs of the grids that hold both points, or where none does, either; with
 * ?3 in pairs with their twins, else alone. */
#define POOL                                                                   \
    "WITH a AS (SELECT grid_id FROM grid_point WHERE point_id = ?1), "         \
    "b AS (SELECT grid_id FROM grid_point WHERE point_id = ?2), "              \
    "mine AS (SELECT grid_id FROM a WHERE grid_id IN b UNION "                 \
    "SELECT grid_id FROM a WHERE NOT EXISTS (SELECT 1 FROM a JOIN b "          \
    "USING(grid_id)) UNION SELECT grid_id FROM b WHERE NOT EXISTS "            \
    "(SELECT 1 FROM a JOIN b USING(grid_id))), "                               \
    "pool AS (SELECT DISTINCT x.run_id, x.point_id, p.n_body, p.tokens, "      \
    "q.loss - CASE WHEN ?3 THEN br.loss ELSE 0 END AS v FROM grid_run x "      \
    "JOIN result q ON q.run_id = x.run_id "                                    \
    "JOIN point p ON p.point_id = x.point_id "                                 \
    "LEFT JOIN point bp ON ?3 AND bp.twin_id = p.twin_id AND bp.is_base = 1 "  \
    "LEFT JOIN run br_run ON br_run.point_id = bp.point_id AND "               \
    "br_run.seed = x.seed AND br_run.state = 'done' "                          \
    "LEFT JOIN result br ON br.run_id = br_run.run_id "                        \
    "WHERE x.state = 'done' AND x.grid_id IN mine AND NOT (?3 AND "            \
    "(p.is_base OR br.loss IS NULL))), "                                       \
    "m AS (SELECT point_id, count(*) AS k, avg(v) AS mu FROM pool WHERE "
#define SPREAD                                                                 \
    " GROUP BY point_id HAVING count(*) > 1) SELECT sum((v - mu) * "           \
    "(v - mu)), (SELECT sum(k - 1) FROM m) FROM pool JOIN m USING(point_id)"

/* The two points themselves, wherever their seeds come from: differences by
 * seed, or the losses of each. */
static const char of_points[] =
    "WITH pool AS (SELECT CASE WHEN ?3 THEN '' ELSE a.point_id END AS id, "
    "CASE WHEN ?3 THEN qb.loss - qa.loss ELSE qa.loss END AS v FROM run a "
    "JOIN result qa ON qa.run_id = a.run_id "
    "LEFT JOIN run b ON ?3 AND b.point_id = ?2 AND b.seed = a.seed AND "
    "b.state = 'done' LEFT JOIN result qb ON qb.run_id = b.run_id "
    "WHERE a.state = 'done' AND (a.point_id = ?1 OR (NOT ?3 AND a.point_id = "
    "?2)) AND NOT (?3 AND qb.loss IS NULL)), "
    "m AS (SELECT id, count(*) AS k, avg(v) AS mu FROM pool GROUP BY id HAVING "
    "count(*) > 1) SELECT sum((v - mu) * (v - mu)), (SELECT sum(k - 1) FROM m) "
    "FROM pool JOIN m USING(id)";

static const struct {
    enum contrast_noise of;
    const char *sql;
    int least_dof;
} circles[] = {
    { NOISE_OF_POINTS, of_points, LEAST_DOF },
    { NOISE_OF_SIZE,
      POOL "(n_body, tokens) IN (SELECT n_body, tokens FROM point WHERE "
           "point_id IN (?1, ?2))" SPREAD,
      LEAST_DOF },
    { NOISE_OF_GRIDS, POOL "1" SPREAD, 1 },
};

static enum status spread(double *sd, int *dof, struct db *db, const char *sql,
                          const struct contrast_side *a,
                          const struct contrast_side *b, bool paired,
                          struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    enum status st = db_prepare(&stmt, db, sql, err);

    *dof = 0;
    if (st != OK)
        return st;
    db_bind(stmt, "tti", a->point, b->point, (int64_t)paired);
    st = db_step(&row, db, stmt, err);
    if (st == OK && row && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
        *dof = sqlite3_column_int(stmt, 1);
        *sd = sqrt(sqlite3_column_double(stmt, 0) / *dof);
    }
    if (row)
        sqlite3_reset(stmt);
    return st;
}

/* Two runs are paired when they have one twin and one seed. */
static enum status are_paired(bool *out, struct db *db,
                              const struct contrast_side *a,
                              const struct contrast_side *b, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    enum status st =
        db_prepare(&stmt, db,
                   "SELECT a.twin_id = b.twin_id FROM point a, point b WHERE "
                   "a.point_id = ?1 AND b.point_id = ?2",
                   err);

    *out = false;
    if (st != OK)
        return st;
    db_bind(stmt, "tt", a->point, b->point);
    st = db_step(&row, db, stmt, err);
    if (st == OK && row) {
        *out = sqlite3_column_int(stmt, 0) && a->seed == b->seed;
        sqlite3_reset(stmt);
    }
    return st;
}

enum status contrast_find_noise(struct contrast *c, struct db *db,
                                const struct contrast_side *a,
                                const struct contrast_side *b, struct err *err)
{
    bool paired;
    enum status st = are_paired(&paired, db, a, b, err);
    double sd = (double)NAN;

    for (size_t i = 0; st == OK && i < sizeof circles / sizeof circles[0];
         i++) {
        st = spread(&sd, &c->noise_dof, db, circles[i].sql, a, b, paired, err);
        if (st != OK || c->noise_dof < circles[i].least_dof)
            continue;
        c->noise_of = circles[i].of;
        c->noise = paired ? sd : M_SQRT2 * sd;
        break;
    }
    return st;
}
