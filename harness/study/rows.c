/* rows.c - is a stored fit one of the rows that are there now? */
#include <stdlib.h>

#include "db/db.h"
#include "fit/model.h"
#include "harness/study/request.h"

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void compare(struct fit_rows *out, const int64_t *then, size_t n_then,
                    int64_t *now, size_t n_now)
{
    *out = (struct fit_rows){ n_then, n_now, n_then == n_now };
    qsort(now, n_now, sizeof *now, by_number);
    for (size_t i = 0; i < n_now && out->same; i++)
        out->same = now[i] == then[i];
}

static bool selects_nothing(const struct fit_request *rq)
{
    return rq->from_db && rq->table && rq->table->rows == 0;
}

enum status fit_rows_compare(struct fit_rows *out, const char *path, int64_t id,
                             struct err *err)
{
    struct fit_request rq = { .table = NULL };
    struct model *m = NULL;
    struct db *db = NULL;
    int64_t *then = NULL;
    int n = 0;
    enum status st = db_open(&db, path, DB_READ, err);

    if (st == OK)
        st = fit_stored_rows(&then, &n, db, id, true, err);
    db_close(db);
    if (st == OK)
        st = fit_request_repeat(&rq, path, id, err);
    if (st == OK && !rq.from_db)
        st = err_set(err, ERR_FIT, "fit %lld is not of runs", (long long)id);
    if (st == OK) /* fewer rows than the law needs are rows, too */
        st = fit_model_new_test(&m, rq.table, &rq.spec, err);
    if (st == OK)
        compare(out, then, (size_t)n, m->number, m->rows);
    else if (selects_nothing(&rq))
        st = OK;
    if (st == OK && !m)
        *out = (struct fit_rows){ .then = (size_t)n };
    fit_model_free(m);
    fit_request_release(&rq);
    free(then);
    return st;
}
