#include "tests/fuzz/runs.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "db/admin.h"
#include "db/statement.h"
#include "harness/proto/attempt.h"
#include "harness/proto/record_sum.h"
#include "harness/store/record_put.h"
#include "tests/fuzz/fuzz.h"

static const char grid_text[] =
    "[grid]\ndescription = a question\n[train]\ntokens = 1024\n[seeds]\n"
    "count = 2\n[trainer]\nkind = exec\ncommand = ./tr.sh\n[block \"a\"]\n"
    "train.lr = 0.1\n[block \"b\"]\ntrain.lr = 0.2\n";

static const char marks_text[] =
    "{\"deleted_grids\":[],\"deleted_runs\":[],\"renamed\":[[\"g\",\"h\",0]],"
    "\"tags\":[[\"good\",\"h\"]]}";

static void must(enum status st, const struct err *err)
{
    if (st != OK)
        fuzz_fail(err->text, "", 0);
}

char *runs_read(const char *path, size_t *n)
{
    struct str text = { 0 };
    struct err err;

    must(file_read(&text, path, (size_t)1 << 30, &err), &err);
    if (n)
        *n = text.len;
    return str_steal(&text);
}

void runs_write(const char *path, const char *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(data, 1, n, f) != n || fclose(f) != 0)
        fuzz_fail("cannot write", path, strlen(path));
}

static char *in(const struct runs *r, const char *name)
{
    return mem_printf("%s/%s", r->folder, name);
}

static void keep(struct runs *r, char *path)
{
    r->files = mem_grow(r->files, (size_t)r->n + 1, sizeof *r->files);
    r->files[r->n++] = (struct runs_file){ path, runs_read(path, NULL) };
}

/* Two attempts, the second of which ends well. */
static void put_records(const char *path, const char *point)
{
    struct str all = { 0 };
    char *end;

    str_addf(&all,
             "{\"attempt\":1,\"begin\":\"2026-11-24T09:15:11.123Z\",\"token\":"
             "\"%032d\",\"store\":\"%032d\",\"point\":\"%s\",\"pid\":4711,"
             "\"start_ticks\":1,\"boot\":\"b\",\"host\":\"n\",\"env\":\"e\","
             "\"from_step\":0}\n{\"step\":1,\"tokens\":128,\"train_loss\":5}\n"
             "{\"attempt\":1,\"end\":\"2026-11-24T09:15:12.123Z\",\"outcome\":"
             "\"error\",\"state\":\"pending\",\"exit_code\":1,\"wall_s\":1,"
             "\"cpu_s\":1,\"max_rss\":1,\"message\":\"no\"}\n",
             1, 7, point);
    str_addf(&all,
             "{\"attempt\":2,\"begin\":\"2026-11-24T09:16:11.123Z\",\"token\":"
             "\"%032d\",\"store\":\"%032d\",\"point\":\"%s\",\"pid\":4712,"
             "\"start_ticks\":1,\"boot\":\"b\",\"host\":\"n\",\"env\":\"e\","
             "\"from_step\":0}\n",
             2, 7, point);
    end = mem_printf("{\"step\":1,\"tokens\":128,\"train_loss\":5,\"x\":2}\n"
                     "{\"step\":2,\"tokens\":256,\"train_loss\":NaN}\n"
                     "{\"final\":true,\"loss\":2.5,\"steps\":8,\"tokens\":1024,"
                     "\"probe\":3}\n");
    str_add(&all, end);
    free(end);
    str_add(&all, "{\"attempt\":2,\"end\":\"2026-11-24T09:16:12.123Z\","
                  "\"outcome\":\"ok\",\"state\":\"done\",\"exit_code\":0,"
                  "\"wall_s\":1,\"cpu_s\":1,\"max_rss\":1}\n");
    runs_write(path, str_text(&all), all.len);
    str_release(&all);
}

static void put_run(struct runs *r, const char *db_path, const struct grid *g,
                    int point, uint64_t seed)
{
    const struct grid_point *p = &g->points[point];
    char *folder = record_folder(db_path, p->id, seed);
    char *metrics = mem_printf("%s/metrics.jsonl", folder);
    struct config *c = grid_config(g, point);
    struct err err;

    must(attempt_prepare(folder, c, seed, grid_data_seed(p, seed), &err), &err);
    put_records(metrics, p->id);
    keep(r, mem_printf("%s/config.json", folder));
    keep(r, metrics);
    config_free(c);
    free(folder);
}

static void put_grid(struct runs *r, const char *db_path, struct grid *g)
{
    char *grid_file =
        mem_printf("%s/runs/grids/%.16s.json", r->folder, g->sha256);
    char *marks = in(r, "runs/marks");
    struct env env;
    struct err err;

    env_read(&env);
    must(record_put_env(db_path, &env, &err), &err);
    must(record_put_grid(db_path, g, "qlaw run g.ini", &err), &err);
    must(file_make_dirs(marks, &err), &err);
    keep(r, grid_file);
    keep(r, mem_printf("%s/runs/env/%.16s.json", r->folder, env.fingerprint));
    free(marks);
    marks = in(r, "runs/marks/00000000000000000000000000000007.json");
    runs_write(marks, marks_text, strlen(marks_text));
    keep(r, marks);
    env_release(&env);
}

static void make_empty(struct runs *r)
{
    char *path = in(r, "empty.db");
    struct db *db;
    struct err err;

    must(db_open(&db, path, DB_WRITE, &err), &err);
    db_close(db);
    r->empty = runs_read(path, &r->empty_size);
    free(path);
}

void runs_make(struct runs *r)
{
    const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    struct grid_options none = { 0 };
    char *db_path, *ini;
    struct grid *g;
    struct err err;

    *r = (struct runs){ .folder = mem_printf("%s/qlaw-fuzz-XXXXXX", tmp) };
    if (!mkdtemp(r->folder))
        fuzz_fail("no folder", tmp, strlen(tmp));
    db_path = in(r, "qlaw.db");
    ini = in(r, "g.ini");
    runs_write(ini, grid_text, strlen(grid_text));
    must(grid_load(&g, ini, &none, &err), &err);
    for (int i = 0; i < g->n_points; i++)
        for (int k = 0; k < g->points[i].n_seeds; k++)
            put_run(r, db_path, g, i, g->points[i].seeds[k]);
    put_grid(r, db_path, g);
    make_empty(r);
    grid_free(g);
    free(ini);
    free(db_path);
}

static int remove_one(const char *path, const struct stat *sb, int kind,
                      struct FTW *at)
{
    (void)sb;
    (void)kind;
    (void)at;
    return remove(path);
}

void runs_remove(struct runs *r)
{
    nftw(r->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    for (int i = 0; i < r->n; i++) {
        free(r->files[i].path);
        free(r->files[i].text);
    }
    free(r->files);
    free(r->empty);
    free(r->folder);
}

struct db *runs_database(const struct runs *r, const char *name)
{
    char *path = in(r, name), *journal = mem_printf("%s-journal", path);
    struct db *db;
    struct err err;

    unlink(journal);
    runs_write(path, r->empty, r->empty_size);
    must(db_open(&db, path, DB_WRITE, &err), &err);
    must(db_do(db, "PRAGMA synchronous=OFF", NULL, &err), &err);
    free(journal);
    free(path);
    return db;
}

void runs_check(struct db *db, const char *what, const char *input, size_t n)
{
    struct str lines = { 0 };
    struct err err;
    int problems;

    must(db_check(&problems, &lines, db, &err), &err);
    if (problems > 0) {
        fprintf(stderr, "%s\n", str_text(&lines));
        fuzz_fail(what, input, n);
    }
    str_release(&lines);
}
