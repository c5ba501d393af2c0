#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/wrap.h"
#include "fit/derived.h"
#include "fit/predict.h"
#include "fit/resample.h"
#include "harness/study/predictions.h"
#include "harness/study/preset_setting.h"
#include "harness/verbs/fit_cli.h"
#include "harness/verbs/verbs.h"

static const struct cli_option options[] = {
    { "fit", 0, "ID", "a fit of the database (see the view fits)" },
    { "published", 0, "SET", "constants of --law as its source gives them" },
    { "solve", 0, "WHAT",
      "N-opt D-opt loss-opt N-eff D-crit G-max split P-opt" },
    { "at", 0, "FILE", "a table of settings, '-' for standard input" },
    { "format", 0, "FORMAT", "table, csv, json or md, for many settings" },
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
            p->beyond > 10 /* or past 0 */ ? ": the interval holds only if the "
                                             "law does"
                                           : "");
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
        predictions_warning(&out, &warnings, FIT_EXTRAPOLATION, p->beyond_what);
    for (int i = 0; f && too_narrow(f) && i < f->n_warnings; i++)
        predictions_warning(&out, &warnings, f->warnings[i].code,
                            f->warnings[i].text);
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

/* --- one setting --------------------------------------------------------- */

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

static enum status ask_one(const struct cli *cli, const struct model *m,
                           const double *theta, const struct fit *f,
                           char *const *texts, int count, struct err *err)
{
    struct predictor *p = predictor_new(m, theta, f);
    struct prediction answer;
    int n;
    char **settings = preset_settings(&n, m, texts, count);
    enum status st;

    if (cli_value(cli, "solve", NULL)) {
        st = solve(cli, m, theta, f, settings, n, err);
    } else {
        st = predictor_ask(&answer, p, settings, n, err);
        if (st == OK && cli_flag(cli, "json"))
            print_json(&answer, m, f);
        else if (st == OK)
            print_text(&answer, m, f);
        if (st == OK)
            prediction_release(&answer);
    }
    settings_free(settings, n);
    predictor_free(p);
    return st;
}

/* --- many ---------------------------------------------------------------- */

/* What is asked of each of them. */
struct question {
    const struct model *m;
    const double *theta;
    const struct fit *f; /* NULL: the constants come from elsewhere */
    const char *solve;   /* NULL: the law's own value */
    struct predictor *at;
};

static enum status answer(struct prediction *out, const struct question *q,
                          char *const *texts, int n, struct err *err)
{
    struct derived d;
    enum status st;

    if (!q->solve)
        return predictor_ask(out, q->at, texts, n, err);
    st = derived_find(&d, q->solve, q->m, q->theta, q->f, texts, n, err);
    *out = (struct prediction){
        .value = d.value, .mean_lo = d.lo, .mean_hi = d.hi, .beyond = 1
    };
    if (st == OK && isnan(d.value))
        st = err_set(err, ERR_USAGE, "%s has no answer there", q->solve);
    return st;
}

/* The i-th answer, or why there is none. */
static enum status ask_at(struct predictions *out, const struct question *q,
                          const struct settings *s, size_t i, struct err *err)
{
    struct prediction a;
    char *why;
    int n;
    char **texts = settings_at(&n, &why, s, q->m, i);
    enum status st = why ? err_set(err, ERR_CONFIG, "%s", why)
                         : answer(&a, q, texts, n, err);

    if (st == OK) {
        predictions_add(out, i, &a);
        prediction_release(&a);
    } else {
        predictions_leave_out(out, i, err->text);
    }
    settings_free(texts, n);
    free(why);
    return st;
}

/* Where lists alone have no answer at all, the first says what is wrong with
 * them. */
static enum status ask_all(struct predictions *out, const struct question *q,
                           const struct settings *s, struct err *err)
{
    bool answered = false;

    for (size_t i = 0; i < s->count; i++) {
        struct err wrong;
        const enum status st = ask_at(out, q, s, i, &wrong);

        answered = answered || st == OK;
        if (i == 0 && st != OK)
            *err = wrong;
    }
    return answered || s->table ? OK : err->status;
}

static enum status ask_many(const struct cli *cli, struct question *q,
                            const struct settings *s, struct err *err)
{
    struct predictions *p = NULL;
    struct str text = { 0 };
    enum predictions_format format;
    enum status st = predictions_format_parse(
        &format,
        cli_value(cli, "format", cli_flag(cli, "json") ? "json" : "table"),
        err);

    if (st == OK && !q->solve)
        st = settings_complete(s, q->m, err);
    if (st == OK) {
        p = predictions_new(s, q->m, q->solve, format);
        q->at = predictor_new(q->m, q->theta, q->f);
        st = ask_all(p, q, s, err);
    }
    if (st == OK) {
        st = predictions_missing(p, err);
        if (st == OK || !cli_flag(cli, "strict"))
            predictions_text(&text, p, q->f, too_narrow(q->f));
    }
    fputs(str_text(&text), stdout);
    str_release(&text);
    predictor_free(q->at);
    predictions_free(p);
    return st;
}

/* --- whichever ----------------------------------------------------------- */

/* The setting that a question needs beyond those of the law, or NULL. */
static const char *needs_of(const char *solve)
{
    const struct derived_question *d;

    for (int i = 0; solve && (d = derived_at(i)); i++)
        if (strcmp(d->name, solve) == 0)
            return d->needs;
    return NULL;
}

static enum status ask(const struct cli *cli, const struct model *m,
                       const double *theta, const struct fit *f,
                       char *const *texts, int n, struct err *err)
{
    struct question q = {
        .m = m, .theta = theta, .f = f, .solve = cli_value(cli, "solve", NULL)
    };
    struct texts map = { .n = 0 };
    const struct settings_source from = { texts, n, cli_value(cli, "at", NULL),
                                          &map };
    struct settings s;
    enum status st;

    cli_texts(&map, cli, "map");
    st = settings_read(&s, &from, m, needs_of(q.solve), err);
    texts_release(&map);

    if (st == OK && (s.count > 1 || s.table || cli_value(cli, "format", NULL)))
        st = ask_many(cli, &q, &s, err);
    else if (st == OK)
        st = ask_one(cli, m, theta, f, texts, n, err);
    settings_release(&s);
    return st;
}

static enum status from_published(const struct cli *cli, struct err *err)
{
    const char *name = cli_value(cli, "law", NULL);
    const char *set = cli_value(cli, "published", NULL);
    const bool forgotten = strchr(set, '=') != NULL; /* "--published N=1M" */
    char **settings = mem_array((size_t)cli->n_args + 1, sizeof *settings);
    const int n = cli->n_args + forgotten;
    const struct law *law;
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
    if (st == OK && text_has_prefix(set, "--"))
        st = err_set(err, ERR_USAGE,
                     "--published needs the name of a set before %s: see "
                     "'qlaw laws %s'",
                     set, law->name);
    if (st == OK)
        st = predict_published(&theta, m, *set && !forgotten ? set : NULL, err);
    if (st == OK)
        st = ask(cli, m, theta, NULL, settings, n, err);
    free(settings);
    free(theta);
    fit_model_free(m);
    return st;
}

static enum status from_rows(struct cli *cli, struct err *err)
{
    struct fit_request rq = { .table = NULL };
    struct model *m = NULL;
    struct fit f;
    double id;
    enum status st = cli_number(&id, cli, "fit", 0, 1, 0x1p53, err);

    if (st == OK)
        st = id > 0 ? fit_request_stored(&rq, cli->session.db_path, (int64_t)id,
                                         err)
                    : fit_cli_request(&rq, cli, NULL, err);
    if (st == OK)
        st = fit_request_fit(&f, &m, &rq, err);
    if (st == OK) {
        st = ask(cli, m, f.best.theta, &f, cli->args, cli->n_args, err);
        if (st == OK)
            st = fit_request_sound(&f, err);
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
    .args = "NAME=VALUE[,VALUE]...",
    .min_args = 0,
    .max_args = -1,
    .summary = "what a law says of a setting, with intervals and by term",
    .example = "qlaw predict --fit 1 N=200k D=2M fmt=e2m1 G=32",
    .options = options,
    .detail = "The first interval is that of the law's value, the second that "
              "of one new run.\nHow far a setting lies beyond the data is "
              "said with it. Lists cross.",
    .run = run,
};
