#include "db/upgrade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "db/handle.h"
#include "db/place.h"
#include "db/schema_parts.h"

/* The standard promises only 4,095 characters; every compiler takes more. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
const char db_schema[] =
#include "db/schema_text.h"
    ;
static const char *const upgrades[] = {
#include "db/upgrade_text.h"
};
#pragma GCC diagnostic pop

_Static_assert(sizeof upgrades / sizeof upgrades[0] == DB_VERSION,
               "each version has its upgrade");

const struct schema schema_today = { db_schema, upgrades, DB_VERSION };

struct upgrade {
    struct db *db;
    sqlite3 *handle;
    const struct schema *s;
    const char *path;
    int from;
    struct db_copy *copying; /* NULL: no copy is kept */
    char *tmp;               /* what it is made in */
    char *copy;              /* its name, NULL as long as it has none */
    bool is_ours;            /* made here, not found */
    sqlite3 *made;           /* what a program of the old version made */
    char **users;            /* SQL of the user's views and indexes */
    size_t n_users;
    struct str drops;
    bool failed;
};

static enum status cannot(const struct upgrade *u, struct err *err)
{
    enum status st = db_failed(u->db, "an upgrade failed", err);

    err_prefix(err,
               "version %d does not become version %d, and the file is "
               "left as it is: ",
               u->from, u->s->version);
    return st;
}

static bool run_sql(const struct upgrade *u, const char *sql)
{
    return sqlite3_exec(u->handle, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* --- the copy ------------------------------------------------------------ */

#define MOST_COPIES 100

/* Most of it before the lock is taken, so that it is held for a short while. */
static enum status begin_copy(struct upgrade *u, struct err *err)
{
    enum status st = db_place_make(&u->tmp, u->path, err);

    if (st == OK)
        st = db_copy_open(&u->copying, u->path, u->tmp, err);
    if (st == OK)
        st = db_copy_follow(u->copying, err);
    return st;
}

/* A name of its own, or that of a file which is the copy already. */
static bool name_copy(struct upgrade *u)
{
    for (int i = 1; i < MOST_COPIES; i++) {
        u->copy = i == 1 ? mem_printf("%s.v%d", u->path, u->from)
                         : mem_printf("%s.v%d-%d", u->path, u->from, i);
        u->is_ours = access(u->copy, F_OK) != 0;
        if (u->is_ours || db_copy_is(u->copying, u->copy))
            return true;
        free(u->copy);
    }
    u->copy = NULL;
    return false;
}

static enum status finish_copy(struct upgrade *u, struct err *err)
{
    enum status st = db_copy_follow(u->copying, err);

    if (st == OK && !name_copy(u))
        st = err_set(err, ERR_DB, "%s.v%d and %d more are there", u->path,
                     u->from, MOST_COPIES - 2);
    if (st == OK && u->is_ours)
        st = db_place_take_new(u->tmp, u->copy, err);
    u->is_ours &= st == OK;
    return st;
}

/* --- what else is in the file -------------------------------------------- */

/* Views and triggers speak of tables that are about to change, so all go: ours
 * are made again as they are today, the user's as they were. */
static bool note_object(void *ctx, const struct object *o)
{
    struct upgrade *u = ctx;
    struct object ours;
    sqlite3_stmt *stmt = schema_find(&ours, u->made, o->name);
    const bool is_index = object_is(o, "index");

    if (object_is(o, "view") || (is_index && !ours.type)) {
        u->users = mem_grow(u->users, u->n_users + 1, sizeof *u->users);
        u->users[u->n_users++] = mem_strdup(o->sql);
    }
    if (object_is(o, "view") || object_is(o, "trigger")) {
        char *sql = sqlite3_mprintf("DROP %s main.\"%w\";", o->type, o->name);

        str_add(&u->drops, sql);
        sqlite3_free(sql);
    }
    sqlite3_finalize(stmt);
    return true;
}

static bool make_ours(void *ctx, const struct object *o)
{
    struct upgrade *u = ctx;

    if (object_is(o, "view") || object_is(o, "trigger"))
        u->failed = !run_sql(u, o->sql);
    return !u->failed;
}

/* One that does not fit any more, an index of a column that is gone, is left
 * out, as is one whose name we have taken.  Of a text that is more than one
 * statement only the first is run. */
static void make_users(const struct upgrade *u)
{
    for (size_t i = 0; i < u->n_users; i++) {
        sqlite3_stmt *stmt = NULL;

        if (text_has_prefix(u->users[i], "CREATE ") &&
            sqlite3_prepare_v2(u->handle, u->users[i], -1, &stmt, NULL) ==
                SQLITE_OK)
            sqlite3_step(stmt);
        sqlite3_finalize(stmt);
    }
}

static enum status make_today(struct upgrade *u, struct err *err)
{
    sqlite3 *today = NULL;
    enum status st = schema_build(&today, u->s, u->s->version, err);

    if (st == OK)
        st = schema_walk(today, make_ours, u, u->path, err);
    if (st == OK && u->failed)
        st = cannot(u, err);
    sqlite3_close(today);
    if (st == OK)
        make_users(u);
    return st;
}

/* --- the upgrade --------------------------------------------------------- */

static enum status apply(struct upgrade *u, struct err *err)
{
    struct schema_found found;
    char pragma[40];
    enum status st = schema_build(&u->made, u->s, u->from, err);

    if (st == OK)
        st = schema_walk(u->handle, note_object, u, u->path, err);
    if (st == OK && !run_sql(u, str_text(&u->drops)))
        st = cannot(u, err);
    for (int v = u->from; v < u->s->version && st == OK; v++)
        if (!run_sql(u, u->s->upgrades[v]))
            st = cannot(u, err);
    if (st == OK)
        st = make_today(u, err);
    snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d", u->s->version);
    if (st == OK && !run_sql(u, pragma))
        st = cannot(u, err);
    if (st == OK) /* what is not as today's would be refused next time */
        st = schema_check(&found, u->handle, u->s, u->path, err);
    if (st == OK && !run_sql(u, "COMMIT"))
        st = cannot(u, err);
    return st;
}

/* With the write lock, so nobody else changes the file or its version. */
static enum status upgrade_locked(struct upgrade *u, struct err *err)
{
    struct schema_found found;
    enum status st = schema_check(&found, u->handle, u->s, u->path, err);

    if (st != OK || found.version >= u->s->version)
        return st; /* somebody was here before us */
    u->from = found.version;
    if (u->copying)
        st = finish_copy(u, err);
    if (st != OK)
        err_prefix(
            err, "%s is not upgraded without a copy of it as it is: ", u->path);
    return st == OK ? apply(u, err) : st;
}

static void release(struct upgrade *u)
{
    db_copy_close(u->copying);
    if (u->tmp)
        db_place_drop(u->tmp);
    for (size_t i = 0; i < u->n_users; i++)
        free(u->users[i]);
    free(u->users);
    str_release(&u->drops);
    sqlite3_close(u->made);
    free(u->tmp);
    free(u->copy);
}

/* Renaming a table must not rewrite the tables that refer to it, nor dropping
 * one empty them. */
static const char careful[] =
    "PRAGMA foreign_keys=OFF; PRAGMA legacy_alter_table=ON";
static const char usual[] =
    "PRAGMA legacy_alter_table=OFF; PRAGMA foreign_keys=ON";

enum status upgrade_file(struct db *db, bool keep, struct err *err)
{
    struct upgrade u = {
        .db = db, .handle = db->handle, .s = db->schema, .path = db->path
    };
    enum status st = OK;

    if (keep)
        st = begin_copy(&u, err);
    if (st != OK)
        err_prefix(
            err, "%s is not upgraded without a copy of it as it is: ", u.path);
    if (st == OK && (!run_sql(&u, careful) || !run_sql(&u, "BEGIN IMMEDIATE")))
        st = db_failed(db, "cannot begin", err);
    if (st == OK)
        st = upgrade_locked(&u, err);
    if (!sqlite3_get_autocommit(u.handle))
        run_sql(&u, "ROLLBACK");
    run_sql(&u, usual);
    if (st != OK && u.copy && u.is_ours)
        db_place_drop(u.copy);
    if (st == OK && u.from) {
        db->copy = u.copy;
        u.copy = NULL;
    }
    release(&u);
    return st;
}
