#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/wrap.h"
#include "fit/design.h"
#include "harness/verbs/design_request.h"
#include "harness/verbs/grid_cli.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "fit", 0, "ID", "a fit of the database: its rows are made already" },
    { "data", 0, "FILE", "a table: its rows are made, or sure to be" },
    { "candidates", 0, "FILE", "a table of runs to choose from, not a grid" },
    { "law", 0, "NAME", "without a fit: this law (default: the grid's)" },
    { "formula", 0, "TEXT", "or this one: 'loss = E + A/N^alpha'" },
    { "where", 0, "COND", "only these rows of --data" },
    { "map", 0, "NAME=COLUMN", "the law's NAME is called COLUMN here" },
    { "derive", 0, "'X = ...'", "a new column from the others" },
    { "published", 0, "SET", "at these constants (default: the law's first)" },
    { "start", 0, "A=1,...", "at these constants" },
    { "fix", 0, "A=B", "hold at a value, or tie to another parameter" },
    { "group-param", 0, "K:COL", "one K for each value of a column" },
    { "space", 0, "SPACE", "log, linear or relative (default: the law's)" },
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

struct choice {
    struct design_pick *picks;
    int n;
    double before; /* the goal's standard error without them */
};

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

static void print_text(const struct design *d, const struct choice *ch,
                       const struct design_request *rq, const struct cli *cli)
{
    struct str out = { 0 };
    bool identifiable;
    double spent = 0;
    char a[32], b[32];

    str_addf(&out, "goal: %s; standard error now %.3g\n", goal_name(cli),
             ch->before);
    str_add(&out, "       operations  all so far   s.e. after  run\n");
    for (int i = 0; i < ch->n; i++) {
        spent += ch->picks[i].cost;
        str_addf(&out, "  %3d  %10s  %10s   %10.4g  ", i + 1,
                 text_si(a, ch->picks[i].cost, 3), text_si(b, spent, 3),
                 ch->picks[i].se);
        if (!rq->from_grid)
            str_addf(&out,
                     "line %lld: ", (long long)d->m->number[ch->picks[i].row]);
        add_row(&out, d, ch->picks[i].row);
        str_add(&out, "\n");
    }
    if (ch->n == 0)
        str_addf(&out, "  no %s would add anything\n",
                 rq->from_grid ? "run of the grid" : "candidate");
    str_add(&out, "\nwith these runs, ");
    design_verdict(&out, &identifiable, d);
    str_addf(&out, "  constants: %s\n", rq->constants);
    say_text(stdout, str_text(&out));
    str_release(&out);
}

/* ,"identifiable":..., and what the rows made promise of each parameter. */
static void add_verdict(struct str *out, const struct design *d)
{
    double *se = mem_array((size_t)d->m->n_free, sizeof *se), condition;

    design_errors(se, &condition, d);
    str_addf(out, ",\"identifiable\":%s",
             design_identifiable(d, se, condition) ? "true" : "false");
    json_add_number(out, "condition", condition);
    str_add(out, ",\"params\":[");
    for (int f = 0; f < d->m->n_free; f++) {
        const int i = model_param_of(d->m, f);

        str_add(out, f ? ",{" : "{");
        json_add_text(out, "name", d->m->params[i].name);
        json_add_number(out, "assumed", d->theta[i]);
        json_add_number(out, "se",
                        se[f] * (d->work->is_log[f] ? fabs(d->theta[i]) : 1));
        str_add_char(out, '}');
    }
    str_add(out, "]");
    free(se);
}

static void open_json(struct str *out, const struct design *d,
                      const struct design_request *rq)
{
    str_add(out, "{");
    json_add_text(out, "schema", "qlaw/design/1");
    json_add_text(out, "law", d->m->law ? d->m->law->name : "formula");
    json_add_text(out, "constants", rq->constants);
    json_add_number(out, "noise", d->sigma);
}

static void print_json(const struct design *d, const struct choice *ch,
                       const struct design_request *rq, const struct cli *cli)
{
    struct str out = { 0 };

    open_json(&out, d, rq);
    json_add_text(&out, "goal", goal_name(cli));
    json_add_number(&out, "se_before", ch->before);
    str_add(&out, ",\"runs\":[");
    for (int i = 0; i < ch->n; i++) {
        const struct design_pick *p = &ch->picks[i];
        struct str row = { 0 };

        add_row(&row, d, p->row);
        str_add(&out, i ? ",{" : "{");
        json_add_text(&out, "run", str_text(&row));
        json_add_number(&out, "number", (double)d->m->number[p->row]);
        json_add_number(&out, "operations", p->cost);
        json_add_number(&out, "se_after", p->se);
        str_add_char(&out, '}');
        str_release(&row);
    }
    str_add(&out, "]");
    add_verdict(&out, d);
    str_add(&out, "}\n");
    fputs(str_text(&out), stdout);
    str_release(&out);
}

/* --- the verb ------------------------------------------------------------ */

static enum status choose(const struct design_request *rq, struct design *d,
                          const struct cli *cli, struct err *err)
{
    const struct design_goal goal = {
        .param = cli_value(cli, "param", NULL),
        .settings = rq->n_settings ? (char *const *)rq->settings : NULL,
        .n_settings = rq->n_settings,
    };
    struct choice ch = { .n = 0 };
    double runs, budget;
    enum status st = cli_number(&runs, cli, "runs", 10, 1, 10000, err);

    if (st == OK)
        st = cli_number(&budget, cli, "budget", HUGE_VAL, 1, HUGE_VAL, err);
    if (st != OK)
        return st;
    ch.picks = mem_array((size_t)runs, sizeof *ch.picks);
    st = design_choose(ch.picks, &ch.n, &ch.before, d, &goal, (int)runs, budget,
                       err);
    if (st == OK && cli_flag(cli, "json"))
        print_json(d, &ch, rq, cli);
    else if (st == OK)
        print_text(d, &ch, rq, cli);
    free(ch.picks);
    return st;
}

/* No candidates: may these rows tell this law? */
static enum status judge(const struct design_request *rq, struct design *d,
                         const struct cli *cli, struct err *err)
{
    struct str out = { 0 };
    bool identifiable;
    double se = 0;
    enum status st = rq->n_settings ? design_prediction(&se, d, rq->settings,
                                                        rq->n_settings, err)
                                    : OK;

    if (st != OK)
        return st;
    design_verdict(&out, &identifiable, d);
    str_addf(&out, "  constants: %s\n", rq->constants);
    if (rq->n_settings)
        str_addf(&out, "  the law at %s: standard error %.2g%s\n",
                 cli_value(cli, "at", ""), se,
                 d->m->space == FIT_LINEAR ? "" : " (relative)");
    if (cli_flag(cli, "json")) {
        str_release(&out);
        open_json(&out, d, rq);
        if (rq->n_settings)
            json_add_number(&out, "se_at", se);
        add_verdict(&out, d);
        str_add(&out, "}\n");
        fputs(str_text(&out), stdout);
    } else {
        say_text(stdout, str_text(&out));
    }
    str_release(&out);
    return identifiable ? OK
                        : err_set(err, ERR_FIT,
                                  "the law is not identifiable from these "
                                  "rows");
}

static void tell(const struct design *d, const struct cli *cli)
{
    for (int i = 0; i < d->n_missing; i++)
        cli_note(cli, "no constant for %s is known: a middling %g is assumed",
                 d->missing[i],
                 d->theta[model_find_param(d->m, d->missing[i])]);
    if (d->m->n_left_out)
        cli_note(cli, "%d row%s cannot be used, %s %lld: %s", d->m->n_left_out,
                 d->m->n_left_out == 1 ? "" : "s", d->m->noun,
                 (long long)d->m->left_out[0].number, d->m->left_out[0].why);
}

static enum status run(struct cli *cli, struct err *err)
{
    struct design_request rq;
    struct design_source source = { .set = cli_value(cli, "published", NULL) };
    struct design d;
    enum status st = design_request_read(&rq, cli, err);

    if (st == OK) {
        source.fit = rq.has_fit ? &rq.fit : NULL;
        st = design_open(&d, design_request_made(&rq), rq.candidates,
                         design_request_spec(&rq), &source, rq.noise, err);
    }
    if (st == OK) {
        tell(&d, cli);
        st = rq.candidates ? choose(&rq, &d, cli, err)
                           : judge(&rq, &d, cli, err);
        design_close(&d);
    }
    design_request_release(&rq);
    return st;
}

const struct verb verb_design = {
    .name = "design",
    .args = "[GRID.ini]",
    .min_args = 0,
    .max_args = 1,
    .summary = "which runs would tell most, and whether runs tell a law",
    .example = "qlaw design experiments/next.ini --fit 3 --param gG --runs 5",
    .options = options,
    .detail = "Without --param or --at, all parameters together (D-optimal).  "
              "Runs to choose from\nare a grid or --candidates; without either "
              "it says whether the rows of --data,\nmeasured or not, tell the "
              "law apart (exit 8: no).",
    .run = run,
};
