/* schema_mend.c - views of today in a file, or over one. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/schema_parts.h"

static bool run_sql(sqlite3 *handle, char *sql)
{
    const bool ok = sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK;

    free(sql);
    return ok;
}

/* --- in the file --------------------------------------------------------- */

struct mend {
    sqlite3 *handle, *today;
    bool failed;
};

static bool replace_view(void *ctx, const struct object *o)
{
    struct mend *m = ctx;

    if (object_is(o, "view"))
        m->failed =
            !run_sql(m->handle,
                     mem_printf("DROP VIEW IF EXISTS main.\"%s\"", o->name)) ||
            !run_sql(m->handle, mem_strdup(o->sql));
    return !m->failed;
}

static enum status walk_today(struct mend *m, const struct schema *s,
                              object_fn *fn, const char *path, struct err *err)
{
    enum status st = schema_build(&m->today, s, s->version, err);

    if (st == OK)
        st = schema_walk(m->today, fn, m, path, err);
    sqlite3_close(m->today);
    return st != OK || !m->failed
               ? st
               : err_set(err, ERR_DB,
                         "%s: cannot bring its views up to date: %s", path,
                         sqlite3_errmsg(m->handle));
}

enum status schema_mend(sqlite3 *handle, const struct schema *s,
                        const char *path, struct err *err)
{
    struct mend m = { .handle = handle };
    enum status st = OK;

    if (!run_sql(handle, mem_strdup("BEGIN IMMEDIATE")))
        st = err_set(err, ERR_DB, "%s: cannot bring its views up to date: %s",
                     path, sqlite3_errmsg(handle));
    if (st == OK)
        st = walk_today(&m, s, replace_view, path, err);
    if (st == OK && !run_sql(handle, mem_strdup("COMMIT")))
        st = err_set(err, ERR_DB, "%s: cannot bring its views up to date: %s",
                     path, sqlite3_errmsg(handle));
    if (st != OK)
        run_sql(handle, mem_strdup("ROLLBACK"));
    return st;
}

/* --- over it ------------------------------------------------------------- */

static bool lacks_column(sqlite3 *handle, const char *name, const char *column)
{
    char *sql = sqlite3_mprintf("SELECT 1 FROM pragma_table_xinfo(%Q, 'main') "
                                "WHERE name=%Q",
                                name, column);
    const bool lacks = !schema_ask(handle, sql, 0);

    sqlite3_free(sql);
    return lacks;
}

/* "a, b, DEFAULT AS c"; *lacks: some are not in the file.  The caller frees it.
 */
static char *columns_over(bool *lacks, const struct mend *m, const char *table)
{
    struct str out = { 0 };
    sqlite3_stmt *stmt = NULL;
    char *text;

    *lacks = false;
    sqlite3_prepare_v2(m->today,
                       "SELECT name, coalesce(dflt_value, 'NULL') FROM "
                       "pragma_table_xinfo(?1)",
                       -1, &stmt, NULL);
    sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        const bool missing = lacks_column(m->handle, table, name);

        str_addf(&out, "%s%s%s%s", out.len ? ", " : "",
                 missing ? (const char *)sqlite3_column_text(stmt, 1) : "",
                 missing ? " AS " : "", name);
        *lacks |= missing;
    }
    sqlite3_finalize(stmt);
    text = mem_strdup(str_text(&out));
    str_release(&out);
    return text;
}

static bool lay_table(struct mend *m, const struct object *o)
{
    struct object there;
    sqlite3_stmt *stmt = schema_find(&there, m->handle, o->name);
    const bool missing = !there.type;
    bool lacks, ok = true;
    char *columns;

    sqlite3_finalize(stmt);
    if (missing)
        return run_sql(m->handle, schema_as_temp(o));
    columns = columns_over(&lacks, m, o->name);
    if (lacks)
        ok = run_sql(m->handle,
                     mem_printf("CREATE TEMP VIEW \"%s\" AS SELECT %s FROM "
                                "main.\"%s\"",
                                o->name, columns, o->name));
    free(columns);
    return ok;
}

static bool lay(void *ctx, const struct object *o)
{
    struct mend *m = ctx;

    if (object_is(o, "table"))
        m->failed = !lay_table(m, o);
    else if (object_is(o, "view"))
        m->failed = !run_sql(m->handle, schema_as_temp(o));
    return !m->failed;
}

enum status schema_overlay(sqlite3 *handle, const struct schema *s,
                           const char *path, struct err *err)
{
    struct mend m = { .handle = handle };

    run_sql(handle, mem_strdup("PRAGMA temp_store=MEMORY"));
    return walk_today(&m, s, lay, path, err);
}
