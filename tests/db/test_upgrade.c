/* Files that earlier programs wrote, opened by this one (old/make.sh). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "db/admin.h"
#include "db/deleted.h"
#include "db/handle.h"
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

/* --- files of earlier versions ------------------------------------------- */

static const struct old {
    const char *name;
    int tables, version; /* whose tables; what it says of itself */
    const char *after;   /* what its user did to it */
} olds[] = {
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
#define OF_HIS_OWN 4
#define N_OLDS     (sizeof olds / sizeof olds[0])

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
    char *command = mem_printf("rm -f '%s'*", path);

    assert_int_equal(system(command), 0);
    free(command);
}

static void make_old(const struct old *o)
{
    struct str sql = { 0 };
    sqlite3 *h;

    remove_all();
    str_add(&sql, "PRAGMA synchronous=OFF; BEGIN;");
    add_version(&sql, o->tables);
    str_addf(&sql,
             "PRAGMA application_id=1363951959; PRAGMA user_version=%d; %s COMMIT;",
             o->version, o->after);
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

/* The definitions of a new file; the user's own are none of its. */
static void check_definitions(struct db *db)
{
    static const char ask[] = "SELECT type, name, sql FROM sqlite_schema WHERE "
                              "type IN ('view','trigger') AND name NOT IN "
                              "('mine','broken') ORDER BY name";
    struct str got = { 0 }, want = { 0 };
    char *name = mem_printf("%s/new.db", dir);
    struct db *fresh = open_db(name, DB_WRITE);

    add_rows(&got, db_handle(db), ask, 17);
    add_rows(&want, db_handle(fresh), ask, 17);
    assert_string_equal(str_text(&got), str_text(&want));
    assert_int_equal(scratch_number(db, "PRAGMA user_version"), DB_VERSION);
    assert_int_equal(scratch_number(db, "PRAGMA foreign_keys"), 1);
    db_close(fresh);
    str_release(&got);
    str_release(&want);
    free(name);
}

static void check_upgraded(struct db *db, const struct old *o, sqlite3 *was)
{
    struct str before = { 0 }, after = { 0 };

    check_views(db, o->name);
    check_sound(db);
    check_definitions(db);
    add_tables(&before, was, was, db_handle(db));
    add_tables(&after, db_handle(db), was, db_handle(db));
    assert_string_equal(str_text(&before), str_text(&after));
    str_release(&before);
    str_release(&after);
}

static void check_same_file(const char *name, const char *other)
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

static char *beside(const char *suffix)
{
    return mem_printf("%s%s", path, suffix);
}

/* And the file as it was lies beside. */
static void writers_of_old_files_keep_every_row(void **state)
{
    char *copy_name = mem_printf("%s/copy", dir);

    (void)state;
    for (size_t i = 0; i < N_OLDS; i++) {
        char *kept = beside(olds[i].tables == 1 ? ".v1" : ".v2");
        sqlite3 *was;
        struct db *db;

        make_old(&olds[i]);
        was = open_copy();
        db = open_db(path, DB_WRITE);
        assert_string_equal(db_copy_kept(db), kept);
        check_same_file(kept, copy_name);
        check_upgraded(db, &olds[i], was);
        db_close(db);
        db = open_db(path, DB_WRITE); /* there is nothing left to do */
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
    make_old(&olds[OF_HIS_OWN]);
    db = open_db(path, DB_WRITE);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM mine"), 19);
    assert_int_equal(scratch_number(db, "SELECT count(*) FROM sqlite_schema "
                                        "WHERE name IN ('broken','host')"),
                     2);
    assert_int_equal(scratch_number(db, "SELECT instr(sql, 'old_attempt') FROM "
                                        "sqlite_schema WHERE name='note'"),
                     0);
    db_close(db);
}

/* --- the copy ------------------------------------------------------------ */

/* That of an earlier try is used if it is one, and never written over. */
static void a_file_beside_is_not_written_over(void **state)
{
    char *first = beside(".v2"), *second = beside(".v2-2");
    struct str text = { 0 };
    struct db *db;
    struct err err;

    (void)state;
    make_old(&olds[N_OLDS - 1]);
    check_ok(file_read(&text, path, 1 << 24, &err), err);
    check_ok(file_replace(first, text.data, text.len, &err), err);
    db = open_db(path, DB_WRITE);
    assert_string_equal(db_copy_kept(db), first);
    assert_int_equal(access(second, F_OK), -1);
    db_close(db);
    make_old(&olds[N_OLDS - 1]);
    check_ok(file_replace(first, "precious", 8, &err), err);
    db = open_db(path, DB_WRITE);
    assert_string_equal(db_copy_kept(db), second);
    db_close(db);
    str_release(&text);
    check_ok(file_read(&text, first, 100, &err), err);
    assert_string_equal(str_text(&text), "precious");
    str_release(&text);
    free(first);
    free(second);
}

/* No file can be longer than size bytes. */
static enum status open_without_room(rlim_t size, struct err *err)
{
    struct rlimit before, small;
    struct db *db = NULL;
    enum status st;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    st = db_open(&db, path, DB_WRITE, err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    db_close(db);
    return st;
}

static void without_room_nothing_changes(void **state)
{
    char *kept = beside(".v2"), *copy_name = mem_printf("%s/copy", dir);
    struct stat sb;
    struct err err;

    (void)state;
    make_old(&olds[N_OLDS - 1]);
    sqlite3_close(open_copy());
    assert_int_equal(stat(path, &sb), 0);
    assert_int_equal(open_without_room((rlim_t)sb.st_size / 2, &err), ERR_IO);
    check_says(err, "is not upgraded without a copy of it as it is: ");
    check_same_file(path, copy_name);
    assert_int_equal(access(kept, F_OK), -1);
    free(kept);
    free(copy_name);
}

/* The file may be written, the folder not; root may write everywhere, so it is
 * somebody else who tries. */
static void in_a_folder_that_is_closed_nothing_changes(void **state)
{
    char *copy_name = mem_printf("%s/copy", dir);
    int status;

    (void)state;
    make_old(&olds[N_OLDS - 1]);
    sqlite3_close(open_copy());
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(chmod(dir, 0555), 0);
    if (fork() == 0) {
        struct db *db;
        struct err err;

        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(2);
        _exit(db_open(&db, path, DB_WRITE, &err) != ERR_IO ||
              !strstr(err.text, "without a copy of it as it is"));
    }
    assert_true(wait(&status) > 0);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(dir, 0700), 0);
    check_same_file(path, copy_name);
    free(copy_name);
}

/* --- more than one, and none to the end ---------------------------------- */

/* Eight writers find an old file at once. */
static void many_writers_upgrade_one_file_once(void **state)
{
    char *second = beside(".v1-2");
    struct db *db;

    (void)state;
    make_old(&olds[0]);
    for (int i = 0; i < 8; i++)
        if (fork() == 0) {
            struct err err;

            _exit(db_open(&db, path, DB_WRITE, &err) != OK);
        }
    for (int i = 0; i < 8; i++) {
        int status;

        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(access(second, F_OK), -1);
    db = open_db(path, DB_READ);
    assert_int_equal(scratch_number(db, "PRAGMA user_version"), DB_VERSION);
    check_views(db, "after eight writers");
    db_close(db);
    free(second);
}

/* Who is killed leaves an old file or a new one: the next writer goes on from
 * there.  *done: it was new. */
static void kill_an_upgrade(bool *done, double after_s)
{
    const struct timespec pause = { .tv_nsec = (long)(1e9 * after_s) };
    const pid_t pid = fork();
    sqlite3 *h;
    struct str version = { 0 };

    if (pid == 0) {
        struct db *db;
        struct err err;

        _exit(db_open(&db, path, DB_WRITE, &err) != OK);
    }
    nanosleep(&pause, NULL);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(sqlite3_open(path, &h), SQLITE_OK); /* undoes the half */
    add_rows(&version, h, "PRAGMA user_version", 17);
    sqlite3_close(h);
    *done = strcmp(str_text(&version), "2\n") != 0;
    if (*done)
        assert_string_equal(str_text(&version), "3\n");
    str_release(&version);
}

static double time_of_an_upgrade(void)
{
    double start;

    make_old(&olds[N_OLDS - 1]);
    start = clock_monotonic();
    db_close(open_db(path, DB_WRITE));
    return clock_monotonic() - start;
}

static void killed_at_any_moment_it_is_old_or_new(void **state)
{
    const int rounds = 40;
    double span_s = 1.3 * time_of_an_upgrade();
    int n_done = 0, n = 0;

    (void)state;
    for (int i = 0; i < rounds || (n_done == 0 && i < 2 * rounds); i++) {
        sqlite3 *was;
        struct db *db;
        bool done;

        make_old(&olds[N_OLDS - 1]);
        was = open_copy();
        kill_an_upgrade(&done, fmin(0.9, span_s * (i % rounds) / rounds));
        n_done += done;
        n++;
        if (i % 10 == 9 && n_done == 0)
            span_s *= 2; /* the machine has become slower meanwhile */
        db = open_db(path, DB_READ);
        check_views(db, "killed");
        db_close(db);
        db = open_db(path, DB_WRITE);
        check_upgraded(db, &olds[N_OLDS - 1], was);
        db_close(db);
        sqlite3_close(was);
    }
    print_message("%d of %d were done when they were killed, over %.3f s\n",
                  n_done, n, span_s);
    assert_in_range(n_done, 1, n - 1); /* else this shows nothing */
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
    check_ok(db_open_as(&db, path, &how, &err), err);
    return db;
}

static void check_kinds(struct db *db, const char *want)
{
    struct str got = { 0 };

    add_rows(&got, db_handle(db), "SELECT * FROM kinds ORDER BY kin", 17);
    assert_string_equal(str_text(&got), want);
    str_release(&got);
}

/* To a reader a column that came later has its default, or NULL; to a writer
 * what the upgrade makes of it. */
static void a_later_program_adds_columns(void **state)
{
    char *text = next_text();

    (void)state;
    for (size_t i = 0; i < N_OLDS; i++) {
        struct db *db;
        struct err err;

        make_old(&olds[i]);
        db = open_next(text, DB_READ);
        check_views(db, olds[i].name);
        check_kinds(db, "none|0|18|0\n");
        db_close(db);
        db = open_next(text, DB_WRITE);
        check_views(db, olds[i].name);
        check_kinds(db, "import|0|8|0\nnone|0|10|0\n");
        db_close(db);
        assert_int_equal(db_open(&db, path, DB_WRITE, &err), ERR_DB);
        check_says(err, "has schema version 4, this qlaw knows 3");
    }
    free(text);
}

/* An upgrade that does not end at the schema, or fails, is undone. */
static void an_upgrade_that_is_wrong_changes_nothing(void **state)
{
    static const char *const wrong[] = { "SELECT 1", "CREATE TABLE run(x)" };
    char *copy_name = mem_printf("%s/copy", dir), *kept = beside(".v2");

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *upgrades[] = { schema_today.upgrades[0],
                                   schema_today.upgrades[1], wrong[i] };
        const struct schema bad = { schema_today.text, upgrades, 3 };
        const struct db_how how = { DB_WRITE, &bad, false };
        struct db *db;
        struct err err;

        make_old(&olds[N_OLDS - 1]);
        sqlite3_close(open_copy());
        assert_int_equal(db_open_as(&db, path, &how, &err), ERR_DB);
        check_says(err, i == 0 ? "is not as qlaw made it" : "already exists");
        check_same_file(path, copy_name);
        assert_int_equal(access(kept, F_OK), -1);
    }
    free(copy_name);
    free(kept);
}

/* schema.sql is what the upgrades lead to: else a new file and an upgraded one
 * would differ. */
static void the_upgrades_lead_to_the_schema(void **state)
{
    char *name = mem_printf("%s/made.db", dir);
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
        in_folder(what_is_the_users_own_stays),
        in_folder(a_file_beside_is_not_written_over),
        in_folder(without_room_nothing_changes),
        in_folder(in_a_folder_that_is_closed_nothing_changes),
        in_folder(many_writers_upgrade_one_file_once),
        in_folder(killed_at_any_moment_it_is_old_or_new),
        in_folder(a_later_program_adds_columns),
        in_folder(an_upgrade_that_is_wrong_changes_nothing),
        in_folder(the_upgrades_lead_to_the_schema),
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
