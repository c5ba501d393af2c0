#include "db/schema_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/db.h"

/* --- one definition and another ----------------------------------------------
 */

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

/* --- walking a schema ---------------------------------------------------- */

static struct object object_of(sqlite3_stmt *row)
{
    return (struct object){
        .type = (const char *)sqlite3_column_text(row, 0),
        .name = (const char *)sqlite3_column_text(row, 1),
        .sql = (const char *)sqlite3_column_text(row, 2),
    };
}

enum status schema_walk(sqlite3 *handle, object_fn *fn, void *ctx,
                        const char *path, struct err *err)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(handle,
                                  "SELECT type, name, sql FROM "
                                  "main.sqlite_schema WHERE sql IS NOT NULL "
                                  "ORDER BY rowid",
                                  -1, &stmt, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const struct object o = object_of(stmt);

        code = fn(ctx, &o) ? SQLITE_OK : SQLITE_DONE;
    }
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE
               ? OK
               : err_set(err, ERR_DB, "%s: cannot read the schema: %s", path,
                         sqlite3_errmsg(handle));
}

sqlite3_stmt *schema_find(struct object *o, sqlite3 *handle, const char *name)
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
        *o = object_of(stmt);
    return stmt;
}

bool object_is(const struct object *o, const char *type)
{
    return o->type && strcmp(o->type, type) == 0;
}

int schema_ask(sqlite3 *handle, const char *sql, int otherwise)
{
    sqlite3_stmt *stmt = NULL;
    int value = otherwise;

    if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

char *schema_as_temp(const struct object *o)
{
    return mem_printf("CREATE TEMP%s", o->sql + strlen("CREATE"));
}

enum status schema_build(sqlite3 **fresh, const struct schema *s, int version,
                         struct err *err)
{
    int code = sqlite3_open(":memory:", fresh);

    if (code == SQLITE_OK)
        code = sqlite3_exec(*fresh, "PRAGMA legacy_alter_table=ON", NULL, NULL,
                            NULL);
    if (code == SQLITE_OK && version == s->version)
        code = sqlite3_exec(*fresh, s->text, NULL, NULL, NULL);
    for (int i = 0; i < version && version < s->version && code == SQLITE_OK;
         i++)
        code = sqlite3_exec(*fresh, s->upgrades[i], NULL, NULL, NULL);
    return code == SQLITE_OK
               ? OK
               : err_set(err, ERR_DB, "the schema does not load: %s",
                         sqlite3_errmsg(*fresh));
}

/* --- checking ------------------------------------------------------------ */

struct check {
    sqlite3 *file, *made; /* what is there; what its version made */
    sqlite3 *today;
    const char *path;
    bool is_older; /* than today's version */
    bool old_views;
    enum status st;
    struct err *err;
};

static bool refuse(struct check *c, const struct object *o, const char *why)
{
    c->st = err_set(c->err, ERR_DB, "%s: %s '%.60s' %s; the file is left alone",
                    c->path, o->type, o->name, why);
    return false;
}

/* Views and, in an older file, triggers are the program's; their names are
 * today's, for no version of the tables lists them. */
static bool is_programs(const struct check *c, const struct object *o)
{
    return object_is(o, "view") || (c->is_older && object_is(o, "trigger"));
}

/* A planted trigger or a view in a table's place is refused before anything
 * runs.  (SQLite's own guard, trusted_schema=OFF, also refuses json_valid,
 * which the tables check themselves with; so it is on for readers only.) */
static bool check_theirs(void *ctx, const struct object *o)
{
    static const char why[] = "is not as qlaw made it";
    struct check *c = ctx;
    struct object made, today;
    sqlite3_stmt *by = schema_find(&made, c->made, o->name);
    sqlite3_stmt *now = schema_find(&today, c->today, o->name);
    const struct object *want = made.type ? &made : &today;
    bool go = true;

    if (!want->type ? object_is(o, "trigger") : !object_is(want, o->type))
        go = refuse(c, o, why);
    else if (want->type && is_programs(c, o))
        c->old_views |= !same_sql(want->sql, o->sql);
    else if (want->type && (!made.type || !same_sql(made.sql, o->sql)))
        go = refuse(c, o, why);
    sqlite3_finalize(by);
    sqlite3_finalize(now);
    return go;
}

static bool check_ours(void *ctx, const struct object *o)
{
    struct check *c = ctx;
    struct object there;
    sqlite3_stmt *stmt = schema_find(&there, c->file, o->name);
    bool go = true;

    if (!there.type && object_is(o, "view"))
        c->old_views = true;
    else if (!there.type && object_is(o, "table"))
        go = refuse(c, o, "is missing");
    sqlite3_finalize(stmt);
    return go;
}

/* The tables of 002.sql came into files that called themselves version 2
 * already: one without them has the tables of version 1. */
static int version_of(sqlite3 *handle)
{
    const int version = schema_ask(handle, "PRAGMA user_version", 0);
    const int tagged = schema_ask(
        handle, "SELECT 1 FROM main.sqlite_schema WHERE name='tag'", 0);

    return version < 1 || (version == 2 && !tagged) ? 1 : version;
}

static enum status check_all(struct schema_found *out, struct check *c,
                             const struct schema *s)
{
    enum status st;

    out->version = version_of(c->file);
    c->is_older = out->version < s->version;
    st = schema_build(&c->made, s, out->version, c->err);
    if (st == OK)
        st = schema_build(&c->today, s, s->version, c->err);
    if (st == OK)
        st = schema_walk(c->file, check_theirs, c, c->path, c->err);
    if (st == OK && c->st == OK)
        st = schema_walk(c->made, check_ours, c, c->path, c->err);
    sqlite3_close(c->made);
    sqlite3_close(c->today);
    out->old = c->is_older || c->old_views;
    return st == OK ? c->st : st;
}

/* Of one moment: somebody may bring the file up to date meanwhile. */
enum status schema_check(struct schema_found *out, sqlite3 *handle,
                         const struct schema *s, const char *path,
                         struct err *err)
{
    struct check c = { .file = handle, .path = path, .err = err };
    const bool own = sqlite3_get_autocommit(handle);
    enum status st;

    if (own && sqlite3_exec(handle, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return err_set(err, ERR_DB, "%s: cannot read the schema: %s", path,
                       sqlite3_errmsg(handle));
    st = check_all(out, &c, s);
    if (own)
        sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    return st;
}
