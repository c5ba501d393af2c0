#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/wrap.h"
#include "fit/design.h"
#include "harness/fit_request.h"
#include "harness/grid_cli.h"
#include "harness/verbs.h"

static const struct cli_option options[] = {
    { "fit", 0, "ID", "a fit of the database: its rows are made already" },
    { "law", 0, "NAME", "without a fit: this law (default: the grid's)" },
    { "published", 0, "SET", "at these constants (default: the law's first)" },
    { "noise", 0, "X",
      "standard deviation of a run (default: the fit's, .003)" },
    { "param", 0, "NAME", "make this parameter certain" },
    { "at", 0, "N=1G,D=20G", "make the law certain there" },
    { "runs", 0, "K", "choose so many (default 10)" },
    { "budget", 0, "OPS", "spend at most so many operations" },
    GRID_CLI_OPTIONS,
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

struct request {
    struct fit_request stored; /* of --fit */
    struct model *m;
    struct fit fit;
    bool has_fit;
    struct fit_spec spec; /* without a fit */
    struct table *candidates;
    double noise;
    char *settings[32];
    int n_settings;
    char *at; /* what settings point into */
};

/* Runs of the grid that are among the rows of the fit are not candidates. */
static void drop_made(struct request *rq)
{
    const struct table *a = rq->candidates, *b = rq->stored.table;
    const int id = table_find(a, "point_id"), seed = table_find(a, "seed");
    bool *keep = mem_array(a->rows, sizeof *keep);
    struct table *kept;

    for (size_t i = 0; i < a->rows; i++) {
        keep[i] = true;
        for (size_t j = 0; j < b->rows && keep[i]; j++)
            keep[i] = strcmp(a->cols[id].text[i],
                             b->cols[table_find(b, "point_id")].text[j]) ||
                      strcmp(a->cols[seed].text[i],
                             b->cols[table_find(b, "seed")].text[j]);
    }
    kept = table_select(a, keep);
    table_free(rq->candidates);
    rq->candidates = kept;
    free(keep);
}

static enum status read_fit(struct request *rq, const struct cli *cli,
                            double id, struct err *err)
{
    enum status st = fit_request_stored(&rq->stored, cli, (int64_t)id, err);

    if (st == OK)
        st = fit_model_new(&rq->m, rq->stored.table, &rq->stored.spec, err);
    if (st == OK)
        st = fit_run(&rq->fit, rq->m, rq->stored.table, &rq->stored.spec, err);
    if (st != OK)
        return st;
    rq->has_fit = true;
    if (isnan(rq->noise))
        rq->noise = rq->fit.sigma > 0 ? rq->fit.sigma : 0.003;
    drop_made(rq);
    return OK;
}

static enum status read_law(struct request *rq, const struct cli *cli,
                            const char *of_grid, struct err *err)
{
    const struct law *law;
    const char *name = cli_value(cli, "law", of_grid ? of_grid : "qat-delta");
    enum status st = law_need(&law, name, err);

    if (st == OK)
        fit_spec_init(&rq->spec, law, NULL);
    if (isnan(rq->noise))
        rq->noise = 0.003;
    return st;
}

static enum status read_request(struct request *rq, const struct cli *cli,
                                struct err *err)
{
    struct grid *g = NULL;
    const char *at = cli_value(cli, "at", NULL);
    char *next;
    double id;
    enum status st =
        cli_number(&rq->noise, cli, "noise", (double)NAN, 1e-12, 1e3, err);

    if (st == OK)
        st = cli_number(&id, cli, "fit", 0, 1, 0x1p53, err);
    if (st == OK)
        st = grid_from_cli(&g, cli, err);
    if (st == OK)
        rq->candidates = fit_planned_runs(g, true);
    if (st == OK)
        st = id > 0 ? read_fit(rq, cli, id, err)
                    : read_law(rq, cli, g->law, err);
    grid_free(g);
    next = rq->at = mem_strdup(at ? at : "");
    while (at && rq->n_settings < 32 &&
           (rq->settings[rq->n_settings] = strsep(&next, ",")))
        rq->n_settings++;
    return st;
}

static void release(struct request *rq)
{
    if (rq->has_fit)
        fit_release(&rq->fit);
    fit_model_free(rq->m);
    fit_request_release(&rq->stored);
    fit_spec_release(&rq->spec);
    table_free(rq->candidates);
    free(rq->at);
}

/* --- reports ------------------------------------------------------------- */

static const char *goal_name(const struct cli *cli)
{
    return cli_value(cli, "param",
                     cli_value(cli, "at", "all parameters (D-optimal)"));
}

/* Has an earlier parameter told the same column? */
static bool is_told(const struct model *m, int slot)
{
    for (int k = 0; k < slot; k++)
        if (m->names[k].column &&
            strcmp(m->names[k].column, m->names[slot].column) == 0)
            return true;
    return false;
}

static void add_row(struct str *out, const struct design *d, size_t row)
{
    for (int k = 0, n = 0; k < d->m->n_names; k++) {
        const struct model_name *nm = &d->m->names[k];
        char buf[32];

        if (nm->values)
            str_addf(out, "%s%s=%s", n++ ? " " : "", nm->name,
                     text_si(buf, nm->values[row], 4));
        else if (nm->group && !is_told(d->m, k)) {
            const char *value = d->m->params[nm->first + nm->group[row]].name +
                                strlen(nm->name) + 1;

            str_addf(out, "%s%s=%.*s", n++ ? " " : "", nm->column,
                     (int)strlen(value) - 1, value);
        }
    }
}

static void print_text(const struct design *d, const struct design_pick *picks,
                       int n, double before, const struct cli *cli)
{
    struct str out = { 0 };
    bool identifiable;
    double spent = 0;
    char a[32], b[32];

    str_addf(&out, "goal: %s; standard error now %.3g\n", goal_name(cli),
             before);
    str_add(&out, "       operations  all so far   s.e. after  run\n");
    for (int i = 0; i < n; i++) {
        spent += picks[i].cost;
        str_addf(&out, "  %3d  %10s  %10s   %10.4g  ", i + 1,
                 text_si(a, picks[i].cost, 3), text_si(b, spent, 3),
                 picks[i].se);
        add_row(&out, d, picks[i].row);
        str_add(&out, "\n");
    }
    if (n == 0)
        str_add(&out, "  no run of the grid would add anything\n");
    str_add(&out, "\nwith these runs, ");
    design_verdict(&out, &identifiable, d);
    say_text(stdout, str_text(&out));
    str_release(&out);
}

static void print_json(const struct design *d, const struct design_pick *picks,
                       int n, double before, const struct cli *cli)
{
    struct str out = { 0 };

    str_add(&out, "{");
    json_add_text(&out, "schema", "qlaw/design/1");
    json_add_text(&out, "law", d->m->law ? d->m->law->name : "formula");
    json_add_text(&out, "goal", goal_name(cli));
    json_add_number(&out, "noise", d->sigma);
    json_add_number(&out, "se_before", before);
    str_add(&out, ",\"runs\":[");
    for (int i = 0; i < n; i++) {
        struct str row = { 0 };

        add_row(&row, d, picks[i].row);
        str_add(&out, i ? ",{" : "{");
        json_add_text(&out, "run", str_text(&row));
        json_add_number(&out, "number", (double)d->m->number[picks[i].row]);
        json_add_number(&out, "operations", picks[i].cost);
        json_add_number(&out, "se_after", picks[i].se);
        str_add_char(&out, '}');
        str_release(&row);
    }
    str_add(&out, "]}\n");
    fputs(str_text(&out), stdout);
    str_release(&out);
}

/* --- the verb ------------------------------------------------------------ */

static enum status choose(const struct request *rq, struct design *d,
                          const struct cli *cli, struct err *err)
{
    const struct design_goal goal = {
        .param = cli_value(cli, "param", NULL),
        .settings = rq->n_settings ? rq->settings : NULL,
        .n_settings = rq->n_settings,
    };
    struct design_pick *picks;
    double runs, budget, before = 0;
    int n = 0;
    enum status st = cli_number(&runs, cli, "runs", 10, 1, 10000, err);

    if (st == OK)
        st = cli_number(&budget, cli, "budget", HUGE_VAL, 1, HUGE_VAL, err);
    if (st != OK)
        return st;
    picks = mem_array((size_t)runs, sizeof *picks);
    st = design_choose(picks, &n, &before, d, &goal, (int)runs, budget, err);
    if (st == OK && cli_flag(cli, "json"))
        print_json(d, picks, n, before, cli);
    else if (st == OK)
        print_text(d, picks, n, before, cli);
    free(picks);
    return st;
}

static enum status run(struct cli *cli, struct err *err)
{
    struct request rq = { .noise = (double)NAN };
    struct design_source source = { .set = cli_value(cli, "published", NULL) };
    struct design d;
    enum status st = read_request(&rq, cli, err);

    if (st == OK) {
        source.fit = rq.has_fit ? &rq.fit : NULL;
        st = design_open(&d, rq.has_fit ? rq.stored.table : NULL, rq.candidates,
                         rq.has_fit ? &rq.stored.spec : &rq.spec, &source,
                         rq.noise, err);
    }
    if (st == OK) {
        for (int i = 0; i < d.n_missing; i++)
            cli_note(cli,
                     "no constant for %s is known: a middling %g is "
                     "assumed",
                     d.missing[i],
                     d.theta[model_find_param(d.m, d.missing[i])]);
        st = choose(&rq, &d, cli, err);
        design_close(&d);
    }
    release(&rq);
    return st;
}

const struct verb verb_design = {
    .name = "design",
    .args = "GRID.ini",
    .min_args = 1,
    .max_args = 1,
    .summary = "which runs of a grid would tell most per operation",
    .example = "qlaw design experiments/next.ini --fit 3 --param gG --runs 5",
    .options = options,
    .detail = "Without --param or --at, all parameters together (D-optimal).",
    .run = run,
};
