#include <stdio.h>

#include "base/json.h"
#include "fit/report.h"
#include "harness/fit_request.h"
#include "harness/verbs.h"

static const struct cli_option options[] = {
    FIT_OPTION_ROWS,
    { "no-store", 0, NULL, "do not write the fit into the database" },
    { "json", 0, NULL, "report as JSON" },
    { NULL, 0, NULL, NULL },
};

/* A fit that cannot be stored is still worth reading. */
static int64_t keep(const struct fit_request *rq, const struct fit *f,
                    const struct cli *cli)
{
    struct err err = { 0 };
    int64_t id = 0;

    if (!rq->from_db || cli_flag(cli, "no-store"))
        return 0;
    if (fit_store(&id, rq, f, cli->db_path, &err) == OK)
        return id;
    cli_note(cli, "the fit is not stored: %s", err.text);
    return 0;
}

static void print(const struct fit_request *rq, const struct fit *f,
                  const struct cli *cli, int64_t id)
{
    struct str out = { 0 };

    if (cli_flag(cli, "json")) {
        report_json(&out, f);
        if (id)
            json_add_number(&out, "fit_id", (double)id);
        str_add(&out, "}\n");
    } else {
        if (id)
            str_addf(&out, "fit %lld: ", (long long)id);
        report_text(&out, f, rq->source);
    }
    fputs(str_text(&out), stdout);
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

static enum status run(struct cli *cli, struct err *err)
{
    struct fit_request rq;
    struct model *m = NULL;
    struct fit f;
    enum status st = fit_request_read(
        &rq, cli, cli->n_args ? cli->args[0] : NULL, err);

    if (st == OK)
        st = model_new(&m, rq.table, &rq.spec, err);
    if (st == OK)
        st = fit_run(&f, m, rq.table, &rq.spec, err);
    if (st == OK) {
        print(&rq, &f, cli, keep(&rq, &f, cli));
        st = verdict(&f, err);
        fit_release(&f);
    }
    model_free(m);
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
