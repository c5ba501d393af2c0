/* db.c - care of the database file. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/wrap.h"
#include "db/admin.h"
#include "db/place.h"
#include "db/statement.h"
#include "harness/cli/sheet.h"
#include "harness/os/lock.h"
#include "harness/proto/record.h"
#include "harness/store/rebuild.h"
#include "harness/verbs/db_parts.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "deleted", 0, NULL, "list: what is deleted" },
    { "remove", 0, "TAG", "tag: take TAG away (again for more)" },
    { "yes", 0, NULL, "vacuum: what is deleted may go for good" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

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
    { "deleted", "SELECT count(*) FROM deleted WHERE kind<>'fit'" },
};

static enum status add_fact(struct sheet *t, struct db *db, size_t i,
                            struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    enum status st = db_stmt_open(&s, db, facts[i].sql, err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (row && db_type(s, 0) == DB_TEXT)
        sheet_text(t, facts[i].name, db_text(s, 0));
    else if (row)
        sheet_number(t, facts[i].name, db_real_or(s, 0, 0));
    db_stmt_close(s);
    return st;
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
    enum status st = db_open(&db, cli->session.db_path, DB_READ, err);

    sheet_open(&t, cli, "qlaw/db-info/1");
    sheet_text(&t, "file", cli->session.db_path);
    for (size_t i = 0; st == OK && i < sizeof facts / sizeof facts[0]; i++)
        st = add_fact(&t, db, i, err);
    add_holder(&t, cli->session.db_path);
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

    if (access(cli->session.db_path, F_OK) == 0 &&
        access(cli->session.db_path, W_OK) == 0 &&
        !lock_held(&holder, cli->session.db_path))
        st = lock_take(&lock, cli->session.db_path, err);
    if (st == OK)
        st = db_open(&db, cli->session.db_path,
                     lock.fd >= 0 ? DB_WRITE : DB_READ, err);
    if (st == OK) {
        lock_say_upgraded(db);
        st = db_check(&problems, &lines, db, err);
    }
    db_close(db);
    lock_release(&lock);
    sheet_open(&t, cli, "qlaw/db-check/1");
    if (st == OK && t.json) {
        sheet_number(&t, "problems", problems);
        sheet_text(&t, "lines", str_text(&lines));
        sheet_close(&t);
    } else if (st == OK) {
        say("%s%s\n", str_text(&lines), problems ? "" : "no problem found");
    }
    str_release(&lines);
    return st == OK && problems > 0
               ? err_set(err, ERR_DB,
                         "%s: %d problem%s; 'qlaw db rebuild' makes it again "
                         "from runs/",
                         cli->session.db_path, problems,
                         problems == 1 ? "" : "s")
               : st;
}

/* --- backup, merge --------------------------------------------------------- */

static enum status backup(struct cli *cli, struct err *err)
{
    struct db *db = NULL;
    enum status st = db_open(&db, cli->session.db_path, DB_READ, err);

    if (st == OK)
        st = db_backup(db, cli->args[1], err);
    db_close(db);
    if (st == OK && cli_flag(cli, "json")) {
        struct sheet t;

        sheet_open(&t, cli, "qlaw/db-backup/1");
        sheet_text(&t, "file", cli->session.db_path);
        sheet_text(&t, "copy", cli->args[1]);
        sheet_close(&t);
    } else if (st == OK) {
        cli_note(cli, "%s is a copy of %s", cli->args[1], cli->session.db_path);
    }
    return st;
}

static enum status merge(struct cli *cli, struct err *err)
{
    struct lock lock = { .fd = -1 };
    struct db_merge m;
    struct db *db;
    struct sheet t;
    enum status st = lock_open(&lock, &db, cli->session.db_path, err);

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
    sheet_number(&t, "deleted", (double)m.deleted);
    sheet_close(&t);
    return db_merge_verdict(&m, err);
}

/* --- rebuild ----------------------------------------------------------------------- */

static void warn(const char *sentence)
{
    char *line = mem_printf("qlaw db rebuild: %s\n", sentence);

    say_text(stderr, line);
    free(line);
}

/* Built beside under another name, without a sync for each step. */
static enum status build(struct rebuild *out, const char *tmp, const char *root,
                         struct err *err)
{
    struct db *db = NULL;
    enum status st = db_open(&db, tmp, DB_WRITE, err);

    if (st == OK)
        st = db_do(db, "PRAGMA synchronous=OFF", NULL, err);
    if (st == OK)
        st = rebuild_from(out, db, root, warn, err);
    db_close(db);
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
    sheet_number(&t, "deleted", b->deleted);
    sheet_number(&t, "odd", b->odd);
    sheet_close(&t);
}

static enum status rebuild(struct cli *cli, struct err *err)
{
    char *root = record_root(cli->session.db_path);
    char *tmp = NULL;
    struct lock lock = { .fd = -1 };
    struct rebuild b;
    struct stat sb;
    enum status st = lock_take(&lock, cli->session.db_path, err);

    if (st == OK && stat(cli->session.db_path, &sb) == 0 && sb.st_size > 0)
        st = err_set(err, ERR_DB,
                     "%s is there; move it away first, or name another file "
                     "in its folder with --db",
                     cli->session.db_path);
    if (st == OK)
        st = db_place_make(&tmp, cli->session.db_path, err);
    if (st == OK)
        st = build(&b, tmp, root, err);
    if (st == OK)
        st = db_place_take(tmp, cli->session.db_path, err);
    else if (tmp)
        db_place_drop(tmp);
    lock_release(&lock);
    if (st == OK)
        report_rebuild(cli, &b);
    if (st == OK && b.deleted > 0)
        cli_note(cli, "what was deleted still is ('qlaw db list --deleted')");
    if (st == OK && b.odd > 0)
        st = err_set(err, ERR_RUNS,
                     "%d record%s could not be read; the rest is back", b.odd,
                     b.odd == 1 ? "" : "s");
    free(tmp);
    free(root);
    return st;
}

/* --- the verb ------------------------------------------------------------------------ */

static const struct {
    const char *name, *takes;
    int min, max; /* arguments beside the name */
    enum status (*run)(struct cli *cli, struct err *err);
} parts[] = {
    { "info", "no argument", 0, 0, info },
    { "check", "no argument", 0, 0, check },
    { "list", "at most one grid", 0, 1, db_part_list },
    { "rename", "a grid and its new name", 2, 2, db_part_rename },
    { "tag", "a grid or a run, then +TAG...", 1, INT_MAX, db_part_tag },
    { "delete", "grids and runs", 1, INT_MAX, db_part_delete },
    { "undelete", "grids and runs", 1, INT_MAX, db_part_undelete },
    { "backup", "one file", 1, 1, backup },
    { "merge", "one file", 1, 1, merge },
    { "rebuild", "no argument", 0, 0, rebuild },
    { "vacuum", "no argument", 0, 0, db_part_vacuum },
};
#define N_PARTS (sizeof parts / sizeof parts[0])

const char *db_part_at(int i)
{
    return i < (int)N_PARTS ? parts[i].name : NULL;
}

static enum status run(struct cli *cli, struct err *err)
{
    const char *names[N_PARTS], *near;
    struct str all = { 0 };
    enum status st;

    for (size_t i = 0; i < N_PARTS; i++) {
        names[i] = parts[i].name;
        str_addf(&all, "%s%s", i ? ", " : "", parts[i].name);
        if (strcmp(parts[i].name, cli->args[0]) != 0)
            continue;
        str_release(&all);
        if (cli->n_args - 1 < parts[i].min || cli->n_args - 1 > parts[i].max)
            return err_set(err, ERR_USAGE, "db %s takes %s", parts[i].name,
                           parts[i].takes);
        return parts[i].run(cli, err);
    }
    near = text_nearest(cli->args[0], names, N_PARTS);
    st = err_set(err, ERR_USAGE, "db '%.20s' is none of %s%s%s%s", cli->args[0],
                 str_text(&all), near ? "; did you mean '" : "",
                 near ? near : "", near ? "'?" : "");
    str_release(&all);
    return st;
}

const struct verb verb_db = {
    .name = "db",
    .args = "PART [GRID|RUN|FILE...]",
    .min_args = 1,
    .max_args = -1,
    .summary = "look after the database file",
    .example = "qlaw db delete quickstart",
    .options = options,
    .detail =
        "info: what is in it.  check: damage and contradictions (exit 5 if "
        "any).\nlist [GRID]: grids, or runs of one.  rename OLD NEW.  tag "
        "GRID|RUN +TAG...\ndelete GRID|RUN...: out of everything, until "
        "undelete.  backup FILE: a copy,\nalso while it is in use.  merge "
        "FILE: take over what it has.  rebuild: make a\nlost database again "
        "from runs/.  vacuum: give freed room back; with --yes also\nwhat is "
        "deleted.",
    .run = run,
};
