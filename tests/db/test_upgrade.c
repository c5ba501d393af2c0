/* Files that earlier programs wrote, opened by this one (old/make.sh). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "db/admin.h"
#include "db/deleted.h"
#include "tests/check.h"
#include "tests/db/scratch.h"

static char dir[32], path[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/qlaw-up-XXXXXX");
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/qlaw.db", dir);
    return 0;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static struct db *open_db(const char *name, enum db_mode mode)
{
    struct db *db;
    struct err err;

    check_ok(db_open(&db, name, mode, &err), err);
    return db;
}

/* --- what a file says
 * ---------------------------------------------------------- */

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
static void add_rows(struct str *out, sqlite3 *h, const char *sql, int digits)
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
static void add_views(struct str *out, sqlite3 *h)
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
        add_rows(out, h, sql, 12);
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
    add_rows(&theirs, other, sql, 17);
    add_rows(&mine, h, sql, 17);
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

    add_rows(&names, was,
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
            add_rows(out, h, sql, 17);
        free(columns);
        free(sql);
    }
    str_release(&names);
}

/* --- files of earlier versions
 * -------------------------------------------------- */

static const struct old {
    const char *name;
    int tables, version; /* whose tables; what it says of itself */
} olds[] = {
    { "version 1", 1, 1 },
    { "version 2 before there were tags", 1, 2 },
    { "version 2", 2, 2 },
};
#define N_OLDS (sizeof olds / sizeof olds[0])

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

static void make_old(const struct old *o)
{
    struct str sql = { 0 };
    sqlite3 *h;

    unlink(path);
    add_version(&sql, o->tables);
    str_addf(&sql, "PRAGMA application_id=1363951959; PRAGMA user_version=%d;",
             o->version);
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK);
    if (sqlite3_exec(h, str_text(&sql), NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", o->name, sqlite3_errmsg(h));
    sqlite3_close(h);
    str_release(&sql);
}

static void check_views(struct db *db, const char *of)
{
    struct str got = { 0 }, want = { 0 };

    read_text(&want, "views-2.txt");
    add_views(&got, db_handle(db));
    if (strcmp(str_text(&got), str_text(&want)) != 0)
        fail_msg("%s: the views say\n%s", of, str_text(&got));
    str_release(&got);
    str_release(&want);
}

/* Not a byte changes, and the views say what they said. */
static void readers_of_old_files_get_the_same_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OLDS; i++) {
        struct str before = { 0 }, after = { 0 };
        struct db *db;
        struct err err;

        make_old(&olds[i]);
        check_ok(file_read(&before, path, 1 << 24, &err), err);
        db = open_db(path, DB_READ);
        check_views(db, olds[i].name);
        db_close(db);
        check_ok(file_read(&after, path, 1 << 24, &err), err);
        assert_int_equal(after.len, before.len);
        assert_memory_equal(after.data, before.data, after.len);
        str_release(&before);
        str_release(&after);
    }
}

/* A copy of the file as it was, to compare with. */
static sqlite3 *open_copy(void)
{
    char *command = mem_printf("cp '%s' '%s/copy'", path, dir);
    char *name = mem_printf("%s/copy", dir);
    sqlite3 *h;

    assert_int_equal(system(command), 0);
    assert_int_equal(sqlite3_open(name, &h), SQLITE_OK);
    free(command);
    free(name);
    return h;
}

static void check_sound(struct db *db)
{
    struct str out = { 0 };
    struct err err;
    int problems;

    check_ok(db_check(&problems, &out, db, &err), err);
    if (problems > 0)
        fail_msg("%s", str_text(&out));
    str_release(&out);
}

static void writers_of_old_files_keep_every_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_OLDS; i++) {
        struct str before = { 0 }, after = { 0 };
        sqlite3 *copy;
        struct db *db;

        make_old(&olds[i]);
        copy = open_copy();
        db = open_db(path, DB_WRITE);
        check_views(db, olds[i].name);
        check_sound(db);
        add_tables(&before, copy, copy, db_handle(db));
        add_tables(&after, db_handle(db), copy, db_handle(db));
        assert_string_equal(str_text(&before), str_text(&after));
        assert_int_equal(scratch_number(db, "PRAGMA user_version"), DB_VERSION);
        sqlite3_close(copy);
        db_close(db);
        str_release(&before);
        str_release(&after);
    }
}

/* What was deleted before comes back after: a grid, a run and its fit. */
static void the_deleted_of_an_old_file_come_back(void **state)
{
    struct deleted_sum sum = { 0 };
    struct db *db;
    struct err err;
    int64_t run;

    (void)state;
    make_old(&olds[N_OLDS - 1]);
    db = open_db(path, DB_WRITE);
    check_ok(db_begin(db, &err), err);
    check_ok(deleted_back_grid(&sum, db, "gone", &err), err);
    check_ok(deleted_find_run(&run, db, "28", &err), err);
    check_ok(deleted_back_run(&sum, db, run, &err), err);
    check_ok(deleted_back_fits(&sum, db, &err), err);
    check_ok(db_commit(db, &err), err);
    assert_int_equal(sum.fits, 1);
    assert_int_equal(scratch_number(db, "SELECT group_concat(run_id)='28,29' "
                                        "FROM runs WHERE run_id > 27"),
                     1);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM fits"), 2);
    check_sound(db);
    db_close(db);
}

static void a_merge_takes_old_files(void **state)
{
    char *fresh = mem_printf("%s/fresh.db", dir);

    (void)state;
    for (size_t i = 0; i < N_OLDS; i++) {
        struct db_merge sum;
        struct db *db;
        struct err err;

        make_old(&olds[i]);
        unlink(fresh);
        db = open_db(fresh, DB_WRITE);
        check_ok(db_merge(&sum, db, path, &err), err);
        check_views(db, olds[i].name);
        check_sound(db);
        db_close(db);
    }
    free(fresh);
}

#define in_folder(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* With the name of a file: what its views say (old/make.sh). */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        in_folder(readers_of_old_files_get_the_same_answers),
        in_folder(writers_of_old_files_keep_every_row),
        in_folder(the_deleted_of_an_old_file_come_back),
        in_folder(a_merge_takes_old_files),
    };

    if (argc > 1) {
        struct db *db = open_db(argv[1], DB_READ);
        struct str out = { 0 };

        add_views(&out, db_handle(db));
        fputs(str_text(&out), stdout);
        str_release(&out);
        db_close(db);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
