/* db_edit.c - delete, undelete, rename, tag, and what a vacuum takes away. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "base/wrap.h"
#include "db/admin.h"
#include "db/deleted.h"
#include "db/need_grid.h"
#include "db/statement.h"
#include "harness/cli/sheet.h"
#include "harness/os/lock.h"
#include "harness/store/marks.h"
#include "harness/store/run_find.h"
#include "harness/verbs/db_parts.h"

/* A change of the database: all of it or nothing, then the marks. */
struct edit {
    struct cli *cli;
    struct lock lock;
    struct db *db;
};

static enum status edit_open(struct edit *e, struct cli *cli, struct err *err)
{
    enum status st;

    *e = (struct edit){ .cli = cli, .lock = { .fd = -1 } };
    st = lock_open(&e->lock, &e->db, cli->session.db_path, err);
    return st == OK ? db_begin(e->db, err) : st;
}

static enum status edit_close(struct edit *e, enum status st, struct err *err)
{
    if (st == OK)
        st = db_commit(e->db, err);
    if (st != OK && e->db)
        db_rollback(e->db);
    if (st == OK)
        st = marks_write(e->db, e->cli->session.db_path, err);
    db_close(e->db);
    lock_release(&e->lock);
    return st;
}

/* "2 grids, 72 runs and 1 fit" */
static void count_text(char text[100], const struct deleted_sum *n)
{
    snprintf(text, 100, "%lld grid%s, %lld run%s and %lld fit%s",
             (long long)n->grids, n->grids == 1 ? "" : "s", (long long)n->runs,
             n->runs == 1 ? "" : "s", (long long)n->fits,
             n->fits == 1 ? "" : "s");
}

static void report_counts(struct cli *cli, const char *schema,
                          const struct deleted_sum *n)
{
    struct sheet t;

    if (!cli_flag(cli, "json"))
        return;
    sheet_open(&t, cli, schema);
    sheet_number(&t, "grids", (double)n->grids);
    sheet_number(&t, "runs", (double)n->runs);
    sheet_number(&t, "fits", (double)n->fits);
    sheet_close(&t);
}

/* --- delete, undelete --------------------------------------------------------
 */

/* A grid of that name, or else a run: *run_id is 0 for a grid. */
static enum status find_thing(int64_t *run_id, struct db *db, const char *name,
                              struct err *err)
{
    bool grid;
    enum status st = db_has_grid(&grid, db, name, err);

    *run_id = 0;
    if (st != OK || grid)
        return st;
    st = run_look(run_id, db, name, err);
    if (st == OK && !*run_id)
        return err_set(err, ERR_USAGE,
                       "no grid and no run '%.60s' in %s (see 'qlaw db list')",
                       name, db_path(db));
    return st;
}

static enum status put_one(struct deleted_sum *n, struct db *db,
                           const char *name, struct err *err)
{
    int64_t run_id;
    enum status st = find_thing(&run_id, db, name, err);

    if (st != OK)
        return st;
    return run_id ? deleted_put_run(n, db, run_id, err)
                  : deleted_put_grid(n, db, name, err);
}

enum status db_part_delete(struct cli *cli, struct err *err)
{
    struct deleted_sum n = { 0 };
    struct edit e;
    char text[100];
    enum status st = edit_open(&e, cli, err);

    for (int i = 1; i < cli->n_args && st == OK; i++)
        st = put_one(&n, e.db, cli->args[i], err);
    st = edit_close(&e, st, err);
    if (st != OK)
        return st;
    count_text(text, &n);
    cli_note(cli, "deleted %s", text);
    cli_note(cli, "  qlaw db undelete ...   brings them back");
    cli_note(cli, "  qlaw db vacuum --yes   removes them for good");
    report_counts(cli, "qlaw/db-delete/1", &n);
    return OK;
}

static enum status back_one(struct deleted_sum *n, struct db *db,
                            const char *name, struct err *err)
{
    int64_t id;
    enum status st = deleted_find_grid(&id, db, name, err);

    if (st == OK && id)
        return deleted_back_grid(n, db, name, err);
    if (st == OK)
        st = deleted_find_run(&id, db, name, err);
    if (st == OK && !id)
        return err_set(err, ERR_USAGE,
                       "no grid and no run '%.60s' is deleted in %s (see 'qlaw "
                       "db list --deleted')",
                       name, db_path(db));
    return st == OK ? deleted_back_run(n, db, id, err) : st;
}

enum status db_part_undelete(struct cli *cli, struct err *err)
{
    struct deleted_sum n = { 0 };
    struct edit e;
    char text[100];
    enum status st = edit_open(&e, cli, err);

    for (int i = 1; i < cli->n_args && st == OK; i++)
        st = back_one(&n, e.db, cli->args[i], err);
    if (st == OK)
        st = deleted_back_fits(&n, e.db, err);
    st = edit_close(&e, st, err);
    if (st != OK)
        return st;
    count_text(text, &n);
    cli_note(cli, "%s are back", text);
    report_counts(cli, "qlaw/db-undelete/1", &n);
    return OK;
}

/* --- names and tags
 * ----------------------------------------------------------- */

/* A name is shown on terminals and typed in shells. */
static enum status check_name(const char *what, const char *name,
                              const char *refused, struct err *err)
{
    struct str shown = { 0 };
    const size_t n = strlen(name);
    enum status st = OK;

    str_add_shown(&shown, name, 100);
    if (n == 0 || n > 100 || strcmp(str_text(&shown), name) != 0)
        st = err_set(err, ERR_USAGE,
                     "a %s has 1 to 100 bytes of text without control "
                     "characters",
                     what);
    else if (name[0] == '-' || name[0] == ' ' || name[n - 1] == ' ' ||
             strpbrk(name, refused))
        st = err_set(err, ERR_USAGE,
                     "%s '%s': no '-' or space at its beginning, none of '%s'",
                     what, name, refused);
    str_release(&shown);
    return st;
}

static enum status check_free(struct db *db, const char *name, struct err *err)
{
    bool there;
    int64_t gone;
    enum status st = db_has_grid(&there, db, name, err);

    if (st == OK)
        st = deleted_find_grid(&gone, db, name, err);
    if (st == OK && (there || gone))
        return err_set(err, ERR_USAGE, "a grid '%.60s' is %s in %s", name,
                       there ? "there already" : "among the deleted ones",
                       db_path(db));
    return st;
}

enum status db_part_rename(struct cli *cli, struct err *err)
{
    const char *from = cli->args[1], *to = cli->args[2];
    struct deleted_sum n = { .grids = 1 };
    struct edit e;
    enum status st = check_name("name of a grid", to, "/", err);

    if (st != OK)
        return st;
    st = edit_open(&e, cli, err);
    if (st == OK)
        st = db_need_grid(NULL, e.db, from, err);
    if (st == OK)
        st = check_free(e.db, to, err);
    if (st == OK)
        st = marks_rename(&n.fits, e.db, from, to, err);
    st = edit_close(&e, st, err);
    if (st != OK)
        return st;
    cli_note(cli,
             "grid %s is %s; a file that still says name = %s begins "
             "another one",
             from, to, from);
    report_counts(cli, "qlaw/db-rename/1", &n);
    return OK;
}

static enum status set_tag(struct db *db, const char *grid, int64_t run_id,
                           const char *tag, bool there, struct err *err)
{
    const enum status st = check_name("tag", tag, " ,+", err);

    if (st != OK)
        return st;
    return db_do(
        db,
        there ? "INSERT OR IGNORE INTO tag(tag, grid, run_id) "
                "VALUES(:tag, :grid, nullif(:run, 0))"
              : "DELETE FROM tag "
                "WHERE tag=:tag AND (grid=:grid OR run_id=:run)",
        DB_VALUES(DB_T("tag", tag), DB_T("grid", grid), DB_I("run", run_id)),
        err);
}

/* +TAG and, after "--", -TAG. */
static enum status set_tags(struct cli *cli, struct db *db, const char *grid,
                            int64_t run_id, struct err *err)
{
    enum status st = OK;

    for (int i = 2; i < cli->n_args && st == OK; i++) {
        const char *word = cli->args[i];

        if (*word != '+' && *word != '-')
            return err_set(err, ERR_USAGE, "'%.60s': say +%.60s to add it",
                           word, word);
        st = set_tag(db, grid, run_id, word + 1, *word == '+', err);
    }
    for (int i = 0; cli_nth(cli, "remove", i) && st == OK; i++)
        st = set_tag(db, grid, run_id, cli_nth(cli, "remove", i), false, err);
    return st;
}

static enum status tags_text(struct str *out, bool json, struct db *db,
                             const char *grid, int64_t run_id, struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_with(
        &s, db,
        "SELECT tag FROM tag WHERE grid=:grid OR run_id=:run ORDER BY 1",
        DB_VALUES(DB_T("grid", grid), DB_I("run", run_id)), err);

    for (int i = 0; st == OK && (st = db_stmt_step(&row, s, err)) == OK && row;
         i++) {
        const char *tag = db_text(s, 0);

        str_add(out, i == 0 ? "" : json ? "," : " ");
        if (json) {
            json_quote(out, tag);
        } else {
            str_add_char(out, '+');
            str_add_shown(out, tag, 60);
        }
    }
    db_stmt_close(s);
    return st;
}

enum status db_part_tag(struct cli *cli, struct err *err)
{
    const bool json = cli_flag(cli, "json");
    const char *name = cli->args[1], *grid;
    struct str s = { 0 }, tags = { 0 };
    int64_t run_id;
    struct edit e;
    enum status st = edit_open(&e, cli, err);

    if (st == OK)
        st = find_thing(&run_id, e.db, name, err);
    grid = st == OK && run_id == 0 ? name : NULL;
    if (st == OK)
        st = set_tags(cli, e.db, grid, run_id, err);
    if (st == OK)
        st = tags_text(&tags, json, e.db, grid, run_id, err);
    st = edit_close(&e, st, err);
    if (st == OK && json) {
        str_add(&s, "{");
        json_add_text(&s, "schema", "qlaw/db-tag/1");
        json_add_text(&s, "name", name);
        printf("%s,\"tags\":[%s]}\n", str_text(&s), str_text(&tags));
    } else if (st == OK) {
        say("%s\n", tags.len ? str_text(&tags) : "no tags");
    }
    str_release(&s);
    str_release(&tags);
    return st;
}

/* --- vacuum
 * ------------------------------------------------------------------- */

static enum status refuse_purge(const struct deleted_sum *n, struct err *err)
{
    char text[100], bytes[32];

    count_text(text, n);
    return err_set(err, ERR_REFUSED,
                   "%s are deleted (%sB) and would be gone for good, with the "
                   "records of these runs: 'qlaw db list --deleted' shows "
                   "them, 'qlaw db vacuum --yes' removes them",
                   text, text_si(bytes, (double)n->bytes, 3));
}

/* The records go first: what is killed in between is done by the next. */
static enum status purge(int *left, struct edit *e, struct err *err)
{
    enum status st = marks_purge(left, e->db, e->cli->session.db_path, err);

    return st == OK ? deleted_purge(e->db, err) : st;
}

enum status db_part_vacuum(struct cli *cli, struct err *err)
{
    struct deleted_sum n = { 0 };
    struct edit e;
    int left = 0;
    char text[100], bytes[32];
    enum status st = edit_open(&e, cli, err);

    if (st == OK)
        st = deleted_total(&n, e.db, err);
    if (st == OK && n.grids + n.runs + n.fits > 0)
        st = cli_flag(cli, "yes") ? purge(&left, &e, err)
                                  : refuse_purge(&n, err);
    if (st == OK)
        st = db_commit(e.db, err);
    if (st == OK)
        st = db_vacuum(e.db, err);
    if (st == OK)
        st = db_begin(e.db, err);
    st = edit_close(&e, st, err);
    if (st != OK)
        return st;
    count_text(text, &n);
    if (n.grids + n.runs + n.fits > 0)
        cli_note(cli, "%s (%sB) are gone for good", text,
                 text_si(bytes, (double)n.bytes, 3));
    if (left > 0)
        cli_note(cli,
                 "the records of %d of the runs stay: another database "
                 "has part in them",
                 left);
    report_counts(cli, "qlaw/db-vacuum/1", &n);
    return OK;
}
