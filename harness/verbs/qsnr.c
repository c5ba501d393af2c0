/* qsnr.c - which of two formats keeps more of a trained model's operands. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/str.h"
#include "base/text_table.h"
#include "base/wrap.h"
#include "db/statement.h"
#include "harness/proto/record.h"
#include "harness/store/run_find.h"
#include "harness/verbs/draw.h"
#include "harness/verbs/qsnr.h"
#include "harness/verbs/run_config.h"
#include "harness/verbs/verbs.h"
#include "post/error_model.h"
#include "post/qsnr.h"

#define FORMATS                                                                \
    "mxint8,mxfp8,mxint6,mxfp6,mxint4,mxfp4,nvint4,nvfp4" /* 2510.25602 */

static const struct cli_option options[] = {
    { "formats", 0, "A,B,...",
      "formats to compare, two and two (default: those of 2510.25602)" },
    { "rotate", 0, "N", "the same behind a rotation of N, too" },
    { "sequences", 0, "N", "training sequences (default 16)" },
    { "plot", 0, NULL, "draw them against crest factors, instead" },
    DRAW_OPTIONS,
    { "json", 0, NULL, "every matrix, as JSON; with --plot: the files" },
    { NULL, 0, NULL, NULL },
};

/* --- what is asked ------------------------------------------------------- */

static enum status add_formats(struct qsnr_formats *f, const char *list,
                               int rotate, struct err *err)
{
    char *copy = mem_strdup(list), *save = NULL;
    enum status st = OK;

    for (char *word = strtok_r(copy, ", ", &save); word && st == OK;
         word = strtok_r(NULL, ", ", &save)) {
        if (f->n == QSNR_MOST) {
            st = err_set(err, ERR_USAGE, "--formats: at most %d", QSNR_MOST);
            break;
        }
        f->text[f->n] =
            rotate ? mem_printf("%s/had%d", word, rotate) : mem_strdup(word);
        st = quant_parse(&f->spec[f->n], f->text[f->n], NULL, err);
        f->n++;
    }
    if (st == OK && f->n % 2)
        st = err_set(err, ERR_USAGE,
                     "--formats: they are compared two and two, which %d are "
                     "not",
                     f->n);
    free(copy);
    return st;
}

static enum status read_formats(struct qsnr_formats *f, const struct cli *cli,
                                struct err *err)
{
    const char *list = cli_value(cli, "formats", FORMATS);
    double rotate;
    enum status st = cli_number(&rotate, cli, "rotate", 0, 0, 4096, err);

    if (st == OK)
        st = add_formats(f, list, 0, err);
    if (st == OK && rotate > 0)
        st = add_formats(f, list, (int)rotate, err);
    return st;
}

/* The folder of a run that the database has, or that is named itself. */
static enum status find_folder(char **folder, const struct cli *cli,
                               struct err *err)
{
    char *config = mem_printf("%s/config.json", cli->args[0]);
    struct stat sb;
    const bool is_folder = stat(config, &sb) == 0;
    struct db *db = NULL;
    struct db_stmt *row = NULL;
    int64_t run;
    bool there = false;
    enum status st;

    free(config);
    *folder = is_folder ? mem_strdup(cli->args[0]) : NULL;
    if (is_folder)
        return OK;
    st = db_open(&db, cli->session.db_path, DB_READ, err);
    if (st == OK)
        st = run_find(&run, db, cli->args[0], err);
    if (st == OK)
        st = db_stmt_with(&row, db,
                          "SELECT point_id, seed FROM run WHERE run_id = :run",
                          DB_VALUES(DB_I("run", run)), err);
    if (st == OK)
        st = db_stmt_step(&there, row, err);
    if (there)
        *folder = record_folder(cli->session.db_path, db_text(row, 0),
                                (uint64_t)db_int(row, 1));
    db_stmt_close(row);
    db_close(db);
    return st;
}

/* --- what is said -------------------------------------------------------- */

/* Means over matrices, in dB, and how often the first of a pair wins. */
struct pair {
    double measured[2], model[2];
    int wins, model_wins, n;
};

static struct pair pair_of(const struct qsnr *q, int operand, int first)
{
    struct pair p = { .n = q->n_layer * LAYER_HEAD };

    for (int i = 0; i < p.n; i++) {
        double db[2], model[2];

        for (int k = 0; k < 2; k++) {
            const struct qsnr_cell *c =
                qsnr_at(q, i / LAYER_HEAD, (enum layer_kind)(i % LAYER_HEAD),
                        (enum quant_operand)operand, first + k);

            db[k] = qsnr_db(c, false);
            model[k] = qsnr_db(c, true);
            p.measured[k] += db[k] / p.n;
            p.model[k] += model[k] / p.n;
        }
        p.wins += db[0] > db[1];
        p.model_wins += model[0] > model[1];
    }
    return p;
}

static char *db_text_of(double x)
{
    return isfinite(x) ? mem_printf("%.1f", x) : mem_strdup("-");
}

static void print_crests(const struct qsnr *q)
{
    static const char *const head[] = { "operand", "line", "of 32", "of 16" };
    char *cells[4 * (OPERAND_COUNT + 1)];
    struct str out = { 0 };
    int n = 0;

    for (int i = 0; i < 4; i++)
        cells[n++] = mem_strdup(head[i]);
    for (int k = 0; k < OPERAND_COUNT; k++) {
        cells[n++] = mem_strdup(quant_operands[k]);
        for (int c = 0; c < QSNR_CUTS; c++)
            cells[n++] = mem_printf("%.2f %.2f %.2f", q->crest[k][c].q1,
                                    q->crest[k][c].median, q->crest[k][c].q3);
    }
    text_table(&out, cells, n, 4);
    say("crest factors, largest over root mean square: quartiles over parts\n"
        "%s\n",
        str_text(&out));
    str_release(&out);
    for (int i = 0; i < n; i++)
        free(cells[i]);
}

static void print_pairs(const struct qsnr *q, const struct qsnr_formats *f)
{
    static const char *const head[] = { "operand", "a",      "b",
                                        "a dB",    "b dB",   "model a",
                                        "model b", "a wins", "model" };
    const int columns = 9, rows = f->n / 2 * OPERAND_COUNT + 1;
    char **cells = mem_array((size_t)(columns * rows), sizeof *cells);
    struct str out = { 0 };
    int n = 0;

    for (int i = 0; i < columns; i++)
        cells[n++] = mem_strdup(head[i]);
    for (int first = 0; first < f->n; first += 2)
        for (int k = 0; k < OPERAND_COUNT; k++) {
            const struct pair p = pair_of(q, k, first);

            cells[n++] = mem_strdup(quant_operands[k]);
            cells[n++] = mem_strdup(f->text[first]);
            cells[n++] = mem_strdup(f->text[first + 1]);
            for (int i = 0; i < 2; i++)
                cells[n++] = db_text_of(p.measured[i]);
            for (int i = 0; i < 2; i++)
                cells[n++] = db_text_of(p.model[i]);
            cells[n++] = mem_printf("%d/%d", p.wins, p.n);
            cells[n++] = isfinite(p.model[0] + p.model[1])
                             ? mem_printf("%d/%d", p.model_wins, p.n)
                             : mem_strdup("-");
        }
    text_table(&out, cells, n, columns);
    say("signal over noise, means over the matrices of the blocks; a wins: "
        "matrices of which a keeps more; model: as the error model has it\n%s",
        str_text(&out));
    str_release(&out);
    for (int i = 0; i < n; i++)
        free(cells[i]);
    free(cells);
}

/* Where the error model has the two cross. */
static void print_crossovers(const struct qsnr_formats *f)
{
    for (int i = 0; i < f->n; i += 2) {
        double rho, at;

        if (!qsnr_pair_known(f, i) || f->spec[i].transform != QUANT_PLAIN)
            continue;
        rho = error_model_rho(&f->spec[i]);
        at = error_model_crossover(&f->spec[i], &f->spec[i + 1], rho, true);
        if (isfinite(at))
            say("the model has %s ahead of %s up to a crest factor of %.2f "
                "(rho %g)%s\n",
                f->text[i], f->text[i + 1], at, rho,
                at > sqrt(f->spec[i].group) ? ", more than a block can have"
                                            : "");
    }
}

static void add_matrix(struct str *out, const struct qsnr *q,
                       const struct qsnr_formats *f, int layer, int kind,
                       int operand)
{
    str_add(out, "{");
    json_add_number(out, "layer", layer);
    json_add_text(out, "kind", layer_rows[kind].name);
    json_add_text(out, "operand", quant_operands[operand]);
    str_add(out, ",\"formats\":[");
    for (int i = 0; i < f->n; i++) {
        const struct qsnr_cell *c = qsnr_at(q, layer, (enum layer_kind)kind,
                                            (enum quant_operand)operand, i);

        str_add(out, i ? ",{" : "{");
        json_add_text(out, "format", f->text[i]);
        json_add_number(out, "qsnr_db", qsnr_db(c, false));
        json_add_number(out, "model_db", qsnr_db(c, true));
        str_add(out, "}");
    }
    str_add(out, "]}");
}

static void print_json(const struct qsnr *q, const struct qsnr_formats *f)
{
    struct str out = { 0 };
    const int n = q->n_layer * LAYER_HEAD * OPERAND_COUNT;

    str_add(&out, "{");
    json_add_text(&out, "schema", "qlaw/qsnr/1");
    json_add_number(&out, "sequences", q->sequences);
    str_add(&out, ",\"crest\":{");
    for (int k = 0; k < OPERAND_COUNT; k++) {
        str_addf(&out, "%s\"%s\":{", k ? "," : "", quant_operands[k]);
        for (int c = 0; c < QSNR_CUTS; c++) {
            const struct qsnr_crest *r = &q->crest[k][c];

            str_addf(&out, "%s\"%d\":{", c ? "," : "", qsnr_cuts[c]);
            json_add_number(&out, "q1", r->q1);
            json_add_number(&out, "median", r->median);
            json_add_number(&out, "q3", r->q3);
            str_add(&out, "}");
        }
        str_add(&out, "}");
    }
    str_add(&out, "},\"matrices\":[");
    for (int i = 0; i < n; i++) {
        str_add(&out, i ? "," : "");
        add_matrix(&out, q, f, i / OPERAND_COUNT / LAYER_HEAD,
                   i / OPERAND_COUNT % LAYER_HEAD, i % OPERAND_COUNT);
    }
    str_add(&out, "]}\n");
    fputs(str_text(&out), stdout);
    str_release(&out);
}

/* --- the verb ------------------------------------------------------------ */

static enum status measure(struct qsnr *q, const struct qsnr_formats *f,
                           const char *folder, int sequences, struct err *err)
{
    struct run_io io = { .metrics_fd = -1,
                         .isa_cap = getenv("QLAW_ISA"),
                         .parent = folder };
    struct config *c = NULL;
    uint64_t seed, data_seed;
    char *path = mem_printf("%s/config.json", folder), *parent = NULL;
    enum status st = run_config_open(&c, &seed, &data_seed, path, err);

    if (st == OK && config_is_post(c))
        io.parent = parent = run_config_parent(folder, c, seed);
    if (st == OK && config_is_exec(c))
        st = err_set(err, ERR_UNSUPPORTED,
                     "%s: the operands of another trainer's model are not "
                     "known here",
                     folder);
    if (st == OK)
        st =
            qsnr_run(q, c, seed, data_seed, f->spec, f->n, sequences, &io, err);
    free(parent);
    free(path);
    config_free(c);
    return st;
}

static enum status draw(const struct qsnr *q, const struct qsnr_formats *f,
                        const struct draw *how, const struct cli *cli,
                        struct err *err)
{
    struct picture *p = qsnr_picture(q, f);

    return p ? draw_picture(p, "qsnr", how, cli_flag(cli, "json"), cli, err)
             : err_set(err, ERR_USAGE,
                       "--plot: the error model knows none of these pairs: "
                       "integers and floats scaled by groups");
}

/* What is about a picture goes with one. */
static enum status check_drawing(const struct cli *cli, struct err *err)
{
    static const struct cli_option drawing[] = { DRAW_OPTIONS };

    for (size_t i = 0; i < sizeof drawing / sizeof drawing[0]; i++)
        if (!cli_flag(cli, "plot") && cli_nth(cli, drawing[i].name, 0))
            return err_set(err, ERR_USAGE, "--%s goes with --plot",
                           drawing[i].name);
    return OK;
}

static enum status run(struct cli *cli, struct err *err)
{
    struct qsnr_formats f = { .n = 0 };
    struct qsnr q = { 0 };
    struct draw how;
    double sequences;
    char *folder = NULL;
    enum status st = cli_number(&sequences, cli, "sequences", 16, 1, 1e5, err);

    if (st == OK)
        st = draw_read(&how, cli, err);
    if (st == OK)
        st = check_drawing(cli, err);
    if (st == OK)
        st = read_formats(&f, cli, err);
    if (st == OK)
        st = find_folder(&folder, cli, err);
    if (st == OK)
        st = measure(&q, &f, folder, (int)sequences, err);
    if (st == OK && cli_flag(cli, "plot")) {
        st = draw(&q, &f, &how, cli, err);
    } else if (st == OK && cli_flag(cli, "json")) {
        print_json(&q, &f);
    } else if (st == OK) {
        print_crests(&q);
        print_pairs(&q, &f);
        print_crossovers(&f);
    }
    qsnr_release(&q);
    for (int i = 0; i < f.n; i++)
        free(f.text[i]);
    free(folder);
    return st;
}

const struct verb verb_qsnr = {
    .name = "qsnr",
    .args = "RUN|FOLDER",
    .min_args = 1,
    .max_args = 1,
    .summary = "which formats keep most of a trained model's operands",
    .example = "qlaw qsnr 17 --rotate 32",
    .options = options,
    .detail = "Measures the six operands of each linear layer of the blocks on "
              "training\nsequences, with the weights that the run left "
              "(run.keep_weights), else with those\nof the same training done "
              "again.",
    .run = run,
};
