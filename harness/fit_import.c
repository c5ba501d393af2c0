#include "harness/fit_import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/str.h"
#include "harness/grid.h"

/* Columns with a place of their own; those of the second list also say what
 * the format is. */
static const char *const sizes[] = { "N", "D" };
static const char *const outcomes[] = { "loss", "seed", "loss_se" };
static const char *const formats[] = { "G",   "B",    "E",     "M",   "P",
                                       "fmt", "gmse", "group", "bits" };

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static bool is_among(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

enum status import_need_name(const char *name, struct err *err)
{
    const char *all[COUNT(sizes) + COUNT(outcomes) + COUNT(formats)], *near;
    size_t n = 0;

    for (size_t i = 0; i < COUNT(sizes); i++)
        all[n++] = sizes[i];
    for (size_t i = 0; i < COUNT(outcomes); i++)
        all[n++] = outcomes[i];
    for (size_t i = 0; i < COUNT(formats); i++)
        all[n++] = formats[i];
    if (is_among(name, all, n))
        return OK;
    near = text_nearest(name, all, n);
    return err_set(err, ERR_USAGE,
                   "--map: '%s' means nothing to import%s%s%s; it takes N, D, "
                   "loss, seed, loss_se, G, E, M, fmt, gmse, bits",
                   name, near ? ", did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

struct row {
    const struct table *t;
    size_t i;
};

static double number(const struct row *r, const char *name)
{
    const int c = table_find(r->t, name);

    return c < 0 ? (double)NAN : r->t->cols[c].num[r->i];
}

static const char *text(const struct row *r, const char *name)
{
    const int c = table_find(r->t, name);

    return c < 0 ? "" : r->t->cols[c].text[r->i];
}

static double group_of(const struct row *r)
{
    const double g = number(r, "G");

    return isnan(g) ? number(r, "B") : g;
}

static bool is_base(const struct row *r)
{
    static const char *const plain[] = { "none", "unquantized", "base",
                                         "fp32" };
    const char *fmt = text(r, "fmt");

    for (size_t i = 0; i < COUNT(plain); i++)
        if (strcasecmp(fmt, plain[i]) == 0)
            return true;
    return group_of(r) == 1;
}

/* The columns that make a configuration, as canonical JSON; without those of
 * the format for the twin. */
static char *config_text(const struct row *r, const char *grid,
                         bool with_format)
{
    json_t *o = json_object();
    char *out;

    json_object_set_new(o, "import", json_string(grid));
    for (int c = 0; c < r->t->n_cols; c++) {
        const struct column *col = &r->t->cols[c];

        if (is_among(col->name, outcomes, COUNT(outcomes)) ||
            (!with_format && is_among(col->name, formats, COUNT(formats))))
            continue;
        json_object_set_new(o, col->name,
                            isfinite(col->num[r->i])
                                ? json_real(col->num[r->i])
                                : json_string(col->text[r->i]));
    }
    out = json_canonical_text(o);
    json_decref(o);
    return out;
}

static void id_of(char id[POINT_ID], const char *config)
{
    char hex[HASH_HEX];

    hash_bytes(hex, config, strlen(config));
    memcpy(id, hex, POINT_ID - 1);
    id[POINT_ID - 1] = '\0';
}

/* What keeps a row from being a run, or NULL. */
static char *row_trouble(const struct row *r)
{
    static const char *const needed[] = { "N", "D", "loss" };

    if (r->t->trouble[r->i])
        return mem_strdup(r->t->trouble[r->i]);
    for (size_t k = 0; k < COUNT(needed); k++) {
        const double v = number(r, needed[k]);

        if (!isfinite(v))
            return table_cell_trouble(&r->t->cols[table_find(r->t, needed[k])],
                                      r->i);
        if (v <= 0 && k < 2)
            return mem_printf("%s is %g", needed[k], v);
    }
    return NULL;
}

/* --- rows of the database ------------------------------------------------ */

static enum status put_frame(int64_t *grid_id, int64_t *dataset_id,
                             const struct table *t, const char *grid,
                             const char *sha256, const char *argv,
                             struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    enum status st =
        db_run(db, err,
               "INSERT OR IGNORE INTO dataset(name, sha256, tokenizer, vocab, "
               "n_tokens) VALUES(?, ?, 'unknown', 0, 0)",
               "tt", t->source, sha256);

    if (st == OK)
        st = db_run(db, err,
                    "INSERT OR IGNORE INTO grid(name, ini_text, ini_sha256, "
                    "argv) VALUES(?, '; imported from '||?, ?, ?)",
                    "tttt", grid, t->source, sha256, argv);
    if (st == OK)
        st = db_prepare(&stmt, db,
                        "SELECT g.grid_id, d.dataset_id FROM grid g, dataset d"
                        " WHERE g.name = ? AND g.ini_sha256 = ? AND d.name = ?"
                        " AND d.sha256 = ? AND d.tokenizer = 'unknown'",
                        err);
    if (st == OK) {
        db_bind(stmt, "tttt", grid, sha256, t->source, sha256);
        st = db_step(&row, db, stmt, err);
    }
    if (st == OK && row) {
        *grid_id = sqlite3_column_int64(stmt, 0);
        *dataset_id = sqlite3_column_int64(stmt, 1);
    }
    return st;
}

static enum status put_point(struct import_counts *n, const struct row *r,
                             const char *id, const char *twin,
                             const char *config, int64_t dataset, struct db *db,
                             struct err *err)
{
    const bool base = is_base(r);
    const double e = number(r, "E"), m = number(r, "M");
    const double size = number(r, "N"), tokens = number(r, "D");
    const enum status st = db_run(
        db, err,
        "INSERT OR IGNORE INTO point(point_id, config, twin_id, is_base, "
        "dataset_id, trainer, n_layer, d_model, n_embed, n_head_params, "
        "n_body, n_other, tokens, fmt, exp_bits, man_bits, group_size, gmse, "
        "flops_plan, mem_plan) "
        "VALUES(?,?,?,?,?,'import',0,0,0,0,?,0,?,?,?,?,?,?,?,0)",
        "ttti"
        "iiit"
        "ddddd",
        id, config, twin, (int64_t)base, dataset, (int64_t)llround(size),
        (int64_t)llround(tokens),
        *text(r, "fmt") ? text(r, "fmt")
        : base          ? "fp32"
                        : "unknown",
        isnan(e) ? e : round(e), isnan(m) ? m : round(m),
        base || isnan(group_of(r)) ? (double)NAN : round(group_of(r)),
        number(r, "gmse"), 6 * size * tokens);

    n->points += st == OK && sqlite3_changes(db_handle(db)) > 0;
    return st;
}

/* The loss stored for a seed of a point; NaN when there is no such run. */
static enum status stored_loss(double *loss, const char *id, int64_t seed,
                               struct db *db, struct err *err)
{
    sqlite3_stmt *stmt;
    bool row = false;
    enum status st = db_prepare(&stmt, db,
                                "SELECT loss FROM run JOIN result USING(run_id)"
                                " WHERE point_id = ? AND seed = ?",
                                err);

    *loss = (double)NAN;
    if (st == OK) {
        db_bind(stmt, "ti", id, seed);
        st = db_step(&row, db, stmt, err);
    }
    if (st == OK && row) {
        *loss = sqlite3_column_double(stmt, 0);
        sqlite3_reset(stmt);
    }
    return st;
}

/* The seed of the table; without one, the first that is free or holds this
 * very loss, so that a table brought in again adds nothing. */
static enum status choose_seed(int64_t *seed, const struct row *r,
                               const char *id, struct db *db, struct err *err)
{
    double loss = (double)NAN;
    enum status st = OK;

    *seed = 1;
    if (isfinite(number(r, "seed"))) {
        *seed = (int64_t)number(r, "seed");
        return OK;
    }
    while ((st = stored_loss(&loss, id, *seed, db, err)) == OK &&
           !isnan(loss) && loss != number(r, "loss"))
        ++*seed;
    return st;
}

static enum status put_run(struct import_counts *n, const struct row *r,
                           const char *id, int64_t grid, struct db *db,
                           struct err *err)
{
    int64_t seed = 1;
    enum status st = choose_seed(&seed, r, id, db, err);

    if (st == OK)
        st = db_run(db, err,
                    "INSERT OR IGNORE INTO grid_point(grid_id, point_id, "
                    "ordinal, block) VALUES(?, ?, ?, '')",
                    "iti", grid, id, r->t->number[r->i]);
    if (st == OK)
        st = db_run(db, err,
                    "INSERT OR IGNORE INTO run(run_id, point_id, seed, "
                    "data_seed, state) SELECT run_id, ?, ?, ?, 'done' FROM "
                    "next_run",
                    "tii", id, seed, seed);
    if (st != OK)
        return st;
    if (sqlite3_changes(db_handle(db)) == 0) {
        n->known++;
        return OK;
    }
    n->runs++;
    return db_run(db, err,
                  "INSERT INTO result(run_id, loss, loss_se, steps, tokens) "
                  "VALUES(?, ?, ?, 0, ?)",
                  "iddi", (int64_t)sqlite3_last_insert_rowid(db_handle(db)),
                  number(r, "loss"), number(r, "loss_se"),
                  (int64_t)llround(number(r, "D")));
}

/* The same line of the same file in this grid as another point: the columns
 * were called otherwise then. */
static enum status check_once(const struct row *r, const char *id,
                              int64_t grid, struct db *db, struct err *err)
{
    const int64_t line = r->t->number[r->i];
    sqlite3_stmt *stmt;
    bool row;
    enum status st = db_prepare(&stmt, db,
                                "SELECT 1 FROM grid_point WHERE grid_id = ? "
                                "AND ordinal = ? AND point_id != ? LIMIT 1",
                                err);

    if (st == OK) {
        db_bind(stmt, "iit", grid, line, id);
        st = db_step(&row, db, stmt, err);
    }
    if (st != OK || !row)
        return st;
    sqlite3_reset(stmt);
    return err_set(err, ERR_USAGE,
                   "line %lld of %s is in this grid already, with columns of "
                   "other names: every run would stand twice; bring it in "
                   "with the same --map and --derive, or as --grid OTHER",
                   (long long)line, r->t->source);
}

static enum status put_row(struct import_counts *n, const struct row *r,
                           const char *grid, int64_t grid_id, int64_t dataset,
                           struct db *db, struct err *err)
{
    char id[POINT_ID], twin[POINT_ID];
    char *config = config_text(r, grid, !is_base(r));
    char *plain = config_text(r, grid, false);
    enum status st;

    id_of(id, config);
    id_of(twin, plain);
    st = put_point(n, r, id, twin, config, dataset, db, err);
    if (st == OK)
        st = check_once(r, id, grid_id, db, err);
    if (st == OK)
        st = put_run(n, r, id, grid_id, db, err);
    free(config);
    free(plain);
    return st;
}

enum status import_rows(struct import_counts *n, const struct table *t,
                        const char *grid, const char *sha256, const char *argv,
                        struct db *db, struct err *err)
{
    static const char *const needed[] = { "N", "D", "loss" };
    int64_t grid_id = 0, dataset = 0;
    enum status st = OK;

    *n = (struct import_counts){ .runs = 0 };
    for (size_t k = 0; k < COUNT(needed); k++) {
        const char *near = table_nearest(t, needed[k]);

        if (table_find(t, needed[k]) < 0)
            return err_set(err, ERR_USAGE,
                           "%s has no column '%s': name it with --map "
                           "%s=COLUMN%s%s%s",
                           t->source, needed[k], needed[k],
                           near ? "; did you mean '" : "", near ? near : "",
                           near ? "'?" : "");
    }
    st = put_frame(&grid_id, &dataset, t, grid, sha256, argv, db, err);
    for (size_t i = 0; i < t->rows && st == OK; i++) {
        const struct row r = { t, i };
        char *why = row_trouble(&r);

        if (!why) {
            st = put_row(n, &r, grid, grid_id, dataset, db, err);
            continue;
        }
        if (n->left_out++ == 0)
            n->first =
                mem_printf("line %lld: %s", (long long)t->number[i], why);
        free(why);
    }
    return st;
}
