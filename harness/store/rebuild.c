#include "harness/store/rebuild.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "db/deleted.h"
#include "db/env.h"
#include "db/statement.h"
#include "harness/proto/bundle.h"
#include "harness/proto/claimed.h"
#include "harness/proto/record_sum.h"
#include "harness/store/marks.h"
#include "harness/store/retell.h"
#include "harness/store/store.h"
#include "trainer/config.h"

#define FILE_LIMIT ((size_t)1 << 30)

/* One folder while its records are read. */
struct reading {
    struct rebuild *sum;
    struct retelling told;
    struct db *db;
    void (*warn)(const char *sentence);
    int number; /* counted anew: databases may have shared the folder */
    const char *folder;
    int begun; /* attempts met in it */
    bool done; /* one of them was */
    char store[RECORD_TOKEN];
    struct gmse known;
};

/* --- files --------------------------------------------------------------------- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static enum status read_json(json_t **out, const char *path, struct err *err)
{
    struct str text = { 0 };
    enum status st = file_read(&text, path, FILE_LIMIT, err);

    *out = NULL;
    if (st == OK)
        st = json_parse(out, str_text(&text), path, err);
    str_release(&text);
    return st;
}

/* A file of one object, which may carry a sum. */
static enum status read_record(json_t **out, const char *path, struct err *err)
{
    struct str text = { 0 };
    enum status st = file_read(&text, path, FILE_LIMIT, err);
    size_t n = text.len;

    *out = NULL;
    while (n > 0 && text.data[n - 1] == '\n')
        n--;
    if (st == OK && record_check(0, str_text(&text), n) == SEAL_BROKEN)
        st = err_set(err, ERR_CONFIG,
                     "%s: was changed since it was written; it is not taken",
                     path);
    if (st == OK)
        st = json_parse(out, str_text(&text), path, err);
    str_release(&text);
    return st;
}

struct found {
    char *path;
    struct timespec made;
};

static int by_age(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    if (x->made.tv_sec != y->made.tv_sec)
        return x->made.tv_sec < y->made.tv_sec ? -1 : 1;
    if (x->made.tv_nsec != y->made.tv_nsec)
        return x->made.tv_nsec < y->made.tv_nsec ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* The *.json of a folder, oldest first; none when there is no folder. */
static struct found *find_json(int *n, const char *folder)
{
    struct found *list = NULL;
    DIR *d = opendir(folder);
    const struct dirent *e;
    struct stat sb;

    *n = 0;
    while (d && (e = readdir(d))) {
        char *path = mem_printf("%s/%s", folder, e->d_name);

        if (!text_has_suffix(path, ".json") || stat(path, &sb) != 0) {
            free(path);
            continue;
        }
        list = mem_grow(list, (size_t)*n + 1, sizeof *list);
        list[(*n)++] = (struct found){ path, sb.st_mtim };
    }
    if (d)
        closedir(d);
    if (list)
        qsort(list, (size_t)*n, sizeof *list, by_age);
    return list;
}

static enum status each_json(struct db *db, const char *root, const char *kind,
                             enum status (*fill)(struct db *, const json_t *,
                                                 struct err *),
                             int *n, int *damaged, void (*warn)(const char *),
                             struct err *err)
{
    char *folder = mem_printf("%s/%s", root, kind);
    int count;
    struct found *list = find_json(&count, folder);
    enum status st = OK;

    *n = 0;
    for (int i = 0; i < count; i++) {
        json_t *json = NULL;

        struct err odd;

        if (st == OK && read_record(&json, list[i].path, &odd) == OK) {
            st = fill(db, json, err);
            ++*n;
        } else if (st == OK && warn) {
            warn(odd.text);
            ++*damaged;
        }
        json_decref(json);
        free(list[i].path);
    }
    free(list);
    free(folder);
    return st;
}

static const char *text_of(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

/* --- machines ------------------------------------------------------------------- */

static enum status put_env(struct db *db, const json_t *e, struct err *err)
{
    char *libs = json_is_object(json_object_get(e, "libs"))
                     ? json_canonical_text(json_object_get(e, "libs"))
                     : mem_strdup("{}");
    const struct db_env row = {
        .fingerprint = text_of(e, "fingerprint"),
        .qlaw_version = text_of(e, "qlaw_version"),
        .git_commit = text_of(e, "git_commit"),
        .git_dirty = json_number_value(json_object_get(e, "git_dirty")) != 0,
        .compiler = text_of(e, "compiler"),
        .cflags = text_of(e, "cflags"),
        .cpu_model = text_of(e, "cpu_model"),
        .isa = text_of(e, "isa"),
        .cores = (int64_t)json_number_value(json_object_get(e, "cores")),
        .kernel = text_of(e, "kernel"),
        .libc = text_of(e, "libc"),
        .libs_json = libs,
    };
    int64_t env_id;
    const enum status st = db_env_put(&env_id, db, &row, err);

    free(libs);
    return st;
}

/* --- runs ----------------------------------------------------------------------- */

/* Is one of the attempts after the first so many done? */
struct ahead {
    int skip;
    bool final; /* of the attempt that is read */
    bool done;
};

static void ahead_begin(void *ctx, const struct attempt_begin *b)
{
    struct ahead *a = ctx;

    (void)b;
    a->skip--;
    a->final = false;
}

static void ahead_line(void *ctx, const struct metrics_line *m)
{
    struct ahead *a = ctx;

    a->final = m->final ? retell_is_result(m) : a->final;
}

static void ahead_end(void *ctx, int number, const struct attempt_end *e)
{
    struct ahead *a = ctx;

    (void)number;
    a->done = a->done || (a->skip < 0 && a->final && e->state == RUN_DONE);
}

static bool is_done_later(const struct reading *r)
{
    struct ahead a = { .skip = r->begun };
    const struct record_reader reader = {
        .begin = ahead_begin, .line = ahead_line, .end = ahead_end, .ctx = &a
    };

    record_read(r->folder, &reader, NULL);
    return a.done;
}

/* A run is done once: by the last attempt that was, should a second database
 * have trained it again. */
static void end_attempt(struct reading *r, const struct attempt_end *e)
{
    struct attempt_end as = *e;

    if (r->told.open && e->state == RUN_DONE && is_done_later(r)) {
        as.state = RUN_PENDING;
        as.outcome = OUTCOME_LOST;
        snprintf(as.message, sizeof as.message, "the run was done again later");
    } else if (r->told.open && e->state == RUN_DONE &&
               retell_is_result(&r->told.final)) {
        r->sum->results++;
        r->done = true;
    }
    retell_end(&r->told, &as);
}

/* An attempt whose scheduler did not live to see its end. */
static void close_attempt(struct reading *r)
{
    const struct attempt_end e = retell_missing_end(&r->told);

    end_attempt(r, &e);
}

static void on_begin(void *ctx, const struct attempt_begin *b)
{
    struct reading *r = ctx;
    struct attempt_begin mine = *b;

    close_attempt(r);
    r->begun++;
    /* What another database tried in vain takes nothing from what is done. */
    if (r->done)
        return;
    mine.number = ++r->number;
    memcpy(r->store, b->store, sizeof r->store);
    retell_begin(&r->told, &mine);
}

static void on_line(void *ctx, const struct metrics_line *m)
{
    struct reading *r = ctx;

    retell_line(&r->told, m);
}

static void on_end(void *ctx, int number, const struct attempt_end *e)
{
    (void)number;
    end_attempt(ctx, e);
}

static void on_damaged(void *ctx, const char *path, int64_t line)
{
    struct reading *r = ctx;
    char *text = mem_printf("%s:%lld: this attempt was changed since it was "
                            "written; nothing of it is taken, and the run is "
                            "to be trained again",
                            path, (long long)line);

    r->sum->odd++;
    r->warn(text);
    free(text);
}

/* The folder is called after the run. */
static enum status check_folder(const char *folder, const char *id,
                                uint64_t seed, struct err *err)
{
    const char *slash = strrchr(folder, '/');
    char name[RECORD_RUN];
    const bool same =
        slash && strcmp(slash + 1, record_run_name(name, id, seed)) == 0;

    return same ? OK
                : err_set(err, ERR_CONFIG,
                          "is the configuration of another run than its "
                          "folder is called after; it was changed");
}

static uint64_t seed_of(const json_t *json, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(json, key));
}

/* Its configuration says which run the folder is of. */
static enum status put_run(struct reading *r, const char *folder,
                           struct err *err)
{
    char *path = mem_printf("%s/config.json", folder);
    struct config *c = NULL;
    char id[HASH_ID];
    json_t *json = NULL;
    enum status st = read_json(&json, path, err);
    bool named;

    if (st == OK)
        st = config_from_json(&c, json, path, err);
    named = st != OK; /* what reads the file says which */
    if (st == OK)
        st = config_resolve(c, err);
    if (st == OK)
        st = store_point(id, c, &r->known, r->db, err);
    if (st == OK)
        st = check_folder(folder, id, seed_of(json, "seed"), err);
    if (st == OK)
        st = store_run(&r->told.run_id, id, seed_of(json, "seed"),
                       seed_of(json, "data_seed"), r->db, err);
    if (st != OK && !named)
        err_prefix(err, "%s: ", path);
    config_free(c);
    json_decref(json);
    free(path);
    return st;
}

static enum status read_folder(struct reading *r, const char *folder,
                               struct err *err)
{
    const struct record_reader reader = { .begin = on_begin,
                                          .line = on_line,
                                          .end = on_end,
                                          .damaged = on_damaged,
                                          .ctx = r };
    enum status st = put_run(r, folder, err);

    if (st != OK)
        return st;
    r->sum->runs++;
    r->number = r->begun = 0;
    r->done = false;
    r->folder = folder;
    r->told.open = false;
    r->told.log_path = mem_printf("%s/log.txt", folder);
    if (record_read(folder, &reader, NULL) == OK)
        close_attempt(r);
    claimed_tell_results(folder, &reader);
    close_attempt(r);
    free(r->told.log_path);
    return OK;
}

/* Folders of runs are HASH-SEED. */
static bool is_run(const char *name)
{
    return strspn(name, "0123456789abcdef") == 12 && name[12] == '-' &&
           name[13] && strspn(name + 13, "0123456789") == strlen(name + 13);
}

/* Who was killed between making the folder and writing into it. */
static bool is_begun(const char *folder)
{
    char *config = mem_printf("%s/config.json", folder);
    char *metrics = mem_printf("%s/metrics.jsonl", folder);
    struct stat sb;
    const bool begun = lstat(config, &sb) == 0 || lstat(metrics, &sb) == 0;

    free(config);
    free(metrics);
    return begun;
}

static enum status read_folders(struct reading *r, const char *root,
                                void (*warn)(const char *), struct err *err)
{
    struct dirent **names = NULL;
    const int n = scandir(root, &names, visible, by_name);
    enum status st = n < 0 ? err_errno(err, ERR_IO, "%s", root) : OK;

    for (int i = 0; i < n; i++) {
        char *folder = mem_printf("%s/%s", root, names[i]->d_name);
        struct err odd = { .status = OK };

        if (st == OK && is_run(names[i]->d_name) && is_begun(folder)) {
            r->sum->folders++;
            st = db_begin(r->db, err);
            if (st == OK && read_folder(r, folder, &odd) != OK) {
                r->sum->odd++;
                warn(odd.text);
                db_rollback(r->db);
            } else if (st == OK) {
                st = db_commit(r->db, err);
            }
            if (st == OK)
                st = journal_flush(r->told.journal, 10, err);
        }
        free(folder);
        free(names[i]);
    }
    free(names);
    return st;
}

/* --- grids ---------------------------------------------------------------------- */

static enum status put_place(struct db *db, int64_t grid_id, const json_t *p,
                             struct err *err)
{
    const char *id = json_string_value(json_array_get(p, 0));
    const char *block = json_string_value(json_array_get(p, 2));
    char *seeds = json_array_get(p, 4)
                      ? json_canonical_text(json_array_get(p, 4))
                      : mem_strdup("[1]");
    const enum status st = db_do(
        db,
        "INSERT OR IGNORE INTO grid_point(grid_id, point_id, ordinal, block, "
        "priority, seeds) "
        "SELECT :grid_id, point_id, :ordinal, :block, :priority, :seeds "
        "FROM point WHERE point_id=:point_id",
        DB_VALUES(DB_I("grid_id", grid_id), DB_T("point_id", id ? id : ""),
                  DB_I("ordinal", json_integer_value(json_array_get(p, 1))),
                  DB_T("block", block ? block : ""),
                  DB_I("priority", json_integer_value(json_array_get(p, 3))),
                  DB_T("seeds", seeds)),
        err);

    free(seeds);
    return st;
}

static enum status put_grid(struct db *db, const json_t *g, struct err *err)
{
    const json_t *points = json_object_get(g, "points");
    int64_t grid_id;
    enum status st = db_begin(db, err);

    if (st == OK)
        st = db_do(db,
                   "INSERT OR IGNORE INTO grid(name, ini_text, ini_sha256, "
                   "argv, created_at) "
                   "VALUES(:name, :ini_text, :ini_sha256, :argv, :created_at)",
                   DB_VALUES(DB_T("name", text_of(g, "name")),
                             DB_T("ini_text", text_of(g, "ini_text")),
                             DB_T("ini_sha256", text_of(g, "ini_sha256")),
                             DB_T("argv", text_of(g, "argv")),
                             DB_T("created_at", text_of(g, "created_at"))),
                   err);
    if (st == OK) /* it may be there: of another file of the same grid */
        st = db_ask(&grid_id, db,
                    "SELECT grid_id FROM grid WHERE name=:name "
                    "AND ini_sha256=:ini_sha256",
                    DB_VALUES(DB_T("name", text_of(g, "name")),
                              DB_T("ini_sha256", text_of(g, "ini_sha256"))),
                    err);
    for (size_t i = 0; i < json_array_size(points) && st == OK; i++)
        st = put_place(db, grid_id, json_array_get(points, i), err);
    if (st == OK)
        st = db_commit(db, err);
    if (st != OK)
        db_rollback(db);
    return st;
}

enum status rebuild_machines(struct db *db, const char *root, struct err *err)
{
    int n, damaged = 0;

    return each_json(db, root, "env", put_env, &n, &damaged, NULL, err);
}

/* --- all -------------------------------------------------------------------------- */

enum status rebuild_from(struct rebuild *out, struct db *db, const char *root,
                         void (*warn)(const char *sentence), struct err *err)
{
    struct reading r = { .sum = out, .db = db, .warn = warn };
    struct deleted_sum gone = { 0 };
    int envs, marks;
    enum status st;

    *out = (struct rebuild){ 0 };
    st = each_json(db, root, "env", put_env, &envs, &out->odd, warn, err);
    r.told.journal = journal_open(db, 0);
    if (st == OK)
        st = read_folders(&r, root, warn, err);
    if (!*r.store) /* nobody has recorded anything but in a task's own file */
        bundle_store(r.store, root);
    if (st == OK && *r.store)
        st = db_do(db,
                   "INSERT OR REPLACE INTO meta(key, value) "
                   "VALUES('store', :name)",
                   DB_VALUES(DB_T("name", r.store)), err);
    if (st == OK)
        st = each_json(db, root, "grids", put_grid, &out->grids, &out->odd,
                       warn, err);
    if (st == OK)
        st = each_json(db, root, "marks", marks_apply, &marks, &out->odd, warn,
                       err);
    if (st == OK)
        st = deleted_total(&gone, db, err);
    out->deleted = (int)(gone.grids + gone.runs);
    journal_close(r.told.journal);
    return st;
}
