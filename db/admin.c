#include "db/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/place.h"
#include "db/statement.h"

/* --- copies
 * ----------------------------------------------------------------------- */

enum status db_backup(struct db *db, const char *target, struct err *err)
{
    char *tmp;
    enum status st;

    if (access(target, F_OK) == 0)
        return err_set(err, ERR_DB, "%s is there already; it is left alone",
                       target);
    st = db_place_make(&tmp, target, err);
    if (st == OK)
        st = db_copy_bytes(db, tmp, err);
    if (st == OK)
        st = db_place_take_new(tmp, target, err);
    else
        db_place_drop(tmp);
    free(tmp);
    return st;
}

/* --- checks
 * ----------------------------------------------------------------------- */

/* Each row of a question that finds what must not be. */
static const struct {
    const char *what, *sql;
} checks[] = {
    /* Without an argument, which newer SQLites take for a table. */
    { "damaged", "SELECT integrity_check FROM pragma_integrity_check WHERE "
                 "integrity_check != 'ok' LIMIT 20" },
    { "broken reference",
      "SELECT \"table\"||' row '||coalesce(rowid,'?')||' refers to no row of "
      "'||parent FROM pragma_foreign_key_check LIMIT 20" },
    { "done without a result",
      "SELECT 'run '||run_id FROM run WHERE state='done' AND run_id NOT IN "
      "(SELECT run_id FROM result) LIMIT 20" },
    { "result of a run that is not done",
      "SELECT 'run '||run_id FROM result JOIN run USING(run_id) WHERE state "
      "!= 'done' LIMIT 20" },
    { "done twice",
      "SELECT 'run '||run_id FROM attempt WHERE outcome='ok' GROUP BY run_id "
      "HAVING count(*) > 1 LIMIT 20" },
    /* Where a trainer of somebody else's measures its parent is its affair. */
    { "measured beside other weights than its parent's",
      "SELECT 'run '||p.run_id||', whose parent is run '||q.run_id FROM posts "
      "p JOIN run q ON q.point_id=p.parent_id AND q.seed=p.seed JOIN result x "
      "ON x.run_id=q.run_id JOIN point c ON c.point_id=p.point_id WHERE "
      "p.parent_loss <> x.loss AND NOT EXISTS(SELECT 1 FROM "
      "json_each(c.config) j WHERE j.key='trainer') LIMIT 20" },
    { "counts of a grid",
      "SELECT 'grid '||c.grid_id||' '||c.state FROM grid_count c WHERE c.runs "
      "!= (SELECT count(*) FROM grid_run r WHERE r.grid_id=c.grid_id AND "
      "r.state=c.state) LIMIT 20" },
};

/* What the rows say against each other; pages and references, which take longer
 * and hold wherever SQLite wrote them, come before in the list. */
#define FIRST_OF_ROWS 2

enum status db_contradictions(int *n, struct db *db, struct err *err)
{
    enum status st = OK;

    *n = 0;
    for (size_t i = FIRST_OF_ROWS;
         i < sizeof checks / sizeof checks[0] && st == OK; i++) {
        struct db_stmt *s;
        bool row = true;

        st = db_stmt_open(&s, db, checks[i].sql, err);
        while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row)
            ++*n;
        db_stmt_close(s);
    }
    return st;
}

static enum status check_identities(int *problems, struct str *out,
                                    struct db *db, struct err *err)
{
    int64_t wrong;
    char *first;
    const enum status st = db_identities(&wrong, &first, db, "main", err);

    if (wrong > 0) {
        ++*problems;
        str_addf(out,
                 "identities that are not the hash of the configuration: "
                 "%lld, the first %.40s\n",
                 (long long)wrong, first);
    }
    free(first);
    return st;
}

enum status db_check(int *problems, struct str *out, struct db *db,
                     struct err *err)
{
    enum status st = OK;

    *problems = 0;
    for (size_t i = 0; i < sizeof checks / sizeof checks[0] && st == OK; i++) {
        struct db_stmt *s;
        bool row = true;

        st = db_stmt_open(&s, db, checks[i].sql, err);
        while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
            ++*problems;
            str_addf(out, "%s: %s\n", checks[i].what, db_text(s, 0));
        }
        db_stmt_close(s);
    }
    if (st == OK)
        st = check_identities(problems, out, db, err);
    return st;
}

enum status db_vacuum(struct db *db, struct err *err)
{
    return db_do(db, "VACUUM", NULL, err);
}
