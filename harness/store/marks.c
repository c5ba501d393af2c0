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
#include "db/statement.h"
#include "harness/proto/record.h"
#include "harness/store/store.h"

/* --- writing ---------------------------------------------------------------
 */

static const char all_marks[] =
    "SELECT json_object("
    "'deleted_grids', (SELECT json_group_array(grid) "
    " FROM (SELECT DISTINCT grid FROM deleted WHERE kind='grid')), "
    "'deleted_runs', (SELECT json_group_array(json_array(point_id, seed)) "
    " FROM deleted WHERE kind='run' AND grid IS NULL), "
    "'renamed', (SELECT json_group_array(json_array("
    "  substr(key, 9), value, substr(key, 9) IN (SELECT name FROM grid), "
    "  (SELECT json_group_array(ini_sha256) FROM grid WHERE name=value), "
    "  (SELECT json_group_array(ini_sha256) FROM grid "
    "   WHERE name=substr(key, 9)))) "
    " FROM meta WHERE key GLOB 'renamed:*'), "
    "'tags', (SELECT json_group_array(CASE WHEN run_id IS NULL "
    "  THEN json_array(tag, grid) ELSE json_array(tag, point_id, seed) END) "
    " FROM tag LEFT JOIN run USING(run_id)))";

static const char no_marks[] =
    "{\"deleted_grids\":[],\"deleted_runs\":[],\"renamed\":[],\"tags\":[]}";

static enum status write_text(struct db *db, const char *folder,
                              const char *path, struct err *err)
{
    char *text;
    enum status st = db_ask_text(&text, db, all_marks, NULL, err);

    /* Nobody said anything yet: no file. */
    if (st == OK && (strcmp(text, no_marks) != 0 || access(path, F_OK) == 0)) {
        st = file_make_dirs(folder, err);
        if (st == OK)
            st = file_replace(path, text, strlen(text), err);
    }
    free(text);
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
    "UPDATE grid SET name=:to WHERE name=:from",
    "UPDATE tag SET grid=:to WHERE grid=:from",
    /* Where a name has gone, in one step. */
    "UPDATE meta SET value=:to WHERE key GLOB 'renamed:*' AND value=:from",
    "INSERT OR REPLACE INTO meta(key, value) VALUES('renamed:'||:from, :to)",
    "DELETE FROM meta WHERE key='renamed:'||:to",
};
#define N_RENAME_STEPS (sizeof rename_steps / sizeof rename_steps[0])

/* The command that makes the same fit again names the grid, too. */
static const char rename_fits[] =
    "UPDATE fit SET name=CASE "
    "WHEN substr(name, 1, length(:from)+1)=:from||' ' "
    "THEN :to||substr(name, length(:from)+1) ELSE name END, "
    "selection=json_set(selection, '$.grid', :to, "
    "coalesce('$.argv['||(SELECT min(key) FROM json_each(selection, '$.argv') "
    "WHERE value=:from)||']', '$.grid'), :to) "
    "WHERE json_extract(selection, '$.grid')=:from";

enum status marks_rename(int64_t *fits, struct db *db, const char *from,
                         const char *to, struct err *err)
{
    const struct db_value *names =
        DB_VALUES(DB_T("from", from), DB_T("to", to));
    const enum status st = db_do(db, rename_fits, names, err);

    if (st == OK && fits)
        *fits = db_changes(db);
    return st == OK ? db_do_all(db, rename_steps, N_RENAME_STEPS, names, err)
                    : st;
}

/* --- a database made again
 * ----------------------------------------------------- */

static const char *text_at(const json_t *list, size_t i)
{
    const char *text = json_string_value(json_array_get(list, i));

    return text ? text : "";
}

/* A grid that was begun again under its old name has records of both: its texts
 * with their points, those of the list :moved where there is one, get the new
 * name, and the old one keeps what is not in that list, or is in :stayed, too.
 */
static const char *const both_steps[] = {
    "INSERT INTO grid(name, ini_text, ini_sha256, argv, created_at) "
    "SELECT :to, ini_text, ini_sha256, argv, created_at "
    "FROM grid WHERE name=:from AND (:moved IS NULL OR "
    "ini_sha256 IN (SELECT value FROM json_each(:moved))) "
    "ORDER BY grid_id",
    "INSERT INTO grid_point(grid_id, point_id, ordinal, block, priority, "
    "seeds) "
    "SELECT n.grid_id, p.point_id, p.ordinal, p.block, p.priority, p.seeds "
    "FROM grid_point p JOIN grid o USING(grid_id) "
    "JOIN grid n ON n.ini_sha256=o.ini_sha256 AND n.name=:to "
    "WHERE o.name=:from",
    "DELETE FROM grid WHERE name=:from "
    "AND ini_sha256 IN (SELECT value FROM json_each(:moved)) "
    "AND ini_sha256 NOT IN (SELECT value FROM json_each(:stayed))",
    "INSERT OR REPLACE INTO meta(key, value) VALUES('renamed:'||:from, :to)",
};
#define N_BOTH_STEPS (sizeof both_steps / sizeof both_steps[0])

/* Texts of that name that were begun after the mark was written. */
static enum status other_texts(int64_t *n, struct db *db, const char *name,
                               const char *moved, struct err *err)
{
    return db_ask(n, db,
                  "SELECT count(*) FROM grid WHERE name=:name AND "
                  "ini_sha256 NOT IN (SELECT value FROM json_each(:moved))",
                  DB_VALUES(DB_T("name", name), DB_T("moved", moved)), err);
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
    const enum status st = db_do_all(
        db, both_steps, N_BOTH_STEPS,
        DB_VALUES(DB_T("from", text_at(r, 0)), DB_T("to", text_at(r, 1)),
                  DB_T("moved", moved), DB_T("stayed", stayed)),
        err);

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
        return db_do(
            db,
            "INSERT OR IGNORE INTO tag(tag, grid) "
            "SELECT :tag, :grid WHERE :grid IN (SELECT name FROM grid)",
            DB_VALUES(DB_T("tag", text_at(t, 0)), DB_T("grid", text_at(t, 1))),
            err);
    return db_do(
        db,
        "INSERT OR IGNORE INTO tag(tag, run_id) "
        "SELECT :tag, run_id FROM run WHERE point_id=:point AND seed=:seed",
        DB_VALUES(DB_T("tag", text_at(t, 0)), DB_T("point", text_at(t, 1)),
                  DB_I("seed", json_integer_value(json_array_get(t, 2)))),
        err);
}

static enum status delete_run_again(struct db *db, const json_t *r,
                                    struct err *err)
{
    struct deleted_sum sum = { 0 };
    int64_t id;
    const enum status st = store_run_id(
        &id, text_at(r, 0), (uint64_t)json_integer_value(json_array_get(r, 1)),
        db, err);

    return st == OK && id ? deleted_put_run(&sum, db, id, err) : st;
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
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_open(
        &s, db, "SELECT point_id, seed FROM deleted WHERE kind='run'", err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        char *folder =
            record_folder(db_path, db_text(s, 0), (uint64_t)db_int(s, 1));

        *left += !purge_run(folder, store);
        free(folder);
    }
    db_stmt_close(s);
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
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_open(
        &s, db,
        "SELECT state FROM deleted d WHERE kind='grid' AND state IS NOT NULL "
        "AND NOT EXISTS(SELECT 1 FROM grid g "
        "WHERE instr(d.state, g.ini_sha256))",
        err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row)
        purge_versions(root, db_text(s, 0));
    db_stmt_close(s);
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
