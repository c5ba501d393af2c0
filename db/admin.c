#include "db/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db/place.h"

#define BUSY_TRIES   600  /* of 100 ms */

/* --- copies ----------------------------------------------------------------------- */

/* In one step: a copy that lets others write in between begins again whenever
 * one did, and beside a scheduler never ends.  A writer waits meanwhile, about a
 * second for a gigabyte, as nothing is synced before the end. */
static enum status copy_pages(sqlite3 *to, sqlite3 *from, const char *target,
                              struct err *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
    const struct timespec pause = { .tv_nsec = 100000000 };
    int code = SQLITE_OK, tries = 0;

    while (b && code != SQLITE_DONE && tries < BUSY_TRIES) {
        code = sqlite3_backup_step(b, -1);
        if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
            tries++;
            nanosleep(&pause, NULL);
        } else if (code != SQLITE_OK) {
            break;
        }
    }
    sqlite3_backup_finish(b);
    if (b && code == SQLITE_DONE)
        return OK;
    return err_set(err, ERR_DB, "%s: cannot copy: %s", target,
                   b ? sqlite3_errstr(code) : sqlite3_errmsg(to));
}

enum status db_backup(struct db *db, const char *target, struct err *err)
{
    char *tmp = NULL;
    sqlite3 *to = NULL;
    enum status st = OK;

    if (access(target, F_OK) == 0)
        return err_set(err, ERR_DB, "%s is there already; it is left alone",
                       target);
    st = db_place_make(&tmp, target, err);
    if (st == OK && sqlite3_open(tmp, &to) != SQLITE_OK)
        st = err_set(err, ERR_DB, "%s: %s", tmp, sqlite3_errmsg(to));
    if (st == OK)
        sqlite3_exec(to, "PRAGMA synchronous=OFF", NULL, NULL, NULL);
    if (st == OK)
        st = copy_pages(to, db_handle(db), target, err);
    sqlite3_close(to);
    if (st == OK)
        st = db_place_take(tmp, target, err);
    else
        db_place_drop(tmp);
    free(tmp);
    return st;
}

/* --- checks ----------------------------------------------------------------------- */

/* Each row of a question that finds what must not be. */
static const struct {
    const char *what, *sql;
} checks[] = {
    /* Without an argument, which newer SQLites take for a table. */
    { "damaged",
      "SELECT integrity_check FROM pragma_integrity_check WHERE "
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
    { "counts of a grid",
      "SELECT 'grid '||c.grid_id||' '||c.state FROM grid_count c WHERE c.runs "
      "!= (SELECT count(*) FROM grid_run r WHERE r.grid_id=c.grid_id AND "
      "r.state=c.state) LIMIT 20" },
};

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
        sqlite3_stmt *stmt;
        bool row = true;

        st = db_prepare(&stmt, db, checks[i].sql, err);
        while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
            ++*problems;
            str_addf(out, "%s: %s\n", checks[i].what,
                     (const char *)sqlite3_column_text(stmt, 0));
        }
    }
    if (st == OK)
        st = check_identities(problems, out, db, err);
    return st;
}

enum status db_vacuum(struct db *db, struct err *err)
{
    return db_run(db, err, "VACUUM", "");
}
