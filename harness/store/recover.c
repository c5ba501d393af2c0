#include "harness/store/recover.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "db/statement.h"
#include "harness/proto/claimed.h"
#include "harness/store/retell.h"

#define END_PATIENCE_S 5 /* for a worker to be gone once it is killed */

/* One run whose records are read. */
struct reading {
    struct recovery *sum;
    struct retelling told;
    const char *store, *host;
    int from; /* attempts from this number on are news */
};

/* --- one run -------------------------------------------------------------------- */

/* An attempt without an end of ours. */
static void close_attempt(struct reading *r)
{
    struct attempt_end e = retell_missing_end(&r->told);

    if (!r->told.open)
        return;
    clock_iso(e.at);
    if (e.outcome == OUTCOME_LOST)
        r->sum->lost++;
    else
        r->sum->adopted++;
    retell_end(&r->told, &e);
}

static void on_begin(void *ctx, const struct attempt_begin *b)
{
    struct reading *r = ctx;

    close_attempt(r);
    if (strcmp(b->store, r->store) != 0 || b->number < r->from ||
        b->number == 0)
        return;
    if (strcmp(b->host, r->host) == 0)
        process_end_group(&b->process, END_PATIENCE_S);
    retell_begin(&r->told, b);
}

static void on_line(void *ctx, const struct metrics_line *m)
{
    struct reading *r = ctx;

    retell_line(&r->told, m);
}

static void on_end(void *ctx, int number, const struct attempt_end *e)
{
    struct reading *r = ctx;

    if (!r->told.open || number != r->told.number)
        return;
    r->sum->adopted++;
    retell_end(&r->told, e);
}

static void read_run(struct reading *r, const char *folder)
{
    const struct record_reader reader = {
        .begin = on_begin, .line = on_line, .end = on_end, .ctx = r
    };

    bool held;
    const int claim = record_claim(&held, folder, false);

    if (held) /* a living scheduler of another database or host */
        return;
    r->told.open = false;
    r->told.log_path = mem_printf("%s/log.txt", folder);
    if (record_read(folder, &reader, NULL) == OK)
        close_attempt(r);
    /* A worker of a cluster that a rebuilt database does not know of. */
    claimed_tell_results(folder, &reader);
    if (claim >= 0)
        close(claim);
    free(r->told.log_path);
}

/* --- runs that were running --------------------------------------------------------- */

/* An attempt that is open in the database and nowhere else. */
static enum status close_unrecorded(struct db *db, struct err *err)
{
    const enum status st = db_do(
        db,
        "UPDATE attempt SET outcome='lost', message='its scheduler ended', "
        "ended_at=strftime('%Y-%m-%dT%H:%M:%fZ','now') "
        "WHERE outcome IS NULL AND backend<>'slurm'",
        NULL, err);

    return st != OK ? st
                    : db_do(db,
                            "UPDATE run SET state='pending', "
                            "state_reason='its scheduler ended' "
                            "WHERE state IN "
                            "(SELECT state FROM run_states WHERE is_held) "
                            "AND run_id NOT IN (SELECT run_id FROM attempt "
                            "WHERE outcome IS NULL AND backend='slurm')",
                            NULL, err);
}

static enum status read_running(struct reading *r, struct db *db,
                                struct err *err)
{
    struct db_stmt *s;
    bool row = true;
    enum status st = db_stmt_open(
        &s, db,
        "SELECT run_id, point_id, seed, coalesce((SELECT min(number) "
        "FROM attempt a WHERE a.run_id=r.run_id AND outcome IS NULL), "
        "attempts+1) "
        "FROM run r WHERE "
        "(state IN (SELECT state FROM run_states WHERE is_held) "
        "OR run_id IN (SELECT run_id FROM attempt WHERE outcome IS NULL)) "
        "AND run_id NOT IN (SELECT run_id FROM attempt "
        "WHERE outcome IS NULL AND backend='slurm')",
        err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        char *folder =
            record_folder(db_path(db), db_text(s, 1), (uint64_t)db_int(s, 2));

        r->told.run_id = db_int(s, 0);
        r->from = (int)db_int(s, 3);
        read_run(r, folder);
        free(folder);
    }
    db_stmt_close(s);
    return st;
}

/* --- runs with records that the database does not know -------------------------------- */

struct name {
    char text[RECORD_RUN];
    int run;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->text,
                  ((const struct name *)b)->text);
}

static struct name *open_names(int *n_names, const struct grid *g,
                               const struct store_run *runs, int n)
{
    struct name *names = mem_array((size_t)n, sizeof *names);

    *n_names = 0;
    for (int i = 0; i < n; i++) {
        if (!run_state_open(runs[i].state, false) ||
            runs[i].state == RUN_RUNNING)
            continue;
        record_run_name(names[*n_names].text, g->points[runs[i].point].id,
                        runs[i].seed);
        names[(*n_names)++].run = i;
    }
    qsort(names, (size_t)*n_names, sizeof *names, by_text);
    return names;
}

static void read_folders(struct reading *r, const char *root,
                         const struct grid *g, const struct store_run *runs,
                         int n)
{
    int n_names;
    struct name *names = open_names(&n_names, g, runs, n), key;
    DIR *d = n_names > 0 ? opendir(root) : NULL;
    const struct dirent *entry;

    while (d && (entry = readdir(d))) {
        const struct name *found;
        char *folder;

        if (strlen(entry->d_name) >= sizeof key.text)
            continue;
        strcpy(key.text, entry->d_name);
        found = bsearch(&key, names, (size_t)n_names, sizeof key, by_text);
        if (!found)
            continue;
        folder = mem_printf("%s/%s", root, entry->d_name);
        r->told.run_id = runs[found->run].run_id;
        r->from = runs[found->run].attempts + 1;
        read_run(r, folder);
        free(folder);
    }
    if (d)
        closedir(d);
    free(names);
}

enum status recover_runs(struct recovery *out, struct journal *j, struct db *db,
                         const char *store, const struct grid *g,
                         const struct store_run *runs, int n, struct err *err)
{
    char host[PROCESS_HOST], *root = record_root(db_path(db));
    struct reading r = {
        .sum = out, .told = { .journal = j }, .store = store, .host = host
    };
    enum status st;

    *out = (struct recovery){ 0, 0 };
    process_host(host);
    st = read_running(&r, db, err);
    if (st == OK)
        read_folders(&r, root, g, runs, n);
    if (st == OK)
        st = journal_flush(j, db_patience(db), err);
    if (st == OK)
        st = close_unrecorded(db, err);
    free(root);
    return st;
}
