/* contrast_noise.c - what chance makes of one pair of runs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "db/statement.h"
#include "harness/study/contrast_parts.h"

#define LEAST_DOF 3 /* of the noise of a narrower circle */

/* Runs of the grids that hold both points, or where none does, either; with
 * :paired in pairs with their twins, else alone. */
#define POOL                                                                   \
    "WITH a AS (SELECT grid_id FROM grid_point WHERE point_id = :a), "         \
    "b AS (SELECT grid_id FROM grid_point WHERE point_id = :b), "              \
    "mine AS (SELECT grid_id FROM a WHERE grid_id IN b UNION "                 \
    "SELECT grid_id FROM a WHERE NOT EXISTS (SELECT 1 FROM a JOIN b "          \
    "USING(grid_id)) UNION SELECT grid_id FROM b WHERE NOT EXISTS "            \
    "(SELECT 1 FROM a JOIN b USING(grid_id))), "                               \
    "pool AS (SELECT DISTINCT x.run_id, x.point_id, p.n_body, p.tokens, "      \
    "q.loss - CASE WHEN :paired THEN br.loss ELSE 0 END AS v FROM grid_run x " \
    "JOIN result q ON q.run_id = x.run_id "                                    \
    "JOIN point p ON p.point_id = x.point_id "                                 \
    "LEFT JOIN point bp ON :paired AND bp.twin_id = p.twin_id AND bp.is_base " \
    "= 1 "                                                                     \
    "LEFT JOIN run br_run ON br_run.point_id = bp.point_id AND "               \
    "br_run.seed = x.seed AND br_run.state = 'done' "                          \
    "LEFT JOIN result br ON br.run_id = br_run.run_id "                        \
    "WHERE x.state = 'done' AND x.grid_id IN mine AND NOT (:paired AND "       \
    "(p.is_base OR br.loss IS NULL))), "                                       \
    "m AS (SELECT point_id, count(*) AS k, avg(v) AS mu FROM pool WHERE "
#define SPREAD                                                                 \
    " GROUP BY point_id HAVING count(*) > 1) SELECT sum((v - mu) * "           \
    "(v - mu)), (SELECT sum(k - 1) FROM m) FROM pool JOIN m USING(point_id)"

/* The two points themselves, wherever their seeds come from: differences by
 * seed, or the losses of each. */
static const char of_points[] =
    "WITH pool AS (SELECT CASE WHEN :paired THEN '' ELSE a.point_id END AS id, "
    "CASE WHEN :paired THEN qb.loss - qa.loss ELSE qa.loss END AS v FROM run a "
    "JOIN result qa ON qa.run_id = a.run_id "
    "LEFT JOIN run b ON :paired AND b.point_id = :b AND b.seed = a.seed AND "
    "b.state = 'done' LEFT JOIN result qb ON qb.run_id = b.run_id "
    "WHERE a.state = 'done' AND (a.point_id = :a OR (NOT :paired AND "
    "a.point_id = "
    ":b)) AND NOT (:paired AND qb.loss IS NULL)), "
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
           "point_id IN (:a, :b))" SPREAD,
      LEAST_DOF },
    { NOISE_OF_GRIDS, POOL "1" SPREAD, 1 },
};

static enum status spread(double *sd, int *dof, struct db *db, const char *sql,
                          const struct contrast_side *a,
                          const struct contrast_side *b, bool paired,
                          struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st =
        db_stmt_with(&s, db, sql,
                     DB_VALUES(DB_T("a", a->point), DB_T("b", b->point),
                               DB_I("paired", paired)),
                     err);

    *dof = 0;
    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (st == OK && row && !db_is_null(s, 0)) {
        *dof = (int)db_int(s, 1);
        *sd = sqrt(db_real(s, 0) / *dof);
    }
    db_stmt_close(s);
    return st;
}

/* Two runs are paired when they have one twin and one seed. */
static enum status are_paired(bool *out, struct db *db,
                              const struct contrast_side *a,
                              const struct contrast_side *b, struct err *err)
{
    int64_t one_twin;
    const enum status st =
        db_ask(&one_twin, db,
               "SELECT a.twin_id = b.twin_id FROM point a, point b "
               "WHERE a.point_id = :a AND b.point_id = :b",
               DB_VALUES(DB_T("a", a->point), DB_T("b", b->point)), err);

    *out = one_twin && a->seed == b->seed;
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
