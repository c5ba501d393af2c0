#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/wrap.h"
#include "fit/compare.h"
#include "fit/envelope.h"
#include "fit/holdout.h"
#include "fit/isoflop.h"
#include "fit/random.h"
#include "fit/report.h"
#include "fit/reported.h"
#include "fit/sensitivity.h"
#include "harness/verbs/fit_cli.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    FIT_OPTION_ROWS,
    { "holdout", 0, "RULE", "'N>=1M', largest:K or rolling:K: predict these" },
    { "test", 0, "CLAIM", "test alpha=beta, or gG=0 against gG>0" },
    { "report", 0, "'a = ...'",
      "a function of the parameters, with its interval" },
    { "compare", 0, "LAW,...",
      "rank laws, formulas: AICc, BIC, cross-validation" },
    { "random", 0, "E:COLUMN", "E differs between groups by chance (REML)" },
    { "isoflop", 0, "COLUMN", "the best size of each budget in this column" },
    { "envelope", 0, "COLUMN", "the best size along training curves, by run" },
    { "sensitivity", 0, NULL, "the same rows by every loss, in every space" },
    { "no-store", 0, NULL, "do not write the fit into the database" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

/* What belongs to one fit and is reported with it. */
struct outcome {
    struct fit fit;
    struct holdout holdout;
    struct nested *tests;
    int n_tests;
    struct reported *reported;
    int n_reported;
    struct sensitivity sensitivity;
    bool has_fit, has_holdout, has_sensitivity;
    int64_t id;
};

/* A fit that cannot be stored is still worth reading. */
static void keep(struct outcome *o, const struct fit_request *rq,
                 const struct cli *cli)
{
    struct err err = { 0 };

    if (!rq->from_db || cli_flag(cli, "no-store"))
        return;
    if (fit_store(&o->id, rq, &o->fit, o->has_holdout ? &o->holdout : NULL,
                  cli->session.db_path, &err) != OK)
        cli_note(cli, "the fit is not stored: %s", err.text);
}

static void print_json(const struct outcome *o)
{
    struct str out = { 0 };

    report_json(&out, &o->fit);
    if (o->has_holdout)
        holdout_json(&out, &o->holdout);
    else
        str_add(&out, ",\"holdout\":null");
    for (int i = 0; i < o->n_tests; i++) {
        str_add(&out, i ? "," : ",\"tests\":[");
        nested_json(&out, &o->tests[i]);
        str_add(&out, i + 1 == o->n_tests ? "]" : "");
    }
    if (o->n_reported)
        reported_json(&out, o->reported, o->n_reported);
    if (o->has_sensitivity)
        sensitivity_json(&out, &o->sensitivity);
    if (o->id)
        json_add_number(&out, "fit_id", (double)o->id);
    str_add(&out, "}\n");
    fputs(str_text(&out), stdout);
    str_release(&out);
}

static void print_text(const struct outcome *o, const struct fit_request *rq)
{
    struct str out = { 0 };

    if (o->id)
        str_addf(&out, "fit %lld: ", (long long)o->id);
    report_text(&out, &o->fit, rq->source);
    reported_text(&out, o->reported, o->n_reported);
    for (int i = 0; i < o->n_tests; i++)
        nested_text(&out, &o->tests[i]);
    if (o->has_holdout)
        holdout_text(&out, &o->holdout, o->fit.m);
    if (o->has_sensitivity)
        sensitivity_text(&out, &o->sensitivity);
    say_text(stdout, str_text(&out));
    str_release(&out);
}

static enum status verdict(const struct fit *f, struct err *err)
{
    if (fit_is_sound(f))
        return OK;
    return err_set(err, ERR_FIT,
                   fit_has(f, FIT_NOT_IDENTIFIABLE)
                       ? "the law is not identifiable from these rows"
                       : "the fit did not converge");
}

/* A warning of the fit itself, because a reader of intervals needs it. */
static void warn_beyond(struct outcome *o)
{
    if (o->holdout.all.beyond > 1 && !isfinite(o->holdout.all.beyond))
        fit_warn(&o->fit, FIT_EXTRAPOLATION,
                 "held-out rows lie beyond the rows fitted, on the other side "
                 "of 0 or at it");
    else if (o->holdout.all.beyond > 1)
        fit_warn(&o->fit, FIT_EXTRAPOLATION,
                 "held-out rows lie up to %.2g times outside the range of "
                 "the rows fitted",
                 o->holdout.all.beyond);
}

static enum status run_tests(struct outcome *o, const struct table *train,
                             const struct fit_request *rq,
                             const struct cli *cli, struct err *err)
{
    const char *claim;
    enum status st = OK;
    const int count = rq->spec.bootstrap > 0 ? rq->spec.bootstrap
                      : rq->spec.loss.kind != FIT_L2 || rq->spec.cluster ? 1000
                                                                         : 0;

    for (int i = 0; st == OK && (claim = cli_nth(cli, "test", i)); i++) {
        o->tests = mem_grow(o->tests, (size_t)i + 1, sizeof *o->tests);
        st = nested_run(&o->tests[o->n_tests++], &o->fit, train, &rq->spec,
                        claim, count, err);
    }
    return st;
}

static enum status find_reported(struct outcome *o, const struct cli *cli,
                                 struct err *err)
{
    const char *text;
    enum status st = OK;

    for (int i = 0; st == OK && (text = cli_nth(cli, "report", i)); i++) {
        o->reported = mem_grow(o->reported, (size_t)i + 1, sizeof *o->reported);
        st = reported_find(&o->reported[o->n_reported++], &o->fit, text, err);
    }
    return st;
}

/* Fit the rows that are not held out, then judge and test. */
static enum status run_fit(struct outcome *o, struct model **m,
                           struct table *train, const bool *held,
                           const struct fit_request *rq, const struct cli *cli,
                           struct err *err)
{
    const char *rule = cli_value(cli, "holdout", NULL);
    enum status st = fit_model_new(m, train, &rq->spec, err);

    if (st == OK)
        st = fit_run(&o->fit, *m, train, &rq->spec, err);
    if (st != OK)
        return st;
    o->has_fit = true;
    if (!held) /* else rows of the fit are not those of the request */
        fit_input_judge(&o->fit, rq, cli->session.db_path);
    if (held) {
        st = holdout_judge(&o->holdout, &o->fit, rq->table, held, &rq->spec,
                           rule, err);
        o->has_holdout = true;
        warn_beyond(o);
    }
    if (st == OK)
        st = find_reported(o, cli, err);
    if (st == OK && cli_flag(cli, "sensitivity")) {
        sensitivity_run(&o->sensitivity, &o->fit, train, &rq->spec);
        o->has_sensitivity = true;
    }
    return st == OK ? run_tests(o, train, rq, cli, err) : st;
}

static void release(struct outcome *o)
{
    for (int i = 0; i < o->n_tests; i++)
        nested_release(&o->tests[i]);
    free(o->tests);
    for (int i = 0; i < o->n_reported; i++)
        reported_release(&o->reported[i]);
    free(o->reported);
    if (o->has_holdout)
        holdout_release(&o->holdout);
    if (o->has_sensitivity)
        sensitivity_release(&o->sensitivity);
    if (o->has_fit)
        fit_release(&o->fit);
}

static enum status one_law(const struct fit_request *rq, const bool *held,
                           const struct cli *cli, struct err *err)
{
    struct outcome o = { .id = 0 };
    struct model *m = NULL;
    bool *train_rows = mem_array(rq->table->rows, sizeof *train_rows);
    struct table *train;
    enum status st;

    for (size_t i = 0; i < rq->table->rows; i++)
        train_rows[i] = !held || !held[i];
    train = table_select(rq->table, train_rows);
    st = run_fit(&o, &m, train, held, rq, cli, err);
    if (st == OK) {
        keep(&o, rq, cli);
        if (cli_flag(cli, "json"))
            print_json(&o);
        else
            print_text(&o, rq);
        st = verdict(&o.fit, err);
    }
    release(&o);
    fit_model_free(m);
    table_free(train);
    free(train_rows);
    return st;
}

/* --formula belongs to the list as much as what --compare names. */
static void list_contenders(char ***names, int *n, const struct fit_options *o)
{
    for (int i = 0; i < o->formula.n; i++)
        compare_names(names, n, o->formula.text[i]);
    if (o->law)
        compare_names(names, n, o->law);
    for (int i = 0; i < o->compare.n; i++)
        compare_names(names, n, o->compare.text[i]);
}

static enum status compare(const struct fit_request *rq, const bool *held,
                           const struct cli *cli, struct err *err)
{
    struct comparison c;
    struct str out = { 0 };
    char **names = NULL;
    int n = 0;
    enum status st;

    list_contenders(&names, &n, &rq->options);
    st = compare_run(&c, rq->table, held, &rq->spec, (const char *const *)names,
                     n, err);
    if (st == OK && cli_flag(cli, "json"))
        comparison_json(&out, &c);
    else if (st == OK)
        comparison_text(&out, &c, &rq->spec);
    cli_report(cli, str_text(&out));
    str_release(&out);
    comparison_release(&c);
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return st;
}

/* Profiles of budgets, which are no law. */
static enum status isoflop(const struct fit_request *rq, const struct cli *cli,
                           struct err *err)
{
    const char *column = rq->options.isoflop;
    struct isoflop f;
    struct str out = { 0 };
    const enum status st =
        isoflop_run(&f, rq->table, column, rq->spec.seed, err);

    if (f.n > 0 && cli_flag(cli, "json"))
        isoflop_json(&out, &f);
    else if (f.n > 0)
        isoflop_text(&out, &f, column, rq->source);
    if (cli_flag(cli, "json"))
        fputs(str_text(&out), stdout);
    else
        say_text(stdout, str_text(&out));
    str_release(&out);
    isoflop_release(&f);
    return st;
}

static enum status envelope(const struct fit_request *rq, const struct cli *cli,
                            struct err *err)
{
    struct envelope e;
    struct str out = { 0 };
    const enum status st =
        envelope_run(&e, rq->table, rq->options.envelope, err);

    if (e.n > 0 && cli_flag(cli, "json"))
        envelope_json(&out, &e);
    else if (e.n > 0)
        envelope_text(&out, &e, rq->source);
    cli_report(cli, str_text(&out));
    str_release(&out);
    envelope_release(&e);
    return st;
}

/* Constants that differ between groups by chance; such a fit is not stored,
 * because predictions would not know of them. */
static enum status mixed(const struct fit_request *rq, const struct cli *cli,
                         struct err *err)
{
    const char *texts[RANDOM_MOST + 1], *text;
    struct random_fit r = { .m = NULL };
    struct str out = { 0 };
    struct model *m = NULL;
    enum status st = fit_model_new(&m, rq->table, &rq->spec, err);
    int n = 0;

    while (n <= RANDOM_MOST && (text = cli_nth(cli, "random", n)))
        texts[n++] = text;
    if (st == OK)
        st = random_run(&r, m, rq->table, texts, n, rq->spec.seed, err);
    if (st == OK && cli_flag(cli, "json"))
        random_json(&out, &r);
    else if (st == OK)
        random_text(&out, &r, rq->source);
    cli_report(cli, str_text(&out));
    if (st == OK && !r.converged)
        st = err_set(err, ERR_FIT, "the fit did not converge");
    str_release(&out);
    random_release(&r);
    fit_model_free(m);
    return st;
}

/* What other answers would drop in silence. */
static enum status check_report(const struct cli *cli, struct err *err)
{
    static const char *const others[] = { "compare", "isoflop", "random" };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (cli_value(cli, "report", NULL) && cli_value(cli, others[i], NULL))
            return err_set(
                err, ERR_USAGE,
                "--report belongs to a fit of one law: leave out --%s",
                others[i]);
    return OK;
}

static enum status run(struct cli *cli, struct err *err)
{
    const char *rule = cli_value(cli, "holdout", NULL);
    struct fit_request rq;
    bool *held = NULL;
    enum status st =
        fit_cli_request(&rq, cli, cli->n_args ? cli->args[0] : NULL, err);

    if (st == OK && cli_value(cli, "compare", NULL) &&
        cli_value(cli, "test", NULL))
        st = err_set(err, ERR_USAGE,
                     "--test belongs to one law: leave out --compare, which "
                     "tests what is a special case of another");
    if (st == OK)
        st = check_report(cli, err);
    if (st == OK && cli_flag(cli, "sensitivity") &&
        (cli_flag(cli, "compare") || cli_flag(cli, "isoflop") ||
         cli_flag(cli, "random") || cli_flag(cli, "envelope")))
        st = err_set(err, ERR_USAGE,
                     "--sensitivity belongs to a fit of one law");
    if (st == OK && rule)
        st = holdout_split(&held, rq.table, rule, err);
    if (st == OK)
        st = rq.options.isoflop               ? isoflop(&rq, cli, err)
             : rq.options.envelope            ? envelope(&rq, cli, err)
             : cli_value(cli, "random", NULL) ? mixed(&rq, cli, err)
             : rq.options.compare.n           ? compare(&rq, held, cli, err)
                                              : one_law(&rq, held, cli, err);
    free(held);
    fit_request_release(&rq);
    return st;
}

const struct verb verb_fit = {
    .name = "fit",
    .args = "[GRID]",
    .min_args = 0,
    .max_args = 1,
    .summary = "fit a scaling law, with intervals and what is wrong with it",
    .example = "qlaw fit quickstart --law qat-delta --bootstrap 1000",
    .options = options,
    .detail = "Columns are variables, every other name of a formula is a "
              "parameter.\nThe objective is printed in full. Exit 8: not "
              "identifiable, or no convergence.",
    .run = run,
};
