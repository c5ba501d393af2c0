#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/wrap.h"
#include "fit/derived.h"
#include "fit/predict.h"
#include "fit/resample.h"
#include "harness/fit_request.h"
#include "harness/preset_setting.h"
#include "harness/verbs.h"

static const struct cli_option options[] = {
    { "fit", 0, "ID", "a fit of the database (see the view fits)" },
    { "published", 0, "SET", "constants of --law as its source gives them" },
    { "solve", 0, "WHAT",
      "N-opt D-opt loss-opt N-eff D-crit G-max split P-opt" },
    FIT_OPTION_ROWS,
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

static void print_terms(const struct prediction *p, const struct model *m)
{
    struct str out = { 0 };

    for (int i = 0; i < p->n_terms; i++) {
        str_addf(&out, "%s%.4f ", i ? " + " : "", p->term[i]);
        predict_term_name(&out, m, i);
    }
    if (p->n_terms > 1)
        say("    %s\n", str_text(&out));
    str_release(&out);
}

/* What the fit warns of and these intervals know nothing of. */
static const char *too_narrow(const struct fit *f)
{
    if (!f || resample_has(f))
        return NULL;
    return fit_has(f, FIT_CLUSTERED_ROWS) ? "rows that err together (--cluster)"
           : fit_has(f, FIT_LACK_OF_FIT)  ? "lack of fit (--bootstrap 1000)"
           : fit_has(f, FIT_OUTLIERS)     ? "outliers (--bootstrap 1000)"
                                          : NULL;
}

static void print_text(const struct prediction *p, const struct model *m,
                       const struct fit *f)
{
    const char *warned = too_narrow(f);

    say("%s = %.6g", m->response, p->value);
    say("\n");
    print_terms(p, m);
    if (!isnan(p->mean_lo))
        say("    95 %%: [%.6g, %.6g] for the law, [%.6g, %.6g] for a run\n",
            p->mean_lo, p->mean_hi, p->run_lo, p->run_hi);
    else
        say("    no interval\n");
    if (!isnan(p->mean_lo) && warned)
        say("    too narrow: the fit warns of %s\n", warned);
    if (p->beyond_what)
        say("    extrapolates %s beyond the data%s\n", p->beyond_what,
            p->beyond > 10 /* or past 0 */ ? ": the interval holds only if the law does" : "");
}

static void add_warning(struct str *out, int *n, enum fit_code code,
                        const char *text)
{
    str_add(out, (*n)++ ? ",{" : "{");
    json_add_text(out, "code", fit_code_text(code));
    json_add_text(out, "text", text);
    str_add(out, "}");
}

static void print_json(const struct prediction *p, const struct model *m,
                       const struct fit *f)
{
    struct str out = { 0 };
    int warnings = 0;

    str_add(&out, "{");
    json_add_text(&out, "schema", "qlaw/predict/1");
    json_add_text(&out, "law", m->law ? m->law->name : "formula");
    json_add_number(&out, "value", p->value);
    json_add_number(&out, "mean_lo95", p->mean_lo);
    json_add_number(&out, "mean_hi95", p->mean_hi);
    json_add_number(&out, "run_lo95", p->run_lo);
    json_add_number(&out, "run_hi95", p->run_hi);
    json_add_number(&out, "extrapolation", p->beyond);
    str_add(&out, ",\"terms\":[");
    for (int i = 0; i < p->n_terms; i++) {
        struct str name = { 0 };

        predict_term_name(&name, m, i);
        str_add(&out, i ? ",{" : "{");
        json_add_text(&out, "name", str_text(&name));
        json_add_number(&out, "value", p->term[i]);
        str_add_char(&out, '}');
        str_release(&name);
    }
    str_add(&out, "],\"warnings\":[");
    if (p->beyond_what)
        add_warning(&out, &warnings, FIT_EXTRAPOLATION, p->beyond_what);
    for (int i = 0; f && too_narrow(f) && i < f->n_warnings; i++)
        add_warning(&out, &warnings, f->warnings[i].code, f->warnings[i].text);
    str_add(&out, "]}");
    puts(str_text(&out));
    str_release(&out);
}

static void print_derived(const struct cli *cli, const struct derived *d,
                          const struct model *m)
{
    struct str out = { 0 };

    if (cli_flag(cli, "json")) {
        str_add(&out, "{");
        json_add_text(&out, "schema", "qlaw/solve/1");
        json_add_text(&out, "law", m->law ? m->law->name : "formula");
        json_add_text(&out, "what", d->question->name);
        json_add_text(&out, "meaning", d->question->meaning);
        json_add_number(&out, "value", d->value);
        json_add_number(&out, "lo95", d->lo);
        json_add_number(&out, "hi95", d->hi);
        json_add_number(&out, "without_answer", d->none);
        str_add(&out, "}\n");
    } else {
        str_addf(&out, "%s = ", d->question->name);
        str_addf(&out, isnan(d->value) ? "none" : "%.6g", d->value);
        if (!isnan(d->lo))
            str_addf(&out, "   95 %% [%.6g, %.6g]", d->lo, d->hi);
        str_addf(&out, "\n    %s\n", d->question->meaning);
        if (d->none)
            str_addf(&out, "    %d bootstrap refits have none\n", d->none);
    }
    cli_report(cli, str_text(&out));
    str_release(&out);
}

/* What was asked, of parameters with or without a fit behind them. */
static enum status solve(const struct cli *cli, const struct model *m,
                         const double *theta, const struct fit *f,
                         char *const *settings, int n, struct err *err)
{
    struct derived d;
    enum status st = derived_find(&d, cli_value(cli, "solve", ""), m, theta, f,
                                  settings, n, err);

    if (st == OK)
        print_derived(cli, &d, m);
    return st;
}

static void print(const struct cli *cli, const struct prediction *p,
                  const struct model *m, const struct fit *f)
{
    if (cli_flag(cli, "json"))
        print_json(p, m, f);
    else
        print_text(p, m, f);
}

static enum status from_published(const struct cli *cli, struct err *err)
{
    const char *name = cli_value(cli, "law", NULL);
    const char *set = cli_value(cli, "published", NULL);
    const bool forgotten = strchr(set, '=') != NULL; /* "--published N=1M" */
    char **settings = mem_array((size_t)cli->n_args + 1, sizeof *settings);
    const int n = cli->n_args + forgotten;
    const struct law *law;
    struct prediction p;
    struct model *m = NULL;
    double *theta = NULL;
    enum status st;

    for (int i = 0; i < cli->n_args; i++)
        settings[i] = cli->args[i];
    settings[cli->n_args] = (char *)set;
    st = name ? law_need(&law, name, err)
              : err_set(err, ERR_USAGE, "--published needs --law");
    if (st == OK && cli_flag(cli, "paired") && law->paired)
        law = law_find(law->paired);
    if (st == OK)
        st = model_of_law(&m, law, err);
    if (st == OK)
        st = predict_published(&theta, m, *set && !forgotten ? set : NULL, err);
    if (st == OK && cli_value(cli, "solve", NULL)) {
        st = solve(cli, m, theta, NULL, settings, n, err);
    } else if (st == OK) {
        st = predict_value(&p, m, theta, settings, n, err);
        if (st == OK)
            print(cli, &p, m, NULL);
        if (st == OK)
            prediction_release(&p);
    }
    free(settings);
    free(theta);
    fit_model_free(m);
    return st;
}

static void free_list(char **list, int n)
{
    for (int i = 0; i < n; i++)
        free(list[i]);
    free(list);
}

static enum status ask(const struct cli *cli, const struct fit *f,
                       struct err *err)
{
    struct prediction p;
    int n;
    char **settings = preset_settings(&n, f->m, cli->args, cli->n_args);
    enum status st;

    if (cli_value(cli, "solve", NULL)) {
        st = solve(cli, f->m, f->best.theta, f, settings, n, err);
    } else {
        st = predict_point(&p, f, settings, n, err);
        if (st == OK) {
            print(cli, &p, f->m, f);
            prediction_release(&p);
        }
    }
    free_list(settings, n);
    if (st == OK && !fit_is_sound(f))
        st = err_set(err, ERR_FIT,
                     "the fit behind this is not sound: see 'qlaw fit'");
    return st;
}

static enum status from_rows(struct cli *cli, struct err *err)
{
    struct fit_request rq = { .grid = NULL };
    struct model *m = NULL;
    struct fit f;
    double id;
    enum status st = cli_number(&id, cli, "fit", 0, 1, 0x1p53, err);

    if (st == OK)
        st = id > 0 ? fit_request_stored(&rq, cli, (int64_t)id, err)
                    : fit_request_read(&rq, cli, NULL, err);
    if (st == OK)
        st = fit_model_new(&m, rq.table, &rq.spec, err);
    if (st == OK)
        st = fit_run(&f, m, rq.table, &rq.spec, err);
    if (st == OK) {
        st = ask(cli, &f, err);
        fit_release(&f);
    }
    fit_model_free(m);
    fit_request_release(&rq);
    return st;
}

static enum status run(struct cli *cli, struct err *err)
{
    if (cli_value(cli, "published", NULL))
        return from_published(cli, err);
    if (!cli_value(cli, "fit", NULL) && !cli_value(cli, "data", NULL))
        return err_set(err, ERR_USAGE,
                       "give --fit ID, --data FILE or --law NAME --published "
                       "SET");
    return from_rows(cli, err);
}

const struct verb verb_predict = {
    .name = "predict",
    .args = "NAME=VALUE...",
    .min_args = 0,
    .max_args = -1,
    .summary = "what a law says of a setting, with intervals and by term",
    .example = "qlaw predict --fit 1 N=200k D=2M fmt=e2m1 G=32",
    .options = options,
    .detail = "The first interval is that of the law's value, the second that "
              "of one new run.\nHow far the setting lies beyond the data is "
              "said with it.",
    .run = run,
};
