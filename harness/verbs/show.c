/* show.c - one run: its keys, attempts, result, log, and how to repeat
 * it by hand. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "base/wrap.h"
#include "db/statement.h"
#include "harness/proto/record.h"
#include "harness/store/run_find.h"
#include "harness/verbs/verbs.h"

#define LOG_LINES 10
#define LOG_BYTES (1 << 16) /* in which they are looked for */

static const struct cli_option options[] = {
    { "json", 0, NULL, "the configuration and the result as JSON" },
    { NULL, 0, NULL, NULL },
};

static void add_value(struct str *out, const char *key, const json_t *value)
{
    char *text = json_is_string(value) ? mem_strdup(json_string_value(value))
                                       : json_canonical_text(value);

    str_addf(out, " %s=%s", key, text);
    free(text);
}

/* "    model: d_ff=64 d_model=16 ...", a section a line. */
static void print_config(const char *text)
{
    json_t *config = json_loads(text, 0, NULL), *values, *value;
    const char *section, *key;

    say("  config\n");
    json_object_foreach(config, section, values)
    {
        struct str line = { 0 };

        str_addf(&line, "    %s:", section);
        json_object_foreach(values, key, value) add_value(&line, key, value);
        if (!json_is_object(values))
            add_value(&line, section, values);
        say("%s\n", str_text(&line));
        str_release(&line);
    }
    json_decref(config);
}

static void print_cell(struct db_stmt *s, int i, struct str *json)
{
    const char *name = db_column(s, i);

    if (json && db_type(s, i) == DB_TEXT)
        json_add_text(json, name, db_text(s, i));
    else if (json)
        json_add_number(json, name, db_real(s, i));
    else if (strcmp(name, "config") == 0)
        print_config(db_text(s, i));
    else
        say("  %-15s %s\n", name, db_text(s, i));
}

/* One row as NAME value lines, or as a JSON object; NULLs are left out. */
static enum status print_row(struct db *db, const char *sql, int64_t run_id,
                             struct str *json, struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st =
        db_stmt_with(&s, db, sql, DB_VALUES(DB_I("run", run_id)), err);

    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row)
        for (int i = 0; i < db_columns(s); i++)
            if (!db_is_null(s, i))
                print_cell(s, i, json);
    db_stmt_close(s);
    return st;
}

/* What a run measured beside its loss: the last value of each name. */
static enum status print_metrics(struct db *db, int64_t run_id,
                                 struct str *json, struct err *err)
{
    struct db_stmt *s;
    char buf[32];
    int n = 0;
    bool row;
    enum status st = db_stmt_with(
        &s, db,
        "SELECT name, value FROM metric m WHERE run_id=:run AND step=(SELECT "
        "max(step) FROM metric l WHERE l.run_id=m.run_id AND l.name=m.name) "
        "ORDER BY name",
        DB_VALUES(DB_I("run", run_id)), err);

    if (st == OK && json)
        str_add(json, ",\"metrics\":{");
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row) {
        if (json)
            json_add_number(json, db_text(s, 0), db_real(s, 1));
        else
            say("%s  %-15s %s\n", n ? "" : "metrics\n", db_text(s, 0),
                text_number(buf, db_real(s, 1)));
        n++;
    }
    if (st == OK && json)
        str_add(json, "}");
    db_stmt_close(s);
    return st;
}

static enum status print_attempts(struct db *db, int64_t run_id,
                                  struct err *err)
{
    struct db_stmt *s;
    bool row;
    enum status st =
        db_stmt_with(&s, db,
                     "SELECT number, started_at, coalesce(outcome,'running'), "
                     "coalesce(host,'-'), coalesce(wall_s,0), message "
                     "FROM attempt WHERE run_id=:run ORDER BY number",
                     DB_VALUES(DB_I("run", run_id)), err);

    if (st == OK)
        say("attempts\n");
    while (st == OK && (st = db_stmt_step(&row, s, err)) == OK && row)
        say("  %d  %.19s  %-9s %s  %.1f s  %s\n", (int)db_int(s, 0),
            db_text(s, 1), db_text(s, 2), db_text(s, 3), db_real(s, 4),
            db_text(s, 5));
    db_stmt_close(s);
    return st;
}

/* The last bytes of a file, however long it is. */
static size_t read_tail(char *buf, size_t size, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat sb;
    ssize_t n = -1;

    if (fd >= 0 && fstat(fd, &sb) == 0 && S_ISREG(sb.st_mode))
        n = pread(fd, buf, size,
                  sb.st_size > (off_t)size ? sb.st_size - (off_t)size : 0);
    if (fd >= 0)
        close(fd);
    return n > 0 ? (size_t)n : 0;
}

/* A log may be of any length and hold any bytes, zeros among them. */
static void print_tail(const char *path)
{
    static char text[LOG_BYTES + 2];
    size_t n = read_tail(text, LOG_BYTES, path);
    const char *start = text + n;
    int lines = 0;

    if (n == 0)
        return;
    if (text[n - 1] != '\n')
        text[n++] = '\n';
    text[n] = '\0';
    for (size_t i = 0; i < n; i++)
        text[i] = text[i] ? text[i] : '?';
    for (start = text + n - 1; start > text && lines < LOG_LINES;)
        lines += *--start == '\n';
    say("the end of %s\n", path);
    say_text(stdout, start + (*start == '\n'));
}

static void print_folder(const char *folder)
{
    char *log = mem_printf("%s/log.txt", folder);

    print_tail(log);
    say("by hand\n");
    printf("  qlaw train --config %s/config.json\n", folder); /* to be copied */
    free(log);
}

static enum status print_rest(const struct cli *cli, struct db *db,
                              int64_t run_id, struct err *err)
{
    struct db_stmt *s;
    bool row = false;
    char *folder;
    enum status st =
        db_stmt_with(&s, db, "SELECT point_id, seed FROM run WHERE run_id=:run",
                     DB_VALUES(DB_I("run", run_id)), err);

    if (st == OK)
        st = db_stmt_step(&row, s, err);
    if (row) {
        folder = record_folder(cli->session.db_path, db_text(s, 0),
                               (uint64_t)db_int(s, 1));
        print_folder(folder);
        free(folder);
    }
    db_stmt_close(s);
    return st;
}

static const char run_sql[] =
    "SELECT run_id, point_id, seed, state, state_reason, arm, N, D, G, fmt, "
    "act_fmt, (SELECT q.run_id FROM posts p JOIN run q ON "
    "q.point_id=p.parent_id AND q.seed=p.seed WHERE p.run_id=r.run_id) AS "
    "parent_run, loss, loss_se, wall_s, tok_per_s, flops "
    "FROM runs r WHERE run_id=:run";

static enum status show(const struct cli *cli, struct db *db, int64_t run_id,
                        struct err *err)
{
    const bool json = cli_flag(cli, "json");
    struct str s = { 0 };
    enum status st;

    str_add(&s, "{");
    if (json)
        json_add_text(&s, "schema", "qlaw/show/1");
    st = print_row(db, run_sql, run_id, json ? &s : NULL, err);
    if (st == OK)
        st = print_row(db,
                       "SELECT p.config FROM run JOIN point p "
                       "USING(point_id) WHERE run_id=:run",
                       run_id, json ? &s : NULL, err);
    if (st == OK)
        st = print_metrics(db, run_id, json ? &s : NULL, err);
    if (st == OK && json)
        printf("%s}\n", str_text(&s));
    str_release(&s);
    if (st != OK || json)
        return st;
    st = print_attempts(db, run_id, err);
    return st == OK ? print_rest(cli, db, run_id, err) : st;
}

static enum status run(struct cli *cli, struct err *err)
{
    struct db *db = NULL;
    int64_t run_id = 0;
    enum status st = db_open(&db, cli->session.db_path, DB_READ, err);

    if (st == OK)
        st = db_read_begin(db, err);
    if (st == OK)
        st = run_find(&run_id, db, cli->args[0], err);
    if (st == OK)
        st = show(cli, db, run_id, err);
    db_close(db);
    return st;
}

const struct verb verb_show = {
    .name = "show",
    .args = "RUN",
    .min_args = 1,
    .max_args = 1,
    .summary = "one run: keys, attempts, result, log, how to repeat it",
    .example = "qlaw show a41f09c2",
    .options = options,
    .detail = "RUN is a number of the views, or the start of a hash, or "
              "HASH-SEED.",
    .run = run,
};
