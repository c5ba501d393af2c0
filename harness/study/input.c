/* input.c - runs of the database as a table of fit/. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/db.h"
#include "db/need_grid.h"
#include "db/statement.h"
#include "fit/units.h"
#include "harness/grid/arm.h"
#include "harness/study/input_sql.h"
#include "harness/study/request.h"

static int count_words(char *const *text, size_t rows)
{
    int n = 0;

    for (size_t i = 0; i < rows; i++) {
        size_t j = 0;

        while (j < i && strcmp(text[i], text[j]) != 0)
            j++;
        n += j == i;
    }
    return n;
}

/* The arm of a row without its group; of a twin, and where nobody has said
 * it, the format. */
static char **families_of(const struct table *t)
{
    const struct column *fmt = &t->cols[table_find(t, "fmt")];
    const struct column *arm = &t->cols[table_find(t, "arm")];
    const char **name = mem_array(t->rows + 1, sizeof *name);
    char **family;

    for (size_t i = 0; i < t->rows; i++)
        name[i] = *arm->text[i] && strcmp(arm->text[i], "unquantized") != 0
                      ? arm->text[i]
                      : fmt->text[i];
    family = arm_families(name, t->rows);
    free(name);
    return family;
}

/* One constant for one way to quantize.  Where an element format stands for
 * several, the format is called by the formats of weights and activations, and
 * where those do too (another scale, another layer), by the arm without its
 * group: nvfp4 and mxfp4 share e2m1 and are not the same. */
void fit_input_formats(struct table *t)
{
    struct column *fmt = &t->cols[table_find(t, "fmt")];
    const struct column *quant = &t->cols[table_find(t, "quant")];
    char **family = families_of(t);
    const int n_family = count_words(family, t->rows);
    const int n_quant = count_words(quant->text, t->rows);
    const bool by_format = n_family <= count_words(fmt->text, t->rows);
    char **name = n_family <= n_quant ? quant->text : family;

    for (size_t i = 0; i < t->rows && !by_format; i++) {
        free(fmt->text[i]);
        fmt->text[i] = mem_strdup(name[i]);
    }
    for (size_t i = 0; i < t->rows; i++)
        free(family[i]);
    free(family);
}

/* Runs that share a seed, or a twin (the same initial weights and the same
 * order of data), may err together; the other columns describe the run. */
static void describe_columns(struct table *t)
{
    fit_input_formats(t);
    for (int i = 0; i < t->n_cols; i++)
        t->cols[i].settled = strcmp(t->cols[i].name, "seed") != 0 &&
                             strcmp(t->cols[i].name, "twin") != 0;
}

/* A cell's text; numbers in full precision, which SQLite's own does not
 * promise. */
static char *cell_text(struct db_stmt *s, int col)
{
    char buf[32];

    return mem_strdup(db_type(s, col) == DB_REAL
                          ? text_number(buf, db_real(s, col))
                          : db_text(s, col));
}

static enum status read_rows(struct table *t, struct db_stmt *s,
                             struct err *err)
{
    const int n = db_columns(s);
    char **cells = mem_array((size_t)n, sizeof *cells);
    enum status st;
    bool row;

    for (int i = 0; i < n; i++)
        table_add_column(t, db_column(s, i));
    while ((st = db_stmt_step(&row, s, err)) == OK && row) {
        for (int i = 0; i < n; i++)
            cells[i] = cell_text(s, i);
        table_add_row(t, db_int(s, 0), (const char *const *)cells);
        for (int i = 0; i < n; i++)
            free(cells[i]);
    }
    free(cells);
    return st;
}

/* The condition is the user's own SQL on a read-only connection; anything but
 * one SELECT is refused. */
static enum status open_selection(struct db_stmt **out, struct db *db,
                                  const char *sql, struct err *err)
{
    const enum db_refusal why = db_stmt_asked(out, db, sql);

    if (why == DB_TAKEN)
        return OK;
    return err_set(err, ERR_USAGE, "--where: %s",
                   why == DB_NOT_SQL ? db_message(db)
                                     : "one condition, please");
}

/* --where is SQL on a grid and an expression on a table; who writes "N > 1M &&
 * fmt == int4" here, or "fmt = 'int4'" there, is understood.  *later: the
 * condition is no SQL and has to be an expression over the rows. */
static enum status open_where(struct db_stmt **out, bool *later, struct db *db,
                              const struct fit_request *rq, const char *n_def,
                              struct err *err)
{
    char *where = texts_join(&rq->options.where, ") AND (");
    char *sql = input_sql(rq, where, n_def);
    enum status st = open_selection(out, db, sql, err);

    free(sql);
    *later = st != OK && where;
    free(where);
    if (*later) {
        struct err again;

        sql = input_sql(rq, NULL, n_def);
        st = open_selection(out, db, sql, &again);
        free(sql);
    }
    return st;
}

/* What is neither is said with both reasons. */
static enum status filter_rows(struct table *t, const struct texts *where,
                               struct err *err)
{
    enum status st = OK;
    struct err why;

    for (int i = 0; st == OK && i < where->n; i++)
        st = table_filter(t, where->text[i], &why);
    if (st == OK)
        return OK;
    err->status = ERR_USAGE;
    err_append(err, " (as SQL; as an expression, %s)",
               text_has_prefix(why.text, "--where: ") ? why.text + 9
                                                      : why.text);
    return ERR_USAGE;
}

enum status fit_input_runs(struct table **out, struct fit_request *rq,
                           const char *db_path, struct err *err)
{
    const char *n_def = fit_n_sql(fit_request_n_def(rq));
    int64_t grid_id = 0;
    struct db *db = NULL;
    struct db_stmt *s = NULL;
    bool later = false;
    enum status st =
        n_def ? db_open(&db, db_path, DB_READ, err)
              : err_set(err, ERR_USAGE,
                        "--n-def '%s' is not body, body+head or total",
                        fit_request_n_def(rq));

    if (st == OK && rq->options.grid)
        st = db_need_grid(&grid_id, db, rq->options.grid, err);
    if (st == OK)
        st = open_where(&s, &later, db, rq, n_def, err);
    if (st == OK) {
        *out = table_new(rq->source, "run");
        if (rq->options.grid)
            db_bind_int(s, "grid", grid_id);
        st = read_rows(*out, s, err);
        db_stmt_close(s);
        if (st == OK && later)
            st = filter_rows(*out, &rq->options.where, err);
        if (st == OK && !rq->options.envelope)
            describe_columns(*out);
    }
    if (st == OK && (*out)->rows == 0)
        st = err_set(err, ERR_FIT, "%s: no finished run is selected",
                     rq->source);
    db_close(db);
    return st;
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Two rows in one unit of rows alike that have different words (one for each
 * row of the table); -1: in none. */
static int find_pooled(const struct fit *f, char *const *word, int *other)
{
    const struct model *m = f->m;
    int *unit = mem_array(m->rows + 1, sizeof *unit);
    const int units = units_number(unit, m, NULL);
    int *first = mem_array((size_t)units + 1, sizeof *first), found = -1;

    for (int k = 0; k < units; k++)
        first[k] = -1;
    for (size_t i = 0; i < m->rows && found < 0; i++) {
        const int row = (int)m->source_row[i];

        if (first[unit[i]] < 0) {
            first[unit[i]] = row;
        } else if (strcmp(word[first[unit[i]]], word[row]) != 0) {
            found = first[unit[i]];
            *other = row;
        }
    }
    free(unit);
    free(first);
    return found;
}

/* "train.lr, model.n_head": settings in which two points differ. */
static char *differing(const char *path, const char *a, const char *b)
{
    struct db *db = NULL;
    char *keys = NULL;

    if (db_open(&db, path, DB_READ, NULL) == OK)
        (void)db_ask_text(&keys, db,
                          "SELECT group_concat(substr(x.fullkey, 3), ', ') "
                          "FROM point p, json_tree(p.config) x, "
                          "point q, json_tree(q.config) y "
                          "WHERE p.point_id = :a AND q.point_id = :b "
                          "AND x.fullkey = y.fullkey "
                          "AND x.type NOT IN ('object', 'array') "
                          "AND x.atom IS NOT y.atom",
                          DB_VALUES(DB_T("a", a), DB_T("b", b)), NULL);
    db_close(db);
    return keys ? keys : mem_strdup("");
}

static void judge_settings(struct fit *f, const struct fit_request *rq,
                           const char *db_path)
{
    const struct table *t = rq->table;
    char *const *id = t->cols[table_find(t, "point_id")].text, *keys;
    int b = 0;
    const int a = find_pooled(f, id, &b); /* a seed has the same point */

    if (a < 0)
        return;
    keys = differing(db_path, id[a], id[b]);
    if (*keys)
        fit_warn(f, FIT_ROWS_POOLED,
                 "rows that the law cannot tell apart differ in %s, such as "
                 "runs %lld and %lld, and were pooled as if they were seeds; "
                 "--best loss --by N,D,G,fmt takes the best of each",
                 keys, (long long)t->number[a], (long long)t->number[b]);
    free(keys);
}

static void judge_arms(struct fit *f, const struct fit_request *rq,
                       const char *db_path)
{
    char **family = families_of(rq->table);
    int a, b = 0;

    a = find_pooled(f, family, &b);
    if (a >= 0)
        fit_warn(f, FIT_ARMS_POOLED,
                 "one constant covers arms that differ, such as %s and %s: "
                 "the law cannot tell their rows apart (--group-param)",
                 family[a], family[b]);
    else
        judge_settings(f, rq, db_path);
    for (size_t i = 0; i < rq->table->rows; i++)
        free(family[i]);
    free(family);
}

void fit_input_judge(struct fit *f, const struct fit_request *rq,
                     const char *db_path)
{
    if (rq->from_db)
        judge_arms(f, rq, db_path);
}

/* Differences from one twin share its luck, so its rows count once, however
 * the intervals are found: unless something else was asked for. */
void fit_input_cluster(struct fit_request *rq)
{
    const int twin = table_find(rq->table, "twin");
    struct fit_spec *s = &rq->spec;

    if (rq->from_db && rq->paired && twin >= 0 && !s->cluster &&
        s->bootstrap < 0 && !s->profile &&
        (size_t)count_words(rq->table->cols[twin].text, rq->table->rows) <
            rq->table->rows)
        s->cluster = "twin";
}

void fit_input_keep(struct fit_request *rq, const int64_t *number, int n)
{
    bool *keep = mem_array(rq->table->rows, sizeof *keep);
    struct table *kept;

    for (size_t r = 0; r < rq->table->rows; r++)
        keep[r] = bsearch(&rq->table->number[r], number, (size_t)n,
                          sizeof *number, by_number) != NULL;
    kept = table_select(rq->table, keep);
    table_free(rq->table);
    rq->table = kept;
    free(keep);
}

/* The line "law = NAME" of the [grid] section. */
static char *law_line(const char *text)
{
    bool inside = false;

    for (const char *p = text; p && *p; p = strchr(p, '\n')) {
        p += strspn(p, "\n \t");
        if (*p == '[')
            inside = text_has_prefix(p, "[grid]");
        if (inside && text_has_prefix(p, "law")) {
            const char *v = p + 3 + strspn(p + 3, " \t");

            if (*v == '=') {
                v += 1 + strspn(v + 1, " \t");
                return mem_strndup(v, strcspn(v, " \t\r\n;#"));
            }
        }
    }
    return NULL;
}

/* Does any quantized point of the grid have a group? */
static bool has_groups(struct db *db, const char *grid)
{
    int64_t any;
    const enum status st =
        db_ask(&any, db,
               "SELECT 1 FROM current_grid JOIN grid_point USING(grid_id) "
               "JOIN quantized USING(point_id) "
               "WHERE name = :grid AND NOT is_base AND G IS NOT NULL LIMIT 1",
               DB_VALUES(DB_T("grid", grid)), NULL);

    return st != OK || any;
}

char *fit_input_law(const char *path, const char *grid)
{
    struct db *db = NULL;
    char *text = NULL, *law = NULL;

    if (grid && db_open(&db, path, DB_READ, NULL) == OK &&
        db_ask_text(&text, db,
                    "SELECT ini_text FROM grid WHERE name = :grid "
                    "ORDER BY grid_id DESC",
                    DB_VALUES(DB_T("grid", grid)), NULL) == OK &&
        text) {
        law = law_line(text);
        if (!law && !has_groups(db, grid))
            law = mem_strdup("chinchilla");
    }
    db_close(db);
    free(text);
    return law;
}
