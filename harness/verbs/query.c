#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/out.h"
#include "base/str.h"
#include "base/text_table.h"
#include "base/wrap.h"
#include "db/statement.h"
#include "harness/study/query_cost.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "format", 'f', "FORMAT",
      "table, csv, json, jsonl, md or latex (default table)" },
    { "json", 0, NULL, "the same as --format json" },
    { NULL, 0, NULL, NULL },
};

/* Questions with a name: SQL on the views, ready to be copied, or on a table
 * that is computed first. */
static const struct named {
    const char *name, *sql;
    enum status (*fill)(struct db *, const char *grid, struct err *);
} named[] = {
    { "failures", "select * from failures", NULL },
    { "losses",
      "select N, D, G, fmt, arm, seeds, round(loss, 4) as loss, "
      "round(se, 4) as se from points order by N, D, arm",
      NULL },
    { "cost",
      "select grid, arm, fmt, G, round(cost, 4) as cost, "
      "round(lo95, 4) as lo95, round(hi95, 4) as hi95, cells, seeds "
      "from arm_cost order by grid, cost",
      query_cost_fill },
    { "best-split",
      "select grid, bits, G, arm, round(cost, 4) as cost, "
      "round(behind, 4) as behind, round(lo95, 4) as lo95, "
      "round(hi95, 4) as hi95, verdict from arm_split",
      query_split_fill },
    { "progress",
      "select grid, runs, done, running, waiting, diverged, failed, left_out, "
      "round(pct_flops, 1) as pct_flops from progress",
      NULL },
    { "fits", "select * from fits", NULL },
    { "posts",
      "select grid, arm, N, D, count(*) as seeds, "
      "round(avg(delta), 5) as delta, "
      "round(sqrt(max(0, avg(delta*delta) - avg(delta)*avg(delta)) * "
      "count(*) / nullif(count(*) - 1, 0)), 5) as sd, "
      "round(avg(kl), 5) as kl, round(avg(bits_w), 3) as bits_w "
      "from posts where state = 'done' group by grid, arm, N, D "
      "order by grid, N, D, bits_w, arm",
      NULL },
    { "noise",
      "select N, D, round(avg(sd), 4) as sd, count(*) as points from points "
      "where seeds > 1 group by 1, 2",
      NULL },
};
#define N_NAMED (int)(sizeof named / sizeof named[0])

/* --- formats: called with the header, each row, and at the end ------------------- */

struct sheet {
    int columns;
    char **cells; /* row after row, the header first; table and md only */
    int n, cap;
    int rows;
    struct str out;
};

static const char *cell_text(struct db_stmt *stmt, int i, char buf[32])
{
    return db_type(stmt, i) == DB_REAL ? text_number(buf, db_real(stmt, i))
                                       : db_text(stmt, i);
}

static void keep(struct sheet *s, const char *text)
{
    if (s->n == s->cap) {
        s->cap = 2 * s->cap + 64;
        s->cells = mem_grow(s->cells, (size_t)s->cap, sizeof *s->cells);
    }
    s->cells[s->n++] = mem_strdup(text);
}

static void add_cells(struct sheet *s, struct db_stmt *stmt)
{
    char buf[32];

    for (int i = 0; i < s->columns; i++)
        keep(s, cell_text(stmt, i, buf));
}

static void end_table(struct sheet *s)
{
    text_table(&s->out, s->cells, s->n, s->columns);
}

static void end_markdown(struct sheet *s)
{
    text_markdown(&s->out, s->cells, s->n, s->columns);
}

/* LaTeX's own characters as text. */
static void put_latex(struct str *out, const char *text)
{
    static const struct {
        char c;
        const char *shown;
    } odd[] = {
        { '\\', "\\textbackslash{}" },  { '~', "\\textasciitilde{}" },
        { '^', "\\textasciicircum{}" }, { '<', "\\textless{}" },
        { '>', "\\textgreater{}" },     { '|', "\\textbar{}" },
        { '"', "\\textquotedbl{}" },
    };

    for (; *text; text++) {
        size_t i = 0;

        while (i < sizeof odd / sizeof odd[0] && odd[i].c != *text)
            i++;
        if (i < sizeof odd / sizeof odd[0])
            str_add(out, odd[i].shown);
        else if (strchr("#$%&_{}", *text))
            str_addf(out, "\\%c", *text);
        else
            str_add_char(
                out, (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text);
    }
}

/* A tabular of the package booktabs; a column whose cells are all numbers is
 * set to the right. */
static void end_latex(struct sheet *s)
{
    str_add(&s->out, "% \\usepackage{booktabs}\n\\begin{tabular}{");
    for (int k = 0; k < s->columns; k++) {
        bool number = s->n > s->columns;

        for (int i = s->columns + k; i < s->n; i += s->columns)
            number = number && (!*s->cells[i] || text_is_number(s->cells[i]));
        str_add_char(&s->out, number ? 'r' : 'l');
    }
    str_add(&s->out, "}\n\\toprule\n");
    for (int i = 0; i < s->n; i++) {
        put_latex(&s->out, s->cells[i]);
        str_add(&s->out, (i + 1) % s->columns ? " & " : " \\\\\n");
        if (i + 1 == s->columns)
            str_add(&s->out, "\\midrule\n");
    }
    str_add(&s->out, "\\bottomrule\n\\end{tabular}\n");
}

static void csv_row(struct sheet *s, struct db_stmt *stmt)
{
    char buf[32];

    for (int i = 0; i < s->columns; i++) {
        const enum db_type type = db_type(stmt, i);

        text_csv(&s->out, cell_text(stmt, i, buf),
                 type != DB_TEXT && type != DB_BLOB);
        str_add(&s->out, i + 1 < s->columns ? "," : "\n");
    }
}

static void object_row(struct sheet *s, struct db_stmt *stmt)
{
    struct str o = { 0 };

    str_add(&o, "{");
    for (int i = 0; i < s->columns; i++) {
        const char *name = db_column(stmt, i);

        if (db_type(stmt, i) == DB_TEXT)
            json_add_text(&o, name, db_text(stmt, i));
        else
            json_add_number(&o, name, db_real(stmt, i));
    }
    str_addf(&s->out, "%s}", str_text(&o));
    str_release(&o);
}

static void json_row(struct sheet *s, struct db_stmt *stmt)
{
    str_add(&s->out, s->rows > 1 ? ",\n" : "[");
    object_row(s, stmt);
}

static void jsonl_row(struct sheet *s, struct db_stmt *stmt)
{
    object_row(s, stmt);
    str_add_char(&s->out, '\n');
}

static void end_json(struct sheet *s)
{
    str_add(&s->out, s->rows ? "]\n" : "[]\n");
}

static void csv_head(struct sheet *s, struct db_stmt *stmt)
{
    for (int i = 0; i < s->columns; i++) {
        text_csv(&s->out, db_column(stmt, i), false);
        str_add(&s->out, i + 1 < s->columns ? "," : "\n");
    }
}

static void keep_head(struct sheet *s, struct db_stmt *stmt)
{
    for (int i = 0; i < s->columns; i++)
        keep(s, db_column(stmt, i));
}

static const struct format {
    const char *name;
    void (*head)(struct sheet *, struct db_stmt *);
    void (*row)(struct sheet *, struct db_stmt *);
    void (*end)(struct sheet *);
} formats[] = {
    { "table", keep_head, add_cells, end_table },
    { "csv", csv_head, csv_row, NULL },
    { "json", NULL, json_row, end_json },
    { "jsonl", NULL, jsonl_row, NULL },
    { "md", keep_head, add_cells, end_markdown },
    { "latex", keep_head, add_cells, end_latex },
};
#define N_FORMATS (int)(sizeof formats / sizeof formats[0])

static const struct format *find_format(const char *name, struct err *err)
{
    const char *names[N_FORMATS], *near;

    for (int i = 0; i < N_FORMATS; i++) {
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
        names[i] = formats[i].name;
    }
    near = text_nearest(name, names, N_FORMATS);
    err_set(err, ERR_USAGE,
            "--format '%.20s' is not table, csv, json, jsonl, "
            "md or latex%s%s%s",
            name, near ? "; did you mean '" : "", near ? near : "",
            near ? "'?" : "");
    return NULL;
}

/* --- asking ------------------------------------------------------------------------ */

static const struct named *find_named(const char *text)
{
    for (int i = 0; i < N_NAMED; i++)
        if (strcmp(named[i].name, text) == 0)
            return &named[i];
    return NULL;
}

/* The SQL of a question, with what it asks of in place. */
static enum status make_ready(const char **sql, struct db *db, const char *text,
                              const char *grid, struct err *err)
{
    const struct named *q = find_named(text);

    *sql = q ? q->sql : text;
    if (grid && !(q && q->fill))
        return err_set(err, ERR_USAGE,
                       "'%.60s' takes no grid; name one in the query: "
                       "where grid = '...'",
                       text);
    return q && q->fill ? q->fill(db, grid, err) : OK;
}

static enum status open_question(struct db_stmt **out, struct db *db,
                                 const char *sql, struct err *err)
{
    switch (db_stmt_asked(out, db, sql)) {
    case DB_NOT_SQL:
        return err_set(err, ERR_USAGE, "%s (near column %d)", db_message(db),
                       db_message_column(db));
    case DB_EMPTY:
        return err_set(err, ERR_USAGE, "the query is empty");
    case DB_SEVERAL:
        return err_set(err, ERR_USAGE, "one query at a time, please");
    case DB_WRITES:
        return err_set(err, ERR_USAGE,
                       "query only reads; use the sqlite3 "
                       "shell to change a database");
    case DB_TAKEN:
        break;
    }
    return OK;
}

/* A question may take long before its first row, or for ever, and whoever asked
 * may be gone by then: nobody is kept from writing to the database for that. */
static enum status print_rows(struct db_stmt *stmt, const struct format *f,
                              struct db *db, struct err *err)
{
    struct sheet s = { .columns = db_columns(stmt) };
    enum status st = OK;
    bool row;

    db_set_given_up(db, out_is_lost);
    if (f->head)
        f->head(&s, stmt);
    while (!ferror(stdout) && (st = db_stmt_step(&row, stmt, NULL)) == OK &&
           row) {
        s.rows++;
        f->row(&s, stmt);
        if (!f->end) { /* stream what needs no end */
            fputs(str_text(&s.out), stdout);
            str_clear(&s.out);
        }
    }
    if (f->end)
        f->end(&s);
    fputs(str_text(&s.out), stdout);
    str_release(&s.out);
    for (int i = 0; i < s.n; i++)
        free(s.cells[i]);
    free(s.cells);
    return st == OK || out_is_lost() /* main says what was lost */
               ? OK
               : err_set(err, ERR_DB, "%s", db_message(db));
}

static void print_named(const struct named *q)
{
    char *line = mem_printf("%-11s %s\n", q->name, q->sql);
    struct str out = { 0 };

    str_add_wrapped(&out, line, 12);
    fputs(str_text(&out), stdout);
    str_release(&out);
    free(line);
}

/* The named questions. */
static void list_named(bool json)
{
    struct str out = { 0 };

    str_add(&out, "{\"schema\":\"qlaw/questions/1\",\"questions\":[");
    for (int i = 0; i < N_NAMED; i++) {
        if (!json)
            print_named(&named[i]);
        str_add(&out, i ? ",{" : "{");
        json_add_text(&out, "name", named[i].name);
        json_add_text(&out, "sql", named[i].sql);
        str_add(&out, "}");
    }
    if (json)
        printf("%s]}\n", str_text(&out));
    str_release(&out);
}

static enum status run(struct cli *cli, struct err *err)
{
    const struct format *f = find_format(
        cli_value(cli, "format", cli_flag(cli, "json") ? "json" : "table"),
        err);
    struct db *db = NULL;
    struct db_stmt *stmt = NULL;
    const char *sql = NULL;
    enum status st;

    if (!f)
        return ERR_USAGE;
    if (text_has_prefix(f->name, "json"))
        out_json();
    if (cli->n_args == 0) {
        list_named(cli_flag(cli, "json"));
        return OK;
    }
    st = db_open(&db, cli->session.db_path, DB_READ, err);
    if (st == OK)
        st = make_ready(&sql, db, cli->args[0],
                        cli->n_args > 1 ? cli->args[1] : NULL, err);
    if (st == OK)
        st = open_question(&stmt, db, sql, err);
    if (st == OK)
        st = print_rows(stmt, f, db, err);
    db_stmt_close(stmt);
    db_close(db);
    return st;
}

const struct verb verb_query = {
    .name = "query",
    .args = "[SQL|NAME [GRID]]",
    .max_args = 2,
    .summary = "read-only SQL on the database, or a named question",
    .example = "qlaw query 'select fmt, avg(delta) from degradation group by "
               "fmt'",
    .options = options,
    .detail = "Without an argument, the named questions.  'cost GRID' has "
              "95 % limits by seeds\nwithin twins, or where there is one seed, "
              "by the twins' scatter about a pattern\nin N and D; empty where "
              "neither can be had.  The stock sqlite3 shell reads the\nsame "
              "file; its views are described in the schema (sqlite3 qlaw.db "
              ".schema).",
    .run = run,
};
