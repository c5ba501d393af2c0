#include "harness/store/marks.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "db/deleted.h"
#include "db/need_grid.h"
#include "harness/proto/record.h"
#include "harness/store/store.h"

/* --- writing ---------------------------------------------------------------
 */

static const char all_marks[] =
    "SELECT json_object('deleted_grids', (SELECT json_group_array(grid) FROM "
    "(SELECT DISTINCT grid FROM deleted WHERE kind='grid')), 'deleted_runs', "
    "(SELECT json_group_array(json_array(point_id, seed)) FROM deleted WHERE "
    "kind='run' AND grid IS NULL), 'renamed', (SELECT "
    "json_group_array(json_array(substr(key, 9), value, substr(key, 9) IN "
    "(SELECT name FROM grid), (SELECT json_group_array(ini_sha256) FROM grid "
    "WHERE name=value), (SELECT json_group_array(ini_sha256) FROM grid WHERE "
    "name=substr(key, 9)))) FROM meta WHERE key GLOB 'renamed:*'), 'tags', "
    "(SELECT json_group_array(CASE WHEN run_id IS NULL THEN json_array(tag, "
    "grid) ELSE json_array(tag, point_id, seed) END) FROM tag LEFT JOIN run "
    "USING(run_id)))";

static const char no_marks[] =
    "{\"deleted_grids\":[],\"deleted_runs\":[],\"renamed\":[],\"tags\":[]}";

static enum status write_text(struct db *db, const char *folder,
                              const char *path, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row;
    enum status st = db_prepare(&stmt, db, all_marks, err);

    if (st == OK)
        st = db_step(&row, db, stmt, err);
    if (st == OK) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);

        /* Nobody said anything yet: no file. */
        if (strcmp(text, no_marks) != 0 || access(path, F_OK) == 0)
            st = file_make_dirs(folder, err);
        else
            text = NULL;
        if (st == OK && text)
            st = file_replace(path, text, strlen(text), err);
        sqlite3_reset(stmt);
    }
    return st;
}

enum status marks_write(struct db *db, const char *db_path, struct err *err)
{
    char *root = record_root(db_path), store[RECORD_TOKEN];
    char *folder = mem_printf("%s/marks", root), *path = NULL;
    enum status st = store_name(store, db, err);

    if (st == OK) {
        path = mem_printf("%s/%s.json", folder, store);
        st = write_text(db, folder, path, err);
    }
    free(path);
    free(folder);
    free(root);
    return st;
}

/* --- other names -------------------------------------------------------------
 */

static const char *const rename_steps[] = {
    "UPDATE grid SET name=?2 WHERE name=?1",
    "UPDATE tag SET grid=?2 WHERE grid=?1",
    /* The command that makes the same fit again names the grid, too. */
    "UPDATE fit SET name=CASE WHEN substr(name, 1, length(?1)+1)=?1||' ' THEN "
    "?2||substr(name, length(?1)+1) ELSE name END, "
    "selection=json_set(selection, '$.grid', ?2, coalesce('$.argv['||(SELECT "
    "min(key) FROM json_each(selection, '$.argv') WHERE value=?1)||']', "
    "'$.grid'), ?2) WHERE json_extract(selection, '$.grid')=?1",
    /* Where a name has gone, in one step. */
    "UPDATE meta SET value=?2 WHERE key GLOB 'renamed:*' AND value=?1",
    "INSERT OR REPLACE INTO meta(key, value) VALUES('renamed:'||?1, ?2)",
    "DELETE FROM meta WHERE key='renamed:'||?2",
};

enum status marks_rename(int64_t *fits, struct db *db, const char *from,
                         const char *to, struct err *err)
{
    enum status st = OK;

    for (size_t i = 0;
         i < sizeof rename_steps / sizeof rename_steps[0] && st == OK; i++) {
        st = db_run(db, err, rename_steps[i], "tt", from, to);
        if (fits && i == 2)
            *fits = sqlite3_changes(db_handle(db));
    }
    return st;
}

/* --- a database made again
 * ----------------------------------------------------- */

static const char *text_at(const json_t *list, size_t i)
{
    const char *text = json_string_value(json_array_get(list, i));

    return text ? text : "";
}

/* A grid that was begun again under its old name has records of both: its texts
 * with their points, those of the list ?3 where there is one, get the new name,
 * and the old one keeps what is not in that list, or is in ?4, too. */
static const char *const both_steps[] = {
    "INSERT INTO grid(name, ini_text, ini_sha256, argv, created_at) SELECT ?2, "
    "ini_text, ini_sha256, argv, created_at FROM grid WHERE name=?1 AND (?3 IS "
    "NULL OR ini_sha256 IN (SELECT value FROM json_each(?3))) AND ?4 IS ?4 "
    "ORDER BY grid_id",
    "INSERT INTO grid_point(grid_id, point_id, ordinal, block, priority, "
    "seeds) SELECT n.grid_id, p.point_id, p.ordinal, p.block, p.priority, "
    "p.seeds FROM grid_point p JOIN grid o USING(grid_id) JOIN grid n ON "
    "n.ini_sha256=o.ini_sha256 AND n.name=?2 WHERE o.name=?1 AND ?3 IS ?3 AND "
    "?4 IS ?4",
    "DELETE FROM grid WHERE name=?1 AND ?2 IS ?2 AND ini_sha256 IN (SELECT "
    "value FROM json_each(?3)) AND ini_sha256 NOT IN (SELECT value FROM "
    "json_each(?4))",
    "INSERT OR REPLACE INTO meta(key, value) SELECT 'renamed:'||?1, ?2 WHERE "
    "?3 IS ?3 AND ?4 IS ?4",
};

/* Texts of that name that were begun after the mark was written. */
static enum status other_texts(int64_t *n, struct db *db, const char *name,
                               const char *moved, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    enum status st = db_prepare(
        &stmt, db,
        "SELECT count(*) FROM grid WHERE name=? AND ini_sha256 NOT IN (SELECT "
        "value FROM json_each(?))",
        err);

    if (st != OK)
        return st;
    db_bind(stmt, "tt", name, moved);
    st = db_step(&row, db, stmt, err);
    if (st == OK && row) {
        *n = sqlite3_column_int64(stmt, 0);
        sqlite3_reset(stmt);
    }
    return st;
}

/* The list of a mark as text, "[...]"; NULL: an earlier version wrote none. */
static char *list_at(const json_t *mark, size_t i)
{
    const json_t *list = json_array_get(mark, i);

    return json_is_array(list) ? json_canonical_text(list) : NULL;
}

static enum status rename_both(struct db *db, const json_t *r, struct err *err)
{
    char *moved = list_at(r, 3), *stayed = list_at(r, 4);
    enum status st = OK;

    for (size_t i = 0; i < sizeof both_steps / sizeof both_steps[0] && st == OK;
         i++)
        st = db_run(db, err, both_steps[i], "tttt", text_at(r, 0),
                    text_at(r, 1), moved, stayed);
    free(moved);
    free(stayed);
    return st;
}

static enum status rename_again(struct db *db, const json_t *r, struct err *err)
{
    const char *from = text_at(r, 0), *to = text_at(r, 1);
    char *moved = list_at(r, 3);
    bool taken = false;
    int64_t others = json_integer_value(json_array_get(r, 2));
    enum status st = db_has_grid(&taken, db, to, err);

    if (st == OK && moved && !others)
        st = other_texts(&others, db, from, moved, err);
    free(moved);
    if (st != OK || taken || !*to)
        return st;
    return others ? rename_both(db, r, err)
                  : marks_rename(NULL, db, from, to, err);
}

static enum status tag_again(struct db *db, const json_t *t, struct err *err)
{
    if (json_array_size(t) == 2)
        return db_run(db, err,
                      "INSERT OR IGNORE INTO tag(tag, grid) SELECT ?1, ?2 "
                      "WHERE ?2 IN (SELECT name FROM grid)",
                      "tt", text_at(t, 0), text_at(t, 1));
    return db_run(db, err,
                  "INSERT OR IGNORE INTO tag(tag, run_id) SELECT ?, run_id "
                  "FROM run WHERE point_id=? AND seed=?",
                  "tti", text_at(t, 0), text_at(t, 1),
                  (int64_t)json_integer_value(json_array_get(t, 2)));
}

static enum status delete_run_again(struct db *db, const json_t *r,
                                    struct err *err)
{
    struct deleted_sum sum = { 0 };
    sqlite3_stmt *stmt;
    int64_t id = 0;
    bool row = false;
    enum status st = db_prepare(
        &stmt, db, "SELECT run_id FROM run WHERE point_id=? AND seed=?", err);

    if (st != OK)
        return st;
    db_bind(stmt, "ti", text_at(r, 0),
            (int64_t)json_integer_value(json_array_get(r, 1)));
    st = db_step(&row, db, stmt, err);
    if (st == OK && row)
        id = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    return st == OK && row ? deleted_put_run(&sum, db, id, err) : st;
}

static enum status delete_grid_again(struct db *db, const json_t *name,
                                     struct err *err)
{
    const char *text = json_string_value(name);
    struct deleted_sum sum = { 0 };
    bool there = false;
    enum status st = db_has_grid(&there, db, text ? text : "", err);

    return st == OK && there ? deleted_put_grid(&sum, db, text, err) : st;
}

enum status marks_apply(struct db *db, const json_t *marks, struct err *err)
{
    static const struct {
        const char *key;
        enum status (*apply)(struct db *, const json_t *, struct err *);
    } kinds[] = {
        { "renamed", rename_again },
        { "tags", tag_again },
        { "deleted_runs", delete_run_again },
        { "deleted_grids", delete_grid_again },
    };
    enum status st = db_begin(db, err);

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        const json_t *list = json_object_get(marks, kinds[k].key);

        for (size_t i = 0; i < json_array_size(list) && st == OK; i++)
            st = kinds[k].apply(db, json_array_get(list, i), err);
    }
    if (st == OK)
        st = db_commit(db, err);
    if (st != OK)
        db_rollback(db);
    return st;
}

/* --- records of what is gone for good
 * -------------------------------------------- */

/* Does anybody else's attempt stand in the records? */
struct owners {
    const char *ours;
    bool others;
};

static void see_owner(void *ctx, const struct attempt_begin *b)
{
    struct owners *o = ctx;

    if (strcmp(b->store, o->ours) != 0)
        o->others = true;
}

/* The folder of a run holds files only; true when it is gone. */
static bool remove_folder(const char *folder)
{
    DIR *d = opendir(folder);
    const struct dirent *e;

    if (!d)
        return true; /* a run that never began has none */
    while ((e = readdir(d))) {
        char *path = mem_printf("%s/%s", folder, e->d_name);

        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlink(path);
        free(path);
    }
    closedir(d);
    return rmdir(folder) == 0;
}

static bool purge_run(const char *folder, const char *store)
{
    struct owners o = { .ours = store };
    const struct record_reader reader = { .begin = see_owner, .ctx = &o };

    record_read(folder, &reader, NULL);
    return !o.others && remove_folder(folder);
}

static enum status purge_runs(int *left, struct db *db, const char *db_path,
                              const char *store, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(
        &stmt, db, "SELECT point_id, seed FROM deleted WHERE kind='run'", err);

    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row) {
        char *folder =
            record_folder(db_path, (const char *)sqlite3_column_text(stmt, 0),
                          (uint64_t)sqlite3_column_int64(stmt, 1));

        *left += !purge_run(folder, store);
        free(folder);
    }
    return st;
}

/* The hashes are in the file, but what they name stays inside the folder. */
static void purge_versions(const char *root, const char *hashes)
{
    for (const char *p = hashes; *p; p += strcspn(p, " "), p += *p == ' ') {
        char *path = mem_printf("%s/grids/%.16s.json", root, p);

        if (strspn(p, "0123456789abcdef") >= 16)
            unlink(path);
        free(path);
    }
}

static enum status purge_grids(struct db *db, const char *db_path,
                               struct err *err)
{
    char *root = record_root(db_path);
    sqlite3_stmt *stmt;
    bool row = true;
    enum status st = db_prepare(
        &stmt, db,
        "SELECT state FROM deleted d WHERE kind='grid' AND state IS NOT NULL "
        "AND NOT EXISTS(SELECT 1 FROM grid g WHERE instr(d.state, "
        "g.ini_sha256))",
        err);

    while (st == OK && (st = db_step(&row, db, stmt, err)) == OK && row)
        purge_versions(root, (const char *)sqlite3_column_text(stmt, 0));
    free(root);
    return st;
}

enum status marks_purge(int *left, struct db *db, const char *db_path,
                        struct err *err)
{
    char store[RECORD_TOKEN];
    enum status st = store_name(store, db, err);

    *left = 0;
    if (st == OK)
        st = purge_runs(left, db, db_path, store, err);
    return st == OK ? purge_grids(db, db_path, err) : st;
}
