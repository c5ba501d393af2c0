#include "tests/db/old_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "db/admin.h"
#include "tests/check.h"
#include "tests/db/scratch.h"

char old_dir[32], old_path[64];

int old_set_up(void **state)
{
    (void)state;
    strcpy(old_dir, "/tmp/qlaw-up-XXXXXX");
    if (!mkdtemp(old_dir))
        return 1;
    snprintf(old_path, sizeof old_path, "%s/qlaw.db", old_dir);
    return 0;
}

int old_tear_down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", old_dir);
    return system(command);
}

struct db *old_open(const char *name, enum db_mode mode)
{
    struct db *db;
    struct err err;

    check_ok(db_open(&db, name, mode, &err), err);
    return db;
}

/* --- what a file says ---------------------------------------------------- */

static void add_cell(struct str *out, sqlite3_stmt *stmt, int i, int digits)
{
    const unsigned char *blob;

    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_NULL:
        break;
    case SQLITE_FLOAT:
        str_addf(out, "%.*g", digits, sqlite3_column_double(stmt, i));
        break;
    case SQLITE_BLOB:
        blob = sqlite3_column_blob(stmt, i);
        for (int k = 0; k < sqlite3_column_bytes(stmt, i); k++)
            str_addf(out, "%02x", blob[k]);
        break;
    default:
        str_add(out, (const char *)sqlite3_column_text(stmt, i));
    }
}

/* Rows of a question as text, a line each; digits of its reals: SQLites add up
 * in more ways than one. */
void old_add_rows(struct str *out, sqlite3 *h, const char *sql, int digits)
{
    sqlite3_stmt *stmt;
    int code;

    if (sqlite3_prepare_v2(h, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(h));
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            add_cell(out, stmt, i, digits);
            str_add(out, i + 1 < sqlite3_column_count(stmt) ? "|" : "\n");
        }
    if (code != SQLITE_DONE)
        fail_msg("%s: %s", sql, sqlite3_errmsg(h));
    sqlite3_finalize(stmt);
}

/* The public views; those within a session of a reader shadow the file's. */
void old_add_views(struct str *out, sqlite3 *h)
{
    static const struct {
        const char *name, *order;
    } views[] = {
        { "current_grid", "1" }, { "quantized", "1" },
        { "runs", "1" },         { "points", "1" },
        { "deltas", "1" },       { "cells", "1,2" },
        { "degradation", "1" },  { "best_split", "1,2,3,4" },
        { "failures", "1" },     { "curves", "1,2" },
        { "progress", "1" },     { "fits", "1" },
    };

    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        char *sql = mem_printf("SELECT * FROM %s ORDER BY %s", views[i].name,
                               views[i].order);

        str_addf(out, "--- %s\n", views[i].name);
        old_add_rows(out, h, sql, 12);
        free(sql);
    }
}

/* The columns of a table that other has too, with ", " between; the caller
 * frees them. */
static char *shared_columns(sqlite3 *h, sqlite3 *other, const char *table)
{
    char *sql = mem_printf("SELECT name FROM pragma_table_info('%s')", table);
    struct str mine = { 0 }, theirs = { 0 }, out = { 0 };

    str_add_char(&theirs, '\n');
    old_add_rows(&theirs, other, sql, 17);
    old_add_rows(&mine, h, sql, 17);
    for (const char *p = str_text(&mine); *p; p += strcspn(p, "\n") + 1) {
        const int n = (int)strcspn(p, "\n");
        char *line = mem_printf("\n%.*s\n", n, p);

        if (strstr(str_text(&theirs), line))
            str_addf(&out, "%s%.*s", out.len ? ", " : "", n, p);
        free(line);
    }
    free(sql);
    sql = mem_strdup(str_text(&out));
    str_release(&mine);
    str_release(&theirs);
    str_release(&out);
    return sql;
}

/* What h holds in the tables and columns that two files share. */
static void add_tables(struct str *out, sqlite3 *h, sqlite3 *was, sqlite3 *now)
{
    struct str names = { 0 };

    old_add_rows(&names, was,
                 "SELECT name FROM main.sqlite_schema WHERE type='table' AND "
                 "name NOT LIKE 'sqlite_%' ORDER BY name",
                 17);
    for (char *p = names.data; p && *p; p += strlen(p) + 1) {
        char *columns, *sql;

        p[strcspn(p, "\n")] = '\0';
        columns = shared_columns(was, now, p);
        sql = mem_printf("SELECT %s FROM main.%s ORDER BY 1,2", columns, p);
        str_addf(out, "--- %s\n", p);
        if (*columns)
            old_add_rows(out, h, sql, 17);
        free(columns);
        free(sql);
    }
    str_release(&names);
}

/* --- files of earlier versions ------------------------------------------- */

const struct old old_files[OLD_FILES_N] = {
    { "version 1", 1, 1, "" },
    { "version 1 without views", 1, 1, "DROP VIEW fits; DROP VIEW grid_run;" },
    { "version 1 with a view of ours that is his", 1, 1,
      "DROP VIEW runs; CREATE VIEW runs AS SELECT 7 AS run_id;" },
    { "version 2 before there were tags", 1, 2, "" },
    { "version 2 with things of his own", 2, 2,
      "CREATE VIEW mine AS SELECT run_id, loss FROM runs WHERE loss < 3;"
      "CREATE VIEW broken AS SELECT what FROM nowhere;"
      "CREATE INDEX host ON attempt(host);"
      "CREATE TABLE note(run_id REFERENCES run, attempt REFERENCES attempt);"
      "INSERT INTO note VALUES(1, 1);" },
    { "version 2", 2, 2, "" },
};

static void read_text(struct str *out, const char *name)
{
    char *file = mem_printf("%s/%s", OLD_FILES, name);
    struct err err;

    check_ok(file_read(out, file, 1 << 20, &err), err);
    free(file);
}

/* Rows of tables that are in the schema: version 1 has those of version 2. */
static void add_rows_for(struct str *out, const char *schema)
{
    struct str rows = { 0 };

    read_text(&rows, "rows-2.sql");
    for (const char *p = str_text(&rows); *p; p += strcspn(p, "\n") + 1) {
        const char *name = p + strlen("INSERT INTO ");
        char *table = mem_printf("TABLE %.*s(", (int)strcspn(name, " "), name);

        if (strstr(schema, table))
            str_addf(out, "%.*s\n", (int)strcspn(p, "\n"), p);
        free(table);
    }
    str_release(&rows);
}

/* Rows go in before there are triggers, which would count them again. */
static void add_version(struct str *out, int version)
{
    char *name = mem_printf("schema-%d.sql", version);
    struct str schema = { 0 };
    const char *rest;

    read_text(&schema, name);
    rest = strstr(str_text(&schema), "CREATE TRIGGER");
    assert_non_null(rest);
    str_add_n(out, schema.data, (size_t)(rest - schema.data));
    add_rows_for(out, str_text(&schema));
    str_add(out, rest);
    str_release(&schema);
    free(name);
}

/* The database and every copy of it. */
static void remove_all(void)
{
    char *command = mem_printf("rm -f '%s'*", old_path);

    assert_int_equal(system(command), 0);
    free(command);
}

void old_make(const struct old *o)
{
    struct str sql = { 0 };
    sqlite3 *h;

    remove_all();
    str_add(&sql, "PRAGMA synchronous=OFF; BEGIN;");
    add_version(&sql, o->tables);
    str_addf(
        &sql,
        "PRAGMA application_id=1363951959; PRAGMA user_version=%d; %s COMMIT;",
        o->version, o->after);
    assert_int_equal(sqlite3_open(old_path, &h), SQLITE_OK);
    if (sqlite3_exec(h, str_text(&sql), NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", o->name, sqlite3_errmsg(h));
    sqlite3_close(h);
    str_release(&sql);
}

/* Line by line; columns that later views have behind the old ones are empty for
 * what old programs wrote. */
static bool same_views(const char *got, const char *want)
{
    while (*got && *want) {
        const size_t m = strcspn(got, "\n"), n = strcspn(want, "\n");

        if (m < n || memcmp(got, want, n) != 0 || strspn(got + n, "|") < m - n)
            return false;
        got += m + (got[m] == '\n');
        want += n + (want[n] == '\n');
    }
    return !*got && !*want;
}

void old_check_views(struct db *db, const char *of)
{
    struct str got = { 0 }, want = { 0 };

    read_text(&want, "views-2.txt");
    old_add_views(&got, db->handle);
    if (!same_views(str_text(&got), str_text(&want)))
        fail_msg("%s: the views say\n%s", of, str_text(&got));
    str_release(&got);
    str_release(&want);
}

/* A copy of the file as it was, to compare with. */
sqlite3 *old_copy(void)
{
    char *command = mem_printf("cp '%s' '%s/copy'", old_path, old_dir);
    char *name = mem_printf("%s/copy", old_dir);
    sqlite3 *h;

    assert_int_equal(system(command), 0);
    assert_int_equal(sqlite3_open(name, &h), SQLITE_OK);
    free(command);
    free(name);
    return h;
}

void old_check_sound(struct db *db)
{
    struct str out = { 0 };
    struct err err;
    int problems;

    check_ok(db_check(&problems, &out, db, &err), err);
    if (problems > 0)
        fail_msg("%s", str_text(&out));
    str_release(&out);
}

/* The definitions of a new file; the user's own are none of its. */
static void check_definitions(struct db *db)
{
    static const char ask[] = "SELECT type, name, sql FROM sqlite_schema WHERE "
                              "type IN ('view','trigger') AND name NOT IN "
                              "('mine','broken') ORDER BY name";
    struct str got = { 0 }, want = { 0 };
    char *name = mem_printf("%s/new.db", old_dir);
    struct db *fresh = old_open(name, DB_WRITE);

    old_add_rows(&got, db->handle, ask, 17);
    old_add_rows(&want, fresh->handle, ask, 17);
    assert_string_equal(str_text(&got), str_text(&want));
    assert_int_equal(scratch_number(db, "PRAGMA user_version"), DB_VERSION);
    assert_int_equal(scratch_number(db, "PRAGMA foreign_keys"), 1);
    db_close(fresh);
    str_release(&got);
    str_release(&want);
    free(name);
}

void old_check_upgraded(struct db *db, const struct old *o, sqlite3 *was)
{
    struct str before = { 0 }, after = { 0 };

    old_check_views(db, o->name);
    old_check_sound(db);
    check_definitions(db);
    add_tables(&before, was, was, db->handle);
    add_tables(&after, db->handle, was, db->handle);
    assert_string_equal(str_text(&before), str_text(&after));
    str_release(&before);
    str_release(&after);
}

void old_check_same(const char *name, const char *other)
{
    struct str a = { 0 }, b = { 0 };
    struct err err;

    check_ok(file_read(&a, name, 1 << 24, &err), err);
    check_ok(file_read(&b, other, 1 << 24, &err), err);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    str_release(&a);
    str_release(&b);
}

char *old_beside(const char *suffix)
{
    return mem_printf("%s%s", old_path, suffix);
}
