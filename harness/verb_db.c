/* verb_db.c - care of the database file. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "db/admin.h"
#include "harness/lock.h"
#include "harness/rebuild.h"
#include "harness/record.h"
#include "harness/verbs.h"

static const struct cli_option options[] = {
    { "json", 0, NULL, "report as JSON (info, check, merge, rebuild)" },
    { NULL, 0, NULL, NULL },
};

/* A report: names and values, as lines or as one JSON object. */
struct sheet {
    bool json;
    struct str s;
};

static void sheet_open(struct sheet *t, const struct cli *cli,
                       const char *schema)
{
    *t = (struct sheet){ .json = cli_flag(cli, "json") };
    if (!t->json)
        return;
    str_add(&t->s, "{");
    json_add_text(&t->s, "schema", schema);
}

static void sheet_number(struct sheet *t, const char *name, double x)
{
    char buf[32];

    if (t->json)
        json_add_number(&t->s, name, x);
    else
        str_addf(&t->s, "%-12s %s\n", name, text_number(buf, x));
}

static void sheet_text(struct sheet *t, const char *name, const char *text)
{
    if (t->json)
        json_add_text(&t->s, name, text);
    else
        str_addf(&t->s, "%-12s %s\n", name, text);
}

static void sheet_close(struct sheet *t)
{
    printf("%s%s", str_text(&t->s), t->json ? "}\n" : "");
    str_release(&t->s);
}

/* --- info ----------------------------------------------------------------------- */

static const struct {
    const char *name, *sql;
} facts[] = {
    { "store", "SELECT value FROM meta WHERE key='store'" },
    { "version", "SELECT user_version FROM pragma_user_version" },
    { "bytes", "SELECT page_count*page_size FROM pragma_page_count, "
               "pragma_page_size" },
    { "free_bytes", "SELECT freelist_count*page_size FROM "
                    "pragma_freelist_count, pragma_page_size" },
    { "grids", "SELECT count(DISTINCT name) FROM grid" },
    { "points", "SELECT count(*) FROM point" },
    { "runs", "SELECT count(*) FROM run" },
    { "done", "SELECT count(*) FROM result" },
    { "attempts", "SELECT count(*) FROM attempt" },
    { "curve_rows", "SELECT count(*) FROM curve" },
    { "fits", "SELECT count(*) FROM fit" },
};

static enum status add_fact(struct sheet *t, struct db *db, size_t i,
                            struct err *err)
{
    sqlite3_stmt *stmt;
    bool row;
    enum status st = db_prepare(&stmt, db, facts[i].sql, err);

    if (st == OK)
        st = db_step(&row, db, stmt, err);
    if (st != OK || !row)
        return st;
    if (sqlite3_column_type(stmt, 0) == SQLITE_TEXT)
        sheet_text(t, facts[i].name,
                   (const char *)sqlite3_column_text(stmt, 0));
    else
        sheet_number(t, facts[i].name, sqlite3_column_double(stmt, 0));
    sqlite3_reset(stmt);
    return OK;
}

static void add_holder(struct sheet *t, const char *db_path)
{
    struct lock_holder h;
    char text[200];

    if (!lock_held(&h, db_path)) {
        sheet_text(t, "scheduler", "none");
        return;
    }
    snprintf(text, sizeof text, "pid %lld on %s since %s",
             (long long)h.process.pid, h.host, h.since);
    sheet_text(t, "scheduler", text);
}

static enum status info(struct cli *cli, struct err *err)
{
    struct db *db = NULL;
    struct sheet t;
    enum status st = db_open(&db, cli->db_path, DB_READ, err);

    sheet_open(&t, cli, "qlaw/db-info/1");
    sheet_text(&t, "file", cli->db_path);
    for (size_t i = 0; st == OK && i < sizeof facts / sizeof facts[0]; i++)
        st = add_fact(&t, db, i, err);
    add_holder(&t, cli->db_path);
    if (st == OK)
        sheet_close(&t);
    else
        str_release(&t.s);
    db_close(db);
    return st;
}

/* --- check ----------------------------------------------------------------------- */

/* Opened for writing, which undoes what a killed writer left half done; that
 * is the scheduler's business while there is one. */
static enum status check(struct cli *cli, struct err *err)
{
    struct lock lock = { .fd = -1 };
    struct lock_holder holder;
    struct db *db = NULL;
    struct str lines = { 0 };
    struct sheet t;
    int problems = 0;
    enum status st = OK;

    if (access(cli->db_path, F_OK) == 0 &&
        access(cli->db_path, W_OK) == 0 && !lock_held(&holder, cli->db_path))
        st = lock_take(&lock, cli->db_path, err);
    if (st == OK)
        st = db_open(&db, cli->db_path, lock.fd >= 0 ? DB_WRITE : DB_READ,
                     err);
    if (st == OK)
        st = db_check(&problems, &lines, db, err);
    db_close(db);
    lock_release(&lock);
    sheet_open(&t, cli, "qlaw/db-check/1");
    if (st == OK && t.json) {
        sheet_number(&t, "problems", problems);
        sheet_text(&t, "lines", str_text(&lines));
        sheet_close(&t);
    } else if (st == OK) {
        printf("%s%s\n", str_text(&lines),
               problems ? "" : "no problem found");
    }
    str_release(&lines);
    return st == OK && problems > 0
               ? err_set(err, ERR_DB,
                         "%s: %d problem%s; 'qlaw db rebuild' makes it again "
                         "from runs/",
                         cli->db_path, problems, problems == 1 ? "" : "s")
               : st;
}

/* --- backup, merge, vacuum --------------------------------------------------------- */

static enum status backup(struct cli *cli, struct err *err)
{
    struct db *db = NULL;
    enum status st = db_open(&db, cli->db_path, DB_READ, err);

    if (st == OK)
        st = db_backup(db, cli->args[1], err);
    db_close(db);
    if (st == OK)
        cli_note(cli, "%s is a copy of %s", cli->args[1], cli->db_path);
    return st;
}

static enum status merge(struct cli *cli, struct err *err)
{
    struct lock lock = { .fd = -1 };
    struct db_merge m;
    struct db *db;
    struct sheet t;
    enum status st = lock_open(&lock, &db, cli->db_path, err);

    if (st == OK)
        st = db_merge(&m, db, cli->args[1], err);
    db_close(db);
    lock_release(&lock);
    if (st != OK)
        return st;
    sheet_open(&t, cli, "qlaw/db-merge/1");
    sheet_number(&t, "points", (double)m.points);
    sheet_number(&t, "runs", (double)m.runs);
    sheet_number(&t, "results", (double)m.results);
    sheet_number(&t, "conflicts", (double)m.conflicts);
    sheet_number(&t, "fits", (double)m.fits);
    sheet_close(&t);
    return db_merge_verdict(&m, err);
}

static enum status vacuum(struct cli *cli, struct err *err)
{
    struct lock lock = { .fd = -1 };
    struct db *db;
    enum status st = lock_open(&lock, &db, cli->db_path, err);

    if (st == OK)
        st = db_vacuum(db, err);
    db_close(db);
    lock_release(&lock);
    return st;
}

/* --- rebuild ----------------------------------------------------------------------- */

static void warn(const char *sentence)
{
    fprintf(stderr, "qlaw db rebuild: %s\n", sentence);
}

/* Built beside under another name, without a sync for each step. */
static enum status build(struct rebuild *out, const char *tmp,
                         const char *root, struct err *err)
{
    struct db *db = NULL;
    enum status st = db_open(&db, tmp, DB_WRITE, err);

    if (st == OK)
        st = db_run(db, err, "PRAGMA synchronous=OFF", "");
    if (st == OK)
        st = rebuild_from(out, db, root, warn, err);
    db_close(db);
    return st;
}

static enum status move_into_place(const char *tmp, const char *path,
                                   struct err *err)
{
    char *journal = mem_printf("%s-journal", tmp);
    const int fd = open(tmp, O_RDWR | O_CLOEXEC);
    enum status st = OK;

    if (fd < 0 || fsync(fd) != 0)
        st = err_errno(err, ERR_IO, "%s: cannot sync", tmp);
    if (fd >= 0)
        close(fd);
    if (st == OK && rename(tmp, path) != 0)
        st = err_errno(err, ERR_IO, "%s", path);
    if (st == OK)
        st = file_sync_dir(path, err);
    unlink(journal);
    unlink(tmp);
    free(journal);
    return st;
}

static void report_rebuild(const struct cli *cli, const struct rebuild *b)
{
    struct sheet t;

    sheet_open(&t, cli, "qlaw/db-rebuild/1");
    sheet_number(&t, "folders", b->folders);
    sheet_number(&t, "runs", b->runs);
    sheet_number(&t, "results", b->results);
    sheet_number(&t, "grids", b->grids);
    sheet_number(&t, "odd", b->odd);
    sheet_close(&t);
}

static enum status rebuild(struct cli *cli, struct err *err)
{
    char *root = record_root(cli->db_path);
    char *tmp = mem_printf("%s.%ld.tmp", cli->db_path, (long)getpid());
    struct lock lock = { .fd = -1 };
    struct rebuild b;
    struct stat sb;
    enum status st = lock_take(&lock, cli->db_path, err);

    if (st == OK && stat(cli->db_path, &sb) == 0 && sb.st_size > 0)
        st = err_set(err, ERR_DB,
                     "%s is there; move it away first, or name another file "
                     "in its folder with --db",
                     cli->db_path);
    if (st == OK)
        st = build(&b, tmp, root, err);
    if (st == OK)
        st = move_into_place(tmp, cli->db_path, err);
    else
        unlink(tmp);
    lock_release(&lock);
    if (st == OK)
        report_rebuild(cli, &b);
    free(tmp);
    free(root);
    return st;
}

/* --- the verb ------------------------------------------------------------------------ */

static const struct {
    const char *name;
    int args; /* beside the name */
    enum status (*run)(struct cli *cli, struct err *err);
} parts[] = {
    { "info", 0, info },     { "check", 0, check },
    { "backup", 1, backup }, { "merge", 1, merge },
    { "rebuild", 0, rebuild }, { "vacuum", 0, vacuum },
};
#define N_PARTS (sizeof parts / sizeof parts[0])

static enum status run(struct cli *cli, struct err *err)
{
    const char *names[N_PARTS], *near;

    for (size_t i = 0; i < N_PARTS; i++) {
        names[i] = parts[i].name;
        if (strcmp(parts[i].name, cli->args[0]) != 0)
            continue;
        if (cli->n_args - 1 != parts[i].args)
            return err_set(err, ERR_USAGE, "db %s takes %s", parts[i].name,
                           parts[i].args ? "one file" : "no argument");
        return parts[i].run(cli, err);
    }
    near = text_nearest(cli->args[0], names, N_PARTS);
    return err_set(err, ERR_USAGE,
                   "db '%.20s' is not info, check, backup, merge, rebuild or "
                   "vacuum%s%s%s",
                   cli->args[0], near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

const struct verb verb_db = {
    .name = "db",
    .args = "info|check|backup FILE|merge FILE|rebuild|vacuum",
    .min_args = 1,
    .max_args = 2,
    .summary = "look after the database file",
    .example = "qlaw db backup study-2026-11.db",
    .options = options,
    .detail = "info: what is in it.  check: damage and contradictions (exit 5 "
              "if any).\nbackup: a copy, also while it is in use.  merge: take "
              "over what FILE has and\nthis one lacks.  rebuild: make a lost "
              "database again from runs/.  vacuum: give\nfreed room back.",
    .run = run,
};
