#include "db/schema.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/db.h"

/* --- one definition and another
 * ---------------------------------------------------- */

/* The next character of SQL that counts: no comments, white space only inside
 * quotes; 0 at the end. */
static int next_char(const char **p, char *quote)
{
    while (!*quote) {
        if (isspace((unsigned char)**p))
            (*p)++;
        else if ((*p)[0] == '-' && (*p)[1] == '-')
            *p += strcspn(*p, "\n");
        else if ((*p)[0] == '/' && (*p)[1] == '*')
            *p = strstr(*p + 2, "*/") ? strstr(*p + 2, "*/") + 2
                                      : *p + strlen(*p);
        else
            break;
    }
    if (*quote ? **p == *quote : **p == '\'' || **p == '"')
        *quote = *quote ? '\0' : **p;
    return **p ? *(*p)++ : 0;
}

/* Comments may change within a version of the schema. */
static bool same_sql(const char *a, const char *b)
{
    char quote_a = '\0', quote_b = '\0';
    int ca, cb;

    do {
        ca = next_char(&a, &quote_a);
        cb = next_char(&b, &quote_b);
    } while (ca == cb && ca);
    return ca == cb;
}

/* --- walking a schema
 * --------------------------------------------------------------- */

struct object {
    const char *type, *name, *sql;
};

/* Called for each object that has a definition; false ends the walk. */
typedef bool object_fn(void *ctx, const struct object *o);

static enum status walk(sqlite3 *handle, object_fn *fn, void *ctx,
                        const char *path, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(handle,
                                  "SELECT type, name, sql FROM "
                                  "main.sqlite_schema WHERE sql IS NOT NULL "
                                  "ORDER BY rowid",
                                  -1, &stmt, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct object o = {
            .type = (const char *)sqlite3_column_text(stmt, 0),
            .name = (const char *)sqlite3_column_text(stmt, 1),
            .sql = (const char *)sqlite3_column_text(stmt, 2),
        };

        code = fn(ctx, &o) ? SQLITE_OK : SQLITE_DONE;
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE
               ? OK
               : err_set(err, ERR_DB, "%s: cannot read the schema: %s", path,
                         sqlite3_errmsg(handle));
}

/* What the main schema of handle has under a name; the caller finalizes. */
static sqlite3_stmt *find(struct object *o, sqlite3 *handle, const char *name)
{
    sqlite3_stmt *stmt = NULL;

    *o = (struct object){ NULL, NULL, NULL };
    if (sqlite3_prepare_v2(handle,
                           "SELECT type, name, sql FROM main.sqlite_schema "
                           "WHERE name=?1",
                           -1, &stmt, NULL) != SQLITE_OK)
        return NULL;
    sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        *o = (struct object){
            .type = (const char *)sqlite3_column_text(stmt, 0),
            .name = (const char *)sqlite3_column_text(stmt, 1),
            .sql = (const char *)sqlite3_column_text(stmt, 2),
        };
    return stmt;
}

static bool is(const struct object *o, const char *type)
{
    return o->type && strcmp(o->type, type) == 0;
}

static enum status open_today(sqlite3 **fresh, struct err *err)
{
    if (sqlite3_open(":memory:", fresh) == SQLITE_OK &&
        sqlite3_exec(*fresh, db_schema, NULL, NULL, NULL) == SQLITE_OK)
        return OK;
    return err_set(err, ERR_DB, "the schema does not load: %s",
                   sqlite3_errmsg(*fresh));
}

/* --- checking
 * ------------------------------------------------------------------------ */

struct check {
    sqlite3 *other; /* the schema that is looked into */
    const char *path;
    bool old;
    enum status st;
    struct err *err;
};

static bool refuse(struct check *c, const struct object *o, const char *why)
{
    c->st = err_set(c->err, ERR_DB, "%s: %s '%.60s' %s; the file is left alone",
                    c->path, o->type, o->name, why);
    return false;
}

/* A planted trigger or a view in a table's place is refused before anything
 * runs.  (SQLite's own guard, trusted_schema=OFF, also refuses json_valid,
 * which the tables check themselves with; so it is on for readers only.) */
static bool check_theirs(void *ctx, const struct object *o)
{
    struct check *c = ctx;
    struct object want;
    sqlite3_stmt *stmt = find(&want, c->other, o->name);
    bool go = true;

    if (!want.type ? is(o, "trigger") : !is(&want, o->type))
        go = refuse(c, o, "is not as qlaw made it");
    else if (want.type && !same_sql(want.sql, o->sql)) {
        if (is(o, "view"))
            c->old = true;
        else
            go = refuse(c, o, "is not as qlaw made it");
    }
    sqlite3_finalize(stmt);
    return go;
}

/* Tables that came after the first files of this version. */
static bool is_added(const char *name)
{
    static const char *const added[] = { "tag", "deleted", "deleted_rows" };

    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
        if (strcmp(name, added[i]) == 0)
            return true;
    return false;
}

static bool check_ours(void *ctx, const struct object *o)
{
    struct check *c = ctx;
    struct object there;
    sqlite3_stmt *stmt = find(&there, c->other, o->name);
    bool go = true;

    if (!there.type && (is(o, "view") || is_added(o->name)))
        c->old = true;
    else if (!there.type && is(o, "table"))
        go = refuse(c, o, "is missing");
    sqlite3_finalize(stmt);
    return go;
}

static int version_of(sqlite3 *handle)
{
    sqlite3_stmt *stmt = NULL;
    int version = 0;

    if (sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &stmt, NULL) ==
            SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        version = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return version;
}

enum status schema_check(bool *old, sqlite3 *handle, const char *path,
                         struct err *err)
{
    struct check c = { .path = path, .err = err };
    sqlite3 *fresh = NULL;
    enum status st = open_today(&fresh, err);

    c.other = fresh;
    if (st == OK)
        st = walk(handle, check_theirs, &c, path, err);
    c.other = handle;
    if (st == OK && c.st == OK)
        st = walk(fresh, check_ours, &c, path, err);
    sqlite3_close(fresh);
    *old = c.old || version_of(handle) < DB_VERSION;
    return st == OK ? c.st : st;
}

/* --- mending
 * -------------------------------------------------------------------------- */

struct mend {
    sqlite3 *handle;
    bool in_file;
    bool failed;
};

static bool run_sql(struct mend *m, char *sql)
{
    m->failed = sqlite3_exec(m->handle, sql, NULL, NULL, NULL) != SQLITE_OK;
    free(sql);
    return !m->failed;
}

/* An added table is made where it is missing: empty, so a reader that has one
 * of its own for the while sees what there is. */
static bool add_table(struct mend *m, const struct object *o)
{
    struct object there;
    sqlite3_stmt *stmt = find(&there, m->handle, o->name);
    const bool missing = !there.type;

    sqlite3_finalize(stmt);
    return !missing ||
           run_sql(m, mem_printf("CREATE %s%s", m->in_file ? "" : "TEMP",
                                 o->sql + strlen("CREATE")));
}

static bool mend_one(void *ctx, const struct object *o)
{
    struct mend *m = ctx;

    if (is(o, "table") && is_added(o->name))
        return add_table(m, o);
    if (!is(o, "view"))
        return true;
    if (m->in_file &&
        !run_sql(m, mem_printf("DROP VIEW IF EXISTS main.\"%s\"", o->name)))
        return false;
    /* Definitions begin with CREATE. */
    return run_sql(m, mem_printf("CREATE %s%s", m->in_file ? "" : "TEMP",
                                 o->sql + strlen("CREATE")));
}

enum status schema_mend(sqlite3 *handle, bool in_file, const char *path,
                        struct err *err)
{
    struct mend m = { .handle = handle, .in_file = in_file };
    sqlite3 *fresh = NULL;
    enum status st = open_today(&fresh, err);

    if (st == OK &&
        run_sql(&m, mem_printf(in_file ? "BEGIN IMMEDIATE"
                                       : "PRAGMA temp_store=MEMORY"))) {
        st = walk(fresh, mend_one, &m, path, err);
        if (in_file && st == OK && !m.failed)
            run_sql(&m,
                    mem_printf("PRAGMA user_version=%d; COMMIT", DB_VERSION));
    }
    sqlite3_close(fresh);
    if (st == OK && m.failed)
        st = err_set(err, ERR_DB, "%s: cannot bring its views up to date: %s",
                     path, sqlite3_errmsg(handle));
    if (st != OK && in_file)
        sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    return st;
}
