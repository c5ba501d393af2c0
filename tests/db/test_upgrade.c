/* Files that earlier programs wrote, opened by this one (old/make.sh). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "db/admin.h"
#include "db/deleted.h"
#include "tests/check.h"
#include "tests/db/old_files.h"
#include "tests/db/scratch.h"

/* Not a byte changes, and the views say what they said. */
static void readers_of_old_files_get_the_same_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < OLD_FILES_N; i++) {
        struct str before = { 0 }, after = { 0 };
        struct db *db;
        struct err err;

        old_make(&old_files[i]);
        check_ok(file_read(&before, old_path, 1 << 24, &err), err);
        db = old_open(old_path, DB_READ);
        old_check_views(db, old_files[i].name);
        db_close(db);
        check_ok(file_read(&after, old_path, 1 << 24, &err), err);
        assert_int_equal(after.len, before.len);
        assert_memory_equal(after.data, before.data, after.len);
        str_release(&before);
        str_release(&after);
    }
}

/* And the file as it was lies old_beside. */
static void writers_of_old_files_keep_every_row(void **state)
{
    char *copy_name = mem_printf("%s/copy", old_dir);

    (void)state;
    for (size_t i = 0; i < OLD_FILES_N; i++) {
        char *kept = old_beside(old_files[i].tables == 1 ? ".v1" : ".v2");
        sqlite3 *was;
        struct db *db;

        old_make(&old_files[i]);
        was = old_copy();
        db = old_open(old_path, DB_WRITE);
        assert_string_equal(db_copy_kept(db), kept);
        old_check_same(kept, copy_name);
        old_check_upgraded(db, &old_files[i], was);
        db_close(db);
        db = old_open(old_path, DB_WRITE); /* there is nothing left to do */
        assert_null(db_copy_kept(db));
        db_close(db);
        sqlite3_close(was);
        free(kept);
    }
    free(copy_name);
}

static void what_is_the_users_own_stays(void **state)
{
    struct db *db;

    (void)state;
    old_make(&old_files[OF_HIS_OWN]);
    db = old_open(old_path, DB_WRITE);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM mine"), 19);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM sqlite_schema "
                                        "WHERE name IN ('broken','host')"),
                     2);
    assert_int_equal(scratch_number(db, "SELECT instr(sql, 'old_attempt') FROM "
                                        "sqlite_schema WHERE name='note'"),
                     0);
    db_close(db);
}

/* --- the next version ---------------------------------------------------- */

/* A program whose points have two columns more, which a view shows and of which
 * one has a default, and a table more. */
static const char next_upgrade[] =
    "ALTER TABLE point ADD COLUMN kin TEXT NOT NULL DEFAULT 'none';"
    "ALTER TABLE point ADD COLUMN share REAL;"
    "UPDATE point SET kin='import' WHERE trainer='import';"
    "CREATE TABLE extra(x INTEGER) STRICT;";
static const char next_views[] =
    "CREATE TABLE extra(x INTEGER) STRICT;"
    "CREATE VIEW kinds AS SELECT kin, count(share) AS shares, count(*) AS n, "
    "(SELECT count(*) FROM extra) AS extras FROM point GROUP BY kin;";

static char *next_text(void)
{
    const char *at = strstr(schema_today.text, "VIRTUAL\n) STRICT;");
    const size_t n = strlen("VIRTUAL");

    assert_non_null(at);
    return mem_printf("%.*s, kin TEXT NOT NULL DEFAULT 'none', share REAL%s%s",
                      (int)(at - schema_today.text + (ptrdiff_t)n),
                      schema_today.text, at + n, next_views);
}

static struct db *open_next(const char *text, enum db_mode mode)
{
    const char *upgrades[DB_VERSION + 1];
    const struct schema next = { text, upgrades, DB_VERSION + 1 };
    const struct db_how how = { mode, &next, false };
    struct db *db;
    struct err err;

    for (int i = 0; i < DB_VERSION; i++)
        upgrades[i] = schema_today.upgrades[i];
    upgrades[DB_VERSION] = next_upgrade;
    check_ok(db_open_as(&db, old_path, &how, &err), err);
    return db;
}

static void check_kinds(struct db *db, const char *want)
{
    struct str got = { 0 };

    old_add_rows(&got, db->handle, "SELECT * FROM kinds ORDER BY kin", 17);
    assert_string_equal(str_text(&got), want);
    str_release(&got);
}

/* To a reader a column that came later has its default, or NULL; to a writer
 * what the upgrade makes of it. */
static void a_later_program_adds_columns(void **state)
{
    char *text = next_text();

    (void)state;
    for (size_t i = 0; i < OLD_FILES_N; i++) {
        struct db *db;
        struct err err;

        old_make(&old_files[i]);
        db = open_next(text, DB_READ);
        old_check_views(db, old_files[i].name);
        check_kinds(db, "none|0|18|0\n");
        db_close(db);
        db = open_next(text, DB_WRITE);
        old_check_views(db, old_files[i].name);
        check_kinds(db, "import|0|8|0\nnone|0|10|0\n");
        db_close(db);
        assert_int_equal(db_open(&db, old_path, DB_WRITE, &err), ERR_DB);
        check_says(err, "has schema version 4, this qlaw knows 3");
    }
    free(text);
}

/* An upgrade that does not end at the schema, or fails, is undone. */
static void an_upgrade_that_is_wrong_changes_nothing(void **state)
{
    static const char *const wrong[] = { "SELECT 1", "CREATE TABLE run(x)" };
    char *copy_name = mem_printf("%s/copy", old_dir), *kept = old_beside(".v2");

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *upgrades[] = { schema_today.upgrades[0],
                                   schema_today.upgrades[1], wrong[i] };
        const struct schema bad = { schema_today.text, upgrades, 3 };
        const struct db_how how = { DB_WRITE, &bad, false };
        struct db *db;
        struct err err;

        old_make(&old_files[NEWEST_OLD]);
        sqlite3_close(old_copy());
        assert_int_equal(db_open_as(&db, old_path, &how, &err), ERR_DB);
        check_says(err, i == 0 ? "is not as qlaw made it" : "already exists");
        old_check_same(old_path, copy_name);
        assert_int_equal(access(kept, F_OK), -1);
    }
    free(copy_name);
    free(kept);
}

/* schema.sql is what the upgrades lead to: else a new file and an upgraded one
 * would differ. */
static void the_upgrades_lead_to_the_schema(void **state)
{
    char *name = mem_printf("%s/made.db", old_dir);
    struct schema_found found;
    struct err err;
    sqlite3 *h;

    (void)state;
    assert_int_equal(sqlite3_open(name, &h), SQLITE_OK);
    for (int i = 0; i < DB_VERSION; i++)
        assert_int_equal(
            sqlite3_exec(h, schema_today.upgrades[i], NULL, NULL, NULL),
            SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, "PRAGMA user_version=3", NULL, NULL, NULL),
                     SQLITE_OK);
    check_ok(schema_check(&found, h, &schema_today, name, &err), err);
    sqlite3_close(h);
    free(name);
}

/* What was deleted before comes back after: a grid, a run and its fit. */
static void the_deleted_of_an_old_file_come_back(void **state)
{
    struct deleted_sum sum = { 0 };
    struct db *db;
    struct err err;
    int64_t run;

    (void)state;
    old_make(&old_files[NEWEST_OLD]);
    db = old_open(old_path, DB_WRITE);
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
    old_check_sound(db);
    db_close(db);
}

static void a_merge_takes_old_files(void **state)
{
    char *fresh = mem_printf("%s/fresh.db", old_dir);

    (void)state;
    for (size_t i = 0; i < OLD_FILES_N; i++) {
        struct db_merge sum;
        struct db *db;
        struct err err;

        old_make(&old_files[i]);
        unlink(fresh);
        db = old_open(fresh, DB_WRITE);
        check_ok(db_merge(&sum, db, old_path, &err), err);
        old_check_views(db, old_files[i].name);
        old_check_sound(db);
        db_close(db);
    }
    free(fresh);
}

/* With the name of a file: what its views say (old/make.sh). */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        in_folder(readers_of_old_files_get_the_same_answers),
        in_folder(writers_of_old_files_keep_every_row),
        in_folder(what_is_the_users_own_stays),
        in_folder(a_later_program_adds_columns),
        in_folder(an_upgrade_that_is_wrong_changes_nothing),
        in_folder(the_upgrades_lead_to_the_schema),
        in_folder(the_deleted_of_an_old_file_come_back),
        in_folder(a_merge_takes_old_files),
    };

    if (argc > 1) {
        struct db *db = old_open(argv[1], DB_READ);
        struct str out = { 0 };

        old_add_views(&out, db->handle);
        fputs(str_text(&out), stdout);
        str_release(&out);
        db_close(db);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
