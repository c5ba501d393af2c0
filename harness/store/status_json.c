#include "harness/store/status_json.h"

#include "base/file.h"
#include "base/json.h"
#include "db/statement.h"
#include "harness/os/lock.h"
#include "harness/store/status_text.h"

/* A list of objects: what a column is called, or NULL to leave it out. */
struct list {
    const char *key, *sql;
    const char *const *names;
    int n;
    bool of_grid; /* it has :grid */
};

static const char *const grid_names[] = { "grid",    "runs",     "done",
                                          "running", "waiting",  "diverged",
                                          "failed",  "left_out", "pct_flops" };
static const char *const running_names[] = { "run", "N",    "D",     "arm",
                                             "pct", "loss", "run_id" };
static const char *const cause_names[] = { "state", "message", "runs",
                                           "run_id" };

static void add_row(struct str *out, struct db_stmt *s, const struct list *l)
{
    str_add(out, "{");
    for (int i = 0; i < l->n; i++)
        if (db_type(s, i) == DB_TEXT)
            json_add_text(out, l->names[i], db_text(s, i));
        else
            json_add_number(out, l->names[i], db_real(s, i));
    str_add(out, "}");
}

static enum status add_list(struct str *out, int *n, struct db *db,
                            const struct list *l, const char *grid,
                            struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_open(&s, db, l->sql, err);

    *n = 0;
    str_addf(out, ",\"%s\":[", l->key);
    if (st == OK && l->of_grid)
        db_bind_text(s, "grid", grid);
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        str_add(out, (*n)++ ? "," : "");
        add_row(out, s, l);
    }
    db_stmt_close(s);
    str_add(out, "]");
    return st;
}

enum status status_json(struct str *out, int *found, struct db *db,
                        const char *grid, struct err *err)
{
    const struct list lists[] = {
        { "grids", status_grids_sql, grid_names, 9, true },
        { "running", status_running_sql, running_names, 7, false },
        { "causes", status_causes_sql, cause_names, 4, true },
    };
    struct lock_holder holder;
    char at[32];
    enum status st = OK;

    str_add(out, "{\"schema\":\"qlaw/status/1\"");
    json_add_text(out, "at", clock_iso(at));
    for (int i = 0; st == OK && i < 3; i++) {
        int n;

        st = add_list(out, &n, db, &lists[i], grid, err);
        if (i == 0)
            *found = n;
    }
    if (lock_held(&holder, db_path(db)))
        json_add_number(out, "scheduler_pid", (double)holder.process.pid);
    str_add(out, "}");
    return st;
}
