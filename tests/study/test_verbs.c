/* fit, predict and laws as a person calls them, on a database with made-up
 * runs whose law is known. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "db/statement.h"
#include "harness/cli/cli.h"
#include "harness/study/request.h"
#include "harness/verbs/verbs.h"
#include "tests/check.h"

/* The verbs that this program knows. */
extern const struct verb verb_design, verb_import;
static const struct verb *const verbs[] = { &verb_fit, &verb_predict,
                                            &verb_laws, &verb_design,
                                            &verb_import };
#define N_VERBS (int)(sizeof verbs / sizeof verbs[0])

const struct verb *verb_at(int i)
{
    return i >= 0 && i < N_VERBS ? verbs[i] : NULL;
}

const struct verb *verb_find(const char *name)
{
    for (int i = 0; i < N_VERBS; i++)
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    return NULL;
}

/* --- running a command --------------------------------------------------- */

struct outcome {
    enum status status;
    struct err err;
    struct str out; /* stdout */
};

static void run(struct outcome *o, const char *command)
{
    char *copy = mem_strdup(command), *words[40], *next = copy;
    char path[] = "/tmp/qlaw-test-XXXXXX";
    const int fd = mkstemp(path), keep = dup(1);
    struct cli cli;
    bool done = false;
    int n = 0;

    *o = (struct outcome){ .status = OK };
    while ((words[n] = strsep(&next, "|")))
        n++;
    fflush(stdout);
    dup2(fd, 1);
    o->status = cli_parse(&cli, n, words, &done, &o->err);
    if (o->status == OK && !done)
        o->status = cli.verb->run(&cli, &o->err);
    fflush(stdout);
    dup2(keep, 1);
    close(keep);
    close(fd);
    cli_release(&cli);
    assert_int_equal(file_read(&o->out, path, 1 << 20, NULL), OK);
    unlink(path);
    free(copy);
}

/* printf-style command with | between its words. */
#define RUN(o, ...)                                                            \
    do {                                                                       \
        char *command_ = mem_printf(__VA_ARGS__);                              \
        run((o), command_);                                                    \
        free(command_);                                                        \
    } while (0)

static void check_says_out(const struct outcome *o, const char *text)
{
    if (!strstr(str_text(&o->out), text))
        fail_msg("'%s' is not in:\n%s", text, str_text(&o->out));
}

static double json_at(const json_t *root, const char *key)
{
    return json_number_value(json_object_get(root, key));
}

static const json_t *json_param(const json_t *root, const char *name)
{
    const json_t *list = json_object_get(root, "params");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *p = json_array_get(list, i);

        if (strcmp(json_string_value(json_object_get(p, "name")), name) == 0)
            return p;
    }
    fail_msg("no parameter %s", name);
    return NULL;
}

/* --- a database ---------------------------------------------------------- */

static char db_file[64];

struct format {
    const char *fmt;
    int e, m;
    double k; /* of qat-delta */
};

static const struct format formats[] = { { "int4", 0, 3, 0.16 },
                                         { "e2m1", 2, 1, 0.11 } };

static double true_loss(double n, double d, double g, double k)
{
    const double delta =
        g > 1 ? k * pow(d, 0.0745) * pow(log2(g), 0.7779) / pow(n, 0.2186) : 0;

    return 1.9279 + 237.7042 / pow(n, 0.3022) + 596.249 / pow(d, 0.3022) +
           delta;
}

static void put_point(struct db *db, int64_t n, int64_t d, int g,
                      const struct format *f, int seeds, int64_t *row)
{
    char id[32], twin[32];
    struct err err;
    const uint64_t key = rng_key(9, RNG_TEST, 1);

    snprintf(twin, sizeof twin, "%08x%08x", (unsigned)n, (unsigned)(d >> 8));
    snprintf(id, sizeof id, "%08x%04x%02x%02x", (unsigned)n,
             (unsigned)(d / 1000000000) & 0xffff, f ? f->m + 1 : 0, g);
    check_ok(
        db_do(db,
              "INSERT INTO point(point_id, config, twin_id, is_base, "
              "dataset_id, n_layer, d_model, n_embed, n_head_params, n_body, "
              "n_other, tokens, fmt, exp_bits, man_bits, group_size, "
              "flops_plan, mem_plan) "
              "VALUES(:point,'{}',:twin,:is_base,1,2,64,1000,1000,:N,10,:D,"
              ":fmt,:E,:M,:G,1,1)",
              DB_VALUES(DB_T("point", id), DB_T("twin", twin),
                        DB_I("is_base", !f), DB_I("N", n), DB_I("D", d),
                        DB_T("fmt", f ? f->fmt : "fp32"),
                        DB_R("E", f ? (double)f->e : NAN),
                        DB_R("M", f ? (double)f->m : NAN),
                        DB_R("G", f ? (double)g : NAN)),
              &err),
        err);
    check_ok(db_do(db,
                   "INSERT INTO grid_point(grid_id, point_id, ordinal, block, "
                   "seeds) VALUES(1,:point,0,'','[1,2,3]')",
                   DB_VALUES(DB_T("point", id)), &err),
             err);
    for (int s = 1; s <= seeds; s++) {
        const double loss =
            true_loss((double)n, (double)d, f ? g : 1, f ? f->k : 0) *
            exp(0.0005 * rng_normal(key, (uint64_t)*row));

        ++*row;
        check_ok(db_do(db,
                       "INSERT INTO run(run_id, point_id, seed, data_seed, "
                       "state) VALUES(:run,:point,:seed,:seed,'done')",
                       DB_VALUES(DB_I("run", *row), DB_T("point", id),
                                 DB_I("seed", s)),
                       &err),
                 err);
        check_ok(db_do(db,
                       "INSERT INTO result(run_id, loss, steps, tokens) "
                       "VALUES(:run,:loss,100,:D)",
                       DB_VALUES(DB_I("run", *row), DB_R("loss", loss),
                                 DB_I("D", d)),
                       &err),
                 err);
    }
}

static int make_database(void **state)
{
    static const int64_t sizes[] = { 74000000, 145000000, 297000000,
                                     594000000 };
    static const int64_t tokens[] = { 10000000000, 20000000000, 50000000000,
                                      100000000000 };
    struct err err;
    struct db *db;
    int64_t row = 0;

    (void)state;
    snprintf(db_file, sizeof db_file, "/tmp/qlaw-test-%d.db", (int)getpid());
    unlink(db_file);
    check_ok(db_open(&db, db_file, DB_WRITE, &err), err);
    check_ok(db_begin(db, &err), err);
    check_ok(db_do(db,
                   "INSERT INTO dataset(dataset_id, name, sha256, tokenizer, "
                   "vocab, n_tokens) VALUES(1,'x','y','bytes',256,1)",
                   NULL, &err),
             err);
    check_ok(db_do(db,
                   "INSERT INTO grid(grid_id, name, ini_text, ini_sha256, "
                   "argv) VALUES(1,'toy','[grid]\nname = toy\nlaw = "
                   "qat-delta ; of the paper\n','z','')",
                   NULL, &err),
             err);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            put_point(db, sizes[i], tokens[j], 1, NULL, 2, &row);
            for (int f = 0; f < 2; f++)
                for (int g = 32; g <= 128; g *= 2)
                    put_point(db, sizes[i], tokens[j], g, &formats[f], 2, &row);
        }
    check_ok(db_commit(db, &err), err);
    db_close(db);
    return 0;
}

static int remove_database(void **state)
{
    (void)state;
    unlink(db_file);
    return 0;
}

/* --- tests --------------------------------------------------------------- */

static json_t *fit_json(struct outcome *o, const char *more)
{
    struct err err;
    json_t *json;

    RUN(o, "qlaw|--db=%s|fit|toy|--json%s%s", db_file, *more ? "|" : "", more);
    check_ok(o->status, o->err);
    check_ok(json_parse(&json, str_text(&o->out), "stdout", &err), err);
    return json;
}

static void a_grid_names_its_law_and_formats_get_their_own_k(void **state)
{
    struct outcome o;
    json_t *fit = fit_json(&o, "");

    (void)state;
    assert_string_equal(json_string_value(json_object_get(fit, "schema")),
                        "qlaw/fit/1");
    assert_string_equal(json_string_value(json_object_get(fit, "law")),
                        "qat-delta");
    assert_int_equal((int)json_at(fit, "n_points"), 4 * 4 * 7 * 2);
    assert_int_equal((int)json_at(fit, "n_params"), 10);
    for (int f = 0; f < 2; f++) {
        char *name = mem_printf("k[%s]", formats[f].fmt);
        const json_t *k = json_param(fit, name);

        assert_true(json_at(k, "lo95") < formats[f].k &&
                    formats[f].k < json_at(k, "hi95"));
        free(name);
    }
    assert_string_equal(json_string_value(json_object_get(
                            json_param(fit, "k[fp32]"), "interval")),
                        "held");
    check_close(json_at(json_param(fit, "gG"), "value"), 0.7779, 0.1);
    json_decref(fit);
    str_release(&o.out);
}

static void a_stored_fit_is_in_the_views_and_predicts(void **state)
{
    struct outcome o, again;
    json_t *fit = fit_json(&o, "--where=D < 90000000000");
    const int id = (int)json_at(fit, "fit_id");
    const double e = json_at(json_param(fit, "E"), "value");
    struct err err;
    struct db *db;
    struct db_stmt *s;
    bool row;
    json_t *prediction;

    (void)state;
    assert_true(id > 0);
    check_ok(db_open(&db, db_file, DB_READ, &err), err);
    check_ok(db_stmt_with(&s, db,
                          "SELECT f.n_points, f.law, p.value, "
                          "(SELECT count(*) FROM fit_point q WHERE q.fit_id = "
                          "f.fit_id AND abs(observed - predicted) < 0.02) "
                          "FROM fits f JOIN fit_param p USING(fit_id) "
                          "WHERE f.fit_id = :fit AND p.name = 'E'",
                          DB_VALUES(DB_I("fit", id)), &err),
             err);
    check_ok(db_stmt_step(&row, s, &err), err);
    assert_true(row);
    assert_int_equal(db_int(s, 0), 4 * 3 * 7 * 2);
    check_close(db_real(s, 2), e, 0);
    assert_int_equal(db_int(s, 3), 4 * 3 * 7 * 2);
    db_stmt_close(s);
    db_close(db);
    str_release(&o.out);

    RUN(&o, "qlaw|--db=%s|predict|--fit=%d|--json|N=594M|D=100G|G=64|fmt=int4",
        db_file, id);
    check_ok(o.status, o.err);
    check_ok(json_parse(&prediction, str_text(&o.out), "stdout", &err), err);
    assert_true(json_at(prediction, "run_lo95") <
                true_loss(594e6, 1e11, 64, .16));
    assert_true(json_at(prediction, "run_hi95") >
                true_loss(594e6, 1e11, 64, .16));
    check_close(json_at(prediction, "extrapolation"), 2, 1e-12);
    assert_int_equal(json_array_size(json_object_get(prediction, "terms")), 4);
    json_decref(prediction);
    json_decref(fit);
    str_release(&o.out);

    /* A preset is its element in its groups; what is not fitted is said. */
    RUN(&o, "qlaw|--db=%s|predict|--fit=%d|N=594M|D=100G|fmt=nvfp4|--json",
        db_file, id);
    RUN(&again,
        "qlaw|--db=%s|predict|--fit=%d|N=594M|D=100G|fmt=e2m1|G=16|"
        "--json",
        db_file, id);
    check_ok(o.status, o.err);
    assert_string_equal(str_text(&o.out), str_text(&again.out));
    str_release(&o.out);
    str_release(&again.out);
    RUN(&o, "qlaw|--db=%s|predict|--fit=%d|N=594M|D=100G|fmt=mxfp8", db_file,
        id);
    assert_int_equal(o.status, ERR_USAGE);
    check_says(o.err, "fmt=mxfp8 was not fitted; there are:");
    str_release(&o.out);
    RUN(&o, "qlaw|--db=%s|predict|--fit=%d|N=594M|D=100G|G=64|fmt=int5",
        db_file, id);
    assert_int_equal(o.status, ERR_USAGE);
    check_says(o.err, "fmt=int5 was not fitted");
    str_release(&o.out);
    RUN(&o, "qlaw|--db=%s|predict|--fit=99|N=594M", db_file);
    assert_int_equal(o.status, ERR_USAGE);
    check_says(o.err, "holds no fit 99");
    str_release(&o.out);
}

static void paired_differences_are_fitted_without_a_base_law(void **state)
{
    struct outcome o;
    json_t *fit = fit_json(&o, "--paired|--no-store");

    (void)state;
    assert_string_equal(json_string_value(json_object_get(fit, "law")),
                        "qat-delta-paired");
    assert_int_equal((int)json_at(fit, "n_points"), 4 * 4 * 6 * 2);
    assert_null(json_object_get(fit, "fit_id"));
    check_close(json_at(json_param(fit, "gN"), "value"), 0.2186, 0.06);
    json_decref(fit);
    str_release(&o.out);
}

static void bits_of_the_formats_reach_the_capybara_law(void **state)
{
    struct outcome o;
    json_t *fit = fit_json(&o, "--law=capybara|--where=fmt != 'int4'"
                               "|--fix=delta=3.2|--fix=nu=3|--no-store");

    (void)state;
    assert_int_equal((int)json_at(fit, "n_points"), 4 * 4 * 4 * 2);
    json_decref(fit);
    str_release(&o.out);
}

static void held_out_sizes_and_claims_are_reported(void **state)
{
    struct outcome o;
    json_t *fit =
        fit_json(&o, "--holdout=largest:1|--test=alpha=beta|--no-store");
    const json_t *hold = json_object_get(fit, "holdout");
    const json_t *test = json_array_get(json_object_get(fit, "tests"), 0);

    (void)state;
    assert_int_equal((int)json_at(hold, "n_test"), 4 * 7 * 2);
    check_relative(json_at(hold, "rmse"), 0.0005, 0.5);
    check_close(json_at(hold, "beyond"), 2, 1e-9);
    assert_true(json_at(hold, "covered95") > 0.8);
    assert_int_equal((int)json_at(test, "df1"), 1);
    assert_true(json_at(test, "p") > 0.001); /* they are equal */
    json_decref(fit);
    str_release(&o.out);
}

static void laws_are_compared_on_the_same_rows(void **state)
{
    struct outcome o;

    (void)state;
    RUN(&o, "qlaw|--db=%s|fit|toy|--compare=qat-delta,epm,capybara", db_file);
    check_ok(o.status, o.err);
    check_says_out(&o, "224 rows that every law can use");
    /* The true law comes first. */
    assert_true(strstr(str_text(&o.out), "qat-delta") <
                strstr(str_text(&o.out), "epm"));
    str_release(&o.out);
}

static void wrong_commands_are_told_what_is_wrong(void **state)
{
    static const struct {
        const char *words, *says;
        enum status status;
    } table[] = {
        { "fit|nosuch", "no grid 'nosuch'", ERR_USAGE },
        { "fit|toy|--law=qatdelta", "did you mean 'qat-delta'", ERR_USAGE },
        { "fit|toy|--where=M <", "--where: ", ERR_USAGE },
        { "fit|toy|--where=1) ; drop table run --", "--where: ", ERR_USAGE },
        { "fit|toy|--where=N < 0", "no finished run", ERR_FIT },
        { "fit|toy|--where=N < 0|--where=N > 0", "no finished run", ERR_FIT },
        { "fit|toy|--where=N < 0 && D > 0|--where=N > 0", "no finished run",
          ERR_FIT },
        { "fit|toy|--n-def=bodies", "--n-def 'bodies'", ERR_USAGE },
        { "fit|toy|--bootsrap=10", "did you mean '--bootstrap'", ERR_USAGE },
        { "fit|toy|--bootstrap=-3", "outside", ERR_USAGE },
        { "fit|toy|--fix=bteta=1", "did you mean 'beta'", ERR_USAGE },
        { "fit|toy|--test=alpha", "not NAME=VALUE", ERR_USAGE },
        { "fit|toy|--holdout=largest:9", "fewer values", ERR_USAGE },
        { "fit|toy|--sensitivity|--compare=chinchilla,kaplan",
          "belongs to a fit of one law", ERR_USAGE },
        { "fit|toy|--data=x.csv", "give a grid or --data", ERR_USAGE },
        { "fit|--data=/nonexistent.csv|--law=kaplan", "cannot open", ERR_IO },
        { "predict|N=1M", "give --fit ID", ERR_USAGE },
        { "predict|--law=qat-delta|--published=W4A5|N=1M", "it has W4A4",
          ERR_USAGE },
        { "predict|--law=qat-delta|--published=W4A4|N=1M", "give a value for D",
          ERR_USAGE },
        { "predict|--law=qat-delta|--published=W4A4|N=1M|D=1G|H=3",
          "no variable 'H'", ERR_USAGE },
        { "predict|--law=chinchilla|--published=|--solve=N-otp|C=1e20",
          "did you mean 'N-opt'", ERR_USAGE },
        { "predict|--law=chinchilla|--published=|--solve=N-opt|D=1G",
          "N-opt needs C=NUMBER", ERR_USAGE },
        { "laws|chinchila", "did you mean 'chinchilla'", ERR_USAGE },
        { "import|/nonexistent.csv", "cannot open", ERR_IO },
        { "import|tsv|x.csv", "'tsv' is not csv or jsonl", ERR_USAGE },
        { "design|/nonexistent.ini", "nonexistent.ini", ERR_IO },
        { "design|" GRIDS "/manual.ini|--law=qat-delta|--param=gH",
          "no free parameter 'gH'", ERR_USAGE },
        { "design|" GRIDS "/manual.ini|--law=chinchila", "did you mean",
          ERR_USAGE },
        { "design", "give a grid, --candidates FILE or --data FILE",
          ERR_USAGE },
        { "design|" GRIDS "/manual.ini|--candidates=x.csv", "not both",
          ERR_USAGE },
        { "design|--candidates=x.csv|--set=a=b", "--set belongs to a grid",
          ERR_USAGE },
        { "design|--data=x.csv|--fit=1", "not both", ERR_USAGE },
        { "design|--data=/nonexistent.csv|--law=kaplan", "cannot open",
          ERR_IO },
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct outcome o;

        RUN(&o, "qlaw|-q|--db=%s|%s", db_file, table[i].words);
        if (o.status != table[i].status || !strstr(o.err.text, table[i].says))
            fail_msg("%s: status %d, '%s'", table[i].words, o.status,
                     o.err.text);
        str_release(&o.out);
    }
}

static void answers_derived_from_a_law_are_the_published_ones(void **state)
{
    static const struct {
        const char *words;
        double value, digits;
    } table[] = {
        /* arXiv:2501.02423: BF16 1730T, E4M3 27T, E2M1 0.4T at N = 1e9. */
        { "D-crit|N=1e9|E=8|M=7|B=128", 1729.5e12, 1e-4 },
        { "D-crit|N=1e9|E=4|M=3|B=128", 27.33e12, 2e-4 },
        { "D-crit|N=1e9|E=2|M=1|B=128", 0.393e12, 1e-3 },
        /* Closed forms of its sections 4.2 to 4.4, B = 128. */
        { "P-opt|C=1e24|D=1e11|B=128", 4.27, 2e-3 },
        { "P-opt|C=1e24|D=1e14|B=128", 7.62, 2e-3 },
        { "P-opt|C=1e21|B=128", 4.19, 2e-3 },
        { "P-opt|C=1e31|B=128", 7.58, 2e-3 },
        { "split|P=8|N=1e9|D=1e11|B=128", 0.5194 * 8 - 0.5, 1e-3 },
    };
    struct outcome o;

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct err err;
        json_t *json;

        RUN(&o, "qlaw|predict|--json|--law=capybara|--published=|--solve=%s",
            table[i].words);
        check_ok(o.status, o.err);
        check_ok(json_parse(&json, str_text(&o.out), "stdout", &err), err);
        check_relative(json_at(json, "value"), table[i].value, table[i].digits);
        json_decref(json);
        str_release(&o.out);
    }
    /* Effective multiplier of W4A4 at 595M, 100G, G = 32: equation 13. */
    RUN(&o, "qlaw|predict|--law=qat-delta|--published=W4A4|--solve=N-eff|"
            "N=595e6|D=100e9|G=32");
    check_says_out(&o, "N-eff = 0.7677");
    str_release(&o.out);
    /* Chinchilla's closed form N = G (C/6)^(b/(a+b)), by hand. */
    RUN(&o, "qlaw|predict|--json|--law=chinchilla|--published=hoffmann-rounded|"
            "--solve=N-opt|C=5.88e23");
    {
        const double a = 0.34, b = 0.28;
        const double want = pow(a * 406.4 / (b * 410.7), 1 / (a + b)) *
                            pow(5.88e23 / 6, b / (a + b));
        struct err err;
        json_t *json;

        check_ok(json_parse(&json, str_text(&o.out), "stdout", &err), err);
        check_relative(json_at(json, "value"), want, 1e-6);
        json_decref(json);
    }
    str_release(&o.out);
}

/* --- import and design --------------------------------------------------- */

static char *write_file(const char *name, const char *text)
{
    char *path = mem_printf("/tmp/qlaw-test-%d-%s", (int)getpid(), name);
    struct err err;

    check_ok(file_replace(path, text, strlen(text), &err), err);
    return path;
}

static void imported_tables_are_runs_once(void **state)
{
    char *csv = write_file("import.csv",
                           "params,D,val,fmt,G,E,M\n"
                           "1M,1G,3.5,none,1,,\n1M,1G,3.6,int4,32,0,3\n"
                           "1M,1G,3.65,int4,32,0,3\n2M,1G,3.3,none,1,,\n"
                           "2M,1G,3.38,e2m1,32,2,1\n2M,1G,nan,e2m1,64,2,1\n");
    struct outcome o;
    struct err err;
    struct db *db;
    struct db_stmt *s;
    bool row;

    (void)state;
    RUN(&o, "qlaw|--db=%s|import|csv|%s|--grid=paper|--map=N=params,loss=val",
        db_file, csv);
    check_ok(o.status, o.err);
    check_says_out(&o, "grid 'paper': 5 runs of 4 points");
    check_says_out(&o, "1 row is left out; line 7: loss is 'nan'");
    str_release(&o.out);
    RUN(&o, "qlaw|--db=%s|import|csv|%s|--grid=paper|--map=N=params,loss=val",
        db_file, csv);
    check_says_out(&o, "0 runs of 0 points, 5 there already");
    str_release(&o.out);
    RUN(&o,
        "qlaw|--db=%s|import|%s|--grid=paper|--map=N=params,loss=val|"
        "--map=bits=M",
        db_file, csv);
    assert_int_equal(o.status, ERR_USAGE);
    check_says(o.err, "line 3 of");
    check_says(o.err, "every run would stand twice");
    str_release(&o.out);
    RUN(&o, "qlaw|--db=%s|import|%s|--grid=new|--map=N=params,lss=val", db_file,
        csv);
    assert_int_equal(o.status, ERR_USAGE);
    check_says(o.err, "'lss' means nothing to import, did you mean 'loss'?");
    str_release(&o.out);
    RUN(&o, "qlaw|--db=%s|import|%s|--grid=paper", db_file, csv);
    assert_int_equal(o.status, ERR_USAGE);
    check_says(o.err, "no column 'N': name it with --map N=COLUMN");
    str_release(&o.out);
    RUN(&o,
        "qlaw|--db=%s|import|%s|--grid=other|--map=N=params,loss=val|"
        "--strict",
        db_file, csv);
    assert_int_equal(o.status, ERR_CONFIG);
    check_says(o.err, "--strict");
    str_release(&o.out);

    /* Twins are found: two differences of int4, one of e2m1. */
    check_ok(db_open(&db, db_file, DB_READ, &err), err);
    check_ok(db_stmt_open(&s, db,
                          "SELECT count(*), sum(delta), max(E), max(G), "
                          "(SELECT count(*) FROM grid WHERE name = 'other') "
                          "FROM deltas d JOIN grid_point USING(point_id) JOIN "
                          "grid g USING(grid_id) WHERE g.name = 'paper'",
                          &err),
             err);
    check_ok(db_stmt_step(&row, s, &err), err);
    assert_int_equal(db_int(s, 0), 2); /* seed 2 has no twin */
    check_close(db_real(s, 1), 0.1 + 0.08, 1e-12);
    check_close(db_real(s, 2), 2, 0);
    check_close(db_real(s, 3), 32, 0);
    assert_int_equal(db_int(s, 4), 0); /* rolled back */
    db_stmt_close(s);
    db_close(db);
    unlink(csv);
    free(csv);
}

static void a_plan_is_judged_before_its_first_run(void **state)
{
    static const char *const sets[] = { "train.tokens=100k,200k" };
    static const struct grid_options few = { .sets = sets, .n_sets = 1 };
    struct str out = { 0 };
    struct grid *g;
    struct err err;
    bool identifiable;

    (void)state;
    check_ok(grid_load(&g, GRIDS "/manual.ini", NULL, &err), err);
    check_ok(fit_plan_verdict(&out, &identifiable, g, NULL, 0.003, &err), err);
    assert_true(identifiable);
    assert_non_null(strstr(str_text(&out), "law qat-delta: 10 parameters"));
    grid_free(g);
    str_clear(&out);
    check_ok(grid_load(&g, GRIDS "/manual.ini", &few, &err), err);
    check_ok(fit_plan_verdict(&out, &identifiable, g, NULL, 0.003, &err), err);
    assert_false(identifiable);
    assert_non_null(strstr(str_text(&out), "NOT identifiable"));
    str_clear(&out);
    /* A law whose variables the grid does not know. */
    check_ok(
        fit_plan_verdict(&out, &identifiable, g, "muennighoff", 0.003, &err),
        err);
    assert_false(identifiable);
    assert_non_null(strstr(str_text(&out), "no column 'U'"));
    grid_free(g);
    str_release(&out);
}

static void a_design_lists_runs_by_what_they_tell(void **state)
{
    struct outcome o;
    struct err err;
    json_t *json;
    const json_t *runs;
    double last = HUGE_VAL;

    (void)state;
    RUN(&o, "qlaw|-q|design|" GRIDS "/manual.ini|--runs=12|--json");
    check_ok(o.status, o.err);
    check_ok(json_parse(&json, str_text(&o.out), "stdout", &err), err);
    runs = json_object_get(json, "runs");
    assert_int_equal(json_array_size(runs), 12);
    for (size_t i = 0; i < 12; i++) {
        const double se = json_at(json_array_get(runs, i), "se_after");

        assert_true(se < last);
        last = se;
    }
    json_decref(json);
    str_release(&o.out);
    RUN(&o, "qlaw|-q|design|" GRIDS "/manual.ini|--param=gG|--budget=1");
    check_ok(o.status, o.err);
    check_says_out(&o, "no run of the grid would add anything");
    str_release(&o.out);
}

/* Sums and lags along what a grid's rows share; each loss again from its sum. */
static void columns_of_a_grid_look_back_along_its_points(void **state)
{
    struct outcome o;
    struct err err;
    json_t *json;

    (void)state;
    RUN(&o,
        "qlaw|-q|--db=%s|fit|toy|--no-store|--json|"
        "--derive=s = cumsum(loss by point_id)|"
        "--derive=y = s - lag(s, 0 by point_id)|"
        "--formula=y = k*loss",
        db_file);
    check_ok(o.status, o.err);
    check_ok(json_parse(&json, str_text(&o.out), "stdout", &err), err);
    check_close(json_at(json_param(json, "k"), "value"), 1, 1e-12);
    json_decref(json);
    str_release(&o.out);
}

static void a_sensitivity_is_part_of_the_report(void **state)
{
    struct outcome o;
    struct err err;
    json_t *json;
    const json_t *s;

    (void)state;
    RUN(&o, "qlaw|-q|--db=%s|fit|toy|--no-store|--json|--sensitivity", db_file);
    check_ok(o.status, o.err);
    check_ok(json_parse(&json, str_text(&o.out), "stdout", &err), err);
    s = json_object_get(json, "sensitivity");
    assert_true(json_array_size(json_object_get(s, "fits")) >= 6);
    assert_true(json_array_size(json_object_get(s, "rows")) > 0);
    assert_non_null(json_object_get(s, "suggested"));
    json_decref(json);
    str_release(&o.out);
    RUN(&o, "qlaw|-q|--db=%s|fit|toy|--no-store|--sensitivity", db_file);
    check_says_out(&o, "choice of the loss");
    check_says_out(&o, "a delta for these rows: --loss huber:");
    str_release(&o.out);
}

/* The D-optimal runs of a straight line are its ends, unless they cost more than
 * they tell.  From x = 0, 0, 1, 0.9: .5/(4*1.81 - 1.9^2)^(1/4). */
static void candidates_come_from_a_table(void **state)
{
    char *made = write_file("made.csv", "x,y,who\n0,1.1,a\n0,0.9,b\n1,3,c\n");
    char *cand = write_file("cand.csv", "z,flops\n-1,4\n-.5,4\n0,4\n.5,4\n"
                                        "1,4\n.9,1\n");
    struct outcome o;

    (void)state;
    RUN(&o,
        "qlaw|-q|design|--data=%s|--candidates=%s|--map=x=z|--runs=2|"
        "--formula=y = a + b*x|--noise=.5",
        made, cand);
    check_ok(o.status, o.err);
    check_says_out(&o, "1           1           1       0.3622  line 7: x=0.9");
    check_says_out(&o, "line 2: x=-1");
    check_says_out(&o, "constants: fitted to the 3 rows");
    str_release(&o.out);
    RUN(&o,
        "qlaw|-q|design|--data=%s|--candidates=%s|--map=x=z|--runs=2|"
        "--formula=y = a + b*x|--at=x=-1|--only=flops == 4|--skip=x < 0",
        made, cand);
    check_ok(o.status, o.err);
    check_says_out(&o, "line 6: x=1");
    str_release(&o.out);
    RUN(&o, "qlaw|-q|design|--candidates=%s|--formula=y = a + b*x", cand);
    check_says(o.err, "has no variable"); /* x is called z there */
    str_release(&o.out);
    unlink(made);
    unlink(cand);
    free(made);
    free(cand);
}

/* May these rows tell this law?  Two token counts cannot, whatever the losses
 * will be. */
static void rows_without_losses_are_judged(void **state)
{
    char *two = write_file("two.csv", "N,D\n1M,100M\n1M,1G\n10M,100M\n10M,1G\n"
                                      "100M,100M\n100M,1G\n");
    char *three = write_file("three.csv",
                             "N,D\n1M,100M\n1M,1G\n1M,10G\n10M,100M\n10M,1G\n"
                             "10M,10G\n100M,100M\n100M,1G\n100M,10G\n");
    struct outcome o;
    struct err err;
    json_t *json;

    (void)state;
    RUN(&o, "qlaw|-q|design|--data=%s|--law=chinchilla", two);
    assert_int_equal(o.status, ERR_FIT);
    check_says_out(&o, "6 runs: NOT identifiable");
    check_says_out(&o, "cannot be told apart: E, B, beta");
    str_release(&o.out);
    RUN(&o, "qlaw|-q|design|--data=%s|--law=chinchilla|--at=N=1G,D=20G|--json",
        three);
    check_ok(o.status, o.err);
    check_ok(json_parse(&json, str_text(&o.out), "stdout", &err), err);
    assert_true(json_is_true(json_object_get(json, "identifiable")));
    assert_true(json_at(json, "se_at") > 0);
    assert_int_equal(json_array_size(json_object_get(json, "params")), 5);
    json_decref(json);
    str_release(&o.out);
    unlink(two);
    unlink(three);
    free(two);
    free(three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grid_names_its_law_and_formats_get_their_own_k),
        cmocka_unit_test(a_stored_fit_is_in_the_views_and_predicts),
        cmocka_unit_test(paired_differences_are_fitted_without_a_base_law),
        cmocka_unit_test(bits_of_the_formats_reach_the_capybara_law),
        cmocka_unit_test(held_out_sizes_and_claims_are_reported),
        cmocka_unit_test(laws_are_compared_on_the_same_rows),
        cmocka_unit_test(wrong_commands_are_told_what_is_wrong),
        cmocka_unit_test(answers_derived_from_a_law_are_the_published_ones),
        cmocka_unit_test(imported_tables_are_runs_once),
        cmocka_unit_test(a_plan_is_judged_before_its_first_run),
        cmocka_unit_test(a_design_lists_runs_by_what_they_tell),
        cmocka_unit_test(columns_of_a_grid_look_back_along_its_points),
        cmocka_unit_test(a_sensitivity_is_part_of_the_report),
        cmocka_unit_test(candidates_come_from_a_table),
        cmocka_unit_test(rows_without_losses_are_judged),
    };

    return cmocka_run_group_tests(tests, make_database, remove_database);
}
