#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "db/export.h"
#include "harness/os/lock.h"
#include "harness/study/import.h"
#include "harness/study/table_options.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "grid", 0, "NAME", "the grid they become (default: the file's name)" },
    { "map", 0, "NAME=COLUMN",
      "NAME is called COLUMN here; repeatable, or a,b" },
    { "derive", 0, "'X = ...'", "a new column from the others; repeatable" },
    { "where", 0, "COND", "only the rows where it is true" },
    { "best", 0, "COLUMN", "of each cell only the row where it is least" },
    { "by", 0, "COLUMN,...", "the columns that make a cell, for --best" },
    { "drop", 0, "COLUMN,...", "columns that are no part of a configuration" },
    { "base", 0, "COLUMN=VALUE",
      "rows that are unquantized twins; none: none" },
    { "replace", 0, NULL, "losses that differ from what is there take over" },
    { "strict", 0, NULL, "refuse the file when a row cannot be a run" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static enum status prepare(struct table *t, const struct cli *cli,
                           struct err *err)
{
    enum status st = OK;
    const char *text;

    for (int i = 0; st == OK && (text = cli_nth(cli, "map", i)); i++)
        st = table_map(t, text, import_need_name, err);
    table_note_renamed(t);
    for (int i = 0; st == OK && (text = cli_nth(cli, "derive", i)); i++)
        st = table_derive(t, text, err);
    for (int i = 0; st == OK && (text = cli_nth(cli, "where", i)); i++)
        st = table_filter(t, text, err);
    if (st == OK && (text = cli_value(cli, "best", NULL)))
        st = table_best(t, text, cli_value(cli, "by", NULL), err);
    for (int i = 0; st == OK && (text = cli_nth(cli, "drop", i)); i++)
        st = table_drop_list(t, text, err);
    return st;
}

/* "csv FILE", "jsonl FILE" or FILE alone. */
static enum status read_source(struct table **t, char hex[HASH_HEX],
                               const char **path, const struct cli *cli,
                               struct err *err)
{
    const char *kind = cli->n_args > 1 ? cli->args[0] : NULL;
    struct str text = { 0 };
    enum status st;

    *path = cli->args[cli->n_args - 1];
    if (kind && strcmp(kind, "csv") != 0 && strcmp(kind, "jsonl") != 0)
        return err_set(err, ERR_USAGE, "'%s' is not csv or jsonl", kind);
    st = file_read(&text, *path, (size_t)1 << 30, err);
    if (st == OK) {
        hash_bytes(hex, str_text(&text), text.len);
        st = table_from(t, &text, *path,
                        !kind                        ? TABLE_ANY
                        : strcmp(kind, "jsonl") == 0 ? TABLE_JSON
                                                     : TABLE_SEPARATED,
                        err);
    }
    str_release(&text);
    return st;
}

static char *grid_name(const struct cli *cli, const char *path)
{
    const char *given = cli_value(cli, "grid", NULL);
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;

    return given ? mem_strdup(given) : mem_strndup(base, strcspn(base, "."));
}

static enum status store(struct import_counts *n, const struct table *t,
                         const char *grid, const char *hex,
                         const struct cli *cli, struct err *err)
{
    struct db *db = NULL;
    char *argv = session_command(&cli->session);
    struct import_request rq = { .grid = grid,
                                 .sha256 = hex,
                                 .argv = argv,
                                 .replace = cli_flag(cli, "replace") };
    enum status st =
        twin_rule_read(&rq.twins, cli_value(cli, "base", NULL), t, err);

    if (st == OK)
        st = lock_db(&db, cli->session.db_path, err);
    if (st == OK)
        st = db_begin(db, err);
    if (st == OK) {
        st = import_rows(n, t, &rq, db, err);
        if (st == OK && n->left_out && cli_flag(cli, "strict"))
            st = err_set(err, ERR_CONFIG,
                         "%d rows cannot be runs (--strict); "
                         "%s",
                         n->left_out, n->first);
        if (st == OK)
            st = db_commit(db, err);
        else
            db_rollback(db);
    }
    db_close(db);
    twin_rule_release(&rq.twins);
    free(argv);
    return st;
}

static void add_json(struct str *out, const struct import_counts *n,
                     const char *grid)
{
    str_add(out, "{");
    json_add_text(out, "schema", "qlaw/import/1");
    json_add_text(out, "grid", grid);
    json_add_number(out, "runs", n->runs);
    json_add_number(out, "known", n->known);
    json_add_number(out, "replaced", n->replaced);
    json_add_number(out, "points", n->points);
    json_add_number(out, "before", n->before);
    json_add_number(out, "quantized", n->quantized);
    json_add_number(out, "unpaired", n->unpaired);
    json_add_number(out, "left_out", n->left_out);
    str_add(out, "}\n");
}

static void add_sentences(struct str *out, const struct import_counts *n,
                          const struct table *t, const char *grid)
{
    str_addf(out, "grid '%s': %d run%s of %d point%s", grid, n->runs,
             n->runs == 1 ? "" : "s", n->points, n->points == 1 ? "" : "s");
    if (n->known)
        str_addf(out, ", %d there already", n->known);
    if (n->replaced)
        str_addf(out, ", %d of them with another loss now", n->replaced);
    if (n->before && n->runs)
        str_addf(out, ", beside %d it had", n->before);
    str_add(out, "\n");
    if (n->left_out)
        str_addf(out, "%d row%s left out; %s\n", n->left_out,
                 n->left_out == 1 ? " is" : "s are", n->first);
    if (n->unpaired)
        str_addf(out,
                 "%d of %d quantized points have no unquantized twin, so no "
                 "cost (--base COLUMN=VALUE names twins)\n",
                 n->unpaired, n->quantized);
    for (int i = 0; i < t->n_notes; i++)
        str_addf(out, "%s\n", t->notes[i]);
}

static void report(const struct import_counts *n, const struct table *t,
                   const char *grid, const struct cli *cli)
{
    struct str out = { 0 };

    if (cli_flag(cli, "json"))
        add_json(&out, n, grid);
    else
        add_sentences(&out, n, t, grid);
    cli_report(cli, str_text(&out));
    str_release(&out);
}

/* --- a folder of 'qlaw export' ---------------------------------------------- */

static void report_folder(const struct db_merge *n, const char *grid,
                          const struct cli *cli)
{
    struct str out = { 0 };

    if (cli_flag(cli, "json")) {
        str_add(&out, "{");
        json_add_text(&out, "schema", "qlaw/import/1");
        json_add_text(&out, "grid", grid);
        json_add_number(&out, "points", (double)n->points);
        json_add_number(&out, "runs", (double)n->runs);
        json_add_number(&out, "results", (double)n->results);
        json_add_number(&out, "conflicts", (double)n->conflicts);
        str_add(&out, "}\n");
    } else {
        str_addf(&out,
                 "grid '%s': %lld new runs of %lld new points, %lld "
                 "results\n",
                 grid, (long long)n->runs, (long long)n->points,
                 (long long)n->results);
    }
    cli_report(cli, str_text(&out));
    str_release(&out);
}

static enum status import_folder(struct cli *cli, const char *folder,
                                 struct err *err)
{
    struct lock lock = { .fd = -1 };
    struct db_merge n;
    struct db *db;
    char *grid = NULL;
    enum status st = lock_open(&lock, &db, cli->session.db_path, err);

    if (st == OK)
        st = db_import(&n, &grid, db, folder, err);
    if (st == OK)
        report_folder(&n, grid, cli);
    if (st == OK)
        st = db_merge_verdict(&n, err);
    free(grid);
    db_close(db);
    lock_release(&lock);
    return st;
}

static bool is_folder(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

/* --- a table ----------------------------------------------------------------- */

static enum status import_table(struct cli *cli, struct err *err)
{
    struct import_counts n = { .runs = 0 };
    struct table *t = NULL;
    const char *path;
    char hex[HASH_HEX], *grid = NULL;
    enum status st = read_source(&t, hex, &path, cli, err);

    if (st == OK)
        st = prepare(t, cli, err);
    if (st == OK) {
        grid = grid_name(cli, path);
        st = store(&n, t, grid, hex, cli, err);
    }
    if (st == OK)
        report(&n, t, grid, cli);
    free(n.first);
    free(grid);
    table_free(t);
    return st;
}

static enum status run(struct cli *cli, struct err *err)
{
    if (cli->n_args == 1 && is_folder(cli->args[0]))
        return import_folder(cli, cli->args[0], err);
    return import_table(cli, err);
}

const struct verb verb_import = {
    .name = "import",
    .args = "FOLDER | [csv|jsonl] FILE",
    .min_args = 1,
    .max_args = 2,
    .summary = "take over exported runs, or a table as runs of a grid",
    .example = "qlaw import csv runs.csv --map N=params,loss=val --grid paper",
    .options = options,
    .detail =
        "FOLDER is what 'qlaw export' wrote.  Of a table, columns N, D and "
        "loss are needed;\nG, E, M, fmt, gmse and seed are understood.  "
        "G = 1 or fmt none marks unquantized\ntwins.  The same again adds "
        "nothing; rows of another file join those of the grid.",
    .run = run,
};
